import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { START_MS, createAdminFixture } from './admin-fixture.ts';
import type { AdminFixture } from './admin-fixture.ts';
import { callRow } from './call-rows.ts';
import { refusal } from './refusals.ts';

let admin: AdminFixture;
beforeEach(async () => {
  admin = await createAdminFixture();
});
afterEach(() => admin.dispose());

const call: AdminFixture['client']['call'] = (...input) => admin.client.call(...input);

describe('applications', () => {
  test('are made, changed, listed and deleted, and every change is published', async () => {
    const { id } = await call('applications.create', { body: { name: 'shop', subscribedModels: ['openai/*'] } });
    expect(await call('applications.update', { params: { id }, body: { state: 'disabled' } })).toMatchObject({
      name: 'shop',
      state: 'disabled',
      subscribedModels: ['openai/*'],
      isDefault: false,
    });
    expect((await call('applications.list')).items.map(({ name }) => name)).toContain('shop');
    await call('applications.delete', { params: { id } });
    expect(await refusal(call('applications.get', { params: { id } }))).toMatchObject({ status: 404 });
    expect(admin.fleet.asked).toEqual(['publish', 'publish', 'publish']);
  });

  test('that are deleted keep their keys, and come back with them', async () => {
    const { id } = await call('applications.create', { body: { name: 'shop', subscribedModels: ['*'] } });
    const { kid } = await call('keys.create', { body: { name: 'a', applicationId: id } });
    const deleted = await call('applications.delete', { params: { id } });
    expect(deleted).toMatchObject({ deletedAt: '2030-01-15T12:00:00.000Z', impact: { stops: 1, keys: [{ kid }] } });
    expect((await call('applications.list')).items.map((item) => item.id)).not.toContain(id);
    expect((await call('applications.list', { query: { deleted: true } })).items.map((item) => item.id)).toEqual([id]);
    expect((await call('keys.get', { params: { kid } })).applicationId).toBe(id);

    const restored = await call('applications.restore', { params: { id } });
    expect(restored).toMatchObject({ deletedAt: null, impact: { stops: 0, resumes: 1, keys: [{ kid }] } });
    expect((await call('applications.get', { params: { id } })).name).toBe('shop');
  });

  test('that are the default cannot be deleted', async () => {
    const { items } = await call('applications.list');
    const error = await refusal(call('applications.delete', { params: { id: items[0]?.id ?? '' } }));
    expect(error).toMatchObject({ status: 409, code: 'conflict' });
  });
});

describe('providers', () => {
  const house = { id: 'house', dialect: 'openai' as const, baseUrl: 'http://127.0.0.1:9100/v1', models: ['tiny'] };

  test('are listed from all three sources, never with a secret', async () => {
    await call('providers.create', { body: house });
    const page = await call('providers.list', { query: { limit: 500 } });
    const sources = Object.fromEntries(page.items.map(({ id, source }) => [id, source]));
    expect(sources).toMatchObject({ house: 'database', filehouse: 'file', sandbox: 'built-in', openai: 'built-in' });
    expect(page.items.find(({ id }) => id === 'sandbox')).toMatchObject({ callable: true, transport: 'in-process' });
    expect(page.items.find(({ id }) => id === 'openai')).toMatchObject({ callable: false, credentials: 0 });
    expect(JSON.stringify(page)).not.toContain('secret-of-the-file');
  });

  test('of one’s own are made, changed and deleted, but not twice', async () => {
    expect(await call('providers.create', { body: house })).toMatchObject({
      endpoints: [{ dialect: 'openai', baseUrl: house.baseUrl }],
      models: ['tiny'],
    });
    expect(await refusal(call('providers.create', { body: house }))).toMatchObject({ status: 409, code: 'conflict' });
    const change = { baseUrl: 'https://house.example/v2', models: ['big'] };
    expect(await call('providers.update', { params: { id: 'house' }, body: change })).toMatchObject({
      endpoints: [{ dialect: 'openai', baseUrl: 'https://house.example/v2' }],
      models: ['big'],
    });
    await call('providers.delete', { params: { id: 'house' } });
    expect(await refusal(call('providers.get', { params: { id: 'house' } }))).toMatchObject({ status: 404 });
  });

  test('that are built in are adjusted and restored, not created or removed', async () => {
    const params = { id: 'openai' };
    expect(await refusal(call('providers.create', { body: { ...house, id: 'openai' } }))).toMatchObject({
      status: 409,
    });
    expect(await refusal(call('providers.delete', { params }))).toMatchObject({ status: 409 });
    const adjusted = await call('providers.update', { params, body: { baseUrl: 'http://127.0.0.1:9100/v1' } });
    expect(adjusted).toMatchObject({ adjusted: true, source: 'built-in' });
    expect(adjusted.endpoints.every(({ baseUrl }) => baseUrl === 'http://127.0.0.1:9100/v1')).toBe(true);
    await call('providers.delete', { params });
    expect(await call('providers.get', { params })).toMatchObject({ adjusted: false });
    expect(await refusal(call('providers.update', { params, body: { dialect: 'gemini' } }))).toMatchObject({
      status: 422,
    });
  });

  test('that the file declares are read-only here', async () => {
    const params = { id: 'filehouse' };
    const refusals = [
      await refusal(call('providers.update', { params, body: { state: 'disabled' } })),
      await refusal(call('providers.delete', { params })),
      await refusal(call('credentials.create', { body: { providerId: 'filehouse', name: 'x', secret: 'sk-1' } })),
      await refusal(call('models.update', { params: { alias: 'filealias' }, body: { targets: ['openai/gpt-4o'] } })),
    ];
    expect(refusals.map(({ status, code }) => [status, code])).toEqual(refusals.map(() => [409, 'declared_in_file']));
  });

  test.each(['ftp://house', 'http://user:pass@house', 'http://house?x=1', 'house', '/v1'])(
    'refuse %s as a base URL',
    async (baseUrl) => {
      const error = await refusal(call('providers.create', { body: { ...house, baseUrl } }));
      expect(error).toMatchObject({ status: 422, fields: [{ field: 'baseUrl' }] });
    },
  );

  test('are not removed while they have credentials', async () => {
    await call('providers.create', { body: house });
    await call('credentials.create', { body: { providerId: 'house', name: 'main', secret: 'sk-house' } });
    expect(await refusal(call('providers.delete', { params: { id: 'house' } }))).toMatchObject({ status: 409 });
  });
});

