import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openHealthTable } from '../../src/routing/health-table.ts';
import { openPool } from '../../src/routing/open-pool.ts';
import type { CredentialPool, PoolFailure } from '../../src/routing/pool.ts';
import { createAdminFixture } from './admin-fixture.ts';
import type { AdminFixture } from './admin-fixture.ts';

const MINUTE_MS = 60_000;
const CREDENTIAL = 'cred_file';
const PROVIDER = 'filehouse';

let admin: AdminFixture;
beforeEach(async () => {
  admin = await createAdminFixture();
});
afterEach(() => admin.dispose());

/** What a worker finds out about the credential of the file. */
function seen(failure: Partial<PoolFailure> & Pick<PoolFailure, 'kind'>, model = 'tiny'): void {
  const { workspaceId, clock } = admin;
  const provider = admin.deps.snapshotSource.current().workspaces[workspaceId]?.providers[PROVIDER];
  const pool = openPool({
    workspaceId,
    providerId: PROVIDER,
    credentials: provider?.credentials ?? [],
    table: openHealthTable(admin.health),
    random: () => 0,
  });
  const [member] = pool.members;
  if (member === undefined) throw new Error('no credential');
  pool.failed(
    { member, model, isProbe: false, nowMs: clock.nowMs },
    { retryAfterMs: null, perModel: false, ...failure },
  );
}

const pools = async () => (await admin.client.call('provider-pools.list', { query: {} })).items;
const testIt = () => admin.client.call('credentials.test', { params: { id: CREDENTIAL } });
const alerts = async (query: object = {}) =>
  (await admin.client.call('alerts.list', { query: { kind: 'provider_pool_low', ...query } })).items;

async function pass(timeMs: number): Promise<void> {
  admin.clock.nowMs += timeMs;
  await admin.runJobs();
}

describe('the live view of pools', () => {
  test('tells what workers know: state, reason, until when, and which model alone is out', async () => {
    expect(await pools()).toMatchObject([{ id: PROVIDER, state: 'ok', usable: 1, all: 1, soonestRecovery: null }]);
    seen({ kind: 'rate_limited', retryAfterMs: 5_000, perModel: true });
    const until = new Date(admin.clock.nowMs + 5_000).toISOString();
    expect(await pools()).toMatchObject([
      { usable: 1, credentials: [{ id: CREDENTIAL, state: 'healthy', models: [{ model: 'tiny', until }] }] },
    ]);
    seen({ kind: 'quota_exhausted', retryAfterMs: 3_600_000 });
    const later = new Date(admin.clock.nowMs + 3_600_000).toISOString();
    expect(await pools()).toMatchObject([
      {
        state: 'critical',
        usable: 0,
        soonestRecovery: later,
        credentials: [
          { id: CREDENTIAL, state: 'exhausted', until: later, reason: 'quota_exhausted', failuresInARow: 1 },
        ],
      },
    ]);
  });

  test('never holds a secret', async () => {
    seen({ kind: 'rejected_credential' });
    expect(JSON.stringify(await pools())).not.toContain('secret-of-the-file');
  });
});

describe('a test of a credential', () => {
  test("tells the provider's own error without the secret, and puts what is rejected out of use", async () => {
    admin.answerAsProvider(async ({ url, headers }) => {
      expect(url).toBe('http://127.0.0.1:9100/v1/models');
      expect(headers).toContain('Bearer secret-of-the-file');
      const body = { error: { message: 'Incorrect API key: secret-of-the-file', type: 'x', code: 'invalid_api_key' } };
      return { status: 401, headers: [], body: Buffer.from(JSON.stringify(body)) };
    });
    expect(await testIt()).toMatchObject({
      accepted: false,
      status: 401,
      kind: 'rejected_credential',
      code: 'invalid_api_key',
      message: 'Incorrect API key: …',
    });
    expect((await pools())[0]?.usable).toBe(0);
  });

  test('that passes puts a rejected one back to use at once, but no quota', async () => {
    seen({ kind: 'rejected_credential' });
    seen({ kind: 'rejected_credential' });
    expect((await pools())[0]).toMatchObject({ usable: 0, credentials: [{ state: 'rejected' }] });
    expect(await testIt()).toMatchObject({ accepted: true, status: 200 });
    expect((await pools())[0]?.usable).toBe(1);
    seen({ kind: 'quota_exhausted', retryAfterMs: MINUTE_MS });
    await testIt();
    expect((await pools())[0]?.usable).toBe(0);
  });

  test('says so when nothing answers, and when there is no such credential', async () => {
    admin.answerAsProvider(() => Promise.reject(new Error('connect ECONNREFUSED')));
    expect(await testIt()).toMatchObject({ accepted: false, status: null, message: 'connect ECONNREFUSED' });
    const missing = admin.client.call('credentials.test', { params: { id: 'cred_none' } });
    await expect(missing).rejects.toMatchObject({ code: 'not_found' });
  });
});

test('a pool that is out gives exactly one alert, and one end; a short rest gives none', async () => {
  seen({ kind: 'rate_limited', retryAfterMs: 10_000 });
  await pass(1_000);
  expect(await alerts()).toEqual([]);
  seen({ kind: 'quota_exhausted', retryAfterMs: 10 * MINUTE_MS });
  for (let i = 0; i < 5; i += 1) await pass(20_000);
  const [alert, ...more] = await alerts();
  expect(more).toEqual([]);
  expect(alert).toMatchObject({ severity: 'critical', subjectKind: 'provider', subjectId: PROVIDER, state: 'open' });
  expect(alert?.message).toContain('0 of 1 credentials');
  await pass(10 * MINUTE_MS);
  await pass(20_000);
  expect(await alerts()).toMatchObject([{ state: 'resolved' }]);
});

