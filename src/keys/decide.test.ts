import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { NO_LIMITS, NO_SCOPES } from './constraints.ts';
import { decide, explain } from './decide.ts';
import { NO_FACTS } from './decision-input.ts';
import type { DecisionInput, LimitReading, RequestFacts } from './decision-input.ts';
import { generateKey, parseKey } from './format.ts';
import { applicationState, keyRecord, SECRET, teamState, workspaceState } from './key-fixture.ts';
import type { KeyRecord } from './key-record.ts';
import type { ApplicationState, TeamState, WorkspaceState } from './owners.ts';
import { prepareKey } from './prepare.ts';
import { createSecretHasher, findMatchingSecret } from './secret-hash.ts';
import { standingOf } from './standing.ts';
import type { KeySource } from './store.ts';

const NOW_MS = Date.UTC(2026, 0, 15);
const RECORD = keyRecord({
  notBeforeMs: NOW_MS - 1,
  expiresAtMs: NOW_MS + 1,
  ownerId: 'per_1',
  scopes: {
    ...NO_SCOPES,
    models: ['openai/*', 'fast'],
    operations: ['chat'],
    addresses: ['10.0.0.0/8', '2001:db8::/32'],
    endpoints: ['POST /v1/*'],
    countries: ['DE'],
    timeWindows: [{ days: ['thu'], from: '00:00', to: '12:00', timeZone: 'UTC' }],
    services: ['billing'],
    tools: ['search'],
  },
  revision: 4,
});
const FACTS: RequestFacts = {
  ...NO_FACTS,
  model: 'openai/gpt-4o',
  requestedModel: 'openai/gpt-4o',
  operation: 'chat',
  address: '10.1.2.3',
  country: 'DE',
  method: 'POST',
  path: '/v1/chat/completions',
};
const APPLICATION = applicationState({ teamId: 'team_1', subscribedServices: ['billing', 'search'] });
const TEAM = teamState({ members: { per_1: { role: 'member', state: 'active' } } });
const WORKSPACE = workspaceState({
  applications: { app_1: APPLICATION },
  people: { per_1: { id: 'per_1', state: 'active' } },
  teams: { team_1: TEAM },
});
const READING: LimitReading = {
  level: 'key',
  levelId: RECORD.kid,
  name: 'requestsPerMinute',
  kind: 'rate',
  limit: 10,
  used: 9,
  needed: 1,
  retryAfterMs: 0,
  soft: false,
};
const LIMITS: readonly LimitReading[] = [READING, { ...READING, name: 'concurrency', kind: 'concurrency' }];

interface Change extends Partial<Omit<DecisionInput, 'standing' | 'facts'>> {
  readonly record?: Partial<KeyRecord>;
  readonly facts?: Partial<RequestFacts>;
  readonly workspace?: Partial<WorkspaceState> | null;
  readonly parent?: Partial<KeyRecord>;
}

function input({ record, facts, workspace, parent, ...rest }: Change = {}): DecisionInput {
  const behind = workspace === null ? null : { ...WORKSPACE, ...workspace };
  const ancestors = parent === undefined ? [] : [prepareKey(keyRecord({ kid: 'parentparent', ...parent }))];
  return {
    standing: standingOf(prepareKey({ ...RECORD, ...record }), ancestors, behind),
    matchedSecret: SECRET,
    expectedEnvironment: 'live',
    delegation: null,
    limits: LIMITS,
    nowMs: NOW_MS,
    ...rest,
    facts: { ...FACTS, ...facts },
  };
}

function application(change: Partial<ApplicationState>): Change {
  return { workspace: { applications: { app_1: { ...APPLICATION, ...change } } } };
}

function team(change: Partial<TeamState>): Change {
  return { workspace: { teams: { team_1: { ...TEAM, ...change } } } };
}

function limit(change: Partial<LimitReading>): Change {
  return { limits: [{ ...READING, used: 10, retryAfterMs: 70, ...change }] };
}