describe('credentials', () => {
  const SECRET = 'sk-proj-0123456789abcdefWXYZ';

  test('are stored, but no answer, audit entry or log line ever holds their secret', async () => {
    const created = await call('credentials.create', { body: { providerId: 'openai', name: 'main', secret: SECRET } });
    expect(created).toMatchObject({
      hint: 'WXYZ',
      weight: 1,
      priority: 1,
      models: null,
      state: 'active',
      health: null,
    });
    const replaced = await call('credentials.update', {
      params: { id: created.id },
      body: { secret: `${SECRET}9876`, weight: 3, priority: 2, models: ['tiny-*'] },
    });
    expect(replaced).toMatchObject({ hint: '9876', weight: 3, priority: 2, models: ['tiny-*'], name: 'main' });
    expect(await admin.store.workspace(admin.workspaceId).credentials.secrets()).toMatchObject([
      { secret: `${SECRET}9876` },
    ]);

    const shown = [
      await call('credentials.list', { query: { providerId: 'openai' } }),
      await call('credentials.get', { params: { id: created.id } }),
      await call('audit-events.list'),
      await call('credentials.delete', { params: { id: created.id } }),
    ];
    expect(JSON.stringify([created, replaced, shown, admin.logged])).not.toContain('sk-proj');
    expect(await refusal(call('credentials.get', { params: { id: created.id } }))).toMatchObject({ status: 404 });
  });

  test('that are short give no hint', async () => {
    const body = { providerId: 'openai', name: 'short', secret: 'short' };
    expect(await call('credentials.create', { body })).toMatchObject({ hint: '' });
  });

  test('need a provider that is there and takes them, and a secret that can be sent', async () => {
    const create = (body: object) =>
      refusal(call('credentials.create', { body: { providerId: 'openai', name: 'x', secret: SECRET, ...body } }));
    expect((await create({ providerId: 'nobody' })).fields).toMatchObject([{ field: 'providerId' }]);
    expect((await create({ providerId: 'sandbox' })).fields).toMatchObject([{ field: 'providerId' }]);
    const broken = await create({ secret: `${SECRET}\nInjected: yes` });
    expect(broken.fields).toMatchObject([{ field: 'secret' }]);
    expect(broken.message).not.toContain(SECRET);
  });
});

describe('models', () => {
  test('are those that can be called, and the aliases', async () => {
    await call('models.create', { body: { id: 'fast', targets: ['openai/gpt-4o-mini', 'sandbox/echo'] } });
    const { items } = await call('models.list', { query: { limit: 500 } });
    const byId = new Map(items.map((item) => [item.id, item]));
    expect(byId.get('sandbox/echo')).toMatchObject({ kind: 'model', provider: 'sandbox' });
    expect(byId.get('fast')).toMatchObject({
      kind: 'alias',
      targets: ['openai/gpt-4o-mini', 'sandbox/echo'],
      source: 'database',
    });
    expect(byId.get('filealias')).toMatchObject({ kind: 'alias', source: 'file' });
    expect(items.some(({ provider }) => provider === 'openai')).toBe(false);
  });

  test('are paged without a gap', async () => {
    const whole = await call('models.list', { query: { limit: 500 } });
    const ids: string[] = [];
    let cursor: string | null = null;
    do {
      const query: { limit: number; cursor?: string } = { limit: 1, ...(cursor && { cursor }) };
      const page = await call('models.list', { query });
      ids.push(...page.items.map(({ id }) => id));
      cursor = page.next;
    } while (cursor !== null);
    expect(ids).toEqual(whole.items.map(({ id }) => id));
    expect(ids.length).toBeGreaterThan(2);
  });

  test('have aliases that are made, changed and deleted, for providers that are there', async () => {
    await call('models.create', { body: { id: 'fast', targets: ['openai/gpt-4o-mini'] } });
    expect(await refusal(call('models.create', { body: { id: 'fast', targets: ['openai/x'] } }))).toMatchObject({
      status: 409,
    });
    const params = { alias: 'fast' };
    expect(await call('models.update', { params, body: { targets: ['sandbox/echo'] } })).toMatchObject({
      targets: ['sandbox/echo'],
    });
    const unknown = await refusal(call('models.update', { params, body: { targets: ['sandbox/echo', 'nobody/x'] } }));
    expect(unknown.fields).toMatchObject([{ field: 'targets[1]', message: 'names no provider: nobody' }]);
    await call('models.delete', { params });
    expect(await refusal(call('models.delete', { params }))).toMatchObject({ status: 404 });
  });
});

