import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CALL_FIELDS } from '../../src/calls/call-record.ts';
import type { CallRecord } from '../../src/calls/call-record.ts';
import { createAdminFixture } from './admin-fixture.ts';
import type { AdminFixture } from './admin-fixture.ts';
import { refusal } from './refusals.ts';

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;

let admin: AdminFixture;
beforeEach(async () => {
  admin = await createAdminFixture();
});
afterEach(() => admin.dispose());

const createKey = (body: object = {}) => admin.client.call('keys.create', { body: { name: 'billing', ...body } });
const createPolicy = (body: object = {}) =>
  admin.client.call('rotation-policies.create', {
    body: { name: 'monthly', interval: '30d', overlap: '1d', delivery: 'reveal-link', ...body },
  });
const show = (kid: string) => admin.client.call('keys.get', { params: { kid } });
const alerts = async (query: object = {}) => (await admin.client.call('alerts.list', { query })).items;
const pass = (ms: number) => {
  admin.clock.nowMs += ms;
};
async function auditOf(kid: string, action: string) {
  return (await admin.client.call('audit-events.list', { query: { targetId: kid, action } })).items;
}

/** A call with a secret of the key, as the gateway would record it now. */
function used(kid: string, generation: number, record: Partial<CallRecord> = {}): void {
  const full: Partial<CallRecord> = {
    workspaceId: admin.workspaceId,
    kid,
    secretGeneration: generation,
    startedAtMs: admin.clock.nowMs,
    clientAddress: '10.0.0.7',
    userAgent: 'curl/8.5.0',
    ...record,
  };
  const values = CALL_FIELDS.map((field) => full[field] ?? null);
  admin.activity.observe([values.map((value) => (typeof value === 'boolean' ? Number(value) : value))]);
}

describe('a key that is due by its policy', () => {
  test('is rotated once, by the clock, also when the process starts anew in between', async () => {
    const { kid } = await createKey();
    const policy = await createPolicy();
    pass(30 * DAY_MS - MINUTE_MS);
    await admin.runJobs();
    expect((await show(kid)).secretVersions).toHaveLength(1);
    pass(MINUTE_MS);
    await admin.runJobs();
    await admin.runJobs();
    pass(MINUTE_MS);
    await admin.runJobs();
    expect((await show(kid)).secretVersions).toMatchObject([
      { generation: 2, state: 'current', createdAt: '2030-02-14T12:00:00.000Z' },
      { generation: 1, state: 'retiring', acceptedUntil: '2030-02-15T12:00:00.000Z' },
    ]);
    expect(await auditOf(kid, 'keys.rotate')).toMatchObject([
      { actor: 'system:rotation', reason: `due by the rotation policy "monthly" (${policy.id})` },
    ]);
    expect(admin.fleet.asked.filter((asked) => asked === kid)).toHaveLength(2);
    pass(30 * DAY_MS);
    await admin.runJobs();
    expect((await show(kid)).secretVersions[0]?.generation).toBe(3);
  });

  test('gets a secret that waits for whoever asks for its link, and an alert that says so until it is opened', async () => {
    const { kid } = await createKey();
    await createPolicy();
    pass(30 * DAY_MS);
    await admin.runJobs();
    expect(await alerts({ kind: 'secret_waiting', subjectId: kid })).toMatchObject([{ state: 'open' }]);
    const { revealLink } = await admin.client.call('keys.reveal-link', { params: { kid } });
    const token = revealLink.split('#')[1] ?? '';
    const opened = await admin.send('POST', '/reveal', { token: null, body: { token } });
    const { key } = (await opened.json()) as { key: string };
    expect(key).toMatch(new RegExp(`^kwk_live_${kid}_`));
    expect(await alerts({ kind: 'secret_waiting', subjectId: kid })).toMatchObject([{ state: 'resolved' }]);
  });

  test('is only told of where nobody is named to get the new secret', async () => {
    const { kid } = await createKey();
    await createPolicy({ delivery: 'none' });
    pass(31 * DAY_MS);
    await admin.runJobs();
    pass(MINUTE_MS);
    await admin.runJobs();
    expect((await show(kid)).secretVersions).toHaveLength(1);
    expect(await alerts({ kind: 'rotation_due', subjectId: kid })).toHaveLength(1);
    await admin.client.call('keys.rotate', { params: { kid } });
    expect(await alerts({ kind: 'rotation_due', subjectId: kid })).toMatchObject([{ state: 'resolved' }]);
  });

  test('is not rotated while it has no room for another secret: an alert says why', async () => {
    const { kid } = await createKey();
    await createPolicy({ interval: '61m', overlap: '1h' });
    for (let i = 0; i < 2; i += 1) {
      pass(MINUTE_MS);
      await admin.client.call('keys.rotate', { params: { kid }, body: { overlap: '30d' } });
    }
    pass(61 * MINUTE_MS);
    await admin.runJobs();
    expect((await show(kid)).secretVersions).toHaveLength(3);
    const [alert] = await alerts({ kind: 'rotation_blocked', subjectId: kid });
    expect(alert?.message).toContain('Two older secrets of the key');
    await admin.client.call('keys.complete-rotation', { params: { kid } });
    pass(MINUTE_MS);
    await admin.runJobs();
    expect((await show(kid)).secretVersions[0]?.generation).toBe(4);
    expect(await alerts({ kind: 'rotation_blocked' })).toMatchObject([{ state: 'resolved' }]);
  });

  test.each(['suspend', 'revoke'] as const)('is left alone after: %s', async (what) => {
    const { kid } = await createKey();
    await createPolicy();
    await admin.client.call(`keys.${what}`, { params: { kid } });
    pass(31 * DAY_MS);
    await admin.runJobs();
    expect((await show(kid)).secretVersions).toHaveLength(1);
  });
});

