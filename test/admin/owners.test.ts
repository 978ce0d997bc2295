import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createAdminFixture } from './admin-fixture.ts';
import type { AdminFixture } from './admin-fixture.ts';
import { refusal } from './refusals.ts';

let admin: AdminFixture;
beforeEach(async () => {
  admin = await createAdminFixture();
});
afterEach(() => admin.dispose());

const call: AdminFixture['client']['call'] = (...input) => admin.client.call(...input);

const person = async (body: object = {}) => (await call('people.create', { body: { name: 'Ada', ...body } })).id;
const team = async () => (await call('teams.create', { body: { name: 'search' } })).id;
const application = (body: object) =>
  call('applications.create', { body: { name: 'shop', subscribedModels: ['*'], ...body } });
const key = (body: object) => call('keys.create', { body: { name: 'billing', ...body } });

describe('people', () => {
  test('have an e-mail address that nobody else in the workspace has, whatever its case', async () => {
    const id = await person({ email: 'Ada@Example.com' });
    const second = await refusal(call('people.create', { body: { name: 'Other', email: 'ada@example.COM' } }));
    expect(second).toMatchObject({ status: 409, code: 'conflict' });
    expect(second.message).toContain(id);
    const other = await person({ email: 'other@example.com' });
    expect(
      await refusal(call('people.update', { params: { id: other }, body: { email: 'ada@example.com' } })),
    ).toMatchObject({ status: 409 });
    await call('people.update', { params: { id }, body: { email: 'ada@example.com', name: 'Ada L.' } });
  });

  test('that are deleted leave their address free, and do not come back while another has it', async () => {
    const id = await person({ email: 'ada@example.com' });
    await call('people.delete', { params: { id } });
    expect(await refusal(call('people.get', { params: { id } }))).toMatchObject({ status: 404 });
    const successor = await person({ email: 'ada@example.com' });
    expect(await refusal(call('people.restore', { params: { id } }))).toMatchObject({ status: 409 });
    await call('people.update', { params: { id: successor }, body: { email: null } });
    expect(await call('people.restore', { params: { id } })).toMatchObject({ deletedAt: null });
  });
});

describe('an owner', () => {
  interface Case {
    readonly why: string;
    readonly message: string;
    readonly make: (teamId: string) => Promise<string>;
  }
  const cases: readonly Case[] = [
    { why: 'nobody', message: 'names no person: per_none', make: async () => 'per_none' },
    {
      why: 'deleted',
      message: 'names a person who was deleted',
      make: async () => {
        const id = await person();
        await call('people.delete', { params: { id } });
        return id;
      },
    },
    { why: 'disabled', message: 'names a person who is disabled', make: () => person({ state: 'disabled' }) },
    { why: 'no member', message: 'names a person who is no member of the application', make: () => person() },
    {
      why: 'disabled as a member',
      message: 'names a person whose membership',
      make: (id) => member(id, { state: 'disabled' }),
    },
    {
      why: 'a viewer',
      message: 'names a person who may only look on',
      make: (id) => member(id, { role: 'viewer' }),
    },
    {
      why: 'removed from the team',
      message: 'names a person who is no member of the application',
      make: async (id) => {
        const personId = await member(id, {});
        await call('members.remove', { params: { id, personId } });
        return personId;
      },
    },
  ];

  const member = async (id: string, body: object): Promise<string> => {
    const personId = await person();
    await call('members.add', { params: { id }, body: { personId, ...body } });
    return personId;
  };

  test.each(cases)('who is $why is refused with the reason, for keys and applications', async ({ message, make }) => {
    const teamId = await team();
    const ownerId = await make(teamId);
    const { id } = await application({ teamId });
    const { kid } = await key({ applicationId: id });
    const attempts = [
      key({ applicationId: id, ownerId }),
      call('keys.update', { params: { kid }, body: { ownerId } }),
      application({ teamId, ownerId }),
      call('applications.update', { params: { id }, body: { ownerId } }),
    ];
    for (const attempt of attempts) {
      const error = await refusal(attempt);
      expect(error).toMatchObject({ status: 422, fields: [{ in: 'body', field: 'ownerId' }] });
      expect(error.fields[0]?.message).toContain(message);
    }
  });

  test('who is an active member is taken, and a reassignment is audited with before and after', async () => {
    const teamId = await team();
    const [first, second] = [await member(teamId, {}), await member(teamId, { role: 'admin' })];
    const { id } = await application({ teamId, ownerId: first });
    const { kid } = await key({ applicationId: id, ownerId: first });
    expect(await call('keys.update', { params: { kid }, body: { ownerId: second } })).toMatchObject({
      ownerId: second,
    });
    const { items } = await call('audit-events.list', { query: { targetId: kid, action: 'keys.update' } });
    expect(items).toMatchObject([{ before: { ownerId: first }, after: { ownerId: second } }]);
    expect((await call('keys.list', { query: { ownerId: second } })).items).toMatchObject([{ kid }]);
    expect(await call('keys.update', { params: { kid }, body: { ownerId: null } })).toMatchObject({ ownerId: null });
  });

  test('of a key is that of its temporary keys too, which do not change hands by themselves', async () => {
    const ownerId = await person();
    const { kid } = await key({});
    const minted = await call('keys.mint', { params: { kid } });
    admin.fleet.asked.length = 0;
    await call('keys.update', { params: { kid }, body: { ownerId } });
    expect(await call('keys.get', { params: { kid: minted.kid } })).toMatchObject({ ownerId });
    expect(admin.fleet.asked).toEqual([`${kid} ${minted.kid}`]);
    const alone = await refusal(call('keys.update', { params: { kid: minted.kid }, body: { ownerId: null } }));
    expect(alone).toMatchObject({ status: 409, code: 'conflict' });
    const { impact } = await call('people.delete', { params: { id: ownerId }, query: { preview: true } });
    expect(impact.keys.map((affected) => affected.kid)).toEqual([kid, minted.kid].toSorted());
  });

  test('must fit the application that a key moves to, and the team that an application moves to', async () => {
    const ownerId = await person();
    const { kid } = await key({ ownerId });
    const { id } = await application({ teamId: await team() });
    const moved = await refusal(call('keys.update', { params: { kid }, body: { applicationId: id } }));
    expect(moved).toMatchObject({ status: 422, fields: [{ field: 'ownerId' }] });
    const owned = await application({ ownerId });
    const joined = await refusal(
      call('applications.update', { params: { id: owned.id }, body: { teamId: await team() } }),
    );
    expect(joined).toMatchObject({ status: 422, fields: [{ field: 'ownerId' }] });
    expect(await refusal(application({ teamId: 'team_none' }))).toMatchObject({
      status: 422,
      fields: [{ field: 'teamId', message: 'names no team: team_none' }],
    });
  });
});

