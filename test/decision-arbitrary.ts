/** Arbitrary calls with arbitrary keys, for properties of the engine. Small alphabets, so that things often meet. */
import fc from 'fast-check';
import { NO_LIMITS } from '../src/keys/constraints.ts';
import type { Scopes } from '../src/keys/constraints.ts';
import type { DecisionInput, LimitReading, RequestFacts } from '../src/keys/decision-input.ts';
import { keyRecord, SECRET } from '../src/keys/key-fixture.ts';
import type { KeyRecord } from '../src/keys/key-record.ts';
import type { ApplicationState, Narrowing, SubscriptionState, TeamState, WorkspaceState } from '../src/keys/owners.ts';
import { prepareKey } from '../src/keys/prepare.ts';
import { standingOf } from '../src/keys/standing.ts';

export const NOW_MS = Date.UTC(2026, 10, 9, 12);

/** Mostly the first: broken things are to be found one at a time, too. */
function mostly<T>(usual: T, ...others: readonly T[]): fc.Arbitrary<T> {
  return fc.oneof(
    { arbitrary: fc.constant(usual), weight: 12 },
    { arbitrary: fc.constantFrom(usual, ...others), weight: 4 },
  );
}

const MODELS = ['openai/gpt', 'openai/o9', 'anthropic/claude', 'house/tiny'];
const MODEL_PATTERNS = ['openai/*', 'openai/gpt', '*', 'fast', '*/c*', 'house/*y'];

function listOf(entries: readonly string[]): fc.Arbitrary<readonly string[] | null> {
  return fc.oneof(
    { arbitrary: fc.constant(null), weight: 16 },
    { arbitrary: fc.subarray([...entries], { minLength: 0 }), weight: 2 },
    { arbitrary: fc.constant([...entries]), weight: 4 },
  );
}

