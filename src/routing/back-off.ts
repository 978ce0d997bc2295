/** How long a wait grows with failures in a row. */
export interface BackOff {
  readonly firstMs: number;
  readonly longestMs: number;
}

/**
 * The wait after so many failures in a row: doubled with each, bounded, and shortened by up to half
 * by chance, so that what failed together does not come back together. `random` is from 0 to 1.
 */
export function backOffMs({ firstMs, longestMs }: BackOff, strikes: number, random: number): number {
  const doubled = Math.min(longestMs, firstMs * 2 ** Math.min(Math.max(0, strikes - 1), 30));
  return Math.ceil(doubled * (1 - random / 2));
}
