import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decide, explain } from './decide.ts';
import type { ApplicationState, DecisionInput, LimitReading, RequestFacts } from './decision-input.ts';
import { generateKey, parseKey } from './format.ts';
import type { KeyRecord, KeySecret } from './key-record.ts';
import { prepareKey } from './prepare.ts';
import { createSecretHasher, findMatchingSecret } from './secret-hash.ts';
import type { KeySource } from './store.ts';

const NOW_MS = Date.UTC(2026, 0, 15);
const SECRET: KeySecret = { hash: 'h'.repeat(32), pepperVersion: 1, state: 'current', notAfterMs: null };
const RECORD: KeyRecord = {
  kid: 'abcdefghijkl',
  workspaceId: 'ws_1',
  applicationId: 'app_1',
  environment: 'live',
  state: 'active',
  secrets: [SECRET],
  notBeforeMs: NOW_MS - 1,
  expiresAtMs: NOW_MS + 1,
  scopes: { models: ['openai/*', 'fast'], operations: ['chat'], addresses: ['10.0.0.0/8', '2001:db8::/32'] },
  limits: {
    requestsPerSecond: null,
    requestsPerMinute: 10,
    requestsPerHour: null,
    requestsPerDay: null,
    concurrency: 2,
  },
  revision: 4,
};
const FACTS: RequestFacts = {
  model: 'openai/gpt-4o',
  requestedModel: 'openai/gpt-4o',
  operation: 'chat',
  address: '10.1.2.3',
  method: 'POST',
  path: '/v1/chat/completions',
};
const APPLICATION: ApplicationState = { id: 'app_1', state: 'active', subscribedModels: ['*'] };
const LIMITS: readonly LimitReading[] = [
  { name: 'requestsPerMinute', kind: 'rate', limit: 10, used: 9, retryAfterMs: 0 },
  { name: 'concurrency', kind: 'concurrency', limit: 2, used: 1, retryAfterMs: 0 },
];

interface Change extends Partial<Omit<DecisionInput, 'key' | 'facts'>> {
  readonly record?: Partial<KeyRecord>;
  readonly facts?: Partial<RequestFacts>;
}

function input({ record, facts, ...rest }: Change = {}): DecisionInput {
  return {
    key: prepareKey({ ...RECORD, ...record }),
    secretMatches: true,
    matchedSecret: SECRET,
    expectedEnvironment: 'live',
    application: APPLICATION,
    workspace: { id: 'ws_1', state: 'active' },
    limits: LIMITS,
    nowMs: NOW_MS,
    ...rest,
    facts: { ...FACTS, ...facts },
  };
}

/** In the order in which they block. */
const OBSTACLES: readonly (readonly [code: string, check: string, change: Change])[] = [
  ['secret_mismatch', 'secret', { secretMatches: false }],
  ['wrong_environment', 'environment', { expectedEnvironment: 'test' }],
  ['revoked', 'state', { record: { state: 'revoked' } }],
  ['not_yet_active', 'start', { record: { notBeforeMs: NOW_MS + 1 } }],
  ['expired', 'expiry', { record: { expiresAtMs: NOW_MS } }],
  ['rotation_grace_over', 'secret-overlap', { matchedSecret: { ...SECRET, state: 'retiring', notAfterMs: NOW_MS } }],
  ['application_disabled', 'application', { application: { ...APPLICATION, state: 'disabled' } }],
  ['workspace_disabled', 'workspace', { workspace: { id: 'ws_1', state: 'disabled' } }],
  ['model_denied', 'model', { facts: { model: 'other/x', requestedModel: 'slow' } }],
  ['operation_denied', 'operation', { facts: { operation: 'embeddings' } }],
  ['address_denied', 'address', { facts: { address: '192.0.2.1' } }],
  [
    'rate_limited',
    'rate',
    { limits: [{ name: 'requestsPerMinute', kind: 'rate', limit: 10, used: 10, retryAfterMs: 70 }] },
  ],
];

function combine(changes: readonly Change[]): Change {
  return changes.reduce(
    (sum, change) => ({
      ...sum,
      ...change,
      record: { ...sum.record, ...change.record },
      facts: { ...sum.facts, ...change.facts },
    }),
    {},
  );
}

describe('a call that nothing stands against', () => {
  test('is allowed, with one and the same verdict each time', () => {
    expect(decide(input())).toEqual({ allowed: true, code: null, trace: null });
    expect(decide(input())).toBe(decide(input({ limits: null })));
    expect(Object.isFrozen(decide(input()))).toBe(true);
  });

  test('shows every check as passed when it is explained', () => {
    const { code, trace } = explain(input());
    expect(code).toBeNull();
    expect(trace?.failed).toEqual([]);
    expect(trace?.checks.every((check) => check.outcome === 'pass')).toBe(true);
    expect(trace).toMatchObject({ atMs: NOW_MS, keyRevision: 4 });
  });

  test('to list models is not asked about models, operation and limits', () => {
    const verdict = explain(input({ facts: { model: null, requestedModel: null, operation: null }, limits: null }));
    expect(verdict.allowed).toBe(true);
    expect(verdict.trace?.checks.filter((check) => check.outcome === 'skipped').map((check) => check.name)).toEqual([
      'subscription',
      'model',
      'operation',
      'rate',
      'concurrency',
    ]);
  });
});

