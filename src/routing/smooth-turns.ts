/**
 * Smooth weighted round-robin over whoever can take a turn: each turn everyone present is credited
 * with their weight, and the one with the most credit serves and pays the sum. The shares are those
 * of the weights, and turns are spread evenly instead of coming in runs.
 */
export class SmoothTurns {
  readonly #weights: readonly number[];
  readonly #credit: Float64Array;

  constructor(weights: readonly number[]) {
    this.#weights = weights;
    this.#credit = new Float64Array(weights.length);
  }

  /** The index of who serves, among those present (at least one). Whoever is away gathers no credit. */
  next(present: readonly number[]): number {
    const credit = this.#credit;
    let best = present[0] ?? 0;
    let sum = 0;
    for (const index of present) {
      const weight = this.#weights[index] ?? 0;
      sum += weight;
      credit[index] = (credit[index] ?? 0) + weight;
      if ((credit[index] ?? 0) > (credit[best] ?? 0)) best = index;
    }
    credit[best] = (credit[best] ?? 0) - sum;
    return best;
  }
}
