import type { BoundCounter, BoundLedger, BoundMaximum } from './bound-limits.ts';
import { amountOf, bindLimitsOf } from './bound-limits.ts';
import type {
  CallAmounts,
  CallLimits,
  CallRefused,
  CallTaken,
  LimitLevel,
  LimitReading,
  LimitReservation,
  TightestRate,
} from './call-limits.ts';
import type { Counters } from './counters.ts';
import { REFUSED } from './counters.ts';
import { keepPeriod } from './ledger-period.ts';
import { OVERLOADED, readAll, readLedger, refuse, tooExpensive } from './limit-readings.ts';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

const NOTHING: CallAmounts = Object.freeze({ tokens: 0, nanoUsd: 0 });
const ONE: CallAmounts = Object.freeze({ tokens: 1, nanoUsd: 1 });
const NO_READINGS: readonly LimitReading[] = Object.freeze([]);
const UNLIMITED_TAKEN: CallTaken = Object.freeze({
  ok: true,
  tightest: null,
  tightestTokens: null,
  reservation: null,
  softExceeded: NO_READINGS,
});
const UNLIMITED: CallLimits = Object.freeze({
  take: () => UNLIMITED_TAKEN,
  release() {
    // Nothing was taken.
  },
  settle: () => true,
  cancel: () => true,
  read: () => NO_READINGS,
});

/**
 * The limits of a credential over the counters of its deployment: its own, then those of the levels
 * around it, innermost first, each level once. Binding again, for changed limits, goes on with the
 * same counts. Without any limit a limiter is shared that does nothing.
 */
export function bindCallLimits(counters: Counters, levels: readonly LimitLevel[]): CallLimits {
  const bound = bindLimitsOf(counters, levels);
  const { maxima, rates, gauges, ledgers } = bound;
  if (maxima.length + rates.length + gauges.length + ledgers.length === 0) return UNLIMITED;
  const tokens = ledgers.filter((ledger) => ledger.unit === 'tokens');
  const uses = ledgers.filter((ledger) => ledger.unit === 'uses');
  const metered = ledgers.filter((ledger) => ledger.unit !== 'uses');
  const soft = ledgers.filter((ledger) => ledger.soft.length > 0);
  const tightest: Mutable<TightestRate> = { limit: 0, remaining: 0, resetMs: 0, windowMs: 0 };
  const tightestTokens = { ...tightest };
  const taken: Mutable<CallTaken> = {
    ok: true,
    tightest: rates.length === 0 ? null : tightest,
    tightestTokens: tokens.length === 0 ? null : tightestTokens,
    reservation: null,
    softExceeded: NO_READINGS,
  };

  function refused(limit: BoundCounter | BoundLedger, need: CallAmounts, nowMs: number): CallRefused {
    if (limit.left !== REFUSED) return OVERLOADED;
    return refuse(counters, bound, 'ledger' in limit ? limit.tightest : limit, need, nowMs);
  }

  function settle(reservation: LimitReservation, actual: CallAmounts, nowMs: number): boolean {
    if (reservation.settled) return true;
    reservation.settled = true;
    let booked = true;
    for (const ledger of metered) {
      keepPeriod(ledger, nowMs);
      const reserved = amountOf(ledger, reservation);
      booked = counters.settle(ledger.ledger, reserved, amountOf(ledger, actual), nowMs) && booked;
    }
    return booked;
  }

  return {
    take(nowMs, need) {
      const tooLarge = firstExceeded(maxima, need);
      if (tooLarge !== null) return tooExpensive(tooLarge, need);
      const rate = takeRates(counters, rates, nowMs);
      if (rate !== null) return refused(rate, need, nowMs);
      const gauge = acquireGauges(counters, gauges, nowMs);
      if (gauge !== null) {
        giveBackRates(counters, rates, null);
        return refused(gauge, need, nowMs);
      }
      const ledger = reserveLedgers(counters, ledgers, need, nowMs);
      if (ledger !== null) {
        releaseGauges(counters, gauges, null);
        giveBackRates(counters, rates, null);
        return refused(ledger, need, nowMs);
      }
      // Only now a use is used: no other limit can refuse any more.
      for (const use of uses) counters.settle(use.ledger, 1, 1, nowMs);
      tellTightest(tightest, rates);
      if (tokens.length > 0) tellTightest(tightestTokens, tokens);
      if (metered.length > 0) taken.reservation = { tokens: need.tokens, nanoUsd: need.nanoUsd, settled: false };
      if (soft.length > 0) taken.softExceeded = exceededOf(counters, soft, need, nowMs);
      return taken;
    },
    release: () => releaseGauges(counters, gauges, null),
    settle,
    cancel: (reservation, nowMs) => settle(reservation, NOTHING, nowMs),
    read: (nowMs, need = ONE) => readAll(counters, bound, need, nowMs),
  };
}