describe('of several policies', () => {
  test('the first that fits applies; the preview tells which keys each rotates when', async () => {
    const { id: applicationId } = await admin.client.call('applications.create', { body: { name: 'shop' } });
    const tagged = await createKey({ tags: ['pci'], applicationId });
    const ofShop = await createKey({ applicationId });
    await createKey({ environment: 'test' });
    const shop = await createPolicy({ name: 'shop', position: 20, selector: { applicationIds: [applicationId] } });
    const pci = await createPolicy({ name: 'pci', position: 10, interval: '7d', selector: { tags: ['pci', 'x'] } });
    const off = await createPolicy({ name: 'off', position: 1, state: 'disabled' });
    const preview = async (id: string) =>
      (await admin.client.call('rotation-policies.preview', { params: { id } })).items.map(({ kid, dueAt }) => [
        kid,
        dueAt,
      ]);
    expect(await preview(pci.id)).toEqual([[tagged.kid, '2030-01-22T12:00:00.000Z']]);
    expect(await preview(shop.id)).toEqual([[ofShop.kid, '2030-02-14T12:00:00.000Z']]);
    expect(await preview(off.id)).toEqual([]);
    pass(7 * DAY_MS);
    await admin.runJobs();
    expect((await show(tagged.kid)).secretVersions).toHaveLength(2);
    expect((await show(ofShop.kid)).secretVersions).toHaveLength(1);
  });

  test('one for a team is for the keys of its applications, and of no other', async () => {
    const { id: applicationId } = await admin.client.call('applications.create', { body: { name: 'shop' } });
    await admin.store.workspace(admin.workspaceId).applications.update(applicationId, { teamId: 'team_1' });
    const { kid } = await createKey({ applicationId });
    await createKey();
    const ofTeam = async (teamIds: string[]) => {
      const { id } = await createPolicy({ position: 0, selector: { teamIds } });
      const { items } = await admin.client.call('rotation-policies.preview', { params: { id } });
      await admin.client.call('rotation-policies.delete', { params: { id } });
      return items.map((item) => item.kid);
    };
    expect(await ofTeam(['team_2'])).toEqual([]);
    expect(await ofTeam(['team_2', 'team_1'])).toEqual([kid]);
  });

  test('a changed policy shows at once who breaks it, and what to do', async () => {
    const { kid } = await createKey({ expiresIn: '365d' });
    const policy = await createPolicy({ delivery: 'none', interval: null, maximumAge: '60d' });
    pass(20 * DAY_MS);
    const report = async () => (await admin.client.call('reports.rotation-violations')).items;
    expect((await report()).map((item) => item.kid)).not.toContain(kid);
    await admin.client.call('rotation-policies.update', { params: { id: policy.id }, body: { maximumAge: '10d' } });
    expect((await report()).find((item) => item.kid === kid)).toMatchObject({
      policyId: policy.id,
      violations: [
        { rule: 'too-old', message: expect.stringContaining(`keys rotate ${kid}`) as string },
        { rule: 'never-rotated' },
      ],
    });
    await admin.runJobs();
    expect(await alerts({ kind: 'key_too_old', subjectId: kid })).toMatchObject([{ state: 'open' }]);
    await admin.client.call('keys.rotate', { params: { kid } });
    expect((await report()).map((item) => item.kid)).not.toContain(kid);
    expect(await alerts({ kind: 'key_too_old', subjectId: kid })).toMatchObject([{ state: 'resolved' }]);
  });

  test('keys that never expire are reported', async () => {
    const { kid } = await createKey();
    const { items } = await admin.client.call('reports.rotation-violations', { query: { rule: 'no-expiry' } });
    expect(items.find((item) => item.kid === kid)?.violations).toMatchObject([{ rule: 'no-expiry' }]);
  });
});

