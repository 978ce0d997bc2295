/** No key outlives what it stands on, tried from outside: everything that can be taken away, and put back. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DIALECT_CALLS } from '../dialect-calls.ts';
import { startProduct } from '../product.ts';
import type { Product } from '../product.ts';
import { rawExchange, rawRequest } from '../raw-http.ts';

/** Each on a connection of its own, so that both workers answer some. */
const CALLS = 6;

interface Key {
  readonly kid: string;
  readonly key: string;
}

interface Impact {
  readonly preview: boolean;
  readonly stops: number;
  readonly resumes: number;
  readonly keys: readonly { readonly kid: string; readonly code: string; readonly effect: string }[];
}

let product: Product;
let workspaceId: string;
let ids: Readonly<Record<'owner' | 'keyOwner' | 'team' | 'application' | 'subscription', string>>;
/** By what they stand on. */
let keys: Readonly<Record<'application' | 'own' | 'bound' | 'elsewhere' | 'asking' | 'suspended', Key>>;

beforeAll(async () => {
  product = await startProduct({ workers: 2 });
  workspaceId = await made('/workspaces', { name: 'tenant' }, undefined);
  const [owner, keyOwner] = [await made('/people', { name: 'owner' }), await made('/people', { name: 'key owner' })];
  const team = await made('/teams', { name: 'team' });
  for (const personId of [owner, keyOwner]) await admin('POST', `/teams/${team}/members`, { personId });
  const application = await made('/applications', {
    name: 'shop',
    subscribedModels: ['*'],
    ownerId: owner,
    teamId: team,
  });
  const asking = await made('/applications', { name: 'asking' });
  const subscription = await made('/subscriptions', { applicationId: asking, model: 'sandbox/*' });
  await admin('PATCH', `/subscriptions/${subscription}`, { state: 'approved' });
  ids = { owner, keyOwner, team, application, subscription };
  keys = {
    application: await issue({ applicationId: application }),
    own: await issue({ applicationId: application, ownerId: keyOwner }),
    bound: await issue({
      applicationId: application,
      scopes: { addresses: ['127.0.0.0/8'], models: ['sandbox/*'], endpoints: ['POST /v1/chat/*'] },
    }),
    elsewhere: await issue({}),
    asking: await issue({ applicationId: asking }),
    suspended: await issue({ applicationId: application }),
  };
  await admin('POST', `/keys/${keys.suspended.kid}/suspend`, {});
});
afterAll(() => product.dispose());

async function admin(method: string, path: string, body?: unknown, within: string | undefined = workspaceId) {
  const answer = await product.admin(method, path, body, within);
  if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
  return answer.body;
}

async function made(path: string, body: object, within: string | undefined = workspaceId): Promise<string> {
  return ((await admin('POST', path, body, within)) as { readonly id: string }).id;
}

async function issue(body: object): Promise<Key> {
  return (await admin('POST', '/keys', { name: 'key', ...body })) as Key;
}

/** The code that every call with a key is refused with; null where every one is accepted. */
async function refusalOf({ key }: Key): Promise<string | null> {
  const request = rawRequest('/v1/chat/completions', DIALECT_CALLS.openai.body('sandbox/echo', false), { key });
  const answers = await Promise.all(Array.from({ length: CALLS }, () => rawExchange(product.gatewayUrl, request)));
  const codes = new Set(
    answers.map(({ status, body }) => (status === 200 ? null : (/"code":"(\w+)"/.exec(body)?.[1] ?? String(status)))),
  );
  expect([...codes]).toHaveLength(1);
  return [...codes][0] ?? null;
}

/** What every key is refused with, by kid. */
async function refusals(): Promise<Readonly<Record<string, string | null>>> {
  const found: Record<string, string | null> = {};
  for (const key of Object.values(keys)) found[key.kid] = await refusalOf(key);
  return found;
}

interface Step {
  readonly method: string;
  readonly path: string;
  readonly body?: object;
}

async function take(step: Step, preview: boolean): Promise<Impact> {
  // Workspaces are the operator's: they are reached from the default one.
  const within = step.path.startsWith('/workspaces') ? '' : workspaceId;
  const path = preview ? `${step.path}?preview=true` : step.path;
  const answer = await product.admin(step.method, path, step.body, within === '' ? undefined : within);
  expect([200, 201], JSON.stringify(answer.body)).toContain(answer.status);
  return (answer.body as { readonly impact: Impact }).impact;
}

const state = (path: string, value: 'active' | 'disabled'): Step => ({
  method: 'PATCH',
  path,
  body: { state: value },
});
const toggled = (path: () => string) => ({
  breaks: () => state(path(), 'disabled'),
  mends: () => state(path(), 'active'),
});
const deleted = (path: () => string) => ({
  breaks: (): Step => ({ method: 'DELETE', path: path() }),
  mends: (): Step => ({ method: 'POST', path: `${path()}/restore` }),
});
const decided = (value: string): Step => ({
  method: 'PATCH',
  path: `/subscriptions/${ids.subscription}`,
  body: { state: value },
});
const membership = () => `/teams/${ids.team}/members/${ids.owner}`;
const keyMembership = () => `/teams/${ids.team}/members/${ids.keyOwner}`;

