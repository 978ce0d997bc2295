/** Step 3 of a case: every way in which whoever stands behind a key is put right, and what it leaves behind. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createAdminFixture } from './admin-fixture.ts';
import type { AdminFixture } from './admin-fixture.ts';
import { refusal } from './refusals.ts';

let admin: AdminFixture;
beforeEach(async () => {
  admin = await createAdminFixture();
});
afterEach(() => admin.dispose());

/** A key of a team whose owner is a member of it. */
async function arrange() {
  const { client } = admin;
  const { id: personId } = await client.call('people.create', { body: { name: 'Ada', email: 'ada@example.com' } });
  const { id: teamId } = await client.call('teams.create', { body: { name: 'platform' } });
  await client.call('members.add', { params: { id: teamId }, body: { personId, role: 'member' } });
  const { id: applicationId } = await client.call('applications.create', { body: { name: 'shop', teamId } });
  const { kid } = await client.call('keys.create', { body: { name: 'till', applicationId, ownerId: personId } });
  return { client, personId, teamId, applicationId, kid };
}

async function openCase(kid: string) {
  const key = await admin.client.call('keys.get', { params: { kid } });
  const { id } = await admin.client.call('cases.open', { body: { fingerprint: key.fingerprint } });
  return id;
}

/** What the step says of the owner. */
async function verified(id: string) {
  const told = await admin.client.call('cases.verify-owner', { params: { id } });
  const step = told.steps.find(({ name }) => name === 'verify-owner');
  if (step === undefined) throw new Error('the case has no such step');
  const { problems, offers } = step.evidence as {
    problems: readonly { code: string }[];
    offers: readonly { choice: string }[];
  };
  return {
    state: step.state,
    problems: problems.map(({ code }) => code),
    offers: offers.map(({ choice }) => choice),
  };
}

const audited = async () =>
  (await admin.client.call('audit-events.list', { query: { limit: 100 } })).items.map(
    ({ action, targetId }) => `${action} ${targetId}`,
  );

test('a disabled owner is enabled', async () => {
  const { client, personId, kid } = await arrange();
  await client.call('people.update', { params: { id: personId }, body: { state: 'disabled' } });
  const id = await openCase(kid);
  expect(await verified(id)).toEqual({
    state: 'failed',
    problems: ['owner_disabled'],
    offers: ['enable-person', 'reassign'],
  });
  await client.call('cases.update-owner', { params: { id }, body: { choice: 'enable-person', personId } });
  expect(await verified(id)).toEqual({ state: 'done', problems: [], offers: [] });
  expect(await audited()).toEqual(expect.arrayContaining([`people.update ${personId}`, `cases.update-owner ${id}`]));
});

test('a deleted owner is restored', async () => {
  const { client, personId, kid } = await arrange();
  await client.call('people.delete', { params: { id: personId } });
  const id = await openCase(kid);
  expect(await verified(id)).toMatchObject({
    state: 'failed',
    problems: ['owner_missing'],
    offers: ['restore-person', 'create-person', 'reassign'],
  });
  await client.call('cases.update-owner', { params: { id }, body: { choice: 'restore-person', personId } });
  expect(await verified(id)).toMatchObject({ state: 'done' });
  expect(await audited()).toContain(`people.restore ${personId}`);
});

test('a new person takes the place of one who is gone, as a member of the team, and every change is audited', async () => {
  const { client, personId, teamId, kid } = await arrange();
  await client.call('people.delete', { params: { id: personId } });
  const id = await openCase(kid);
  const body = { choice: 'create-person', name: 'Grace', email: 'grace@example.com' } as const;
  await client.call('cases.update-owner', { params: { id }, body });
  expect(await verified(id)).toMatchObject({ state: 'done' });
  const { ownerId } = await client.call('keys.get', { params: { kid } });
  expect(ownerId).not.toBe(personId);
  const { items } = await client.call('members.list', { params: { id: teamId } });
  expect(items).toContainEqual(expect.objectContaining({ personId: ownerId, role: 'member', state: 'active' }));
  expect(await audited()).toEqual(
    expect.arrayContaining([`people.create ${ownerId}`, `keys.update ${kid}`, `cases.update-owner ${id}`]),
  );
  expect(admin.fleet.asked.at(-2)).toBe('publish');
});

test('an owner whose membership or role was lost enters the team again', async () => {
  const { client, personId, teamId, kid } = await arrange();
  const membership = { params: { id: teamId, personId } };
  await client.call('members.update', { ...membership, body: { role: 'viewer' } });
  const id = await openCase(kid);
  expect(await verified(id)).toEqual({
    state: 'failed',
    problems: ['owner_role_lost'],
    offers: ['join-team', 'reassign'],
  });
  await client.call('cases.update-owner', { params: { id }, body: { choice: 'join-team', personId } });
  expect(await verified(id)).toMatchObject({ state: 'done' });
  await client.call('members.remove', membership);
  expect(await verified(id)).toMatchObject({ state: 'failed', problems: ['owner_not_member'] });
  await client.call('cases.update-owner', { params: { id }, body: { choice: 'join-team', personId } });
  expect(await verified(id)).toMatchObject({ state: 'done' });
});

test('a disabled owner gives way to another, and the details of a person are corrected', async () => {
  const { client, personId, teamId, kid } = await arrange();
  const { id: other } = await client.call('people.create', { body: { name: 'Gr', email: null } });
  await client.call('members.add', { params: { id: teamId }, body: { personId: other, role: 'member' } });
  await client.call('people.update', { params: { id: personId }, body: { state: 'disabled' } });
  const id = await openCase(kid);
  await client.call('cases.update-owner', { params: { id }, body: { choice: 'reassign', ownerId: other } });
  expect(await verified(id)).toMatchObject({ state: 'done' });
  const body = { choice: 'update-person', personId: other, name: 'Grace', email: 'Grace@Example.com' } as const;
  await client.call('cases.update-owner', { params: { id }, body });
  expect(await client.call('people.get', { params: { id: other } })).toMatchObject({
    name: 'Grace',
    email: 'grace@example.com',
    state: 'active',
  });
});

test('a choice without what it needs changes nothing and says what is missing', async () => {
  const { client, kid } = await arrange();
  const id = await openCase(kid);
  for (const [choice, missing] of [
    ['enable-person', 'personId'],
    ['restore-person', 'personId'],
    ['join-team', 'personId'],
    ['create-person', 'name'],
    ['update-person', 'update-person needs a name'],
    ['reassign', 'reassign needs'],
  ] as const) {
    const refused = await refusal(client.call('cases.update-owner', { params: { id }, body: { choice } }));
    expect(refused).toMatchObject({ status: 422, code: 'validation_failed' });
    expect(refused.message).toContain(missing);
  }
});
