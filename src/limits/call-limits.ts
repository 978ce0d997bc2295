/** What limits a call, from its own credential outwards, and what is said about it. */

/** An amount of money per period, as its owner holds it. */
export interface BudgetLimit {
  /** Whole nano-USD. */
  readonly nanoUsd: number;
  readonly period: 'hour' | 'day' | 'week' | 'month' | 'total';
  /** A rolling month is 30 days. */
  readonly window: 'calendar' | 'rolling';
  /** IANA name; where calendar periods begin. */
  readonly timeZone: string;
  /** A soft one refuses nothing: that it is exceeded is told. */
  readonly kind: 'hard' | 'soft';
}

/** The limits of one level; `null`, or not there, means none. */
export interface LevelLimits {
  readonly requestsPerSecond?: number | null;
  readonly requestsPerMinute?: number | null;
  readonly requestsPerHour?: number | null;
  readonly requestsPerDay?: number | null;
  readonly tokensPerMinute?: number | null;
  readonly tokensPerDay?: number | null;
  /** Calls at the same time. */
  readonly concurrency?: number | null;
  /** Calls ever. */
  readonly uses?: number | null;
  readonly budgets?: readonly BudgetLimit[] | null;
  /** Nano-USD of one call, as estimated before it. */
  readonly costPerCallMax?: number | null;
  readonly tokensPerCallMax?: number | null;
}

export type LevelKind = 'delegated' | 'temporary' | 'key' | 'application' | 'team' | 'workspace';

/** One of those whose limits a call must fit into. */
export interface LimitLevel {
  readonly kind: LevelKind;
  readonly id: string;
  readonly limits: LevelLimits;
  /**
   * From when on this level is never asked again, so that what it counted for good need not be kept:
   * the expiry of a temporary credential, where that cannot be moved. Not there: never.
   */
  readonly endsAtMs?: number | null;
}

/** What a call is expected to need, or did need. Whole numbers ≥ 0. */
export interface CallAmounts {
  /** Input and output together. */
  readonly tokens: number;
  readonly nanoUsd: number;
}

/** What is held for a call until it is settled. */
export interface LimitReservation extends CallAmounts {
  /** Set by the limiter: a reservation is settled once. */
  settled: boolean;
}

export type LimitName = Exclude<keyof LevelLimits, 'budgets'> | 'budget';

/** `call`: how large one may be. */
export type LimitKind = 'call' | 'rate' | 'concurrency' | 'tokens' | 'uses' | 'budget';

/** One limit as it stands for a call. It refuses when it is not soft, and `used` + `needed` is more than `limit`. */
export interface LimitReading {
  readonly level: LevelKind;
  readonly levelId: string;
  readonly name: LimitName;
  readonly kind: LimitKind;
  /** Which budget; null for other limits. */
  readonly budget: BudgetLimit | null;
  readonly soft: boolean;
  readonly limit: number;
  /** What was spent or taken, with what calls under way hold; 0 for the size of a call. */
  readonly used: number;
  /** The part of it that is only reserved, by calls under way. */
  readonly held: number;
  /** What the call needs of it. */
  readonly needed: number;
  /** Milliseconds that a window looks back; 0 for what has no sliding window. */
  readonly windowMs: number;
  /** When the whole limit is free again, as far as time alone decides it: of a calendar budget, the end of its period; null when it is free now, or never. */
  readonly resetsAtMs: number | null;
  /** Milliseconds until the call fits; 0 now; null when waiting cannot help. */
  readonly retryAfterMs: number | null;
}

/** The limit of a kind that binds a call most tightly, for the headers of the answer. */
export interface TightestRate {
  readonly limit: number;
  readonly remaining: number;
  /** Milliseconds until the whole limit is free again. */
  readonly resetMs: number;
  readonly windowMs: number;
}

/** The call counts. */
export interface CallTaken {
  readonly ok: true;
  /** `null` when no level limits calls per time. */
  readonly tightest: TightestRate | null;
  /** The same of tokens per time, with what this call reserves taken off. */
  readonly tightestTokens: TightestRate | null;
  /** To be settled or cancelled once; `null` when no level limits tokens or money. */
  readonly reservation: LimitReservation | null;
  /** The soft budgets that are exceeded with this call. */
  readonly softExceeded: readonly LimitReading[];
}

/** The call does not count; nothing was taken. */
export interface CallRefused {
  readonly ok: false;
  readonly code: LimitCode;
  /** The limit that refused: of those of its kind with this code, the one that keeps the call waiting longest. `null` with `overloaded` and `keys_exhausted`. */
  readonly by: LimitReading | null;
  /**
   * Milliseconds, whole, ≥ 1: no limit of any kind passes the call earlier. Exact but where calls
   * under way decide, of which nobody knows when they end. `null` when waiting cannot help.
   */
  readonly retryAfterMs: number | null;
}

export type LimitCode =
  | 'call_too_expensive'
  | 'rate_limited'
  | 'concurrency_limited'
  | 'tokens_limited'
  | 'uses_exhausted'
  | 'budget_exhausted'
  /** Tokens, uses or a budget of a credential that the caller's own was made from. */
  | 'ancestor_exhausted'
  /** All places for delegated keys of its parent are taken. */
  | 'keys_exhausted'
  | 'overloaded';

/** All limits of one credential, its own and those of the levels around it. */
export interface CallLimits {
  /**
   * Counts a call against every limit of every level, or against none. On success the object
   * returned is the same each time and is overwritten by the next take: read it at once. Each
   * success must be followed by exactly one `release` when the call has ended, and by one `settle`
   * or `cancel` of its reservation, by the same thread.
   */
  take(nowMs: number, need: CallAmounts): CallTaken | CallRefused;
  /** The call has ended: it no longer counts as one at the same time. */
  release(): void;
  /**
   * Books what a call really needed in place of what was reserved for it, once. False when a ledger
   * could not be reached, and that part was not booked.
   */
  settle(reservation: LimitReservation, actual: CallAmounts, nowMs: number): boolean;
  /** Gives back what was reserved. A use stays used. */
  cancel(reservation: LimitReservation, nowMs: number): boolean;
  /**
   * Every limit of every level, for a call that needs this (one token and one nano-USD, when it is
   * left out), in the order in which they are checked; innermost level first. Takes nothing.
   */
  read(nowMs: number, need?: CallAmounts): readonly LimitReading[];
}
