import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { generateKey } from '../../src/keys/format.ts';
import { keyRow } from '../../src/storage/store-fixture.ts';
import type { AdminFixture } from './admin-fixture.ts';
import { createAdminFixture, START_MS } from './admin-fixture.ts';
import { callRow } from './call-rows.ts';
import { refusal } from './refusals.ts';

let admin: AdminFixture;
/** Kids by what selects them. */
let kids: Readonly<Record<'owned' | 'ofApplication' | 'ofTeam' | 'tagged' | 'caller' | 'plain', string>>;
let ids: Readonly<Record<'person' | 'team' | 'application' | 'ofTeam', string>>;

beforeEach(async () => {
  admin = await createAdminFixture();
  const person = (await call('people.create', { body: { name: 'Ada' } })).id;
  const team = (await call('teams.create', { body: { name: 'search' } })).id;
  const application = async (body: object) =>
    (await call('applications.create', { body: { name: 'shop', subscribedModels: ['*'], ...body } })).id;
  ids = {
    person,
    team,
    application: await application({ ownerId: person }),
    ofTeam: await application({ teamId: team }),
  };
  kids = {
    owned: await key({ ownerId: person }),
    ofApplication: await key({ applicationId: ids.application }),
    ofTeam: await key({ applicationId: ids.ofTeam }),
    tagged: await key({ tags: ['nightly'] }),
    caller: await key({}),
    plain: await key({}),
  };
  await admin.calls.write([
    callRow(admin.workspaceId, { requestId: 'req_1', kid: kids.caller, clientAddress: '192.0.2.7', provider: 'house' }),
    callRow(admin.workspaceId, { requestId: 'req_2', kid: kids.plain, clientAddress: '203.0.113.9' }),
    callRow(admin.workspaceId, {
      requestId: 'req_3',
      kid: kids.plain,
      clientAddress: '192.0.2.8',
      startedAtMs: START_MS - 40 * 86_400_000,
    }),
  ]);
  admin.fleet.asked.length = 0;
});
afterEach(() => admin.dispose());

const call: AdminFixture['client']['call'] = (...input) => admin.client.call(...input);
const key = async (body: object) => (await call('keys.create', { body: { name: 'k', ...body } })).kid;
const bulk = (body: object, query: object = {}) => call('keys.bulk', { body: { action: 'suspend', ...body }, query });
const stateOf = async (kid: string) => (await call('keys.get', { params: { kid } })).state;

async function suspended(): Promise<readonly string[]> {
  return (await call('keys.list', { query: { state: 'suspended' } })).items.map(({ kid }) => kid).toSorted();
}

type Selectors = () => readonly [selectors: object, names: readonly (keyof typeof kids)[]];
const SELECTORS: Readonly<Record<string, Selectors>> = {
  'an application': () => [{ applicationId: ids.application }, ['ofApplication']],
  'an owner': () => [{ ownerId: ids.person }, ['owned', 'ofApplication']],
  'a team': () => [{ teamId: ids.team }, ['ofTeam']],
  'a tag': () => [{ tag: 'nightly' }, ['tagged']],
  'a network': () => [{ network: '192.0.2.0/24' }, ['caller']],
  'a network, further back': () => [{ network: '192.0.2.0/24', since: '2029-01-01T00:00:00Z' }, ['caller', 'plain']],
  'a provider': () => [{ provider: 'house' }, ['caller']],
  'key ids': () => [{ kids: [kids.plain, `kwk_live_${kids.tagged}`] }, ['plain', 'tagged']],
  'an owner and an application': () => [{ ownerId: ids.person, applicationId: ids.application }, ['ofApplication']],
  'selectors that have no key in common': () => [{ tag: 'nightly', teamId: ids.team }, []],
};

describe.each(Object.entries(SELECTORS))('by %s', (_name, selectors) => {
  test('exactly the keys that the preview names are suspended, with one message to the workers', async () => {
    const [body, names] = selectors();
    const meant = names.map((name) => kids[name]).toSorted();
    const preview = await bulk(body, { preview: true });
    expect(preview.impact.keys.map(({ kid, code }) => [kid, code])).toEqual(meant.map((kid) => [kid, 'suspended']));
    expect(preview.keys.map(({ kid, state }) => [kid, state])).toEqual(meant.map((kid) => [kid, 'active']));
    expect(preview).toMatchObject({ matched: meant.length, changed: meant.length, receipt: null });
    expect(await suspended()).toEqual([]);
    expect(admin.fleet.asked).toEqual([]);

    const done = await bulk({ ...body, reason: 'incident 7' });
    expect(done.impact).toEqual({ ...preview.impact, preview: false });
    expect(await suspended()).toEqual(meant);
    expect(admin.fleet.asked.map((asked) => asked.split(' ').toSorted())).toEqual(meant.length === 0 ? [] : [meant]);
    expect(done.receipt?.complete ?? null).toBe(meant.length === 0 ? null : true);

    const { items } = await call('audit-events.list', { query: { action: 'keys.bulk' } });
    expect(items.map(({ targetId }) => targetId).toSorted()).toEqual(meant);
    for (const item of items) {
      expect(item).toMatchObject({ reason: 'incident 7', before: { state: 'active' }, after: { state: 'suspended' } });
    }
  });
});