test.each([
  [{ interval: '30m' }, 'interval', 'must be at least 1h'],
  [{ overlap: '0s' }, 'overlap', 'must be at least 1h'],
  [{ idleAfter: '0s' }, 'idleAfter', 'must be at least 1h'],
  [{ interval: '1d', overlap: '2d' }, 'interval', 'must be longer than the overlap, which is 2d'],
  [{ interval: '2d', overlap: '2d' }, 'interval', 'must be longer than the overlap, which is 2d'],
  [{ interval: '3651d' }, 'interval', 'must be at most 3650d'],
  [{ maximumAge: '99999d' }, 'maximumAge', 'must be at most 3650d'],
  [{ interval: '300d', overlap: '91d' }, 'overlap', 'must be at most 90d'],
  [{ completion: 'when-unused', latest: '366d' }, 'latest', 'must be at most 365d'],
  [{ maximumAge: '10d' }, 'maximumAge', 'must not be shorter than the interval'],
  [{ completion: 'when-unused', unusedFor: '10s', latest: '7d' }, 'unusedFor', 'must be at least 1m'],
  [{ completion: 'when-unused', latest: '1h' }, 'latest', 'must not be shorter than the overlap'],
  [{ delivery: 'webhook' }, 'webhookId', 'is required'],
  [{ webhookId: 'whk_1' }, 'webhookId', 'needs delivery to be webhook'],
  [{ selector: { color: 'red' } }, 'selector.color', 'is not a known field'],
])('a policy that makes no sense is refused with the field: %j', async (body, field, message) => {
  const error = await refusal(createPolicy(body));
  expect(error.fields).toEqual([{ in: 'body', field, message: expect.stringContaining(message) as string }]);
});

test('a rotation whose old secret would be accepted for longer than 90 days is refused', async () => {
  const { kid } = await createKey();
  const rotate = (overlap: string) => admin.client.call('keys.rotate', { params: { kid }, body: { overlap } });
  const message = 'must be at most 90d';
  expect(await refusal(rotate('91d'))).toMatchObject({
    status: 422,
    fields: [{ in: 'body', field: 'overlap', message }],
  });
  expect((await rotate('90d')).secretVersions).toHaveLength(2);
});

