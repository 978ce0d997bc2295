import type { Counts, Ending, Json, PlainFormat } from './gist.ts';
import { count, gist, last, list, parsed, record, word } from './gist.ts';

const CHAT_ENDINGS: Readonly<Record<string, Ending>> = {
  stop: 'stop',
  length: 'length',
  model_length: 'length',
  tool_calls: 'tool_calls',
  function_call: 'tool_calls',
  content_filter: 'blocked',
  error: 'failed',
};

export const chat: PlainFormat = {
  whole: (body) => {
    const choice = record(list(body['choices'])[0]);
    const message = record(choice['message']);
    const calls = list(message['tool_calls']).map((call) => {
      const { function: called, custom } = record(call);
      if (custom !== undefined) return { name: word(record(custom)['name']), arguments: record(custom)['input'] };
      return { name: word(record(called)['name']), arguments: parsed(record(called)['arguments']) };
    });
    const ending = body['error'] === undefined ? CHAT_ENDINGS[word(choice['finish_reason'])] : 'failed';
    const usage = body['usage'] ?? record(body['x_groq'])['usage'];
    return gist({
      text: chatText(message['content']) + word(message['refusal']),
      reasoning: chatReasoning(message),
      calls,
      ending,
      usage: chatUsage(record(usage)),
    });
  },
  fold: (events) => {
    const choices = events.map((event) => record(list(event['choices'])[0]));
    const deltas = choices.map(({ delta }) => record(delta));
    const usage = (event: Json) => event['usage'] ?? record(event['x_groq'])['usage'] ?? null;
    return {
      error: events.find(({ error }) => error !== undefined)?.['error'],
      choices: [
        {
          finish_reason: last(choices, ({ finish_reason }) => typeof finish_reason === 'string')?.['finish_reason'],
          message: {
            content: deltas.map(({ content }) => chatText(content)).join(''),
            reasoning: deltas.map(chatReasoning).join(''),
            refusal: deltas.map(({ refusal }) => word(refusal)).join(''),
            tool_calls: foldedCalls(deltas.flatMap(({ tool_calls: calls }) => list(calls).map(record))),
          },
        },
      ],
      usage: usage(last(events, (event) => usage(event) !== null) ?? {}),
    };
  },
};

/** The text of a content, which may be a list of parts. */
export function chatText(content: unknown): string {
  if (!Array.isArray(content)) return word(content);
  return content.map((part) => (record(part)['type'] === 'text' ? word(record(part)['text']) : '')).join('');
}

function chatReasoning({ reasoning_content: own, reasoning, content }: Json): string {
  if (typeof own === 'string' || typeof reasoning === 'string') return word(own ?? reasoning);
  const parts = list(content).flatMap((part) => list(record(part)['thinking']));
  return parts.map((part) => word(record(part)['text'])).join('');
}

/** Pieces of a call have its index; who sends none sends it whole. */
function foldedCalls(pieces: readonly Json[]): readonly Json[] {
  const calls = new Map<unknown, { name: string; arguments: string; input: string | undefined }>();
  for (const [place, piece] of pieces.entries()) {
    const key = piece['index'] ?? piece['id'] ?? `piece ${place}`;
    const call = calls.get(key) ?? { name: '', arguments: '', input: undefined };
    call.name ||= word(record(piece['function'] ?? piece['custom'])['name']);
    call.arguments += word(record(piece['function'])['arguments']);
    if (piece['custom'] !== undefined) call.input = (call.input ?? '') + word(record(piece['custom'])['input']);
    calls.set(key, call);
  }
  return [...calls.values()].map(({ input, ...call }) =>
    input === undefined ? { function: call } : { custom: { name: call.name, input } },
  );
}

/** Where the total is more than its parts, reasoning was counted beside them (xAI). */
function chatUsage(usage: Json): Counts {
  const input = count(usage['prompt_tokens']);
  const details = record(usage['prompt_tokens_details'] ?? usage['prompt_token_details']);
  return {
    input,
    cached: count(
      details['cached_tokens'] ??
        usage['cached_tokens'] ??
        usage['prompt_cache_hit_tokens'] ??
        usage['num_cached_tokens'],
    ),
    cacheWrite: count(details['cache_write_tokens']),
    output: Math.max(count(usage['completion_tokens']), count(usage['total_tokens']) - input),
    reasoning: count(record(usage['completion_tokens_details'])['reasoning_tokens'] ?? usage['reasoning_tokens']),
  };
}