test('only keys that are in a state for it are changed, and revoked keys never come back', async () => {
  await call('keys.revoke', { params: { kid: kids.plain } });
  const both = { kids: [kids.plain, kids.tagged] };
  expect(await bulk(both)).toMatchObject({ matched: 2, changed: 1, impact: { stops: 1 } });
  expect(await bulk({ ...both, action: 'resume' })).toMatchObject({ changed: 1, impact: { resumes: 1 } });
  expect([await stateOf(kids.plain), await stateOf(kids.tagged)]).toEqual(['revoked', 'active']);
  expect(await bulk({ ...both, action: 'mark-compromised' })).toMatchObject({ changed: 2, impact: { stops: 1 } });
  expect([await stateOf(kids.plain), await stateOf(kids.tagged)]).toEqual(['compromised', 'compromised']);
  expect(await call('keys.get', { params: { kid: kids.tagged } })).toMatchObject({
    revokedAt: '2030-01-15T12:00:00.000Z',
  });
});

test('keys that were refused already are listed, too, in pages', async () => {
  await call('applications.update', { params: { id: ids.application }, body: { state: 'disabled' } });
  const made = [kids.ofApplication, await key({ applicationId: ids.application })].toSorted();
  const body = { applicationId: ids.application };
  const first = await bulk(body, { preview: true, limit: 1 });
  expect(first).toMatchObject({ matched: 2, changed: 2, impact: { stops: 0, keys: [] }, keys: [{ kid: made[0] }] });
  const second = await bulk(body, { preview: true, limit: 1, cursor: first.next });
  expect(second).toMatchObject({ changed: 2, keys: [{ kid: made[1], state: 'active' }], next: null });
  expect(await bulk(body)).toMatchObject({ changed: 2, keys: made.map((kid) => ({ kid })) });
});

test.each([
  [{ provider: 'hosue' }, 'provider', 'names no provider: hosue'],
  [{ provider: 'hosue', network: '192.0.2.0/24' }, 'provider', 'names no provider: hosue'],
  [
    { network: '198.51.100.0/24' },
    'network',
    'names a network that no key was used from since 2029-12-16T12:00:00.000Z: 198.51.100.0/24',
  ],
])('what no call shows is refused, like an application that does not exist: %j', async (body, field, message) => {
  expect(await refusal(bulk(body, { preview: true }))).toMatchObject({
    status: 422,
    fields: [{ in: 'body', field, message }],
  });
});

test('a provider that nobody called, and selectors that no call fits together, name no keys', async () => {
  expect(await bulk({ provider: 'filehouse' })).toMatchObject({ matched: 0, keys: [] });
  expect(await bulk({ provider: 'house', network: '203.0.113.0/24' })).toMatchObject({ matched: 0, keys: [] });
});

test('a key that was minted from one that is revoked stops with it, and the preview says so', async () => {
  const parent = await admin.store.workspace(admin.workspaceId).keys.get(kids.plain);
  const child = generateKey({ type: 'kwt', environment: 'live' }).kid;
  await admin.store.workspace(admin.workspaceId).keys.insert({
    ...keyRow({ kid: child, applicationId: parent?.applicationId ?? '', type: 'kwt', parentKid: kids.plain }),
    scopes: parent?.scopes ?? keyRow({ kid: child, applicationId: '' }).scopes,
  });
  const { impact } = await bulk({ action: 'revoke', kids: [kids.plain] });
  expect(Object.fromEntries(impact.keys.map(({ kid, code }) => [kid, code]))).toEqual({
    [kids.plain]: 'revoked',
    [child]: 'parent_inactive',
  });
});

test('a deleted person’s keys can be revoked before they are restored', async () => {
  await call('people.delete', { params: { id: ids.person } });
  await call('applications.delete', { params: { id: ids.application } });
  expect(await bulk({ action: 'revoke', ownerId: ids.person })).toMatchObject({ changed: 2, impact: { stops: 0 } });
});

test('the list is paged, the counts are whole', async () => {
  const first = await bulk({ provider: 'sandbox', since: '2029-01-01T00:00:00Z', tag: 'none' }, { preview: true });
  expect(first).toMatchObject({ matched: 0, impact: { next: null } });
  const all = Object.values(kids);
  const page = await bulk({ kids: all }, { preview: true, limit: 4 });
  expect(page.impact.keys).toHaveLength(4);
  expect(page.impact.stops).toBe(6);
  const rest = await bulk({ kids: all }, { preview: true, limit: 4, cursor: page.impact.next ?? '' });
  expect([...page.impact.keys, ...rest.impact.keys].map(({ kid }) => kid)).toEqual(all.toSorted());
  expect(rest.impact).toMatchObject({ stops: 6, next: null });
});

test('what names nothing is refused, not taken for all keys or for none', async () => {
  const none = await refusal(bulk({}));
  expect(none).toMatchObject({ status: 422, code: 'validation_failed' });
  expect(none.message).toContain('names no keys');
  for (const [field, value] of [
    ['applicationId', 'app_none'],
    ['ownerId', 'per_none'],
    ['teamId', 'team_none'],
    ['kids', ['AAAAAAAAAAAA']],
    ['network', '192.0.2.300'],
    ['since', '2030-01-01T00:00:00Z'],
  ] as const) {
    expect(await refusal(bulk({ [field]: value }))).toMatchObject({ status: 422, code: 'validation_failed' });
  }
  expect(await suspended()).toEqual([]);
});

test('the permission for many keys does not stand in for the one for the action', async () => {
  const restricted = await createAdminFixture([
    {
      text: 'bulk-only',
      principal: { actor: 'token:bulk', permissions: new Set(['keys:bulk', 'keys:suspend'] as const) },
    },
  ]);
  const body = (action: string) => ({ action, tag: 'x' });
  const ask = (action: string) =>
    restricted.send('POST', '/api/v1/keys/bulk', { token: 'bulk-only', body: body(action) });
  expect((await ask('suspend')).status).toBe(200);
  expect((await ask('revoke')).status).toBe(403);
  expect((await ask('mark-compromised')).status).toBe(403);
  await restricted.dispose();
});
