import { expect, test } from 'vitest';
import type { MemberView } from '../routing/pool.ts';
import { PoolHistory } from './pool-history.ts';

const MINUTE_MS = 60_000;
const START_MS = Date.UTC(2030, 0, 1);

function member(id: string, part: Partial<MemberView> = {}): MemberView {
  const well = { state: 'healthy', untilMs: null, isTimed: false, kind: null, failuresInARow: 0, models: [] } as const;
  return { id, ...well, ...part };
}

/** A pool of six, of which so many are exhausted until a moment. */
function pool(out: number, untilMs: number): readonly MemberView[] {
  const spent = { state: 'exhausted', untilMs, isTimed: true, kind: 'quota_exhausted' } as const;
  return Array.from({ length: 6 }, (_, index) => member(`c${index}`, index < out ? spent : {}));
}

test('a pool that has been whole again begins anew: the losses of the day before say nothing', () => {
  const history = new PoolHistory();
  const see = (minute: number, members: readonly MemberView[]): number | null => {
    const nowMs = START_MS + minute * MINUTE_MS;
    history.observe(new Map([['p', members]]), nowMs);
    return history.outAtMs('p', members, nowMs);
  };
  const reset = START_MS + 660 * MINUTE_MS;
  see(0, pool(0, reset));
  for (const minute of [100, 200, 300]) see(minute, pool(minute / 100, reset));
  expect(see(301, pool(3, reset))).toBe(START_MS + 600 * MINUTE_MS);
  expect(see(660, pool(0, reset))).toBeNull();
  const next = START_MS + 2_000 * MINUTE_MS;
  expect(see(700, pool(1, next))).toBeNull();
  expect(see(720, pool(2, next))).toBe(START_MS + 800 * MINUTE_MS);
});

test('one that is out without a known end is lost once, however often it is probed in vain', () => {
  const history = new PoolHistory();
  const others = [member('b'), member('c'), member('d')];
  for (let minute = 0; minute < 60; minute += 1) {
    const nowMs = START_MS + minute * MINUTE_MS;
    const untilMs = nowMs + ((minute * 37) % 90) * 1_000 - 10_000;
    const lost = member('a', minute === 0 ? {} : { state: 'exhausted', untilMs, kind: 'quota_exhausted' });
    history.observe(new Map([['p', [lost, ...others]]]), nowMs);
    expect(history.outAtMs('p', [lost, ...others], nowMs)).toBeNull();
  }
});
