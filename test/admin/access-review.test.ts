import { afterEach, beforeEach, expect, test } from 'vitest';
import type { AdminFixture } from './admin-fixture.ts';
import { createAdminFixture, START_MS } from './admin-fixture.ts';
import { callRow } from './call-rows.ts';

const DAY_MS = 86_400_000;

let admin: AdminFixture;
beforeEach(async () => {
  admin = await createAdminFixture();
});
afterEach(() => admin.dispose());

const call: AdminFixture['client']['call'] = (...input) => admin.client.call(...input);
const key = async (body: object = {}) => (await call('keys.create', { body: { name: 'k', ...body } })).kid;

async function review(query: object = {}) {
  const { items } = await call('reports.access-review', { query });
  return Object.fromEntries(items.map((item) => [item.kid, item]));
}

test('keys are shown with their last use, and flagged for what speaks for another look', async () => {
  const person = (await call('people.create', { body: { name: 'Ada' } })).id;
  const [used, stale, never, owned, gone] = [
    await key({ scopes: { operations: ['chat'] }, expiresIn: '400d' }),
    await key(),
    await key(),
    await key({ ownerId: person }),
    await key(),
  ];
  const application = await call('applications.create', { body: { name: 'shop', ownerId: person } });
  const inOwned = await key({ applicationId: application.id });
  await admin.calls.write([
    callRow(admin.workspaceId, { requestId: 'req_1', kid: used, startedAtMs: START_MS + 99 * DAY_MS }),
    callRow(admin.workspaceId, { requestId: 'req_2', kid: used, startedAtMs: START_MS + 98 * DAY_MS }),
    callRow(admin.workspaceId, { requestId: 'req_3', kid: stale, startedAtMs: START_MS + DAY_MS }),
    // Not of this workspace: a key id says nothing there.
    callRow(admin.workspaceId, { requestId: 'req_4', kid: never, workspaceId: 'ws_other' }),
  ]);
  await call('people.update', { params: { id: person }, body: { state: 'disabled' } });
  await call('keys.revoke', { params: { kid: gone } });
  admin.clock.nowMs = START_MS + 100 * DAY_MS;

  const found = await review({ limit: 500 });
  expect(found[used]).toMatchObject({
    ageDays: 100,
    lastUsedAt: new Date(START_MS + 99 * DAY_MS).toISOString(),
    flags: ['no-owner'],
    ownerProblem: null,
  });
  expect(found[inOwned]?.flags).not.toContain('no-owner');
  expect(found[stale]?.flags).toEqual(['unused', 'no-expiry', 'no-scopes', 'no-owner']);
  expect(found[never]).toMatchObject({ lastUsedAt: null });
  expect(found[never]?.flags).toContain('never-used');
  expect(found[owned]).toMatchObject({ ownerProblem: 'owner_disabled' });
  expect(found[owned]?.flags).toContain('owner-problem');
  expect(found).not.toHaveProperty(gone);
  expect(Object.keys(await review({ flag: 'owner-problem' })).toSorted()).toEqual([inOwned, owned].toSorted());
  expect((await review({ unusedDays: 365 }))[stale]?.flags).not.toContain('unused');
});

test('a certification is written down with who and when, and changes nothing of the key', async () => {
  const kid = await key();
  const before = await call('keys.get', { params: { kid } });
  admin.fleet.asked.length = 0;
  await call('keys.certify', { params: { kid }, body: { reason: 'needed for billing' } });
  expect(await call('keys.get', { params: { kid } })).toEqual(before);
  expect(admin.fleet.asked).toEqual([]);
  expect((await review())[kid]).toMatchObject({
    certifiedAt: '2030-01-15T12:00:00.000Z',
    certifiedBy: 'token:test',
  });
  const { items } = await call('audit-events.list', { query: { targetId: kid, action: 'keys.certify' } });
  expect(items).toMatchObject([{ reason: 'needed for billing', actor: 'token:test' }]);
});
