import type { TokenLogprob } from '../canonical.ts';
import { isRecord } from '../record.ts';

/** Cohere tells a text with the log probabilities of its tokens, mostly one: together they are the text's. */
export function logprobsOf(items: unknown): readonly TokenLogprob[] {
  const list = Array.isArray(items) ? items.filter(isRecord) : isRecord(items) ? [items] : [];
  return list.flatMap(({ text, logprobs }) => {
    const numbers = Array.isArray(logprobs) ? logprobs.filter((one) => typeof one === 'number') : [];
    if (typeof text !== 'string' || numbers.length === 0) return [];
    return [{ token: text, logprob: numbers.reduce((sum, one) => sum + one, 0), bytes: null, top: [] }];
  });
}