const timeWindows = fc.oneof(
  { arbitrary: fc.constant(null), weight: 8 },
  {
    arbitrary: fc.array(
      fc.record({
        days: fc.subarray(['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const, { minLength: 1 }),
        from: fc.constantFrom('00:00', '09:00', '12:00', '22:00'),
        to: fc.constantFrom('06:00', '12:01', '17:00', '24:00'),
        timeZone: fc.constantFrom('UTC', 'Europe/Berlin', 'America/New_York'),
      }),
      { maxLength: 2 },
    ),
    weight: 2,
  },
);

/** Of any level. */
export const scopes: fc.Arbitrary<Scopes> = fc.record({
  services: listOf(['billing', 'search']),
  endpoints: listOf(['POST /v1/chat/*', 'GET *', '* /v1/embeddings', '* *']),
  models: listOf(MODEL_PATTERNS),
  operations: listOf(['chat', 'embeddings']),
  tools: listOf(['search', 'write']),
  addresses: listOf(['10.0.0.0/8', '2001:db8::/32', '192.0.2.7']),
  countries: listOf(['DE', 'US']),
  timeWindows,
});

const narrowing: fc.Arbitrary<Narrowing> = fc.record({
  scopes,
  scopesSetAtMs: fc.constantFrom(0, 100),
  limits: mostly<number | null>(null, 100, 1000).map((requestBytesMax) => ({ ...NO_LIMITS, requestBytesMax })),
});

export const facts: fc.Arbitrary<RequestFacts> = fc.record({
  service: fc.constantFrom(null, null, null, 'billing', 'search'),
  model: fc.constantFrom(null, ...MODELS),
  requestedModel: fc.constantFrom(null, 'fast', 'openai/gpt'),
  modelSinceMs: fc.constantFrom(null, 0, 50, 200),
  requestedModelSinceMs: fc.constantFrom(null, 0, 50, 200),
  operation: fc.constantFrom(null, 'chat', 'embeddings'),
  tool: fc.constantFrom(null, null, 'search', 'write'),
  address: fc.constantFrom('10.1.2.3', '192.0.2.7', '2001:db8::1', '203.0.113.9', 'unix:@', null),
  country: fc.constantFrom(null, 'DE', 'US', 'FR'),
  method: fc.constantFrom('GET', 'POST'),
  path: fc.constantFrom('/v1/chat/completions', '/v1/embeddings', '/v1/models'),
  session: fc.constantFrom(null, 's1', 's2'),
  requestBytes: fc.constantFrom(null, 0, 100, 101, 1001),
});

const times = {
  notBeforeMs: mostly<number | null>(null, NOW_MS - 1, NOW_MS, NOW_MS + 1),
  expiresAtMs: mostly<number | null>(null, NOW_MS - 1, NOW_MS, NOW_MS + 1),
};
const states = {
  state: mostly<KeyRecord['state']>('active', 'suspended', 'revoked', 'compromised'),
  suspension: fc.constantFrom(
    null,
    { automatic: true, untilMs: null },
    { automatic: false, untilMs: NOW_MS - 1 },
    { automatic: true, untilMs: NOW_MS + 1 },
  ),
};

const key: fc.Arbitrary<Partial<KeyRecord>> = fc
  .tuple(fc.record({ ...times, ...states, ownerId: mostly<string | null>(null, 'per_1', 'per_2') }), narrowing)
  .map(([record, narrow]) => ({ ...record, ...narrow }));

const subscriptions: fc.Arbitrary<readonly SubscriptionState[]> = fc
  .array(
    fc.record({
      names: fc.constantFrom(...[...MODEL_PATTERNS, 'billing', 'search'].map((name) => [name])),
      state: fc.constantFrom<SubscriptionState['state']>('pending', 'approved', 'rejected', 'ended'),
    }),
    { maxLength: 3 },
  )
  .map((all) =>
    all.map(({ names, state }, index) => {
      const kind = ['billing', 'search'].includes(names[0] ?? '') ? 'service' : 'model';
      return { id: `sub_${index}`, kind, names, state } as const;
    }),
  );

const application: fc.Arbitrary<ApplicationState> = fc
  .tuple(
    fc.record({
      id: fc.constant('app_1'),
      state: mostly<'active' | 'disabled'>('active', 'disabled'),
      ownerId: mostly<string | null>(null, 'per_1', 'per_2'),
      teamId: mostly<string | null>(null, 'team_1', 'team_2'),
      subscribedModels: mostly<readonly string[]>(['*'], [], ['openai/*'], ['fast']),
      subscribedServices: mostly<readonly string[]>(['billing', 'search'], [], ['billing']),
    }),
    narrowing,
    subscriptions,
  )
  .map(([fields, narrow, asked]) => ({
    ...fields,
    ...narrow,
    ...(asked.length === 0 ? {} : { subscriptions: asked }),
  }));

const person = (id: string) =>
  fc.record({ id: fc.constant(id), state: mostly<'active' | 'disabled'>('active', 'disabled') });
const membership = fc.record({
  role: mostly<'member' | 'admin' | 'viewer'>('member', 'admin', 'viewer'),
  state: mostly<'active' | 'disabled'>('active', 'disabled'),
});

const team: fc.Arbitrary<TeamState> = fc
  .tuple(
    fc.record({
      id: fc.constant('team_1'),
      state: mostly<'active' | 'disabled'>('active', 'disabled'),
      members: fc.record({ per_1: membership, per_2: membership }, { requiredKeys: ['per_1'] }),
    }),
    narrowing,
  )
  .map(([fields, narrow]) => ({ ...fields, ...narrow }));

const workspace: fc.Arbitrary<WorkspaceState> = fc
  .tuple(
    fc.record({
      id: mostly('ws_1', 'ws_2'),
      state: mostly<'active' | 'disabled'>('active', 'disabled'),
      applications: fc.oneof({ arbitrary: fc.record({ app_1: application }), weight: 20 }, fc.constant({})),
      people: fc.record({ per_1: person('per_1'), per_2: person('per_2') }, { requiredKeys: ['per_1'] }),
      teams: fc.record({ team_1: team }),
    }),
    narrowing,
  )
  .map(([fields, narrow]) => ({ ...fields, ...narrow }));

const KINDS = ['call', 'rate', 'concurrency', 'tokens', 'uses', 'budget'] as const;
/** A limit as it stands for a call. */
export const reading: fc.Arbitrary<LimitReading> = fc
  .record({
    level: fc.constantFrom('key', 'application', 'temporary'),
    levelId: fc.constantFrom('abcdefghijkl', 'parentparent', 'app_1'),
    name: fc.constantFrom('one', 'two', 'three'),
    kind: fc.constantFrom(...KINDS),
    limit: fc.constantFrom(5, 100, 1000),
    used: fc.constantFrom(0, 0, 0, 5, 100),
    needed: fc.constantFrom(0, 1, 1, 7),
    retryAfterMs: fc.constantFrom(null, 1000),
    soft: mostly<boolean>(false, true),
  })
  // As a limiter reads: waiting is of no use where nothing stands against the call, or where it never fits.
  .map((each) => {
    const fits = each.used + each.needed <= each.limit;
    return { ...each, retryAfterMs: fits ? 0 : each.needed > each.limit ? null : each.retryAfterMs };
  });

/** One reading per limit, as a limiter gives. */
const limits = fc.oneof(
  fc.constant(null),
  fc.uniqueArray(reading, { maxLength: 4, selector: ({ level, levelId, name }) => `${level} ${levelId} ${name}` }),
);

export interface Parts {
  readonly record: Partial<KeyRecord>;
  readonly parent: Partial<KeyRecord> | null;
  readonly workspace: WorkspaceState | null;
}

const parts: fc.Arbitrary<Parts> = fc.record({
  record: key,
  parent: fc.oneof({ arbitrary: fc.constant(null), weight: 3 }, key),
  workspace: fc.oneof({ arbitrary: workspace, weight: 30 }, fc.constant(null)),
});

export const PARENT_KID = 'parentparent';

/** A key, with a parent where it is a temporary one; now and then a token of the admin API. */
export const decisionInputs: fc.Arbitrary<DecisionInput> = fc
  .record({
    parts,
    facts,
    limits,
    hasParent: mostly(true, false),
    isAdmin: mostly(false, true),
    missing: mostly<readonly string[]>([], ['keys:read']),
    binding: mostly<string | null>(null, 's1'),
    matchedSecret: mostly<DecisionInput['matchedSecret']>(
      SECRET,
      null,
      { ...SECRET, state: 'retiring', notAfterMs: NOW_MS },
      { ...SECRET, state: 'superseded', notAfterMs: NOW_MS - 1 },
    ),
    expectedEnvironment: mostly<DecisionInput['expectedEnvironment']>(null, 'live', 'test'),
  })
  .map(({ parts: { record, parent, workspace: found }, hasParent, isAdmin, missing, binding, ...rest }) => {
    if (isAdmin && parent === null) {
      const token = prepareKey(keyRecord({ ...record, type: 'kwa', applicationId: '' }));
      const permission = { needed: ['keys:read'], missing };
      const asked = { ...rest.facts, service: null, model: null, requestedModel: null, operation: null, tool: null };
      const standing = standingOf(token, [], found);
      return { standing, delegation: null, nowMs: NOW_MS, permission, ...rest, facts: asked };
    }
    const own = { ...record, binding, ...(parent === null ? {} : { type: 'kwt' as const, parentKid: PARENT_KID }) };
    const ancestors = parent === null || !hasParent ? [] : [prepareKey(keyRecord({ kid: PARENT_KID, ...parent }))];
    const standing = standingOf(prepareKey(keyRecord(own)), ancestors, found);
    return { standing, delegation: null, nowMs: NOW_MS, ...rest };
  });
