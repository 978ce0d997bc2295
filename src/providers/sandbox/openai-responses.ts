import type { JsonRecord } from '../../llm/record.ts';
import { recordOf } from '../../llm/record.ts';
import { eventText } from '../../llm/sse.ts';
import { chatToolChoice, halves } from './openai-chat.ts';
import type { Prompt, Turn } from './prompt.ts';
import { listOf, promptOf, textsOf, toolOf } from './prompt.ts';
import type { Reply, ToolCall } from './reply.ts';

/** Reads a request of the Responses API; null if it has no input. */
export function readResponses(body: JsonRecord): Prompt | null {
  const input = body['input'];
  if (typeof input !== 'string' && !Array.isArray(input)) return null;
  const tools = listOf(body['tools']).flatMap((value) =>
    toolOf(recordOf(value)['name'], recordOf(value)['parameters']),
  );
  const turns = [{ fromUser: false, texts: textsOf(body['instructions']) }, ...inputTurns(input)];
  return promptOf(turns, tools, chatToolChoice(body['tool_choice'], recordOf(body['tool_choice'])['name']));
}

function inputTurns(input: unknown): readonly Turn[] {
  if (typeof input === 'string') return [{ fromUser: true, texts: [input] }];
  return listOf(input).map((value) => {
    const item = recordOf(value);
    return { fromUser: item['role'] === 'user', texts: textsOf(item['content'] ?? item['output']) };
  });
}

/** A whole response. `created_at` is constant: the sandbox has no clock. */
export function responsesAnswer(reply: Reply): string {
  return JSON.stringify(responseOf(reply, 'completed'));
}

function responseOf(reply: Reply, status: 'in_progress' | 'completed'): JsonRecord {
  const done = status === 'completed';
  return {
    id: `resp_${reply.id}`,
    object: 'response',
    created_at: 0,
    status,
    background: false,
    error: null,
    incomplete_details: null,
    instructions: null,
    metadata: {},
    model: reply.model,
    output: done ? [outputItem(reply, 'completed')] : [],
    parallel_tool_calls: true,
    temperature: 1,
    tool_choice: 'auto',
    tools: [],
    top_p: 1,
    usage: done ? usageOf(reply) : null,
  };
}

function usageOf({ inputTokens, outputTokens }: Reply): JsonRecord {
  return {
    input_tokens: inputTokens,
    input_tokens_details: { cached_tokens: 0 },
    output_tokens: outputTokens,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: inputTokens + outputTokens,
  };
}

function outputItem(reply: Reply, status: 'in_progress' | 'completed'): JsonRecord {
  const done = status === 'completed';
  const { id, text, toolCall } = reply;
  if (toolCall === null) {
    return { id: `msg_${id}`, type: 'message', role: 'assistant', status, content: done ? [textPart(text)] : [] };
  }
  const args = done ? toolCall.args : '';
  return { id: `fc_${id}`, type: 'function_call', status, call_id: `call_${id}`, name: toolCall.name, arguments: args };
}

function textPart(text: string): JsonRecord {
  return { type: 'output_text', text, annotations: [], logprobs: [] };
}

/** The events of a stream of the Responses API, numbered from 0. */
export function* responsesEvents(reply: Reply, pieces: Iterable<string>): Generator<string> {
  let sequence = 0;
  for (const [type, members] of eventMembers(reply, pieces)) {
    yield eventText(type, JSON.stringify({ type, sequence_number: sequence++, ...members }));
  }
}

type EventMembers = readonly [type: string, members: JsonRecord];

function* eventMembers(reply: Reply, pieces: Iterable<string>): Generator<EventMembers> {
  yield ['response.created', { response: responseOf(reply, 'in_progress') }];
  yield ['response.in_progress', { response: responseOf(reply, 'in_progress') }];
  yield ['response.output_item.added', { output_index: 0, item: outputItem(reply, 'in_progress') }];
  if (reply.toolCall === null) yield* textMembers(reply, pieces);
  else yield* argumentMembers(reply, reply.toolCall);
  yield ['response.output_item.done', { output_index: 0, item: outputItem(reply, 'completed') }];
  yield ['response.completed', { response: responseOf(reply, 'completed') }];
}

function* textMembers(reply: Reply, pieces: Iterable<string>): Generator<EventMembers> {
  const place = { item_id: `msg_${reply.id}`, output_index: 0, content_index: 0 };
  yield ['response.content_part.added', { ...place, part: textPart('') }];
  for (const delta of pieces) yield ['response.output_text.delta', { ...place, delta, logprobs: [] }];
  yield ['response.output_text.done', { ...place, text: reply.text, logprobs: [] }];
  yield ['response.content_part.done', { ...place, part: textPart(reply.text) }];
}

function* argumentMembers(reply: Reply, { name, args }: ToolCall): Generator<EventMembers> {
  const place = { item_id: `fc_${reply.id}`, output_index: 0 };
  for (const delta of halves(args)) yield ['response.function_call_arguments.delta', { ...place, delta }];
  yield ['response.function_call_arguments.done', { ...place, name, arguments: args }];
}
