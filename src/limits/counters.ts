/**
 * The port of the limits: counters that every worker of a deployment sees the same. A counter is a
 * sliding window (what happened in the last so many milliseconds), a gauge (what is going on now), a
 * ledger (what was spent in a period, and what is reserved for calls under way) or leases (what was
 * taken until a moment). Implemented by {@link ./shared-counters.ts} for the threads of one machine.
 */

/** Answer of a take that the limit refuses. */
export const REFUSED = -1;
/** Answer of a take when there is no room for another counter, or it cannot be reached in time. */
export const NO_ROOM = -2;
/** Answer of `waitToReserveMs` when an amount would fit but for what calls under way hold. */
export const HELD_BY_OTHERS = -3;

/** A counter by name. Only the implementation that made it reads or changes it. */
export interface Counter {
  readonly name: string;
  /** Milliseconds; 0 for a gauge and for leases. */
  readonly windowMs: number;
  /** The moment that the latest take through this value was counted at, for `giveBack`. */
  takenAtMs: number;
}

/**
 * `calendar`: begins anew with each period. `rolling`: looks back over a window, in buckets, and
 * forgets up to a sixtieth of it too late, never too early. `total`: never forgets.
 */
export type LedgerKind = 'calendar' | 'rolling' | 'total';

/** A ledger by name. */
export interface Ledger {
  readonly name: string;
  readonly kind: LedgerKind;
  /** Milliseconds that a rolling ledger looks back; 0 for others. */
  readonly windowMs: number;
  /** Of a calendar: the bounds of the present period, to be written by its user before each use. */
  startsAtMs: number;
  /** Of a total: the moment from which on nobody asks for it any more, at first Infinity. */
  endsAtMs: number;
  /** What the latest `reserve` through this value left spent and held by all. */
  spent: number;
  held: number;
}

/** A ledger as it stands. */
export interface LedgerState {
  readonly spent: number;
  /** Reserved by calls under way, of all workers. */
  readonly held: number;
  /** When all that is spent now will be forgotten: of a calendar, the end of its period; null when nothing is spent, or never. */
  readonly resetsAtMs: number | null;
}

/** Leases as they stand. */
export interface LeaseState {
  readonly live: number;
  /** When the first of them ends; null where there is none. */
  readonly soonestEndMs: number | null;
}

/** All times are Unix milliseconds. What is taken is a whole number ≥ 1; amounts of ledgers are whole and ≥ 0. */
export interface Counters {
  /** A sliding window. Opening one costs no room: that is claimed by the first take. */
  window(name: string, windowMs: number): Counter;
  gauge(name: string): Counter;
  /** `windowMs` for rolling ones only. */
  ledger(name: string, kind: LedgerKind, windowMs?: number): Ledger;
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
  leases(name: string): Counter;
  /**
   * Takes one until `endsAtMs` if those that have not ended stay within `limit` with it. Returns what
   * is left (≥ 0), `REFUSED` or `NO_ROOM`.
   */
  lease(leases: Counter, limit: number, endsAtMs: number, nowMs: number): number;
  /** Takes one back that was taken until then. */
  endLease(leases: Counter, endsAtMs: number, nowMs: number): void;
  /** Those that have not ended; claims no room. */
  leased(leases: Counter, nowMs: number): LeaseState;
  /**
   * Holds `amount` if what is spent and held by all stays within `limit` with it (which may be
   * Infinity). Returns what is left (≥ 0), `REFUSED` or `NO_ROOM`.
   */
  reserve(ledger: Ledger, limit: number, amount: number, nowMs: number): number;
  /**
   * Ends a reservation of this worker and books what was really spent, which may be more, into the
   * present period. False when the ledger could not be reached, and nothing was booked.
   */
  settle(ledger: Ledger, reserved: number, actual: number, nowMs: number): boolean;
  /** The present state of a ledger; claims no room. */
  read(ledger: Ledger, nowMs: number): LedgerState;
  /** Milliseconds until `amount` fits; 0 when it does now, Infinity when it never will, or `HELD_BY_OTHERS`. */
  waitToReserveMs(ledger: Ledger, limit: number, amount: number, nowMs: number): number;
}
