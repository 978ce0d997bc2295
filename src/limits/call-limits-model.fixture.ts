/** The limits of calls as a list of all that ever happened: slow, for one thread, and plain to see. */
import { startOfPeriod } from '../lib/zoned-time.ts';
import type { BudgetLimit, CallAmounts, LevelLimits, LimitCode, LimitLevel } from './call-limits.ts';

interface Entry {
  readonly atMs: number;
  readonly amount: number;
}

interface ModelCall {
  readonly levels: readonly LimitLevel[];
  readonly need: CallAmounts;
  underWay: boolean;
  settled: boolean;
}

const DAY_MS = 86_400_000;
const RATES = [
  ['requestsPerSecond', 1_000],
  ['requestsPerMinute', 60_000],
  ['requestsPerHour', 3_600_000],
  ['requestsPerDay', DAY_MS],
] as const;
const TOKENS = [
  ['tokensPerMinute', 60_000],
  ['tokensPerDay', DAY_MS],
] as const;
const ROLLING_MS = { hour: 3_600_000, day: DAY_MS, week: 7 * DAY_MS, month: 30 * DAY_MS } as const;

export class CallLimitsModel {
  readonly calls: ModelCall[] = [];
  /** By level and unit, what was spent; by rate, what was taken. */
  readonly #entries = new Map<string, Entry[]>();
  /** By rate and bucket, the last moment at which it passed a call, whether or not a later limit did. */
  readonly #lastMs = new Map<string, number>();

  take(levels: readonly LimitLevel[], need: CallAmounts, nowMs: number): LimitCode | null {
    const code = this.#refusal(levels, need, nowMs);
    if (code !== null) return code;
    for (const level of levels) {
      for (const [name] of RATES) this.#add(level, name, nowMs, 1);
      this.#add(level, 'uses', nowMs, 1);
    }
    this.calls.push({ levels, need, underWay: true, settled: false });
    return null;
  }

  settle(call: ModelCall, actual: CallAmounts, nowMs: number): void {
    call.settled = true;
    for (const level of call.levels) {
      this.#add(level, 'tokens', nowMs, actual.tokens);
      this.#add(level, 'nanoUsd', nowMs, actual.nanoUsd);
    }
  }

  /** What a limit should read, as `used/held`. */
  reading(level: LimitLevel, name: string, budget: BudgetLimit | null, nowMs: number): string {
    const rate = RATES.find(([known]) => known === name);
    if (rate !== undefined) return `${this.#taken(level, rate[0], rate[1], nowMs)}/0`;
    const tokens = TOKENS.find(([known]) => known === name);
    if (tokens !== undefined) {
      return `${this.#rolling(level, 'tokens', tokens[1], nowMs)}/${this.#held(level, 'tokens')}`;
    }
    if (name === 'concurrency') return `${this.#underWay(level)}/0`;
    if (name === 'uses') return `${this.#total(level, 'uses')}/0`;
    return budget === null ? '0/0' : `${this.#spent(level, budget, nowMs)}/${this.#held(level, 'nanoUsd')}`;
  }

