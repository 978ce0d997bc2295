/** Many keys at once, through the real product: what is answered is in force on every worker. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DIALECT_CALLS } from '../dialect-calls.ts';
import { createKey, findCall, listCalls, startProduct } from '../product.ts';
import type { Product } from '../product.ts';
import { rawExchange, rawRequest } from '../raw-http.ts';
import type { RawAnswer } from '../raw-http.ts';

const KEYS = 200;
/** Each on a connection of its own, so that both workers answer some. */
const CALLS = 6;

let product: Product;
beforeAll(async () => {
  product = await startProduct({ workers: 2 });
});
afterAll(() => product.dispose());

function send(key: string): Promise<RawAnswer> {
  const body = DIALECT_CALLS.openai.body('sandbox/echo', false);
  return rawExchange(product.gatewayUrl, rawRequest('/v1/chat/completions', body, { key }));
}

/** Statuses of several calls with each key, each status once. */
async function statuses(keys: readonly { readonly key: string }[]): Promise<readonly number[]> {
  const found = new Set<number>();
  for (const { key } of keys) {
    const answers = await Promise.all(Array.from({ length: CALLS }, () => send(key)));
    for (const { status } of answers) found.add(status);
  }
  return [...found];
}

async function bulk(body: object, query = '') {
  const answer = await product.admin('POST', `/keys/bulk${query}`, body);
  expect(answer.status, JSON.stringify(answer.body)).toBe(200);
  return answer.body as {
    readonly changed: number;
    readonly impact: { readonly stops: number; readonly keys: readonly { readonly kid: string }[] };
    readonly receipt: { readonly complete: boolean; readonly workers: number } | null;
  };
}

test('after a revocation of many keys is answered, no worker accepts any of them, and others go on', async () => {
  const keys = [];
  for (let index = 0; index < KEYS; index += 1) keys.push(await createKey(product, { tags: ['leaked'] }));
  const other = await createKey(product, { tags: ['kept'] });
  const sample = [...keys.slice(0, 10), ...keys.slice(-10)];
  expect(await statuses([...sample, other])).toEqual([200]);
  const workers = async () => new Set((await listCalls(product)).map(({ worker }) => worker)).size;
  await expect.poll(workers, { timeout: 10_000 }).toBe(2);

  const preview = await bulk({ action: 'mark-compromised', tag: 'leaked' }, '?preview=true');
  expect(preview).toMatchObject({ changed: KEYS, impact: { stops: KEYS }, receipt: null });
  expect(await statuses(sample.slice(0, 2))).toEqual([200]);

  const done = await bulk({ action: 'mark-compromised', tag: 'leaked', reason: 'found in a public repository' });
  const after = await Promise.all(keys.map(({ key }) => send(key)));
  expect(done).toMatchObject({ changed: KEYS, impact: { stops: KEYS }, receipt: { complete: true, workers: 2 } });
  expect(new Set(after.map(({ status }) => status))).toEqual(new Set([401]));
  expect(await statuses(sample)).toEqual([401]);
  expect(await statuses([other])).toEqual([200]);
});

test('keys are chosen by the network that their calls came from, as the records tell', async () => {
  const caller = await createKey(product);
  const silent = await createKey(product);
  const called = await send(caller.key);
  await findCall(product, called.headers['x-request-id'] ?? '');
  const { impact } = await bulk({ action: 'suspend', network: '127.0.0.0/8' }, '?preview=true&limit=500');
  const kids = impact.keys.map(({ kid }) => kid);
  expect(kids).toContain(caller.kid);
  expect(kids).not.toContain(silent.kid);
});
