import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import type { CallFilter } from '../admin/call-stores.ts';
import { CALL_FIELDS } from '../calls/call-record.ts';
import type { CallRecord, CallRow } from '../calls/call-record.ts';
import { openCallStore } from './call-store.ts';
import { tempFolder } from './store-fixture.ts';

const DAY_MS = 86_400_000;
const DAY1_MS = Date.UTC(2026, 10, 7);

function record(patch: Partial<CallRecord> & { readonly requestId: string }): CallRecord {
  return {
    startedAtMs: DAY1_MS,
    workspaceId: 'ws_a',
    applicationId: 'app_1',
    keyFingerprint: 'kwk_live_kid1',
    kid: 'kid1',
    method: 'POST',
    path: '/v1/chat/completions',
    dialect: 'openai',
    operation: 'chat',
    requestedModel: 'fast',
    provider: 'openai',
    model: 'gpt-4o-mini',
    credentialId: 'cred_1',
    stream: true,
    status: 200,
    upstreamStatus: 200,
    upstreamRequestId: null,
    code: 'ok',
    attempts: 1,
    firstByteMs: 12.5,
    totalMs: 99.25,
    requestBytes: 10,
    responseBytes: 20,
    inputTokens: 3,
    cachedInputTokens: 1,
    cacheWriteTokens: null,
    outputTokens: 5,
    reasoningTokens: null,
    complete: true,
    clientAddress: '127.0.0.1',
    userAgent: 'test/1',
    ownerId: null,
    parentKid: null,
    secretGeneration: 1,
    session: null,
    country: null,
    costNanoUsd: 1500,
    costEstimated: false,
    decision: null,
    configVersion: 1,
    worker: 0,
    tags: null,
    warnings: null,
    usageDetail: null,
    fromCache: false,
    upstreamCode: null,
    ...patch,
  };
}

function row(call: CallRecord): CallRow {
  return CALL_FIELDS.map((field) => {
    const value = call[field];
    return typeof value === 'boolean' ? Number(value) : value;
  });
}

function openCalls() {
  const dataDir = tempFolder();
  const store = openCallStore({ dataDir });
  onTestFinished(() => store.close());
  const files = () => readdirSync(join(dataDir, 'calls')).toSorted();
  const write = (...records: CallRecord[]) => store.write(records.map((call) => row(call)));
  const ids = async (workspaceId: string | null, filter: CallFilter = {}) =>
    (await store.list(workspaceId, { cursor: null, limit: 500 }, filter)).items.map((call) => call.requestId);
  return { dataDir, store, files, write, ids };
}

test('a call comes back as it was written', async () => {
  const { store, write } = openCalls();
  const full = record({ requestId: 'req_1' });
  const refused = record({
    requestId: 'req_0',
    workspaceId: null,
    applicationId: null,
    kid: null,
    keyFingerprint: null,
    provider: null,
    model: null,
    requestedModel: null,
    stream: false,
    complete: false,
    status: 401,
    code: 'malformed',
    firstByteMs: null,
    inputTokens: null,
    userAgent: null,
  });
  await write(full, refused);
  const page = { cursor: null, limit: 10 };
  expect((await store.list('ws_a', page, {})).items).toEqual([full]);
  expect((await store.list(null, page, {})).items).toEqual([refused]);
  expect((await store.list('ws_b', page, {})).items).toEqual([]);
});

test('a record that is already there is left as it is', async () => {
  const { store, write } = openCalls();
  await write(record({ requestId: 'req_1', status: 200 }));
  await write(record({ requestId: 'req_1', status: 500 }), record({ requestId: 'req_2' }));
  const { items } = await store.list('ws_a', { cursor: null, limit: 10 }, {});
  expect(items.map((call) => [call.requestId, call.status])).toEqual([
    ['req_2', 200],
    ['req_1', 200],
  ]);
});

