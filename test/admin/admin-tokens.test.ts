/** Admin tokens, decided by the engine that decides on keys. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createClient } from '../../src/client/client.ts';
import type { Client, OperationInput } from '../../src/client/client.ts';
import { generateKey, generateSecret } from '../../src/keys/format.ts';
import { createAdminFixture } from './admin-fixture.ts';
import type { AdminFixture } from './admin-fixture.ts';
import { refusal } from './refusals.ts';

const HOUR_MS = 3_600_000;

let admin: AdminFixture;
beforeEach(async () => {
  admin = await createAdminFixture();
});
afterEach(() => admin.dispose());

type TokenBody = OperationInput<'admin-tokens.create'>['body'];
const create = (body: Partial<TokenBody> = {}) =>
  admin.client.call('admin-tokens.create', { body: { name: 'ci', permissions: ['keys:read'], ...body } });

/** A client that holds the token. */
const holding = (token: string): Client =>
  createClient({
    baseUrl: 'http://localhost:8081',
    token,
    fetch: async (url, init) => admin.app.request(url instanceof Request ? url.url : String(url), init),
  });

interface Answered {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly requestId: string;
}

async function ask(token: string, path = '/keys', headers: Readonly<Record<string, string>> = {}): Promise<Answered> {
  const answer = await admin.send('GET', `/api/v1${path}`, { token, headers });
  const body = (await answer.json()) as { readonly code?: string; readonly detail?: string };
  const requestId = answer.headers.get('x-request-id') ?? '';
  return { status: answer.status, code: body.code ?? 'ok', detail: body.detail ?? '', requestId };
}

const explain = (requestId: string) => admin.client.call('explain.read', { params: { requestId } });

test('a token is shown once, never stored in clear, and does what it was given, in the audit log by its own name', async () => {
  const { token, kid, fingerprint } = await create({ permissions: ['keys:read', 'keys:create'] });
  expect(token.startsWith(`${fingerprint}_`)).toBe(true);
  const made = await holding(token).call('keys.create', { body: { name: 'by a token' } });
  const shown = await admin.client.call('admin-tokens.get', { params: { kid } });
  expect(shown).toMatchObject({ name: 'ci', state: 'active', createdBy: 'token:test' });
  const { items } = await admin.client.call('audit-events.list', { query: { limit: 500 } });
  expect(items.find(({ targetId }) => targetId === made.kid)).toMatchObject({ actor: `token:${kid}` });
  const secret = token.split('_')[3] ?? '';
  expect(JSON.stringify([shown, items, admin.logged])).not.toContain(secret);
});

