import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { KeyScan } from '../admin/key-life-stores.ts';
import { AppError } from '../errors.ts';
import { activity, alertRow, outboxRow, policyRow, revealRow, webhookRow } from './key-life-fixture.ts';
import { MIGRATIONS } from './migrations/index.ts';
import {
  applicationRow,
  clock,
  folderBytes,
  keyRow,
  NOW_MS,
  openTestStore,
  tempFolder,
  workspaceRow,
} from './store-fixture.ts';
import { openStore } from './store.ts';

const DAY_MS = 86_400_000;
const masterKey = Buffer.alloc(32, 1);

test('a policy, a webhook and an alert come back as they were stored', async () => {
  const workspace = (await openTestStore()).workspace('ws_a');
  await workspace.rotationPolicies.insert(
    policyRow({ id: 'b', position: 2, whenUnused: null, delivery: { kind: 'none' } }),
  );
  await workspace.rotationPolicies.insert(policyRow({ id: 'c', position: 1 }));
  expect((await workspace.rotationPolicies.all()).map(({ id }) => id)).toEqual(['c', 'b']);
  expect(await workspace.rotationPolicies.get('c')).toEqual(policyRow({ id: 'c', position: 1 }));
  await workspace.webhooks.insert(webhookRow({ id: 'w' }), 'first');
  expect(await workspace.webhooks.get('w')).toEqual(webhookRow({ id: 'w' }));
  await workspace.webhooks.update('w', { url: 'https://example.com/2' }, 'second');
  expect([await workspace.webhooks.secret('w'), await workspace.webhooks.secret('none')]).toEqual(['second', null]);
  await workspace.alerts.insert(alertRow({ id: 'a', dedupeKey: 'x' }));
  expect(await workspace.alerts.get('a')).toEqual(alertRow({ id: 'a', dedupeKey: 'x' }));
});

test('a condition has one alert that is not resolved, whoever raises it', async () => {
  const workspace = (await openTestStore()).workspace('ws_a');
  await workspace.alerts.insert(alertRow({ id: 'a', dedupeKey: 'x' }));
  await expect(workspace.alerts.insert(alertRow({ id: 'b', dedupeKey: 'x' }))).rejects.toThrow(AppError);
  await workspace.alerts.update('a', { state: 'resolved', resolvedAtMs: NOW_MS });
  await workspace.alerts.insert(alertRow({ id: 'b', dedupeKey: 'x' }));
  expect((await workspace.alerts.unresolved('x'))?.id).toBe('b');
});

test('a sealed secret is taken once, whoever else asks for it at the same time', async () => {
  const workspace = (await openTestStore()).workspace('ws_a');
  await workspace.reveals.insert(revealRow({ id: 'r', kid: 'k' }), 'the secret');
  const taken = await Promise.all(Array.from({ length: 5 }, () => workspace.reveals.take('r', NOW_MS)));
  expect(taken.filter((text) => text !== null)).toEqual(['the secret']);
  expect(await workspace.reveals.get('r')).toMatchObject({ sealed: false, openedAtMs: NOW_MS });
});

test('secrets that wait for a reader, or sign for a webhook, are in no byte of the data folder, before and after', async () => {
  const dataDir = tempFolder();
  const store = openStore({ dataDir, masterKey, clock });
  await store.workspaces.insert(workspaceRow({ id: 'ws_a' }));
  const workspace = store.workspace('ws_a');
  await workspace.reveals.insert(revealRow({ id: 'r', kid: 'k' }), 'planted-new-secret');
  await workspace.webhooks.insert(webhookRow({ id: 'w' }), 'planted-signing-secret');
  const clear = () => [...folderBytes(dataDir).values()].some((bytes) => bytes.includes('planted-'));
  expect(clear()).toBe(false);
  await workspace.reveals.take('r', NOW_MS);
  await store.close();
  expect(clear()).toBe(false);
});

test.each<[string, KeyScan, readonly string[]]>([
  ['secrets of an age', { kind: 'secret-older', beforeMs: NOW_MS - 10 * DAY_MS }, ['old000000000', 'rotated00000']],
  ['retiring secrets that may end', { kind: 'ending-early' }, ['rotated00000']],
  ['an expiry ahead', { kind: 'expiring', fromMs: NOW_MS, toMs: NOW_MS + DAY_MS }, ['expires00000']],
  ['no use for long', { kind: 'unused-since', beforeMs: NOW_MS - 30 * DAY_MS }, ['old000000000']],
])('jobs find keys by %s, without the revoked and the temporary ones', async (_name, scan, kids) => {
  const workspace = (await openTestStore()).workspace('ws_a');
  await workspace.applications.insert(applicationRow({ id: 'app' }));
  const long = { applicationId: 'app', createdAtMs: NOW_MS - 90 * DAY_MS };
  await workspace.keys.insert(keyRow({ kid: 'fresh0000000', applicationId: 'app' }));
  await workspace.keys.insert(keyRow({ kid: 'expires00000', applicationId: 'app', expiresAtMs: NOW_MS + DAY_MS }));
  await workspace.keys.insert(keyRow({ ...long, kid: 'old000000000' }));
  await workspace.keys.insert(keyRow({ ...long, kid: 'revoked00000', state: 'revoked', expiresAtMs: NOW_MS + 1 }));
  await workspace.keys.insert(keyRow({ ...long, kid: 'minted000000', type: 'kwt', parentKid: 'old000000000' }));
  await workspace.keys.insert(keyRow({ ...long, kid: 'rotated00000' }));
  const earlyEnd = { fromMs: NOW_MS, unusedForMs: 1 };
  const secret = { hash: 'x', pepperVersion: 1 };
  await workspace.keys.update('rotated00000', 1, {
    secrets: [
      { ...secret, state: 'current', notAfterMs: null, createdAtMs: NOW_MS - 11 * DAY_MS },
      { ...secret, state: 'retiring', notAfterMs: NOW_MS + 1, earlyEnd },
    ],
    updatedAtMs: NOW_MS,
  });
  await workspace.activity.add([activity({ kid: 'rotated00000', lastUsedAtMs: NOW_MS - DAY_MS })]);
  expect((await workspace.scans.keys(scan, '', 10)).map(({ kid }) => kid)).toEqual(kids);
  expect((await workspace.scans.keys(scan, kids.at(-1) ?? '', 10)).map(({ kid }) => kid)).toEqual([]);
});

