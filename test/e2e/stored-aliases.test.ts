import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { startScriptedUpstream } from '../fakes/scripted-upstream.ts';
import type { ScriptedUpstream } from '../fakes/scripted-upstream.ts';
import { startProduct } from '../product.ts';
import type { Product } from '../product.ts';

let one: ScriptedUpstream;
let other: ScriptedUpstream;
let product: Product;

beforeAll(async () => {
  [one, other, product] = await Promise.all([
    startScriptedUpstream(),
    startScriptedUpstream(),
    startProduct({ workers: 1 }),
  ]);
  for (const [id, { origin }] of [
    ['one', one],
    ['other', other],
  ] as const) {
    await put('POST', '/providers', { id, dialect: 'openai', baseUrl: `${origin}/v1`, models: ['m'] }, 201);
    await put('POST', '/credentials', { providerId: id, name: id, secret: `sk-of-${id}` }, 201);
  }
});
afterAll(async () => {
  await product.dispose();
  await Promise.all([one.close(), other.close()]);
});
beforeEach(() => {
  one.clear();
  other.clear();
});

async function put(method: string, path: string, body: object, status: number): Promise<void> {
  const answer = await product.admin(method, path, body);
  expect([answer.status, JSON.stringify(answer.body)]).toEqual([status, expect.anything()]);
}

async function call(model: string, headers: Readonly<Record<string, string>> = {}): Promise<number> {
  const response = await fetch(`${product.gatewayUrl}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${product.firstKey}`, 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ model, messages: [{ role: 'user', content: 'hi' }] }),
  });
  await response.text();
  return response.status;
}

test('an alias of the API shares by weight, chooses by condition and hedges, and a change is in force at once', async () => {
  const targets = [{ model: 'one/m', weight: 3 }, 'other/m'];
  await put('POST', '/models', { id: 'fast', targets, strategy: 'weighted', affinity: 'off' }, 201);
  for (let i = 0; i < 40; i += 1) expect(await call('fast')).toBe(200);
  expect([one.used.length, other.used.length]).toEqual([30, 10]);

  await put('PATCH', '/models/fast', { targets: [{ model: 'one/m', when: { tags: ['eu'] } }, 'other/m'] }, 200);
  await put('PATCH', '/models/fast', { strategy: null }, 200);
  one.clear();
  other.clear();
  await call('fast', { 'x-keyward-tags': 'eu' });
  await call('fast');
  expect([one.used.length, other.used.length]).toEqual([1, 1]);

  await put('PATCH', '/models/fast', { targets: ['one/m', 'other/m'], hedge: { afterMs: 50 } }, 200);
  one.clear();
  other.clear();
  one.always('hang');
  expect(await call('fast')).toBe(200);
  expect([one.used.length, other.used.length]).toEqual([1, 1]);
});