describe('a call that something stands against', () => {
  test.each(OBSTACLES)('is refused with %s by the check "%s"', (code, check, change) => {
    const verdict = decide(input(change));
    expect(verdict).toMatchObject({ allowed: false, code });
    expect(verdict.trace?.failed.map((each) => each.name)).toEqual([check]);
    expect(verdict.trace?.failed[0]?.wouldPassIf).toBeTypeOf('string');
    expect(verdict.trace?.failed[0]?.whoCanChange).toBeTypeOf('string');
  });

  test('is refused for the first reason, and every other one is told', () => {
    fc.assert(
      fc.property(fc.subarray([...OBSTACLES], { minLength: 1 }), (obstacles) => {
        const verdict = decide(input(combine(obstacles.map(([, , change]) => change))));
        expect(verdict.code).toBe(obstacles[0]?.[0]);
        expect(verdict.trace?.failed.map((check) => check.name)).toEqual(obstacles.map(([, check]) => check));
      }),
    );
  });

  test.each([
    ['suspended', { record: { state: 'suspended' } }],
    ['compromised', { record: { state: 'compromised' } }],
    ['secret_mismatch', { matchedSecret: null }],
    ['superseded', { matchedSecret: { ...SECRET, state: 'superseded', notAfterMs: NOW_MS } }],
    ['not_subscribed', { application: { ...APPLICATION, subscribedModels: ['anthropic/*'] } }],
    ['not_subscribed', { application: { ...APPLICATION, subscribedModels: [] } }],
    [
      'concurrency_limited',
      { limits: [{ name: 'concurrency', kind: 'concurrency', limit: 2, used: 2, retryAfterMs: 0 }] },
    ],
    ['address_denied', { facts: { address: 'unix:@' } }],
    ['address_denied', { facts: { address: '' } }],
    ['model_denied', { record: { scopes: { ...RECORD.scopes, models: [] } } }],
  ] satisfies readonly (readonly [string, Change])[])('is refused with %s: %j', (code, change) => {
    expect(decide(input(change)).code).toBe(code);
  });

  test('for an owner that is not there, or is not the own one, is refused', () => {
    expect(decide(input({ application: null })).code).toBe('application_disabled');
    expect(decide(input({ application: { ...APPLICATION, id: 'app_2' } })).code).toBe('application_disabled');
    expect(decide(input({ workspace: null })).code).toBe('workspace_disabled');
    expect(decide(input({ workspace: { id: 'ws_2', state: 'active' } })).code).toBe('workspace_disabled');
  });

  test('at a time that is no number is refused', () => {
    expect(decide(input({ nowMs: Number.NaN })).allowed).toBe(false);
  });

  test('with a key of a state or a constraint that is not known is refused', () => {
    const foreign = (change: object): KeyRecord => JSON.parse(JSON.stringify({ ...RECORD, ...change })) as KeyRecord;
    expect(decide(input({ record: foreign({ state: 'asleep' }) })).code).toBe('configuration_error');
    expect(decide(input({ record: foreign({ scopes: { ...RECORD.scopes, countries: ['CH'] } }) })).code).toBe(
      'configuration_error',
    );
    expect(decide(input({ record: foreign({ scopes: { ...RECORD.scopes, models: 'openai/*' } }) })).code).toBe(
      'configuration_error',
    );
  });
});

describe('a model', () => {
  test('is in scope and in the subscription by its alias as well as by its own name', () => {
    const facts = { model: 'anthropic/claude-haiku-4-5', requestedModel: 'fast' };
    expect(decide(input({ facts })).allowed).toBe(true);
    expect(decide(input({ facts, application: { ...APPLICATION, subscribedModels: ['fast'] } })).allowed).toBe(true);
    expect(decide(input({ facts: { ...facts, requestedModel: 'faster' } })).code).toBe('model_denied');
  });
});

test('the times of a key are its first and its first not any more', () => {
  const at = (nowMs: number): string | null =>
    decide(input({ nowMs, record: { notBeforeMs: 100, expiresAtMs: 200 } })).code;
  expect([at(99), at(100), at(199), at(200)]).toEqual(['not_yet_active', null, null, 'expired']);
});

test('a trace holds no hash of a secret', () => {
  expect(JSON.stringify(explain(input({ secretMatches: false })))).not.toContain(SECRET.hash);
});

test('from text to verdict, over a source of keys', async () => {
  const hasher = createSecretHasher([{ version: 1, key: new Uint8Array(32).fill(9) }]);
  const key = generateKey({ type: 'kwk', environment: 'live' });
  const records = new Map([
    [key.kid, { ...RECORD, kid: key.kid, secrets: [{ ...SECRET, ...hasher.hash(key.secret) }] }],
  ]);
  const source: KeySource = { findKey: async (kid) => records.get(kid) ?? null };

  const parsed = parseKey(key.text, ['kwk']);
  if (!parsed.ok) throw new Error(parsed.code);
  const record = await source.findKey(parsed.kid);
  if (record === null) throw new Error('not found');
  const matchedSecret = findMatchingSecret(hasher, record.secrets, parsed.secret);
  expect(decide(input({ record, matchedSecret, secretMatches: matchedSecret !== null })).allowed).toBe(true);
  const wrong = findMatchingSecret(hasher, record.secrets, generateKey({ type: 'kwk', environment: 'live' }).secret);
  expect(decide(input({ record, matchedSecret: wrong, secretMatches: wrong !== null })).code).toBe('secret_mismatch');
});
