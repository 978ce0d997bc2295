import { setTimeout as sleep } from 'node:timers/promises';
import { Pool } from 'undici';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DIALECT_CALLS } from '../dialect-calls.ts';
import { createKey, listCalls, startProduct } from '../product.ts';
import type { Product } from '../product.ts';

const CONNECTIONS = 50;

let product: Product;

beforeAll(async () => {
  product = await startProduct({ workers: 2 });
});
afterAll(() => product.dispose());

/** Calls the sandbox `count` times over 50 connections; the number of answers by status. */
async function callMany(key: string, count: number): Promise<Readonly<Record<number, number>>> {
  const pool = new Pool(product.gatewayUrl, { connections: CONNECTIONS, pipelining: 1 });
  const statuses: Record<number, number> = {};
  let left = count;
  const caller = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      const answer = await pool.request({
        method: 'POST',
        path: '/v1/chat/completions',
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        body: DIALECT_CALLS.openai.body('sandbox/echo', false),
      });
      await answer.body.dump();
      statuses[answer.statusCode] = (statuses[answer.statusCode] ?? 0) + 1;
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, caller));
  await pool.close();
  return statuses;
}

/** The workers that answered calls with a key, once all of its records have arrived. */
async function workersOf(kid: string, count: number): Promise<ReadonlySet<number>> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const calls = await listCalls(product, `&key=${kid}`);
    if (calls.length >= count) return new Set(calls.map((call) => call.worker));
    await sleep(100);
  }
  throw new Error('the call records did not arrive');
}

test('of 1,000 calls against a limit of 100 a minute exactly 100 pass, over 2 workers and 50 connections', async () => {
  const { kid, key } = await createKey(product, { limits: { requestsPerMinute: 100 } });
  expect(await callMany(key, 1_000)).toEqual({ 200: 100, 429: 900 });
  expect((await workersOf(kid, 1_000)).size).toBe(2);
});

test('a refusal for a limit says when to come back', async () => {
  const { key } = await createKey(product, { limits: { requestsPerMinute: 1 } });
  await callMany(key, 1);
  const answer = await fetch(`${product.gatewayUrl}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: DIALECT_CALLS.openai.body('sandbox/echo', false),
  });
  expect(answer.status).toBe(429);
  expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
  expect(Number(answer.headers.get('retry-after'))).toBeLessThanOrEqual(60);
});

test('after a revocation is answered, none of 10,000 calls passes on any worker', async () => {
  const { kid, key } = await createKey(product);
  // Both workers know the key when it is revoked.
  expect(await callMany(key, 200)).toEqual({ 200: 200 });
  const revocation = await product.admin('POST', `/keys/${kid}/revoke`, {});
  expect(revocation.status).toBe(200);
  expect(await callMany(key, 10_000)).toEqual({ 401: 10_000 });
});

test('a revocation under load lets nothing pass that was sent after its answer', async () => {
  const { kid, key } = await createKey(product);
  const load = callMany(key, 2_000);
  await sleep(50);
  expect((await product.admin('POST', `/keys/${kid}/revoke`, {})).status).toBe(200);
  expect(await callMany(key, 500)).toEqual({ 401: 500 });
  expect(Object.keys(await load).every((status) => status === '200' || status === '401')).toBe(true);
});
