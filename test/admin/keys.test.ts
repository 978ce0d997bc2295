import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parseKey } from '../../src/keys/format.ts';
import { START_MS, createAdminFixture } from './admin-fixture.ts';
import type { AdminFixture } from './admin-fixture.ts';
import { refusal } from './refusals.ts';

let admin: AdminFixture;
beforeEach(async () => {
  admin = await createAdminFixture();
});
afterEach(() => admin.dispose());

const create = (body: object = {}) => admin.client.call('keys.create', { body: { name: 'billing', ...body } });

describe('a new key', () => {
  test('is a well-formed random key that its answer alone shows', async () => {
    const created = await create({ tags: ['team-a'] });
    const parsed = parseKey(created.key, ['kwk']);
    expect(parsed).toMatchObject({ ok: true, kid: created.kid, environment: 'live' });

    const secret = parsed.ok ? parsed.secret : '';
    const params = { kid: created.kid };
    const later = [
      await admin.client.call('keys.get', { params }),
      await admin.client.call('keys.list'),
      await admin.client.call('keys.update', { params, body: { name: 'renamed' } }),
      await admin.client.call('keys.revoke', { params }),
      await admin.client.call('audit-events.list'),
    ];
    const stored = await admin.store.findKey(created.kid);
    expect(secret).toHaveLength(43);
    expect(JSON.stringify([...later, stored, admin.logged])).not.toContain(secret);
  });

  test('can be used at once: the workers forget that its id was unknown', async () => {
    const { kid } = await create();
    expect(admin.fleet.asked).toEqual([kid]);
    expect(await admin.store.findKey(kid)).toMatchObject({ state: 'active', workspaceId: admin.workspaceId });
  });

  test('belongs to the default application, or to the one that is named', async () => {
    const application = await admin.client.call('applications.create', { body: { name: 'shop' } });
    expect((await create({ applicationId: application.id })).applicationId).toBe(application.id);
    const byDefault = await admin.client.call('applications.get', { params: { id: (await create()).applicationId } });
    expect(byDefault.isDefault).toBe(true);
  });

  test.each([
    ['key', 'cannot be chosen: Keyward generates it'],
    ['secret', 'cannot be chosen: Keyward generates it'],
    ['kid', 'is not a known field'],
  ])('cannot be given a %s of one’s own', async (field, message) => {
    const error = await refusal(create({ [field]: 'hunter2' }));
    expect(error).toMatchObject({ status: 422, code: 'validation_failed', fields: [{ in: 'body', field, message }] });
    expect(error.message).not.toContain('hunter2');
  });

  test('mints temporary keys that no change makes wider than it is', async () => {
    const limits = { budgets: [{ usd: 1, period: 'day' }], usdPerCallMax: 0.5, concurrency: 5 };
    const parent = await create({ scopes: { models: ['sandbox/echo'] }, limits });
    const { kid } = await admin.client.call('keys.mint', { params: { kid: parent.kid } });
    const change = (body: object) => admin.client.call('keys.update', { params: { kid }, body });
    for (const [wider, name] of [
      [{ limits: { budgets: [{ usd: 100, period: 'day' }] } }, 'budgets'],
      [{ limits: { concurrency: 6 } }, 'concurrency'],
      [{ limits: { usdPerCallMax: 1 } }, 'usdPerCallMax'],
      [{ scopes: { models: ['sandbox/*'] } }, 'models'],
    ] as const) {
      const error = await refusal(change(wider));
      expect(error).toMatchObject({ status: 403, code: 'delegation_widens' });
      expect(error.message).toContain(`wider than its parent: ${name}`);
    }
    const narrower = { name: 'narrow', limits: { budgets: [{ usd: 0.5, period: 'day' }], concurrency: 5 } };
    expect(await change(narrower)).toMatchObject({ name: 'narrow', limits: { concurrency: 5 } });
  });

  test('mints temporary keys that live for at most 24 hours', async () => {
    const { kid } = await create();
    const allow = (mintTtlMax: string) =>
      admin.client.call('keys.delegation', { params: { kid }, body: { mintTtlMax } });
    expect(await refusal(allow('25h'))).toMatchObject({
      status: 422,
      fields: [{ in: 'body', field: 'mintTtlMax', message: 'is longer than 24h' }],
    });
    expect((await allow('24h')).minting?.ttlMaxSeconds).toBe(86_400);
  });

  test.each([
    [{ expiresAt: '2029-12-31T00:00:00Z' }, 'expiresAt', 'lies in the past'],
    [{ expiresAt: 'tomorrow' }, 'expiresAt', 'must be a time such as 2030-01-31T12:00:00Z'],
    [{ expiresAt: '2031-01-01T00:00:00Z', expiresIn: '1d' }, 'expiresIn', 'excludes expiresAt'],
    [{ expiresAt: '2230-01-01T00:00:00Z' }, 'expiresAt', 'lies more than 100 years ahead'],
    [{ expiresIn: '99999d' }, 'expiresIn', 'lies more than 100 years ahead'],
    [{ expiresIn: '1y' }, 'expiresIn', 'must be a duration such as 30d, 12h, 15m or 90s'],
    [{ expiresIn: '1d', notBefore: '2030-02-01T00:00:00Z' }, 'notBefore', 'leaves no time between'],
    [{ applicationId: 'app_none' }, 'applicationId', 'names no application: app_none'],
    [{ scopes: { addresses: ['10.0.0.0/8', '10.0.0.300'] } }, 'scopes.addresses[1]', 'is not valid: not an IPv4'],
    [{ scopes: { models: ['openai/gpt-?'] } }, 'scopes.models[0]', 'is not valid: a model pattern is made of'],
    [{ limits: { requestsPerMinute: 0 } }, 'limits.requestsPerMinute', 'must be at least 1'],
    [{ limits: { requestsPerMinute: 1.5 } }, 'limits.requestsPerMinute', 'must be a whole number'],
    [{ limits: { tokensPerFortnight: 1 } }, 'limits.tokensPerFortnight', 'is not a known field'],
    [{ environment: 'staging' }, 'environment', 'must be one of live, test'],
    [{ name: ' ' }, 'name', 'must not be empty'],
  ])('is refused with the field and a sentence: %j', async (body, field, message) => {
    const error = await refusal(create(body));
    expect(error).toMatchObject({ status: 422, code: 'validation_failed' });
    expect(error.fields).toEqual([{ in: 'body', field, message: expect.stringContaining(message) as string }]);
    expect(error.message).toContain(field);
    expect(admin.fleet.asked).toEqual([]);
  });

  test('may expire after a duration', async () => {
    expect((await create({ expiresIn: '30d' })).expiresAt).toBe('2030-02-14T12:00:00.000Z');
    expect((await create({ expiresIn: '90s' })).expiresAt).toBe('2030-01-15T12:01:30.000Z');
  });
});

