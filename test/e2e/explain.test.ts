import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createClient } from '../../src/client/client.ts';
import type { Client, OperationOutput } from '../../src/client/client.ts';
import { unknownKey, withWrongSecret } from '../forged-key.ts';
import { createKey, findCall, startProduct } from '../product.ts';
import type { Product } from '../product.ts';

type Explanation = OperationOutput<'explain.read'>;

let product: Product;
let client: Client;
beforeAll(async () => {
  product = await startProduct();
  client = createClient({ baseUrl: product.adminUrl, token: product.adminToken });
});
afterAll(() => product.dispose());

async function call(key: string | null, model = 'sandbox/echo'): Promise<string> {
  const answer = await fetch(`${product.gatewayUrl}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(key === null ? {} : { authorization: `Bearer ${key}` }) },
    body: JSON.stringify({ model, messages: [{ role: 'user', content: 'hello' }] }),
  });
  await answer.text();
  return answer.headers.get('x-request-id') ?? '';
}

/** With another last letter: the checksum does not fit any more. */
function mistyped(key: string): string {
  return `${key.slice(0, -1)}${key.endsWith('A') ? 'B' : 'A'}`;
}

async function explain(requestId: string): Promise<Explanation> {
  await findCall(product, requestId);
  return client.call('explain.read', { params: { requestId } });
}

describe('a refusal that the engine decided', () => {
  const refused: readonly (readonly [
    code: string,
    input: object,
    before: ((kid: string) => Promise<unknown>) | null,
  ])[] = [
    ['model_denied', { scopes: { models: ['sandbox/other'] } }, null],
    ['operation_denied', { scopes: { operations: ['embeddings'] } }, null],
    ['address_denied', { scopes: { addresses: ['10.0.0.0/8'] } }, null],
    ['endpoint_denied', { scopes: { endpoints: ['POST /v1/embeddings'] } }, null],
    ['country_denied', { scopes: { countries: ['DE'] } }, null],
    ['not_yet_active', { notBefore: '2200-01-01T00:00:00Z' }, null],
    ['suspended', {}, (kid) => client.call('keys.suspend', { params: { kid } })],
    ['revoked', {}, (kid) => client.call('keys.revoke', { params: { kid } })],
    ['compromised', {}, (kid) => client.call('keys.revoke', { params: { kid }, body: { compromised: true } })],
    ['superseded', {}, (kid) => client.call('keys.rotate', { params: { kid }, body: { overlap: '0s' } })],
  ];

  test.each(refused)('is told with every check and repeated to the same code: %s', async (code, input, before) => {
    const { kid, key } = await createKey(product, { name: 'billing', ...input });
    await before?.(kid);
    const told = await explain(await call(key));
    expect(told).toMatchObject({ code, caller: { kid, name: 'billing', address: '127.0.0.1' } });
    expect(told.decision).toMatchObject({ replayed: true, sameCode: true, code, allowed: false });
    expect(told.configVersion).toBeGreaterThan(0);
    const failing = told.decision?.checks.filter(({ outcome }) => outcome === 'fail') ?? [];
    expect(failing.map(({ name }) => name)).toEqual(told.decision?.failed);
    expect(failing[0]).toMatchObject({ code, wouldPassIf: expect.any(String) as string });
    expect(told.decision?.wayOut.wouldPass).toBe(true);
    expect(told.now?.code).toBe(code);
  });

  test.each([
    ['requestsPerMinute', 'rate_limited'],
    ['concurrency', 'concurrency_limited'],
  ])('by the limit %s is repeated on the readings of that moment', async (limit, code) => {
    const { kid, key } = await createKey(product, { limits: { [limit]: 1 } });
    const requestIds = await Promise.all(Array.from({ length: 30 }, () => call(key, 'sandbox/slow')));
    const calls = await Promise.all(requestIds.map((requestId) => findCall(product, requestId)));
    const refusal = calls.find((made) => made.code === code);
    const told = await explain(refusal?.requestId ?? '');
    expect(told.decision).toMatchObject({ sameCode: true, code });
    expect(told.decision?.checks.find((check) => check.code === code)?.detail).toContain(`key ${kid} ${limit}: 1 used`);
    if (limit === 'concurrency') expect(told.now).toMatchObject({ allowed: true, code: 'ok' });
  });

  test('passes in the present once the suggested calls of the API were made', async () => {
    const { key } = await createKey(product, { scopes: { models: ['sandbox/other'], operations: ['embeddings'] } });
    const told = await explain(await call(key));
    const actions = told.decision?.wayOut.actions ?? [];
    expect(actions).toHaveLength(2);
    for (const { request } of actions) {
      const answer = await product.admin(request?.method ?? '', request?.path ?? '', request?.body);
      expect(answer.status, JSON.stringify(answer.body)).toBe(200);
    }
    const later = await explain(told.requestId);
    expect(later.decision).toEqual(told.decision);
    expect(later.now).toMatchObject({ allowed: true, code: 'ok' });
    expect((await explain(await call(key))).code).toBe('ok');
  });

  test('of a secret that was rotated away says that the present one is to be sent', async () => {
    const { kid, key } = await createKey(product);
    const passed = await call(key);
    await client.call('keys.rotate', { params: { kid }, body: { overlap: '0s' } });
    expect((await explain(passed)).code).toBe('ok');
    const told = await explain(await call(key));
    expect(told.now).toMatchObject({ allowed: false, code: 'superseded' });
    expect(told.decision?.wayOut.actions.map(({ kind }) => kind)).toEqual(['send-current-secret']);
  });
});

test.each([
  ['missing_credential', () => null],
  ['unknown_key', unknownKey],
  ['bad_checksum', () => mistyped(unknownKey())],
  ['provider_key_sent_to_gateway', () => 'sk-proj-Zq7RkWm3TnVbYcXdLpGh'],
])('what is refused before a key was proven is told with what it means and what to do: %s', async (code, key) => {
  const told = await explain(await call(key()));
  expect(told).toMatchObject({ code, decision: null, now: null });
  expect(told.means.length).toBeGreaterThan(40);
  expect(told.todo.length).toBeGreaterThan(0);
});

test('a wrong secret leads to the key that it was tried on', async () => {
  const { kid, key } = await createKey(product, { name: 'guessed at' });
  const told = await explain(await call(withWrongSecret(kid)));
  expect(told).toMatchObject({ code: 'secret_mismatch', caller: { kid, name: 'guessed at' } });
  expect(told.now?.code).toBe('secret_mismatch');
  expect(JSON.stringify(told)).not.toContain(key.split('_')[3]);
});

test('a model that is not there is no matter of the key', async () => {
  const told = await explain(await call(product.firstKey, 'nowhere/model'));
  expect(told).toMatchObject({ code: 'model_not_found', decision: null });
  expect(told.todo.join(' ')).toContain('models list');
});

test('the timeline of a key equals the calls that were made with it', async () => {
  const { kid, key } = await createKey(product, { scopes: { models: ['sandbox/*'] } });
  const made: string[] = [];
  for (const model of ['sandbox/echo', 'sandbox/echo', 'nowhere/x', 'sandbox/echo']) made.push(await call(key, model));
  await Promise.all(made.map((requestId) => findCall(product, requestId)));
  const { items, next } = await client.call('keys.timeline', { params: { kid } });
  expect(next).toBeNull();
  expect(items.map(({ kind, count, code, lastRequestId }) => [kind, count, code, lastRequestId])).toEqual([
    ['calls', 1, 'ok', made[3]],
    ['calls', 1, 'model_denied', made[2]],
    ['calls', 2, 'ok', made[1]],
    ['change', 0, null, null],
  ]);
  const { total, newAddresses } = await client.call('keys.exposure', { params: { kid } });
  expect(total).toMatchObject({ calls: 4, failedCalls: 1 });
  expect(newAddresses).toEqual(['127.0.0.1']);
});

test('the command line shows it aligned, with marks, and without colours where nobody looks on', async () => {
  const { key } = await createKey(product, { name: 'red \u{1b}[31m', scopes: { models: ['sandbox/other'] } });
  const { requestId } = await explain(await call(key));
  const args = [join(import.meta.dirname, '../../bin/keyward.mjs'), 'explain', requestId, '--url', product.adminUrl];
  const env = { ...process.env, KEYWARD_ADMIN_TOKEN: product.adminToken };
  const { stdout } = await promisify(execFile)(process.execPath, args, { env });
  expect(stdout).toMatch(
    /✗ model +model "sandbox\/echo".*\(model_denied, blocks first\)\n +would pass if the scope held the model/,
  );
  expect(stdout).toMatch(/✓ expiry +valid until it is revoked/);
  expect(stdout).toMatch(/– tool/);
  expect(stdout).toContain('PATCH /api/v1/keys/');
  expect(stdout).not.toContain('\u{1b}');
});
