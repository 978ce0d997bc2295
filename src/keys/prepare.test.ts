import { describe, expect, test } from 'vitest';
import type { KeyRecord } from './key-record.ts';
import { matchesModel } from './model-pattern.ts';
import { prepareKey } from './prepare.ts';

const RECORD: KeyRecord = {
  kid: 'abcdefghijkl',
  workspaceId: 'ws_1',
  applicationId: 'app_1',
  environment: 'live',
  state: 'active',
  secrets: [],
  notBeforeMs: null,
  expiresAtMs: null,
  scopes: { models: null, operations: null, addresses: null },
  limits: {
    requestsPerSecond: null,
    requestsPerMinute: 5,
    requestsPerHour: null,
    requestsPerDay: null,
    concurrency: null,
  },
  revision: 1,
};

/** A record as a store may hand it out: written by another version, or damaged. */
function stored(change: { readonly scopes?: object; readonly limits?: object }): KeyRecord {
  const scopes = { ...RECORD.scopes, ...change.scopes };
  const limits = { ...RECORD.limits, ...change.limits };
  return JSON.parse(JSON.stringify({ ...RECORD, scopes, limits })) as KeyRecord;
}

describe('a prepared key', () => {
  test('without scopes is not narrowed', () => {
    expect(prepareKey(RECORD)).toEqual({
      record: RECORD,
      models: null,
      operations: null,
      addresses: null,
      problem: null,
    });
  });

  test('with an empty list allows nothing of it', () => {
    const key = prepareKey({ ...RECORD, scopes: { models: [], operations: [], addresses: [] } });
    expect(key.problem).toBeNull();
    expect(key.operations?.size).toBe(0);
    expect(key.addresses).toEqual([]);
    expect(key.models !== null && matchesModel(key.models, 'openai/x')).toBe(false);
  });

  test.each([
    ['a scope that is not known', { scopes: { tools: ['x'] } }],
    ['a scope that is not known, though it is null', { scopes: { tools: null } }],
    ['a scope that is no list', { scopes: { models: 'openai/*' } }],
    ['a scope that is no list of texts', { scopes: { operations: [1] } }],
    ['a model pattern that cannot be read', { scopes: { models: ['openai/*', 'gpt-?'] } }],
    ['an address block that cannot be read', { scopes: { addresses: ['10.0.0.1/8'] } }],
    ['a limit that is not known', { limits: { tokensPerDay: 5 } }],
    ['a limit of zero', { limits: { concurrency: 0 } }],
    ['a limit that is no whole number', { limits: { requestsPerDay: 1.5 } }],
    ['a limit that is no number', { limits: { requestsPerDay: '5' } }],
  ])('with %s tells the problem', (_what, change) => {
    expect(prepareKey(stored(change)).problem).toBeTypeOf('string');
  });

  test('stored before a constraint existed is not narrowed by it', () => {
    const old = stored({ scopes: { addresses: undefined }, limits: { concurrency: undefined } });
    expect(prepareKey(old)).toMatchObject({ addresses: null, problem: null });
  });
});
