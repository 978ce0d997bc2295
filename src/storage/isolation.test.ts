import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { CredentialRotationRow } from '../admin/credential-stores.ts';
import type { WorkspaceStore } from '../admin/stores.ts';
import { AppError } from '../errors.ts';
import {
  adminTokenRow,
  applicationRow,
  auditRow,
  credentialRow,
  keyRow,
  membershipRow,
  NOW_MS,
  openTestStore,
  personRow,
  providerRow,
  subscriptionRow,
  teamRow,
} from './store-fixture.ts';
import { activity, alertRow, outboxRow, policyRow, revealRow, webhookRow } from './key-life-fixture.ts';

/** Both workspaces use the same ids wherever a key of the table allows it, and others where not. */
const SHARED = ['one', 'two', 'three'];

async function fill(store: WorkspaceStore): Promise<void> {
  const marker = `content of ${store.workspaceId}`;
  for (const id of SHARED) {
    await store.applications.insert(applicationRow({ id, name: marker, isDefault: id === 'one' }));
    await store.keys.insert(keyRow({ kid: `${store.workspaceId}_${id}`, applicationId: id, name: marker, tags: [id] }));
    await store.people.insert(personRow({ id, name: marker, email: `${id}@example.com` }));
    await store.teams.insert(teamRow({ id, name: marker }));
    await store.memberships.insert(membershipRow({ teamId: id, personId: id }));
    await store.providers.insert(providerRow({ id, models: [marker] }));
    await store.credentials.insert(credentialRow({ id, providerId: id, name: marker }), `secret: ${marker}`);
    await store.masked.insertPlace(place(id, marker));
    await store.masked.link(`${store.workspaceId}_${id}`, id);
    await store.adminTokens.insert(adminTokenRow(`${store.workspaceId}_${id}`, { name: marker }));
    await store.adminRefusals.insert(refusalRow(id, marker), 10);
    await store.subscriptions.insert(subscriptionRow({ id, applicationId: id, name: marker }));
    await store.masked.setBackendToken({ kid: marker, hash: '', pepperVersion: 1, createdAtMs: NOW_MS });
    await store.credentialRotations.insert(rotationRow({ id, newCredentialId: marker }));
    await store.aliases.insert({ id, targets: [marker], createdAtMs: NOW_MS, updatedAtMs: NOW_MS });
    await store.audit.append(auditRow({ id, actor: marker, targetId: id }));
    await store.activity.add([activity({ kid: id, lastAddress: marker })]);
    await store.rotationPolicies.insert(policyRow({ id, name: marker }));
    await store.webhooks.insert(webhookRow({ id, name: marker }), `secret: ${marker}`);
    await store.outbox.insert(outboxRow({ id, webhookId: id, body: marker }));
    await store.alerts.insert(alertRow({ id, dedupeKey: id, message: marker }));
    // Ids of links are unique in the deployment.
    await store.reveals.insert(revealRow({ id: `${store.workspaceId}_${id}`, kid: id }), `secret: ${marker}`);
  }
}

function refusalRow(requestId: string, path: string) {
  const asked = { kid: 'kid', atMs: NOW_MS, method: 'GET', path, address: '' };
  return { requestId, ...asked, status: 403, code: 'forbidden', decision: '{}', configVersion: 1 };
}

function rotationRow(row: Partial<CredentialRotationRow> & { readonly id: string }): CredentialRotationRow {
  const plan = { canaryPercent: 5, canaryCalls: 1, canaryMs: 1, drainMs: 1, deleteAfterMs: 1, weight: 1, priority: 1 };
  return {
    ...{ providerId: 'p', credentialId: row.id, newCredentialId: 'new', state: 'running', steps: [], plan },
    ...{ canaryPassed: 0, canarySeen: 0, dueAtMs: NOW_MS, revision: 1, createdBy: 'test' },
    ...{ createdAtMs: NOW_MS, updatedAtMs: NOW_MS, endedAtMs: null, endedReason: null },
    ...row,
  };
}

function place(credentialId: string, baseUrl: string) {
  return { credentialId, baseUrl, header: 'authorization', prefix: '', prices: '{}' };
}