test('every day has a file of its own, for its owner only, and retention deletes whole files', async () => {
  const { dataDir, store, files, write, ids } = openCalls();
  await write(
    record({ requestId: 'req_a', startedAtMs: DAY1_MS }),
    record({ requestId: 'req_b', startedAtMs: DAY1_MS + DAY_MS - 1 }),
    record({ requestId: 'req_c', startedAtMs: DAY1_MS + DAY_MS }),
  );
  for (const name of files())
    expect([name, statSync(join(dataDir, 'calls', name)).mode & 0o777]).toEqual([name, 0o600]);
  expect(statSync(join(dataDir, 'calls')).mode & 0o777).toBe(0o700);
  expect(await store.deleteBefore(DAY1_MS + DAY_MS - 1)).toBe(0);
  expect(await store.deleteBefore(DAY1_MS + DAY_MS)).toBe(1);
  expect(files().filter((name) => name.startsWith('2026-11-07'))).toEqual([]);
  expect(await ids('ws_a')).toEqual(['req_c']);
});

test('late records of many days are taken while few files stay open, and old days leave nothing beside them', async () => {
  const { dataDir, store, files, write, ids } = openCalls();
  for (let day = 0; day < 6; day++) {
    await write(record({ requestId: `req_${day}`, startedAtMs: DAY1_MS + day * DAY_MS }));
  }
  expect(files().filter((name) => name.endsWith('-wal'))).toHaveLength(3);
  await write(record({ requestId: 'req_0late', startedAtMs: DAY1_MS }));
  expect(await ids('ws_a')).toEqual(['req_5', 'req_4', 'req_3', 'req_2', 'req_1', 'req_0late', 'req_0']);
  await store.close();
  expect(files().every((name) => name.endsWith('.sqlite'))).toBe(true);
  const again = openCallStore({ dataDir });
  expect((await again.list('ws_a', { cursor: null, limit: 500 }, {})).items).toHaveLength(7);
  expect(files().every((name) => name.endsWith('.sqlite'))).toBe(true);
  await again.close();
});

test('pages over days hold every call once, newest first', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 0, max: 3 * DAY_MS }), { maxLength: 40 }),
      fc.integer({ min: 1, max: 9 }),
      async (offsets, limit) => {
        const { store, write } = openCalls();
        const times = offsets.map((offset) => DAY1_MS + offset).toSorted((a, b) => a - b);
        const ordered = times.map((startedAtMs, index) =>
          record({ requestId: `req_${String(index).padStart(4, '0')}`, startedAtMs }),
        );
        await write(...ordered);
        const seen: string[] = [];
        let cursor: string | null = null;
        do {
          const page: Awaited<ReturnType<typeof store.list>> = await store.list('ws_a', { cursor, limit }, {});
          seen.push(...page.items.map((call) => call.requestId));
          cursor = page.next;
        } while (cursor !== null);
        expect(seen).toEqual(ordered.map((call) => call.requestId).toReversed());
        await store.close();
      },
    ),
    { numRuns: 15 },
  );
});

test('every filter narrows, by every name of a model too', async () => {
  const { write, ids } = openCalls();
  await write(
    record({ requestId: 'req_1' }),
    record({
      requestId: 'req_2',
      kid: 'kid2',
      applicationId: 'app_2',
      code: 'rate_limited',
      status: 429,
      provider: 'anthropic',
      model: 'claude',
      requestedModel: 'anthropic/claude',
      startedAtMs: DAY1_MS + 5,
    }),
    record({ requestId: 'req_3', startedAtMs: DAY1_MS + DAY_MS }),
  );
  const cases: readonly (readonly [CallFilter, readonly string[]])[] = [
    [{ kid: 'kid2' }, ['req_2']],
    [{ applicationId: 'app_1' }, ['req_3', 'req_1']],
    [{ code: 'rate_limited' }, ['req_2']],
    [{ status: 200 }, ['req_3', 'req_1']],
    [{ provider: 'anthropic' }, ['req_2']],
    [{ requestId: 'req_1' }, ['req_1']],
    [{ model: 'fast' }, ['req_3', 'req_1']],
    [{ model: 'gpt-4o-mini' }, ['req_3', 'req_1']],
    [{ model: 'anthropic/claude' }, ['req_2']],
    [{ fromMs: DAY1_MS + 5 }, ['req_3', 'req_2']],
    [{ toMs: DAY1_MS + 5 }, ['req_1']],
    [{ fromMs: DAY1_MS + 1, toMs: DAY1_MS + DAY_MS }, ['req_2']],
    [{ kid: `' or 1=1 --` }, []],
  ];
  for (const [filter, expected] of cases) expect([filter, await ids('ws_a', filter)]).toEqual([filter, expected]);
});

