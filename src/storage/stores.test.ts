import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Page, PageRequest } from '../admin/stores.ts';
import {
  applicationRow,
  auditRow,
  credentialRow,
  keyRow,
  NOW_MS,
  openTestStore,
  providerRow,
  workspaceRow,
} from './store-fixture.ts';
import { createDelegationPolicy } from '../keys/delegation-policy.ts';
import { NO_LIMITS, NO_SCOPES } from '../keys/constraints.ts';

async function openWorkspace() {
  const store = await openTestStore();
  const workspace = store.workspace('ws_a');
  await workspace.applications.insert(applicationRow({ id: 'app_1', isDefault: true }));
  return { store, workspace };
}

test('an application comes back as it was stored and as it was changed', async () => {
  const { workspace } = await openWorkspace();
  const row = applicationRow({ id: 'app_2', subscribedModels: ['openai/*', 'fast'] });
  await workspace.applications.insert(row);
  expect(await workspace.applications.get('app_2')).toEqual(row);
  const patch = { name: 'Ünïcode', state: 'disabled', subscribedModels: [], updatedAtMs: NOW_MS + 1 } as const;
  await workspace.applications.update('app_2', patch);
  await workspace.applications.update('app_2', {});
  expect(await workspace.applications.get('app_2')).toEqual({ ...row, ...patch });
  expect((await workspace.applications.getDefault())?.id).toBe('app_1');
  await workspace.applications.update('app_2', { deletedAtMs: NOW_MS });
  expect(await workspace.applications.get('app_2')).toBeNull();
  expect((await workspace.applications.all()).map(({ id }) => id)).toEqual(['app_1']);
  expect(await workspace.applications.find('app_2')).toMatchObject({ deletedAtMs: NOW_MS });
  await expect(workspace.applications.update('app_9', patch)).rejects.toMatchObject({ code: 'not_found' });
});

test('a workspace has one default application', async () => {
  const { workspace } = await openWorkspace();
  await expect(workspace.applications.insert(applicationRow({ id: 'app_2', isDefault: true }))).rejects.toMatchObject({
    code: 'conflict',
  });
});

test('a key comes back as it was stored, with every byte of its hashes', async () => {
  const { store, workspace } = await openWorkspace();
  const hash = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)).toString('latin1');
  const row = keyRow({
    kid: 'kid000000001',
    applicationId: 'app_1',
    secrets: [
      { hash, pepperVersion: 1, state: 'current', notAfterMs: null },
      { hash: '\0', pepperVersion: 2, state: 'retiring', notAfterMs: NOW_MS },
    ],
    scopes: {
      ...NO_SCOPES,
      models: ['openai/*'],
      addresses: ['10.0.0.0/8'],
      timeWindows: [{ days: ['mon'], from: '09:00', to: '17:00', timeZone: 'UTC' }],
    },
    limits: {
      ...NO_LIMITS,
      uses: 3,
      budgets: [{ nanoUsd: 9e15, period: 'day', window: 'rolling', timeZone: 'UTC', kind: 'soft' }],
    },
    type: 'kwt',
    parentKid: 'kid000000000',
    binding: 'session-1',
    ownerId: 'per_1',
    state: 'suspended',
    suspension: { automatic: true, untilMs: 7 },
    delegation: createDelegationPolicy('ws_a', 'x'.repeat(43)),
    notBeforeMs: 1,
    expiresAtMs: 2,
    tags: ['a', 'b "c"\n\\'],
  });
  await workspace.keys.insert(row);
  expect(await workspace.keys.get(row.kid)).toEqual(row);
  expect(await store.findKey(row.kid)).toEqual({
    kid: row.kid,
    type: 'kwt',
    parentKid: 'kid000000000',
    binding: 'session-1',
    workspaceId: 'ws_a',
    applicationId: 'app_1',
    ownerId: 'per_1',
    environment: 'live',
    state: 'suspended',
    suspension: { automatic: true, untilMs: 7 },
    secrets: row.secrets,
    notBeforeMs: 1,
    expiresAtMs: 2,
    scopes: row.scopes,
    scopesSetAtMs: NOW_MS,
    limits: row.limits,
    delegation: row.delegation,
    minting: row.minting,
    revision: 1,
  });
  expect(await store.findKey('kid000000002')).toBeNull();
});

