import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { KeyLimiter, RequestLimits } from './key-limiter.ts';
import { bindLimits } from './key-limiter.ts';
import type { SharedCounters } from './shared-counters.ts';
import { createSharedCounters, openSharedCounters } from './shared-counters.ts';

const NOW_MS = Date.UTC(2026, 0, 1);

function open(cells = 64): SharedCounters {
  return openSharedCounters(createSharedCounters({ cells }), 0);
}

function bind(limits: RequestLimits, counters = open()): KeyLimiter {
  return bindLimits(counters, 'abcdefghijkl', limits);
}

describe('a key without limits', () => {
  test('is never refused and shares one limiter', () => {
    const counters = open(1);
    const limiter = bindLimits(counters, 'a', { requestsPerDay: null, concurrency: null });
    expect(limiter).toBe(bindLimits(counters, 'b', {}));
    expect(limiter.take(NOW_MS)).toEqual({ ok: true, tightest: null });
    limiter.release();
    expect(limiter.read(NOW_MS)).toEqual([]);
  });
});

describe('a key with limits', () => {
  test('passes exactly the tightest of them, and tells that one', () => {
    const limiter = bind({ requestsPerSecond: 3, requestsPerMinute: 10, requestsPerDay: 12 });
    expect(limiter.take(NOW_MS)).toEqual({
      ok: true,
      tightest: { limit: 3, remaining: 2, resetMs: 1_000, windowMs: 1_000 },
    });
    expect([limiter.take(NOW_MS).ok, limiter.take(NOW_MS).ok, limiter.take(NOW_MS).ok]).toEqual([true, true, false]);
    for (let second = 1; second < 4; second += 1) for (let i = 0; i < 3; i += 1) limiter.take(NOW_MS + second * 2_000);
    const lastMs = NOW_MS + 9_000;
    expect(limiter.take(lastMs)).toMatchObject({
      ok: false,
      code: 'rate_limited',
      limit: 10,
      windowMs: 60_000,
      retryAfterMs: 51_000,
    });
  });

  test('says nothing of a tightest limit when only concurrency is limited', () => {
    expect(bind({ concurrency: 1 }).take(NOW_MS)).toEqual({ ok: true, tightest: null });
  });

  test('takes of all limits or of none', () => {
    const counters = open();
    const limiter = bind(
      { requestsPerSecond: 100, requestsPerMinute: 2, requestsPerHour: 100, concurrency: 1 },
      counters,
    );
    expect(limiter.take(NOW_MS).ok).toBe(true);
    expect(limiter.take(NOW_MS)).toMatchObject({ ok: false, code: 'concurrency_limited', limit: 1, windowMs: 0 });
    expect(limiter.read(NOW_MS).map((reading) => reading.used)).toEqual([1, 1, 1, 1]);
    limiter.release();
    expect(limiter.take(NOW_MS).ok).toBe(true);
    expect(limiter.take(NOW_MS)).toMatchObject({ ok: false, code: 'rate_limited', limit: 2 });
    expect(limiter.read(NOW_MS).map((reading) => reading.used)).toEqual([2, 2, 2, 1]);
  });

  test('is told to wait until every limit passes it', () => {
    const limiter = bind({ requestsPerSecond: 1, requestsPerHour: 1 });
    limiter.take(NOW_MS);
    expect(limiter.take(NOW_MS + 100)).toMatchObject({
      ok: false,
      retryAfterMs: 3_599_900,
      limit: 1,
      windowMs: 3_600_000,
    });
  });

  test('passes after exactly the wait it was told, for any sequence of calls', () => {
    const limits = fc.record({
      requestsPerSecond: fc.integer({ min: 1, max: 5 }),
      requestsPerMinute: fc.integer({ min: 1, max: 20 }),
    });
    fc.assert(
      fc.property(limits, fc.array(fc.nat(2_000), { maxLength: 80 }), (given, pauses) => {
        const limiter = bind(given);
        let nowMs = NOW_MS;
        for (const pauseMs of pauses) {
          nowMs += pauseMs;
          const outcome = limiter.take(nowMs);
          if (outcome.ok) continue;
          expect(Number.isInteger(outcome.retryAfterMs) && outcome.retryAfterMs > 0).toBe(true);
          expect(limiter.take(nowMs + outcome.retryAfterMs - 1).ok).toBe(false);
          nowMs += outcome.retryAfterMs;
          expect(limiter.take(nowMs).ok).toBe(true);
        }
      }),
    );
  });

  test('goes on with its counts when it is bound again with other limits', () => {
    const counters = open();
    const before = bind({ requestsPerMinute: 5, concurrency: 5 }, counters);
    for (let i = 0; i < 4; i += 1) before.take(NOW_MS);
    const after = bind({ requestsPerMinute: 6, requestsPerDay: 2, concurrency: 4 }, counters);
    expect(after.read(NOW_MS)).toMatchObject([
      { name: 'requestsPerMinute', kind: 'rate', limit: 6, used: 4, retryAfterMs: 0 },
      { name: 'requestsPerDay', kind: 'rate', limit: 2, used: 0, retryAfterMs: 0 },
      { name: 'concurrency', kind: 'concurrency', limit: 4, used: 4 },
    ]);
    expect(after.take(NOW_MS)).toMatchObject({ ok: false, code: 'concurrency_limited' });
    before.release();
    expect(after.take(NOW_MS).ok).toBe(true);
  });

  test('is refused as overloaded, with nothing taken, when there is no room to count', () => {
    const counters = open(2);
    const busy = bindLimits(counters, 'busy', { requestsPerMinute: 5 });
    busy.take(NOW_MS);
    const limiter = bind({ requestsPerMinute: 5, concurrency: 5 }, counters);
    expect(limiter.take(NOW_MS)).toMatchObject({ ok: false, code: 'overloaded' });
    expect(limiter.read(NOW_MS).map((reading) => reading.used)).toEqual([0, 0]);
  });

  test('may be asked for more than one at a time', () => {
    const limiter = bind({ requestsPerMinute: 5 });
    expect(limiter.take(NOW_MS, 4)).toMatchObject({ ok: true, tightest: { remaining: 1 } });
    expect(limiter.take(NOW_MS, 2)).toMatchObject({ ok: false, code: 'rate_limited' });
    expect(limiter.take(NOW_MS).ok).toBe(true);
  });
});
