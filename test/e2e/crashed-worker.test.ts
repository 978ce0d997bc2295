/** A worker that breaks from within, in the real product: what it takes with it, and what goes on. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Agent, request } from 'undici';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { DIALECT_CALLS, FAKE_PROVIDERS, fakeProvidersConfig } from '../dialect-calls.ts';
import { startFakeUpstream } from '../fakes/fake-upstream.ts';
import type { FakeUpstream } from '../fakes/fake-upstream.ts';
import { createKey, findCall, startProduct } from '../product.ts';
import type { Product } from '../product.ts';
import { INSPECTABLE, inspectWorkers } from '../worker-inspector.ts';
import type { WorkerInspector } from '../worker-inspector.ts';

const WORKERS = 2;
const CRASH = 'throw new Error("broken on purpose")';

let upstream: FakeUpstream;
let product: Product;
let inspector: WorkerInspector;

beforeAll(async () => {
  upstream = await startFakeUpstream();
});
afterAll(() => upstream.close());
beforeEach(async () => {
  product = await startProduct({
    workers: WORKERS,
    config: fakeProvidersConfig(upstream.origin, 'provider-key'),
    env: INSPECTABLE,
  });
  inspector = await inspectWorkers(product, WORKERS);
});
afterEach(async () => {
  inspector.close();
  await product.dispose();
});

interface OpenCall {
  readonly status: number;
  readonly requestId: string;
  /** The body, or null when it was cut. */
  readonly end: Promise<string | null>;
}

/** Begins a call on a connection of its own; the system deals connections out to the workers. */
async function begin(model: string, key = product.firstKey): Promise<OpenCall> {
  const dispatcher = new Agent({ pipelining: 1, connections: 1 });
  const answer = await request(`${product.gatewayUrl}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: DIALECT_CALLS.openai.body(`${FAKE_PROVIDERS.openai}/${model}`, true),
    dispatcher,
  });
  const end = answer.body
    .text()
    .catch(() => null)
    .finally(() => void dispatcher.destroy());
  return { status: answer.statusCode, requestId: String(answer.headers['x-request-id']), end };
}

async function statusOf(key: string): Promise<number> {
  const call = await begin('tiny', key);
  await call.end;
  return call.status;
}

async function workers(): Promise<readonly { readonly id: number; readonly state: string }[]> {
  const { body } = await product.admin('GET', '/status');
  return (body as { readonly workers: readonly { readonly id: number; readonly state: string }[] }).workers;
}

async function untilAllRun(): Promise<void> {
  while ((await workers()).some(({ state }) => state !== 'running')) await sleep(20);
}

/** A worker's connections end before the main thread hears that it is gone: until then it counts as running. */
async function untilGone(count: number): Promise<void> {
  while (product.logs().split('worker gone').length <= count) await sleep(5);
}

async function untilNotAllRun(): Promise<void> {
  while ((await workers()).every(({ state }) => state === 'running')) await sleep(5);
}

test('a worker that crashes takes only its own calls with it, is replaced, and its replacement serves', async () => {
  const open = await Promise.all(Array.from({ length: 16 }, () => begin('slow-stream-40')));
  inspector.run(0, CRASH);
  const ends = await Promise.all(open.map(({ end }) => end));
  const whole = open.filter((_, i) => ends[i]?.endsWith('data: [DONE]\n\n') === true);
  expect(whole.length).toBeGreaterThan(0);
  expect(whole.length).toBeLessThan(open.length);
  for (const { requestId } of whole) {
    expect(await findCall(product, requestId)).toMatchObject({ worker: 1, complete: true });
  }
  expect(product.logs()).toContain('broken on purpose');
  await untilGone(1);
  await untilAllRun();
  const after = await Promise.all(Array.from({ length: 40 }, () => begin('tiny')));
  const served = new Set<number>();
  for (const { status, requestId, end } of after) {
    expect(status).toBe(200);
    await end;
    served.add((await findCall(product, requestId)).worker);
  }
  expect([...served].toSorted((a, b) => a - b)).toEqual([0, 1]);
});

test('while it is replaced, calls go on', async () => {
  inspector.run(0, CRASH);
  await untilNotAllRun();
  let made = 0;
  while ((await workers()).some(({ state }) => state !== 'running')) {
    expect(await statusOf(product.firstKey)).toBe(200);
    made += 1;
  }
  expect(made).toBeGreaterThan(0);
});

test('what it held of a key’s concurrency is given back', async () => {
  const { key } = await createKey(product, { limits: { concurrency: 4 } });
  const open = await Promise.all(Array.from({ length: 4 }, () => begin('slow-stream', key)));
  expect(open.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
  expect(await statusOf(key)).toBe(429);
  inspector.run(0, CRASH);
  inspector.run(1, CRASH);
  expect(await Promise.all(open.map(({ end }) => end))).toEqual([null, null, null, null]);
  await untilGone(2);
  await untilAllRun();
  const again = await Promise.all(Array.from({ length: 4 }, () => begin('slow-stream-20', key)));
  expect(again.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
  expect(await statusOf(key)).toBe(429);
  await Promise.all(again.map(({ end }) => end));
  expect(await statusOf(key)).toBe(200);
});

test('a revocation that waits for it is answered when it is gone, and holds for its replacement', async () => {
  const { kid, key } = await createKey(product);
  await Promise.all(Array.from({ length: 16 }, () => statusOf(key)));
  // Too busy to hear of anything, and then gone.
  inspector.run(0, 'const end = Date.now() + 1500; while (Date.now() < end); process.exit(1)');
  await sleep(200);
  const askedAt = performance.now();
  const revoked = await product.admin('POST', `/keys/${kid}/revoke`, {});
  const waitedMs = performance.now() - askedAt;
  expect([revoked.status, revoked.body]).toMatchObject([200, { state: 'revoked' }]);
  expect(waitedMs).toBeGreaterThan(500);
  expect(waitedMs).toBeLessThan(4_000);
  await untilAllRun();
  const answers = await Promise.all(Array.from({ length: 40 }, () => statusOf(key)));
  expect(new Set(answers)).toEqual(new Set([401]));
});