/** Everything that a workspace can see of itself. */
async function view(store: WorkspaceStore): Promise<string> {
  const page = { cursor: null, limit: 500 };
  return JSON.stringify([
    await store.applications.list(page, {}),
    await store.people.list(page, {}),
    await store.people.all(),
    await store.teams.all(),
    await store.memberships.all(),
    await store.applications.all(),
    await store.applications.getDefault(),
    await store.keys.list(page, {}),
    await store.providers.all(),
    await store.credentials.list(page, {}),
    await store.credentials.secrets(),
    await store.aliases.all(),
    await store.credentialRotations.list(page, {}),
    await store.credentialRotations.due(Number.MAX_SAFE_INTEGER, 500),
    await store.audit.list(page, {}),
    await store.scans.keys({ kind: 'secret-older', beforeMs: NOW_MS }, '', 500),
    ...(await Promise.all(SHARED.map((id) => store.activity.get(id)))),
    await store.rotationPolicies.all(),
    await store.webhooks.all(),
    ...(await Promise.all(SHARED.map((id) => store.webhooks.secret(id)))),
    ...(await Promise.all(SHARED.map((id) => store.outbox.list(page, id)))),
    await store.alerts.list(page, {}),
    ...(await Promise.all(SHARED.map((id) => store.reveals.waiting(id)))),
    await Promise.all(SHARED.map((id) => store.masked.place(id))),
    [...(await store.masked.credentialsOf(SHARED.map((id) => `${store.workspaceId}_${id}`)))],
    await store.masked.backendToken(),
    await store.subscriptions.list(page, {}),
    await store.subscriptions.all(),
    await store.adminTokens.list(page, {}),
    await Promise.all(SHARED.map((id) => store.adminRefusals.get(id))),
  ]);
}

type Step = (store: WorkspaceStore, id: string) => Promise<unknown>;
const page = { cursor: null, limit: 500 };
const patch = { name: 'changed by ws_a', updatedAtMs: 1 };

