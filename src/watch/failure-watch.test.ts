import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ResponseRuleRow, When } from '../admin/response-stores.ts';
import { CALL_FIELDS } from '../calls/call-record.ts';
import type { CallRow } from '../calls/call-record.ts';
import { createFailureWatch } from './failure-watch.ts';
import type { FailureFinding } from './failure-watch.ts';
import { SlidingCount } from './sliding-count.ts';

const REAL = 'real00000000';

function rule(when: When): ResponseRuleRow {
  return {
    ...{ id: 'rul_1', name: 'r', position: 1, state: 'active', when, actions: [{ kind: 'suspend' }], note: null },
    selector: { applicationIds: null, teamIds: null, tags: null, environment: null },
    ...{ cooldownMs: 1, undoAfterMs: null, limitPerHour: 1, countedFromMs: 0, createdAtMs: 0, updatedAtMs: 0 },
  };
}

function row(kid: string, startedAtMs: number, clientAddress = '192.0.2.1'): CallRow {
  const known: Readonly<Record<string, string | number>> = { kid, startedAtMs, clientAddress, code: 'secret_mismatch' };
  return CALL_FIELDS.map((field) => known[field] ?? null);
}

function watch(count: number, limits: { readonly countedMax?: number; readonly waitingMax?: number } = {}) {
  const found: FailureFinding[] = [];
  const unknown: string[] = [];
  const errors: string[] = [];
  const failures = createFailureWatch({
    rulesOf: async () => [rule({ kind: 'repeated_failures', per: 'key', count, withinMs: 60_000 })],
    workspaceOf: async (kid) => (kid === REAL ? 'ws' : null),
    raise: async (finding) => found.push(finding),
    onUnknownKeys: async (network) => unknown.push(network),
    onError: (error) => errors.push(error.message),
    ...limits,
  });
  return { failures, found, unknown, errors };
}

test('a flood of keys that nobody has keeps memory bounded, and hides no failures of a key that exists', async () => {
  const { failures, found } = watch(50, { countedMax: 1000 });
  for (let batch = 0; batch < 50; batch += 1) {
    const flood = Array.from({ length: 1000 }, (_, i) => row(`f${batch}x${i}`, batch, `10.${batch}.${i % 250}.1`));
    failures.observe([...flood, row(REAL, batch)]);
    await failures.idle();
    expect(failures.counted).toBeLessThanOrEqual(3000);
  }
  expect(found).toMatchObject([{ workspaceId: 'ws', subject: { kid: REAL }, ruleIds: ['rul_1'] }]);
});

test('what comes faster than it can be looked at is counted as dropped and told, not kept', async () => {
  const { failures, errors } = watch(5, { waitingMax: 10 });
  failures.observe(Array.from({ length: 30 }, (_, i) => row(`k${i}`, i)));
  await failures.idle();
  expect(failures.dropped).toBe(20);
  expect(errors).toEqual([expect.stringContaining('20 since the start')]);
});

test('a flood on one key is told once in ten seconds, and again if it goes on', async () => {
  const { failures, found } = watch(5);
  failures.observe(Array.from({ length: 1000 }, (_, i) => row(REAL, i * 10)));
  await failures.idle();
  expect(found).toHaveLength(1);
  failures.observe(Array.from({ length: 10 }, (_, i) => row(REAL, 10_040 + i)));
  await failures.idle();
  expect(found).toHaveLength(2);
});

test('a network that tries unknown keys is told at the hundredth, not before', async () => {
  const { failures, unknown } = watch(5);
  failures.observe(Array.from({ length: 99 }, (_, i) => row(`k${i}`, i)));
  await failures.idle();
  expect(unknown).toEqual([]);
  failures.observe([row('another', 99)]);
  await failures.idle();
  expect(unknown).toEqual(['192.0.2.0/24']);
});

test('n happenings within the time are full exactly at the n-th, in whatever order they are handed over', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 20 }),
      fc.array(fc.integer({ min: 0, max: 999 }), { minLength: 20, maxLength: 20 }),
      (count, times) => {
        const counter = new SlidingCount(count, 1000);
        const full = times.map((timeMs) => counter.add(timeMs));
        // All lie within the time, so every n-th one makes it full.
        expect(full).toEqual(times.map((_, index) => (index + 1) % count === 0));
      },
    ),
  );
});

test('what lies as far back as the time does not count', () => {
  const counter = new SlidingCount(2, 1000);
  expect([0, 1000, 1999].map((timeMs) => counter.add(timeMs))).toEqual([false, false, true]);
});
