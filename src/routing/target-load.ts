/** Over which time an old latency fades. */
const FADES_MS = 10_000;

/**
 * How busy and how fast a target is, as one worker sees it: latencies differ by what is sent, so a
 * sample per worker is as good as one of all, and costs no shared write per call.
 */
export class TargetLoad {
  inFlight = 0;
  #latencyMs = 0;
  #stampMs = 0;

  /** A peak counts at once, what is better fades in: trouble must show faster than it is forgotten. */
  observe(latencyMs: number, nowMs: number): void {
    const faded = this.#fadedMs(nowMs);
    const share = Math.exp(-Math.max(0, nowMs - this.#stampMs) / FADES_MS);
    this.#latencyMs = latencyMs > faded ? latencyMs : this.#latencyMs * share + latencyMs * (1 - share);
    this.#stampMs = nowMs;
  }

  /** What a call more would wait, so to say. One not heard of for long is near 0, and is tried again. */
  cost(nowMs: number): number {
    return this.#fadedMs(nowMs) * (this.inFlight + 1) + this.inFlight;
  }

  #fadedMs(nowMs: number): number {
    return this.#latencyMs * Math.exp(-Math.max(0, nowMs - this.#stampMs) / FADES_MS);
  }
}
