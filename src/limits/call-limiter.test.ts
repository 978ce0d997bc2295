import { describe, expect, test } from 'vitest';
import { bindCallLimits } from './call-limiter.ts';
import type { BudgetLimit, CallLimits, LevelLimits, LimitLevel, LimitReservation } from './call-limits.ts';
import type { SharedCounters } from './shared-counters.ts';
import { createSharedCounters, openSharedCounters } from './shared-counters.ts';

const NOW_MS = Date.UTC(2026, 0, 1, 12);
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const FREE = { tokens: 0, nanoUsd: 0 };

function open(cells = 64): SharedCounters {
  return openSharedCounters(createSharedCounters({ cells }), 0);
}

function key(limits: LevelLimits, id = 'abcdefghijkl'): LimitLevel {
  return { kind: 'key', id, limits };
}

function bind(limits: LevelLimits, counters = open()): CallLimits {
  return bindCallLimits(counters, [key(limits)]);
}

function budget(nanoUsd: number, changes: Partial<BudgetLimit> = {}): BudgetLimit {
  return { nanoUsd, period: 'day', window: 'calendar', timeZone: 'UTC', kind: 'hard', ...changes };
}

/** Takes, and answers with the reservation. */
function reserve(limiter: CallLimits, nowMs: number, need: { tokens?: number; nanoUsd?: number }): LimitReservation {
  const outcome = limiter.take(nowMs, { ...FREE, ...need });
  if (!outcome.ok) throw new Error(`refused: ${outcome.code}`);
  if (outcome.reservation === null) throw new Error('nothing is metered');
  return outcome.reservation;
}

/** A call from its beginning to its end. */
function spendNanoUsd(limiter: CallLimits, nowMs: number, nanoUsd: number): void {
  limiter.settle(reserve(limiter, nowMs, { nanoUsd }), { tokens: 0, nanoUsd }, nowMs);
}

describe('a credential without limits', () => {
  test('is never refused and shares one limiter', () => {
    const counters = open(1);
    const limiter = bindCallLimits(counters, [key({ requestsPerDay: null, budgets: [] })]);
    expect(limiter).toBe(bindCallLimits(counters, []));
    expect(limiter.take(NOW_MS, FREE)).toEqual({
      ok: true,
      tightest: null,
      tightestTokens: null,
      reservation: null,
      softExceeded: [],
    });
    expect(limiter.read(NOW_MS)).toEqual([]);
  });
});

describe('rates and concurrency', () => {
  test('pass exactly the tightest rate of all levels, and tell that one', () => {
    const counters = open();
    const workspace: LimitLevel = { kind: 'workspace', id: 'w', limits: { requestsPerMinute: 3 } };
    const limiter = bindCallLimits(counters, [key({ requestsPerMinute: 10, requestsPerDay: 12 }), workspace]);
    expect(limiter.take(NOW_MS, FREE)).toMatchObject({
      tightest: { limit: 3, remaining: 2, resetMs: 60_000, windowMs: 60_000 },
    });
    expect([1, 2, 3].map(() => limiter.take(NOW_MS, FREE).ok)).toEqual([true, true, false]);
  });

  test('allocate nothing: the answer is the same object each time', () => {
    const limiter = bind({ requestsPerMinute: 10, concurrency: 10 });
    expect(limiter.take(NOW_MS, FREE)).toBe(limiter.take(NOW_MS, FREE));
  });

  test('are told to wait until every limit passes, whichever refused first', () => {
    const limiter = bind({ requestsPerSecond: 1, requestsPerHour: 1, budgets: [budget(5)] });
    spendNanoUsd(limiter, NOW_MS, 5);
    expect(limiter.take(NOW_MS + 100, { tokens: 0, nanoUsd: 1 })).toMatchObject({
      ok: false,
      code: 'rate_limited',
      by: { name: 'requestsPerHour', limit: 1, used: 1, resetsAtMs: NOW_MS + HOUR_MS, retryAfterMs: HOUR_MS - 100 },
      retryAfterMs: 12 * HOUR_MS - 100,
    });
  });

  test('count a concurrent call on every level until it is released', () => {
    const counters = open();
    const application: LimitLevel = { kind: 'application', id: 'a', limits: { concurrency: 2 } };
    const [one, two] = ['k1', 'k2'].map((id) => bindCallLimits(counters, [key({ concurrency: 5 }, id), application]));
    one?.take(NOW_MS, FREE);
    two?.take(NOW_MS, FREE);
    expect(one?.take(NOW_MS, FREE)).toMatchObject({
      code: 'concurrency_limited',
      by: { level: 'application', levelId: 'a', limit: 2, used: 2 },
      retryAfterMs: 1_000,
    });
    expect(one?.read(NOW_MS).map(({ used }) => used)).toEqual([1, 2]);
    two?.release();
    expect(one?.take(NOW_MS, FREE).ok).toBe(true);
  });

  test('go on with the counts of a key when it is bound again, under the names they had', () => {
    const counters = open();
    counters.take(counters.window('abcdefghijkl:rpm', 60_000), 5, 4, NOW_MS);
    const limiter = bind({ requestsPerMinute: 5 }, counters);
    expect(limiter.take(NOW_MS, FREE)).toMatchObject({ ok: true, tightest: { remaining: 0 } });
  });
});

