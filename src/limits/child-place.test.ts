import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bindCallLimits } from './call-limiter.ts';
import type { CallLimits, LevelLimits } from './call-limits.ts';
import { readPlaces, withPlace } from './child-place.ts';
import { CELL_BYTES } from './cell.ts';
import type { Counters } from './counters.ts';
import { exportCells, importCells } from './keep-counters.ts';
import { createSharedCounters, openSharedCounters } from './shared-counters.ts';

const START_MS = Date.UTC(2026, 0, 1);
const MINUTE_MS = 60_000;
const NEED = { tokens: 0, nanoUsd: 0 };

interface ChildOptions {
  readonly limits?: LevelLimits;
  readonly placesMax?: number;
  readonly endsAtMs?: number;
}

function child(
  counters: Counters,
  id: string,
  { limits = { uses: 5 }, placesMax = 2, endsAtMs = START_MS + MINUTE_MS }: ChildOptions = {},
): CallLimits {
  const own = bindCallLimits(counters, [{ kind: 'delegated', id: `parent.${id}`, limits, endsAtMs }]);
  return withPlace(counters, own, { parentKid: 'parent', id, limits, endsAtMs, placesMax });
}

function codeOf(limits: CallLimits, nowMs = START_MS): string {
  const outcome = limits.take(nowMs, NEED);
  return outcome.ok ? 'ok' : outcome.code;
}

describe('children of one key', () => {
  test('have so many places over all workers, and a child that has one goes on in a full pool', () => {
    const buffer = createSharedCounters({ cells: 64 });
    const [one, two] = [openSharedCounters(buffer, 0), openSharedCounters(buffer, 1)];
    expect([codeOf(child(one, 'a')), codeOf(child(two, 'b'))]).toEqual(['ok', 'ok']);
    expect(child(one, 'c').take(START_MS, NEED)).toEqual({
      ok: false,
      code: 'keys_exhausted',
      by: null,
      retryAfterMs: MINUTE_MS,
    });
    expect([codeOf(child(two, 'a')), codeOf(child(one, 'b'))]).toEqual(['ok', 'ok']);
    expect(readPlaces(one, 'parent', START_MS)).toEqual({ live: 2, soonestEndMs: START_MS + MINUTE_MS });
    expect(readPlaces(one, 'other', START_MS)).toEqual({ live: 0, soonestEndMs: null });
  });

  test('give their places back at their ends, one by one', () => {
    const counters = openSharedCounters(createSharedCounters({ cells: 64 }), 0);
    codeOf(child(counters, 'a', { endsAtMs: START_MS + 1_000 }));
    codeOf(child(counters, 'b'));
    const third = child(counters, 'c');
    expect([codeOf(third, START_MS + 999), codeOf(third, START_MS + 1_000)]).toEqual(['keys_exhausted', 'ok']);
    expect(codeOf(child(counters, 'd'), START_MS + 1_000)).toBe('keys_exhausted');
  });

  test('claim no counters when they are refused, so that one holder cannot fill the table of all', () => {
    const cells = 16;
    const buffer = createSharedCounters({ cells });
    const counters = openSharedCounters(buffer, 0);
    const codes = Array.from({ length: 200 }, (_, id) => codeOf(child(counters, String(id))));
    expect(codes.filter((code) => code === 'ok')).toHaveLength(2);
    expect(codes.filter((code) => code === 'keys_exhausted')).toHaveLength(198);
    const words = new Int32Array(buffer);
    const claimed = Array.from({ length: cells }, (_, cell) => words[((cell + 1) * CELL_BYTES) / 4 + 1]).filter(
      Boolean,
    );
    // The places, and for each of the two its mark and its uses.
    expect(claimed).toHaveLength(5);
    expect(bindCallLimits(counters, [{ kind: 'key', id: 'x', limits: { uses: 1 } }]).take(START_MS, NEED).ok).toBe(
      true,
    );
  });

  test.each<readonly [string, LevelLimits]>([
    ['no limits', {}],
    ['limits that are none', { uses: null, budgets: null }],
    ['limits of one call alone', { tokensPerCallMax: 5, costPerCallMax: 5 }],
  ])('need no place with %s', (_what, limits) => {
    const counters = openSharedCounters(createSharedCounters({ cells: 8 }), 0);
    expect(codeOf(child(counters, 'a', { limits, placesMax: 0 }))).toBe('ok');
    expect(readPlaces(counters, 'parent', START_MS).live).toBe(0);
  });

  test('take their own place once, also where two workers see them first at one moment', () => {
    const buffer = createSharedCounters({ cells: 64 });
    const [one, two] = [openSharedCounters(buffer, 0), openSharedCounters(buffer, 1)];
    // The other worker comes in between the place and the mark.
    const interrupted: Counters = {
      ...one,
      lease(...claim) {
        const left = one.lease(...claim);
        expect(codeOf(child(two, 'a'))).toBe('ok');
        return left;
      },
    };
    expect(codeOf(child(interrupted, 'a'))).toBe('ok');
    expect(readPlaces(one, 'parent', START_MS).live).toBe(1);
  });

  test('keep their places over a restart', () => {
    const before = createSharedCounters({ cells: 64 });
    codeOf(child(openSharedCounters(before, 0), 'a'));
    codeOf(child(openSharedCounters(before, 0), 'b', { endsAtMs: START_MS + 2 * MINUTE_MS }));
    const after = createSharedCounters({ cells: 64 });
    importCells(after, exportCells(before, { onlyDirty: false, nowMs: START_MS }), START_MS + 1);
    const counters = openSharedCounters(after, 0);
    expect(readPlaces(counters, 'parent', START_MS + 1)).toEqual({ live: 2, soonestEndMs: START_MS + MINUTE_MS });
    expect([codeOf(child(counters, 'c')), codeOf(child(counters, 'a'))]).toEqual(['keys_exhausted', 'ok']);
  });
});

