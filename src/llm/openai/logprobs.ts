import type { TokenLogprob } from '../canonical.ts';
import type { JsonRecord } from '../record.ts';
import { isRecord, recordOf } from '../record.ts';

/** The tokens of a choice's `logprobs` member: of its text, or else of its refusal. */
export function readLogprobs(value: unknown): readonly TokenLogprob[] {
  const { content, refusal } = recordOf(value);
  const tokens = Array.isArray(content) && content.length > 0 ? content : refusal;
  if (!Array.isArray(tokens)) return [];
  return tokens.filter(isRecord).map((token) => ({
    ...readToken(token),
    top: listOf(token['top_logprobs']).filter(isRecord).map(readToken),
  }));
}

function readToken(token: JsonRecord): Omit<TokenLogprob, 'top'> {
  const { logprob, bytes } = token;
  return {
    token: typeof token['token'] === 'string' ? token['token'] : '',
    logprob: typeof logprob === 'number' ? logprob : 0,
    bytes: Array.isArray(bytes) && bytes.every((byte) => typeof byte === 'number') ? bytes : null,
  };
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

export function writeLogprobs(of: 'content' | 'refusal', tokens: readonly TokenLogprob[]): JsonRecord {
  const written = tokens.map(({ token, logprob, bytes, top }) => ({
    token,
    logprob,
    bytes,
    top_logprobs: top,
  }));
  return of === 'content' ? { content: written, refusal: null } : { content: null, refusal: written };
}
