/** Cohere v2 chat: https://docs.cohere.com/v2/docs/streaming; what is billed stands beside what was counted. */
import { events, pieces, placeOf, textPieces } from './said.ts';
import type { Said, SaidToken, Speaker } from './said.ts';

const FINISH = { stop: 'COMPLETE', length: 'MAX_TOKENS', tool_calls: 'TOOL_CALL', blocked: 'ERROR_TOXIC' } as const;

export const cohere: Speaker = {
  contentType: 'application/json',
  streamType: 'text/event-stream',
  says: ['tokens', 'page', 'document'],
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
      ...(citation(said) !== null && { citations: [citation(said)] }),
    },
    ...(said.tokens !== undefined && { logprobs: said.tokens.map(logprob) }),
    usage: usage(said),
  }),
  stream: (said) => {
    const list: (readonly [string, object])[] = [];
    const add = (type: string, value: object) => list.push([type, { type, ...value }]);
    let index = -1;
    const content = (start: object, deltas: readonly object[], tokens: readonly SaidToken[] = []) => {
      index += 1;
      add('content-start', { index, delta: { message: { content: start } } });
      for (const [at, delta] of deltas.entries()) {
        const [token] = tokens.slice(at, at + 1);
        const told = token === undefined ? {} : { logprobs: logprob(token) };
        add('content-delta', { index, delta: { message: { content: delta }, ...told } });
      }
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
        textPieces(said).map((text) => ({ text })),
        said.tokens,
      );
    }
    if (citation(said) !== null) {
      add('citation-start', { index: 0, delta: { message: { citations: citation(said) } } });
      add('citation-end', { index: 0 });
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

/** Cohere counts characters. https://docs.cohere.com/docs/rag-citations */
function citation({ text = '', page, document }: Said): object | null {
  const cited = page ?? document;
  if (cited === undefined) return null;
  const { before } = placeOf(text, cited.stretch);
  const start = [...before].length;
  const url = page === undefined ? {} : { url: page.url };
  const held = { id: 'doc:0', title: cited.title, snippet: 'Oslo: −3 °C at noon.', ...url };
  return {
    start,
    end: start + [...cited.stretch].length,
    text: cited.stretch,
    sources: [{ type: 'document', id: 'doc:0', document: held }],
    type: 'TEXT_CONTENT',
  };
}

function logprob({ token, logprob: value }: SaidToken): object {
  return { text: token, token_ids: [1], logprobs: [value] };
}

function usage({ usage: { input, cached, output } }: Said): object {
  return {
    billed_units: { input_tokens: input, output_tokens: output },
    // What the vendor adds in front is counted, may be cached, and is not billed.
    tokens: { input_tokens: input + 1_000, output_tokens: output + 100 },
    cached_tokens: cached === 0 ? 0 : cached + 1_000,
  };
}
