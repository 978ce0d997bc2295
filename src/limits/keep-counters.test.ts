import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bindCallLimits } from './call-limiter.ts';
import type { LimitLevel, LimitReading } from './call-limits.ts';
import type { CellImage } from './cell-image.ts';
import { CELL_BYTES } from './cell.ts';
import { exportCells, importCells } from './keep-counters.ts';
import type { SharedCounters } from './shared-counters.ts';
import { createSharedCounters, openSharedCounters } from './shared-counters.ts';

const NOW_MS = Date.UTC(2026, 0, 15, 12);
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const NONE = { placed: 0, over: 0, unreadable: 0, refused: 0 };

const budgets = (['hour', 'day', 'week', 'month'] as const).flatMap((period) =>
  (['calendar', 'rolling'] as const).map((window) => ({
    nanoUsd: 1e9,
    period,
    window,
    timeZone: 'Europe/Berlin',
    kind: 'hard' as const,
  })),
);
const LEVELS: readonly LimitLevel[] = [
  {
    kind: 'key',
    id: 'abcdefghijkl',
    limits: {
      requestsPerMinute: 1_000,
      requestsPerHour: 1_000,
      requestsPerDay: 1_000,
      tokensPerMinute: 1e6,
      tokensPerDay: 1e6,
      uses: 1_000,
      budgets: [...budgets, { nanoUsd: 1e9, period: 'total', window: 'calendar', timeZone: 'UTC', kind: 'hard' }],
    },
  },
];

function open(buffer: SharedArrayBuffer): SharedCounters {
  return openSharedCounters(buffer, 0);
}

function exported(buffer: SharedArrayBuffer, nowMs: number, onlyDirty = false): readonly CellImage[] {
  return [...exportCells(buffer, { onlyDirty, nowMs })];
}

/** A fresh table of another size with what was kept. */
function restart(buffer: SharedArrayBuffer, nowMs: number, atMs = nowMs): SharedArrayBuffer {
  const fresh = createSharedCounters({ cells: 50 });
  expect(importCells(fresh, exported(buffer, nowMs), atMs)).toMatchObject({ unreadable: 0, refused: 0 });
  return fresh;
}

describe('a restart', () => {
  test('keeps every count of a minute or longer, for any sequence of calls and at any time after', () => {
    const steps = fc.array(
      fc.record({
        pauseMs: fc.oneof(fc.nat(500), fc.nat(MINUTE_MS), fc.nat(DAY_MS)),
        tokens: fc.nat(100),
        nanoUsd: fc.nat(100),
        isSettled: fc.boolean(),
      }),
      { minLength: 1, maxLength: 40 },
    );
    const laterMs = fc.oneof(fc.nat(MINUTE_MS), fc.nat(DAY_MS), fc.nat(40 * DAY_MS));
    fc.assert(
      fc.property(steps, laterMs, laterMs, (sequence, downForMs, thenMs) => {
        const buffer = createSharedCounters({ cells: 100 });
        const limiter = bindCallLimits(open(buffer), LEVELS);
        let nowMs = NOW_MS;
        for (const { pauseMs, isSettled, ...amounts } of sequence) {
          nowMs += pauseMs;
          const outcome = limiter.take(nowMs, amounts);
          if (outcome.ok && outcome.reservation !== null && isSettled)
            limiter.settle(outcome.reservation, amounts, nowMs);
        }
        const fresh = restart(buffer, nowMs, nowMs + downForMs);
        // What was held ends with the process.
        open(buffer).releaseWorker(0);
        const after = bindCallLimits(open(fresh), LEVELS);
        for (const atMs of [nowMs + downForMs, nowMs + downForMs + thenMs]) {
          expect(after.read(atMs).map(comparable)).toEqual(limiter.read(atMs).map(comparable));
        }
      }),
    );
  });

  test('drops what is over by then', () => {
    const buffer = createSharedCounters({ cells: 16 });
    const counters = open(buffer);
    counters.take(counters.window('w', MINUTE_MS), 5, 1, NOW_MS);
    counters.settle(counters.ledger('r', 'rolling', MINUTE_MS), 0, 1, NOW_MS);
    counters.settle(counters.ledger('t', 'total'), 0, 1, NOW_MS);
    const images = exported(buffer, NOW_MS);
    expect(images).toHaveLength(3);
    const fresh = createSharedCounters({ cells: 16 });
    expect(importCells(fresh, images, NOW_MS + DAY_MS)).toEqual({ ...NONE, placed: 1, over: 2 });
    expect(exported(fresh, NOW_MS)).toHaveLength(1);
  });

  test('does not touch counters that are in use, nor overfill a table', () => {
    const buffer = createSharedCounters({ cells: 16 });
    const counters = open(buffer);
    for (const name of ['a', 'b', 'c']) counters.settle(counters.ledger(name, 'total'), 0, 5, NOW_MS);
    const fresh = createSharedCounters({ cells: 2 });
    const used = open(fresh);
    used.settle(used.ledger('a', 'total'), 0, 1, NOW_MS);
    expect(importCells(fresh, exported(buffer, NOW_MS), NOW_MS)).toEqual({ ...NONE, placed: 1, refused: 2 });
    expect(used.read(used.ledger('a', 'total'), NOW_MS).spent).toBe(1);
  });
});