/** In the order in which they block. */
const OBSTACLES: readonly (readonly [code: string, check: string, change: Change])[] = [
  ['secret_mismatch', 'secret', { matchedSecret: null }],
  ['wrong_environment', 'environment', { expectedEnvironment: 'test' }],
  ['revoked', 'state', { record: { state: 'revoked' } }],
  ['not_yet_active', 'start', { record: { notBeforeMs: NOW_MS + 1 } }],
  ['expired', 'expiry', { record: { expiresAtMs: NOW_MS } }],
  ['parent_inactive', 'ancestors', { record: { parentKid: 'parentparent' } }],
  ['workspace_disabled', 'workspace', { workspace: { state: 'disabled' } }],
  [
    'not_subscribed',
    'service-subscription',
    { facts: { service: 'unheard-of' }, record: { scopes: { ...RECORD.scopes, services: null } } },
  ],
  ['forbidden', 'permission', { permission: { needed: ['keys:read'], missing: ['keys:read'] } }],
  ['method_denied', 'endpoint', { facts: { method: 'GET' } }],
  ['model_denied', 'model', { facts: { model: 'other/x', requestedModel: 'slow' } }],
  ['operation_denied', 'operation', { facts: { operation: 'embeddings' } }],
  ['tool_denied', 'tool', { facts: { tool: 'write' } }],
  ['address_denied', 'address', { facts: { address: '192.0.2.1' } }],
  ['country_denied', 'country', { facts: { country: 'FR' } }],
  ['rate_limited', 'rate', limit({})],
];

