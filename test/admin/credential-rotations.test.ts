import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openHealthTable } from '../../src/routing/health-table.ts';
import { openPool } from '../../src/routing/open-pool.ts';
import type { FailureKind } from '../../src/routing/provider-error.ts';
import { createAdminFixture } from './admin-fixture.ts';
import type { AdminFixture } from './admin-fixture.ts';
import { refusal } from './refusals.ts';

const PROVIDER = 'house';
const OLD_SECRET = 'sk-house-of-before-0001';
const NEW_SECRET = 'sk-house-from-now-on-0002';
const SECOND_MS = 1_000;
const DAY_MS = 86_400_000;

let admin: AdminFixture;
let oldId: string;
beforeEach(async () => {
  admin = await createAdminFixture();
  await admin.client.call('providers.create', {
    body: { id: PROVIDER, dialect: 'openai', baseUrl: 'http://127.0.0.1:9100/v1', models: ['m'] },
  });
  const { id } = await admin.client.call('credentials.create', {
    body: { providerId: PROVIDER, name: 'main', secret: OLD_SECRET, weight: 19, priority: 2, models: ['m*'] },
  });
  oldId = id;
  // The order of two that are made in one moment is left to chance.
  admin.clock.nowMs += SECOND_MS;
});
afterEach(() => admin.dispose());

const rotate = (body: object = {}) =>
  admin.client.call('credentials.rotate', { params: { id: oldId }, body: { secret: NEW_SECRET, ...body } });
const show = (id: string) => admin.client.call('credential-rotations.get', { params: { id } });
const credential = (id: string) => admin.client.call('credentials.get', { params: { id } });
const alerts = async () =>
  (await admin.client.call('alerts.list', { query: { kind: 'credential_rotation_failed' } })).items;

async function pass(timeMs = 2 * SECOND_MS): Promise<void> {
  admin.clock.nowMs += timeMs;
  await admin.runJobs();
}

/** Those in force, as the workers have them. */
function inForce() {
  const { workspaceId, deps } = admin;
  return deps.snapshotSource.current().workspaces[workspaceId]?.providers[PROVIDER]?.credentials ?? [];
}

function answer(status: number, error: object = {}): void {
  admin.answerAsProvider(async () => ({ status, headers: [], body: Buffer.from(JSON.stringify({ error })) }));
}

/** What a worker finds out about a credential in force. */
function seen(id: string, kind: FailureKind): void {
  const { workspaceId, clock } = admin;
  const table = openHealthTable(admin.health);
  const pool = openPool({ workspaceId, providerId: PROVIDER, credentials: inForce(), table, random: () => 0 });
  const member = pool.members.find((one) => one.id === id);
  if (member === undefined) throw new Error(`${id} is not in force`);
  const report = { member, model: 'm', isProbe: false, nowMs: clock.nowMs };
  pool.failed(report, { kind, retryAfterMs: null, perModel: false });
}

/** Until it waits in a step. */
async function upTo(step: 'canary' | 'drain' | 'delete', body: object = {}) {
  const { id, newCredentialId } = await rotate(body);
  await pass();
  expect(await show(id)).toMatchObject({ step: 'canary' });
  if (step === 'canary') return { id, newCredentialId };
  admin.counts.set(newCredentialId, { passed: 20 });
  admin.counts.set(oldId, { underWay: 1 });
  await pass();
  expect(await show(id)).toMatchObject({ step: 'drain' });
  if (step === 'drain') return { id, newCredentialId };
  admin.counts.set(oldId, { underWay: 0 });
  await pass();
  expect(await show(id)).toMatchObject({ step: 'delete' });
  return { id, newCredentialId };
}

