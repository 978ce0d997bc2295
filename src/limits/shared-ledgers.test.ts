import fc from 'fast-check';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { CELL_BYTES } from './cell.ts';
import { HELD_BY_OTHERS, NO_ROOM, REFUSED } from './counters.ts';
import type { Ledger } from './counters.ts';
import { resultOf, startWorker } from '../../test/crashing-worker.ts';
import type { SharedCounters } from './shared-counters.ts';
import { createSharedCounters, MAIN_THREAD_INDEX, openSharedCounters } from './shared-counters.ts';
import type { SpendResult, SpendTask } from './spend-many.fixture.ts';
import { openTaskLedgers } from './spend-many.fixture.ts';

const MINUTE_MS = 60_000;
const START_MS = Date.UTC(2026, 0, 1);

function open(cells = 64): SharedCounters {
  return openSharedCounters(createSharedCounters({ cells }), 0);
}

function period(ledger: Ledger, startsAtMs: number, endsAtMs: number): Ledger {
  ledger.startsAtMs = startsAtMs;
  ledger.endsAtMs = endsAtMs;
  return ledger;
}

function spend(counters: SharedCounters, ledger: Ledger, amount: number, nowMs: number): void {
  counters.settle(ledger, 0, amount, nowMs);
}

describe('a ledger', () => {
  test('refuses what would exceed its limit with what is spent and what anybody holds', () => {
    const buffer = createSharedCounters({ cells: 8 });
    const [one, two] = [openSharedCounters(buffer, 0), openSharedCounters(buffer, 1)];
    const [mine, theirs] = [one.ledger('k', 'total'), two.ledger('k', 'total')];
    expect(one.reserve(mine, 10, 4, START_MS)).toBe(6);
    expect(two.reserve(theirs, 10, 6, START_MS)).toBe(0);
    expect(one.reserve(mine, 10, 1, START_MS)).toBe(REFUSED);
    expect(one.reserve(mine, 10, 0, START_MS)).toBe(0);
    one.settle(mine, 4, 3, START_MS);
    expect(two.reserve(theirs, 10, 1, START_MS)).toBe(0);
    expect(one.read(mine, START_MS)).toEqual({ spent: 3, held: 7, resetsAtMs: null });
  });

  test('says what waiting helps: nothing, time, or others that settle', () => {
    const counters = open();
    const total = counters.ledger('t', 'total');
    counters.reserve(total, 10, 6, START_MS);
    expect(counters.waitToReserveMs(total, 10, 4, START_MS)).toBe(0);
    expect(counters.waitToReserveMs(total, 10, 5, START_MS)).toBe(HELD_BY_OTHERS);
    expect(counters.waitToReserveMs(total, 10, 11, START_MS)).toBe(Infinity);
    counters.settle(total, 6, 6, START_MS);
    expect(counters.waitToReserveMs(total, 10, 5, START_MS)).toBe(Infinity);
    const day = period(counters.ledger('d', 'calendar'), START_MS, START_MS + 1_000);
    spend(counters, day, 6, START_MS);
    expect(counters.waitToReserveMs(day, 10, 5, START_MS + 1)).toBe(999);
  });

  test('of the same name but another kind or window is another', () => {
    const counters = open();
    spend(counters, counters.ledger('k', 'total'), 5, START_MS);
    spend(counters, counters.ledger('k', 'rolling', MINUTE_MS), 6, START_MS);
    expect(counters.read(counters.ledger('k', 'rolling', 2 * MINUTE_MS), START_MS).spent).toBe(0);
    expect(counters.read(counters.ledger('k', 'total'), START_MS).spent).toBe(5);
  });

  test('stops at the greatest exact number, and holds no more than is exact', () => {
    const counters = open();
    const total = counters.ledger('k', 'total');
    spend(counters, total, Number.MAX_SAFE_INTEGER - 1, START_MS);
    spend(counters, total, 1e300, START_MS);
    expect(counters.read(total, START_MS).spent).toBe(Number.MAX_SAFE_INTEGER);
    expect(counters.reserve(total, Infinity, 1e300, START_MS)).toBe(Infinity);
    counters.settle(total, 1e300, 0, START_MS);
    expect(counters.read(total, START_MS)).toMatchObject({ spent: Number.MAX_SAFE_INTEGER, held: 0 });
  });
});