describe('an export', () => {
  test('holds no gauges, no short windows, no locks and nothing held', () => {
    const buffer = createSharedCounters({ cells: 16 });
    const counters = open(buffer);
    counters.acquire(counters.gauge('g'), 5, NOW_MS);
    counters.take(counters.window('rps', 1_000), 5, 1, NOW_MS);
    const ledger = counters.ledger('l', 'total');
    counters.reserve(ledger, 10, 4, NOW_MS);
    expect(exported(buffer, NOW_MS)).toEqual([]);
    counters.settle(ledger, 2, 1, NOW_MS);
    const after = open(restart(buffer, NOW_MS));
    expect(after.read(after.ledger('l', 'total'), NOW_MS)).toMatchObject({ spent: 1, held: 0 });
  });

  test('of changes holds each change once', () => {
    const buffer = createSharedCounters({ cells: 16 });
    const counters = open(buffer);
    const [one, two] = [counters.ledger('one', 'total'), counters.ledger('two', 'total')];
    counters.settle(one, 0, 1, NOW_MS);
    counters.settle(two, 0, 1, NOW_MS);
    expect(exported(buffer, NOW_MS, true)).toHaveLength(2);
    expect(exported(buffer, NOW_MS, true)).toEqual([]);
    counters.read(one, NOW_MS);
    counters.settle(one, 0, 0, NOW_MS);
    counters.reserve(one, 10, 1, NOW_MS);
    expect(exported(buffer, NOW_MS, true)).toEqual([]);
    counters.settle(two, 0, 1, NOW_MS);
    expect(exported(buffer, NOW_MS, true)).toHaveLength(1);
    expect(exported(buffer, NOW_MS)).toHaveLength(2);
    expect(exported(restart(buffer, NOW_MS), NOW_MS, true)).toEqual([]);
  });

  test('passes over a cell whose lock is held, and has it the next time', () => {
    const buffer = createSharedCounters({ cells: 1 });
    const counters = open(buffer);
    counters.settle(counters.ledger('k', 'total'), 0, 1, NOW_MS);
    new Int32Array(buffer)[CELL_BYTES / 4] = 7 + 1;
    expect(exported(buffer, NOW_MS, true)).toEqual([]);
    counters.releaseWorker(7);
    expect(exported(buffer, NOW_MS, true)).toHaveLength(1);
  });
});

describe('an image', () => {
  const image = (): CellImage => {
    const buffer = createSharedCounters({ cells: 1 });
    const counters = open(buffer);
    counters.settle(counters.ledger('k', 'rolling', MINUTE_MS), 0, 5, NOW_MS);
    const [first] = exported(buffer, NOW_MS);
    if (first === undefined) throw new Error('nothing was exported');
    return first;
  };

  test('of another layout version is not read', () => {
    const other = image();
    new DataView(other.image.buffer).setFloat64(0, 2, true);
    expect(importCells(createSharedCounters({ cells: 4 }), [other], NOW_MS)).toEqual({ ...NONE, unreadable: 1 });
  });

  test('may lie anywhere in a larger buffer, as a database hands it out', () => {
    const { low, high, image: bytes } = image();
    const larger = Buffer.alloc(bytes.length + 3);
    larger.set(bytes, 3);
    const fresh = createSharedCounters({ cells: 4 });
    expect(importCells(fresh, [{ low, high, image: larger.subarray(3) }], NOW_MS)).toEqual({ ...NONE, placed: 1 });
    const counters = open(fresh);
    expect(counters.read(counters.ledger('k', 'rolling', MINUTE_MS), NOW_MS).spent).toBe(5);
  });

  test('that was damaged is refused or read as sound numbers, and harms no neighbour', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(200), fc.nat(255)), { maxLength: 6 }), fc.nat(120), (changes, length) => {
        const damaged = image();
        for (const [at, byte] of changes) damaged.image[at % damaged.image.length] = byte;
        const cut = { ...damaged, image: damaged.image.subarray(0, length) };
        for (const one of [damaged, cut]) {
          const fresh = createSharedCounters({ cells: 4 });
          const counters = open(fresh);
          const neighbour = counters.ledger('n', 'total');
          counters.settle(neighbour, 0, 3, NOW_MS);
          importCells(fresh, [one, { low: 0, high: 0, image: one.image }], NOW_MS);
          const { spent, held } = counters.read(counters.ledger('k', 'rolling', MINUTE_MS), NOW_MS);
          expect(Number.isSafeInteger(spent) && spent >= 0 && held === 0).toBe(true);
          expect(counters.read(neighbour, NOW_MS).spent).toBe(3);
        }
      }),
    );
  });
});

function comparable({ name, used, resetsAtMs, retryAfterMs }: LimitReading): readonly unknown[] {
  return [name, used, used === 0 ? null : resetsAtMs, retryAfterMs];
}