describe('leases', () => {
  const lease = fc.record({ pauseMs: fc.nat(20_000), livesMs: fc.integer({ min: 1, max: 12 * 60 * MINUTE_MS }) });

  test('never pass more than their limit, never end early, and are all over with the last', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 200 }), fc.array(lease, { maxLength: 300 }), (limit, sequence) => {
        const counters = openSharedCounters(createSharedCounters({ cells: 4 }), 0);
        const leases = counters.leases('k');
        const ends: number[] = [];
        let nowMs = START_MS;
        for (const { pauseMs, livesMs } of sequence) {
          nowMs += pauseMs;
          if (counters.lease(leases, limit, nowMs + livesMs, nowMs) >= 0) ends.push(nowMs + livesMs);
          const live = ends.filter((endMs) => endMs > nowMs).length;
          const told = counters.leased(leases, nowMs);
          expect(told.live).toBeGreaterThanOrEqual(live);
          expect(told.live).toBeLessThanOrEqual(limit);
        }
        expect(counters.leased(leases, Math.max(0, ...ends)).live).toBe(0);
      }),
      { numRuns: 60 },
    );
  });

  test('are exact as long as they end at no more than 61 moments', () => {
    const step = fc.record({ endsInS: fc.integer({ min: 1, max: 61 }), isGivenBack: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), fc.nat(70), (sequence, atS) => {
        const counters = openSharedCounters(createSharedCounters({ cells: 4 }), 0);
        const leases = counters.leases('k');
        const ends: number[] = [];
        for (const { endsInS, isGivenBack } of sequence) {
          const endsAtMs = START_MS + endsInS * 1_000;
          counters.lease(leases, 1_000, endsAtMs, START_MS);
          if (isGivenBack) counters.endLease(leases, endsAtMs, START_MS);
          else ends.push(endsAtMs);
        }
        const nowMs = START_MS + atS * 1_000;
        const left = ends.filter((endMs) => endMs > nowMs);
        const soonestEndMs = left.length === 0 ? null : Math.min(...left);
        expect(counters.leased(leases, nowMs)).toEqual({ live: left.length, soonestEndMs });
      }),
      { numRuns: 60 },
    );
  });
});
