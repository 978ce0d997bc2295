import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createHealthTable, openHealthTable } from './health-table.ts';
import { CredentialPool } from './pool.ts';
import type { PoolFailure, PoolMember } from './pool.ts';
import { FAILURE_KINDS } from './provider-error.ts';
import type { FailureKind } from './provider-error.ts';
import { PROBE_LEASE_MS } from './standing.ts';

const START_MS = 1_800_000_000_000;
const HOUR_MS = 3_600_000;

function member(id: string, options: Partial<PoolMember> = {}): PoolMember {
  return { id, priority: 1, weight: 1, models: null, fingerprint: 'f', ...options };
}

function poolOf(members: readonly PoolMember[], buffer = createHealthTable(256), random = () => 0): CredentialPool {
  return new CredentialPool({ name: 'ws/house', members, table: openHealthTable(buffer), random });
}

/** A pool and a clock, for scripts: `call` says who serves, and what the provider then answers. */
function scene(members: readonly PoolMember[]) {
  const buffer = createHealthTable(256);
  const pool = poolOf(members, buffer);
  let nowMs = START_MS;
  return {
    pool,
    buffer,
    now: () => nowMs,
    wait: (ms: number) => void (nowMs += ms),
    call(outcome: FailureKind | 'ok' | 'left', failure: Partial<PoolFailure> = {}, model = 'm'): string {
      const choice = pool.next({ model, nowMs });
      if (choice.kind === 'none') return `none for ${(choice.recoversAtMs ?? 0) - nowMs}`;
      const report = { member: choice.member, model, isProbe: choice.isProbe, nowMs };
      if (outcome === 'ok') pool.succeeded(report);
      else if (outcome === 'left') pool.abandoned(report);
      else pool.failed(report, { kind: outcome, retryAfterMs: null, perModel: false, ...failure });
      return choice.isProbe ? `${choice.member.id}?` : choice.member.id;
    },
  };
}

const AB = [member('a'), member('b', { priority: 2 })];

describe('a script of answers gives exactly this sequence of credentials', () => {
  test('429 with Retry-After: the other one serves until that moment, then the first again, unprobed', () => {
    const { call, wait } = scene(AB);
    expect(call('rate_limited', { retryAfterMs: 7_000 })).toBe('a');
    expect([call('ok'), call('ok')]).toEqual(['b', 'b']);
    wait(6_999);
    expect(call('ok')).toBe('b');
    wait(1);
    expect([call('ok'), call('ok')]).toEqual(['a', 'a']);
  });

  test('429 without Retry-After: a probe after a pause that doubles, while the others go on', () => {
    const { call, wait } = scene(AB);
    expect(call('rate_limited')).toBe('a');
    wait(1_999);
    expect(call('ok')).toBe('b');
    wait(1);
    expect(call('rate_limited')).toBe('a?');
    wait(3_999);
    expect(call('ok')).toBe('b');
    wait(1);
    expect([call('ok'), call('ok')]).toEqual(['a?', 'a']);
  });

  test('401: looked at again after a second, then out, and re-checked later and later, never for ever', () => {
    const { call, wait } = scene(AB);
    expect(call('rejected_credential')).toBe('a');
    expect(call('ok')).toBe('b');
    wait(1_000);
    expect([call('rejected_credential'), call('ok')]).toEqual(['a?', 'b']);
    for (const pauseMs of [30_000, 60_000, 120_000, 240_000, 480_000, 600_000, 600_000]) {
      wait(pauseMs - 1);
      expect(call('ok')).toBe('b');
      wait(1);
      expect(call('rejected_credential')).toBe('a?');
    }
    wait(600_000);
    expect([call('ok'), call('ok')]).toEqual(['a?', 'a']);
  });

  test('a 401 that was a hiccup is forgotten by the re-check', () => {
    const { call, wait, pool, now } = scene(AB);
    call('rejected_credential');
    wait(1_000);
    expect([call('ok'), call('ok')]).toEqual(['a?', 'a']);
    expect(pool.view(now())[0]).toMatchObject({ state: 'healthy', failuresInARow: 0, kind: null });
  });

  test('403, 400, 404, too long and filtered never bench', () => {
    const { call } = scene(AB);
    const kinds = ['forbidden', 'bad_request', 'not_found', 'context_too_long', 'content_filtered'] as const;
    expect(kinds.map((kind) => call(kind))).toEqual(['a', 'a', 'a', 'a', 'a']);
    expect(call('ok')).toBe('a');
  });

  test('insufficient quota: out until the reset that is told, else probed within the hour', () => {
    const { call, wait } = scene(AB);
    expect(call('quota_exhausted', { retryAfterMs: 3 * HOUR_MS })).toBe('a');
    wait(3 * HOUR_MS - 1);
    expect(call('ok')).toBe('b');
    wait(1);
    expect(call('quota_exhausted')).toBe('a');
    for (let i = 0; i < 10; i += 1) {
      wait(HOUR_MS);
      expect(call('quota_exhausted')).toBe('a?');
    }
  });

  test('500, a hang and a cut say nothing about the credential', () => {
    const { call } = scene(AB);
    expect([call('unavailable'), call('timeout'), call('overloaded'), call('ok')]).toEqual(['a', 'a', 'a', 'a']);
  });

  test('all at once: 429, 401, quota, then nobody until the soonest is back', () => {
    const { call, wait } = scene([member('a'), member('b', { priority: 2 }), member('c', { priority: 3 })]);
    expect(call('rate_limited', { retryAfterMs: 5_000 })).toBe('a');
    expect(call('rejected_credential')).toBe('b');
    expect(call('quota_exhausted')).toBe('c');
    expect(call('ok')).toBe('none for 1000');
    wait(1_000);
    expect(call('rejected_credential')).toBe('b?');
    expect(call('ok')).toBe('none for 4000');
    wait(4_000);
    expect(call('ok')).toBe('a');
  });
});

