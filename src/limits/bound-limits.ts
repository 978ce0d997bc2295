/**
 * The limits of all levels, sorted by the order in which they are checked and bound to their
 * counters. A counter's name tells the level and what is counted but not how much of it is allowed,
 * so that a changed limit goes on with what was counted.
 */
import type { BudgetLimit, CallAmounts, LevelLimits, LimitKind, LimitLevel, LimitName } from './call-limits.ts';
import type { Counter, Counters, Ledger } from './counters.ts';

/** A limit and whose it is. */
export interface BoundLimit {
  readonly level: LimitLevel;
  readonly name: LimitName;
  readonly kind: LimitKind;
  readonly budget: BudgetLimit | null;
  readonly limit: number;
  /** Of a credential that the caller's own was made from. */
  readonly isAncestor: boolean;
}

export interface BoundMaximum extends BoundLimit {
  readonly unit: 'tokens' | 'nanoUsd';
}

/** A rate or a gauge. */
export interface BoundCounter extends BoundLimit {
  readonly counter: Counter;
  /** What the latest take of it answered. */
  left: number;
}

export interface BoundLedger {
  readonly ledger: Ledger;
  readonly unit: 'tokens' | 'nanoUsd' | 'uses';
  /** The tightest limit that refuses; Infinity where all are soft. */
  readonly limit: number;
  /** That limit; where all are soft, any of them. */
  readonly tightest: BoundLimit;
  /** All limits on what this ledger counts. */
  readonly limits: readonly BoundLimit[];
  readonly soft: readonly BoundLimit[];
  readonly calendar: BudgetLimit | null;
  left: number;
}

export interface BoundLimits {
  readonly maxima: readonly BoundMaximum[];
  readonly rates: readonly BoundCounter[];
  readonly gauges: readonly BoundCounter[];
  /** Tokens, then uses, then budgets. */
  readonly ledgers: readonly BoundLedger[];
}

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const ROLLING_MS = { hour: HOUR_MS, day: DAY_MS, week: 7 * DAY_MS, month: 30 * DAY_MS } as const;

type CountName = Exclude<keyof LevelLimits, 'budgets'>;

interface WindowRow {
  readonly name: CountName;
  readonly windowMs: number;
  readonly suffix: string;
}

const RATES: readonly WindowRow[] = [
  { name: 'requestsPerSecond', windowMs: SECOND_MS, suffix: 'rps' },
  { name: 'requestsPerMinute', windowMs: MINUTE_MS, suffix: 'rpm' },
  { name: 'requestsPerHour', windowMs: HOUR_MS, suffix: 'rph' },
  { name: 'requestsPerDay', windowMs: DAY_MS, suffix: 'rpd' },
];
const TOKENS: readonly WindowRow[] = [
  { name: 'tokensPerMinute', windowMs: MINUTE_MS, suffix: 'tpm' },
  { name: 'tokensPerDay', windowMs: DAY_MS, suffix: 'tpd' },
];

/** `levels` innermost first, each once. */
export function bindLimitsOf(counters: Counters, levels: readonly LimitLevel[]): BoundLimits {
  const places = levels.map((level, index) => ({
    level,
    prefix: prefixOf(level),
    isAncestor: index > 0 && (level.kind === 'key' || level.kind === 'temporary'),
  }));
  return {
    maxima: places.flatMap(maximaOf),
    rates: places.flatMap((place) => ratesOf(counters, place)),
    gauges: places.flatMap((place) => gaugeOf(counters, place)),
    ledgers: [
      ...places.flatMap((place) => tokensOf(counters, place)),
      ...places.flatMap((place) => usesOf(counters, place)),
      ...places.flatMap((place) => budgetsOf(counters, place)),
    ],
  };
}

/** How much of a ledger a call takes. */
export function amountOf(bound: BoundLedger, amounts: CallAmounts): number {
  return bound.unit === 'uses' ? 1 : amounts[bound.unit];
}

interface Place {
  readonly level: LimitLevel;
  readonly prefix: string;
  readonly isAncestor: boolean;
}

/** A key's id is unique by itself, and neither holds a colon nor is one of the other prefixes. */
function prefixOf({ kind, id }: LimitLevel): string {
  return kind === 'key' ? `${id}:` : `${kind}:${id}:`;
}

