import fc from 'fast-check';
import { expect, test } from 'vitest';
import { poolOutAtMs } from './pool-forecast.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const START_MS = Date.UTC(2030, 0, 1);

const lossesAt = (times: readonly number[], restMs: number) =>
  times.map((minutes) => ({ atMs: START_MS + minutes * MINUTE_MS, restMs }));

test('a steady burn is foreseen to the minute, between two losses too', () => {
  const losses = lossesAt([10, 20, 30], Infinity);
  for (const minute of [30, 33, 39]) {
    const nowMs = START_MS + minute * MINUTE_MS;
    expect(poolOutAtMs({ usable: 4, recoveriesMs: [], losses }, nowMs)).toBe(START_MS + 70 * MINUTE_MS);
  }
});

test('a burn that has stopped is foreseen ever later, and one that has become faster sooner', () => {
  const at = (minute: number, losses = lossesAt([10, 20, 30], Infinity)) =>
    (poolOutAtMs({ usable: 4, recoveriesMs: [], losses }, START_MS + minute * MINUTE_MS) ?? Infinity) - START_MS;
  expect(at(60)).toBeGreaterThan(at(39) + 30 * MINUTE_MS);
  const faster = lossesAt([10, 130, 250, 370, 372, 374, 376, 378], Infinity);
  expect(at(378, faster)).toBe((378 + 4 * 2) * MINUTE_MS);
});

test('what comes back in time keeps a pool from ever being out', () => {
  const losses = lossesAt([0, 10, 20, 30], 25 * MINUTE_MS);
  const nowMs = START_MS + 30 * MINUTE_MS;
  const recoveriesMs = [35, 45, 55].map((minute) => START_MS + minute * MINUTE_MS);
  expect(poolOutAtMs({ usable: 2, recoveriesMs, losses }, nowMs)).toBeNull();
  const longer = lossesAt([0, 10, 20, 30], 300 * MINUTE_MS);
  expect(poolOutAtMs({ usable: 2, recoveriesMs: [], losses: longer }, nowMs)).toBe(nowMs + 20 * MINUTE_MS);
});

test('one loss, or all at once, tells no rate; and what is out already is not foreseen', () => {
  const nowMs = START_MS + 10 * MINUTE_MS;
  for (const times of [[], [5], [5, 5, 5]]) {
    expect(poolOutAtMs({ usable: 4, recoveriesMs: [], losses: lossesAt(times, Infinity) }, nowMs)).toBeNull();
  }
  expect(poolOutAtMs({ usable: 0, recoveriesMs: [], losses: lossesAt([1, 2], Infinity) }, nowMs)).toBeNull();
});

test('whatever was seen, it is foreseen for a moment to come, or not at all, and soon', () => {
  const loss = fc.record({
    atMs: fc.integer({ min: START_MS - DAY_MS, max: START_MS }),
    restMs: fc.oneof(fc.constant(Infinity), fc.integer({ min: 0, max: DAY_MS })),
  });
  fc.assert(
    fc.property(
      fc.array(loss, { maxLength: 60 }),
      fc.nat(100),
      fc.array(fc.integer({ min: START_MS, max: START_MS + DAY_MS }), { maxLength: 100 }),
      (some, usable, recoveriesMs) => {
        const losses = some.toSorted((a, b) => a.atMs - b.atMs);
        const atMs = poolOutAtMs({ usable, recoveriesMs, losses }, START_MS);
        if (atMs !== null) expect(atMs).toBeGreaterThanOrEqual(START_MS);
      },
    ),
  );
});
