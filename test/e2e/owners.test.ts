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
let ids: Readonly<Record<'owner' | 'keyOwner' | 'team' | 'application', string>>;
/** By what they stand on. */
let keys: Readonly<Record<'application' | 'own' | 'bound' | 'elsewhere' | 'suspended', Key>>;

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
  ids = { owner, keyOwner, team, application };
  keys = {
    application: await issue({ applicationId: application }),
    own: await issue({ applicationId: application, ownerId: keyOwner }),
    bound: await issue({
      applicationId: application,
      scopes: { addresses: ['127.0.0.0/8'], models: ['sandbox/*'], endpoints: ['POST /v1/chat/*'] },
    }),
    elsewhere: await issue({}),
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
const membership = () => `/teams/${ids.team}/members/${ids.owner}`;
const keyMembership = () => `/teams/${ids.team}/members/${ids.keyOwner}`;

type KeyName = 'application' | 'own' | 'bound' | 'elsewhere';
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
    what: 'the workspace disabled',
    ...toggled(() => `/workspaces/${workspaceId}`),
    code: 'workspace_disabled',
    stops: [...BENEATH, 'elsewhere'],
  },
  {
    what: 'the workspace deleted',
    ...deleted(() => `/workspaces/${workspaceId}`),
    code: 'application_disabled',
    stops: [...BENEATH, 'elsewhere'],
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
