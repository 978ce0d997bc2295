import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openKey } from '../../src/keys/delegation-minter.ts';
import { DIALECT_CALLS } from '../dialect-calls.ts';
import { createKey, startProduct } from '../product.ts';
import type { Product } from '../product.ts';

const WORKERS = 3;
const FAILURES = 8;

let product: Product;
beforeAll(async () => {
  product = await startProduct({ workers: WORKERS });
});
afterAll(() => product.dispose());

interface Answered {
  readonly status: number;
  readonly code: unknown;
}

/** A call over a connection of its own, so that any worker may get it. */
async function call(key: string): Promise<Answered> {
  const answer = await fetch(`${product.gatewayUrl}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', connection: 'close' },
    body: DIALECT_CALLS.openai.body('sandbox/echo', false),
  });
  const body = (await answer.json()) as { readonly error?: { readonly code?: unknown } };
  return { status: answer.status, code: body.error?.code };
}

const times = (count: number, work: () => Promise<Answered>) => Promise.all(Array.from({ length: count }, work));

/** The same key with another secret of the right form. */
async function withWrongSecret(kid: string): Promise<string> {
  const { generateSecret } = await import('../../src/keys/format.ts');
  return generateSecret({ type: 'kwk', environment: 'live', kid }).text;
}

test('failed authentications at the gateway suspend the key on every worker, and undoing it lets it pass again', async () => {
  const rule = await product.admin('POST', '/response-rules', {
    name: 'guessing',
    state: 'active',
    when: { kind: 'repeated_failures', count: FAILURES, within: '10m' },
    actions: [{ kind: 'suspend' }, { kind: 'notify' }],
  });
  expect(rule.status).toBe(201);
  const { kid, key } = await createKey(product);
  const wrong = await withWrongSecret(kid);
  // Every worker knows the key, as active.
  expect((await times(30, () => call(key))).every(({ status }) => status === 200)).toBe(true);

  await times(FAILURES - 1, () => call(wrong));
  await sleep(1500);
  expect((await call(key)).status).toBe(200);

  await call(wrong);
  const response = await firstResponse(kid);
  expect(response).toMatchObject({ state: 'in-force', trigger: 'repeated_failures' });
  const refused = await times(60, () => call(key));
  expect(new Set(refused.map(({ status, code }) => `${status} ${String(code)}`))).toEqual(
    new Set(['401 suspended_automatically']),
  );

  expect((await product.admin('POST', `/responses/${response.id}/undo`, {})).status).toBe(200);
  expect((await times(30, () => call(key))).every(({ status }) => status === 200)).toBe(true);
  const { id } = rule.body as { readonly id: string };
  expect((await product.admin('DELETE', `/response-rules/${id}`)).status).toBe(200);
}, 60_000);

async function delegate(key: string, audience: string): Promise<string> {
  const opened = await openKey(key);
  const minted = opened.ok ? await opened.minter.mint({ audience, ttlSeconds: 600 }) : opened;
  if (!minted.ok) throw new Error(minted.code);
  return 'text' in minted ? minted.text : '';
}

test('wrong signatures in the name of a key count against that key, with the rule for repeated failures', async () => {
  const rule = await product.admin('POST', '/response-rules', {
    name: 'guessing of signatures',
    state: 'active',
    when: { kind: 'repeated_failures', count: FAILURES, within: '10m' },
    actions: [{ kind: 'notify' }, { kind: 'suspend' }],
  });
  expect(rule.status).toBe(201);
  const { kid, key } = await createKey(product);
  const { body } = await product.admin('PATCH', `/keys/${kid}/delegation`, { offline: true });
  const { audience } = (body as { readonly delegation: { readonly audience: string } }).delegation;
  const { key: stranger } = await createKey(product);
  const ours = await delegate(key, audience);
  const theirs = await delegate(stranger, audience);
  const forged = `kwd_${kid}_${theirs.slice(theirs.indexOf('_', 4) + 1)}`;
  expect((await call(forged)).code).toBe('invalid_api_key');
  expect((await call(ours)).status).toBe(200);
  await times(FAILURES - 2, () => call(forged));
  await sleep(1500);
  expect((await call(ours)).status).toBe(200);

  await call(forged);
  expect(await firstResponse(kid)).toMatchObject({ state: 'in-force', trigger: 'repeated_failures' });
  expect((await call(ours)).status).toBe(401);
  expect((await call(key)).code).toBe('suspended_automatically');
  expect((await call(stranger)).status).toBe(200);
}, 60_000);

interface ShownResponse {
  readonly id: string;
  readonly state: string;
}

async function firstResponse(kid: string): Promise<ShownResponse> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const { body } = await product.admin('GET', `/responses?subjectId=${kid}`);
    const [first] = (body as { readonly items: readonly ShownResponse[] }).items;
    if (first !== undefined && first.state !== 'pending') return first;
    await sleep(100);
  }
  throw new Error('no rule reacted');
}
