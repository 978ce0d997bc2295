/** How large requests and answers of a key may be. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { ClientDialectName } from '../../src/llm/dialect.ts';
import { DIALECT_CALLS, FAKE_PROVIDERS, fakeProvidersConfig } from '../dialect-calls.ts';
import { startFakeUpstream } from '../fakes/fake-upstream.ts';
import type { FakeUpstream } from '../fakes/fake-upstream.ts';
import { createKey, findCall, startProduct } from '../product.ts';
import type { Product } from '../product.ts';
import { rawExchange, rawRequest } from '../raw-http.ts';
import type { RawAnswer } from '../raw-http.ts';

const CLIENTS = Object.keys(DIALECT_CALLS) as ClientDialectName[];

/** What a dialect may have to say before its error, such as a blank line or the ends of open items. */
const CLOSING_BYTES_MAX = 2_000;

let vendor: FakeUpstream;
let product: Product;

beforeAll(async () => {
  vendor = await startFakeUpstream();
  const config = [
    'gateway: { cacheBytesMax: 1048576 }',
    fakeProvidersConfig(vendor.origin, 'provider-key'),
    'models:',
    '  two: { targets: [house/tiny, house/other] }',
    '',
  ].join('\n');
  product = await startProduct({ config, workers: 1 });
});
afterAll(async () => {
  await product.dispose();
  await vendor.close();
});
beforeEach(() => vendor.clear());

async function keyWith(limits: Readonly<Record<string, unknown>>): Promise<string> {
  return (await createKey(product, { limits })).key;
}

function ask(key: string, client: ClientDialectName, model: string, stream = false, more = ''): Promise<RawAnswer> {
  const call = DIALECT_CALLS[client];
  const bytes = rawRequest(call.path(model, stream), call.body(model, stream) + more, { key, extra: NO_CACHE });
  return rawExchange(product.gatewayUrl, bytes);
}

const NO_CACHE = ['cache-control: no-store'];

describe.each(CLIENTS)('a client of %s', (client) => {
  const model = `${FAKE_PROVIDERS[client]}/tiny`;

  test('may send as many bytes as its key allows, and is refused one more before anything is sent', async () => {
    const size = Buffer.byteLength(DIALECT_CALLS[client].body(model, false));
    const key = await keyWith({ requestBytesMax: size });
    expect((await ask(key, client, model)).status).toBe(200);
    expect(vendor.requests).toHaveLength(1);
    const refused = await ask(key, client, model, false, ' ');
    expect([refused.status, refused.headers['x-should-retry']]).toEqual([413, 'false']);
    expect(DIALECT_CALLS[client].errorMessage(JSON.parse(refused.body))).toMatch(/larger/);
    expect(vendor.requests).toHaveLength(1);
    expect(await findCall(product, refused.headers['x-request-id'] ?? '')).toMatchObject({ code: 'request_too_large' });
  });

  test.each(CLIENTS)('gets no answer of a provider of %s that is larger than its key allows', async (dialect) => {
    const asked = `${FAKE_PROVIDERS[dialect]}/tiny`;
    const whole = await ask(product.firstKey, client, asked);
    const size = Buffer.byteLength(whole.body);
    // Ids of the translated answers differ, not their length.
    expect((await ask(await keyWith({ responseBytesMax: size }), client, asked)).status).toBe(200);
    const refused = await ask(await keyWith({ responseBytesMax: size - 1 }), client, asked);
    expect([refused.status, refused.headers['x-should-retry']]).toEqual([502, 'false']);
    expect(DIALECT_CALLS[client].errorMessage(JSON.parse(refused.body))).toMatch(/larger/);
    const record = await findCall(product, refused.headers['x-request-id'] ?? '');
    expect(record).toMatchObject({ code: 'answer_too_large', complete: false });
    expect(record.outputTokens).toBeGreaterThan(0);
  });

  test.each(CLIENTS)('is told in its own form where a stream of %s grows beyond it', async (dialect) => {
    const asked = `${FAKE_PROVIDERS[dialect]}/slow-stream-40`;
    // Far beyond what comes before the first word, and far below the whole.
    const max = client === 'openai-responses' ? 4_000 : 1_500;
    const answer = await ask(await keyWith({ responseBytesMax: max }), client, asked, true);
    expect(answer.status).toBe(200);
    const last =
      answer.body
        .trimEnd()
        .split(/\n\n|\r\n\r\n/)
        .at(-1) ?? '';
    expect(last).toContain('answer_too_large');
    expect(Buffer.byteLength(answer.body.slice(0, answer.body.indexOf(last)))).toBeLessThanOrEqual(
      max + CLOSING_BYTES_MAX,
    );
    await expect.poll(() => vendor.requests.at(-1)?.abortedAtMs ?? null).not.toBeNull();
    expect(await findCall(product, answer.headers['x-request-id'] ?? '')).toMatchObject({ code: 'answer_too_large' });
  });
});

test('an answer that is too large is not asked for again elsewhere', async () => {
  const answer = await ask(await keyWith({ responseBytesMax: 10 }), 'openai', 'two');
  expect([answer.status, vendor.requests.length]).toEqual([502, 1]);
});

test('an answer out of the cache is no larger either', async () => {
  const body = DIALECT_CALLS.openai.body('house/tiny', false);
  const send = (key: string) =>
    rawExchange(product.gatewayUrl, rawRequest(DIALECT_CALLS.openai.path('', false), body, { key }));
  expect((await send(product.firstKey)).headers['x-keyward-cache']).toBe('miss');
  expect((await send(product.firstKey)).headers['x-keyward-cache']).toBe('hit');
  expect((await send(await keyWith({ responseBytesMax: 10 }))).body).toContain('answer_too_large');
  expect(vendor.requests).toHaveLength(1);
});

test('the limit of the application holds for its keys, and the refusal says what would help', async () => {
  const made = await product.admin('POST', '/applications', {
    name: 'small',
    subscribedModels: ['*'],
    limits: { requestBytesMax: 20 },
  });
  const { id } = made.body as { readonly id: string };
  const { kid, key } = await createKey(product, { applicationId: id, limits: { requestBytesMax: 30 } });
  const refused = await ask(key, 'openai', 'house/tiny');
  expect(refused.status).toBe(413);
  await findCall(product, refused.headers['x-request-id'] ?? '');
  const explained = await product.admin('GET', `/explain/${refused.headers['x-request-id']}`);
  const text = JSON.stringify(explained.body);
  expect(text).toContain(`Raise the limit requestBytesMax of the key ${kid}`);
  expect(text).toContain(`Raise the limit requestBytesMax of the application ${id}`);
  expect(text).toContain('"sameCode":true');

  await product.admin('PATCH', `/applications/${id}`, { limits: { requestBytesMax: null } });
  await product.admin('PATCH', `/keys/${kid}`, { limits: { requestBytesMax: 10_000 } });
  expect((await ask(key, 'openai', 'house/tiny')).status).toBe(200);
});

test('a size that is no size is not accepted', async () => {
  for (const requestBytesMax of [0, -1, 1.5, '10']) {
    const answer = await product.admin('POST', '/keys', { name: 'x', limits: { requestBytesMax } });
    expect(answer.status).toBe(422);
  }
});
