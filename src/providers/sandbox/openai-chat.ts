import type { JsonRecord } from '../../llm/record.ts';
import { recordOf } from '../../llm/record.ts';
import type { Prompt, ToolChoice } from './prompt.ts';
import { listOf, promptOf, textsOf, toolOf } from './prompt.ts';
import type { Reply } from './reply.ts';

/** Reads a chat request; null if it has no messages. */
export function readChat(body: JsonRecord): Prompt | null {
  if (!Array.isArray(body['messages'])) return null;
  const turns = body['messages'].map((value: unknown) => {
    const message = recordOf(value);
    return { fromUser: message['role'] === 'user', texts: textsOf(message['content']) };
  });
  const tools = listOf(body['tools']).flatMap((value) => {
    const tool = recordOf(recordOf(value)['function']);
    return toolOf(tool['name'], tool['parameters']);
  });
  return promptOf(
    turns,
    tools,
    chatToolChoice(body['tool_choice'], recordOf(recordOf(body['tool_choice'])['function'])['name']),
  );
}

/** `tool_choice` of both OpenAI dialects; they keep the name of a forced tool in different places. */
export function chatToolChoice(value: unknown, name: unknown): ToolChoice {
  if (value === 'none') return 'none';
  if (value === 'required') return 'any';
  return typeof name === 'string' ? { name } : 'auto';
}

/** A whole chat completion. `created` is constant: the sandbox has no clock. */
export function chatAnswer(reply: Reply): string {
  const { text, toolCall } = reply;
  const message =
    toolCall === null
      ? { role: 'assistant', content: text, refusal: null }
      : {
          role: 'assistant',
          content: null,
          refusal: null,
          tool_calls: [toolCallOf(reply, toolCall.name, toolCall.args)],
        };
  return JSON.stringify({
    id: `chatcmpl-${reply.id}`,
    object: 'chat.completion',
    created: 0,
    model: reply.model,
    choices: [{ index: 0, message, logprobs: null, finish_reason: finishReason(reply) }],
    usage: chatUsage(reply),
  });
}

function toolCallOf(reply: Reply, name: string, args: string): JsonRecord {
  return { id: `call_${reply.id}`, type: 'function', function: { name, arguments: args } };
}

function finishReason(reply: Reply): string {
  return reply.toolCall === null ? 'stop' : 'tool_calls';
}

/** `usage` as Chat Completions and its neighbours write it. */
export function chatUsage({ inputTokens, outputTokens }: Reply): JsonRecord {
  return { prompt_tokens: inputTokens, completion_tokens: outputTokens, total_tokens: inputTokens + outputTokens };
}

/** The events of a chat completion stream. */
export function* chatEvents(reply: Reply, pieces: Iterable<string>, tellUsage: boolean): Generator<string> {
  const head = `data: {"id":"chatcmpl-${reply.id}","object":"chat.completion.chunk","created":0,"model":${JSON.stringify(reply.model)},`;
  const tail = tellUsage ? ',"usage":null}\n\n' : '}\n\n';
  const chunk = (delta: string, finish: string | null): string =>
    `${head}"choices":[{"index":0,"delta":${delta},"logprobs":null,"finish_reason":${JSON.stringify(finish)}}]${tail}`;
  if (reply.toolCall === null) {
    yield chunk('{"role":"assistant","content":"","refusal":null}', null);
    for (const piece of pieces) yield chunk(`{"content":${JSON.stringify(piece)}}`, null);
  } else {
    const { name, args } = reply.toolCall;
    const first = { index: 0, ...toolCallOf(reply, name, '') };
    yield chunk(JSON.stringify({ role: 'assistant', content: null, tool_calls: [first] }), null);
    for (const half of halves(args))
      yield chunk(JSON.stringify({ tool_calls: [{ index: 0, function: { arguments: half } }] }), null);
  }
  yield chunk('{}', finishReason(reply));
  if (tellUsage) yield `${head}"choices":[],"usage":${JSON.stringify(chatUsage(reply))}}\n\n`;
  yield 'data: [DONE]\n\n';
}

/** Arguments come in two pieces, so that clients have something to put together. */
export function halves(text: string): readonly string[] {
  const middle = text.length >> 1;
  return [text.slice(0, middle), text.slice(middle)];
}

/** Whether the caller of a stream asked for the event that tells usage. */
export function asksUsage(body: JsonRecord): boolean {
  return recordOf(body['stream_options'])['include_usage'] === true;
}