/** Not "more than": an amount that is no number is too much. */
function firstExceeded(maxima: readonly BoundMaximum[], need: CallAmounts): BoundMaximum | null {
  for (let i = 0; i < maxima.length; i += 1) {
    const maximum = maxima[i];
    if (maximum === undefined) break;
    if (!(need[maximum.unit] <= maximum.limit)) return maximum;
  }
  return null;
}

/** Takes of all rates, or of none: then it returns the one that refused. */
function takeRates(counters: Counters, rates: readonly BoundCounter[], nowMs: number): BoundCounter | null {
  for (let i = 0; i < rates.length; i += 1) {
    const rate = rates[i];
    if (rate === undefined) break;
    rate.left = counters.take(rate.counter, rate.limit, 1, nowMs);
    if (rate.left >= 0) continue;
    giveBackRates(counters, rates, rate);
    return rate;
  }
  return null;
}

/** Gives back what was taken of the rates before one, or of all. */
function giveBackRates(counters: Counters, rates: readonly BoundCounter[], before: BoundCounter | null): void {
  for (const rate of rates) {
    if (rate === before) return;
    counters.giveBack(rate.counter, 1, rate.counter.takenAtMs);
  }
}

function acquireGauges(counters: Counters, gauges: readonly BoundCounter[], nowMs: number): BoundCounter | null {
  for (let i = 0; i < gauges.length; i += 1) {
    const gauge = gauges[i];
    if (gauge === undefined) break;
    gauge.left = counters.acquire(gauge.counter, gauge.limit, nowMs);
    if (gauge.left >= 0) continue;
    releaseGauges(counters, gauges, gauge);
    return gauge;
  }
  return null;
}

function releaseGauges(counters: Counters, gauges: readonly BoundCounter[], before: BoundCounter | null): void {
  for (let i = 0; i < gauges.length; i += 1) {
    const gauge = gauges[i];
    if (gauge === undefined || gauge === before) return;
    counters.release(gauge.counter);
  }
}

function reserveLedgers(
  counters: Counters,
  ledgers: readonly BoundLedger[],
  need: CallAmounts,
  nowMs: number,
): BoundLedger | null {
  for (let i = 0; i < ledgers.length; i += 1) {
    const ledger = ledgers[i];
    if (ledger === undefined) break;
    keepPeriod(ledger, nowMs);
    ledger.left = counters.reserve(ledger.ledger, ledger.limit, amountOf(ledger, need), nowMs);
    if (ledger.left >= 0) continue;
    giveBackLedgers(counters, ledgers, ledger, need, nowMs);
    return ledger;
  }
  return null;
}

function giveBackLedgers(
  counters: Counters,
  ledgers: readonly BoundLedger[],
  before: BoundLedger,
  need: CallAmounts,
  nowMs: number,
): void {
  for (const ledger of ledgers) {
    if (ledger === before) return;
    counters.settle(ledger.ledger, amountOf(ledger, need), 0, nowMs);
  }
}

/** The limit with the least left; of equal ones that with the longer window. */
function tellTightest(tightest: Mutable<TightestRate>, rates: readonly (BoundCounter | BoundLedger)[]): void {
  tightest.remaining = Number.POSITIVE_INFINITY;
  for (let i = 0; i < rates.length; i += 1) {
    const rate = rates[i];
    if (rate === undefined) break;
    const { windowMs } = 'ledger' in rate ? rate.ledger : rate.counter;
    const isTighter =
      rate.left < tightest.remaining || (rate.left === tightest.remaining && windowMs > tightest.windowMs);
    if (!isTighter) continue;
    tightest.limit = rate.limit;
    tightest.remaining = rate.left;
    tightest.resetMs = windowMs; // what was taken just now is the last to leave
    tightest.windowMs = windowMs;
  }
}

/** The soft budgets that are exceeded with what was reserved just now. */
function exceededOf(
  counters: Counters,
  ledgers: readonly BoundLedger[],
  need: CallAmounts,
  nowMs: number,
): readonly LimitReading[] {
  let exceeded: LimitReading[] | null = null;
  for (const bound of ledgers) {
    for (const limit of bound.soft) {
      if (bound.ledger.spent + bound.ledger.held <= limit.limit) continue;
      exceeded ??= [];
      exceeded.push(readLedger(counters, bound, limit, need, nowMs));
    }
  }
  return exceeded ?? NO_READINGS;
}
