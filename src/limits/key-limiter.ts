import type { Counter, Counters } from './counters.ts';
import { REFUSED } from './counters.ts';

/** The limits of a key, as its record holds them; `null`, or not there, means none. */
export interface RequestLimits {
  readonly requestsPerSecond?: number | null;
  readonly requestsPerMinute?: number | null;
  readonly requestsPerHour?: number | null;
  readonly requestsPerDay?: number | null;
  /** Calls at the same time. */
  readonly concurrency?: number | null;
}

/** The request limit that binds a call most tightly, for the headers of the answer. */
export interface TightestLimit {
  readonly limit: number;
  readonly remaining: number;
  /** Milliseconds until the whole limit is free again. */
  readonly resetMs: number;
  readonly windowMs: number;
}

/** The call counts. `tightest` is `null` when the key has no limit on requests per time. */
export interface LimitTaken {
  readonly ok: true;
  readonly tightest: TightestLimit | null;
}

/** The call does not count; nothing was taken. */
export interface LimitRefused {
  readonly ok: false;
  readonly code: 'rate_limited' | 'concurrency_limited' | 'overloaded';
  /** The limit that refused; 0 with `overloaded`. */
  readonly limit: number;
  /** Exact for rates: the call would pass then, were no other made. Whole, ≥ 1. */
  readonly retryAfterMs: number;
  /** Of the limit that refused; 0 with a concurrency limit and with `overloaded`. */
  readonly windowMs: number;
}

export type LimitOutcome = LimitTaken | LimitRefused;

/** One limit as it stands. */
export interface LimitReading {
  readonly name: keyof RequestLimits;
  readonly kind: 'rate' | 'concurrency';
  readonly limit: number;
  readonly used: number;
  /** 0 for a concurrency limit. */
  readonly windowMs: number;
  /** Milliseconds until one more call fits, as far as time alone decides it; 0 when it fits now. */
  readonly retryAfterMs: number;
}

/** All limits of one key. */
export interface KeyLimiter {
  /**
   * Counts a call against every limit, or against none. On success the object returned is the same
   * each time and is overwritten by the next take of this limiter: read it at once. Each success
   * must be followed by exactly one `release` when the call has ended.
   */
  take(nowMs: number, amount?: number): LimitOutcome;
  release(): void;
  read(nowMs: number): readonly LimitReading[];
}

/** When a call under way will end is not known: a client that tries again this often does no harm. */
const CONCURRENCY_RETRY_MS = 1_000;
/** Room comes back when windows end; the shortest is a second. */
const OVERLOADED_RETRY_MS = 1_000;

type RateName = Exclude<keyof RequestLimits, 'concurrency'>;

const WINDOWS: readonly { readonly name: RateName; readonly windowMs: number; readonly suffix: string }[] = [
  { name: 'requestsPerSecond', windowMs: 1_000, suffix: 'rps' },
  { name: 'requestsPerMinute', windowMs: 60_000, suffix: 'rpm' },
  { name: 'requestsPerHour', windowMs: 3_600_000, suffix: 'rph' },
  { name: 'requestsPerDay', windowMs: 86_400_000, suffix: 'rpd' },
];

/** Closed when the counters cannot be kept: a limit that is not counted is no limit. */
const OVERLOADED: LimitRefused = Object.freeze({
  ok: false,
  code: 'overloaded',
  limit: 0,
  retryAfterMs: OVERLOADED_RETRY_MS,
  windowMs: 0,
});
const UNLIMITED_TAKEN: LimitTaken = Object.freeze({ ok: true, tightest: null });
const NO_READINGS: readonly LimitReading[] = Object.freeze([]);
const UNLIMITED: KeyLimiter = Object.freeze({
  take: () => UNLIMITED_TAKEN,
  release() {
    // Nothing was taken.
  },
  read: () => NO_READINGS,
});

/**
 * The limits of a key over the counters of its deployment. Binding again, for a changed record,
 * goes on with the same counts. A key without limits shares a limiter that does nothing.
 */
