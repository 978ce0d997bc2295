/** Cohere v2 chat: https://docs.cohere.com/v2/docs/streaming; what is billed stands beside what was counted. */
import { events, pieces } from './said.ts';
import type { Said, Speaker } from './said.ts';

const FINISH = { stop: 'COMPLETE', length: 'MAX_TOKENS', tool_calls: 'TOOL_CALL', blocked: 'ERROR_TOXIC' } as const;

export const cohere: Speaker = {
  contentType: 'application/json',
  streamType: 'text/event-stream',
  whole: (said) => ({
    id: said.id,
    finish_reason: FINISH[said.finish],
    message: {
      role: 'assistant',
      ...(said.calls !== undefined && {
        tool_calls: said.calls.map(({ id, name, arguments: values }) => ({
          id,
          type: 'function',
          function: { name, arguments: JSON.stringify(values) },
        })),
      }),
      content: [
        ...(said.thinking === undefined ? [] : [{ type: 'thinking', thinking: said.thinking.text }]),
        ...(said.text === undefined ? [] : [{ type: 'text', text: said.text }]),
      ],
    },
    usage: usage(said),
  }),
  stream: (said) => {
    const list: (readonly [string, object])[] = [];
    const add = (type: string, value: object) => list.push([type, { type, ...value }]);
    let index = -1;
    const content = (start: object, deltas: readonly object[]) => {
      index += 1;
      add('content-start', { index, delta: { message: { content: start } } });
      for (const delta of deltas) add('content-delta', { index, delta: { message: { content: delta } } });
      add('content-end', { index });
    };
    add('message-start', { id: said.id, delta: { message: { role: 'assistant', content: [], tool_calls: [] } } });
    if (said.thinking !== undefined) {
      content(
        { type: 'thinking', thinking: '' },
        pieces(said.thinking.text).map((thinking) => ({ thinking })),
      );
    }
    if (said.text !== undefined) {
      content(
        { type: 'text', text: '' },
        pieces(said.text).map((text) => ({ text })),
      );
    }
    for (const [at, { id, name, arguments: values }] of (said.calls ?? []).entries()) {
      const start = { id, type: 'function', function: { name, arguments: '' } };
      add('tool-call-start', { index: at, delta: { message: { tool_calls: start } } });
      for (const text of pieces(JSON.stringify(values))) {
        add('tool-call-delta', { index: at, delta: { message: { tool_calls: { function: { arguments: text } } } } });
      }
      add('tool-call-end', { index: at });
    }
    add('message-end', { delta: { finish_reason: FINISH[said.finish], usage: usage(said) } });
    return events(list);
  },
};

function usage({ usage: { input, cached, output } }: Said): object {
  return {
    billed_units: { input_tokens: input, output_tokens: output },
    // What the vendor adds in front is counted, may be cached, and is not billed.
    tokens: { input_tokens: input + 1_000, output_tokens: output + 100 },
    cached_tokens: cached === 0 ? 0 : cached + 1_000,
  };
}
