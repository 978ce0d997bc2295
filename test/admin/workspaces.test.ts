import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ENDPOINTS } from '../../src/admin/resources/index.ts';
import { createAdminFixture, TOKEN } from './admin-fixture.ts';
import type { AdminFixture } from './admin-fixture.ts';
import { refusal } from './refusals.ts';

const TENANT_ONLY = 'tenant-token-without-the-right-to-enter';
let admin: AdminFixture;
let other: string;
/** Of the default workspace. */
let ids: Readonly<Record<'application' | 'kid' | 'person' | 'team' | 'credential', string>>;

beforeAll(async () => {
  admin = await createAdminFixture([
    {
      text: TENANT_ONLY,
      principal: { actor: 'token:tenant', permissions: new Set(['keys:read', 'applications:write'] as const) },
    },
  ]);
  other = (await call('workspaces.create', { body: { name: 'other tenant' } })).id;
  const person = (await call('people.create', { body: { name: 'Ada' } })).id;
  const team = (await call('teams.create', { body: { name: 'search' } })).id;
  await call('members.add', { params: { id: team }, body: { personId: person } });
  const application = (await call('applications.create', { body: { name: 'shop', subscribedModels: ['*'] } })).id;
  const { kid } = await call('keys.create', { body: { name: 'billing', applicationId: application } });
  const credential = await call('credentials.create', {
    body: { providerId: 'openai', name: 'main', secret: 'sk-0123456789' },
  });
  ids = { application, kid, person, team, credential: credential.id };
});
afterAll(() => admin.dispose());

const call: AdminFixture['client']['call'] = (...input) => admin.client.call(...input);
const within = (workspaceId: string, token = TOKEN) => ({ token, headers: { 'x-keyward-workspace': workspaceId } });

describe('from inside of another workspace', () => {
  const paths = ENDPOINTS.filter(({ path }) => path.includes(':') && !path.startsWith('/workspaces'));

  test.each(paths.map((endpoint) => [endpoint.id, endpoint] as const))(
    '%s finds nothing of this one',
    async (_id, endpoint) => {
      const path = endpoint.path
        .replace(':kid', ids.kid)
        .replace('/applications/:id', `/applications/${ids.application}`)
        .replace('/people/:id', `/people/${ids.person}`)
        .replace('/teams/:id', `/teams/${ids.team}`)
        .replace('/credentials/:id', `/credentials/${ids.credential}`)
        .replace(':personId', ids.person)
        .replaceAll(/:\w+/g, 'filehouse');
      const bodies: Readonly<Record<string, unknown>> = {
        'members.add': { personId: ids.person },
        'models.update': { targets: ['sandbox/echo'] },
        'credentials.rotate': { secret: 'sk-of-another-workspace' },
        'cases.close': { reason: 'x' },
        'subscriptions.update': { state: 'ended' },
        'cases.update-owner': { choice: 'reassign', ownerId: null },
        'keys.delegation.register': { publicKey: 'A'.repeat(43), challenge: 'x', proof: 'x' },
      };
      const answer = await admin.send(endpoint.method, `/api/v1${path}`, {
        ...within(other),
        ...(endpoint.method === 'GET' ? {} : { body: bodies[endpoint.id] ?? {} }),
      });
      expect(answer.status, await answer.text()).toBe(404);
    },
  );

  test('nothing of this one can be referred to, listed or selected', async () => {
    const post = (path: string, body: object) => admin.send('POST', `/api/v1${path}`, { ...within(other), body });
    const attempts = [
      post('/keys', { name: 'x', applicationId: ids.application }),
      post('/keys', { name: 'x', ownerId: ids.person }),
      post('/applications', { name: 'x', ownerId: ids.person }),
      post('/applications', { name: 'x', teamId: ids.team }),
      post('/keys/bulk', { action: 'revoke', ownerId: ids.person }),
      post('/keys/bulk', { action: 'revoke', kids: [ids.kid] }),
    ];
    for (const attempt of attempts) expect((await attempt).status).toBe(422);
    for (const path of ['/keys', '/people', '/teams', '/credentials', '/people?deleted=true']) {
      const answer = await admin.send('GET', `/api/v1${path}`, within(other));
      expect(await answer.json()).toMatchObject({ items: [] });
    }
  });
});

test('a workspace begins with an application of its own, in which a key can be made', async () => {
  const answer = await admin.send('POST', '/api/v1/keys', { ...within(other), body: { name: 'first' } });
  const made = (await answer.json()) as { readonly kid: string; readonly applicationId: string };
  expect(answer.status).toBe(201);
  expect(await admin.store.findKey(made.kid)).toMatchObject({ workspaceId: other });
  expect(await refusal(call('keys.get', { params: { kid: made.kid } }))).toMatchObject({ status: 404 });
});

test('only operators name a workspace, and one that is not there is not found', async () => {
  const path = '/api/v1/keys';
  expect((await admin.send('GET', path, within(other, TENANT_ONLY))).status).toBe(403);
  expect((await admin.send('GET', path, within('ws_none', TENANT_ONLY))).status).toBe(403);
  expect((await admin.send('GET', path, within(admin.workspaceId, TENANT_ONLY))).status).toBe(200);
  expect((await admin.send('GET', path, within('ws_none'))).status).toBe(404);
  expect((await admin.send('GET', path, within(other))).status).toBe(200);
});

test('the default workspace stays the default one, and is not deleted', async () => {
  const { items } = await call('workspaces.list');
  expect(items.filter(({ isDefault }) => isDefault).map(({ id }) => id)).toEqual([admin.workspaceId]);
  expect((await admin.store.workspaces.list())[0]?.id).toBe(admin.workspaceId);
  expect(await refusal(call('workspaces.delete', { params: { id: admin.workspaceId } }))).toMatchObject({
    status: 409,
  });
});

test('a deleted workspace can be entered by nobody until it is restored', async () => {
  const { id } = await call('workspaces.create', { body: { name: 'short' } });
  await call('workspaces.delete', { params: { id } });
  expect((await admin.send('GET', '/api/v1/keys', within(id))).status).toBe(404);
  expect((await call('workspaces.list', { query: { deleted: true } })).items.map((item) => item.id)).toEqual([id]);
  await call('workspaces.restore', { params: { id } });
  expect((await admin.send('GET', '/api/v1/keys', within(id))).status).toBe(200);
});

test('what the configuration file declares belongs to the default workspace alone', async () => {
  const body = { id: 'filealias', targets: ['sandbox/echo'] };
  expect((await admin.send('POST', '/api/v1/models', { body })).status).toBe(409);
  expect((await admin.send('POST', '/api/v1/models', { ...within(other), body })).status).toBe(201);
});