test('a key is changed only from the revision that was read', async () => {
  const { store, workspace } = await openWorkspace();
  await workspace.keys.insert(keyRow({ kid: 'k1', applicationId: 'app_1' }));
  const results = await Promise.all([
    workspace.keys.update('k1', 1, { state: 'suspended', stateReason: 'first' }),
    workspace.keys.update('k1', 1, { state: 'revoked', stateReason: 'second' }),
  ]);
  expect(results).toEqual([true, false]);
  expect(await workspace.keys.get('k1')).toMatchObject({ state: 'suspended', stateReason: 'first', revision: 2 });
  expect(await store.findKey('k1')).toMatchObject({ state: 'suspended', revision: 2 });
  expect(await workspace.keys.update('missing', 1, { name: 'x' })).toBe(false);
});

test('a kid is unique over all workspaces', async () => {
  const { store, workspace } = await openWorkspace();
  await store.workspace('ws_b').applications.insert(applicationRow({ id: 'app_1' }));
  await workspace.keys.insert(keyRow({ kid: 'k1', applicationId: 'app_1' }));
  await expect(
    store.workspace('ws_b').keys.insert(keyRow({ kid: 'k1', applicationId: 'app_1' })),
  ).rejects.toMatchObject({
    code: 'conflict',
  });
  expect((await store.findKey('k1'))?.workspaceId).toBe('ws_a');
});

test('keys are found by application, state, environment, tag, part of the name and start of the kid', async () => {
  const { workspace } = await openWorkspace();
  await workspace.applications.insert(applicationRow({ id: 'app_2' }));
  await workspace.keys.insert(
    keyRow({ kid: 'AAAAaaaa1111', applicationId: 'app_1', name: 'Größe 100%', tags: ['x', 'y'] }),
  );
  await workspace.keys.insert(
    keyRow({
      kid: 'BBBBbbbb2222',
      applicationId: 'app_2',
      name: 'other',
      state: 'revoked',
      environment: 'test',
      tags: ['xy'],
    }),
  );
  const find = async (filter: Parameters<typeof workspace.keys.list>[1]) =>
    (await workspace.keys.list({ cursor: null, limit: 10 }, filter)).items.map((row) => row.kid);
  expect(await find({ applicationId: 'app_2' })).toEqual(['BBBBbbbb2222']);
  expect(await find({ state: 'active' })).toEqual(['AAAAaaaa1111']);
  expect(await find({ environment: 'test' })).toEqual(['BBBBbbbb2222']);
  expect(await find({ tag: 'x' })).toEqual(['AAAAaaaa1111']);
  expect(await find({ search: 'GRÖSSE' })).toEqual([]);
  expect(await find({ search: 'GRÖß' })).toEqual(['AAAAaaaa1111']);
  expect(await find({ search: '%' })).toEqual(['AAAAaaaa1111']);
  expect(await find({ search: 'BBBB' })).toEqual(['BBBBbbbb2222']);
  expect(await find({ search: 'bbbb' })).toEqual([]);
  expect(await find({ search: 'other', state: 'active' })).toEqual([]);
});

test('a tag filter finds exactly the keys that have the whole tag', async () => {
  const { workspace } = await openWorkspace();
  const tag = fc.string({ unit: fc.constantFrom('a', '"', '\\', '\n', ' ', ',', '[', 'é'), maxLength: 4 });
  let count = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(tag, { maxLength: 4 }), tag, async (tags, wanted) => {
      const kid = `k${++count}`;
      await workspace.keys.insert(keyRow({ kid, applicationId: 'app_1', tags }));
      const { items } = await workspace.keys.list({ cursor: null, limit: 500 }, { tag: wanted, search: kid });
      expect(items.some((row) => row.kid === kid)).toBe(tags.includes(wanted));
    }),
    { numRuns: 200 },
  );
});

