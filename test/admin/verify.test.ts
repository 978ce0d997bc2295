import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { verifyKey } from '../../src/admin/verify-key.ts';
import { generateKey } from '../../src/keys/format.ts';
import { UNNARROWED } from '../../src/keys/owners.ts';
import { applicationRow, keyRow } from '../../src/storage/store-fixture.ts';
import { inOtherEnvironment, unknownKey, withWrongSecret } from '../forged-key.ts';
import { createAdminFixture } from './admin-fixture.ts';
import type { AdminFixture } from './admin-fixture.ts';
import { delegate } from './delegate.ts';
import { refusal } from './refusals.ts';

let admin: AdminFixture;
beforeEach(async () => {
  admin = await createAdminFixture();
});
afterEach(() => admin.dispose());

const create = (body: object = {}) => admin.client.call('keys.create', { body: { name: 'billing', ...body } });
const verify = (key: string, rest: object = {}) => admin.client.call('keys.verify', { body: { key, ...rest } });

test('a key that fits the call is valid, and says whose it is', async () => {
  const { key, kid, applicationId } = await create({
    scopes: {
      models: ['filehouse/*'],
      services: ['billing'],
      endpoints: ['POST /invoices/*'],
      addresses: ['10.0.0.0/8'],
    },
    tags: ['team-a'],
  });
  const facts = { model: 'filehouse/tiny', method: 'POST', path: '/invoices/7', address: '10.1.1.1' };
  expect(await verify(key, { facts })).toEqual({
    ...{ valid: true, code: 'ok', kid, applicationId, ownerId: null, environment: 'live', tags: ['team-a'] },
    ...{ expiresAt: null, limits: [], checks: null },
  });
  expect(await verify(key, { facts: { ...facts, method: 'GET' } })).toMatchObject({
    valid: false,
    code: 'method_denied',
  });
  expect(await verify(key, { facts: { ...facts, model: 'filealias' } })).toMatchObject({ valid: true });
  expect(await verify(key, { facts: { ...facts, service: 'search' } })).toMatchObject({ code: 'not_subscribed' });
  const explained = await verify(key, { facts: { ...facts, address: '192.0.2.1' }, explain: true });
  expect(explained).toMatchObject({ valid: false, code: 'address_denied' });
  expect(explained.checks?.filter(({ outcome }) => outcome === 'fail').map(({ name }) => name)).toEqual(['address']);
});

