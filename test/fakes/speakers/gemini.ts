/** Gemini: https://ai.google.dev/api/generate-content; lines of its streams end with CRLF. */
import type { Said, Speaker } from './said.ts';
import { pieces } from './said.ts';

const FINISH = { stop: 'STOP', length: 'MAX_TOKENS', tool_calls: 'STOP', blocked: 'SAFETY' } as const;

export const gemini: Speaker = {
  contentType: 'application/json; charset=UTF-8',
  streamType: 'text/event-stream',
  whole: (said) => answer(said, [...thoughts(said), ...texts(said, [said.text ?? '']), ...calls(said)], true),
  stream: (said) => {
    const chunks = [
      ...pieces(said.thinking?.text ?? '').map((text) => answer(said, [{ text, thought: true }], false)),
      ...pieces(said.text ?? '').map((text) => answer(said, texts(said, [text]), false)),
      ...(said.calls === undefined ? [] : [answer(said, calls(said), false)]),
      answer(said, [{ text: '' }], true),
    ];
    return chunks.map((chunk) => Buffer.from(`data: ${JSON.stringify(chunk)}\r\n\r\n`));
  },
};

function answer(said: Said, parts: readonly object[], isLast: boolean): object {
  return {
    candidates: [{ content: { role: 'model', parts }, index: 0, ...(isLast && { finishReason: FINISH[said.finish] }) }],
    usageMetadata: usage(said),
    modelVersion: said.model,
    responseId: said.id,
  };
}

function thoughts({ thinking }: Said): readonly object[] {
  return thinking === undefined ? [] : [{ text: thinking.text, thought: true }];
}

function texts(_said: Said, list: readonly string[]): readonly object[] {
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