test('providers, aliases and audit events come back as they were stored', async () => {
  const { workspace } = await openWorkspace();
  const provider = providerRow({ id: 'house' });
  await workspace.providers.insert(provider);
  await workspace.providers.update('house', { dialect: null, baseUrl: null, state: 'disabled' });
  expect(await workspace.providers.all()).toEqual([{ ...provider, dialect: null, baseUrl: null, state: 'disabled' }]);
  await workspace.providers.delete('house');
  expect(await workspace.providers.get('house')).toBeNull();

  await workspace.aliases.insert({
    id: 'fast',
    targets: ['a/b'],
    strategy: 'weighted',
    createdAtMs: 1,
    updatedAtMs: 1,
  });
  await workspace.aliases.update('fast', { targets: ['c/d', { model: 'e/f', weight: 2 }], hedge: { afterMs: 5 } }, 2);
  expect(await workspace.aliases.get('fast')).toEqual({
    id: 'fast',
    targets: ['c/d', { model: 'e/f', weight: 2 }],
    hedge: { afterMs: 5 },
    createdAtMs: 1,
    updatedAtMs: 2,
  });
  await workspace.aliases.delete('fast');
  expect(await workspace.aliases.all()).toEqual([]);

  const event = auditRow({ id: 'a1', before: { deep: [1, null] }, after: null });
  await workspace.audit.append(event);
  await workspace.audit.append(auditRow({ id: 'a2', action: 'keys.revoke', before: undefined }));
  expect((await workspace.audit.list({ cursor: null, limit: 10 }, { action: 'keys.create' })).items).toEqual([event]);
});

test('a credential has its secret back only where secrets are asked for, and a new one replaces the old', async () => {
  const { workspace } = await openWorkspace();
  const row = credentialRow({ id: 'cred_1' });
  await workspace.credentials.insert(row, 'sk-first');
  expect(await workspace.credentials.get('cred_1')).toEqual(row);
  expect(await workspace.credentials.secrets()).toEqual([{ ...row, secret: 'sk-first' }]);
  await workspace.credentials.update('cred_1', { weight: 2, priority: 1, models: null });
  await workspace.credentials.update('cred_1', { hint: '…cond' }, 'sk-second');
  await workspace.credentials.update('cred_1', {}, 'sk-third');
  expect(await workspace.credentials.secrets()).toEqual([
    { ...row, weight: 2, priority: 1, models: null, hint: '…cond', secret: 'sk-third' },
  ]);
  await workspace.credentials.delete('cred_1');
  expect(await workspace.credentials.secrets()).toEqual([]);
});

test('a transaction is all or nothing, also where a part of it failed and was caught', async () => {
  const { workspace } = await openWorkspace();
  await expect(
    workspace.transaction(async (tx) => {
      await tx.applications.insert(applicationRow({ id: 'app_2' }));
      throw new Error('no');
    }),
  ).rejects.toThrow('no');
  await expect(
    workspace.transaction(async (tx) => {
      await tx.applications.insert(applicationRow({ id: 'app_3' }));
      await tx
        .transaction(async (inner) => {
          await inner.applications.insert(applicationRow({ id: 'app_4' }));
          throw new Error('inner');
        })
        .catch(() => undefined);
    }),
  ).rejects.toThrow('inner');
  expect((await workspace.applications.all()).map((row) => row.id)).toEqual(['app_1']);
  const result = await workspace.transaction(async (tx) => {
    await tx.applications.insert(applicationRow({ id: 'app_5' }));
    return tx.transaction(async (inner) => (await inner.applications.get('app_5'))?.id);
  });
  expect(result).toBe('app_5');
});

