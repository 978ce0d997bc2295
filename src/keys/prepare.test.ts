import { describe, expect, test } from 'vitest';
import { keyRecord } from './key-fixture.ts';
import type { KeyRecord } from './key-record.ts';
import { prepareKey } from './prepare.ts';

/** A record as a store may hand it out: written by another version, or damaged. */
function stored(change: { readonly scopes?: object; readonly limits?: object }): KeyRecord {
  const record = keyRecord();
  const scopes = { ...record.scopes, ...change.scopes };
  const limits = { ...record.limits, ...change.limits };
  return JSON.parse(JSON.stringify({ ...record, scopes, limits })) as KeyRecord;
}

const BUDGET = { nanoUsd: 1, period: 'day', window: 'calendar', timeZone: 'UTC', kind: 'hard' };
const WINDOW = { days: ['mon'], from: '09:00', to: '17:00', timeZone: 'UTC' };

describe('a prepared key', () => {
  test('that nothing narrows has no problem', () => {
    const record = keyRecord();
    expect(prepareKey(record)).toEqual({ record, scopes: record.scopes, limits: record.limits, problem: null });
  });

  test.each([
    ['a scope that is not known', { scopes: { moons: ['x'] } }],
    ['a scope that is not known, though it is null', { scopes: { moons: null } }],
    ['a scope that is no list', { scopes: { models: 'openai/*' } }],
    ['a scope that is no list of texts', { scopes: { operations: [1] } }],
    ['a model pattern that cannot be read', { scopes: { models: ['openai/*', 'gpt-?'] } }],
    ['an address block that cannot be read', { scopes: { addresses: ['10.0.0.1/8'] } }],
    ['an endpoint that cannot be read', { scopes: { endpoints: ['/v1/chat'] } }],
    ['a country that is none', { scopes: { countries: ['de'] } }],
    ['a time window without a zone', { scopes: { timeWindows: [{ ...WINDOW, timeZone: undefined }] } }],
    ['a time window in a zone that is not known', { scopes: { timeWindows: [{ ...WINDOW, timeZone: 'Moon/Sea' }] } }],
    ['a time window at a time that is none', { scopes: { timeWindows: [{ ...WINDOW, to: '25:00' }] } }],
    ['a time window with more to it', { scopes: { timeWindows: [{ ...WINDOW, except: 'noon' }] } }],
    ['a limit that is not known', { limits: { mooncakesPerDay: 5 } }],
    ['a limit of zero', { limits: { concurrency: 0 } }],
    ['a limit that is no whole number', { limits: { requestsPerDay: 1.5 } }],
    ['a limit that is no number', { limits: { requestsPerDay: '5' } }],
    ['a budget without a period', { limits: { budgets: [{ ...BUDGET, period: undefined }] } }],
    ['a budget of a fraction', { limits: { budgets: [{ ...BUDGET, nanoUsd: 0.5 }] } }],
    ['a total budget that rolls', { limits: { budgets: [{ ...BUDGET, period: 'total', window: 'rolling' }] } }],
    ['a budget with more to it', { limits: { budgets: [{ ...BUDGET, except: 'weekends' }] } }],
  ])('with %s tells the problem', (_what, change) => {
    expect(prepareKey(stored(change)).problem).toBeTypeOf('string');
  });

  test('stored before a constraint existed is not narrowed by it', () => {
    const old = stored({ scopes: { addresses: undefined, tools: undefined }, limits: { uses: undefined } });
    expect(prepareKey(old)).toMatchObject({
      scopes: { addresses: null, tools: null },
      limits: { uses: null },
      problem: null,
    });
  });
});
