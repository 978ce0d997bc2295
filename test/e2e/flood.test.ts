import { setTimeout as sleep } from 'node:timers/promises';
import { request } from 'undici';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { unknownKey, withWrongSecret } from '../forged-key.ts';
import { createKey, startProduct } from '../product.ts';
import type { Product } from '../product.ts';

let product: Product;

beforeAll(async () => {
  product = await startProduct({ workers: 1, config: 'gateway: { trustedProxyHops: 1 }' });
});
afterAll(() => product.dispose());

async function codeOf(key: string, from: string): Promise<string> {
  const answer = await request(`${product.gatewayUrl}/v1/models`, {
    headers: { authorization: `Bearer ${key}`, 'x-forwarded-for': from },
  });
  const body = (await answer.body.json()) as { readonly error?: { readonly code?: string } };
  return answer.statusCode === 200 ? 'ok' : String(body.error?.code);
}

test('a network that floods with wrong keys is told to wait, whether or not their ids exist; keys in use go on, and so do other networks', async () => {
  const { kid, key } = await createKey(product);
  expect(await codeOf(key, '192.0.2.1')).toBe('ok');
  for (let i = 0; i < 200; i += 1) await codeOf(unknownKey(), `192.0.2.${i % 250}`);
  expect(await codeOf(unknownKey(), '192.0.2.9')).toBe('too_many_failures');
  expect(await codeOf(withWrongSecret(kid), '192.0.2.9')).toBe('too_many_failures');
  expect(await codeOf(key, '192.0.2.9')).toBe('ok');
  expect(await codeOf(unknownKey(), '198.51.100.1')).toBe('invalid_api_key');
  expect(await codeOf(withWrongSecret(kid), '198.51.100.1')).toBe('invalid_api_key');
  await sleep(1100);
  expect(await codeOf(unknownKey(), '192.0.2.9')).toBe('invalid_api_key');
});