describe('a probe', () => {
  test('is one at a time', () => {
    const { pool, call, wait, now } = scene([member('a')]);
    call('rate_limited');
    wait(2_000);
    const first = pool.next({ model: 'm', nowMs: now() });
    expect(first).toMatchObject({ kind: 'use', isProbe: true });
    expect(pool.next({ model: 'm', nowMs: now() })).toMatchObject({ kind: 'none' });
  });

  test('of which nothing is heard is given up, and one whose caller left is given back', () => {
    const { call, wait, pool, now } = scene([member('a')]);
    call('rate_limited');
    wait(2_000);
    pool.next({ model: 'm', nowMs: now() });
    wait(PROBE_LEASE_MS - 1);
    expect(call('ok')).toBe('none for 1');
    wait(1);
    expect([call('left'), call('unavailable'), call('ok'), call('ok')]).toEqual(['a?', 'a?', 'a?', 'a']);
  });

  test('is not lifted by a success that began before the failure', () => {
    const { pool, call, now } = scene([member('a')]);
    const early = pool.next({ model: 'm', nowMs: now() });
    call('rate_limited');
    if (early.kind === 'use') pool.succeeded({ member: early.member, model: 'm', isProbe: false, nowMs: now() });
    expect(call('ok')).toBe('none for 2000');
  });
});

describe('who serves', () => {
  test('shares follow the weights within 2 % over 10,000 calls, whoever drops out', () => {
    const weights = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 2, maxLength: 8 });
    fc.assert(
      fc.property(weights, fc.nat(), (given, out) => {
        const members = given.map((weight, i) => member(`c${i}`, { weight }));
        const pool = poolOf(members);
        const gone = members[out % (members.length + 1)];
        if (gone !== undefined) {
          const report = { member: gone, model: 'm', isProbe: false, nowMs: START_MS };
          pool.failed(report, { kind: 'rate_limited', retryAfterMs: HOUR_MS, perModel: false });
        }
        const counts = new Map<string, number>();
        for (let i = 0; i < 10_000; i += 1) {
          const choice = pool.next({ model: 'm', nowMs: START_MS });
          const id = choice.kind === 'use' ? choice.member.id : '';
          counts.set(id, (counts.get(id) ?? 0) + 1);
        }
        const present = members.filter((one) => one !== gone);
        const sum = present.reduce((total, { weight }) => total + weight, 0);
        for (const { id, weight } of present) {
          expect(Math.abs((counts.get(id) ?? 0) / 10_000 - weight / sum)).toBeLessThan(0.02);
        }
        expect(counts.get(gone?.id ?? 'nobody')).toBeUndefined();
      }),
      { numRuns: 20 },
    );
  });

  test('a lower priority only where no higher one can', () => {
    const { call } = scene([member('b', { priority: 2 }), member('a')]);
    expect([call('rate_limited', { retryAfterMs: 9 }), call('ok')]).toEqual(['a', 'b']);
  });

  test('only those that are for the model; none is not a pool that recovers', () => {
    const pool = poolOf([member('mini', { models: ['gpt-*-mini'] }), member('one', { models: ['o1'] })]);
    const use = (model: string | null) => pool.next({ model, nowMs: START_MS });
    expect(use('gpt-5-mini')).toMatchObject({ member: { id: 'mini' } });
    expect(use('o1')).toMatchObject({ member: { id: 'one' } });
    expect(use('gpt-5')).toEqual({ kind: 'none', recoversAtMs: null, why: null });
    expect(use(null).kind).toBe('use');
  });

  test('a limit of one model leaves the others alone', () => {
    const { call, wait, pool, now } = scene([member('a')]);
    expect(call('rate_limited', { perModel: true, retryAfterMs: 5_000 }, 'big')).toBe('a');
    expect(call('ok', {}, 'small')).toBe('a');
    expect(call('ok', {}, 'big')).toBe('none for 5000');
    expect(pool.capacity('big', now())).toEqual({ usable: 0, all: 1 });
    wait(5_000);
    expect(call('ok', {}, 'big')).toBe('a');
  });

  test('where there is no room to keep a model apart, the whole credential rests', () => {
    const pool = poolOf([member('a')], createHealthTable(1));
    const failed = (model: string) =>
      pool.failed(
        { member: pool.members[0] ?? member('a'), model, isProbe: false, nowMs: START_MS },
        {
          kind: 'rate_limited',
          retryAfterMs: 5_000,
          perModel: true,
        },
      );
    pool.failed(
      { member: pool.members[0] ?? member('a'), model: 'x', isProbe: false, nowMs: START_MS },
      {
        kind: 'rate_limited',
        retryAfterMs: 1,
        perModel: false,
      },
    );
    failed('big');
    expect(pool.next({ model: 'small', nowMs: START_MS + 4_999 }).kind).toBe('none');
  });

  test('what the call has tried already comes last', () => {
    const pool = poolOf([member('a'), member('b')]);
    const next = (tried: readonly string[]) => pool.next({ model: 'm', nowMs: START_MS, tried });
    expect(next(['a'])).toMatchObject({ member: { id: 'b' } });
    expect(next(['b'])).toMatchObject({ member: { id: 'a' } });
    expect(next(['a', 'b']).kind).toBe('use');
  });

  test('a conversation keeps its credential, moves when that is out, and comes back', () => {
    const members = Array.from({ length: 5 }, (_, i) => member(`c${i}`));
    const { pool, now, wait } = scene(members);
    const use = (affinity: number) => {
      const choice = pool.next({ model: 'm', nowMs: now(), affinity });
      return choice.kind === 'use' ? choice.member : undefined;
    };
    const before = Array.from({ length: 200 }, (_, i) => use(i));
    expect(new Set(before).size).toBe(5);
    const gone = before[0];
    if (gone === undefined) throw new Error();
    pool.failed(
      { member: gone, model: 'm', isProbe: false, nowMs: now() },
      { kind: 'rate_limited', retryAfterMs: 10, perModel: false },
    );
    const during = Array.from({ length: 200 }, (_, i) => use(i));
    for (const [i, one] of before.entries()) {
      if (one === gone) expect(during[i]).not.toBe(gone);
      else expect(during[i]).toBe(one);
    }
    wait(10);
    expect(Array.from({ length: 200 }, (_, i) => use(i))).toEqual(before);
  });
});

