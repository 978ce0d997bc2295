/** The catalogue of models through the real product: what is known without anybody stating it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createKey, startProduct } from '../product.ts';
import type { Product } from '../product.ts';

const folder = mkdtempSync(join(tmpdir(), 'keyward-catalogue-'));
const source = join(folder, 'models.json');

function own(input: number): string {
  return JSON.stringify({
    providers: { openai: { 'house-tuned': { contextTokens: 777, price: { input, output: 2 } } } },
  });
}

let product: Product;
beforeAll(async () => {
  writeFileSync(source, own(1));
  product = await startProduct({
    env: { OPENAI_API_KEY: 'sk-none' },
    config: `catalogue: { source: ${JSON.stringify(source)} }`,
  });
});
afterAll(async () => {
  await product.dispose();
  rmSync(folder, { recursive: true });
});

async function model(id: string): Promise<unknown> {
  const { body } = await product.admin('GET', '/models?provider=openai&limit=500');
  return (body as { readonly items: readonly { readonly id: string }[] }).items.find((item) => item.id === id);
}

test('a provider that is on lists its models, with limits, abilities and prices', async () => {
  expect(await model('openai/gpt-4o-mini')).toMatchObject({
    kind: 'model',
    traits: { contextTokens: 128_000, images: true, tools: true, reasoning: false, files: null },
    price: { input: 0.15, output: 0.6, cachedInput: 0.075, batch: 0.5 },
  });
  expect(await model('openai/tts-1')).toMatchObject({ price: { input: 0, output: 0, perMillionCharacters: 15 } });
  expect(await model('openai/whisper-1')).toMatchObject({ price: { input: 0, output: 0, perAudioHour: 0.36 } });
  expect(await model('openai/house-tuned')).toMatchObject({ traits: { contextTokens: 777 }, price: { input: 1 } });
  expect(await model('openai/gpt-3.5-turbo-0613')).toBeUndefined();
});

test('callers see those that their key may call', async () => {
  const { key } = await createKey(product, { scopes: { models: ['openai/gpt-4o*', 'openai/house-tuned'] } });
  const answer = await fetch(`${product.gatewayUrl}/v1/models`, { headers: { authorization: `Bearer ${key}` } });
  const { data } = (await answer.json()) as { readonly data: readonly { readonly id: string }[] };
  const ids = data.map(({ id }) => id);
  expect(ids).toContain('openai/gpt-4o-mini');
  expect(ids).toContain('openai/house-tuned');
  expect(ids).not.toContain('openai/gpt-4.1');
});

test('an operator’s file is read anew when they ask for it; one with mistakes changes nothing', async () => {
  expect((await product.admin('GET', '/catalogue')).body).toMatchObject({ source, state: 'applied', models: 1 });
  writeFileSync(source, own(5));
  expect(await product.admin('POST', '/catalogue/refresh', {})).toMatchObject({
    status: 200,
    body: { state: 'applied' },
  });
  expect(await model('openai/house-tuned')).toMatchObject({ price: { input: 5 } });
  writeFileSync(source, '{');
  expect((await product.admin('POST', '/catalogue/refresh', {})).body).toMatchObject({
    state: 'rejected',
    error: 'The catalogue is not JSON.',
  });
  expect(await model('openai/house-tuned')).toMatchObject({ price: { input: 5 } });
  const { body } = await product.admin('GET', '/audit-events?limit=10');
  const actions = (body as { readonly items: readonly { readonly action: string }[] }).items.map(
    ({ action }) => action,
  );
  expect(actions.filter((action) => action === 'catalogue.refresh')).toHaveLength(2);
});