describe('a change', () => {
  test('leaves what it omits and clears what is null', async () => {
    const { kid } = await create({
      expiresIn: '1d',
      scopes: { models: ['openai/*'], operations: ['chat'] },
      limits: { requestsPerMinute: 60, concurrency: 5 },
    });
    const change = (body: object) => admin.client.call('keys.update', { params: { kid }, body });

    expect(await change({ limits: { concurrency: null }, scopes: { addresses: ['10.0.0.0/8'] } })).toMatchObject({
      name: 'billing',
      expiresAt: '2030-01-16T12:00:00.000Z',
      scopes: { models: ['openai/*'], operations: ['chat'], addresses: ['10.0.0.0/8'] },
      limits: { requestsPerMinute: 60, concurrency: null },
      revision: 2,
    });
    expect(await change({ expiresAt: null, scopes: null, limits: null, tags: ['x'] })).toMatchObject({
      expiresAt: null,
      scopes: { models: null, operations: null, addresses: null },
      limits: { requestsPerMinute: null },
      tags: ['x'],
      revision: 3,
    });
    expect(admin.fleet.asked).toEqual([kid, kid, kid]);
  });

  test('based on an old revision is refused and changes nothing', async () => {
    const { kid, revision } = await create();
    await admin.client.call('keys.update', { params: { kid }, body: { name: 'first', revision } });
    const error = await refusal(
      admin.client.call('keys.update', { params: { kid }, body: { name: 'late', revision } }),
    );
    expect(error).toMatchObject({ status: 409, code: 'conflict' });
    expect((await admin.client.call('keys.get', { params: { kid } })).name).toBe('first');
  });

  test('can reassign the key, which is audited', async () => {
    const { kid, applicationId } = await create();
    const { id } = await admin.client.call('applications.create', { body: { name: 'new owner' } });
    await admin.client.call('keys.update', { params: { kid }, body: { applicationId: id } });
    const { items } = await admin.client.call('audit-events.list', { query: { targetId: kid, action: 'keys.update' } });
    expect(items).toMatchObject([{ before: { applicationId }, after: { applicationId: id }, actor: 'token:test' }]);
  });

  test('of a key that is revoked is refused', async () => {
    const { kid } = await create();
    await admin.client.call('keys.revoke', { params: { kid } });
    expect(await refusal(admin.client.call('keys.update', { params: { kid }, body: { name: 'x' } }))).toMatchObject({
      status: 409,
    });
  });
});

