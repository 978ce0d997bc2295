import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bindCallLimits } from './call-limiter.ts';
import { CallLimitsModel } from './call-limits-model.fixture.ts';
import type { BudgetLimit, CallAmounts, CallLimits, LevelLimits, LimitLevel, LimitReservation } from './call-limits.ts';
import { createSharedCounters, openSharedCounters } from './shared-counters.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

/** Few limits at a time, so that each of them is at some time the one that refuses. */
const maybe = (max: number, rarity = 3) =>
  fc.oneof(
    { weight: rarity, arbitrary: fc.constant(null) },
    { weight: 1, arbitrary: fc.integer({ min: Math.ceil(max / 4), max }) },
  );

const budgets: fc.Arbitrary<BudgetLimit> = fc
  .record({
    nanoUsd: fc.integer({ min: 5, max: 60 }),
    period: fc.constantFrom('hour' as const, 'day' as const, 'week' as const, 'month' as const, 'total' as const),
    window: fc.constantFrom('calendar' as const, 'rolling' as const),
    timeZone: fc.constantFrom('UTC', 'Europe/Berlin', 'Asia/Kathmandu', 'Africa/Cairo'),
    kind: fc.constantFrom('hard' as const, 'hard' as const, 'soft' as const),
  })
  .map((budget) => (budget.period === 'total' ? { ...budget, window: 'calendar' as const } : budget));

const limitsOfALevel: fc.Arbitrary<LevelLimits> = fc.record({
  requestsPerSecond: maybe(8),
  requestsPerMinute: maybe(12),
  requestsPerHour: maybe(20),
  requestsPerDay: maybe(30),
  tokensPerMinute: maybe(60),
  tokensPerDay: maybe(150),
  concurrency: maybe(8),
  uses: maybe(25, 6),
  budgets: fc.option(fc.array(budgets, { maxLength: 3 }), { nil: null }),
  costPerCallMax: maybe(40, 20),
  tokensPerCallMax: maybe(40, 20),
});

/** Two credentials below one key, and the key itself: three ways in, which share counters from the inside out. */
const hierarchies: fc.Arbitrary<readonly (readonly LimitLevel[])[]> = fc
  .tuple(limitsOfALevel, limitsOfALevel, limitsOfALevel, limitsOfALevel, limitsOfALevel)
  .map(([delegated, temporary, key, application, workspace]) => {
    const outer: readonly LimitLevel[] = [
      { kind: 'key', id: 'abcdefghijkl', limits: key },
      { kind: 'application', id: 'a1', limits: application },
      { kind: 'workspace', id: 'w1', limits: workspace },
    ];
    return [
      outer,
      [{ kind: 'temporary', id: 't1', limits: temporary }, ...outer],
      [
        { kind: 'delegated', id: 'd1', limits: delegated },
        { kind: 'temporary', id: 't1', limits: temporary },
        ...outer,
      ],
    ];
  });

const amounts: fc.Arbitrary<CallAmounts> = fc.record({ tokens: fc.nat(22), nanoUsd: fc.nat(22) });
const pausesMs = fc.oneof(
  fc.nat(50),
  fc.nat(3_000),
  fc.nat(2 * MINUTE_MS),
  fc.nat(DAY_MS / 8),
  fc.integer({ min: 0, max: 20 * DAY_MS }),
);
const steps = fc.array(
  fc.record({
    pauseMs: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 2, arbitrary: pausesMs }),
    act: fc.constantFrom('take', 'take', 'take', 'settle', 'cancel', 'release'),
    who: fc.nat(2),
    which: fc.nat(30),
    worker: fc.nat(1),
    amounts,
  }),
  { maxLength: 60 },
);
/** Around changes of clocks, and beginnings of months. */
const starts = fc.constantFrom(
  Date.UTC(2026, 2, 28, 20),
  Date.UTC(2026, 3, 23, 12),
  Date.UTC(2026, 9, 24, 20),
  Date.UTC(2026, 11, 31, 17),
);

interface OpenCall {
  readonly limiter: CallLimits;
  readonly reservation: LimitReservation | null;
  readonly index: number;
  released: boolean;
}