describe('calls', () => {
  test('are listed by key, model, time and code, and shown by request id', async () => {
    await admin.calls.write([
      callRow(admin.workspaceId, { requestId: 'req_1', startedAtMs: START_MS - 3000, kid: 'AAAAAAAAAAAA' }),
      callRow(admin.workspaceId, {
        requestId: 'req_2',
        startedAtMs: START_MS - 2000,
        kid: 'BBBBBBBBBBBB',
        code: 'rate_limited',
        status: 429,
      }),
    ]);
    const list = async (query: object) => (await call('calls.list', { query })).items.map(({ requestId }) => requestId);
    expect(await list({})).toEqual(['req_2', 'req_1']);
    expect(await list({ key: 'kwk_live_AAAAAAAAAAAA' })).toEqual(['req_1']);
    expect(await list({ code: 'rate_limited', status: 429 })).toEqual(['req_2']);
    expect(await list({ from: '2030-01-15T11:59:58Z' })).toEqual(['req_2']);
    expect(await list({ to: '2030-01-15T11:59:58Z' })).toEqual(['req_1']);
    expect(await call('calls.get', { params: { requestId: 'req_1' } })).toMatchObject({
      kid: 'AAAAAAAAAAAA',
      startedAt: '2030-01-15T11:59:57.000Z',
    });
    expect(await refusal(call('calls.get', { params: { requestId: 'req_9' } }))).toMatchObject({ status: 404 });
  });

  test('that proved no key are listed apart', async () => {
    await admin.calls.write([
      callRow(admin.workspaceId, { requestId: 'req_3', workspaceId: null, code: 'unknown_key', status: 401 }),
    ]);
    expect((await call('calls.list')).items).toEqual([]);
    expect((await call('calls.list', { query: { caller: 'unknown' } })).items).toMatchObject([{ requestId: 'req_3' }]);
    expect(await call('calls.get', { params: { requestId: 'req_3' } })).toMatchObject({ code: 'unknown_key' });
  });

  test('are summed as usage, by default of the last day', async () => {
    await admin.calls.write([
      callRow(admin.workspaceId, {
        requestId: 'req_4',
        startedAtMs: START_MS - 1000,
        inputTokens: 10,
        outputTokens: 5,
      }),
      callRow(admin.workspaceId, { requestId: 'req_5', startedAtMs: START_MS - 900, inputTokens: 1, outputTokens: 1 }),
      callRow(admin.workspaceId, {
        requestId: 'req_6',
        startedAtMs: START_MS - 90_000_000,
        inputTokens: 100,
        outputTokens: 100,
      }),
    ]);
    const usage = await call('usage.read', { query: { groupBy: 'provider' } });
    expect(usage).toMatchObject({
      from: '2030-01-14T12:00:00.000Z',
      to: '2030-01-15T12:00:00.000Z',
      groupBy: 'provider',
    });
    expect(usage.items).toMatchObject([{ group: 'sandbox', calls: 2, inputTokens: 11, outputTokens: 6 }]);
    const backwards = { from: '2030-01-02T00:00:00Z', to: '2030-01-01T00:00:00Z' };
    expect(await refusal(call('usage.read', { query: backwards }))).toMatchObject({
      status: 422,
      fields: [{ in: 'query', field: 'from' }],
    });
  });
});

test('the status tells version, workers and the mistakes of the configuration file', async () => {
  await call('applications.create', { body: { name: 'shop' } });
  expect(await call('status.read')).toMatchObject({
    version: '1.2.3',
    uptimeSeconds: 5,
    snapshotVersion: 1,
    workers: [{ id: 1, state: 'running', acknowledgedVersion: 1 }, { id: 2 }],
    configFile: { state: 'rejected', errors: [{ line: 7, path: 'providers.house.dialect', message: 'is missing' }] },
  });
});

test('a change whose publication fails is stored, and the answer says that it is pending', async () => {
  admin.fleet.answer = 'failure';
  const answer = await admin.send('POST', '/api/v1/applications', { body: { name: 'shop' } });
  expect(answer.status).toBe(201);
  expect(answer.headers.get('x-keyward-in-force')).toBe('pending');
  expect((await call('applications.list')).items.map(({ name }) => name)).toContain('shop');
  expect(admin.logged.join('\n')).toContain('a committed change did not reach the workers');
});
