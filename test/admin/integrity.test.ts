import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ModelCatalogue } from '../../src/admin/model-catalogue.ts';
import { SnapshotPublisher } from '../../src/admin/snapshot-publisher.ts';
import type { AdminFixture } from './admin-fixture.ts';
import { createAdminFixture } from './admin-fixture.ts';
import { refusal } from './refusals.ts';

let admin: AdminFixture;
beforeEach(async () => {
  admin = await createAdminFixture();
});
afterEach(() => admin.dispose());

const call: AdminFixture['client']['call'] = (...input) => admin.client.call(...input);
const check = async () => (await call('integrity.check')).items.map(({ id }) => id).toSorted();
const repair = (finding: string, query: object = {}) => call('integrity.repair', { body: { finding }, query });

/** As a hand in the database would: without any of the rules. */
function damage(sql: string, ...values: readonly string[]): void {
  const database = new DatabaseSync(join(admin.dataDir, 'keyward.sqlite'), { enableForeignKeyConstraints: false });
  database.prepare(sql).run(...values);
  database.close();
}

async function broken() {
  const person = (await call('people.create', { body: { name: 'Ada' } })).id;
  const team = (await call('teams.create', { body: { name: 'search' } })).id;
  await call('members.add', { params: { id: team }, body: { personId: person } });
  const application = async (body: object) =>
    (await call('applications.create', { body: { name: 'shop', subscribedModels: ['*'], ...body } })).id;
  const key = async (body: object) => (await call('keys.create', { body: { name: 'k', ...body } })).kid;
  const owned = await application({ ownerId: person });
  const inTeam = await application({ teamId: team });
  const closed = await application({});
  const orphan = await key({});
  const ownedKey = await key({ ownerId: person });
  const unreadable = await key({});
  const gone = await key({});
  await call('keys.revoke', { params: { kid: gone } });
  damage(`update keys set application_id = 'app_gone' where kid in (?, ?)`, orphan, gone);
  damage(`update keys set scopes = '{"planets":["mars"]}' where kid = ?`, unreadable);
  damage(`update applications set scopes = 'no json' where id = ?`, closed);
  await call('people.delete', { params: { id: person } });
  await call('teams.delete', { params: { id: team } });
  return { person, team, owned, inTeam, closed, orphan, ownedKey, unreadable };
}

test('every record that does not fit is found once, and its repair leaves nothing to find', async () => {
  expect(await check()).toEqual([]);
  const made = await broken();
  const findings = [
    `key-without-application:${made.orphan}`,
    `key-owner-missing:${made.ownedKey}`,
    `key-constraints-unreadable:${made.unreadable}`,
    `application-owner-missing:${made.owned}`,
    `application-team-missing:${made.inTeam}`,
    `application-constraints-unreadable:${made.closed}`,
    `membership-of-nobody:${made.team}/${made.person}`,
    `membership-in-no-team:${made.team}/${made.person}`,
  ];
  expect(await check()).toEqual(findings.toSorted());

  const preview = await repair(findings[0] ?? '', { preview: true });
  expect(preview).toMatchObject({ impact: { resumes: 1, keys: [{ kid: made.orphan, effect: 'resumes' }] } });
  expect(await check()).toHaveLength(findings.length);

  // The two findings about the membership have one repair.
  for (const finding of findings.slice(0, -1)) await repair(finding, { reason: 'spring cleaning' });
  expect(await check()).toEqual([]);
  const again = await refusal(repair(findings[0] ?? ''));
  expect(again).toMatchObject({ status: 404 });

  const { items } = await call('audit-events.list', { query: { action: 'integrity.repair' } });
  expect(items).toHaveLength(findings.length - 1);
  expect(items.find(({ targetId }) => targetId === made.orphan)).toMatchObject({
    reason: 'spring cleaning',
    before: { applicationId: 'app_gone' },
    after: { applicationId: (await call('keys.get', { params: { kid: made.orphan } })).applicationId },
  });
});

test('what cannot be read is closed by its repair, not opened', async () => {
  const { unreadable, closed } = await broken();
  const kept = (await call('keys.create', { body: { name: 'k' } })).kid;
  await repair(`key-constraints-unreadable:${unreadable}`);
  await repair(`application-constraints-unreadable:${closed}`);
  expect(await call('keys.get', { params: { kid: unreadable } })).toMatchObject({ scopes: { endpoints: [] } });
  expect(await call('applications.get', { params: { id: closed } })).toMatchObject({ scopes: { endpoints: [] } });
  expect(admin.fleet.asked).toContain(unreadable);
  expect(await call('keys.get', { params: { kid: kept } })).toMatchObject({ scopes: { endpoints: null } });
});

test('one record that cannot be read stops what stands on it, and nothing else', async () => {
  const { closed } = await broken();
  const warnings: string[] = [];
  const publisher = new SnapshotPublisher({
    store: admin.store,
    env: {},
    clock: admin.deps.clock,
    file: null,
    filePath: '',
    modelCatalogue: new ModelCatalogue({ clock: admin.deps.clock, warn: () => undefined, keptPath: null }),
    warn: (sentence) => warnings.push(sentence),
    send: () => Promise.reject(new Error('nobody is there')),
  });
  const { applications } = (await publisher.first()).workspaces[admin.workspaceId] ?? {};
  expect(applications?.[closed]?.state).toBe('disabled');
  expect(Object.values(applications ?? {}).filter(({ state }) => state === 'active')).toHaveLength(3);
  expect(warnings.join()).toContain(closed);
});

test('a finding that is none is refused', async () => {
  expect(await refusal(repair('something'))).toMatchObject({ status: 422, fields: [{ field: 'finding' }] });
  expect(await refusal(repair('key-owner-missing:AAAAAAAAAAAA'))).toMatchObject({ status: 404 });
});