/** The limiter and the model, fed the same. */
function createPair(hierarchy: readonly (readonly LimitLevel[])[]) {
  const buffer = createSharedCounters({ cells: 256 });
  const workers = [0, 1].map((index) => openSharedCounters(buffer, index));
  const limiters = workers.map((counters) => hierarchy.map((levels) => bindCallLimits(counters, levels)));
  const model = new CallLimitsModel();
  const open: OpenCall[] = [];

  function take(worker: number, who: number, need: CallAmounts, nowMs: number): void {
    const limiter = limiters[worker]?.[who];
    const levels = hierarchy[who];
    if (limiter === undefined || levels === undefined) return;
    const refusing = limiter.read(nowMs, need).find((limit) => !limit.soft && limit.used + limit.needed > limit.limit);
    const outcome = limiter.take(nowMs, need);
    expect(outcome.ok ? null : outcome.code).toBe(model.take(levels, need, nowMs));
    expect(refusing?.kind).toBe(outcome.ok ? undefined : outcome.by?.kind);
    if (!outcome.ok) {
      expect(outcome.by).not.toBeNull();
      return;
    }
    open.push({ limiter, reservation: outcome.reservation, index: model.calls.length - 1, released: false });
  }

  function settle(which: number, actual: CallAmounts | null, nowMs: number): void {
    const call = open[which % open.length];
    const modelled = model.calls[call?.index ?? -1];
    if (call === undefined || modelled === undefined || modelled.settled) return;
    model.settle(modelled, actual ?? { tokens: 0, nanoUsd: 0 }, nowMs);
    if (call.reservation === null) return;
    if (actual === null) call.limiter.cancel(call.reservation, nowMs);
    else call.limiter.settle(call.reservation, actual, nowMs);
  }

  function release(which: number): void {
    const call = open[which % open.length];
    const modelled = model.calls[call?.index ?? -1];
    if (call === undefined || modelled === undefined || call.released) return;
    call.released = true;
    modelled.underWay = false;
    call.limiter.release();
  }

  function compare(nowMs: number): void {
    for (const [who, levels] of hierarchy.entries()) {
      for (const reading of limiters[0]?.[who]?.read(nowMs) ?? []) {
        const level = levels.find(({ kind, id }) => kind === reading.level && id === reading.levelId);
        if (level === undefined) throw new Error('a reading names no level');
        const expected = model.reading(level, reading.name, reading.budget, nowMs);
        expect(`${reading.name} ${reading.used - reading.held}/${reading.held}`).toBe(`${reading.name} ${expected}`);
      }
    }
  }

  return { buffer, take, settle, release, compare };
}

test('limits over levels are equal to a list of all that ever happened, for any sequence', () => {
  fc.assert(
    fc.property(hierarchies, starts, steps, (hierarchy, startMs, sequence) => {
      const pair = createPair(hierarchy);
      let nowMs = startMs;
      for (const step of sequence) {
        nowMs += step.pauseMs;
        if (step.act === 'take') pair.take(step.worker, step.who, step.amounts, nowMs);
        else if (step.act === 'release') pair.release(step.which);
        else pair.settle(step.which, step.act === 'settle' ? step.amounts : null, nowMs);
        pair.compare(nowMs);
      }
    }),
    { numRuns: 300 },
  );
});

test('a refused call takes nothing, and passes exactly when it was told to come again', () => {
  fc.assert(
    fc.property(hierarchies, starts, steps, amounts, (hierarchy, startMs, sequence, need) => {
      const pair = createPair(hierarchy);
      let nowMs = startMs;
      for (const step of sequence) {
        nowMs += step.pauseMs;
        if (step.act === 'take') pair.take(step.worker, step.who, step.amounts, nowMs);
        else if (step.act === 'settle') pair.settle(step.which, step.amounts, nowMs);
        else pair.release(step.which);
      }
      // Nothing is under way any more: time alone decides.
      const counters = openSharedCounters(pair.buffer, 2);
      counters.releaseWorker(0);
      counters.releaseWorker(1);
      for (const levels of hierarchy) {
        const limiter = bindCallLimits(counters, levels);
        const before = limiter.read(nowMs).map(({ used, held }) => [used, held]);
        const outcome = limiter.take(nowMs, need);
        if (outcome.ok) {
          limiter.release();
          if (outcome.reservation !== null) limiter.settle(outcome.reservation, need, nowMs);
          continue;
        }
        expect(limiter.read(nowMs).map(({ used, held }) => [used, held])).toEqual(before);
        const { retryAfterMs } = outcome;
        if (retryAfterMs === null) {
          expect(limiter.take(nowMs + 400 * DAY_MS, need).ok).toBe(false);
          return;
        }
        expect(Number.isInteger(retryAfterMs) && retryAfterMs >= 1).toBe(true);
        expect(limiter.take(nowMs + retryAfterMs - 1, need).ok).toBe(false);
        expect(limiter.take(nowMs + retryAfterMs, need).ok).toBe(true);
        return;
      }
    }),
    { numRuns: 500 },
  );
});