describe('a call that the engine refuses', () => {
  const person = async () => (await admin.client.call('people.create', { body: { name: 'Ada' } })).id;
  const change = (kid: string, action: 'suspend' | 'resume' | 'revoke') =>
    admin.client.call(`admin-tokens.${action}`, { params: { kid }, body: { reason: 'why not' } });

  interface Case {
    readonly code: string;
    readonly check: string;
    readonly body?: () => Promise<Partial<TokenBody>>;
    readonly before?: (token: { readonly kid: string; readonly ownerId: string | null }) => Promise<unknown>;
    readonly mend?: (token: { readonly kid: string; readonly ownerId: string | null }) => Promise<unknown>;
  }
  const later = () => new Date(admin.clock.nowMs + HOUR_MS).toISOString();
  const cases: readonly Case[] = [
    {
      code: 'not_yet_active',
      check: 'start',
      body: async () => ({ notBefore: later() }),
      mend: async () => (admin.clock.nowMs += HOUR_MS),
    },
    {
      code: 'expired',
      check: 'expiry',
      body: async () => ({ expiresIn: '30m' }),
      before: async () => (admin.clock.nowMs += HOUR_MS),
      mend: ({ kid }) => admin.client.call('admin-tokens.update', { params: { kid }, body: { expiresAt: null } }),
    },
    {
      code: 'suspended',
      check: 'state',
      before: ({ kid }) => change(kid, 'suspend'),
      mend: ({ kid }) => change(kid, 'resume'),
    },
    { code: 'revoked', check: 'state', before: ({ kid }) => change(kid, 'revoke') },
    {
      code: 'owner_disabled',
      check: 'owner',
      body: async () => ({ ownerId: await person() }),
      before: ({ ownerId }) =>
        admin.client.call('people.update', { params: { id: ownerId ?? '' }, body: { state: 'disabled' } }),
      mend: ({ ownerId }) =>
        admin.client.call('people.update', { params: { id: ownerId ?? '' }, body: { state: 'active' } }),
    },
    {
      code: 'owner_missing',
      check: 'owner',
      body: async () => ({ ownerId: await person() }),
      before: ({ ownerId }) => admin.client.call('people.delete', { params: { id: ownerId ?? '' } }),
      mend: ({ ownerId }) => admin.client.call('people.restore', { params: { id: ownerId ?? '' } }),
    },
    {
      code: 'forbidden',
      check: 'permission',
      body: async () => ({ permissions: ['teams:read'] }),
      mend: ({ kid }) =>
        admin.client.call('admin-tokens.update', { params: { kid }, body: { permissions: ['keys:read'] } }),
    },
    {
      code: 'address_denied',
      check: 'address',
      body: async () => ({ addresses: ['10.0.0.0/8'] }),
      mend: ({ kid }) => admin.client.call('admin-tokens.update', { params: { kid }, body: { addresses: null } }),
    },
  ];

  test.each(cases)('$code: is told so, is explained check by check, and passes once it is mended', async (each) => {
    const made = await create(await each.body?.());
    if (each.before !== undefined) {
      expect((await ask(made.token)).code).toBe('ok');
      await each.before(made);
    }
    const refused = await ask(made.token);
    expect(refused.code).toBe(each.code);
    expect([401, 403]).toContain(refused.status);
    expect(refused.detail).toMatch(/admin token|owner/);
    const told = await explain(refused.requestId);
    expect(told).toMatchObject({
      code: each.code,
      caller: { kid: made.kid, fingerprint: made.fingerprint, name: 'ci' },
      asked: { method: 'GET', path: '/api/v1/keys' },
      decision: { sameCode: true, code: each.code },
      now: { code: each.code },
    });
    expect(told.decision?.failed[0]).toBe(each.check);
    expect(told.decision?.checks.find(({ name }) => name === each.check)?.wouldPassIf).not.toBeNull();
    expect(JSON.stringify(told)).not.toContain(made.token.split('_')[3]);
    if (each.mend === undefined) return;
    await each.mend(made);
    expect((await ask(made.token)).code).toBe('ok');
    expect((await explain(refused.requestId)).now).toMatchObject({ allowed: true, code: 'ok' });
  });

  test('tells every check that fails, the first one as the reason', async () => {
    const { token, kid } = await create({ permissions: ['teams:read'], expiresIn: '30m' });
    admin.clock.nowMs += HOUR_MS;
    await admin.client.call('admin-tokens.suspend', { params: { kid }, body: {} });
    const refused = await ask(token);
    expect(refused).toMatchObject({ status: 401, code: 'suspended' });
    expect((await explain(refused.requestId)).decision?.failed).toEqual(['state', 'expiry', 'permission']);
  });

  test('keeps the last refusals of each token, and of none that proved nothing', async () => {
    const { token, kid } = await create({ permissions: ['teams:read'] });
    const first = await ask(token);
    for (let asked = 0; asked < 200; asked += 1) {
      admin.clock.nowMs += 1;
      await ask(token);
    }
    expect((await refusal(explain(first.requestId))).status).toBe(404);
    const last = await ask(token);
    expect((await explain(last.requestId)).code).toBe('forbidden');
    const wrong = await ask(generateSecret({ type: 'kwa', environment: 'live', kid }).text);
    expect(wrong).toMatchObject({ status: 401, code: 'unauthenticated' });
    expect((await refusal(explain(wrong.requestId))).status).toBe(404);
  });
});

test('a wrong secret, an unknown id and any other key are answered alike', async () => {
  const { kid } = await create();
  const texts = [
    generateSecret({ type: 'kwa', environment: 'live', kid }).text,
    generateSecret({ type: 'kwa', environment: 'test', kid }).text,
    generateKey({ type: 'kwa', environment: 'live' }).text,
    admin.firstKey,
    'kwa_live_x',
  ];
  const answers = await Promise.all(texts.map((text) => ask(text)));
  expect(new Set(answers.map(({ requestId: _id, ...rest }) => JSON.stringify(rest))).size).toBe(1);
  expect(answers[0]).toMatchObject({ status: 401, code: 'unauthenticated' });
});

