import { describe, expect, test } from 'vitest';
import { backOffMs } from './back-off.ts';
import { conversationOf } from './conversation.ts';
import { nextStep, RetryBudget } from './retry.ts';
import type { Failed, RetryPolicy } from './retry.ts';

const POLICY: RetryPolicy = {
  attemptsMax: 4,
  retries: 1,
  fallback: ['unavailable', 'rate_limited'],
  deadlineMs: null,
};

function step(failed: Partial<Failed>, policy: Partial<RetryPolicy> = {}, budget = new RetryBudget()) {
  const whole: Failed = {
    kind: 'unavailable',
    retryAfterMs: null,
    attempts: 1,
    failuresHere: 1,
    elapsedMs: 0,
    hasCredential: false,
    hasTarget: false,
    ...failed,
  };
  return nextStep({ ...POLICY, ...policy }, whole, budget, () => 0);
}

const FAIL = { kind: 'fail' };
const NEXT = { kind: 'next-target' };

describe('after a failed attempt', () => {
  test('a credential that is out is replaced at once, else the next target is asked', () => {
    for (const kind of ['rejected_credential', 'rate_limited', 'quota_exhausted'] as const) {
      expect(step({ kind, hasCredential: true, hasTarget: true })).toEqual({ kind: 'here', waitMs: 0 });
      expect(step({ kind, hasTarget: true })).toEqual(NEXT);
      expect(step({ kind })).toEqual(FAIL);
    }
  });

  test('a provider that fails is left for the next target; the last one is tried again after a pause', () => {
    for (const kind of ['unavailable', 'overloaded'] as const) {
      expect(step({ kind, hasTarget: true })).toEqual(NEXT);
      expect(step({ kind })).toEqual({ kind: 'here', waitMs: 200 });
      expect(step({ kind, failuresHere: 2 })).toEqual(FAIL);
      expect(step({ kind, failuresHere: 2 }, { retries: 2 })).toEqual({ kind: 'here', waitMs: 400 });
    }
  });

  test('a caller who has waited for a timeout does not wait for the same provider again', () => {
    expect(step({ kind: 'timeout', hasTarget: true })).toEqual(NEXT);
    expect(step({ kind: 'timeout' })).toEqual(FAIL);
  });

  test('a short Retry-After is waited for, a long one is handed on', () => {
    expect(step({ kind: 'overloaded', retryAfterMs: 3_000 })).toEqual({ kind: 'here', waitMs: 3_000 });
    expect(step({ kind: 'overloaded', retryAfterMs: 60_000 })).toEqual(FAIL);
  });

  test('the caller’s own mistakes are told, unless a class of them is set to fall back', () => {
    for (const kind of ['forbidden', 'bad_request', 'context_too_long', 'content_filtered'] as const) {
      expect(step({ kind, hasTarget: true, hasCredential: true })).toEqual(FAIL);
    }
    expect(step({ kind: 'context_too_long', hasTarget: true }, { fallback: ['context_too_long'] })).toEqual(NEXT);
    expect(step({ kind: 'content_filtered', hasTarget: true }, { fallback: ['content_filtered'] })).toEqual(NEXT);
    expect(step({ kind: 'unavailable', hasTarget: true }, { fallback: [], retries: 0 })).toEqual(FAIL);
  });

  test('nothing goes on beyond the attempts or the deadline', () => {
    expect(step({ attempts: 4, hasTarget: true })).toEqual(FAIL);
    expect(step({ elapsedMs: 1_000, hasTarget: true }, { deadlineMs: 1_000 })).toEqual(FAIL);
    expect(step({ elapsedMs: 900 }, { deadlineMs: 1_000 })).toEqual(FAIL);
    expect(step({ elapsedMs: 900, hasTarget: true }, { deadlineMs: 1_000 })).toEqual(NEXT);
  });
});

test('when everything fails, retries stay a fifth of the calls, and what is saved is bounded', () => {
  const budget = new RetryBudget();
  const run = (calls: number): number => {
    let retries = 0;
    for (let i = 0; i < calls; i += 1) {
      budget.deposit();
      if (step({}, {}, budget).kind === 'here') retries += 1;
    }
    return retries;
  };
  expect(run(1_000)).toBeLessThanOrEqual(220);
  expect(run(1_000)).toBeLessThanOrEqual(201);
});

test('a pause doubles, is bounded, and is shortened by chance to no less than its half', () => {
  const backOff = { firstMs: 100, longestMs: 1_000 };
  expect([1, 2, 3, 4, 5, 500].map((strikes) => backOffMs(backOff, strikes, 0))).toEqual([
    100, 200, 400, 800, 1_000, 1_000,
  ]);
  expect(backOffMs(backOff, 1, 0.999)).toBe(51);
});

describe('a conversation', () => {
  const of = (body: unknown, byFirstTurns = true, session: string | null = null) =>
    conversationOf({ session, body: Buffer.from(JSON.stringify(body)), byFirstTurns });
  const turn = (role: string, content: string) => ({ role, content });
  const opening = [turn('system', 'be brief'), turn('user', 'hello')];

  test('is named by the caller, by header or cache key', () => {
    expect(of({ prompt_cache_key: 'k' }, false)).toBe('cache k');
    expect(of({ messages: opening }, false, 's')).toBe('session s');
    expect(of({ messages: opening }, false)).toBeNull();
  });

  test('else is known by its first turns, in every dialect, however it goes on', () => {
    const more = [turn('assistant', 'hi'), turn('user', 'and?')];
    expect(of({ messages: [...opening, ...more] })).toBe(of({ messages: opening }));
    expect(of({ system: 's', messages: [...opening.slice(1), ...more] })).toBe(
      of({ system: 's', messages: opening.slice(1) }),
    );
    expect(of({ input: [...opening, ...more] })).toBe(of({ input: opening }));
    const contents = [{ role: 'user', parts: [{ text: 'x' }] }];
    expect(of({ contents: [...contents, { role: 'model', parts: [] }] })).toBe(of({ contents }));
    expect(of({ messages: opening })).not.toBe(of({ messages: [turn('user', 'other')] }));
    expect(of({ input: 'hello' })).not.toBeNull();
    expect(of([1])).toBeNull();
  });

  test('a body too large to look into is known by its beginning', () => {
    const filler = 'x'.repeat(300_000);
    expect(of({ messages: opening, filler })).toBe(of({ messages: opening, filler: `${filler}y` }));
  });
});
