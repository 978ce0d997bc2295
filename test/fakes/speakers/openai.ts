/** OpenAI chat: https://platform.openai.com/docs/api-reference/chat */
import { events, pieces, placeOf, textPieces } from './said.ts';
import type { Said, SaidToken, Speaker } from './said.ts';

const FINISH = { stop: 'stop', length: 'length', tool_calls: 'tool_calls', blocked: 'content_filter' } as const;

export const openai: Speaker = {
  contentType: 'application/json',
  streamType: 'text/event-stream',
  says: ['others', 'tokens', 'page', 'sources'],
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
          ...annotations(said),
          ...(said.thinking !== undefined && { reasoning_content: said.thinking.text }),
          ...(said.calls !== undefined && {
            tool_calls: said.calls.map(({ id, name, arguments: values }) => ({
              id,
              type: 'function',
              function: { name, arguments: JSON.stringify(values) },
            })),
          }),
        },
        logprobs: logprobs(said.tokens),
        finish_reason: FINISH[said.finish],
      },
      ...(said.others ?? []).map((content, at) => ({
        index: at + 1,
        message: { role: 'assistant', content },
        logprobs: null,
        finish_reason: FINISH[said.finish],
      })),
    ],
    usage: usage(said),
    ...listed(said),
  }),
  stream: (said) => {
    const chunk = (choices: readonly object[], more: object = {}) => [
      null,
      {
        id: said.id,
        object: 'chat.completion.chunk',
        created: 1_790_000_000,
        model: said.model,
        choices,
        ...listed(said),
        ...more,
      },
    ];
    const delta = (value: object, finish: string | null = null, index = 0, tokens?: readonly SaidToken[]) =>
      chunk([{ index, delta: value, logprobs: logprobs(tokens), finish_reason: finish }], { usage: null });
    const others = (said.others ?? []).map((text, at) => [at + 1, pieces(text)] as const);
    const list = [
      delta({ role: 'assistant', content: '' }),
      ...others.map(([index]) => delta({ role: 'assistant', content: '' }, null, index)),
      ...pieces(said.thinking?.text ?? '').map((text) => delta({ reasoning_content: text })),
      // The choices of one answer come mixed.
      ...textPieces(said).flatMap((content, at) => [
        delta({ content }, null, 0, said.tokens?.slice(at, at + 1)),
        ...others.map(([index, texts]) => delta({ content: texts[at] ?? '' }, null, index)),
      ]),
      ...(said.page === undefined ? [] : [delta(annotations(said))]),
      ...(said.calls ?? []).flatMap(({ id, name, arguments: values }, index) => [
        delta({ tool_calls: [{ index, id, type: 'function', function: { name, arguments: '' } }] }),
        ...pieces(JSON.stringify(values)).map((text) =>
          delta({ tool_calls: [{ index, function: { arguments: text } }] }),
        ),
      ]),
      delta({}, FINISH[said.finish]),
      ...others.map(([index]) => delta({}, FINISH[said.finish], index)),
      chunk([], { usage: usage(said) }),
      [null, '[DONE]'],
    ] as const;
    return events(list as readonly (readonly [null, unknown])[]);
  },
};

function annotations({ text = '', page }: Said): object {
  if (page === undefined) return {};
  const { from, to } = placeOf(text, page.stretch);
  const { url, title } = page;
  return { annotations: [{ type: 'url_citation', url_citation: { start_index: from, end_index: to, url, title } }] };
}

/** Perplexity's way, in every chunk: https://docs.perplexity.ai/api-reference/chat-completions-post */
function listed({ sources }: Said): object {
  return sources === undefined ? {} : { citations: sources.map(({ url }) => url), search_results: sources };
}

function logprobs(tokens: readonly SaidToken[] | undefined): object | null {
  if (tokens === undefined) return null;
  return { content: tokens.map(({ other, ...token }) => ({ ...one(token), top_logprobs: [token, other].map(one) })) };
}

function one({ token, logprob }: { readonly token: string; readonly logprob: number }): object {
  return { token, logprob, bytes: [...Buffer.from(token)] };
}

function usage({ usage: { input, cached, output, reasoning } }: Said): object {
  return {
    prompt_tokens: input,
    completion_tokens: output,
    total_tokens: input + output,
    prompt_tokens_details: { cached_tokens: cached },
    completion_tokens_details: { reasoning_tokens: reasoning },
  };
}