describe('nobody', () => {
  test('gives what they do not hold, nor widens or brings back who holds more', async () => {
    const { token } = await create({ permissions: ['admin-tokens:write', 'admin-tokens:read', 'keys:read'] });
    const strong = await create({ permissions: ['*'] });
    const weak = holding(token);
    const params = { kid: strong.kid };
    await weak.call('admin-tokens.create', { body: { name: 'less', permissions: ['keys:read'] } });
    const tries = [
      weak.call('admin-tokens.create', { body: { name: 'more', permissions: ['keys:create'] } }),
      weak.call('admin-tokens.create', { body: { name: 'all', permissions: ['*'] } }),
      weak.call('admin-tokens.update', { params, body: { addresses: null } }),
      weak.call('admin-tokens.update', { params, body: { expiresAt: null } }),
    ];
    for (const tried of tries) expect((await refusal(tried)).status).toBe(422);
    await weak.call('admin-tokens.suspend', { params, body: {} });
    expect((await refusal(weak.call('admin-tokens.resume', { params, body: {} }))).status).toBe(422);
  });

  test('acts in another workspace than the own one without the permission for it', async () => {
    const other = await admin.client.call('workspaces.create', { body: { name: 'Other' } });
    const headers = { 'x-keyward-workspace': other.id };
    const made = await admin.send('POST', '/api/v1/admin-tokens', {
      headers,
      body: { name: 'theirs', permissions: ['keys:read', 'keys:create'] },
    });
    const { token, kid } = (await made.json()) as { readonly token: string; readonly kid: string };
    const { kid: created } = await holding(token).call('keys.create', { body: { name: 'k' } });
    expect(await admin.store.workspace(other.id).keys.get(created)).not.toBeNull();
    expect(await ask(token, '/keys', headers)).toMatchObject({ code: 'ok' });
    const elsewhere = await ask(token, '/keys', { 'x-keyward-workspace': admin.workspaceId });
    expect(elsewhere).toMatchObject({ status: 403, code: 'forbidden' });
    expect(elsewhere.detail).toContain('workspaces:enter');
    expect((await refusal(admin.client.call('admin-tokens.get', { params: { kid } }))).status).toBe(404);
    await admin.client.call('workspaces.update', { params: { id: other.id }, body: { state: 'disabled' } });
    expect(await ask(token)).toMatchObject({ status: 403, code: 'workspace_disabled' });
    // The operator's own tokens stand on no workspace.
    await admin.client.call('workspaces.update', { params: { id: other.id }, body: { state: 'active' } });
    expect(await ask(token)).toMatchObject({ code: 'ok' });
  });
});

test('contradictory and absurd input is refused', async () => {
  const cases: readonly Partial<TokenBody>[] = [
    { permissions: [] },
    { permissions: ['keys:everything' as 'keys:read'] },
    { addresses: [] },
    { addresses: ['10.0.0.0/99'] },
    { expiresIn: '1h', expiresAt: '2031-01-01T00:00:00Z' },
    { expiresAt: '2020-01-01T00:00:00Z' },
    { notBefore: '2031-01-01T00:00:00Z', expiresAt: '2030-06-01T00:00:00Z' },
    { ownerId: 'per_nobody' },
  ];
  for (const body of cases) expect((await refusal(create(body))).status, JSON.stringify(body)).toBe(422);
});

test('a token that was revoked stays revoked', async () => {
  const { kid } = await create();
  const params = { kid };
  await admin.client.call('admin-tokens.revoke', { params, body: {} });
  await admin.client.call('admin-tokens.revoke', { params, body: {} });
  for (const tried of [
    admin.client.call('admin-tokens.resume', { params, body: {} }),
    admin.client.call('admin-tokens.suspend', { params, body: {} }),
    admin.client.call('admin-tokens.update', { params, body: { name: 'back' } }),
  ]) {
    expect((await refusal(tried)).status).toBe(409);
  }
});