describe('memberships', () => {
  test('are added once, changed, removed, taken in again and restored', async () => {
    const id = await team();
    const personId = await person();
    const params = { id, personId };
    expect(await call('members.add', { params: { id }, body: { personId } })).toMatchObject({ role: 'member' });
    expect(await refusal(call('members.add', { params: { id }, body: { personId } }))).toMatchObject({ status: 409 });
    expect(await call('members.update', { params, body: { role: 'viewer' } })).toMatchObject({ role: 'viewer' });
    await call('members.remove', { params });
    expect((await call('members.list', { params: { id } })).items).toEqual([]);
    expect(await call('members.restore', { params })).toMatchObject({ role: 'viewer', deletedAt: null });
    await call('members.remove', { params });
    expect(await call('members.add', { params: { id }, body: { personId, role: 'admin' } })).toMatchObject({
      role: 'admin',
    });
    expect((await call('members.list', { params: { id } })).items).toHaveLength(1);
    const nobody = await refusal(call('members.add', { params: { id }, body: { personId: 'per_none' } }));
    expect(nobody).toMatchObject({ status: 422, fields: [{ field: 'personId' }] });
  });
});

test('scopes and limits of a team and an application are set, kept and cleared like those of a key', async () => {
  const id = await team();
  const params = { id };
  await call('teams.update', { params, body: { scopes: { operations: ['chat'] }, limits: { concurrency: 3 } } });
  const changed = await call('teams.update', { params, body: { limits: { requestsPerMinute: 9 } } });
  expect(changed).toMatchObject({
    scopes: { operations: ['chat'] },
    limits: { concurrency: 3, requestsPerMinute: 9 },
  });
  expect(await call('teams.update', { params, body: { scopes: null } })).toMatchObject({
    scopes: { operations: null },
  });
  const { id: applicationId } = await application({
    teamId: id,
    subscribedServices: ['weather'],
    scopes: { models: ['sandbox/*'] },
  });
  expect(await call('applications.get', { params: { id: applicationId } })).toMatchObject({
    teamId: id,
    subscribedServices: ['weather'],
    scopes: { models: ['sandbox/*'] },
  });
});