  #refusal(levels: readonly LimitLevel[], need: CallAmounts, nowMs: number): LimitCode | null {
    for (const { limits } of levels) {
      if (exceeds(limits.tokensPerCallMax, need.tokens)) return 'call_too_expensive';
      if (exceeds(limits.costPerCallMax, need.nanoUsd)) return 'call_too_expensive';
    }
    for (const level of levels) {
      for (const [name, windowMs] of RATES) {
        if ((level.limits[name] ?? null) === null) continue;
        if (exceeds(level.limits[name], this.#taken(level, name, windowMs, nowMs) + 1)) return 'rate_limited';
        this.#lastMs.set(`${key(level, name)}/${bucketOf(nowMs, windowMs)}`, nowMs);
      }
    }
    for (const level of levels) {
      if (exceeds(level.limits.concurrency, this.#underWay(level) + 1)) return 'concurrency_limited';
    }
    return this.#metered(levels, need, nowMs);
  }

  #metered(levels: readonly LimitLevel[], need: CallAmounts, nowMs: number): LimitCode | null {
    for (const [i, level] of levels.entries()) {
      for (const [name, windowMs] of TOKENS) {
        const sum = this.#rolling(level, 'tokens', windowMs, nowMs) + this.#held(level, 'tokens') + need.tokens;
        if (exceeds(level.limits[name], sum)) return orAncestor(level, i, 'tokens_limited');
      }
    }
    for (const [i, level] of levels.entries()) {
      if (exceeds(level.limits.uses, this.#total(level, 'uses') + 1)) return orAncestor(level, i, 'uses_exhausted');
    }
    for (const [i, level] of levels.entries()) {
      for (const budget of level.limits.budgets ?? []) {
        const sum = this.#spent(level, budget, nowMs) + this.#held(level, 'nanoUsd') + need.nanoUsd;
        if (budget.kind === 'hard' && sum > budget.nanoUsd) return orAncestor(level, i, 'budget_exhausted');
      }
    }
    return null;
  }

  #add(level: LimitLevel, unit: string, atMs: number, amount: number): void {
    const entries = this.#entries.get(key(level, unit)) ?? [];
    this.#entries.set(key(level, unit), entries);
    entries.push({ atMs, amount });
  }

  #sum(level: LimitLevel, unit: string, counts: (entry: Entry) => boolean): number {
    return (this.#entries.get(key(level, unit)) ?? []).filter(counts).reduce((sum, { amount }) => sum + amount, 0);
  }

  /** What is in a bucket counts until its last passed call is a whole window ago. */
  #taken(level: LimitLevel, name: keyof LevelLimits, windowMs: number, nowMs: number): number {
    return this.#sum(level, name, ({ atMs }) => {
      const lastMs = this.#lastMs.get(`${key(level, name)}/${bucketOf(atMs, windowMs)}`) ?? atMs;
      return lastMs > nowMs - windowMs;
    });
  }

  /** What is in a bucket counts until all of the bucket is outside of the window. */
  #rolling(level: LimitLevel, unit: string, windowMs: number, nowMs: number): number {
    return this.#sum(level, unit, ({ atMs }) => bucketOf(atMs, windowMs) >= bucketOf(nowMs, windowMs) - 60);
  }

  #spent(level: LimitLevel, { period, window, timeZone }: BudgetLimit, nowMs: number): number {
    if (period === 'total') return this.#total(level, 'nanoUsd');
    if (window === 'rolling') return this.#rolling(level, 'nanoUsd', ROLLING_MS[period], nowMs);
    const startMs = startOfPeriod(period, timeZone, nowMs);
    return this.#sum(level, 'nanoUsd', ({ atMs }) => atMs >= startMs);
  }

  #total(level: LimitLevel, unit: string): number {
    return this.#sum(level, unit, () => true);
  }

  #held(level: LimitLevel, unit: keyof CallAmounts): number {
    return this.#of(level, (call) => !call.settled).reduce((sum, { need }) => sum + need[unit], 0);
  }

  #underWay(level: LimitLevel): number {
    return this.#of(level, (call) => call.underWay).length;
  }

  #of(level: LimitLevel, which: (call: ModelCall) => boolean): readonly ModelCall[] {
    return this.calls.filter((call) => which(call) && call.levels.some((each) => key(each, '') === key(level, '')));
  }
}

function key(level: LimitLevel, unit: string): string {
  return `${level.kind} ${level.id} ${unit}`;
}

function bucketOf(atMs: number, windowMs: number): number {
  return Math.floor((atMs * 60) / windowMs);
}

function exceeds(limit: number | null | undefined, amount: number): boolean {
  return limit !== null && limit !== undefined && amount > limit;
}

function orAncestor(level: LimitLevel, index: number, code: LimitCode): LimitCode {
  return index > 0 && (level.kind === 'key' || level.kind === 'temporary') ? 'ancestor_exhausted' : code;
}