describe('over workers and changes of the configuration', () => {
  test('what one worker benched no other uses', () => {
    const buffer = createHealthTable(256);
    const [one, other] = [poolOf(AB, buffer), poolOf(AB, buffer)];
    expect(other.next({ model: 'm', nowMs: START_MS })).toMatchObject({ member: { id: 'a' } });
    const report = { member: AB[0] ?? member('a'), model: 'm', isProbe: false, nowMs: START_MS };
    one.failed(report, { kind: 'quota_exhausted', retryAfterMs: null, perModel: false });
    expect(other.next({ model: 'm', nowMs: START_MS })).toMatchObject({ member: { id: 'b' } });
  });

  test('a new secret starts with a clean slate, an unchanged one stays benched', () => {
    const buffer = createHealthTable(256);
    const old = poolOf([member('a')], buffer);
    const report = { member: old.members[0] ?? member('a'), model: 'm', isProbe: false, nowMs: START_MS };
    old.failed(report, { kind: 'rejected_credential', retryAfterMs: null, perModel: false });
    expect(poolOf([member('a')], buffer).next({ model: 'm', nowMs: START_MS }).kind).toBe('none');
    expect(poolOf([member('a', { fingerprint: 'g' })], buffer).next({ model: 'm', nowMs: START_MS }).kind).toBe('use');
  });

  test('whatever happens, every credential can be used again within a bounded time, and a pool says the soonest', () => {
    const step = fc.record({
      kind: fc.constantFrom(...FAILURE_KINDS, 'ok' as const, 'left' as const),
      retryAfterMs: fc.option(fc.integer({ min: 1, max: HOUR_MS })),
      perModel: fc.boolean(),
      waitMs: fc.integer({ min: 0, max: 60_000 }),
    });
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 60 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (steps, random) => {
          const pool = poolOf([member('a'), member('b', { weight: 3 })], createHealthTable(64), () => random);
          let nowMs = START_MS;
          for (const { kind, retryAfterMs, perModel, waitMs } of steps) {
            const choice = pool.next({ model: 'm', nowMs });
            if (choice.kind === 'none') {
              expect(choice.recoversAtMs).toBeGreaterThan(nowMs);
              // Never promised too early: at that moment somebody can go.
              const then = choice.recoversAtMs ?? 0;
              expect(pool.capacity('m', then).usable).toBeGreaterThan(0);
              expect(pool.capacity('m', then - 1).usable).toBe(0);
            } else {
              const report = { member: choice.member, model: 'm', isProbe: choice.isProbe, nowMs };
              if (kind === 'ok') pool.succeeded(report);
              else if (kind === 'left') pool.abandoned(report);
              else pool.failed(report, { kind, retryAfterMs, perModel });
            }
            nowMs += waitMs;
          }
          expect(pool.capacity('m', nowMs + HOUR_MS).usable).toBe(2);
        },
      ),
    );
  });
});