type KeyName = 'application' | 'own' | 'bound' | 'elsewhere' | 'asking';
const BENEATH: readonly KeyName[] = ['application', 'own', 'bound'];

const MATRIX: readonly {
  readonly what: string;
  readonly breaks: () => Step;
  readonly mends: () => Step;
  readonly code: string;
  readonly stops: readonly KeyName[];
}[] = [
  { what: 'the owner disabled', ...toggled(() => `/people/${ids.owner}`), code: 'owner_disabled', stops: BENEATH },
  { what: 'the owner deleted', ...deleted(() => `/people/${ids.owner}`), code: 'owner_missing', stops: BENEATH },
  {
    what: 'the owner of one key disabled',
    ...toggled(() => `/people/${ids.keyOwner}`),
    code: 'owner_disabled',
    stops: ['own'],
  },
  {
    what: 'the owner of one key deleted',
    ...deleted(() => `/people/${ids.keyOwner}`),
    code: 'owner_missing',
    stops: ['own'],
  },
  { what: 'the membership disabled', ...toggled(membership), code: 'owner_not_member', stops: BENEATH },
  { what: 'the membership removed', ...deleted(membership), code: 'owner_not_member', stops: BENEATH },
  { what: 'the membership of one removed', ...deleted(keyMembership), code: 'owner_not_member', stops: ['own'] },
  {
    what: 'the role lost',
    breaks: () => ({ method: 'PATCH', path: membership(), body: { role: 'viewer' } }),
    mends: () => ({ method: 'PATCH', path: membership(), body: { role: 'admin' } }),
    code: 'owner_role_lost',
    stops: BENEATH,
  },
  { what: 'the team disabled', ...toggled(() => `/teams/${ids.team}`), code: 'team_disabled', stops: BENEATH },
  { what: 'the team deleted', ...deleted(() => `/teams/${ids.team}`), code: 'owner_record_corrupt', stops: BENEATH },
  {
    what: 'the team narrowed to nothing',
    breaks: () => ({ method: 'PATCH', path: `/teams/${ids.team}`, body: { scopes: { operations: [] } } }),
    mends: () => ({ method: 'PATCH', path: `/teams/${ids.team}`, body: { scopes: null } }),
    code: 'operation_denied',
    stops: BENEATH,
  },
  {
    what: 'the application disabled',
    ...toggled(() => `/applications/${ids.application}`),
    code: 'application_disabled',
    stops: BENEATH,
  },
  {
    what: 'the application deleted',
    ...deleted(() => `/applications/${ids.application}`),
    code: 'application_disabled',
    stops: BENEATH,
  },
  {
    what: 'the subscription ended',
    breaks: () => ({ method: 'PATCH', path: `/applications/${ids.application}`, body: { subscribedModels: [] } }),
    mends: () => ({ method: 'PATCH', path: `/applications/${ids.application}`, body: { subscribedModels: ['*'] } }),
    code: 'not_subscribed',
    stops: BENEATH,
  },
  {
    what: 'the subscription that was approved ended',
    breaks: () => decided('ended'),
    mends: () => decided('approved'),
    code: 'subscription_ended',
    stops: ['asking'],
  },
  {
    what: 'the workspace disabled',
    ...toggled(() => `/workspaces/${workspaceId}`),
    code: 'workspace_disabled',
    stops: [...BENEATH, 'elsewhere', 'asking'],
  },
  {
    what: 'the workspace deleted',
    ...deleted(() => `/workspaces/${workspaceId}`),
    code: 'application_disabled',
    stops: [...BENEATH, 'elsewhere', 'asking'],
  },
];

describe.each(MATRIX)('with $what', ({ breaks, mends, code, stops }) => {
  test('no call is accepted, exactly as the preview said, and every call again once it is put back', async () => {
    const whole = await refusals();
    expect(Object.values(whole).filter((found) => found !== null)).toEqual(['suspended']);
    const stopped = Object.fromEntries(stops.map((name) => [keys[name].kid, code]));

    const preview = await take(breaks(), true);
    expect(await refusals()).toEqual(whole);
    expect(Object.fromEntries(preview.keys.map((found) => [found.kid, found.code]))).toEqual(stopped);
    expect(preview).toMatchObject({ preview: true, stops: stops.length, resumes: 0 });

    expect(await take(breaks(), false)).toEqual({ ...preview, preview: false });
    expect(await refusals()).toEqual({ ...whole, ...stopped });

    const mending = await take(mends(), true);
    expect(Object.fromEntries(mending.keys.map((found) => [found.kid, found.code]))).toEqual(stopped);
    expect(mending).toMatchObject({ stops: 0, resumes: stops.length });
    expect(await refusals()).toEqual({ ...whole, ...stopped });

    expect(await take(mends(), false)).toEqual({ ...mending, preview: false });
    expect(await refusals()).toEqual(whole);
  });
});