describe('revoking', () => {
  test('answers with the receipt of the workers once all have acknowledged', async () => {
    const { kid } = await create();
    const answer = await admin.send('POST', `/api/v1/keys/${kid}/revoke`, { body: { reason: 'left the company' } });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('x-keyward-in-force')).toBe('everywhere');
    expect(await answer.json()).toMatchObject({
      state: 'revoked',
      stateReason: 'left the company',
      receipt: { version: 2, workers: 2, complete: true, acknowledgedAt: '2030-01-15T12:00:00.000Z' },
    });
    expect(await admin.store.findKey(kid)).toMatchObject({ state: 'revoked' });
  });

  test('needs no body', async () => {
    const { kid } = await create();
    expect((await admin.send('POST', `/api/v1/keys/${kid}/revoke`)).status).toBe(200);
  });

  test.each(['incomplete', 'failure'] as const)(
    'is stored, and answered 202, when the workers’ answer is: %s',
    async (answer) => {
      const { kid } = await create();
      admin.fleet.answer = answer;
      const response = await admin.send('POST', `/api/v1/keys/${kid}/revoke`);
      expect(response.status).toBe(202);
      expect(response.headers.get('x-keyward-in-force')).toBe('pending');
      const { receipt } = (await response.json()) as { receipt: { complete: boolean } | null };
      expect(receipt?.complete ?? false).toBe(false);
      expect(await admin.store.findKey(kid)).toMatchObject({ state: 'revoked' });
    },
  );

  test('does not wait for the workers when asked not to', async () => {
    const { kid } = await create();
    const response = await admin.send('POST', `/api/v1/keys/${kid}/revoke?wait=none`);
    expect(response.status).toBe(202);
    expect(await response.json()).toMatchObject({ state: 'revoked', receipt: null });
    expect(admin.fleet.asked).toEqual([kid, kid]);
  });

  test('takes a fingerprint for a key id, and is allowed twice', async () => {
    const { fingerprint } = await create();
    await admin.client.call('keys.revoke', { params: { kid: fingerprint }, body: { reason: 'first' } });
    const again = await admin.client.call('keys.revoke', { params: { kid: fingerprint } });
    expect(again).toMatchObject({ state: 'revoked', stateReason: 'first' });
  });

  test('as compromised says so, and a later revocation does not hide it', async () => {
    const { kid } = await create();
    await admin.client.call('keys.revoke', { params: { kid } });
    await admin.client.call('keys.revoke', { params: { kid }, body: { compromised: true } });
    expect(await admin.client.call('keys.revoke', { params: { kid } })).toMatchObject({ state: 'compromised' });
  });
});

test('a key can be suspended and resumed, but not brought back once revoked', async () => {
  const { kid } = await create();
  const params = { kid };
  expect(await admin.client.call('keys.suspend', { params, body: { reason: 'odd traffic' } })).toMatchObject({
    state: 'suspended',
    stateReason: 'odd traffic',
  });
  expect(await admin.client.call('keys.resume', { params })).toMatchObject({ state: 'active', stateReason: null });
  await admin.client.call('keys.revoke', { params });
  expect(await refusal(admin.client.call('keys.resume', { params }))).toMatchObject({ status: 409, code: 'conflict' });
  expect(await refusal(admin.client.call('keys.suspend', { params }))).toMatchObject({ status: 409 });
});

test('an unknown key is not found, and a text that is no key id is refused', async () => {
  expect(await refusal(admin.client.call('keys.get', { params: { kid: 'AAAAAAAAAAAA' } }))).toMatchObject({
    status: 404,
  });
  expect(await refusal(admin.client.call('keys.get', { params: { kid: 'x' } }))).toMatchObject({
    status: 422,
    fields: [{ in: 'path', field: 'kid' }],
  });
});

test('keys are listed page by page, filtered, each once', async () => {
  for (const index of [1, 2, 3, 4, 5]) {
    admin.clock.nowMs = START_MS + index;
    await create({ name: `worker ${index}`, tags: index % 2 === 0 ? ['even'] : [] });
  }
  const names: string[] = [];
  let cursor: string | null = null;
  do {
    const query: { limit: number; search: string; cursor?: string } = {
      limit: 2,
      search: 'WORKER',
      ...(cursor && { cursor }),
    };
    const page = await admin.client.call('keys.list', { query });
    names.push(...page.items.map(({ name }) => name));
    cursor = page.next;
  } while (cursor !== null);
  expect(names).toEqual(['worker 5', 'worker 4', 'worker 3', 'worker 2', 'worker 1']);
  const even = await admin.client.call('keys.list', { query: { tag: 'even' } });
  expect(even.items.map(({ name }) => name)).toEqual(['worker 4', 'worker 2']);
  expect(await refusal(admin.client.call('keys.list', { query: { cursor: 'broken' } }))).toMatchObject({ status: 422 });
});

test('every change has one audit entry with what was and what is; a refused one has none', async () => {
  const { kid } = await create();
  await admin.client.call('keys.suspend', { params: { kid }, body: { reason: 'odd traffic' } });
  await refusal(admin.client.call('keys.update', { params: { kid }, body: { revision: 99 } }));
  const { items } = await admin.client.call('audit-events.list', { query: { targetId: kid } });
  expect(items).toHaveLength(2);
  expect(items.find(({ action }) => action === 'keys.create')).toMatchObject({
    before: null,
    after: { kid, state: 'active' },
  });
  expect(items.find(({ action }) => action === 'keys.suspend')).toMatchObject({
    reason: 'odd traffic',
    before: { state: 'active', revision: 1 },
    after: { state: 'suspended', revision: 2 },
    targetKind: 'key',
    requestId: expect.stringMatching(/^req_/) as string,
  });
});

test('no body at all makes the server fail: it is accepted or refused with a problem', async () => {
  await fc.assert(
    fc.asyncProperty(fc.json(), async (body) => {
      const { status } = await admin.send('POST', '/api/v1/keys', { body });
      expect([201, 422]).toContain(status);
    }),
    { numRuns: 100 },
  );
});
