import type { Call } from './call.ts';

/** Sweeps from one ping to the next: what a stream may be silent for is told to a fifth. */
const SWEEPS_PER_PING = 5;

/**
 * The event streams under way of a worker. Callers, and whatever stands between, take a connection on
 * which nothing moves for dead: one sweep for all of them finds those whose provider is silent.
 */
export class OpenStreams {
  readonly #pingMs: () => number;
  readonly #calls = new Set<Call>();
  #timer: NodeJS.Timeout | null = null;
  #sweepMs = 0;

  /** `pingMs` gives the setting that is in force; 0: no pings. */
  constructor(pingMs: () => number) {
    this.#pingMs = pingMs;
  }

  /** For a call whose answer has begun. */
  add(call: Call): void {
    if (this.#pingMs() === 0 || call.dialect.pingEvent === null) return;
    this.#calls.add(call);
    if (this.#timer === null) this.#start();
  }

  delete(call: Call): void {
    this.#calls.delete(call);
  }

  #start(): void {
    this.#sweepMs = sweepMsOf(this.#pingMs());
    this.#timer = setInterval(() => this.#sweep(), this.#sweepMs).unref();
  }

  #stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }

  #sweep(): void {
    const pingMs = this.#pingMs();
    if (pingMs === 0) this.#calls.clear();
    if (this.#calls.size === 0 || sweepMsOf(pingMs) !== this.#sweepMs) this.#stop();
    for (const call of this.#calls) visit(call);
    if (this.#timer === null && this.#calls.size > 0) this.#start();
  }
}

function sweepMsOf(pingMs: number): number {
  return Math.max(1, Math.floor(pingMs / SWEEPS_PER_PING));
}

function visit(call: Call): void {
  call.silentSweeps += 1;
  if (call.silentSweeps < SWEEPS_PER_PING) return;
  const { inbound } = call;
  const { pingEvent } = call.dialect;
  // In the midst of an event it would become a part of it; a caller who takes nothing needs no sign.
  if (pingEvent === null || !endsEvent(call.lastBytes) || inbound.onDrain !== null || inbound.gone) return;
  call.silentSweeps = 0;
  inbound.write(Buffer.from(pingEvent));
}

/** Whether the last three bytes are a blank line. */
function endsEvent(lastBytes: number): boolean {
  return (lastBytes & 0xffff) === 0x0a0a || lastBytes === 0x0a0d0a;
}