describe('a rolling ledger', () => {
  test('never forgets early, at most a sixtieth late, and says exactly when there is room', () => {
    const steps = fc.array(fc.record({ pauseMs: fc.nat(40_000), amount: fc.integer({ min: 1, max: 5 }) }), {
      maxLength: 60,
    });
    const windows = fc.constantFrom(MINUTE_MS, 3_600_000, 86_400_000, 30 * 86_400_000);
    fc.assert(
      fc.property(windows, fc.nat(1e6), steps, (windowMs, offsetMs, sequence) => {
        const counters = open();
        const ledger = counters.ledger('k', 'rolling', windowMs);
        const booked: { atMs: number; amount: number }[] = [];
        let nowMs = START_MS + offsetMs;
        for (const { pauseMs, amount } of sequence) {
          nowMs += Math.round((pauseMs * windowMs) / MINUTE_MS);
          const sumSince = (sinceMs: number) =>
            booked.filter(({ atMs }) => atMs > sinceMs).reduce((sum, entry) => sum + entry.amount, 0);
          const { spent, resetsAtMs } = counters.read(ledger, nowMs);
          expect(spent).toBeGreaterThanOrEqual(sumSince(nowMs - windowMs));
          expect(spent).toBeLessThanOrEqual(sumSince(nowMs - windowMs - Math.ceil(windowMs / 60)));
          expect(resetsAtMs === null).toBe(spent === 0);
          const waitMs = counters.waitToReserveMs(ledger, 12, amount, nowMs);
          if (waitMs > 0) {
            expect(counters.reserve(ledger, 12, amount, nowMs + waitMs - 1)).toBe(REFUSED);
            nowMs += waitMs;
          }
          expect(counters.reserve(ledger, 12, amount, nowMs)).toBeGreaterThanOrEqual(0);
          counters.settle(ledger, amount, amount, nowMs);
          booked.push({ atMs: nowMs, amount });
        }
        const { resetsAtMs } = counters.read(ledger, nowMs);
        if (resetsAtMs === null) return;
        expect(counters.read(ledger, resetsAtMs - 1).spent).toBeGreaterThan(0);
        expect(counters.read(ledger, resetsAtMs).spent).toBe(0);
      }),
      { numRuns: 150 },
    );
  });

  test('keeps what was spent when the clock is set far back, for one window from then', () => {
    const counters = open();
    const ledger = counters.ledger('k', 'rolling', MINUTE_MS);
    for (let i = 0; i < 10; i += 1) spend(counters, ledger, 1, START_MS + i * 1_500);
    const earlierMs = START_MS - 86_400_000;
    expect(counters.read(ledger, earlierMs).spent).toBe(10);
    expect(counters.read(ledger, earlierMs + MINUTE_MS).spent).toBe(10);
    expect(counters.read(ledger, earlierMs + MINUTE_MS + 1_000).spent).toBe(0);
  });
});

describe('a calendar ledger', () => {
  const DAY_MS = 86_400_000;
  const day = (counters: SharedCounters, days: number): Ledger =>
    period(counters.ledger('k', 'calendar'), START_MS + days * DAY_MS, START_MS + (days + 1) * DAY_MS);

  test('begins anew with the next period, for whoever comes first', () => {
    const counters = open();
    spend(counters, day(counters, 0), 5, START_MS);
    expect(counters.read(day(counters, 0), START_MS + DAY_MS - 1).spent).toBe(5);
    expect(counters.read(day(counters, 1), START_MS + DAY_MS)).toEqual({
      spent: 0,
      held: 0,
      resetsAtMs: START_MS + 2 * DAY_MS,
    });
  });

  test('stands still for a thread whose clock is just behind the change', () => {
    const counters = open();
    spend(counters, day(counters, 1), 5, START_MS + DAY_MS);
    spend(counters, day(counters, 0), 2, START_MS + DAY_MS - 1);
    expect(counters.read(day(counters, 1), START_MS + DAY_MS).spent).toBe(7);
  });

  test('keeps what was spent when the clock was set far back', () => {
    const counters = open();
    spend(counters, day(counters, 9), 5, START_MS + 9 * DAY_MS);
    expect(counters.read(day(counters, 0), START_MS)).toMatchObject({ spent: 5, resetsAtMs: START_MS + DAY_MS });
    expect(counters.read(day(counters, 1), START_MS + DAY_MS).spent).toBe(0);
  });

  test('keeps what was spent when the rules of its zone move its bounds', () => {
    const counters = open();
    spend(counters, day(counters, 0), 5, START_MS);
    const moved = period(counters.ledger('k', 'calendar'), START_MS + 3_600_000, START_MS + DAY_MS + 3_600_000);
    expect(counters.read(moved, START_MS + 7_200_000)).toMatchObject({ spent: 5, resetsAtMs: moved.endsAtMs });
  });
});

describe('the table', () => {
  test('never gives away a ledger with unexpired spending or with anything held', () => {
    const counters = open(3);
    const day = period(counters.ledger('d', 'calendar'), START_MS, START_MS + 1_000);
    const rolling = counters.ledger('r', 'rolling', MINUTE_MS);
    const total = counters.ledger('t', 'total');
    for (const ledger of [day, rolling, total]) spend(counters, ledger, 1, START_MS);
    const take = (nowMs: number) => counters.take(counters.window(`w${nowMs}`, 1_000), 1, 1, nowMs);
    expect(take(START_MS + 999)).toBe(NO_ROOM);
    expect(take(START_MS + 1_000)).toBe(0); // the calendar's
    expect(take(START_MS + 1_001)).toBe(NO_ROOM);
    expect(take(START_MS + MINUTE_MS)).toBe(0); // the first window's
    expect(take(START_MS + MINUTE_MS + 1)).toBe(NO_ROOM);
    counters.reserve(rolling, 10, 1, START_MS + MINUTE_MS);
    const laterMs = START_MS + 900 * 86_400_000;
    expect(take(laterMs)).toBe(0);
    expect(take(laterMs + 1)).toBe(NO_ROOM); // one is held, and a total is for ever
    counters.settle(rolling, 1, 0, laterMs);
    expect(take(laterMs + 1)).toBe(0);
    expect(counters.read(total, laterMs).spent).toBe(1);
  });
});

