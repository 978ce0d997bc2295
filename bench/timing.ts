/** Whether two kinds of work can be told apart by the time they take. */

export interface Comparison {
  readonly samples: number;
  /** Medians, in microseconds. */
  readonly first: number;
  readonly second: number;
  /** Welch's t over the samples below the 90th percentile; beyond ±4.5 they are told apart. */
  readonly t: number;
  /** How often a guess by one sample, at the best threshold, is right: 50 % is chance. */
  readonly guessed: number;
}

/** Samples at which the two kinds count as told apart, as in dudect (Reparaz and others, 2017). */
export const T_MAX = 4.5;
const KEPT = 0.9;

/** Compares samples in microseconds. The slowest tenth of all, which is the machine's noise, is left out. */
export function compare(first: readonly number[], second: readonly number[]): Comparison {
  const all = [...first, ...second].toSorted((a, b) => a - b);
  const cut = all[Math.floor(all.length * KEPT)] ?? Number.POSITIVE_INFINITY;
  const [a, b] = [first.filter((sample) => sample <= cut), second.filter((sample) => sample <= cut)];
  const [meanA, meanB] = [mean(a), mean(b)];
  const spread = Math.sqrt(variance(a, meanA) / a.length + variance(b, meanB) / b.length);
  return {
    samples: first.length + second.length,
    first: middle(first),
    second: middle(second),
    t: (meanA - meanB) / spread,
    guessed: bestGuess(first, second),
  };
}

function mean(samples: readonly number[]): number {
  return samples.reduce((sum, sample) => sum + sample, 0) / samples.length;
}

function variance(samples: readonly number[], around: number): number {
  return samples.reduce((sum, sample) => sum + (sample - around) ** 2, 0) / (samples.length - 1);
}

function middle(samples: readonly number[]): number {
  return samples.toSorted((a, b) => a - b)[Math.floor(samples.length / 2)] ?? Number.NaN;
}

/** One half plus half of the greatest distance between the two distributions (Kolmogorov and Smirnov). */
function bestGuess(first: readonly number[], second: readonly number[]): number {
  const [a, b] = [first.toSorted((x, y) => x - y), second.toSorted((x, y) => x - y)];
  let [i, j, distance] = [0, 0, 0];
  while (i < a.length && j < b.length) {
    const value = Math.min(a[i] ?? 0, b[j] ?? 0);
    while (i < a.length && (a[i] ?? 0) <= value) i += 1;
    while (j < b.length && (b[j] ?? 0) <= value) j += 1;
    distance = Math.max(distance, Math.abs(i / a.length - j / b.length));
  }
  return 0.5 + distance / 2;
}
