import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CELL_BYTES } from './cell.ts';
import { NO_ROOM, REFUSED } from './counters.ts';
import { resultOf, startWorker } from '../../test/crashing-worker.ts';
import type { SharedCounters } from './shared-counters.ts';
import { createSharedCounters, MAIN_THREAD_INDEX, openSharedCounters } from './shared-counters.ts';
import type { TakeResult, TakeTask } from './take-many.fixture.ts';

const MINUTE_MS = 60_000;
const START_MS = Date.UTC(2026, 0, 1);

function open(cells = 64): SharedCounters {
  return openSharedCounters(createSharedCounters({ cells }), 0);
}

/** Runs a worker until it has crashed. */
function run(task: Partial<TakeTask> & Pick<TakeTask, 'buffer' | 'workerIndex'>): Promise<TakeResult> {
  const whole: TakeTask = { kids: ['k'], limits: {}, takes: 1, nowMs: START_MS, release: true, ...task };
  return resultOf(startWorker(new URL('./take-many.fixture.ts', import.meta.url), 'takeMany', whole));
}

describe('a window', () => {
  test('passes exactly its limit out of a burst', () => {
    const counters = open();
    const counter = counters.window('k', MINUTE_MS);
    const outcomes = Array.from({ length: 1000 }, () => counters.take(counter, 100, 1, START_MS));
    expect(outcomes.filter((left) => left >= 0)).toHaveLength(100);
    expect(outcomes.slice(0, 3)).toEqual([99, 98, 97]);
    expect(outcomes[100]).toBe(REFUSED);
  });

  test('never passes more than its limit in any interval of its length, and says exactly when it passes again', () => {
    const steps = fc.array(
      fc.record({
        pauseMs: fc.oneof(fc.nat(40), fc.nat(3000), fc.nat(130_000)),
        amount: fc.integer({ min: 1, max: 4 }),
      }),
      { maxLength: 150 },
    );
    fc.assert(
      fc.property(
        fc.constantFrom(1_000, MINUTE_MS, 3_600_000, 86_400_000),
        fc.integer({ min: 4, max: 12 }),
        fc.nat(100_000),
        steps,
        (windowMs, limit, offsetMs, sequence) => {
          const counters = open();
          const counter = counters.window('k', windowMs);
          const passed: { atMs: number; amount: number }[] = [];
          let nowMs = START_MS + offsetMs;
          for (const { pauseMs, amount } of sequence) {
            nowMs += Math.round((pauseMs * windowMs) / MINUTE_MS);
            const waitMs = counters.waitMs(counter, limit, amount, nowMs);
            const left = counters.take(counter, limit, amount, nowMs);
            expect(left >= 0).toBe(waitMs === 0);
            if (left < 0) {
              expect(Number.isInteger(waitMs) && waitMs > 0 && waitMs <= windowMs).toBe(true);
              expect(counters.take(counter, limit, amount, nowMs + waitMs - 1)).toBe(REFUSED);
              nowMs += waitMs;
              expect(counters.take(counter, limit, amount, nowMs)).toBeGreaterThanOrEqual(0);
            }
            passed.push({ atMs: nowMs, amount });
            const inWindow = passed
              .filter((call) => call.atMs > nowMs - windowMs)
              .reduce((sum, call) => sum + call.amount, 0);
            expect(inWindow).toBeLessThanOrEqual(limit);
          }
        },
      ),
      { numRuns: 150 },
    );
  });

  test('is never late by more than one sixtieth in passing again', () => {
    fc.assert(
      fc.property(fc.nat(MINUTE_MS), fc.array(fc.nat(20_000), { minLength: 1, maxLength: 30 }), (offsetMs, pauses) => {
        const counters = open();
        const counter = counters.window('k', MINUTE_MS);
        let nowMs = START_MS + offsetMs;
        const times = pauses.map((pauseMs) => (nowMs += pauseMs));
        for (const atMs of times) counters.take(counter, 1_000, 1, atMs);
        const first = times.filter((atMs) => atMs > nowMs - MINUTE_MS)[0] ?? nowMs;
        const used = counters.used(counter, nowMs);
        const waitMs = counters.waitMs(counter, used, 1, nowMs);
        expect(nowMs + waitMs).toBeGreaterThanOrEqual(first + MINUTE_MS);
        expect(nowMs + waitMs).toBeLessThan(first + MINUTE_MS + 1_000);
      }),
    );
  });

  test('lets a caller keep to one call a window, however it falls', () => {
    const counters = open();
    const counter = counters.window('k', MINUTE_MS);
    for (let i = 0; i < 100; i += 1) expect(counters.take(counter, 1, 1, START_MS + 999 + i * MINUTE_MS)).toBe(0);
  });

  test('gives back what was taken, and nothing twice that has left', () => {
    const counters = open();
    const counter = counters.window('k', MINUTE_MS);
    counters.take(counter, 10, 4, START_MS);
    const takenAtMs = counter.takenAtMs;
    counters.take(counter, 10, 1, START_MS + 5_000);
    counters.giveBack(counter, 4, takenAtMs);
    expect(counters.used(counter, START_MS + 5_000)).toBe(1);
    counters.giveBack(counter, 4, takenAtMs);
    counters.take(counter, 10, 3, START_MS + 61_000);
    counters.giveBack(counter, 4, takenAtMs);
    expect(counters.used(counter, START_MS + 61_000)).toBe(4);
  });

  test('an amount above the limit is never passed, and the wait stays a number', () => {
    const counters = open();
    const counter = counters.window('k', MINUTE_MS);
    expect(counters.take(counter, 5, 6, START_MS)).toBe(REFUSED);
    expect(counters.waitMs(counter, 5, 6, START_MS)).toBe(MINUTE_MS);
  });

  test('with a limit that was lowered passes again when enough has left', () => {
    const counters = open();
    const counter = counters.window('k', MINUTE_MS);
    for (let i = 0; i < 10; i += 1) counters.take(counter, 10, 1, START_MS + i * 1_000);
    expect(counters.waitMs(counter, 3, 1, START_MS + 9_000)).toBe(7_000 + MINUTE_MS - 9_000);
  });
});

