/** The process by which a key that does not work becomes one that does, end to end, over a restart. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createClient } from '../../src/client/client.ts';
import type { Client } from '../../src/client/client.ts';
import { createKey, filesOf, findCall, startProduct } from '../product.ts';
import type { Product } from '../product.ts';

let folder: string;
let product: Product;
let client: Client;

async function start(): Promise<void> {
  product = await startProduct({ dataDir: join(folder, 'data') });
  client = createClient({ baseUrl: product.adminUrl, token: product.adminToken });
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'keyward-cases-'));
  await start();
});
afterAll(async () => {
  await product.dispose();
  rmSync(folder, { recursive: true, force: true });
});

async function call(key: string): Promise<{ status: number; code: string; requestId: string }> {
  const answer = await fetch(`${product.gatewayUrl}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'sandbox/echo', messages: [{ role: 'user', content: 'hello' }] }),
  });
  const requestId = answer.headers.get('x-request-id') ?? '';
  await answer.text();
  return { status: answer.status, requestId, code: (await findCall(product, requestId)).code };
}

const stepOf = (
  told: { readonly steps: readonly { readonly name: string; readonly state: string; readonly evidence: unknown }[] },
  name: string,
) => told.steps.find((step) => step.name === name);

test('from a refused call to a new key that works, with a restart in the middle', async () => {
  const { id: applicationId } = await client.call('applications.create', {
    body: { name: 'shop', subscribedModels: ['*'] },
  });
  const scopes = { models: ['sandbox/*'], operations: ['chat'] };
  const { kid, key: old } = await createKey(product, {
    name: 'till',
    applicationId,
    scopes,
    limits: { requestsPerMinute: 50 },
  });
  expect((await call(old)).status).toBe(200);
  await client.call('applications.update', { params: { id: applicationId }, body: { state: 'disabled' } });
  await client.call('keys.revoke', { params: { kid }, body: { reason: 'lost' } });
  const refused = await call(old);
  expect(refused.code).toBe('revoked');

  const opened = await client.call('cases.open', { body: { requestId: refused.requestId } });
  const { id } = opened;
  expect(opened).toMatchObject({ kid, state: 'open', next: 'verify-owner' });
  expect(stepOf(opened, 'identify')).toMatchObject({
    state: 'done',
    evidence: { name: 'till', applicationId, applicationName: 'shop', failures: [{ code: 'revoked', count: 1 }] },
  });

  const verified = await client.call('cases.verify-owner', { params: { id } });
  expect(verified.next).toBe('verify-owner');
  expect(stepOf(verified, 'verify-owner')).toMatchObject({
    state: 'failed',
    evidence: {
      problems: [{ code: 'application_disabled' }],
      offers: [{ choice: 'enable-application' }, { choice: 'reassign' }],
    },
  });
  await client.call('cases.update-owner', { params: { id }, body: { choice: 'enable-application' } });
  const sound = await client.call('cases.verify-owner', { params: { id } });
  expect(stepOf(sound, 'verify-owner')).toMatchObject({ state: 'done', attempts: 2 });

  expect(await product.stop()).toBe(0);
  await product.dispose();
  await start();
  expect(await client.call('cases.get', { params: { id } })).toEqual(sound);
  expect(sound.next).toBe('reissue');

  const reissued = await client.call('cases.reissue', { params: { id }, body: { mode: 'replace', overlap: '0s' } });
  expect(reissued).toMatchObject({ state: 'open', next: 'test', kid, newKid: reissued.key.split('_')[2] });
  const fresh = await client.call('keys.get', { params: { kid: reissued.newKid ?? '' } });
  const before = await client.call('keys.get', { params: { kid } });
  expect(fresh).toMatchObject({ applicationId, name: 'till', state: 'active', ownerId: before.ownerId });
  expect([fresh.scopes, fresh.limits, fresh.tags]).toEqual([before.scopes, before.limits, before.tags]);
  expect(await call(reissued.key)).toMatchObject({ status: 200 });
  expect(await call(old)).toMatchObject({ code: 'revoked' });

  const withoutKey = await client.call('cases.test', { params: { id } });
  expect(withoutKey).toMatchObject({ state: 'open', next: 'test' });
  const tested = await client.call('cases.test', { params: { id }, body: { secret: reissued.key } });
  expect(tested).toMatchObject({ state: 'resolved', next: null });
  const { evidence } = stepOf(tested, 'test') ?? {};
  expect(evidence).toMatchObject({ passed: true, complete: true, kid: reissued.newKid });
  expect((await findCall(product, (evidence as { requestId: string }).requestId)).code).toBe('ok');

  const audited = (await client.call('audit-events.list', { query: { limit: 500 } })).items;
  expect(
    audited
      .filter(({ targetId }) => targetId === id)
      .map(({ action }) => action)
      .toReversed(),
  ).toEqual([
    'cases.open',
    'cases.verify-owner',
    'cases.update-owner',
    'cases.verify-owner',
    'cases.reissue',
    'cases.test',
    'cases.test',
  ]);
  const done = audited.map(({ action, targetId }) => `${action} ${targetId}`);
  expect(done).toEqual(
    expect.arrayContaining([`applications.update ${applicationId}`, `keys.create ${reissued.newKid}`]),
  );
  for (const key of [old, reissued.key]) {
    const secret = Buffer.from(key.split('_')[3] ?? '');
    for (const { path, bytes } of filesOf(folder)) expect(bytes.includes(secret), path).toBe(false);
    expect(product.logs()).not.toContain(secret.toString());
    expect(JSON.stringify([audited, tested])).not.toContain(secret.toString());
  }
});

test('a key that lives on gets a new secret with an overlap, and can be reassigned', async () => {
  const { kid, key: old } = await createKey(product);
  const { id: applicationId } = await client.call('applications.create', {
    body: { name: 'new home', subscribedModels: ['*'] },
  });
  const { id } = await client.call('cases.open', { body: { key: old } });
  const verified = await client.call('cases.verify-owner', { params: { id } });
  expect(verified).toMatchObject({ next: 'reissue' });
  expect(stepOf(verified, 'update-owner')).toMatchObject({ state: 'skipped' });
  const moved = await client.call('cases.update-owner', {
    params: { id },
    body: { choice: 'reassign', applicationId },
  });
  expect(stepOf(moved, 'update-owner')).toMatchObject({
    state: 'done',
    evidence: { target: kid, after: { applicationId } },
  });
  const reissued = await client.call('cases.reissue', { params: { id }, body: { overlap: '1h' } });
  expect(reissued).toMatchObject({ kid, newKid: null });
  expect([(await call(old)).status, (await call(reissued.key)).status]).toEqual([200, 200]);
  expect(await client.call('cases.test', { params: { id }, body: { secret: reissued.key } })).toMatchObject({
    state: 'resolved',
  });
});

test('a case that is closed, with a reason, takes no further step; cases are listed by key and state', async () => {
  const { kid } = await createKey(product);
  const { id } = await client.call('cases.open', { body: { fingerprint: kid } });
  const closed = await client.call('cases.close', { params: { id }, body: { reason: 'found the old key again' } });
  expect(closed).toMatchObject({ state: 'closed', closedReason: 'found the old key again', next: null });
  for (const step of ['verify-owner', 'reissue', 'test']) {
    expect((await product.admin('POST', `/cases/${id}/steps/${step}`, {})).status).toBe(409);
  }
  const listed = await client.call('cases.list', { query: { key: kid, state: 'closed' } });
  expect(listed.items.map((each) => each.id)).toEqual([id]);
  expect((await client.call('cases.list', { query: { key: kid, state: 'open' } })).items).toEqual([]);
});

test('what is no key of the workspace opens no case, and a case that is not there is 404', async () => {
  expect((await product.admin('POST', '/cases', { fingerprint: 'AAAAAAAAAAAA' })).status).toBe(404);
  expect((await product.admin('POST', '/cases', {})).status).toBe(422);
  expect((await product.admin('GET', '/cases/case_none')).status).toBe(404);
  expect((await product.admin('POST', '/cases/case_none/steps/reissue', {})).status).toBe(404);
  const { kid } = await createKey(product);
  const { id } = await client.call('cases.open', { body: { fingerprint: kid } });
  const wrong = [
    { choice: 'reassign' },
    { choice: 'reassign', ownerId: 'per_none' },
    { choice: 'reassign', applicationId: 'app_none' },
  ];
  for (const body of wrong)
    expect((await product.admin('POST', `/cases/${id}/steps/update-owner`, body)).status).toBe(422);
});