describe('tokens', () => {
  test('are reserved as expected, settled as they were, and room comes back', () => {
    const limiter = bind({ tokensPerMinute: 100 });
    const reservation = reserve(limiter, NOW_MS, { tokens: 90 });
    expect(limiter.take(NOW_MS, { tokens: 20, nanoUsd: 0 })).toMatchObject({
      code: 'tokens_limited',
      by: { name: 'tokensPerMinute', limit: 100, used: 90, held: 90, needed: 20 },
      retryAfterMs: 1_000, // what is held may be given back at any time
    });
    limiter.settle(reservation, { tokens: 30, nanoUsd: 0 }, NOW_MS);
    expect(limiter.read(NOW_MS)).toMatchObject([{ used: 30, held: 0, resetsAtMs: NOW_MS + 61_000 }]);
    reserve(limiter, NOW_MS, { tokens: 70 });
  });

  test('may turn out more than was reserved, which then stands in the way of the next', () => {
    const limiter = bind({ tokensPerMinute: 100 });
    limiter.settle(reserve(limiter, NOW_MS, { tokens: 10 }), { tokens: 500, nanoUsd: 0 }, NOW_MS);
    expect(limiter.take(NOW_MS, { tokens: 1, nanoUsd: 0 })).toMatchObject({ by: { used: 500 }, retryAfterMs: 61_000 });
  });

  test('that never fit are not worth waiting for', () => {
    const limiter = bind({ tokensPerMinute: 100 });
    expect(limiter.take(NOW_MS, { tokens: 101, nanoUsd: 0 })).toMatchObject({
      code: 'tokens_limited',
      retryAfterMs: null,
    });
  });

  test('are settled once, however often that is asked', () => {
    const limiter = bind({ tokensPerMinute: 100 });
    const reservation = reserve(limiter, NOW_MS, { tokens: 10 });
    limiter.settle(reservation, { tokens: 10, nanoUsd: 0 }, NOW_MS);
    limiter.settle(reservation, { tokens: 10, nanoUsd: 0 }, NOW_MS);
    limiter.cancel(reservation, NOW_MS);
    expect(limiter.read(NOW_MS)).toMatchObject([{ used: 10, held: 0 }]);
  });

  test('that are no number are refused before the call, and booked as reserved after it', () => {
    const limiter = bind({ tokensPerMinute: 100 });
    expect(limiter.take(NOW_MS, { tokens: Number.NaN, nanoUsd: 0 }).ok).toBe(false);
    expect(limiter.take(NOW_MS, { tokens: -5, nanoUsd: 0 }).ok).toBe(false);
    limiter.settle(reserve(limiter, NOW_MS, { tokens: 10 }), { tokens: Number.NaN, nanoUsd: 0 }, NOW_MS);
    expect(limiter.read(NOW_MS)).toMatchObject([{ used: 10, held: 0 }]);
  });
});

describe('uses', () => {
  test('are used by calls that pass only, and never come back', () => {
    const limiter = bind({ uses: 2, budgets: [budget(10)] });
    expect(limiter.take(NOW_MS, { tokens: 0, nanoUsd: 11 })).toMatchObject({ code: 'budget_exhausted' });
    limiter.cancel(reserve(limiter, NOW_MS, {}), NOW_MS);
    limiter.cancel(reserve(limiter, NOW_MS, {}), NOW_MS);
    expect(limiter.take(NOW_MS + 900 * DAY_MS, FREE)).toMatchObject({
      code: 'uses_exhausted',
      by: { name: 'uses', limit: 2, used: 2, held: 0, resetsAtMs: null },
      retryAfterMs: null,
    });
  });

  test('of a credential whose end has come make room for others, and not before', () => {
    const counters = open(1);
    const endsAtMs = NOW_MS + HOUR_MS;
    const temporary: LimitLevel = { kind: 'temporary', id: 't', limits: { uses: 1 }, endsAtMs };
    expect(bindCallLimits(counters, [temporary]).take(NOW_MS, FREE).ok).toBe(true);
    const other = bind({ uses: 1 }, counters);
    expect(other.take(endsAtMs - 1, FREE)).toMatchObject({ code: 'overloaded', by: null, retryAfterMs: 1_000 });
    expect(other.take(endsAtMs, FREE).ok).toBe(true);
    expect(bindCallLimits(counters, [temporary]).take(NOW_MS + 900 * DAY_MS, FREE)).toMatchObject({
      code: 'overloaded',
    });
  });
});