describe('a rotation that waits until the old secret is unused', () => {
  const order = { overlap: '1h', completion: 'when-unused', unusedFor: '1d', latest: '10d' } as const;

  test('holds the old secret while it is sent, and ends it after that, once the new one is in use', async () => {
    const { kid } = await createKey();
    await admin.client.call('keys.rotate', { params: { kid }, body: order });
    const state = async () => (await show(kid)).secretVersions[1]?.state;
    used(kid, 2);
    for (let day = 0; day < 3; day += 1) {
      pass(DAY_MS - MINUTE_MS);
      used(kid, 1);
      await admin.runJobs();
      expect(await state()).toBe('retiring');
    }
    await admin.activity.flush();
    pass(DAY_MS);
    await admin.runJobs();
    expect(await state()).toBe('superseded');
    expect(await auditOf(kid, 'keys.complete-rotation')).toMatchObject([
      { actor: 'system:rotation', reason: 'nobody used the old secret any more' },
    ]);
    expect(admin.fleet.asked.at(-1)).toBe(kid);
  });

  test('does not end the old secret early while nobody uses the new one, but at the latest end it does', async () => {
    const { kid } = await createKey();
    await admin.client.call('keys.rotate', { params: { kid }, body: order });
    pass(5 * DAY_MS);
    await admin.runJobs();
    expect((await show(kid)).secretVersions[1]).toMatchObject({
      state: 'retiring',
      acceptedUntil: '2030-01-25T12:00:00.000Z',
    });
  });
});

describe('a rotation under way', () => {
  test('is completed by hand: the old secret ends now', async () => {
    const { kid } = await createKey();
    await admin.client.call('keys.rotate', { params: { kid } });
    const done = await admin.client.call('keys.complete-rotation', { params: { kid } });
    expect(done.secretVersions).toMatchObject([{ state: 'current' }, { state: 'superseded' }]);
    expect(done.receipt?.complete).toBe(true);
    const again = await refusal(admin.client.call('keys.complete-rotation', { params: { kid } }));
    expect(again.status).toBe(409);
  });

  test('is taken back as long as the new secret was not used', async () => {
    const { kid } = await createKey();
    await admin.client.call('keys.rotate', { params: { kid } });
    const back = await admin.client.call('keys.cancel-rotation', { params: { kid } });
    expect(back.secretVersions).toMatchObject([
      { generation: 1, state: 'current', acceptedUntil: null },
      { generation: 2, state: 'superseded' },
    ]);
    await admin.client.call('keys.rotate', { params: { kid } });
    used(kid, 3);
    const refused = await refusal(admin.client.call('keys.cancel-rotation', { params: { kid } }));
    expect(refused).toMatchObject({ status: 409, message: expect.stringContaining('was used already') as string });
  });

  test('shows who uses which secret, before and after the records are stored', async () => {
    const { kid } = await createKey();
    used(kid, 1);
    await admin.activity.flush();
    await admin.client.call('keys.rotate', { params: { kid } });
    pass(MINUTE_MS);
    used(kid, 1, { clientAddress: '2001:db8::1', userAgent: 'OpenAI/Python 1.3' });
    used(kid, 2, { clientAddress: '10.0.0.99' });
    const adoption = await admin.client.call('keys.adoption', { params: { kid } });
    expect(adoption.generations).toMatchObject([
      { generation: 2, state: 'current', calls: 1, callers: [{ network: '10.0.0.0/24', userAgent: 'curl/8.5.0' }] },
      {
        generation: 1,
        state: 'retiring',
        calls: 2,
        lastUsedAt: '2030-01-15T12:01:00.000Z',
        callers: [
          { network: '2001:db8:0:0::/64', userAgent: 'OpenAI/Python' },
          { network: '10.0.0.0/24', userAgent: 'curl/8.5.0' },
        ],
      },
    ]);
    await admin.activity.flush();
    expect(await admin.client.call('keys.adoption', { params: { kid } })).toEqual(adoption);
    expect((await show(kid)).lastUsedAt).toBe('2030-01-15T12:01:00.000Z');
  });
});
