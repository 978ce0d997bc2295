/** Tells the moment at which the last `count` happenings fall within a time; then it begins anew. */
export class SlidingCount {
  readonly count: number;
  readonly withinMs: number;
  /** In their order; fewer than `count`. */
  #times: number[] = [];

  constructor(count: number, withinMs: number) {
    this.count = count;
    this.withinMs = withinMs;
  }

  /** True for the one that makes it full. Times come nearly in order: workers hand over in batches. */
  add(atMs: number): boolean {
    const times = this.#times;
    times.push(atMs);
    if (atMs < (times.at(-2) ?? -Infinity)) times.sort((a, b) => a - b);
    const fromMs = (times.at(-1) ?? atMs) - this.withinMs;
    const stale = times.findIndex((timeMs) => timeMs > fromMs);
    if (stale > 0) times.splice(0, stale);
    if (times.length < this.count) return false;
    this.#times = [];
    return true;
  }
}
