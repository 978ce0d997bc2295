/** Anthropic Messages: https://docs.claude.com/en/api/messages-streaming */
import { events, pieces } from './said.ts';
import type { Said, Speaker } from './said.ts';

const FINISH = { stop: 'end_turn', length: 'max_tokens', tool_calls: 'tool_use', blocked: 'refusal' } as const;

export const anthropic: Speaker = {
  contentType: 'application/json',
  streamType: 'text/event-stream',
  whole: (said) => ({
    id: said.id,
    type: 'message',
    role: 'assistant',
    model: said.model,
    content: [
      ...(said.thinking === undefined
        ? []
        : [{ type: 'thinking', thinking: said.thinking.text, signature: said.thinking.signature }]),
      ...(said.text === undefined ? [] : [{ type: 'text', text: said.text, citations: null }]),
      ...(said.calls ?? []).map(({ id, name, arguments: input }) => ({ type: 'tool_use', id, name, input })),
    ],
    stop_reason: FINISH[said.finish],
    stop_sequence: null,
    usage: { ...inputUsage(said), output_tokens: said.usage.output },
  }),
  stream: (said) => {
    const list: (readonly [string, object])[] = [];
    const add = (type: string, value: object) => list.push([type, { type, ...value }]);
    let index = -1;
    const block = (start: object, deltas: readonly object[]) => {
      index += 1;
      add('content_block_start', { index, content_block: start });
      for (const delta of deltas) add('content_block_delta', { index, delta });
      add('content_block_stop', { index });
    };
    add('message_start', {
      message: {
        id: said.id,
        type: 'message',
        role: 'assistant',
        model: said.model,
        content: [],
        stop_reason: null,
        stop_sequence: null,
        usage: { ...inputUsage(said), output_tokens: 1 },
      },
    });
    add('ping', {});
    if (said.thinking !== undefined) {
      block({ type: 'thinking', thinking: '', signature: '' }, [
        ...pieces(said.thinking.text).map((thinking) => ({ type: 'thinking_delta', thinking })),
        { type: 'signature_delta', signature: said.thinking.signature },
      ]);
    }
    if (said.text !== undefined) {
      block(
        { type: 'text', text: '' },
        pieces(said.text).map((text) => ({ type: 'text_delta', text })),
      );
    }
    for (const { id, name, arguments: input } of said.calls ?? []) {
      block(
        { type: 'tool_use', id, name, input: {} },
        // A call without arguments has no delta but an empty one.
        (Object.keys(input).length === 0 ? [''] : pieces(JSON.stringify(input))).map((text) => ({
          type: 'input_json_delta',
          partial_json: text,
        })),
      );
    }
    add('message_delta', {
      delta: { stop_reason: FINISH[said.finish], stop_sequence: null },
      usage: { output_tokens: said.usage.output },
    });
    add('message_stop', {});
    return events(list);
  },
};

function inputUsage({ usage: { input, cached } }: Said): object {
  return { input_tokens: input - cached, cache_creation_input_tokens: 0, cache_read_input_tokens: cached };
}
