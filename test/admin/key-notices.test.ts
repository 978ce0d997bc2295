import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { keyJobs } from '../../src/admin/jobs/index.ts';
import { CALL_FIELDS } from '../../src/calls/call-record.ts';
import { createAdminFixture } from './admin-fixture.ts';
import type { AdminFixture } from './admin-fixture.ts';

const DAY_MS = 86_400_000;

let admin: AdminFixture;
beforeEach(async () => {
  admin = await createAdminFixture();
  admin.settings.allowPrivateWebhooks = true;
  // Never reached here: what was told is read from its deliveries.
  await admin.client.call('webhooks.create', {
    body: { name: 'all', url: 'http://127.0.0.1:1/hook', state: 'active' },
  });
});
afterEach(() => admin.dispose());

const createKey = (body: object = {}) => admin.client.call('keys.create', { body: { name: 'billing', ...body } });
const show = (kid: string) => admin.client.call('keys.get', { params: { kid } });
const alerts = async (query: object) => (await admin.client.call('alerts.list', { query })).items;

async function passDays(days: number): Promise<void> {
  admin.clock.nowMs += days * DAY_MS;
  await admin.runJobs();
}

async function told(type: string): Promise<number> {
  const { items } = await admin.client.call('webhooks.list');
  const id = items[0]?.id ?? '';
  const deliveries = await admin.client.call('webhooks.deliveries', { params: { id }, query: { limit: 500 } });
  return deliveries.items.filter(({ eventType }) => eventType === type).length;
}

function used(kid: string): void {
  const known: Readonly<Record<string, string | number>> = {
    workspaceId: admin.workspaceId,
    kid,
    secretGeneration: 1,
    startedAtMs: admin.clock.nowMs,
    clientAddress: '10.0.0.7',
  };
  admin.activity.observe([CALL_FIELDS.map((field) => known[field] ?? null)]);
}

describe('a key that will expire', () => {
  test('is told of on the set days, each once, in one alert that grows more severe, and when it has expired', async () => {
    const { kid } = await createKey({ expiresIn: '60d' });
    const seen: unknown[] = [];
    for (let day = 0; day <= 61; day += 1) {
      await passDays(day === 0 ? 0 : 1);
      await admin.runJobs();
      const [alert] = await alerts({ kind: 'key_expiring', subjectId: kid });
      const now = [await told('key.expiring'), alert?.severity, alert?.state];
      if (JSON.stringify(now) !== JSON.stringify(seen.at(-1)?.valueOf())) seen.push(now);
    }
    expect(seen).toEqual([
      [0, undefined, undefined],
      [1, 'info', 'open'],
      [2, 'warning', 'open'],
      [3, 'critical', 'open'],
      [3, 'critical', 'resolved'],
    ]);
    expect(await alerts({ kind: 'key_expiring', subjectId: kid })).toHaveLength(1);
    expect(await told('key.expired')).toBe(1);
  });

  test('and whose expiry is moved is no alert any more', async () => {
    const { kid } = await createKey({ expiresIn: '20d' });
    await passDays(14);
    expect(await alerts({ state: 'open', subjectId: kid })).toHaveLength(1);
    await admin.client.call('keys.update', { params: { kid }, body: { expiresIn: '300d' } });
    await passDays(1);
    expect(await alerts({ subjectId: kid })).toMatchObject([{ state: 'resolved' }]);
    expect([await told('key.expiring'), await told('key.expired')]).toEqual([1, 0]);
  });

  test('is told of on the days that the operator set, and not on the first day of a short life', async () => {
    admin.settings.expiryNoticeDays = [3];
    const short = await createKey({ expiresIn: '2d' });
    const long = await createKey({ expiresIn: '10d' });
    await passDays(6);
    expect(await alerts({ kind: 'key_expiring' })).toEqual([]);
    await passDays(1);
    expect((await alerts({ kind: 'key_expiring' })).map(({ subjectId }) => subjectId)).toEqual([long.kid]);
    expect(await alerts({ subjectId: short.kid })).toEqual([]);
  });
});

describe('a key that nobody uses', () => {
  test('is flagged once after the operator’s days, and again never as long as it stays so; a call ends the alert', async () => {
    const { kid } = await createKey();
    await passDays(89);
    expect(await alerts({ kind: 'key_idle', subjectId: kid })).toEqual([]);
    await passDays(1);
    await passDays(1);
    expect(await alerts({ kind: 'key_idle', subjectId: kid })).toMatchObject([{ state: 'open', severity: 'info' }]);
    used(kid);
    await admin.activity.flush();
    await passDays(1);
    expect(await alerts({ kind: 'key_idle', subjectId: kid })).toMatchObject([{ state: 'resolved' }]);
    expect((await show(kid)).state).toBe('active');
  });

  test('is not flagged for a call that is not stored yet', async () => {
    const { kid } = await createKey();
    admin.clock.nowMs += 95 * DAY_MS;
    used(kid);
    await admin.runJobs();
    expect(await alerts({ kind: 'key_idle', subjectId: kid })).toEqual([]);
  });

  test('is suspended by its policy, in force on every worker; a person’s decision to resume it stands', async () => {
    const { kid } = await createKey({ tags: ['ci'] });
    const other = await createKey();
    await admin.client.call('rotation-policies.create', {
      body: { name: 'ci', selector: { tags: ['ci'] }, idleAfter: '10d', suspendIdle: true },
    });
    await passDays(10);
    const suspended = await show(kid);
    expect(suspended).toMatchObject({ state: 'suspended', suspension: { automatic: true, until: null } });
    expect(suspended.stateReason).toContain('the policy suspends after 10d');
    expect(admin.fleet.asked.at(-1)).toBe(kid);
    expect((await show(other.kid)).state).toBe('active');
    expect([await told('key.idle'), await told('key.suspended')]).toEqual([1, 1]);

    expect(await admin.client.call('keys.resume', { params: { kid } })).toMatchObject({ suspension: null });
    await passDays(1);
    expect((await show(kid)).state).toBe('active');
    used(kid);
    await admin.activity.flush();
    await passDays(1);
    await passDays(10);
    expect((await show(kid)).state).toBe('suspended');
  });
});

test('an alert is acknowledged by name, and cannot be once it is resolved', async () => {
  const { kid } = await createKey({ expiresIn: '10d' });
  await passDays(4);
  const [alert] = await alerts({ subjectId: kid });
  const params = { id: alert?.id ?? '' };
  expect(await admin.client.call('alerts.acknowledge', { params })).toMatchObject({
    state: 'acknowledged',
    acknowledgedBy: 'token:test',
  });
  await passDays(1);
  expect(await admin.client.call('alerts.get', { params })).toMatchObject({ state: 'acknowledged' });
  await admin.client.call('keys.revoke', { params: { kid } });
  await passDays(1);
  expect(await admin.client.call('alerts.get', { params })).toMatchObject({ state: 'resolved' });
  await expect(admin.client.call('alerts.acknowledge', { params })).rejects.toMatchObject({ status: 409 });
});

test('the jobs tell how they went', async () => {
  await admin.runJobs();
  const { items } = await admin.client.call('jobs.list');
  const known = keyJobs(admin.deps).map(({ name }) => name);
  expect(
    items.filter(({ id, failures, lastError }) => !known.includes(id) || failures > 0 || lastError !== null),
  ).toEqual([]);
  expect(items.length).toBeGreaterThanOrEqual(5);
});
