import { backOffMs } from './back-off.ts';
import type { BackOff } from './back-off.ts';
import type { HealthPlace, HealthTable } from './health-table.ts';
import { WELL } from './health-word.ts';
import type { FailureKind } from './provider-error.ts';
import { availabilityOf, giveProbeBack, markWell, takeProbe } from './standing.ts';

export interface BreakerOptions {
  /** Names the endpoint among all that share the table: its origin. */
  readonly name: string;
  readonly table: HealthTable;
  /** From 0 to 1. */
  readonly random: () => number;
}

/** `probe`: this call finds out whether the endpoint is back. */
export type Passage = 'closed' | 'probe' | 'open';

/** Failures in a row, over all workers, that open it. */
const IN_A_ROW = 5;
/** Part of the calls that fail, from so many on, that opens it too. */
const RATE = { failed: 0.5, callsMin: 20, windowMs: 10_000 } as const;
const OPEN: BackOff = { firstMs: 2_000, longestMs: 60_000 };
/** An endpoint that says when it is back is believed, up to here. */
const RETRY_AFTER_MS_MAX = 300_000;

/**
 * Passive health of one endpoint: what does not answer is left alone for a while, then one call
 * tries. Whether it is open, and failures in a row, are shared by all workers of the machine: a
 * dead endpoint must not cost each of them its own calls to find out. The rate is counted per
 * worker, which is enough: each sees a fair sample of the same endpoint, and the first to see it
 * fail opens it for all; a shared counter would be written on every call.
 */
export class Breaker {
  readonly #table: HealthTable;
  readonly #random: () => number;
  readonly #place: HealthPlace;
  readonly #rate = new FailureRate();

  constructor({ name, table, random }: BreakerOptions) {
    this.#table = table;
    this.#random = random;
    this.#place = table.place(`endpoint/${name}`);
  }

  /** Whether a call may pass, without changing anything. */
  peek(nowMs: number): Passage {
    const availability = availabilityOf(this.#table.read(this.#place), nowMs);
    return availability === 'free' ? 'closed' : availability === 'out' ? 'open' : 'probe';
  }

  /** As `peek`, but that whoever gets `probe` is the only one, and must report what became of it. */
  enter(nowMs: number): Passage {
    const passage = this.peek(nowMs);
    if (passage !== 'probe') return passage;
    return takeProbe(this.#table, this.#place, nowMs) ? 'probe' : 'open';
  }

  /** Unix milliseconds when it lets a call through again; null while it does. */
  opensAtMs(nowMs: number): number | null {
    const { untilMs } = this.#table.read(this.#place);
    return this.peek(nowMs) === 'open' ? untilMs : null;
  }

  /** It has answered, if only with an error that is the caller's. */
  succeeded(isProbe: boolean, nowMs: number): void {
    this.#rate.add(false, nowMs);
    markWell(this.#table, this.#place, isProbe, nowMs);
  }

  failed(kind: FailureKind, retryAfterMs: number | null, isProbe: boolean, nowMs: number): void {
    const tooOften = this.#rate.add(true, nowMs);
    this.#table.update(this.#place, nowMs, (health) => {
      const isOpen = health.state === 'open';
      // What was under way when it opened says nothing new.
      if (isOpen && !(isProbe && health.isProbed) && health.untilMs > nowMs) return null;
      const strikes = health.strikes + 1;
      if (!isOpen && !tooOften && strikes < IN_A_ROW) return { ...WELL, strikes, kind };
      const openings = isOpen ? strikes : 1;
      const waitMs = backOffMs(OPEN, openings, this.#random());
      const toldMs = Math.min(retryAfterMs ?? 0, RETRY_AFTER_MS_MAX);
      const untilMs = nowMs + Math.max(waitMs, toldMs);
      return { state: 'open', untilMs, isTimed: false, isProbed: false, strikes: openings, kind };
    });
  }

  abandoned(nowMs: number): void {
    giveProbeBack(this.#table, this.#place, nowMs);
  }
}

/** Calls and failures over the present window and the one before. */
class FailureRate {
  #startsAtMs = 0;
  #calls = [0, 0];
  #failures = [0, 0];

  /** Counts a call. True when too many failed. */
  add(hasFailed: boolean, nowMs: number): boolean {
    this.#roll(nowMs);
    this.#calls[0] = (this.#calls[0] ?? 0) + 1;
    if (!hasFailed) return false;
    this.#failures[0] = (this.#failures[0] ?? 0) + 1;
    const calls = (this.#calls[0] ?? 0) + (this.#calls[1] ?? 0);
    const failures = this.#failures[0] + (this.#failures[1] ?? 0);
    return calls >= RATE.callsMin && failures / calls >= RATE.failed;
  }

  #roll(nowMs: number): void {
    const windows = Math.floor((nowMs - this.#startsAtMs) / RATE.windowMs);
    if (windows === 0) return;
    this.#startsAtMs = windows > 0 ? this.#startsAtMs + windows * RATE.windowMs : nowMs;
    this.#calls = [0, windows === 1 ? (this.#calls[0] ?? 0) : 0];
    this.#failures = [0, windows === 1 ? (this.#failures[0] ?? 0) : 0];
  }
}
