/**
 * The port of the limits: counters that every worker of a deployment sees the same. A counter is
 * either a sliding window (what happened in the last so many milliseconds) or a gauge (what is going
 * on now). Implemented by {@link ./shared-counters.ts} for the threads of one machine.
 */

/** Answer of a take that the limit refuses. */
export const REFUSED = -1;
/** Answer of a take when there is no room for another counter, or it cannot be reached in time. */
export const NO_ROOM = -2;

/** A counter by name. Only the implementation that made it reads or changes it. */
export interface Counter {
  readonly name: string;
  /** Milliseconds; 0 for a gauge. */
  readonly windowMs: number;
  /** The moment that the latest take through this value was counted at, for `giveBack`. */
  takenAtMs: number;
}

/** All times are Unix milliseconds, and all amounts whole numbers ≥ 1. */
export interface Counters {
  /** A sliding window. Opening one costs no room: that is claimed by the first take. */
  window(name: string, windowMs: number): Counter;
  gauge(name: string): Counter;
  /**
   * Counts `amount` in a window if the sum over it stays within `limit`: in any interval as long as
   * the window at most `limit` is taken. Returns what is left (≥ 0), `REFUSED` or `NO_ROOM`.
   */
  take(counter: Counter, limit: number, amount: number, nowMs: number): number;
  /** Undoes a take of this window that was counted at `takenAtMs`; without effect once it left the window. */
  giveBack(counter: Counter, amount: number, takenAtMs: number): void;
  /** Milliseconds until `amount` fits into the window; 0 when it fits now; the whole window when it never does. */
  waitMs(counter: Counter, limit: number, amount: number, nowMs: number): number;
  /** Raises a gauge by one if it stays within `limit`. Returns what is left (≥ 0), `REFUSED` or `NO_ROOM`. */
  acquire(gauge: Counter, limit: number, nowMs: number): number;
  /** Lowers a gauge that this worker raised by one. */
  release(gauge: Counter): void;
  /** The present value of a window or a gauge; claims no room. */
  used(counter: Counter, nowMs: number): number;
}
