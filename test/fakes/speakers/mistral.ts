/** Mistral chat: https://docs.mistral.ai/api; content is a list where there is thinking, calls come whole. */
import { events, pieces } from './said.ts';
import type { Said, Speaker } from './said.ts';

const FINISH = { stop: 'stop', length: 'length', tool_calls: 'tool_calls', blocked: 'error' } as const;

export const mistral: Speaker = {
  contentType: 'application/json',
  streamType: 'text/event-stream',
  says: ['others', 'document'],
  whole: (said) => ({
    id: said.id,
    object: 'chat.completion',
    created: 1_790_000_000,
    model: said.model,
    choices: [
      {
        index: 0,
        finish_reason: FINISH[said.finish],
        message: { role: 'assistant', content: content(said), tool_calls: calls(said) },
      },
      ...(said.others ?? []).map((text, at) => ({
        index: at + 1,
        finish_reason: FINISH[said.finish],
        message: { role: 'assistant', content: text, tool_calls: null },
      })),
    ],
    usage: usage(said),
  }),
  stream: (said) => {
    const chunk = (delta: object, more: object = {}) => ({
      id: said.id,
      object: 'chat.completion.chunk',
      created: 1_790_000_000,
      model: said.model,
      choices: [{ index: 0, delta, finish_reason: null, ...more }],
    });
    return events([
      [null, chunk({ role: 'assistant', content: '' })],
      ...(said.others ?? []).flatMap((text, at) =>
        pieces(text).map((content) => [null, chunk({ content }, { index: at + 1 })] as const),
      ),
      ...pieces(said.thinking?.text ?? '').map((text) => [null, chunk({ content: thought(text) })] as const),
      ...pieces(said.text ?? '').map((text) => [null, chunk({ content: text })] as const),
      ...(said.document === undefined ? [] : [[null, chunk({ content: [REFERENCE] })] as const]),
      ...(said.others ?? []).map(
        (_, at) => [null, chunk({ content: '' }, { index: at + 1, finish_reason: FINISH[said.finish] })] as const,
      ),
      [
        null,
        {
          ...chunk(said.calls === undefined ? { content: '' } : { tool_calls: calls(said) }, {
            finish_reason: FINISH[said.finish],
          }),
          usage: usage(said),
        },
      ],
      [null, '[DONE]'],
    ]);
  },
};

function thought(text: string): readonly object[] {
  return [{ type: 'thinking', thinking: [{ type: 'text', text }] }];
}

/** To a result of a tool's, by the number that the caller gave it: https://docs.mistral.ai/capabilities/citations */
const REFERENCE = { type: 'reference', reference_ids: [0] };

function content({ thinking, text, document }: Said): unknown {
  if (thinking === undefined && document === undefined) return text ?? '';
  return [
    ...(thinking === undefined ? [] : thought(thinking.text)),
    ...(text === undefined ? [] : [{ type: 'text', text }]),
    ...(document === undefined ? [] : [REFERENCE]),
  ];
}

function calls(said: Said): unknown {
  return (
    said.calls?.map(({ id, name, arguments: values }) => ({
      id,
      function: { name, arguments: JSON.stringify(values) },
    })) ?? null
  );
}

function usage({ usage: { input, cached, output } }: Said): object {
  return {
    prompt_tokens: input,
    completion_tokens: output,
    total_tokens: input + output,
    num_cached_tokens: cached,
  };
}