test('usage sums over days, by group, and of one workspace only', async () => {
  const { store, write } = openCalls();
  await write(
    record({ requestId: 'req_1' }),
    record({ requestId: 'req_2', startedAtMs: DAY1_MS + DAY_MS, reasoningTokens: 2 }),
    record({ requestId: 'req_3', code: 'provider_timeout', provider: null, model: null, inputTokens: null }),
    record({ requestId: 'req_4', workspaceId: 'ws_b' }),
    record({ requestId: 'req_5', startedAtMs: DAY1_MS + 2 * DAY_MS }),
  );
  const query = { fromMs: DAY1_MS, toMs: DAY1_MS + 2 * DAY_MS };
  expect(await store.usage('ws_a', { ...query, groupBy: 'model' })).toEqual([
    {
      group: 'openai/gpt-4o-mini',
      calls: 2,
      failedCalls: 0,
      inputTokens: 6,
      cachedInputTokens: 2,
      outputTokens: 10,
      reasoningTokens: 2,
      requestBytes: 20,
      responseBytes: 40,
      costNanoUsd: 3000,
    },
    {
      group: '',
      calls: 1,
      failedCalls: 1,
      inputTokens: 0,
      cachedInputTokens: 1,
      outputTokens: 5,
      reasoningTokens: 0,
      requestBytes: 10,
      responseBytes: 20,
      costNanoUsd: 1500,
    },
  ]);
  const groups = async (groupBy: 'key' | 'application' | 'provider' | 'day' | 'code') =>
    (await store.usage('ws_a', { ...query, groupBy })).map((usage) => [usage.group, usage.calls]);
  expect(await groups('key')).toEqual([['kid1', 3]]);
  expect(await groups('application')).toEqual([['app_1', 3]]);
  expect(await groups('provider')).toEqual([
    ['openai', 2],
    ['', 1],
  ]);
  expect(await groups('day')).toEqual([
    ['2026-11-07', 2],
    ['2026-11-08', 1],
  ]);
  expect(await groups('code')).toEqual([
    ['ok', 2],
    ['provider_timeout', 1],
  ]);
  expect(await store.usage(null, { ...query, groupBy: 'code' })).toEqual([]);
});

test('a batch that cannot be written whole leaves nothing of itself in its day', async () => {
  const { store, write, ids } = openCalls();
  await write(record({ requestId: 'req_1' }));
  const bad = [...row(record({ requestId: 'req_3' })).slice(0, -1), {}] as unknown as CallRow;
  await expect(store.write([row(record({ requestId: 'req_2' })), bad])).rejects.toThrow();
  expect(await ids('ws_a')).toEqual(['req_1']);
  await write(record({ requestId: 'req_2' }));
  expect(await ids('ws_a')).toEqual(['req_2', 'req_1']);
});

test('a call list takes only its own cursors', async () => {
  const { dataDir, store } = openCalls();
  for (const cursor of ['x', Buffer.from('[1,"a"]').toString('base64url')]) {
    await expect(store.list('ws_a', { cursor, limit: 1 }, {})).rejects.toMatchObject({ code: 'validation_failed' });
  }
  expect(existsSync(join(dataDir, 'calls'))).toBe(true);
});

test('a day that was written before a field existed is read, summed and written on', async () => {
  const { dataDir, store, files, write } = openCalls();
  await write(record({ requestId: 'req_1' }));
  await store.close();
  const old = new DatabaseSync(join(dataDir, 'calls', files()[0] ?? ''));
  for (const column of ['cost_nano_usd', 'decision', 'country']) old.exec(`alter table calls drop column ${column}`);
  old.close();

  const later = openCallStore({ dataDir });
  onTestFinished(() => later.close());
  const page = await later.list('ws_a', { cursor: null, limit: 10 }, {});
  expect(page.items[0]).toMatchObject({ requestId: 'req_1', costNanoUsd: null, decision: null, country: null });
  const call = record({ requestId: 'req_2' });
  await later.write([row(call)]);
  expect((await later.list('ws_a', { cursor: null, limit: 10 }, { requestId: 'req_2' })).items).toEqual([call]);
});