describe('a subscription', () => {
  test('lets calls through while it is approved, and no other state does; each tells its own code', async () => {
    const applicationId = await made('/applications', { name: 'other' });
    const key = await issue({ applicationId });
    expect(await refusalOf(key)).toBe('not_subscribed');
    const id = await made('/subscriptions', { applicationId, model: 'sandbox/*' });
    expect(await refusalOf(key)).toBe('subscription_pending');
    const path = `/subscriptions/${id}`;
    const steps = [
      ['rejected', 'subscription_rejected'],
      ['pending', 'subscription_pending'],
      ['approved', null],
      ['ended', 'subscription_ended'],
      ['pending', 'subscription_pending'],
      ['ended', 'subscription_ended'],
      ['approved', null],
    ] as const;
    let before: string | null = 'subscription_pending';
    for (const [value, code] of steps) {
      const step: Step = { method: 'PATCH', path, body: { state: value } };
      const preview = await take(step, true);
      expect(await refusalOf(key)).toBe(before);
      const effect = (code === null) === (before === null) ? [] : [code === null ? 'resumes' : 'stops'];
      expect(preview.keys.map((found) => found.effect)).toEqual(effect);
      expect(await take(step, false)).toEqual({ ...preview, preview: false });
      expect(await refusalOf(key)).toBe(code);
      before = code;
    }
    // What it was granted is no more than what it asked for.
    await admin('PATCH', `/keys/${key.kid}`, { scopes: { models: ['openai/*'] } });
    expect(await refusalOf(key)).toBe('model_denied');
  });

  test('explains itself: which one it is, and what approves it', async () => {
    const applicationId = await made('/applications', { name: 'explained' });
    const key = await issue({ applicationId });
    const id = await made('/subscriptions', { applicationId, model: 'sandbox/echo' });
    const request = rawRequest('/v1/chat/completions', DIALECT_CALLS.openai.body('sandbox/echo', false), {
      key: key.key,
    });
    const refused = await rawExchange(product.gatewayUrl, request);
    const requestId = refused.headers['x-request-id'] ?? '';
    const read = async () => (await product.admin('GET', `/explain/${requestId}`, undefined, workspaceId)).body;
    await expect.poll(read).toMatchObject({
      code: 'subscription_pending',
      decision: {
        sameCode: true,
        failed: ['subscription'],
        wayOut: {
          wouldPass: true,
          actions: [{ request: { method: 'PATCH', path: `/subscriptions/${id}`, body: { state: 'approved' } } }],
        },
      },
    });
  });

  test('is asked for once, for what exists, and changes as its state allows', async () => {
    const applicationId = await made('/applications', { name: 'strict' });
    const post = (body: object) => product.admin('POST', '/subscriptions', body, workspaceId);
    const id = await made('/subscriptions', { applicationId, model: 'sandbox/*' });
    const wrong: readonly (readonly [number, object])[] = [
      [409, { applicationId, model: 'sandbox/*' }],
      [422, { applicationId }],
      [422, { applicationId, model: 'a/b', service: 'billing' }],
      [422, { applicationId, model: 'what?' }],
      [422, { applicationId: 'app_nowhere', model: 'sandbox/*' }],
    ];
    for (const [status, body] of wrong) expect((await post(body)).status, JSON.stringify(body)).toBe(status);
    const change = (state: string) => product.admin('PATCH', `/subscriptions/${id}`, { state }, workspaceId);
    await change('approved');
    expect((await change('rejected')).status).toBe(409);
    expect((await change('pending')).status).toBe(409);
    expect((await change('approved')).status).toBe(200);
    expect((await product.admin('PATCH', '/subscriptions/sub_no', { state: 'ended' }, workspaceId)).status).toBe(404);
  });
});

test('calls of a key that changes hands are recorded under whoever answers for it at the time', async () => {
  const request = rawRequest('/v1/chat/completions', DIALECT_CALLS.openai.body('sandbox/echo', false), {
    key: keys.own.key,
  });
  const ownersOfCalls = async () =>
    (
      (await admin('GET', `/calls?key=${keys.own.kid}&limit=2`)) as {
        readonly items: readonly { readonly ownerId: string | null }[];
      }
    ).items.map(({ ownerId }) => ownerId);
  await rawExchange(product.gatewayUrl, request);
  await admin('PATCH', `/keys/${keys.own.kid}`, { ownerId: ids.owner });
  await rawExchange(product.gatewayUrl, request);
  await expect.poll(ownersOfCalls).toEqual([ids.owner, ids.keyOwner]);
});
