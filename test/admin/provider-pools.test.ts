import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openHealthTable } from '../../src/routing/health-table.ts';
import { openPool } from '../../src/routing/open-pool.ts';
import type { PoolFailure } from '../../src/routing/pool.ts';
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