describe('a clock that goes wrong', () => {
  test('a little back lets time stand still', () => {
    const counters = open();
    const counter = counters.window('k', MINUTE_MS);
    expect(counters.take(counter, 2, 1, START_MS)).toBe(1);
    expect(counters.take(counter, 2, 1, START_MS - 30_000)).toBe(0);
    expect(counters.take(counter, 2, 1, START_MS - 30_000)).toBe(REFUSED);
    expect(counters.waitMs(counter, 2, 1, START_MS - 30_000)).toBe(MINUTE_MS);
    expect(counters.take(counter, 2, 1, START_MS + MINUTE_MS)).toBe(1);
  });

  test('far back keeps what was taken, for one window from then', () => {
    const counters = open();
    const counter = counters.window('k', MINUTE_MS);
    counters.take(counter, 2, 2, START_MS);
    const earlierMs = START_MS - 86_400_000;
    expect(counters.take(counter, 2, 1, earlierMs)).toBe(REFUSED);
    expect(counters.waitMs(counter, 2, 1, earlierMs)).toBe(MINUTE_MS);
    expect(counters.take(counter, 2, 1, earlierMs + MINUTE_MS)).toBe(1);
  });

  test('any way gives whole, finite numbers and no more than the limit at one moment', () => {
    const times = fc.oneof(
      fc.integer({ min: -10, max: 1e6 }),
      fc.double(),
      fc.constantFrom(Number.NaN, Infinity, -Infinity, START_MS),
    );
    fc.assert(
      fc.property(fc.array(times, { maxLength: 60 }), (sequence) => {
        const counters = open();
        const counter = counters.window('k', MINUTE_MS);
        const neighbour = counters.window('n', MINUTE_MS);
        counters.take(neighbour, 5, 5, START_MS);
        for (const nowMs of sequence) {
          expect(Number.isInteger(counters.take(counter, 3, 1, nowMs))).toBe(true);
          const waitMs = counters.waitMs(counter, 3, 1, nowMs);
          expect(Number.isInteger(waitMs) && waitMs >= 0 && waitMs <= MINUTE_MS).toBe(true);
          expect(counters.used(counter, nowMs)).toBeLessThanOrEqual(3);
        }
        expect(counters.used(neighbour, START_MS)).toBe(5);
      }),
    );
  });
});

describe('the table', () => {
  test('gives the cell of an idle counter to another, which starts at nothing', () => {
    const counters = open(2);
    const [a, b, c] = [counters.window('a', MINUTE_MS), counters.gauge('b'), counters.window('c', MINUTE_MS)];
    expect(counters.take(a, 5, 5, START_MS)).toBe(0);
    expect(counters.acquire(b, 1, START_MS)).toBe(0);
    expect(counters.take(c, 5, 1, START_MS + MINUTE_MS - 1)).toBe(NO_ROOM);
    expect(counters.take(c, 5, 1, START_MS + MINUTE_MS)).toBe(4);
    expect(counters.take(a, 5, 1, START_MS + MINUTE_MS)).toBe(NO_ROOM);
    counters.release(b);
    expect(counters.take(a, 5, 1, START_MS + MINUTE_MS)).toBe(4);
    expect(counters.acquire(b, 1, START_MS + MINUTE_MS)).toBe(NO_ROOM);
    expect(counters.used(c, START_MS + MINUTE_MS)).toBe(1);
  });

  test('keeps many counters apart', () => {
    const counters = open(500);
    const many = Array.from({ length: 500 }, (_, i) => counters.window(`k${i}`, MINUTE_MS));
    for (const [i, counter] of many.entries()) expect(counters.take(counter, 1_000, i + 1, START_MS)).toBe(999 - i);
    for (const [i, counter] of many.entries()) expect(counters.used(counter, START_MS)).toBe(i + 1);
  });

  test('is seen the same by every opener', () => {
    const buffer = createSharedCounters({ cells: 8 });
    const [one, two] = [openSharedCounters(buffer, 0), openSharedCounters(buffer, 1)];
    one.take(one.window('k', MINUTE_MS), 10, 3, START_MS);
    expect(two.used(two.window('k', MINUTE_MS), START_MS)).toBe(3);
    expect(two.used(two.window('k', 1_000), START_MS)).toBe(0);
  });
});