describe('without the right secret', () => {
  test('the answer is byte for byte the same, whatever there is', async () => {
    const { key, kid } = await create();
    const revoked = await create();
    await admin.client.call('keys.revoke', { params: { kid: revoked.kid } });
    await admin.store.workspaces.insert({
      id: 'ws_o',
      name: 'o',
      state: 'active',
      ...UNNARROWED,
      createdAtMs: 0,
      updatedAtMs: 0,
      deletedAtMs: null,
    });
    const other = admin.store.workspace('ws_o');
    const theirs = generateKey({ type: 'kwk', environment: 'live' });
    const secret = { ...admin.deps.hasher.hash(theirs.secret), state: 'current', notAfterMs: null } as const;
    await other.applications.insert(applicationRow({ id: 'app_o' }));
    await other.keys.insert(keyRow({ kid: theirs.kid, applicationId: 'app_o', secrets: [secret] }));
    const keys = [
      unknownKey(),
      withWrongSecret(kid),
      withWrongSecret(revoked.kid),
      inOtherEnvironment(key),
      theirs.text,
    ];
    for (const round of ['first', 'again']) {
      const texts = await Promise.all(
        keys.map(async (sent) => {
          const answer = await admin.send('POST', '/api/v1/keys/verify', { body: { key: sent, explain: true } });
          return `${answer.status} ${await answer.text()}`;
        }),
      );
      expect(new Set(texts).size, round).toBe(1);
      expect(texts[0]).toMatch(/^200 \{"valid":false,"code":"invalid_api_key","kid":null,/);
    }
    expect(await verify(revoked.key)).toMatchObject({ valid: false, code: 'revoked', kid: revoked.kid });
  });

  test('only what is wrong with the form of the text is told', async () => {
    const { key } = await create();
    expect(await verify(key.slice(0, -2))).toMatchObject({ valid: false, code: 'truncated', kid: null });
    expect(await verify('sk-proj-Zq7RkWm3TnVbYcXdLpGh')).toMatchObject({ code: 'provider_key_sent_to_gateway' });
  });
});

describe('a key that is remembered', () => {
  test.each([
    ['suspended', (kid: string) => admin.client.call('keys.suspend', { params: { kid } })],
    ['revoked', (kid: string) => admin.client.call('keys.revoke', { params: { kid } })],
    ['superseded', (kid: string) => admin.client.call('keys.rotate', { params: { kid }, body: { overlap: '0s' } })],
    [
      'endpoint_denied',
      (kid: string) =>
        admin.client.call('keys.update', { params: { kid }, body: { scopes: { endpoints: ['GET /x'] } } }),
    ],
    [
      'application_disabled',
      async (_kid: string, id: string) =>
        admin.client.call('applications.update', { params: { id }, body: { state: 'disabled' } }),
    ],
  ])('is judged by its new state from the answer to the change on: %s', async (code, change) => {
    const { key, kid, applicationId } = await create();
    expect(await verify(key)).toMatchObject({ valid: true });
    await change(kid, applicationId);
    expect(await verify(key)).toMatchObject({ valid: false, code });
  });

  test('as unknown is known from the answer to its creation on', async () => {
    const fresh = generateKey({ type: 'kwk', environment: 'live' });
    expect(await verify(fresh.text)).toMatchObject({ code: 'invalid_api_key' });
    const { key } = await create();
    expect(await verify(key)).toMatchObject({ valid: true });
  });

  test('is verified at once, without waiting for the store', async () => {
    const { key } = await create();
    const options = { workspaceId: admin.workspaceId };
    expect(await verifyKey(admin.deps, key, {}, options)).toMatchObject({ valid: true });
    expect(verifyKey(admin.deps, key, {}, options)).toMatchObject({ valid: true, code: 'ok' });
  });
});

describe('a delegated key', () => {
  test('is judged by what it says and by its key, which it is told to come from', async () => {
    const parent = await create({ tags: ['team-a'], scopes: { models: ['filehouse/*'] } });
    const text = await delegate(admin, parent, { scopes: { models: ['filehouse/tiny'] } });
    expect(await verify(text, { facts: { model: 'filehouse/tiny' } })).toMatchObject({
      ...{ valid: true, code: 'ok', kid: parent.kid, tags: ['team-a'] },
      expiresAt: new Date(admin.clock.nowMs + 60_000).toISOString(),
    });
    const explained = await verify(text, { facts: { model: 'filehouse/large' }, explain: true });
    expect(explained).toMatchObject({ valid: false, code: 'model_denied' });
    expect(explained.checks?.find(({ name }) => name === 'delegation')).toMatchObject({ outcome: 'pass' });
    await admin.client.call('keys.suspend', { params: { kid: parent.kid } });
    expect(await verify(text, { facts: { model: 'filehouse/tiny' } })).toMatchObject({ code: 'suspended' });
  });

  test('is refused as by the gateway when it is over, or taken back', async () => {
    const parent = await create();
    const text = await delegate(admin, parent);
    expect(await verify(text)).toMatchObject({ valid: true });
    await admin.client.call('keys.delegation.revoke', { params: { kid: parent.kid }, body: {} });
    expect(await verify(text)).toMatchObject({ valid: false, code: 'minted_before_watermark', kid: parent.kid });
    const later = await delegate(admin, parent, { nowMs: admin.clock.nowMs + 2_000 });
    admin.clock.nowMs += 62_000;
    expect(await verify(later)).toMatchObject({ valid: false, code: 'delegation_expired' });
  });

  test('that is not signed by the key, or whose key is not there, is told as any wrong key is; its form is told', async () => {
    const [parent, other] = [await create(), await create()];
    const text = await delegate(admin, parent);
    const forged = `kwd_${parent.kid}_${(await delegate(admin, other)).slice(17)}`;
    const undelegated = `kwd_${(await create()).kid}_${text.slice(17)}`;
    for (const wrong of [forged, undelegated, `kwd_AAAAAAAAAAAA_${text.slice(17)}`]) {
      expect(await verify(wrong)).toMatchObject({ valid: false, code: 'invalid_api_key', kid: null });
    }
    expect(await verify('kwd_abc')).toMatchObject({ valid: false, code: 'malformed' });
    expect(await verify(`${text}${'A'.repeat(2048)}`)).toMatchObject({ valid: false, code: 'malformed' });
  });

  test('may be longer than other keys', async () => {
    const parent = await create();
    const models = Array.from({ length: 45 }, (_, i) => `filehouse/model-${String(i).padStart(3, '0')}`);
    const text = await delegate(admin, parent, { scopes: { models } });
    expect(text.length).toBeGreaterThan(1024);
    expect(await verify(text)).toMatchObject({ code: 'ok' });
  });

  test('is counted where that is asked for, and takes one of the places of its key', async () => {
    const parent = await create();
    await admin.client.call('keys.delegation', { params: { kid: parent.kid }, body: { mintLiveMax: 1 } });
    const [first, second] = [
      await delegate(admin, parent, { limits: { uses: 2 } }),
      await delegate(admin, parent, { limits: { uses: 2 } }),
    ];
    expect(await verify(second)).toMatchObject({ code: 'ok' });
    const codes = [];
    for (let round = 0; round < 3; round += 1) codes.push((await verify(first, { take: true })).code);
    expect(codes).toEqual(['ok', 'ok', 'uses_exhausted']);
    for (const take of [false, true]) expect(await verify(second, { take })).toMatchObject({ code: 'keys_exhausted' });
  });
});

test('a call is counted only where that is asked for, by the counters that the gateway counts with', async () => {
  const { key } = await create({ limits: { requestsPerMinute: 2, concurrency: 1 } });
  const remaining = async (take: boolean) => {
    const { code, limits } = await verify(key, { take });
    return [code, limits.find(({ name }) => name === 'requestsPerMinute')?.remaining];
  };
  expect(await remaining(false)).toEqual(['ok', 2]);
  expect(await remaining(true)).toEqual(['ok', 1]);
  expect(await remaining(true)).toEqual(['ok', 0]);
  expect(await remaining(true)).toEqual(['rate_limited', 0]);
  expect(await remaining(false)).toEqual(['rate_limited', 0]);
  admin.clock.nowMs += 61_000;
  expect(await remaining(false)).toEqual(['ok', 2]);
});

test.each([
  [{ facts: { moon: 'full' } }, 'facts.moon'],
  [{ facts: { method: 'get' } }, 'facts.method'],
  [{ facts: { path: 'x' } }, 'facts.path'],
  [{ facts: { model: '' } }, 'facts.model'],
  [{ take: 'yes' }, 'take'],
])('facts that cannot be are refused: %j', async (rest, field) => {
  expect(await refusal(verify('x', rest))).toMatchObject({ status: 422, fields: [{ field }] });
});

test('no key that was sent for verification is logged or stored', async () => {
  const { key } = await create();
  await verify(key);
  await refusal(verify(key, { facts: { moon: key } }));
  const stored = await admin.client.call('audit-events.list');
  expect(JSON.stringify([admin.logged, stored])).not.toContain(key.split('_')[3]);
});