function combine(changes: readonly Change[]): Change {
  return changes.reduce(
    (sum, change) => ({
      ...sum,
      ...change,
      record: { ...sum.record, ...change.record },
      facts: { ...sum.facts, ...change.facts },
      ...(sum.workspace === undefined && change.workspace === undefined
        ? {}
        : { workspace: { ...sum.workspace, ...change.workspace } }),
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

  test('shows every check as passed, or as not asked, when it is explained', () => {
    const { code, trace } = explain(input());
    expect(code).toBeNull();
    expect(trace?.failed).toEqual([]);
    expect(trace).toMatchObject({ atMs: NOW_MS, keyRevision: 4 });
    expect(skipped(input())).toEqual([
      ...['ancestors', 'delegation', 'service-subscription'],
      ...['permission', 'service', 'tool', 'binding', 'request-size'],
    ]);
  });

  test('to list models is not asked about models, operation and limits', () => {
    const bare = input({ facts: { model: null, requestedModel: null, operation: null }, limits: null });
    expect(decide(bare).allowed).toBe(true);
    expect(skipped(bare)).toEqual(expect.arrayContaining(['subscription', 'model', 'operation', 'rate', 'budget']));
  });
});

function skipped(of: DecisionInput): readonly string[] {
  return (explain(of).trace?.checks ?? []).filter(({ outcome }) => outcome === 'skipped').map(({ name }) => name);
}

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
    ['suspended', { record: { state: 'suspended', suspension: { automatic: false, untilMs: NOW_MS + 1 } } }],
    ['suspended_automatically', { record: { state: 'suspended', suspension: { automatic: true, untilMs: null } } }],
    ['compromised', { record: { state: 'compromised' } }],
    ['superseded', { matchedSecret: { ...SECRET, state: 'superseded', notAfterMs: NOW_MS } }],
    ['rotation_grace_over', { matchedSecret: { ...SECRET, state: 'retiring', notAfterMs: NOW_MS } }],
    ['parent_inactive', { record: { parentKid: 'parentparent' }, parent: { state: 'suspended' } }],
    ['parent_inactive', { record: { parentKid: 'parentparent' }, parent: { expiresAtMs: NOW_MS } }],
    ['parent_inactive', { record: { parentKid: 'parentparent' }, parent: { parentKid: 'somebodyelse' } }],
    ['delegation_expired', { delegation: { code: 'delegation_expired', detail: '', expiresAtMs: 0 } }],
    ['application_disabled', application({ state: 'disabled' })],
    ['application_disabled', { workspace: { applications: {} } }],
    ['application_disabled', { record: { applicationId: 'constructor' } }],
    ['owner_missing', { workspace: { people: {} } }],
    ['owner_missing', { record: { ownerId: 'toString' } }],
    ['owner_missing', application({ ownerId: 'per_2' })],
    ['owner_disabled', { workspace: { people: { per_1: { id: 'per_1', state: 'disabled' } } } }],
    ['owner_not_member', team({ members: {} })],
    ['owner_not_member', team({ members: { per_1: { role: 'admin', state: 'disabled' } } })],
    ['owner_role_lost', team({ members: { per_1: { role: 'viewer', state: 'active' } } })],
    ['owner_record_corrupt', { workspace: { teams: {} } }],
    ['team_disabled', team({ state: 'disabled' })],
    ['application_disabled', { workspace: null }],
    ['workspace_disabled', { workspace: { id: 'ws_2' } }],
    ['not_subscribed', application({ subscribedModels: ['anthropic/*'] })],
    ['not_subscribed', application({ subscribedModels: [] })],
    ['service_denied', { facts: { service: 'search' } }],
    ['endpoint_denied', { facts: { path: '/v2/chat' } }],
    ['model_denied', { facts: { modelSinceMs: 1, requestedModelSinceMs: 1 } }],
    ['model_denied', { record: { scopes: { ...RECORD.scopes, models: [] } } }],
    ['model_denied', application({ scopes: { ...NO_SCOPES, models: ['openai/gpt-3*'] } })],
    ['tool_denied', team({ scopes: { ...NO_SCOPES, tools: [] } }), { tool: 'search' }],
    ['operation_denied', { workspace: { scopes: { ...NO_SCOPES, operations: ['embeddings'] } } }],
    ['address_denied', { facts: { address: 'unix:@' } }],
    ['address_denied', { facts: { address: null } }],
    ['country_denied', { facts: { country: null } }],
    ['outside_time_window', { nowMs: NOW_MS - 1, record: { notBeforeMs: null } }],
    ['binding_denied', { record: { binding: 's1' } }],
    ['binding_denied', { record: { binding: 's1' }, facts: { session: 's2' } }],
    ['concurrency_limited', limit({ name: 'concurrency', kind: 'concurrency' })],
    ['tokens_limited', limit({ name: 'tokensPerDay', kind: 'tokens' })],
    ['uses_exhausted', limit({ name: 'uses', kind: 'uses', retryAfterMs: null })],
    ['budget_exhausted', limit({ name: 'budget', kind: 'budget' })],
    ['budget_exhausted', limit({ name: 'budget', kind: 'budget', level: 'team', levelId: 'team_1' })],
    ['ancestor_exhausted', limit({ name: 'budget', kind: 'budget', levelId: 'parentparent' })],
    ['request_too_large', { record: { limits: { ...NO_LIMITS, requestBytesMax: 99 } }, facts: { requestBytes: 100 } }],
    ['request_too_large', team({ limits: { ...NO_LIMITS, requestBytesMax: 99 } }), { requestBytes: 100 }],
    ['call_too_expensive', limit({ name: 'tokensPerCallMax', kind: 'call', retryAfterMs: null })],
  ] satisfies readonly (readonly [string, Change, Partial<RequestFacts>?])[])(
    'is refused with %s: %j',
    (code, change, facts?: Partial<RequestFacts>) => {
      expect(decide(input(facts === undefined ? change : { ...change, facts })).code).toBe(code);
    },
  );

  test('a suspension ends by itself at its time, and a soft limit refuses nothing', () => {
    const suspension = { automatic: true, untilMs: NOW_MS };
    expect(decide(input({ record: { state: 'suspended', suspension } })).allowed).toBe(true);
    expect(decide(input(limit({ soft: true, kind: 'budget' }))).allowed).toBe(true);
  });

  test('speaks of money in USD and of limits by the names that people set', () => {
    const call = { kind: 'call', limit: 10_000_000, used: 0, needed: 25_000_000, retryAfterMs: null } as const;
    const check = explain(input(limit({ name: 'costPerCallMax', ...call }))).trace?.failed[0];
    expect(check?.detail).toBe(`key ${RECORD.kid} usdPerCallMax: 0 USD used, 0.025 USD needed, 0.01 USD allowed`);
    expect(check?.wouldPassIf).toBe(`the limit usdPerCallMax of the key ${RECORD.kid} were at least 0.025 USD`);
  });

  test('at a time that is no number is refused', () => {
    expect(decide(input({ nowMs: Number.NaN })).allowed).toBe(false);
  });

  test('with a key of a state or a constraint that is not known is refused', () => {
    const foreign = (change: object): KeyRecord => JSON.parse(JSON.stringify({ ...RECORD, ...change })) as KeyRecord;
    expect(decide(input({ record: foreign({ state: 'asleep' }) })).code).toBe('configuration_error');
    expect(decide(input({ record: foreign({ scopes: { ...RECORD.scopes, moons: ['full'] } }) })).code).toBe(
      'configuration_error',
    );
    expect(decide(input({ record: foreign({ scopes: { ...RECORD.scopes, models: 'openai/*' } }) })).code).toBe(
      'configuration_error',
    );
  });
});

