/** Gemini: https://ai.google.dev/api/generate-content; lines of its streams end with CRLF. */
import type { Said, SaidCitation, SaidToken, Speaker } from './said.ts';
import { pieces, placeOf, textPieces } from './said.ts';

const FINISH = { stop: 'STOP', length: 'MAX_TOKENS', tool_calls: 'STOP', blocked: 'SAFETY' } as const;

export const gemini: Speaker = {
  contentType: 'application/json; charset=UTF-8',
  streamType: 'text/event-stream',
  says: ['others', 'tokens', 'page', 'document', 'recited', 'sources'],
  whole: (said) => {
    const others = (said.others ?? []).map((text) => [{ text }]);
    return answer(said, [[...thoughts(said), ...texts([said.text ?? '']), ...calls(said)], ...others], said.tokens);
  },
  stream: (said) => {
    const others = (at: number) => (said.others ?? []).map((text) => texts([pieces(text)[at] ?? '']));
    const chunks = [
      ...pieces(said.thinking?.text ?? '').map((text) => piece(said, [[{ text, thought: true }]])),
      ...textPieces(said).map((text, at) =>
        piece(said, [texts([text]), ...others(at)], said.tokens?.slice(at, at + 1)),
      ),
      ...(said.calls === undefined ? [] : [piece(said, [calls(said)])]),
      answer(said, [[{ text: '' }], ...(said.others ?? []).map(() => [{ text: '' }])]),
    ];
    return chunks.map((chunk) => Buffer.from(`data: ${JSON.stringify(chunk)}\r\n\r\n`));
  },
};

/** Parts for each candidate. */
type Parts = readonly (readonly object[])[];

/** The last piece of a stream, or all of it. */
function answer(said: Said, parts: Parts, tokens?: readonly SaidToken[]): object {
  const ends = parts.map((_, index) => ({
    finishReason: FINISH[said.finish],
    ...(index === 0 && { ...grounding(said), ...citations(said) }),
  }));
  return piece(said, parts, tokens, ends);
}

function piece(said: Said, parts: Parts, tokens?: readonly SaidToken[], ends: readonly object[] = []): object {
  return {
    candidates: parts.map((own, index) => ({
      content: { role: 'model', parts: own },
      index,
      ...ends[index],
      ...(index === 0 && tokens !== undefined && { logprobsResult: logprobs(tokens) }),
    })),
    usageMetadata: usage(said),
    modelVersion: said.model,
    responseId: said.id,
  };
}

function grounding({ text = '', page, document, sources }: Said): object {
  const cited = page ?? document;
  if (sources !== undefined)
    return { groundingMetadata: { groundingChunks: sources.map(({ url: uri, title }) => ({ web: { uri, title } })) } };
  if (cited === undefined) return {};
  const { title } = cited;
  const chunk =
    page === undefined
      ? { retrievedContext: { title, text: 'Oslo: −3 °C at noon.' } }
      : { web: { uri: page.url, title } };
  const segment = { ...place(text, cited), text: cited.stretch };
  return {
    groundingMetadata: { groundingChunks: [chunk], groundingSupports: [{ segment, groundingChunkIndices: [0] }] },
  };
}

/** https://ai.google.dev/api/generate-content#citationmetadata */
function citations({ text = '', recited }: Said): object {
  if (recited === undefined) return {};
  return { citationMetadata: { citationSources: [{ ...place(text, recited), uri: recited.url, license: '' }] } };
}

/** Google counts bytes. */
function place(text: string, { stretch }: SaidCitation): object {
  const startIndex = Buffer.byteLength(placeOf(text, stretch).before);
  return { startIndex, endIndex: startIndex + Buffer.byteLength(stretch) };
}

function logprobs(tokens: readonly SaidToken[]): object {
  return {
    topCandidates: tokens.map(({ other, ...token }) => ({ candidates: [token, other].map(one) })),
    chosenCandidates: tokens.map(one),
  };
}

function one({ token, logprob }: { readonly token: string; readonly logprob: number }): object {
  return { token, tokenId: 1, logProbability: logprob };
}

function thoughts({ thinking }: Said): readonly object[] {
  return thinking === undefined ? [] : [{ text: thinking.text, thought: true }];
}

function texts(list: readonly string[]): readonly object[] {
  return list.filter((text) => text !== '').map((text) => ({ text }));
}

function calls({ calls: list, thinking }: Said): readonly object[] {
  return (list ?? []).map(({ id, name, arguments: args }, index) => ({
    functionCall: { id, name, args },
    // The first of parallel calls carries the signature for all.
    ...(index === 0 && thinking !== undefined && { thoughtSignature: thinking.signature }),
  }));
}

function usage({ usage: { input, cached, output, reasoning } }: Said): object {
  return {
    promptTokenCount: input,
    candidatesTokenCount: output - reasoning,
    totalTokenCount: input + output,
    ...(cached > 0 && { cachedContentTokenCount: cached }),
    ...(reasoning > 0 && { thoughtsTokenCount: reasoning }),
  };
}
