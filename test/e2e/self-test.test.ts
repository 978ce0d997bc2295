import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createClient } from '../../src/client/client.ts';
import type { Client, OperationOutput } from '../../src/client/client.ts';
import { FAKE_PROVIDERS, fakeProvidersConfig } from '../dialect-calls.ts';
import { startFakeUpstream } from '../fakes/fake-upstream.ts';
import type { FakeUpstream } from '../fakes/fake-upstream.ts';
import { withWrongSecret } from '../forged-key.ts';
import { createKey, findCall, startProduct } from '../product.ts';
import type { Product } from '../product.ts';

type SelfTest = OperationOutput<'keys.test'>;

let upstream: FakeUpstream;
let product: Product;
let client: Client;
beforeAll(async () => {
  upstream = await startFakeUpstream();
  product = await startProduct({ config: fakeProvidersConfig(upstream.origin, 'provider-key') });
  client = createClient({ baseUrl: product.adminUrl, token: product.adminToken });
});
afterAll(async () => {
  await product.dispose();
  await upstream.close();
});
beforeEach(() => upstream.clear());

const run = (kid: string, body: { model?: string; secret?: string }): Promise<SelfTest> =>
  client.call('keys.test', { params: { kid }, body });

const outcomes = ({ steps }: SelfTest) => steps.map(({ name, outcome }) => `${name} ${outcome}`);

test('a good key passes every step, with a real call that leaves a record', async () => {
  const { kid, key } = await createKey(product);
  for (const secret of [key, `"${key}"\n`]) {
    const told = await run(kid, { secret });
    expect(outcomes(told)).toEqual([
      'form pass',
      'exists pass',
      'secret pass',
      'life-cycle pass',
      'owner pass',
      'scope pass',
      'limits pass',
      'call pass',
      'upstream pass',
    ]);
    expect(told).toMatchObject({ passed: true, complete: true, failed: null });
    expect(await findCall(product, told.requestId ?? '')).toMatchObject({ code: 'ok', status: 200 });
    expect(JSON.stringify(told)).not.toContain(key.split('_')[3]);
  }
  expect(upstream.requests).toHaveLength(0);
});

test.each(Object.entries(FAKE_PROVIDERS))(
  'a provider of the dialect %s is called in it',
  async (_dialect, provider) => {
    const { kid, key } = await createKey(product);
    const told = await run(kid, { secret: key, model: `${provider}/tiny` });
    expect(told, JSON.stringify(told.steps)).toMatchObject({ passed: true, complete: true, model: `${provider}/tiny` });
    expect(upstream.requests).toHaveLength(1);
  },
);

test('without the secret it goes as far as it can, and calls nothing', async () => {
  const { kid } = await createKey(product);
  const told = await run(kid, {});
  expect(told).toMatchObject({ passed: true, complete: false, requestId: null });
  expect(outcomes(told).slice(-3)).toEqual(['limits pass', 'call skipped', 'upstream skipped']);
});

describe('the step that fails is named, with what to do, and nothing is called', () => {
  const change = (kid: string, path: string, body: object = {}) => product.admin('POST', `/keys/${kid}/${path}`, body);
  const cases: readonly (readonly [
    step: string,
    code: string,
    input: Readonly<Record<string, unknown>>,
    before: ((kid: string) => Promise<unknown>) | null,
  ])[] = [
    ['life-cycle', 'suspended', {}, (kid) => change(kid, 'suspend')],
    ['life-cycle', 'superseded', {}, (kid) => change(kid, 'rotate', { overlap: '0s' })],
    ['scope', 'operation_denied', { scopes: { operations: ['embeddings'] } }, null],
    ['scope', 'model_denied', { scopes: { models: ['nowhere/*'] } }, null],
  ];
  test.each(cases)('%s: %s', async (step, code, input, before) => {
    const { kid, key } = await createKey(product, input);
    await before?.(kid);
    const told = await run(kid, { secret: key });
    expect(told).toMatchObject({ passed: false, complete: false, failed: step, requestId: null });
    expect(told.steps.find(({ name }) => name === step)).toMatchObject({ outcome: 'fail', code });
  });

  test('form and secret', async () => {
    const { kid, key } = await createKey(product);
    expect(await run(kid, { secret: key.slice(0, 60) })).toMatchObject({ failed: 'form' });
    expect(await run(kid, { secret: withWrongSecret(kid) })).toMatchObject({ failed: 'secret' });
    expect(await run(kid, { secret: (await createKey(product)).key })).toMatchObject({ failed: 'secret' });
  });

  test('limits, once they are used up', async () => {
    const { kid, key } = await createKey(product, { limits: { requestsPerMinute: 1 } });
    expect(await run(kid, { secret: key })).toMatchObject({ passed: true });
    expect(await run(kid, { secret: key })).toMatchObject({ failed: 'limits' });
  });
});

test('a provider that fails is told apart from a key that does', async () => {
  const { kid, key } = await createKey(product);
  const told = await run(kid, { secret: key, model: `${FAKE_PROVIDERS.openai}/status-401` });
  expect(told, JSON.stringify(told.steps)).toMatchObject({ failed: 'upstream', complete: true });
  expect(told.steps.find(({ name }) => name === 'call')).toMatchObject({ outcome: 'pass' });
  expect(told.steps.at(-1)).toMatchObject({ code: 'credential_rejected' });
});

test('a key for another network is not failed for where the test is made from', async () => {
  const { kid, key } = await createKey(product, { scopes: { addresses: ['10.0.0.0/8'] } });
  const told = await run(kid, { secret: key });
  expect(told).toMatchObject({ passed: true, complete: false });
  expect(told.steps.find(({ name }) => name === 'call')?.text).toContain('may not be used from this machine');
});

test('a key that is not there is 404', async () => {
  expect((await product.admin('POST', '/keys/AAAAAAAAAAAA/test', {})).status).toBe(404);
});

test('the command line shows each step, and fails when one failed', async () => {
  const { kid, key } = await createKey(product);
  const shown = (secret: string): Promise<{ code: number; text: string }> =>
    new Promise((resolve) => {
      const args = [join(import.meta.dirname, '../../bin/keyward.mjs'), 'keys', 'test', kid, '--secret-env', 'THE_KEY'];
      const env = { ...process.env, KEYWARD_ADMIN_URL: product.adminUrl, KEYWARD_ADMIN_TOKEN: product.adminToken };
      execFile(process.execPath, args, { env: { ...env, THE_KEY: secret } }, (error, stdout, stderr) =>
        resolve({ code: error === null ? 0 : Number(error.code), text: stdout + stderr }),
      );
    });
  const good = await shown(key);
  expect(good).toMatchObject({
    code: 0,
    text: expect.stringMatching(/✓ form .*\n.*✓ exists(.*\n)+.*✓ upstream/) as string,
  });
  const bad = await shown(withWrongSecret(kid));
  expect(bad.code).toBe(1);
  expect(bad.text).toContain('keyward: The step "secret" failed.');
});
