import { afterAll, beforeAll, expect, test } from 'vitest';
import { createKey, listCalls, startProduct } from '../product.ts';
import type { Product } from '../product.ts';

let product: Product;
beforeAll(async () => {
  product = await startProduct();
});
afterAll(() => product.dispose());

async function call(key: string): Promise<Response> {
  const response = await fetch(`${product.gatewayUrl}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'sandbox/echo', max_tokens: 50, messages: [{ role: 'user', content: 'hello' }] }),
  });
  return response;
}

async function rotate(kid: string, overlap: string): Promise<{ key: string; status: number }> {
  const { status, body } = await product.admin('POST', `/keys/${kid}/rotate`, { overlap });
  return { status, ...(body as { key: string }) };
}

async function codeOf(response: Response): Promise<string> {
  const body = (await response.json()) as { error?: { code?: string } };
  return `${response.status} ${body.error?.code ?? ''}`;
}

test('in the overlap both secrets call and share one limit; answers to the old one say that it ends, and when', async () => {
  const { kid, key: old } = await createKey(product, { limits: { requestsPerMinute: 4 } });
  const rotatedAtMs = Date.now();
  const { key: fresh, status } = await rotate(kid, '1h');
  expect(status).toBe(200);
  expect(fresh.split('_')[2]).toBe(kid);

  const toOld = await call(old);
  expect(toOld.status).toBe(200);
  expect(toOld.headers.get('deprecation')).toMatch(/^@\d+$/);
  const deprecatedAtMs = Number(toOld.headers.get('deprecation')?.slice(1)) * 1000;
  expect(Math.abs(deprecatedAtMs - rotatedAtMs)).toBeLessThan(60_000);
  const sunsetMs = Date.parse(toOld.headers.get('sunset') ?? '');
  expect(Math.abs(sunsetMs - rotatedAtMs - 3_600_000)).toBeLessThan(60_000);

  const toFresh = await call(fresh);
  expect(toFresh.status).toBe(200);
  expect([toFresh.headers.get('deprecation'), toFresh.headers.get('sunset')]).toEqual([null, null]);
  expect([(await call(old)).status, (await call(fresh)).status]).toEqual([200, 200]);
  expect(await codeOf(await call(old))).toBe('429 rate_limited');
  expect(await codeOf(await call(fresh))).toBe('429 rate_limited');
});

test('both secrets, used in turn by parallel calls, spend one budget to the nano-dollar', async () => {
  const { kid, key: old } = await createKey(product, { limits: { budgets: [{ usd: 0.001, period: 'day' }] } });
  const { key: fresh } = await rotate(kid, '1h');
  const answers = await Promise.all(Array.from({ length: 100 }, (_, i) => call(i % 2 === 0 ? old : fresh)));
  const statuses = answers.map(({ status }) => status);
  expect(new Set(statuses)).toEqual(new Set([200, 429]));
  const budget = async () => {
    const { items } = (await product.admin('GET', `/keys/${kid}/limits`)).body as {
      readonly items: readonly { readonly name: string; readonly used: number; readonly held: number }[];
    };
    return items.find(({ name }) => name === 'budget');
  };
  await expect.poll(async () => (await budget())?.held).toBe(0);
  await expect.poll(async () => (await listCalls(product, `&key=${kid}`)).length).toBe(100);
  const calls = await listCalls(product, `&key=${kid}`);
  const paid = calls.filter(({ status }) => status === 200);
  expect(new Set(paid.map(({ secretGeneration }) => secretGeneration))).toEqual(new Set([1, 2]));
  const spent = paid.reduce((sum, { costNanoUsd }) => sum + (costNanoUsd ?? 0), 0);
  expect(await budget()).toMatchObject({ used: spent });
  expect(spent).toBeLessThanOrEqual(1_000_000);
});

test('when the overlap is over the old secret is refused and told why; the new one goes on', async () => {
  const { kid, key: old } = await createKey(product);
  const { key: fresh } = await rotate(kid, '1s');
  expect((await call(old)).status).toBe(200);
  await expect.poll(async () => codeOf(await call(old)), { timeout: 5000 }).toBe('401 rotation_grace_over');
  expect((await call(fresh)).status).toBe(200);
});

test('an overlap that would outlive the key is told to end with it, in headers and views alike', async () => {
  const expiresAt = new Date(Date.now() + 3_600_000).toISOString();
  const { kid, key: old } = await createKey(product, { expiresAt });
  expect((await rotate(kid, '7d')).status).toBe(200);
  expect(Date.parse((await call(old)).headers.get('sunset') ?? '')).toBe(
    Math.floor(Date.parse(expiresAt) / 1000) * 1000,
  );
  const shown = await product.admin('GET', `/keys/${kid}`);
  expect(shown.body).toMatchObject({ secretVersions: [{ acceptedUntil: null }, { acceptedUntil: expiresAt }] });
  const adoption = await product.admin('GET', `/keys/${kid}/adoption`);
  expect(adoption.body).toMatchObject({ generations: [{ acceptedUntil: null }, { acceptedUntil: expiresAt }] });
  // The overlap itself is kept: a key that lives on keeps to it.
  await product.admin('PATCH', `/keys/${kid}`, { expiresAt: null });
  const [, later] = (await product.admin('GET', `/keys/${kid}`).then(({ body }) => body as Versions)).secretVersions;
  expect(Date.parse(later?.acceptedUntil ?? '')).toBeGreaterThan(Date.parse(expiresAt) + 86_400_000);
});

interface Versions {
  readonly secretVersions: readonly { readonly acceptedUntil: string | null }[];
}

test('a rotation without an overlap is in force on every worker when it is answered', async () => {
  const { kid, key: old } = await createKey(product);
  await Promise.all(Array.from({ length: 20 }, async () => expect((await call(old)).status).toBe(200)));
  const { key: fresh } = await rotate(kid, '0s');
  const codes = await Promise.all(Array.from({ length: 40 }, async () => codeOf(await call(old))));
  expect(new Set(codes)).toEqual(new Set(['401 superseded']));
  expect((await call(fresh)).status).toBe(200);
});

test('a revoked key is not rotated', async () => {
  const { kid } = await createKey(product);
  await product.admin('POST', `/keys/${kid}/revoke`, {});
  expect((await rotate(kid, '1h')).status).toBe(409);
});