describe('a rotation of a credential', () => {
  test('goes from step to step: tried, a small share, all, old calls ended, disabled, deleted', async () => {
    const asked: string[] = [];
    admin.answerAsProvider(async ({ headers }) => {
      asked.push(headers[1] ?? '');
      return { status: 200, headers: [], body: Buffer.from('{}') };
    });
    const made = await rotate({ drainSeconds: 60, deleteAfterDays: 3 });
    const { id, newCredentialId } = made;
    expect(made).toMatchObject({ state: 'running', step: 'probe', progress: { done: 1, of: 7 } });
    expect(inForce().map((one) => one.id)).toEqual([oldId]);

    await pass();
    expect(asked).toEqual([`Bearer ${NEW_SECRET}`]);
    // 5 % of what the two have together, at the same priority and for the same models.
    expect(inForce()).toMatchObject([
      { id: oldId, weight: 19, priority: 2 },
      { id: newCredentialId, weight: 1, priority: 2, models: ['m*'], secret: NEW_SECRET },
    ]);
    admin.counts.set(newCredentialId, { passed: 19 });
    await pass();
    const waiting = await show(id);
    expect(waiting).toMatchObject({ step: 'canary', canary: { passed: 19, calls: 20 } });
    expect(waiting.steps[2]?.reason).toBe('19 of 20 calls have passed with it');

    admin.counts.set(newCredentialId, { passed: 20 });
    admin.counts.set(oldId, { underWay: 2 });
    await pass();
    expect(inForce()).toMatchObject([
      { id: oldId, priority: 1_000_000 },
      { id: newCredentialId, weight: 19, priority: 2 },
    ]);
    expect((await show(id)).steps[4]).toMatchObject({
      state: 'running',
      reason: '2 calls are under way with the old one',
    });
    admin.counts.set(oldId, { underWay: 0 });
    await pass();
    expect(inForce().map((one) => one.id)).toEqual([newCredentialId]);
    expect(await credential(oldId)).toMatchObject({ state: 'disabled' });

    await pass(3 * DAY_MS - 10 * SECOND_MS);
    expect(await show(id)).toMatchObject({ step: 'delete', state: 'running' });
    await pass(20 * SECOND_MS);
    expect(await show(id)).toMatchObject({
      state: 'completed',
      step: null,
      progress: { done: 7, of: 7 },
      canary: { passed: 20 },
    });
    expect(await refusal(credential(oldId))).toMatchObject({ status: 404 });
    expect(await credential(newCredentialId)).toMatchObject({ state: 'active', weight: 19, hint: '0002' });

    const audit = (await admin.client.call('audit-events.list', { query: { targetId: id } })).items;
    expect(audit.map(({ action }) => action).toReversed()).toEqual([
      'credentials.rotate',
      ...Array.from({ length: 6 }, () => 'credential-rotations.advance'),
    ]);
    const ofOld = (await admin.client.call('audit-events.list', { query: { targetId: oldId } })).items;
    expect(ofOld.map(({ action }) => action)).toContain('credentials.delete');
    const told = JSON.stringify([audit, ofOld, await admin.client.call('credential-rotations.list', { query: {} })]);
    expect(told).not.toContain(NEW_SECRET);
    expect(told).not.toContain(OLD_SECRET);
  });

  test('drains no longer than it is told to', async () => {
    const { id } = await upTo('drain', { drainSeconds: 30 });
    await pass(20 * SECOND_MS);
    expect(await show(id)).toMatchObject({ step: 'drain' });
    await pass(20 * SECOND_MS);
    const { step, steps } = await show(id);
    expect([step, steps[4]?.reason]).toEqual(['delete', 'its time is over; 1 calls are under way with the old one']);
  });

  test('without canary calls goes on at once; without anything to ask for free, too', async () => {
    const { id } = await rotate({ canaryCalls: 0, deleteAfterDays: 0 });
    await pass();
    expect((await show(id)).steps.map(({ state }) => state).slice(0, 4)).toEqual(['done', 'done', 'skipped', 'done']);
    await pass();
    expect(await show(id)).toMatchObject({ state: 'completed' });
  });

  test('waits while the provider cannot be asked, and while the new credential is exhausted', async () => {
    answer(503, { message: 'down for maintenance' });
    const { id, newCredentialId } = await rotate({ canarySeconds: 10 });
    await pass();
    expect((await show(id)).steps[1]).toMatchObject({
      state: 'running',
      reason: 'is tried again: 503 down for maintenance',
    });
    answer(200);
    await pass(31 * SECOND_MS);
    seen(newCredentialId, 'quota_exhausted');
    admin.counts.set(newCredentialId, { passed: 100 });
    await pass();
    expect((await show(id)).steps[2]?.reason).toMatch(/; it is exhausted$/);
  });

  test('is not shown to be right by time alone', async () => {
    answer(403, { message: 'may not list models' });
    const { id, newCredentialId } = await rotate({ canarySeconds: 10 });
    await pass();
    expect((await show(id)).steps[1]).toMatchObject({ state: 'skipped' });
    await pass(60 * SECOND_MS);
    expect((await show(id)).steps[2]?.reason).toMatch(/nothing shows yet/);
    admin.counts.set(newCredentialId, { passed: 1 });
    await pass();
    expect(await show(id)).toMatchObject({ step: 'drain' });
  });

  test('counts canary calls over restarts of the workers', async () => {
    const { id, newCredentialId } = await upTo('canary');
    for (const passed of [8, 0, 5, 9]) {
      admin.counts.set(newCredentialId, { passed });
      await pass();
    }
    expect((await show(id)).canary.passed).toBe(17);
  });
});