/** The limit of that name, as a list of none or one. */
function limitOf(place: Place, name: CountName, kind: LimitKind): readonly BoundLimit[] {
  const limit = place.level.limits[name] ?? null;
  const { level, isAncestor } = place;
  return limit === null ? [] : [{ level, name, kind, budget: null, limit, isAncestor }];
}

function maximaOf(place: Place): readonly BoundMaximum[] {
  return [
    ...limitOf(place, 'tokensPerCallMax', 'call').map((bound) => ({ ...bound, unit: 'tokens' as const })),
    ...limitOf(place, 'costPerCallMax', 'call').map((bound) => ({ ...bound, unit: 'nanoUsd' as const })),
  ];
}

function ratesOf(counters: Counters, place: Place): readonly BoundCounter[] {
  return RATES.flatMap(({ name, windowMs, suffix }) =>
    limitOf(place, name, 'rate').map((bound) => ({
      ...bound,
      counter: counters.window(place.prefix + suffix, windowMs),
      left: 0,
    })),
  );
}

function gaugeOf(counters: Counters, place: Place): readonly BoundCounter[] {
  return limitOf(place, 'concurrency', 'concurrency').map((bound) => ({
    ...bound,
    counter: counters.gauge(`${place.prefix}concurrency`),
    left: 0,
  }));
}

function tokensOf(counters: Counters, place: Place): readonly BoundLedger[] {
  return TOKENS.flatMap(({ name, windowMs, suffix }) =>
    limitOf(place, name, 'tokens').map((bound) =>
      bindLedger(counters.ledger(place.prefix + suffix, 'rolling', windowMs), 'tokens', [bound]),
    ),
  );
}

function usesOf(counters: Counters, place: Place): readonly BoundLedger[] {
  return limitOf(place, 'uses', 'uses').map((bound) =>
    bindLedger(openTotal(counters, `${place.prefix}uses`, place.level), 'uses', [bound]),
  );
}

/** Budgets of the same period are one ledger, or a call would be booked into it twice. */
function budgetsOf(counters: Counters, place: Place): readonly BoundLedger[] {
  const groups = Map.groupBy(place.level.limits.budgets ?? [], ledgerName);
  return [...groups].flatMap(([name, [first, ...others]]) => {
    if (first === undefined) return [];
    const ledger = openBudget(counters, place.prefix + name, first, place.level);
    return [bindLedger(ledger, 'nanoUsd', [boundBudget(place, first), ...others.map((b) => boundBudget(place, b))])];
  });
}

/** Only calendar periods depend on the zone: a changed one begins another count there, and nowhere else. */
function ledgerName({ period, window, timeZone }: BudgetLimit): string {
  if (period === 'total') return 'budget:total';
  return window === 'rolling' ? `budget:${period}:rolling` : `budget:${period}:calendar:${timeZone}`;
}

function openBudget(counters: Counters, name: string, { period, window }: BudgetLimit, level: LimitLevel): Ledger {
  if (period === 'total') return openTotal(counters, name, level);
  if (window === 'rolling') return counters.ledger(name, 'rolling', ROLLING_MS[period]);
  return counters.ledger(name, 'calendar');
}

function openTotal(counters: Counters, name: string, level: LimitLevel): Ledger {
  const ledger = counters.ledger(name, 'total');
  ledger.endsAtMs = level.endsAtMs ?? Number.POSITIVE_INFINITY;
  return ledger;
}

function boundBudget({ level, isAncestor }: Place, budget: BudgetLimit): BoundLimit {
  return { level, name: 'budget', kind: 'budget', budget, limit: budget.nanoUsd, isAncestor };
}

function bindLedger(
  ledger: Ledger,
  unit: BoundLedger['unit'],
  limits: readonly [BoundLimit, ...BoundLimit[]],
): BoundLedger {
  const soft = limits.filter(isSoft);
  const hard = limits.filter((bound) => !isSoft(bound));
  const tightest = hard.reduce<BoundLimit | null>(
    (least, bound) => (bound.limit < (least?.limit ?? Number.POSITIVE_INFINITY) ? bound : least),
    null,
  );
  return {
    ledger,
    unit,
    limit: tightest?.limit ?? Number.POSITIVE_INFINITY,
    tightest: tightest ?? limits[0],
    limits,
    soft,
    calendar: ledger.kind === 'calendar' ? limits[0].budget : null,
    left: 0,
  };
}

export function isSoft({ budget }: BoundLimit): boolean {
  return budget?.kind === 'soft';
}
