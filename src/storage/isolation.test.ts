import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { WorkspaceStore } from '../admin/stores.ts';
import { AppError } from '../errors.ts';
import {
  applicationRow,
  auditRow,
  credentialRow,
  keyRow,
  NOW_MS,
  openTestStore,
  providerRow,
} from './store-fixture.ts';

/** Both workspaces use the same ids wherever a key of the table allows it, and others where not. */
const SHARED = ['one', 'two', 'three'];

async function fill(store: WorkspaceStore): Promise<void> {
  const marker = `content of ${store.workspaceId}`;
  for (const id of SHARED) {
    await store.applications.insert(applicationRow({ id, name: marker, isDefault: id === 'one' }));
    await store.keys.insert(keyRow({ kid: `${store.workspaceId}_${id}`, applicationId: id, name: marker, tags: [id] }));
    await store.providers.insert(providerRow({ id, models: [marker] }));
    await store.credentials.insert(credentialRow({ id, providerId: id, name: marker }), `secret: ${marker}`);
    await store.masked.insertPlace(place(id, marker));
    await store.masked.link(`${store.workspaceId}_${id}`, id);
    await store.masked.setBackendToken({ kid: marker, hash: '', pepperVersion: 1, createdAtMs: NOW_MS });
    await store.aliases.insert({ id, targets: [marker], createdAtMs: NOW_MS, updatedAtMs: NOW_MS });
    await store.audit.append(auditRow({ id, actor: marker, targetId: id }));
  }
}

function place(credentialId: string, baseUrl: string) {
  return { credentialId, baseUrl, header: 'authorization', prefix: '', prices: '{}' };
}

/** Everything that a workspace can see of itself. */
async function view(store: WorkspaceStore): Promise<string> {
  const page = { cursor: null, limit: 500 };
  return JSON.stringify([
    await store.applications.list(page),
    await store.applications.all(),
    await store.applications.getDefault(),
    await store.keys.list(page, {}),
    await store.providers.all(),
    await store.credentials.list(page, {}),
    await store.credentials.secrets(),
    await store.aliases.all(),
    await store.audit.list(page, {}),
    await Promise.all(SHARED.map((id) => store.masked.place(id))),
    [...(await store.masked.credentialsOf(SHARED.map((id) => `${store.workspaceId}_${id}`)))],
    await store.masked.backendToken(),
  ]);
}

type Step = (store: WorkspaceStore, id: string) => Promise<unknown>;
const page = { cursor: null, limit: 500 };
const patch = { name: 'changed by ws_a', updatedAtMs: 1 };

/** Every method, by ids that may be of the other workspace. */
const STEPS: Readonly<Record<string, Step>> = {
  'applications.get': (store, id) => store.applications.get(id),
  'applications.list': (store) => store.applications.list(page),
  'applications.all': (store) => store.applications.all(),
  'applications.getDefault': (store) => store.applications.getDefault(),
  'applications.insert': (store, id) => store.applications.insert(applicationRow({ id, name: 'ws_a new' })),
  'applications.update': (store, id) => store.applications.update(id, patch),
  'applications.delete': (store, id) => store.applications.delete(id),
  'keys.get': (store, id) => store.keys.get(id),
  'keys.list': (store, id) => store.keys.list(page, { applicationId: id }),
  'keys.search': (store, id) => store.keys.list(page, { search: id }),
  'keys.tag': (store, id) => store.keys.list(page, { tag: id }),
  'keys.insert': (store, id) => store.keys.insert(keyRow({ kid: id, applicationId: id, name: 'ws_a new' })),
  'keys.update': (store, id) => store.keys.update(id, 1, patch),
  'keys.move': (store, id) => store.keys.update('ws_a_one', 1, { applicationId: id }),
  'providers.get': (store, id) => store.providers.get(id),
  'providers.all': (store) => store.providers.all(),
  'providers.insert': (store, id) => store.providers.insert(providerRow({ id, models: ['ws_a'] })),
  'providers.update': (store, id) => store.providers.update(id, { models: ['ws_a'] }),
  'providers.delete': (store, id) => store.providers.delete(id),
  'credentials.get': (store, id) => store.credentials.get(id),
  'credentials.list': (store, id) => store.credentials.list(page, { providerId: id }),
  'credentials.secrets': (store) => store.credentials.secrets(),
  'credentials.insert': (store, id) => store.credentials.insert(credentialRow({ id, name: 'ws_a new' }), 'of ws_a'),
  'credentials.update': (store, id) => store.credentials.update(id, patch, 'changed by ws_a'),
  'credentials.delete': (store, id) => store.credentials.delete(id),
  'credentials.secretOf': (store, id) => store.credentials.secretOf(id),
  'masked.place': (store, id) => store.masked.place(id),
  'masked.insertPlace': (store, id) => store.masked.insertPlace(place(id, 'of ws_a')),
  'masked.link': (store, id) => store.masked.link(id, 'one'),
  'masked.credentialsOf': async (store, id) => [...(await store.masked.credentialsOf([id]))],
  'masked.backendToken': (store) => store.masked.backendToken(),
  'masked.setBackendToken': (store, id) =>
    store.masked.setBackendToken({ kid: id, hash: 'of ws_a', pepperVersion: 1, createdAtMs: 1 }),
  'aliases.get': (store, id) => store.aliases.get(id),
  'aliases.all': (store) => store.aliases.all(),
  'aliases.insert': (store, id) =>
    store.aliases.insert({ id, targets: ['ws_a'], createdAtMs: NOW_MS, updatedAtMs: NOW_MS }),
  'aliases.update': (store, id) => store.aliases.update(id, ['changed by ws_a'], 1),
  'aliases.delete': (store, id) => store.aliases.delete(id),
  'audit.append': (store, id) => store.audit.append(auditRow({ id, actor: 'ws_a', targetId: id })),
  'audit.list': (store, id) => store.audit.list(page, { targetId: id }),
};

