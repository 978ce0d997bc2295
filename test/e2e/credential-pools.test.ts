import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { startScriptedUpstream } from '../fakes/scripted-upstream.ts';
import type { ScriptedUpstream } from '../fakes/scripted-upstream.ts';
import { startProduct } from '../product.ts';
import type { Product } from '../product.ts';

let upstream: ScriptedUpstream;
let product: Product;

beforeAll(async () => {
  [upstream, product] = await Promise.all([startScriptedUpstream(), startProduct({ workers: 2 })]);
});
afterAll(async () => {
  await product.dispose();
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
