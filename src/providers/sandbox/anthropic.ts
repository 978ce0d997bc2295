import type { JsonRecord } from '../../llm/record.ts';
import { recordOf } from '../../llm/record.ts';
import { eventText } from '../../llm/sse.ts';
import { halves } from './openai-chat.ts';
import type { Prompt, ToolChoice } from './prompt.ts';
import { listOf, promptOf, textsOf, toolOf } from './prompt.ts';
import type { Reply } from './reply.ts';

/** Reads a request of the Messages API; null if it has no messages. */
export function readMessages(body: JsonRecord): Prompt | null {
  if (!Array.isArray(body['messages'])) return null;
  const turns = body['messages'].map((value: unknown) => {
    const message = recordOf(value);
    return { fromUser: message['role'] === 'user', texts: textsOf(message['content']) };
  });
  const tools = listOf(body['tools']).flatMap((value) =>
    toolOf(recordOf(value)['name'], recordOf(value)['input_schema']),
  );
  const system = { fromUser: false, texts: textsOf(body['system']) };
  return promptOf([system, ...turns], tools, toolChoice(recordOf(body['tool_choice'])));
}

function toolChoice({ type, name }: JsonRecord): ToolChoice {
  if (type === 'none' || type === 'any') return type;
  return type === 'tool' && typeof name === 'string' ? { name } : 'auto';
}

/** A whole message. */
export function messagesAnswer(reply: Reply): string {
  const { text, toolCall } = reply;
  const block =
    toolCall === null ? { type: 'text', text } : { ...toolUse(reply), input: JSON.parse(toolCall.args) as unknown };
  return JSON.stringify({
    ...messageOf(reply),
    content: [block],
    stop_reason: stopReason(reply),
    usage: usageOf(reply, reply.outputTokens),
  });
}

function messageOf(reply: Reply): JsonRecord {
  return {
    id: `msg_${reply.id}`,
    type: 'message',
    role: 'assistant',
    model: reply.model,
    content: [],
    stop_reason: null,
    stop_sequence: null,
  };
}

function toolUse(reply: Reply): JsonRecord {
  return { type: 'tool_use', id: `toolu_${reply.id}`, name: reply.toolCall?.name, input: {} };
}

function stopReason(reply: Reply): string {
  return reply.toolCall === null ? 'end_turn' : 'tool_use';
}

function usageOf(reply: Reply, outputTokens: number): JsonRecord {
  return {
    input_tokens: reply.inputTokens,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: 0,
    output_tokens: outputTokens,
  };
}

/** The events of a message stream. */
export function* messagesEvents(reply: Reply, pieces: Iterable<string>): Generator<string> {
  yield event('message_start', { message: { ...messageOf(reply), usage: usageOf(reply, 1) } });
  const block = reply.toolCall === null ? { type: 'text', text: '' } : toolUse(reply);
  yield event('content_block_start', { index: 0, content_block: block });
  if (reply.toolCall === null) for (const text of pieces) yield delta({ type: 'text_delta', text });
  else for (const partial_json of halves(reply.toolCall.args)) yield delta({ type: 'input_json_delta', partial_json });
  yield event('content_block_stop', { index: 0 });
  const end = { stop_reason: stopReason(reply), stop_sequence: null };
  yield event('message_delta', { delta: end, usage: { output_tokens: reply.outputTokens } });
  yield event('message_stop', {});
}

function delta(value: JsonRecord): string {
  return event('content_block_delta', { index: 0, delta: value });
}

function event(type: string, members: JsonRecord): string {
  return eventText(type, JSON.stringify({ type, ...members }));
}
