import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { startScriptedUpstream } from '../fakes/scripted-upstream.ts';
import type { ScriptedUpstream } from '../fakes/scripted-upstream.ts';
import { startProduct } from '../product.ts';
import type { Product } from '../product.ts';

let upstream: ScriptedUpstream;
let product: Product;
/** Those before, whose folders are still in use. */
const restarts: Product[] = [];

beforeAll(async () => {
  [upstream, product] = await Promise.all([startScriptedUpstream({ listsModels: true }), startProduct({ workers: 2 })]);
});
afterAll(async () => {
  await product.dispose();
  for (const before of restarts) await before.dispose();
  await upstream.close();
});
beforeEach(() => upstream.clear());

async function call(model: string): Promise<number> {
  const response = await fetch(`${product.gatewayUrl}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${product.firstKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model, messages: [{ role: 'user', content: 'hi' }] }),
  });
  await response.text();
  return response.status;
}

async function createProvider(id: string): Promise<void> {
  const body = { id, dialect: 'openai', baseUrl: `${upstream.origin}/v1`, models: ['m'] };
  expect((await product.admin('POST', '/providers', body)).status).toBe(201);
}

async function createCredential(providerId: string, secret: string): Promise<string> {
  const { status, body } = await product.admin('POST', '/credentials', { providerId, name: 'one', secret });
  expect(status).toBe(201);
  return (body as { id: string }).id;
}

interface Shown {
  readonly health: { readonly lastError: { readonly message: string } | null };
}

test("the live view tells a credential's last error in the words of its provider, without the secret", async () => {
  const secret = 'sk-of-the-first-pool-0123456789';
  await createProvider('p1');
  const id = await createCredential('p1', secret);
  const lastError = async () => ((await product.admin('GET', `/credentials/${id}`)).body as Shown).health.lastError;
  expect(await lastError()).toBeNull();
  const message = `You exceeded your quota with ${secret}. ${'So it is. '.repeat(200)}`;
  upstream.script(secret, { status: 429, body: { error: { message, code: 'insufficient_quota' } } });
  expect(await call('p1/m')).toBe(429);
  await expect.poll(lastError, { timeout: 10_000 }).toMatchObject({
    status: 429,
    reason: 'quota_exhausted',
    code: 'insufficient_quota',
    message: expect.stringMatching(/^You exceeded your quota with …\. So it is/) as string,
  });
  expect((await lastError())?.message.length).toBeLessThan(520);
  const pools = JSON.stringify((await product.admin('GET', '/provider-pools')).body);
  expect(pools).toContain('You exceeded your quota');
  expect(pools + product.logs()).not.toContain(secret);
});

interface Rotation {
  readonly id: string;
  readonly newCredentialId: string;
  readonly state: string;
  readonly step: string | null;
  readonly reason: string | null;
  readonly canary: { readonly passed: number };
}

const OLD = 'sk-of-before-0123456789';
const NEW = 'sk-from-now-on-9876543210';

async function rotate(id: string, secret: string, body: object = {}): Promise<Rotation> {
  const answer = await product.admin('POST', `/credentials/${id}/rotate`, { secret, canaryPercent: 20, ...body });
  expect(answer.status).toBe(201);
  return answer.body as Rotation;
}

const show = async (id: string) => (await product.admin('GET', `/credential-rotations/${id}`)).body as Rotation;

/** Calls without a pause until it is so; the statuses of all. */
async function callUntil(model: string, isSo: () => Promise<boolean>): Promise<readonly number[]> {
  const statuses: number[] = [];
  const stopped = new AbortController();
  const caller = async (): Promise<void> => {
    while (!stopped.signal.aborted) statuses.push(await call(model));
  };
  const load = Promise.all(Array.from({ length: 4 }, caller));
  const deadline = performance.now() + 40_000;
  while (!(await isSo()) && performance.now() < deadline) await sleep(100);
  stopped.abort();
  await load;
  return statuses;
}

test('a credential is rotated under load without a failed call, and the old one is not used any more', async () => {
  await createProvider('p2');
  const oldId = await createCredential('p2', OLD);
  const { id } = await rotate(oldId, NEW, { canaryCalls: 20, deleteAfterDays: 0 });
  const statuses = await callUntil('p2/m', async () => (await show(id)).state !== 'running');
  expect(await show(id)).toMatchObject({ state: 'completed', step: null });
  expect(statuses.length).toBeGreaterThan(50);
  expect(statuses.filter((status) => status !== 200)).toEqual([]);
  // Tried first, then a part of the calls, then all of them.
  const last = upstream.used.lastIndexOf(OLD);
  const first = upstream.used.indexOf(NEW, 1);
  const together = upstream.used.slice(first, last);
  const share = together.filter((secret) => secret === NEW).length / together.length;
  expect(share).toBeGreaterThan(0.1);
  expect(share).toBeLessThan(0.4);
  expect(upstream.used.slice(last + 1).length).toBeGreaterThan(0);
  expect((await product.admin('GET', `/credentials/${oldId}`)).status).toBe(404);
  expect(product.logs()).not.toContain(NEW);
});

test('a rotation whose new secret is rejected in the canary is rolled back, and no caller notices', async () => {
  await createProvider('p3');
  const oldId = await createCredential('p3', OLD);
  upstream.script(NEW, 'ok', ...Array.from({ length: 50 }, () => ({ status: 401 })));
  const { id, newCredentialId } = await rotate(oldId, NEW);
  const statuses = await callUntil('p3/m', async () => (await show(id)).state !== 'running');
  expect(await show(id)).toMatchObject({
    state: 'rolled-back',
    reason: 'the provider rejected a call with the new credential: 401 refused with 401',
  });
  expect(statuses.filter((status) => status !== 200)).toEqual([]);
  expect((await product.admin('GET', `/credentials/${newCredentialId}`)).status).toBe(404);
  upstream.clear();
  for (let i = 0; i < 10; i += 1) await call('p3/m');
  expect(upstream.used).toEqual(Array.from({ length: 10 }, () => OLD));
});

test('a rotation goes on where it was when the product was killed', async () => {
  await createProvider('p4');
  const { id } = await rotate(await createCredential('p4', OLD), NEW, {
    ...{ canaryCalls: 100_000, canarySeconds: 15, deleteAfterDays: 0 },
  });
  await callUntil('p4/m', async () => (await show(id)).canary.passed >= 5);
  const before = await show(id);
  expect(before).toMatchObject({ step: 'canary', state: 'running' });
  await product.kill();
  const { firstKey } = product;
  const again = await startProduct({ workers: 2, dataDir: product.dataDir });
  restarts.push(product);
  product = { ...again, firstKey };
  expect((await show(id)).canary.passed).toBeGreaterThanOrEqual(before.canary.passed);
  const statuses = await callUntil('p4/m', async () => (await show(id)).state !== 'running');
  expect(await show(id)).toMatchObject({ state: 'completed' });
  expect(statuses.filter((status) => status !== 200)).toEqual([]);
});