describe('the forecast of a pool', () => {
  const HOUSE = 'house';
  const forecasts = async () => alerts({ kind: 'provider_pool_forecast' });
  const houseOf = async () => (await pools()).find(({ id }) => id === HOUSE);

  async function createPool(secrets: number, priorityOf: (index: number) => number): Promise<CredentialPool> {
    await admin.client.call('providers.create', {
      body: { id: HOUSE, dialect: 'openai', baseUrl: 'http://127.0.0.1:9100/v1', models: ['m'] },
    });
    for (let i = 0; i < secrets; i += 1) {
      const body = { providerId: HOUSE, name: `no ${i}`, secret: `sk-house-secret-${i}`, priority: priorityOf(i) };
      await admin.client.call('credentials.create', { body });
    }
    const { workspaceId } = admin;
    const credentials =
      admin.deps.snapshotSource.current().workspaces[workspaceId]?.providers[HOUSE]?.credentials ?? [];
    const table = openHealthTable(admin.health);
    return openPool({ workspaceId, providerId: HOUSE, credentials, table, random: Math.random });
  }

  /** A minute of calls, as a worker makes them: each credential has a quota for the day. */
  function burn(pool: CredentialPool, calls: number, quota: number, used: Map<string, number>): boolean {
    for (let i = 0; i < calls; i += 1) {
      const nowMs = admin.clock.nowMs + Math.floor((i * MINUTE_MS) / calls);
      for (;;) {
        const choice = pool.next({ model: 'm', nowMs });
        if (choice.kind === 'none') return false;
        const { member, isProbe } = choice;
        const report = { member, model: 'm', isProbe, nowMs };
        const count = (used.get(member.id) ?? 0) + 1;
        used.set(member.id, count);
        if (count <= quota) {
          pool.succeeded(report);
          break;
        }
        pool.failed(report, { kind: 'quota_exhausted', retryAfterMs: 86_400_000, perModel: false });
      }
    }
    return true;
  }

  test.each([
    { calls: 10, quota: 70 },
    { calls: 30, quota: 130 },
    { calls: 7, quota: 200 },
  ])(
    'is right within 20 percent once four of twelve are used up: $calls calls a minute, a quota of $quota',
    async ({ calls, quota }) => {
      const pool = await createPool(12, (index) => index);
      const used = new Map<string, number>();
      const foreseen: { readonly atMs: number; readonly outAtMs: number }[] = [];
      // Some minutes are busier than others.
      for (
        let minute = 0;
        burn(pool, Math.round(calls * (0.7 + 0.6 * ((minute * 7) % 10) * 0.1)), quota, used);
        minute += 1
      ) {
        await pass(MINUTE_MS);
        const house = await houseOf();
        if (house?.usable !== undefined && house.usable <= 8 && typeof house.exhaustedAt === 'string') {
          foreseen.push({ atMs: admin.clock.nowMs, outAtMs: Date.parse(house.exhaustedAt) });
        }
      }
      const outAtMs = admin.clock.nowMs;
      // In the last interval, minutes decide.
      const judged = foreseen.filter(({ atMs }) => outAtMs - atMs > (quota / calls) * MINUTE_MS);
      expect(judged.length).toBeGreaterThan(20);
      const errors = judged.map((one) => Math.abs(one.outAtMs - outAtMs) / (outAtMs - one.atMs));
      expect(Math.max(...errors)).toBeLessThan(0.2);
      expect(await forecasts()).toMatchObject([{ severity: 'warning', subjectId: HOUSE, state: 'open' }]);
      expect((await houseOf())?.exhaustedAt).toBeNull();
    },
  );

  test('is told in one alert, and ended once when the burn stops', async () => {
    const pool = await createPool(12, (index) => index);
    const used = new Map<string, number>();
    while (((await houseOf())?.usable ?? 0) > 8) {
      burn(pool, 10, 40, used);
      await pass(MINUTE_MS);
    }
    for (let i = 0; i < 3; i += 1) await pass(MINUTE_MS);
    const [alert, ...more] = await forecasts();
    expect(more).toEqual([]);
    expect(alert?.message).toMatch(/^If credentials of the provider house go out of use as they did lately/);
    for (let hour = 0; hour < 27; hour += 1) await pass(60 * MINUTE_MS);
    await pass(MINUTE_MS);
    expect(await forecasts()).toMatchObject([{ id: alert?.id, state: 'resolved' }]);
  });

  test('is none where rate limits come and go', async () => {
    const pool = await createPool(6, () => 1);
    for (let minute = 0; minute < 40; minute += 1) {
      for (let i = 0; i < 3; i += 1) {
        const choice = pool.next({ model: 'm', nowMs: admin.clock.nowMs });
        if (choice.kind === 'none') continue;
        const report = { member: choice.member, model: 'm', isProbe: choice.isProbe, nowMs: admin.clock.nowMs };
        pool.failed(report, { kind: 'rate_limited', retryAfterMs: 50_000, perModel: false });
      }
      await pass(MINUTE_MS);
      expect((await houseOf())?.exhaustedAt).toBeNull();
    }
    expect(await forecasts()).toEqual([]);
  });
});