describe('budgets', () => {
  test('begin anew with the local day, at exactly the told moment', () => {
    const limiter = bind({ budgets: [budget(100, { timeZone: 'Europe/Berlin' })] });
    // The day on which clocks are put forward: midnight is at 23:00 UTC, the next at 22:00.
    const nowMs = Date.UTC(2026, 2, 28, 23, 30);
    const nextMs = Date.UTC(2026, 2, 29, 22);
    spendNanoUsd(limiter, Date.UTC(2026, 2, 28, 22, 59, 59, 999), 100);
    spendNanoUsd(limiter, nowMs, 100);
    const need = { tokens: 0, nanoUsd: 1 };
    expect(limiter.take(nowMs, need)).toMatchObject({
      code: 'budget_exhausted',
      by: { name: 'budget', limit: 100, used: 100, resetsAtMs: nextMs, budget: { period: 'day' } },
      retryAfterMs: nextMs - nowMs,
    });
    expect(limiter.take(nextMs - 1, need).ok).toBe(false);
    expect(limiter.take(nextMs, need).ok).toBe(true);
  });

  test('book in the period of the settling, and hold over the change of periods', () => {
    const limiter = bind({ budgets: [budget(100)] });
    const lateMs = Date.UTC(2026, 0, 1, 23, 59, 59);
    const nextMs = Date.UTC(2026, 0, 2);
    const reservation = reserve(limiter, lateMs, { nanoUsd: 80 });
    expect(limiter.read(nextMs)).toMatchObject([{ used: 80, held: 80 }]);
    expect(limiter.take(nextMs, { tokens: 0, nanoUsd: 21 })).toMatchObject({ code: 'budget_exhausted' });
    limiter.settle(reservation, { tokens: 0, nanoUsd: 70 }, nextMs);
    expect(limiter.read(nextMs)).toMatchObject([{ used: 70, held: 0, resetsAtMs: nextMs + DAY_MS }]);
  });

  test('that are soft refuse nothing, and are told', () => {
    const limiter = bind({ budgets: [budget(10, { kind: 'soft' }), budget(30)] });
    const first = limiter.take(NOW_MS, { tokens: 0, nanoUsd: 10 });
    expect(first).toMatchObject({ ok: true, softExceeded: [] });
    expect(limiter.take(NOW_MS, { tokens: 0, nanoUsd: 5 })).toMatchObject({
      ok: true,
      softExceeded: [{ name: 'budget', limit: 10, soft: true, used: 15, held: 15, retryAfterMs: 0 }],
    });
    expect(limiter.take(NOW_MS, { tokens: 0, nanoUsd: 16 })).toMatchObject({
      code: 'budget_exhausted',
      by: { limit: 30, soft: false },
    });
  });

  test('of the same period are one account: a call is booked into it once', () => {
    const limiter = bind({ budgets: [budget(10, { kind: 'soft' }), budget(30), budget(20)] });
    spendNanoUsd(limiter, NOW_MS, 15);
    expect(limiter.read(NOW_MS).map(({ limit, used }) => [limit, used])).toEqual([
      [10, 15],
      [30, 15],
      [20, 15],
    ]);
    expect(limiter.take(NOW_MS, { tokens: 0, nanoUsd: 6 })).toMatchObject({ by: { limit: 20 } });
  });

  test('that are raised keep what was spent', () => {
    const counters = open();
    spendNanoUsd(bind({ budgets: [budget(9)] }, counters), NOW_MS, 9);
    expect(bind({ budgets: [budget(12)] }, counters).read(NOW_MS)).toMatchObject([{ limit: 12, used: 9 }]);
  });

  test('count nine million dollars to the nano-dollar', () => {
    const limiter = bind({ budgets: [budget(9e15, { period: 'total' })] });
    spendNanoUsd(limiter, NOW_MS, 9e15 - 2);
    spendNanoUsd(limiter, NOW_MS, 1);
    expect(limiter.take(NOW_MS, { tokens: 0, nanoUsd: 2 })).toMatchObject({
      code: 'budget_exhausted',
      by: { used: 9e15 - 1 },
      retryAfterMs: null,
    });
    spendNanoUsd(limiter, NOW_MS, 1);
    expect(limiter.read(NOW_MS)).toMatchObject([{ used: 9e15, resetsAtMs: null }]);
  });
});