describe('threads', () => {
  const LEDGERS = [
    { name: 't', kind: 'total', windowMs: 0 },
    { name: 'r', kind: 'rolling', windowMs: MINUTE_MS },
    { name: 'c', kind: 'calendar', windowMs: 0 },
  ] as const;

  function start(task: Partial<SpendTask> & Pick<SpendTask, 'buffer' | 'workerIndex'>) {
    const whole = {
      ledgers: LEDGERS,
      limit: 100_000,
      calls: 5_000,
      nowMs: START_MS,
      openMax: 5,
      gate: new SharedArrayBuffer(4),
      gateOpensAt: 1,
      progress: null,
      ...task,
    };
    return startWorker(new URL('./spend-many.fixture.ts', import.meta.url), 'spendMany', whole);
  }

  test(
    'four workers never hold and spend more than the limit when they reserve, and the books agree to the unit',
    { timeout: 60_000 },
    async () => {
      const buffer = createSharedCounters({ cells: 16 });
      const main = openSharedCounters(buffer, MAIN_THREAD_INDEX);
      // Less than all want, and more than any three: each of them passes some calls, and some are refused.
      const limit = 900_000;
      const gate = new SharedArrayBuffer(4);
      const workers = [0, 1, 2, 3].map((workerIndex) => start({ buffer, workerIndex, limit, gate, gateOpensAt: 4 }));
      const results = await Promise.all(workers.map((worker) => resultOf<SpendResult>(worker)));
      expect(results.map(({ violations }) => violations)).toEqual([0, 0, 0, 0]);
      expect(results.every(({ reserved }) => reserved > 0)).toBe(true);
      expect(results.some(({ refused }) => refused > 0)).toBe(true);
      const ledgers = openTaskLedgers({ ledgers: LEDGERS, nowMs: START_MS }, main);
      const sums = (of: 'spent' | 'held') =>
        LEDGERS.map((_, i) => results.reduce((sum, r) => sum + (r[of][i] ?? 0), 0));
      expect(ledgers.map((ledger) => main.read(ledger, START_MS).spent)).toEqual(sums('spent'));
      expect(ledgers.map((ledger) => main.read(ledger, START_MS).held)).toEqual(sums('held'));
      for (const workerIndex of [0, 1, 2, 3]) main.releaseWorker(workerIndex);
      expect(ledgers.map((ledger) => main.read(ledger, START_MS).held)).toEqual([0, 0, 0]);
      expect(ledgers.map((ledger) => main.read(ledger, START_MS).spent)).toEqual(sums('spent'));
    },
  );

  test('a worker killed at any moment loses at most the call it was settling', { timeout: 60_000 }, async () => {
    for (let round = 0; round < 6; round += 1) {
      const buffer = createSharedCounters({ cells: 16 });
      const main = openSharedCounters(buffer, MAIN_THREAD_INDEX);
      const progress = new SharedArrayBuffer(8);
      const ledgers = LEDGERS.slice(0, 1);
      const worker = start({ buffer, workerIndex: 2, ledgers, limit: 1e15, calls: 1e9, progress });
      while (new Float64Array(progress)[0] === 0) await sleep(1);
      await sleep(round);
      await worker.terminate();
      main.releaseWorker(2);
      const total = main.ledger('t', 'total');
      const { spent, held } = main.read(total, START_MS);
      const told = new Float64Array(progress)[0] ?? 0;
      expect(held).toBe(0);
      expect(spent - told).toBeGreaterThanOrEqual(0);
      expect(spent - told).toBeLessThanOrEqual(200);
      expect(main.reserve(total, spent + 1, 1, START_MS)).toBe(0);
    }
  });

  test('a lock that died with its worker is broken, and sums agree with their parts again', () => {
    const buffer = createSharedCounters({ cells: 1 });
    const [one, main] = [openSharedCounters(buffer, 5), openSharedCounters(buffer, MAIN_THREAD_INDEX)];
    const ledger = one.ledger('k', 'rolling', MINUTE_MS);
    spend(one, ledger, 4, START_MS);
    one.reserve(ledger, 100, 10, START_MS);
    const theirs = main.ledger('k', 'rolling', MINUTE_MS);
    main.reserve(theirs, 100, 7, START_MS);
    // Died between the writing of a part and of its sum, of both kinds.
    new Int32Array(buffer)[CELL_BYTES / 4] = 5 + 1;
    const numbers = new Float64Array(buffer, CELL_BYTES, CELL_BYTES / 8);
    numbers[2] = 999;
    numbers[67 + 57] = 999;
    main.releaseWorker(5);
    expect(main.read(theirs, START_MS)).toMatchObject({ spent: 4, held: 7 });
  });
});