test('no method of a workspace returns or changes a row of another, whatever ids it is given', async () => {
  const store = await openTestStore();
  const own = store.workspace('ws_a');
  const other = store.workspace('ws_b');
  await fill(own);
  await fill(other);
  await other.applications.insert(applicationRow({ id: 'only_b', name: 'content of ws_b' }));
  await other.keys.insert(keyRow({ kid: 'kid_only_b', applicationId: 'only_b', name: 'content of ws_b' }));
  await other.providers.insert(providerRow({ id: 'only_b', models: ['content of ws_b'] }));
  await other.credentials.insert(credentialRow({ id: 'only_b', name: 'content of ws_b' }), 'secret: content of ws_b');
  await other.aliases.insert({ id: 'only_b', targets: ['content of ws_b'], createdAtMs: NOW_MS, updatedAtMs: NOW_MS });
  await other.audit.append(auditRow({ id: 'only_b', actor: 'content of ws_b', targetId: 'only_b' }));
  const before = await view(other);

  const ids = fc.oneof(
    fc.constantFrom(...SHARED, 'only_b', 'kid_only_b', 'ws_b_one', 'ws_b_two', 'ws_a_one', 'ws_b', ''),
    fc.string(),
  );
  const step = fc.record({ name: fc.constantFrom(...Object.keys(STEPS)), id: ids, inTransaction: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (steps) => {
      for (const { name, id, inTransaction } of steps) {
        const result = await attempt(() => {
          const work = (target: WorkspaceStore) => STEPS[name]?.(target, id) ?? Promise.resolve(null);
          return inTransaction ? own.transaction(work) : work(own);
        });
        expect(JSON.stringify(result) ?? '').not.toContain('content of ws_b');
      }
      expect(await view(other)).toBe(before);
      expect(await view(own)).not.toContain('content of ws_b');
    }),
    { numRuns: 60 },
  );
});

test('ids that only the other workspace has are not found, and its applications take no keys from here', async () => {
  const store = await openTestStore();
  const own = store.workspace('ws_a');
  await store.workspace('ws_b').applications.insert(applicationRow({ id: 'only_b' }));
  await expect(own.applications.update('only_b', patch)).rejects.toMatchObject({ code: 'not_found' });
  await expect(own.applications.delete('only_b')).rejects.toMatchObject({ code: 'not_found' });
  await expect(own.keys.insert(keyRow({ kid: 'k', applicationId: 'only_b' }))).rejects.toMatchObject({
    code: 'conflict',
  });
});

/** The result, or nothing where the store refused: only its own refusals are expected. */
async function attempt(work: () => Promise<unknown>): Promise<unknown> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof AppError) return null;
    throw error;
  }
}