describe('a rotation is rolled back', () => {
  test('when the provider rejects the new secret as it is tried', async () => {
    answer(401, { message: `no such key: ${NEW_SECRET}` });
    const { id, newCredentialId } = await rotate();
    await pass();
    const after = await show(id);
    expect(after).toMatchObject({ state: 'rolled-back', step: null });
    expect(after.reason).toBe('the provider rejected the new credential: 401 no such key: …');
    expect(after.steps.map(({ state }) => state)).toEqual([
      'done',
      'failed',
      ...Array.from({ length: 5 }, () => 'skipped'),
    ]);
    expect(await refusal(credential(newCredentialId))).toMatchObject({ status: 404 });
    expect(inForce()).toMatchObject([{ id: oldId, weight: 19, priority: 2 }]);
    expect(await alerts()).toMatchObject([{ subjectKind: 'credential', subjectId: oldId, state: 'open' }]);
  });

  test.each(['canary', 'drain'] as const)('when it rejects a call in the step %s', async (step) => {
    const { id, newCredentialId } = await upTo(step);
    const { workspaceId, clock } = admin;
    seen(newCredentialId, 'rejected_credential');
    admin.deps.providerPools.saw([
      {
        ...{ workspaceId, credentialId: newCredentialId, atMs: clock.nowMs, kind: 'rejected_credential' },
        ...{ status: 401, code: null, message: 'key revoked' },
      },
    ]);
    await pass();
    expect(await show(id)).toMatchObject({
      state: 'rolled-back',
      reason: 'the provider rejected a call with the new credential: 401 key revoked',
    });
    expect(inForce()).toMatchObject([{ id: oldId, weight: 19, priority: 2 }]);
    await pass(DAY_MS);
    expect(await show(id)).toMatchObject({ state: 'rolled-back' });
  });

  test.each(['canary', 'drain', 'delete'] as const)('by hand in the step %s', async (step) => {
    const { id, newCredentialId } = await upTo(step);
    const cancelled = await admin.client.call('credential-rotations.cancel', {
      params: { id },
      body: { reason: 'slower' },
    });
    expect(cancelled).toMatchObject({ state: 'rolled-back', reason: 'slower' });
    expect(inForce()).toMatchObject([{ id: oldId, weight: 19, priority: 2, secret: OLD_SECRET }]);
    expect(await refusal(credential(newCredentialId))).toMatchObject({ status: 404 });
    const again = admin.client.call('credential-rotations.cancel', { params: { id }, body: {} });
    expect(await refusal(again)).toMatchObject({ status: 409 });
    // Then there is room for another.
    expect(await rotate()).toMatchObject({ step: 'probe' });
  });
});

test('a rotation that dies between any two steps goes on where it was, and every step is taken once', async () => {
  const { id, newCredentialId } = await rotate({ deleteAfterDays: 0 });
  const publish = admin.deps.fleet.publish;
  const steps: (string | null)[] = [];
  for (let run = 0; run < 12; run += 1) {
    // The process dies once a step is stored, before the workers are told and the next one is begun.
    admin.deps.fleet.publish = () => new Promise(() => undefined);
    admin.counts.set(newCredentialId, { passed: 50 });
    admin.clock.nowMs += 2 * SECOND_MS;
    const isDead = new Promise<void>((resolve) => setTimeout(resolve, 150));
    await Promise.race([admin.runJobs(), isDead]);
    // Its lease ends with it; the next process compiles what is stored.
    admin.clock.nowMs += 61 * SECOND_MS;
    admin.deps.fleet.publish = publish;
    await admin.deps.fleet.publish();
    const { step, state } = await show(id);
    if (step !== steps.at(-1)) steps.push(step);
    if (state === 'completed') break;
  }
  expect(steps).toEqual(['canary', 'shift', 'drain', 'disable', 'delete', null]);
  expect(inForce()).toMatchObject([{ id: newCredentialId, weight: 19, priority: 2 }]);
  const audit = (await admin.client.call('audit-events.list', { query: { targetId: id } })).items;
  expect(audit).toHaveLength(7);
});

describe('whoever deletes one of the two', () => {
  test('deletes the old one: the new one takes its place', async () => {
    const { id, newCredentialId } = await upTo('canary');
    await admin.client.call('credentials.delete', { params: { id: oldId } });
    await pass();
    expect(await show(id)).toMatchObject({ state: 'completed', reason: 'the old credential was deleted' });
    expect(inForce()).toMatchObject([{ id: newCredentialId, weight: 19, priority: 2 }]);
  });

  test('deletes the new one: the old one gets its place back', async () => {
    const { id, newCredentialId } = await upTo('drain');
    await admin.client.call('credentials.delete', { params: { id: newCredentialId } });
    await pass();
    expect(await show(id)).toMatchObject({ state: 'rolled-back', reason: 'the new credential was deleted' });
    expect(inForce()).toMatchObject([{ id: oldId, weight: 19, priority: 2 }]);
  });
});

test('what cannot be rotated is refused with the reason', async () => {
  expect(await refusal(rotate({ secret: OLD_SECRET }))).toMatchObject({ status: 422 });
  expect(await refusal(rotate({ canaryPercent: 60 }))).toMatchObject({ status: 422 });
  const { newCredentialId } = await rotate();
  expect(await refusal(rotate({ secret: 'sk-yet-another-0003' }))).toMatchObject({ status: 409 });
  const body = { secret: 'sk-yet-another-0003' };
  const ofNew = admin.client.call('credentials.rotate', { params: { id: newCredentialId }, body });
  expect(await refusal(ofNew)).toMatchObject({ status: 409 });
  const ofFile = admin.client.call('credentials.rotate', { params: { id: 'cred_file' }, body });
  expect(await refusal(ofFile)).toMatchObject({ status: 404 });
});