describe('maxima of one call', () => {
  test('refuse before anything is taken, for good', () => {
    const limiter = bind({ tokensPerCallMax: 100, costPerCallMax: 50, requestsPerMinute: 5 });
    expect(limiter.take(NOW_MS, { tokens: 101, nanoUsd: 0 })).toMatchObject({
      code: 'call_too_expensive',
      by: { name: 'tokensPerCallMax', kind: 'call', limit: 100, used: 0, needed: 101 },
      retryAfterMs: null,
    });
    expect(limiter.take(NOW_MS, { tokens: 100, nanoUsd: 51 })).toMatchObject({ by: { name: 'costPerCallMax' } });
    expect(limiter.read(NOW_MS).map(({ used }) => used)).toEqual([0, 0, 0]);
    expect(limiter.take(NOW_MS, { tokens: 100, nanoUsd: 50 }).ok).toBe(true);
  });
});

describe('ancestors', () => {
  const parent = key({ budgets: [budget(10)], requestsPerMinute: 5 });

  test('are debited by their descendants, and named when they are exhausted', () => {
    const counters = open();
    const child = bindCallLimits(counters, [{ kind: 'temporary', id: 't', limits: {} }, parent]);
    const own = bindCallLimits(counters, [parent]);
    spendNanoUsd(child, NOW_MS, 10);
    const need = { tokens: 0, nanoUsd: 1 };
    expect(child.take(NOW_MS, need)).toMatchObject({
      code: 'ancestor_exhausted',
      by: { level: 'key', levelId: 'abcdefghijkl', name: 'budget', used: 10 },
      retryAfterMs: 12 * HOUR_MS,
    });
    expect(own.take(NOW_MS, need)).toMatchObject({ code: 'budget_exhausted', by: { level: 'key' } });
  });

  test('an application, team or workspace is none', () => {
    const team: LimitLevel = { kind: 'team', id: 'x', limits: { tokensPerDay: 5 } };
    const limiter = bindCallLimits(open(), [key({}), team]);
    expect(limiter.take(NOW_MS, { tokens: 6, nanoUsd: 0 })).toMatchObject({
      code: 'tokens_limited',
      by: { level: 'team' },
    });
  });

  test('levels of another kind with the same id are counted apart', () => {
    const counters = open();
    for (const kind of ['delegated', 'temporary', 'key', 'application', 'team', 'workspace'] as const) {
      const limiter = bindCallLimits(counters, [{ kind, id: 'same', limits: { requestsPerMinute: 1, uses: 1 } }]);
      expect(limiter.take(NOW_MS, FREE).ok).toBe(true);
      expect(limiter.take(NOW_MS, FREE).ok).toBe(false);
    }
  });
});

describe('when there is no room to count', () => {
  test('a call is refused as overloaded, with nothing taken on any level', () => {
    const counters = open(3);
    const limiter = bind({ requestsPerMinute: 5, concurrency: 5, uses: 5, budgets: [budget(5)] }, counters);
    expect(limiter.take(NOW_MS, FREE)).toEqual({ ok: false, code: 'overloaded', by: null, retryAfterMs: 1_000 });
    expect(limiter.read(NOW_MS).map(({ used, held }) => [used, held])).toEqual([
      [0, 0],
      [0, 0],
      [0, 0],
      [0, 0],
    ]);
  });
});

describe('a clock that goes wrong', () => {
  test('neither throws nor opens a limit', () => {
    for (const wrongMs of [Number.NaN, -1, Infinity, -Infinity, 1e15, NOW_MS - DAY_MS, NOW_MS + HOUR_MS]) {
      const limiter = bind({ tokensPerDay: 5, uses: 9, budgets: [budget(5), budget(7, { window: 'rolling' })] });
      limiter.settle(reserve(limiter, NOW_MS, { tokens: 5, nanoUsd: 5 }), { tokens: 5, nanoUsd: 5 }, wrongMs);
      expect(limiter.take(wrongMs, { tokens: 1, nanoUsd: 1 }).ok).toBe(false);
      expect(limiter.take(NOW_MS, { tokens: 1, nanoUsd: 1 }).ok).toBe(false);
      for (const { used, held } of limiter.read(wrongMs)) expect([used <= 5, held]).toEqual([true, 0]);
    }
  });
});