export function bindLimits(counters: Counters, kid: string, limits: RequestLimits): KeyLimiter {
  const rates = bindRates(counters, kid, limits);
  const gauge = bindGauge(counters, kid, limits);
  if (rates.length === 0 && gauge === null) return UNLIMITED;
  const tightest = { limit: 0, remaining: 0, resetMs: 0, windowMs: 0 };
  const taken: LimitTaken = { ok: true, tightest: rates.length === 0 ? null : tightest };

  return {
    take(nowMs, amount = 1) {
      tightest.remaining = Number.POSITIVE_INFINITY;
      for (let i = 0; i < rates.length; i += 1) {
        const rate = rates[i];
        if (rate === undefined) break;
        const left = counters.take(rate.counter, rate.limit, amount, nowMs);
        if (left < 0) {
          giveBackFirst(counters, rates, i, amount);
          return left === REFUSED ? rateLimited(counters, rates, rate, amount, nowMs) : OVERLOADED;
        }
        if (left > tightest.remaining) continue; // of equal ones the longer window, which comes later
        tightest.limit = rate.limit;
        tightest.remaining = left;
        tightest.resetMs = rate.windowMs; // what was taken just now is the last to leave
        tightest.windowMs = rate.windowMs;
      }
      if (gauge === null) return taken;
      const left = counters.acquire(gauge.counter, gauge.limit, nowMs);
      if (left >= 0) return taken;
      giveBackFirst(counters, rates, rates.length, amount);
      return left === REFUSED ? concurrencyLimited(gauge) : OVERLOADED;
    },
    release() {
      if (gauge !== null) counters.release(gauge.counter);
    },
    read: (nowMs) => {
      const readings = rates.map((rate) => readRate(counters, rate, nowMs));
      return gauge === null ? readings : [...readings, readGauge(counters, gauge, nowMs)];
    },
  };
}

interface BoundGauge {
  readonly counter: Counter;
  readonly limit: number;
}

interface BoundRate extends BoundGauge {
  readonly name: RateName;
  readonly windowMs: number;
}

function bindRates(counters: Counters, kid: string, limits: RequestLimits): readonly BoundRate[] {
  return WINDOWS.flatMap(({ name, windowMs, suffix }) => {
    const limit = limits[name] ?? null;
    return limit === null ? [] : [{ name, windowMs, limit, counter: counters.window(`${kid}:${suffix}`, windowMs) }];
  });
}

function bindGauge(counters: Counters, kid: string, limits: RequestLimits): BoundGauge | null {
  const limit = limits.concurrency ?? null;
  return limit === null ? null : { limit, counter: counters.gauge(`${kid}:concurrency`) };
}

function giveBackFirst(counters: Counters, rates: readonly BoundRate[], count: number, amount: number): void {
  for (const { counter } of rates.slice(0, count)) counters.giveBack(counter, amount, counter.takenAtMs);
}

/** Tells of the limit that refuses longest: after a shorter wait the call would only be refused again. */
function rateLimited(
  counters: Counters,
  rates: readonly BoundRate[],
  refusing: BoundRate,
  amount: number,
  nowMs: number,
): LimitRefused {
  let longest = refusing;
  let longestMs = 0;
  for (const rate of rates) {
    const waitMs = counters.waitMs(rate.counter, rate.limit, amount, nowMs);
    if (waitMs <= longestMs) continue;
    longest = rate;
    longestMs = waitMs;
  }
  // At least 1: another thread may have given back since, and "at once" would not be true of the refusal.
  const retryAfterMs = Math.max(1, Math.ceil(longestMs));
  return { ok: false, code: 'rate_limited', limit: longest.limit, retryAfterMs, windowMs: longest.windowMs };
}

function concurrencyLimited({ limit }: BoundGauge): LimitRefused {
  return { ok: false, code: 'concurrency_limited', limit, retryAfterMs: CONCURRENCY_RETRY_MS, windowMs: 0 };
}

function readRate(counters: Counters, { name, windowMs, limit, counter }: BoundRate, nowMs: number): LimitReading {
  const used = counters.used(counter, nowMs);
  return { name, kind: 'rate', limit, used, windowMs, retryAfterMs: counters.waitMs(counter, limit, 1, nowMs) };
}

function readGauge(counters: Counters, { limit, counter }: BoundGauge, nowMs: number): LimitReading {
  const used = counters.used(counter, nowMs);
  return {
    name: 'concurrency',
    kind: 'concurrency',
    limit,
    used,
    windowMs: 0,
    retryAfterMs: used < limit ? 0 : CONCURRENCY_RETRY_MS,
  };
}