test('callers of a key that nobody used for long are forgotten, when it was last used is not', async () => {
  const workspace = (await openTestStore()).workspace('ws_a');
  await workspace.applications.insert(applicationRow({ id: 'app' }));
  await workspace.keys.insert(keyRow({ kid: 'kid000000001', applicationId: 'app' }));
  await workspace.activity.add([activity({ kid: 'kid000000001', lastUsedAtMs: 5 })]);
  await workspace.activity.prune(5);
  expect(await workspace.activity.get('kid000000001')).not.toBeNull();
  await workspace.activity.prune(6);
  expect(await workspace.activity.get('kid000000001')).toBeNull();
  expect((await workspace.keys.get('kid000000001'))?.lastUsedAtMs).toBe(5);
});

test('an outbox gives what is due, the longest first, and forgets what ended long ago', async () => {
  const workspace = (await openTestStore()).workspace('ws_a');
  for (const [id, dueAtMs] of [
    ['late', 3],
    ['first', 1],
    ['second', 2],
    ['later', NOW_MS],
  ] as const) {
    await workspace.outbox.insert(outboxRow({ id, webhookId: 'w', dueAtMs }));
  }
  expect((await workspace.outbox.due('w', 3, 2)).map(({ id }) => id)).toEqual(['first', 'second']);
  await workspace.outbox.update('first', { state: 'delivered', body: '', finishedAtMs: 5 });
  await workspace.outbox.prune(6);
  expect(await workspace.outbox.waiting('w')).toBe(3);
  await workspace.outbox.postpone('w', 4);
  expect((await workspace.outbox.due('w', 3, 9)).map(({ id }) => id)).toEqual([]);
  expect((await workspace.outbox.due('w', 4, 9)).map(({ id }) => id)).toEqual(['late', 'second']);
  const listed = await workspace.outbox.list({ cursor: null, limit: 500 }, 'w');
  expect(listed.items.map(({ id }) => id)).not.toContain('first');
});

test('keys of before are given the age of their secret: from its rotation, or from the beginning', async () => {
  const dataDir = tempFolder();
  const path = join(dataDir, 'keyward.sqlite');
  const store = openStore({ dataDir, masterKey, clock });
  await store.close();
  // Back to the step before: what it added is taken away again.
  const last = MIGRATIONS.find(({ name }) => name === 'rotation and delivery');
  const database = new DatabaseSync(path);
  for (const name of ['keys_by_secret_age', 'keys_ending_early', 'keys_by_expiry']) database.exec(`drop index ${name}`);
  for (const name of ['jobs', 'key_activity', 'rotation_policies', 'reveals', 'webhooks', 'outbox', 'alerts']) {
    database.exec(`drop table ${name}`);
  }
  for (const name of ['last_used_at_ms', 'watched_since_ms', 'secret_since_ms', 'ends_early']) {
    database.exec(`alter table keys drop column ${name}`);
  }
  database.exec(`
    insert into workspaces (id, name, state, created_at_ms) values ('ws', 'W', 'active', 1);
    insert into applications (workspace_id, id, name, state, subscribed_models, is_default, created_at_ms, updated_at_ms)
      values ('ws', 'app', 'A', 'active', '[]', 0, 1, 1);`);
  const insert =
    database.prepare(`insert into keys (kid, workspace_id, application_id, name, environment, state, secrets,
      scopes, limits, tags, revision, created_at_ms, created_by, updated_at_ms)
    values (?, 'ws', 'app', 'k', 'live', 'active', ?, '{}', '{}', '[]', 1, 100, 't', 900)`);
  insert.run('never0000000', '[{"state":"current"}]');
  insert.run('rotated00000', '[{"state":"current"},{"state":"retiring","retiringSinceMs":500}]');
  insert.run('dated0000000', '[{"state":"current","createdAtMs":700},{"state":"retiring","retiringSinceMs":600}]');
  database.exec(last?.sql ?? '');
  const rows = database.prepare('select kid, secret_since_ms, watched_since_ms from keys order by kid').all();
  database.close();
  // Nobody knows whether they were used before: they are not idle from the first day on.
  expect(rows.every((row) => Number(row['watched_since_ms']) > Date.now() - DAY_MS)).toBe(true);
  expect(rows.map((row) => [row['kid'], row['secret_since_ms']])).toEqual([
    ['dated0000000', 700],
    ['never0000000', 100],
    ['rotated00000', 500],
  ]);
});
