import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Balancer, STRATEGIES } from './balance.ts';
import type { BalanceTarget, OrderOptions, Strategy } from './balance.ts';
import { holds } from './condition.ts';
import type { CallFacts } from './condition.ts';
import { affinityOf } from './rendezvous.ts';

const NOW_MS = 1_800_000_000_000;

function target(name: string, options: Partial<BalanceTarget> = {}): BalanceTarget {
  return { name, priority: 1, weight: 1, cost: null, ...options };
}

/** A generator of its own, so that a run can be repeated. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    return (state >>> 0) / 2 ** 32;
  };
}

function options(given: Partial<OrderOptions>): OrderOptions {
  return { eligible: [0, 1, 2], nowMs: NOW_MS, affinity: null, random: seeded(1), ...given };
}

function firsts(balancer: Balancer, calls: number, given: Partial<OrderOptions> = {}): ReadonlyMap<number, number> {
  const counts = new Map<number, number>();
  const fixed = options(given);
  for (let i = 0; i < calls; i += 1) {
    const first = balancer.order(fixed)[0] ?? -1;
    counts.set(first, (counts.get(first) ?? 0) + 1);
  }
  return counts;
}

const ABC = ['a', 'b', 'c'].map((name) => target(name));

test('every strategy gives every eligible target once, those of a lower priority behind', () => {
  const targets = fc.array(
    fc.record({
      name: fc.string(),
      priority: fc.integer({ min: 1, max: 3 }),
      weight: fc.integer({ min: 1, max: 9 }),
      cost: fc.option(fc.integer({ min: 0, max: 9 })),
    }),
    { minLength: 1, maxLength: 8 },
  );
  fc.assert(
    fc.property(
      targets,
      fc.constantFrom(...STRATEGIES),
      fc.option(fc.nat()),
      fc.nat(),
      (given, strategy, affinity, seed) => {
        const balancer = new Balancer(strategy, given);
        const eligible = [...given.keys()].filter((i) => (seed >> i) % 2 === 0);
        const order = balancer.order({ eligible, nowMs: NOW_MS, affinity, random: seeded(seed) });
        expect(order.toSorted((a, b) => a - b)).toEqual(eligible);
        const priorities = order.map((i) => given[i]?.priority ?? 0);
        expect(priorities).toEqual(priorities.toSorted((a, b) => a - b));
      },
    ),
  );
});

test('priority takes them as they are listed', () => {
  expect(new Balancer('priority', ABC).order(options({}))).toEqual([0, 1, 2]);
});

test('weighted and round-robin keep their shares within 2 % over 10,000 calls', () => {
  const targets = [target('a', { weight: 5 }), target('b', { weight: 3 }), target('c', { weight: 2 })];
  const share = (strategy: Strategy) => firsts(new Balancer(strategy, targets), 10_000);
  const weighted = share('weighted');
  for (const [index, part] of [0.5, 0.3, 0.2].entries()) {
    expect(Math.abs((weighted.get(index) ?? 0) / 10_000 - part)).toBeLessThan(0.02);
  }
  expect(Math.abs((share('round-robin').get(2) ?? 0) / 10_000 - 1 / 3)).toBeLessThan(0.02);
});

test('least-cost goes by price, and what has none comes last', () => {
  const targets = [target('a'), target('b', { cost: 9 }), target('c', { cost: 3 })];
  expect(new Balancer('least-cost', targets).order(options({}))).toEqual([2, 1, 0]);
});

test('least-busy goes to where the fewest calls are, by weight', () => {
  const balancer = new Balancer('least-busy', [target('a', { weight: 4 }), target('b'), target('c')]);
  for (const [index, calls] of [4, 2, 0].entries()) {
    const load = balancer.loads[index];
    if (load !== undefined) load.inFlight = calls;
  }
  expect(balancer.order(options({}))).toEqual([2, 0, 1]);
});

test('least-latency leaves a slow target aside, and tries it again once that is long ago', () => {
  const balancer = new Balancer('least-latency', ABC);
  for (const [index, ms] of [100, 100, 3_000].entries()) balancer.loads[index]?.observe(ms, NOW_MS);
  expect(firsts(balancer, 1_000).get(2)).toBeUndefined();
  balancer.loads[0]?.observe(100, NOW_MS + 60_000);
  balancer.loads[1]?.observe(100, NOW_MS + 60_000);
  expect(firsts(balancer, 1_000, { nowMs: NOW_MS + 60_000 }).get(2)).toBeGreaterThan(300);
});

describe('affinity', () => {
  test('a conversation comes back to its target while it is there; only those of a lost one move', () => {
    const balancer = new Balancer('weighted', ABC);
    const first = (text: string, eligible: readonly number[]) =>
      balancer.order(options({ eligible, affinity: affinityOf(text) }))[0];
    const texts = Array.from({ length: 300 }, (_, i) => `conversation ${i}`);
    const before = texts.map((text) => first(text, [0, 1, 2]));
    expect(texts.map((text) => first(text, [0, 1, 2]))).toEqual(before);
    for (const [i, text] of texts.entries()) {
      if (before[i] !== 1) expect(first(text, [0, 2])).toBe(before[i]);
    }
    expect(new Set(before)).toEqual(new Set([0, 1, 2]));
  });

  test('spreads by weight', () => {
    const balancer = new Balancer('weighted', [target('a', { weight: 3 }), target('b')]);
    let first = 0;
    for (let i = 0; i < 10_000; i += 1) {
      if (balancer.order(options({ eligible: [0, 1], affinity: affinityOf(`c${i}`) }))[0] === 0) first += 1;
    }
    expect(Math.abs(first / 10_000 - 0.75)).toBeLessThan(0.02);
  });
});

test('a condition holds when all that it says does', () => {
  const facts: CallFacts = {
    tags: ['eu', 'batch'],
    header: (name) => (name === 'x-team' ? 'blue-7' : null),
    keyId: 'k1',
    applicationId: 'app_1',
    promptTokens: 500,
    stream: true,
  };
  expect(holds(null, facts)).toBe(true);
  expect(
    holds({ tags: ['us', 'eu'], headers: { 'x-team': 'blue-*' }, keys: ['k1'], promptTokensMax: 500 }, facts),
  ).toBe(true);
  expect(
    holds({ headers: { 'x-team': '*' }, applications: ['app_1'], stream: true, promptTokensMin: 500 }, facts),
  ).toBe(true);
  for (const wrong of [
    { tags: ['us'] },
    { keys: ['k2'] },
    { applications: [] },
    { headers: { 'x-team': 'red-*' } },
    { headers: { 'x-other': '*' } },
    { promptTokensMin: 501 },
    { promptTokensMax: 499 },
    { stream: false },
  ]) {
    expect(holds({ tags: ['eu'], ...wrong }, facts)).toBe(false);
  }
});
