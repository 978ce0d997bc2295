/** What is said of limits: readings of them, and refusals. Nothing here is on the way of a call that passes. */
import type { BoundCounter, BoundLedger, BoundLimit, BoundLimits, BoundMaximum } from './bound-limits.ts';
import { amountOf, isSoft } from './bound-limits.ts';
import type { CallAmounts, CallRefused, LimitCode, LimitReading } from './call-limits.ts';
import type { Counters } from './counters.ts';
import { HELD_BY_OTHERS } from './counters.ts';
import { keepPeriod } from './ledger-period.ts';

/** When a call under way will end is not known: a client that tries again this often does no harm. */
const UNDER_WAY_RETRY_MS = 1_000;
/** Room comes back when windows end; the shortest is a second. */
const OVERLOADED_RETRY_MS = 1_000;

/** Closed when the counters cannot be kept: a limit that is not counted is no limit. */
export const OVERLOADED: CallRefused = Object.freeze({
  ok: false,
  code: 'overloaded',
  by: null,
  retryAfterMs: OVERLOADED_RETRY_MS,
});

/** A limit that stands in the way, and how long; Infinity: waiting cannot help. */
interface Obstacle {
  readonly bound: BoundLimit;
  readonly waitMs: number;
  readonly read: () => LimitReading;
}

/** Says why a call is refused, once all that was taken for it is given back. */
export function refuse(
  counters: Counters,
  limits: BoundLimits,
  refusing: BoundLimit,
  need: CallAmounts,
  nowMs: number,
): CallRefused {
  const code = codeOf(refusing);
  const obstacles = obstaclesOf(counters, limits, need, nowMs);
  // The one that refused stays in the way by its kind, though another thread may have given back since.
  const alike = obstacles.filter(({ bound, waitMs }) => bound === refusing || (waitMs > 0 && isAlike(bound, refusing)));
  const told = longest(alike);
  const waitMs = Math.max(longest(obstacles)?.waitMs ?? 0, told?.bound.kind === 'concurrency' ? UNDER_WAY_RETRY_MS : 1);
  return {
    ok: false,
    code,
    by: told?.read() ?? null,
    retryAfterMs: Number.isFinite(waitMs) ? Math.ceil(waitMs) : null,
  };
}

/** A call that is larger than any may be: nothing else was looked at, and no time will change it. */
export function tooExpensive(refusing: BoundMaximum, need: CallAmounts): CallRefused {
  return { ok: false, code: 'call_too_expensive', by: readMaximum(refusing, need), retryAfterMs: null };
}

export function readAll(
  counters: Counters,
  limits: BoundLimits,
  need: CallAmounts,
  nowMs: number,
): readonly LimitReading[] {
  return [
    ...limits.maxima.map((maximum) => readMaximum(maximum, need)),
    ...limits.rates.map((rate) => readRate(counters, rate, nowMs)),
    ...limits.gauges.map((gauge) => readGauge(counters, gauge, nowMs)),
    ...limits.ledgers.flatMap((bound) => bound.limits.map((limit) => readLedger(counters, bound, limit, need, nowMs))),
  ];
}

export function readLedger(
  counters: Counters,
  bound: BoundLedger,
  limit: BoundLimit,
  need: CallAmounts,
  nowMs: number,
): LimitReading {
  keepPeriod(bound, nowMs);
  const { spent, held, resetsAtMs } = counters.read(bound.ledger, nowMs);
  const needed = amountOf(bound, need);
  const waitMs = isSoft(limit) ? 0 : ledgerWaitMs(counters, bound, limit.limit, needed, nowMs);
  return {
    ...base(limit),
    used: spent + held,
    held,
    needed,
    windowMs: bound.ledger.windowMs,
    resetsAtMs,
    retryAfterMs: Number.isFinite(waitMs) ? waitMs : null,
  };
}