test('the data plane finds keys while a transaction is open, as they were before it', async () => {
  const { store, workspace } = await openWorkspace();
  await workspace.keys.insert(keyRow({ kid: 'k1', applicationId: 'app_1' }));
  await workspace.transaction(async (tx) => {
    await tx.keys.update('k1', 1, { state: 'revoked' });
    expect(await store.findKey('k1')).toMatchObject({ state: 'active' });
  });
  expect(await store.findKey('k1')).toMatchObject({ state: 'revoked' });
});

test('pages hold every row once, newest first, though rows come in between', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 1, maxLength: 30 }),
      fc.integer({ min: 1, max: 7 }),
      async (times, limit) => {
        const { workspace } = await openWorkspace();
        for (const [index, createdAtMs] of times.entries()) {
          await workspace.keys.insert(keyRow({ kid: `k${index}`, applicationId: 'app_1', createdAtMs }));
        }
        let inserted = 0;
        const seen = await readPages(
          (page) => workspace.keys.list(page, {}),
          limit,
          () => workspace.keys.insert(keyRow({ kid: `new${++inserted}`, applicationId: 'app_1', createdAtMs: 100 })),
        );
        const expected = times
          .map((createdAtMs, index) => ({ createdAtMs, kid: `k${index}` }))
          .toSorted((a, b) => b.createdAtMs - a.createdAtMs || (a.kid < b.kid ? 1 : -1));
        expect(seen.map((row) => row.kid)).toEqual(expected.map((row) => row.kid));
      },
    ),
    { numRuns: 15 },
  );
});

test.each([
  'x',
  '',
  'bnVsbA',
  Buffer.from('["1","x"]').toString('base64url'),
  Buffer.from('[1]').toString('base64url'),
  'A'.repeat(600),
])('a cursor that no list gave out is refused: %s', async (cursor) => {
  const { store, workspace } = await openWorkspace();
  const page = { cursor, limit: 10 };
  for (const list of [
    workspace.keys.list(page, {}),
    workspace.applications.list(page, {}),
    workspace.people.list(page, {}),
    workspace.teams.list(page, {}),
    workspace.memberships.list('team_1', page, {}),
    store.workspaces.page(page, {}),
    workspace.credentials.list(page, {}),
    workspace.audit.list(page, {}),
  ]) {
    await expect(list).rejects.toMatchObject({ code: 'validation_failed' });
  }
});

test('workspaces are listed with the oldest first: it is the default one', async () => {
  const { store } = await openWorkspace();
  await store.workspaces.insert(workspaceRow({ id: 'ws_0', state: 'disabled', createdAtMs: NOW_MS + 1 }));
  expect((await store.workspaces.list()).map((row) => [row.id, row.state])).toEqual([
    ['ws_a', 'active'],
    ['ws_b', 'active'],
    ['ws_0', 'disabled'],
  ]);
  await expect(store.workspaces.insert(workspaceRow({ id: 'ws_a', createdAtMs: 1 }))).rejects.toMatchObject({
    code: 'conflict',
  });
});

test('a workspace that is not there takes no rows', async () => {
  const { store } = await openWorkspace();
  await expect(store.workspace('ws_none').applications.insert(applicationRow({ id: 'x' }))).rejects.toMatchObject({
    code: 'conflict',
  });
  await expect(store.workspace('ws_none').credentials.insert(credentialRow({ id: 'x' }), 's')).rejects.toMatchObject({
    code: 'not_found',
  });
});

async function readPages<T>(
  list: (page: PageRequest) => Promise<Page<T>>,
  limit: number,
  between: () => Promise<void>,
): Promise<readonly T[]> {
  const seen: T[] = [];
  let cursor: string | null = null;
  do {
    const page: Page<T> = await list({ cursor, limit });
    expect(page.items.length).toBeLessThanOrEqual(limit);
    seen.push(...page.items);
    cursor = page.next;
    await between();
  } while (cursor !== null);
  return seen;
}
