import { describe, expect, test } from 'vitest';
import { Breaker } from './breaker.ts';
import { createHealthTable, openHealthTable } from './health-table.ts';
import { PROBE_LEASE_MS } from './standing.ts';

const NOW_MS = 1_800_000_000_000;

function breakers(count: number): readonly Breaker[] {
  const buffer = createHealthTable(16);
  return Array.from(
    { length: count },
    () => new Breaker({ name: 'https://api.example.com', table: openHealthTable(buffer), random: () => 0 }),
  );
}

function breaker(): Breaker {
  const [only] = breakers(1);
  if (only === undefined) throw new Error();
  return only;
}

function fail(one: Breaker | undefined, times: number, nowMs: number): void {
  for (let i = 0; i < times; i += 1) one?.failed('unavailable', null, false, nowMs);
}

test('five failures in a row open it, over all workers together', () => {
  const [one, other] = breakers(2);
  fail(one, 3, NOW_MS);
  fail(other, 1, NOW_MS);
  expect(one?.peek(NOW_MS)).toBe('closed');
  fail(other, 1, NOW_MS);
  expect([one?.peek(NOW_MS), other?.peek(NOW_MS)]).toEqual(['open', 'open']);
  expect(one?.opensAtMs(NOW_MS)).toBe(NOW_MS + 2_000);
});

test('a success in between starts the count anew', () => {
  const one = breaker();
  fail(one, 4, NOW_MS);
  one.succeeded(false, NOW_MS);
  fail(one, 4, NOW_MS);
  expect(one.peek(NOW_MS)).toBe('closed');
});

test('half of twenty calls failing opens it too, and old ones are forgotten', () => {
  const mixed = (one: Breaker, calls: number, nowMs: number) => {
    for (let i = 0; i < calls; i += 1) {
      if (i % 2 === 0) one.succeeded(false, nowMs);
      else one.failed('timeout', null, false, nowMs);
    }
  };
  const one = breaker();
  mixed(one, 18, NOW_MS);
  expect(one.peek(NOW_MS)).toBe('closed');
  mixed(one, 2, NOW_MS);
  expect(one.peek(NOW_MS)).toBe('open');
  const other = breaker();
  mixed(other, 18, NOW_MS);
  mixed(other, 18, NOW_MS + 30_000);
  expect(other.peek(NOW_MS + 30_000)).toBe('closed');
});

describe('half open', () => {
  test('one probe at a time; its success closes, its failure opens for longer', () => {
    const [one, other] = breakers(2);
    fail(one, 5, NOW_MS);
    expect(other?.enter(NOW_MS + 1_999)).toBe('open');
    expect([one?.enter(NOW_MS + 2_000), other?.enter(NOW_MS + 2_000)]).toEqual(['probe', 'open']);
    one?.failed('unavailable', null, true, NOW_MS + 2_100);
    expect(other?.opensAtMs(NOW_MS + 2_100)).toBe(NOW_MS + 6_100);
    expect(other?.enter(NOW_MS + 6_100)).toBe('probe');
    other?.succeeded(true, NOW_MS + 6_200);
    expect([one?.enter(NOW_MS + 6_200), other?.enter(NOW_MS + 6_200)]).toEqual(['closed', 'closed']);
  });

  test('a probe that nobody hears of is given up, one whose caller left is given back', () => {
    const one = breaker();
    fail(one, 5, NOW_MS);
    expect(one.enter(NOW_MS + 2_000)).toBe('probe');
    expect(one.enter(NOW_MS + 2_000 + PROBE_LEASE_MS)).toBe('probe');
    one.abandoned(NOW_MS + 2_000 + PROBE_LEASE_MS);
    expect(one.enter(NOW_MS + 2_000 + PROBE_LEASE_MS)).toBe('probe');
  });

  test('it stays open at most a minute, whatever failed, and as long as the provider says, up to five', () => {
    const one = breaker();
    fail(one, 5, NOW_MS);
    let nowMs = NOW_MS;
    for (let i = 0; i < 20; i += 1) {
      nowMs += 60_000;
      expect(one.enter(nowMs)).toBe('probe');
      one.failed('timeout', null, true, nowMs);
    }
    nowMs += 60_000;
    one.enter(nowMs);
    one.failed('overloaded', 3_600_000, true, nowMs);
    expect(one.opensAtMs(nowMs)).toBe(nowMs + 300_000);
  });

  test('what was under way when it opened changes nothing', () => {
    const one = breaker();
    fail(one, 9, NOW_MS);
    expect(one.opensAtMs(NOW_MS)).toBe(NOW_MS + 2_000);
    one.succeeded(false, NOW_MS + 1);
    expect(one.peek(NOW_MS + 1)).toBe('open');
  });
});