describe('a model', () => {
  test('that was added later is in scope by its own name, and for who has no scope', () => {
    const facts = { modelSinceMs: 1, requestedModelSinceMs: 1 };
    const scopes = { ...RECORD.scopes, models: ['openai/gpt-4o'] };
    expect(decide(input({ facts, record: { scopes } })).allowed).toBe(true);
    expect(decide(input({ facts, record: { scopes: { ...scopes, models: null } } })).allowed).toBe(true);
    expect(decide(input({ facts, record: { scopesSetAtMs: 1 } })).allowed).toBe(true);
  });

  test('is in scope and in the subscription by its alias as well as by its own name', () => {
    const facts = { model: 'anthropic/claude-haiku-4-5', requestedModel: 'fast' };
    expect(decide(input({ facts })).allowed).toBe(true);
    expect(decide(input({ facts, ...application({ subscribedModels: ['fast'] }) })).allowed).toBe(true);
    expect(decide(input({ facts: { ...facts, requestedModel: 'faster' } })).code).toBe('model_denied');
  });
});

test('the times of a key are its first and its first not any more', () => {
  const at = (nowMs: number): string | null =>
    decide(input({ nowMs, record: { notBeforeMs: 100, expiresAtMs: 200, scopes: NO_SCOPES } })).code;
  expect([at(99), at(100), at(199), at(200)]).toEqual(['not_yet_active', null, null, 'expired']);
});

test('a trace holds no hash of a secret', () => {
  expect(JSON.stringify(explain(input({ matchedSecret: null })))).not.toContain(SECRET.hash);
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
  expect(decide(input({ record, matchedSecret })).allowed).toBe(true);
  const wrong = findMatchingSecret(hasher, record.secrets, generateKey({ type: 'kwk', environment: 'live' }).secret);
  expect(decide(input({ record, matchedSecret: wrong })).code).toBe('secret_mismatch');
});

describe('a token of the admin API', () => {
  const scopes = { ...RECORD.scopes, endpoints: null, models: null, addresses: null, countries: null };
  const token = { type: 'kwa', applicationId: '', ownerId: null, scopes } as const;
  const asked = { service: null, model: null, requestedModel: null, operation: null, tool: null };
  const held = { needed: ['keys:read'], missing: [] };

  test('belongs to no application, and stands on its workspace', () => {
    expect(decide(input({ record: token, facts: asked, permission: held })).code).toBeNull();
    const disabled = { state: 'disabled' } as const;
    expect(decide(input({ record: token, facts: asked, permission: held, workspace: disabled })).code).toBe(
      'workspace_disabled',
    );
  });

  test('is not narrowed by what narrows the calls of applications', () => {
    const workspace = { scopes: { ...NO_SCOPES, endpoints: ['POST /v1/*'], addresses: [] } };
    expect(decide(input({ record: token, facts: asked, permission: held, workspace })).code).toBeNull();
  });

  test('opens nothing where nobody asked for permissions', () => {
    expect(decide(input({ record: token, facts: asked })).code).toBe('forbidden');
    expect(decide(input({ record: token })).code).toBe('forbidden');
  });
});