/** Every method, by ids that may be of the other workspace. */
const STEPS: Readonly<Record<string, Step>> = {
  'applications.get': (store, id) => store.applications.get(id),
  'applications.find': (store, id) => store.applications.find(id),
  'applications.list': (store) => store.applications.list(page, {}),
  'applications.deleted': (store) => store.applications.list(page, { deleted: true }),
  'applications.all': (store) => store.applications.all(),
  'applications.getDefault': (store) => store.applications.getDefault(),
  'applications.insert': (store, id) => store.applications.insert(applicationRow({ id, name: 'ws_a new' })),
  'applications.update': (store, id) => store.applications.update(id, patch),
  'applications.delete': (store, id) => store.applications.update(id, { deletedAtMs: 1 }),
  'people.get': (store, id) => store.people.get(id),
  'people.find': (store, id) => store.people.find(id),
  'people.byEmail': (store, id) => store.people.byEmail(`${id}@example.com`),
  'people.list': (store) => store.people.list(page, {}),
  'people.all': (store) => store.people.all(),
  'people.insert': (store, id) => store.people.insert(personRow({ id, name: 'ws_a new' })),
  'people.update': (store, id) => store.people.update(id, { ...patch, deletedAtMs: 1 }),
  'teams.get': (store, id) => store.teams.get(id),
  'teams.find': (store, id) => store.teams.find(id),
  'teams.list': (store) => store.teams.list(page, {}),
  'teams.all': (store) => store.teams.all(),
  'teams.insert': (store, id) => store.teams.insert(teamRow({ id, name: 'ws_a new' })),
  'teams.update': (store, id) => store.teams.update(id, { ...patch, deletedAtMs: 1 }),
  'memberships.get': (store, id) => store.memberships.get(id, id),
  'memberships.find': (store, id) => store.memberships.find(id, id),
  'memberships.list': (store, id) => store.memberships.list(id, page, {}),
  'memberships.all': (store) => store.memberships.all(),
  'memberships.insert': (store, id) => store.memberships.insert(membershipRow({ teamId: id, personId: id })),
  'memberships.update': (store, id) => store.memberships.update(id, id, { role: 'viewer', updatedAtMs: 1 }),
  'keys.get': (store, id) => store.keys.get(id),
  'keys.getMany': (store, id) => store.keys.getMany([id, 'ws_b_one']),
  'keys.ofOwner': (store, id) => store.keys.list(page, { ownerId: id }),
  'keys.ofParents': (store, id) => store.keys.list(page, { parentKids: [id] }),
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
  'credentialRotations.get': (store, id) => store.credentialRotations.get(id),
  'credentialRotations.list': (store, id) => store.credentialRotations.list(page, { credentialId: id }),
  'credentialRotations.due': (store) => store.credentialRotations.due(Number.MAX_SAFE_INTEGER, 500),
  'credentialRotations.runningOf': (store, id) => store.credentialRotations.runningOf(id),
  'credentialRotations.insert': (store, id) => store.credentialRotations.insert(rotationRow({ id, createdBy: 'ws_a' })),
  'credentialRotations.update': (store, id) =>
    store.credentialRotations.update(rotationRow({ id, state: 'completed', endedAtMs: 1 })),
  'credentialRotations.prune': (store) => store.credentialRotations.prune(Number.MAX_SAFE_INTEGER),
  'aliases.get': (store, id) => store.aliases.get(id),
  'aliases.all': (store) => store.aliases.all(),
  'aliases.insert': (store, id) =>
    store.aliases.insert({ id, targets: ['ws_a'], createdAtMs: NOW_MS, updatedAtMs: NOW_MS }),
  'aliases.update': (store, id) => store.aliases.update(id, { targets: ['changed by ws_a'] }, 1),
  'aliases.delete': (store, id) => store.aliases.delete(id),
  'audit.append': (store, id) => store.audit.append(auditRow({ id, actor: 'ws_a', targetId: id })),
  'audit.list': (store, id) => store.audit.list(page, { targetId: id }),
  'activity.get': (store, id) => store.activity.get(id),
  'activity.add': (store, id) => store.activity.add([activity({ kid: id, lastAddress: 'ws_a' })]),
  'activity.prune': (store) => store.activity.prune(Number.MAX_SAFE_INTEGER),
  'scans.keys': (store, id) => store.scans.keys({ kind: 'unused-since', beforeMs: NOW_MS }, id, 500),
  'rotationPolicies.get': (store, id) => store.rotationPolicies.get(id),
  'rotationPolicies.all': (store) => store.rotationPolicies.all(),
  'rotationPolicies.insert': (store, id) => store.rotationPolicies.insert(policyRow({ id, name: 'ws_a new' })),
  'rotationPolicies.update': (store, id) => store.rotationPolicies.update(id, policyRow({ id, name: 'by ws_a' })),
  'rotationPolicies.delete': (store, id) => store.rotationPolicies.delete(id),
  'reveals.get': (store, id) => store.reveals.get(id),
  'reveals.waiting': (store, id) => store.reveals.waiting(id),
  'reveals.insert': (store, id) => store.reveals.insert(revealRow({ id, kid: id }), 'secret of ws_a'),
  'reveals.take': (store, id) => store.reveals.take(id, 1),
  'reveals.eraseOf': (store, id) => store.reveals.eraseOf(id),
  'reveals.eraseExpired': (store) => store.reveals.eraseExpired(Number.MAX_SAFE_INTEGER, 500),
  'reveals.prune': (store) => store.reveals.prune(Number.MAX_SAFE_INTEGER),
  'webhooks.get': (store, id) => store.webhooks.get(id),
  'webhooks.all': (store) => store.webhooks.all(),
  'webhooks.secret': (store, id) => store.webhooks.secret(id),
  'webhooks.insert': (store, id) => store.webhooks.insert(webhookRow({ id, name: 'ws_a new' }), 'secret of ws_a'),
  'webhooks.update': (store, id) => store.webhooks.update(id, { name: 'by ws_a' }, 'changed by ws_a'),
  'webhooks.delete': (store, id) => store.webhooks.delete(id),
  'outbox.insert': (store, id) => store.outbox.insert(outboxRow({ id, webhookId: id })),
  'outbox.due': (store, id) => store.outbox.due(id, NOW_MS, 500),
  'outbox.postpone': (store, id) => store.outbox.postpone(id, Number.MAX_SAFE_INTEGER),
  'outbox.stale': (store) => store.outbox.stale(Number.MAX_SAFE_INTEGER, 500),
  'outbox.waiting': (store, id) => store.outbox.waiting(id),
  'outbox.update': (store, id) => store.outbox.update(id, { body: 'by ws_a', state: 'failed', finishedAtMs: 1 }),
  'outbox.list': (store, id) => store.outbox.list(page, id),
  'outbox.prune': (store) => store.outbox.prune(Number.MAX_SAFE_INTEGER),
  'outbox.drop': (store, id) => store.outbox.drop(id),
  'alerts.insert': (store, id) => store.alerts.insert(alertRow({ id, dedupeKey: id })),
  'alerts.get': (store, id) => store.alerts.get(id),
  'alerts.unresolved': (store, id) => store.alerts.unresolved(id),
  'alerts.unseen': (store) => store.alerts.unseen('key_idle', Number.MAX_SAFE_INTEGER, 500),
  'alerts.update': (store, id) => store.alerts.update(id, { message: 'by ws_a', state: 'resolved', resolvedAtMs: 1 }),
  'alerts.list': (store) => store.alerts.list(page, {}),
  'alerts.prune': (store) => store.alerts.prune(Number.MAX_SAFE_INTEGER),
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
  await store.workspace('ws_b').people.insert(personRow({ id: 'only_b' }));
  await own.teams.insert(teamRow({ id: 'team_a' }));
  await expect(own.memberships.insert(membershipRow({ teamId: 'team_a', personId: 'only_b' }))).rejects.toMatchObject({
    code: 'conflict',
  });
  await expect(own.people.update('only_b', patch)).rejects.toMatchObject({ code: 'not_found' });
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