describe('a gauge', () => {
  test('counts what is held over all workers, and never falls below zero', () => {
    const buffer = createSharedCounters({ cells: 8 });
    const [one, two] = [openSharedCounters(buffer, 0), openSharedCounters(buffer, 1)];
    const [mine, theirs] = [one.gauge('k'), two.gauge('k')];
    expect(one.acquire(mine, 2, START_MS)).toBe(1);
    expect(two.acquire(theirs, 2, START_MS)).toBe(0);
    expect(one.acquire(mine, 2, START_MS)).toBe(REFUSED);
    two.release(theirs);
    two.release(theirs);
    expect(one.used(mine, START_MS)).toBe(1);
  });
});

describe('threads', () => {
  test(
    'four workers pass together exactly the limit, of counters they all claim at once',
    { timeout: 60_000 },
    async () => {
      const buffer = createSharedCounters({ cells: 64 });
      const kids = ['a', 'b', 'c', 'd'];
      const limits = { requestsPerMinute: 100, requestsPerDay: 1_000, concurrency: 50 };
      const results = await Promise.all(
        [0, 1, 2, 3].map((workerIndex) => run({ buffer, workerIndex, kids, limits, takes: 2_500 })),
      );
      expect(results.reduce((sum, { taken }) => sum + taken, 0)).toBe(100 * kids.length);
      expect(results.every(({ overloaded }) => overloaded === 0)).toBe(true);
      const counters = openSharedCounters(buffer, MAIN_THREAD_INDEX);
      for (const kid of kids) {
        expect(counters.used(counters.window(`${kid}:rpm`, MINUTE_MS), START_MS)).toBe(100);
        expect(counters.used(counters.window(`${kid}:rpd`, 86_400_000), START_MS)).toBe(100);
        expect(counters.used(counters.gauge(`${kid}:concurrency`), START_MS)).toBe(0);
      }
    },
  );

  test('four workers that fight for too few cells lose and keep nothing', { timeout: 60_000 }, async () => {
    const buffer = createSharedCounters({ cells: 4 });
    const kids = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
    const task = { buffer, kids, limits: { concurrency: 2 }, takes: 1_000 };
    const results = await Promise.all([0, 1, 2, 3].map((workerIndex) => run({ ...task, workerIndex })));
    expect(results.every(({ taken }) => taken > 0)).toBe(true);
    const counters = openSharedCounters(buffer, MAIN_THREAD_INDEX);
    for (const kid of kids) {
      const gauge = counters.gauge(`${kid}:concurrency`);
      expect([counters.acquire(gauge, 2, START_MS), counters.acquire(gauge, 2, START_MS)]).toEqual([1, 0]);
      counters.release(gauge);
      counters.release(gauge);
    }
  });

  test('what a crashed worker held is given back when the main thread releases it', { timeout: 30_000 }, async () => {
    const buffer = createSharedCounters({ cells: 64 });
    const main = openSharedCounters(buffer, MAIN_THREAD_INDEX);
    const gauge = main.gauge('k:concurrency');
    main.acquire(gauge, 10, START_MS);
    const result = await run({ buffer, workerIndex: 3, limits: { concurrency: 10 }, takes: 20, release: false });
    expect(result.taken).toBe(9);
    expect(main.acquire(gauge, 10, START_MS)).toBe(REFUSED);
    main.releaseWorker(2);
    expect(main.used(gauge, START_MS)).toBe(10);
    main.releaseWorker(3);
    expect(main.used(gauge, START_MS)).toBe(1);
  });

  test('a lock that died with its worker refuses takes, and is broken by the release', () => {
    const buffer = createSharedCounters({ cells: 1 });
    const [one, main] = [openSharedCounters(buffer, 0), openSharedCounters(buffer, MAIN_THREAD_INDEX)];
    const counter = one.window('k', MINUTE_MS);
    one.take(counter, 10, 4, START_MS);
    const words = new Int32Array(buffer);
    const deadOwner = 5 + 1;
    words[0] = deadOwner;
    words[CELL_BYTES / 4] = deadOwner;
    expect(one.take(counter, 10, 1, START_MS)).toBe(NO_ROOM);
    expect(one.take(one.window('other', MINUTE_MS), 10, 1, START_MS)).toBe(NO_ROOM);
    main.releaseWorker(5);
    expect(one.take(counter, 10, 1, START_MS)).toBe(5);
  });
});