function codeOf({ kind, isAncestor }: BoundLimit): LimitCode {
  switch (kind) {
    case 'call':
      return 'call_too_expensive';
    case 'rate':
      return 'rate_limited';
    case 'concurrency':
      return 'concurrency_limited';
    case 'tokens':
      return isAncestor ? 'ancestor_exhausted' : 'tokens_limited';
    case 'uses':
      return isAncestor ? 'ancestor_exhausted' : 'uses_exhausted';
    case 'budget':
      return isAncestor ? 'ancestor_exhausted' : 'budget_exhausted';
  }
}

function isAlike(bound: BoundLimit, refusing: BoundLimit): boolean {
  return bound.kind === refusing.kind && codeOf(bound) === codeOf(refusing);
}

/** Every limit that a call can be refused by, with how long it would be. */
function obstaclesOf(counters: Counters, limits: BoundLimits, need: CallAmounts, nowMs: number): readonly Obstacle[] {
  return [
    ...limits.rates.map((rate) => ({
      bound: rate,
      waitMs: counters.waitMs(rate.counter, rate.limit, 1, nowMs),
      read: () => readRate(counters, rate, nowMs),
    })),
    ...limits.gauges.map((gauge) => ({
      bound: gauge,
      waitMs: counters.used(gauge.counter, nowMs) < gauge.limit ? 0 : UNDER_WAY_RETRY_MS,
      read: () => readGauge(counters, gauge, nowMs),
    })),
    ...limits.ledgers.map((bound) => ({
      bound: bound.tightest,
      waitMs: ledgerWaitMs(counters, bound, bound.limit, amountOf(bound, need), nowMs),
      read: () => readLedger(counters, bound, bound.tightest, need, nowMs),
    })),
  ];
}

/** The first of those that stand in the way longest. */
function longest(obstacles: readonly Obstacle[]): Obstacle | null {
  return obstacles.reduce<Obstacle | null>(
    (most, each) => (most === null || each.waitMs > most.waitMs ? each : most),
    null,
  );
}

function ledgerWaitMs(counters: Counters, bound: BoundLedger, limit: number, amount: number, nowMs: number): number {
  keepPeriod(bound, nowMs);
  const waitMs = counters.waitToReserveMs(bound.ledger, limit, amount, nowMs);
  return waitMs === HELD_BY_OTHERS ? UNDER_WAY_RETRY_MS : waitMs;
}

function base(
  bound: BoundLimit,
): Pick<LimitReading, 'level' | 'levelId' | 'name' | 'kind' | 'budget' | 'soft' | 'limit'> {
  const { level, name, kind, budget, limit } = bound;
  return { level: level.kind, levelId: level.id, name, kind, budget, soft: isSoft(bound), limit };
}

function readMaximum(maximum: BoundMaximum, need: CallAmounts): LimitReading {
  const needed = need[maximum.unit];
  const retryAfterMs = needed <= maximum.limit ? 0 : null;
  return { ...base(maximum), used: 0, held: 0, needed, windowMs: 0, resetsAtMs: null, retryAfterMs };
}

function readRate(counters: Counters, rate: BoundCounter, nowMs: number): LimitReading {
  const { counter, limit } = rate;
  const used = counters.used(counter, nowMs);
  return {
    ...base(rate),
    used,
    held: 0,
    needed: 1,
    windowMs: counter.windowMs,
    // As much as the limit fits when nothing is left in the window.
    resetsAtMs: used === 0 ? null : nowMs + counters.waitMs(counter, limit, limit, nowMs),
    retryAfterMs: counters.waitMs(counter, limit, 1, nowMs),
  };
}

function readGauge(counters: Counters, gauge: BoundCounter, nowMs: number): LimitReading {
  const used = counters.used(gauge.counter, nowMs);
  const retryAfterMs = used < gauge.limit ? 0 : UNDER_WAY_RETRY_MS;
  return { ...base(gauge), used, held: 0, needed: 1, windowMs: 0, resetsAtMs: null, retryAfterMs };
}
