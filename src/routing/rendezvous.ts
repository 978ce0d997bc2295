import { tagOf } from '../lib/name-tag.ts';

/** A number for whatever is to come back to the same place: a conversation, a session. */
export function affinityOf(text: string): number {
  return tagOf(text).low >>> 0;
}

/**
 * Weighted rendezvous hashing: every place has a score for the key, and the highest wins. When a
 * place goes away only what it had moves; when it comes back, just that returns. The score
 * −w / ln(u) gives each its share by weight.
 */
export function rendezvousScore(affinity: number, place: string, weight: number): number {
  const { low } = tagOf(`${affinity}/${place}`);
  const uniform = ((low >>> 0) + 0.5) / 2 ** 32;
  return -weight / Math.log(uniform);
}
