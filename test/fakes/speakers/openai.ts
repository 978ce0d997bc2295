/** OpenAI chat: https://platform.openai.com/docs/api-reference/chat */
import { events, pieces } from './said.ts';
import type { Said, Speaker } from './said.ts';

const FINISH = { stop: 'stop', length: 'length', tool_calls: 'tool_calls', blocked: 'content_filter' } as const;

export const openai: Speaker = {
  contentType: 'application/json',
  streamType: 'text/event-stream',
  whole: (said) => ({
    id: said.id,
    object: 'chat.completion',
    created: 1_790_000_000,
    model: said.model,
    choices: [
      {
        index: 0,
        message: {
          role: 'assistant',
          content: said.text ?? null,
          ...(said.thinking !== undefined && { reasoning_content: said.thinking.text }),
          ...(said.calls !== undefined && {
            tool_calls: said.calls.map(({ id, name, arguments: values }) => ({
              id,
              type: 'function',
              function: { name, arguments: JSON.stringify(values) },
            })),
          }),
        },
        logprobs: null,
        finish_reason: FINISH[said.finish],
      },
    ],
    usage: usage(said),
  }),
  stream: (said) => {
    const chunk = (choices: readonly object[], more: object = {}) => [
      null,
      { id: said.id, object: 'chat.completion.chunk', created: 1_790_000_000, model: said.model, choices, ...more },
    ];
    const delta = (value: object, finish: string | null = null) =>
      chunk([{ index: 0, delta: value, logprobs: null, finish_reason: finish }], { usage: null });
    const list = [
      delta({ role: 'assistant', content: '' }),
      ...pieces(said.thinking?.text ?? '').map((text) => delta({ reasoning_content: text })),
      ...pieces(said.text ?? '').map((text) => delta({ content: text })),
      ...(said.calls ?? []).flatMap(({ id, name, arguments: values }, index) => [
        delta({ tool_calls: [{ index, id, type: 'function', function: { name, arguments: '' } }] }),
        ...pieces(JSON.stringify(values)).map((text) =>
          delta({ tool_calls: [{ index, function: { arguments: text } }] }),
        ),
      ]),
      delta({}, FINISH[said.finish]),
      chunk([], { usage: usage(said) }),
      [null, '[DONE]'],
    ] as const;
    return events(list as readonly (readonly [null, unknown])[]);
  },
};

function usage({ usage: { input, cached, output, reasoning } }: Said): object {
  return {
    prompt_tokens: input,
    completion_tokens: output,
    total_tokens: input + output,
    prompt_tokens_details: { cached_tokens: cached },
    completion_tokens_details: { reasoning_tokens: reasoning },
  };
}
