/** Limits on tokens and money, and everything that calls do to them, through the real product. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Agent, Pool, request } from 'undici';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createKey, listCalls, startProduct } from '../product.ts';
import type { Product } from '../product.ts';
import { INSPECTABLE, inspectWorkers } from '../worker-inspector.ts';

interface LimitShown {
  readonly name: string;
  readonly limit: number;
  readonly used: number;
  readonly held: number;
}

interface CallShown {
  readonly status: number;
  readonly code: string;
  readonly costNanoUsd: number | null;
  readonly costEstimated: boolean;
}

const NANO = 1e9;
/** Of the sandbox: play money. */
const OUTPUT_USD_PER_TOKEN = 2e-6;
const INPUT_USD_PER_TOKEN = 1e-6;

let product: Product;

beforeAll(async () => {
  product = await startProduct({ workers: 2, env: INSPECTABLE });
});
afterAll(() => product.dispose());

function body(model: string, stream: boolean, maxTokens: number): string {
  return JSON.stringify({
    model: `sandbox/${model}`,
    stream,
    max_tokens: maxTokens,
    messages: [{ role: 'user', content: 'Say it in ten words or so, please: now.' }],
  });
}

async function call(key: string, text: string, path = '/v1/chat/completions') {
  const answer = await request(`${product.gatewayUrl}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: text,
  });
  const json: unknown = await answer.body.json().catch(() => null);
  return { status: answer.statusCode, headers: answer.headers, body: json as { error?: { code?: string } } | null };
}

async function limitsOf(kid: string): Promise<readonly LimitShown[]> {
  const answer = await product.admin('GET', `/keys/${kid}/limits`);
  expect(answer.status).toBe(200);
  return (answer.body as { readonly items: readonly LimitShown[] }).items;
}

async function budgetOf(kid: string): Promise<LimitShown> {
  const budget = (await limitsOf(kid)).find(({ name }) => name === 'budget');
  if (budget === undefined) throw new Error('no budget');
  return budget;
}

/** The records of a key, once nothing of it is under way and no more arrive. */
async function settledCalls(kid: string, count: number): Promise<readonly CallShown[]> {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const calls = (await listCalls(product, `&key=${kid}`)) as unknown as readonly CallShown[];
    if (calls.length >= count && (await limitsOf(kid)).every(({ held }) => held === 0)) return calls;
    await sleep(50);
  }
  throw new Error('the calls did not settle');
}

function costOf(calls: readonly CallShown[]): number {
  return calls.reduce((sum, { costNanoUsd }) => sum + (costNanoUsd ?? 0), 0);
}

describe('a budget', () => {
  test('is spent by what calls cost, told in the answer, the record, the usage and the limit alike', async () => {
    const { kid, key } = await createKey(product, { limits: { budgets: [{ usd: 1, period: 'day' }] } });
    const first = await call(key, body('echo', false, 100));
    expect(first.status).toBe(200);
    const cost = Math.round(Number(first.headers['x-keyward-cost-usd']) * NANO);
    expect(cost).toBeGreaterThan(0);
    const [record] = await settledCalls(kid, 1);
    expect(record).toMatchObject({ costNanoUsd: cost, costEstimated: false });
    expect(await budgetOf(kid)).toMatchObject({ used: cost, held: 0, limit: NANO });
    const usage = await product.admin('GET', '/usage?groupBy=key');
    const { items } = usage.body as {
      readonly items: readonly { readonly group: string; readonly costNanoUsd: number }[];
    };
    expect(items.find(({ group }) => group === kid)?.costNanoUsd).toBe(cost);
  });

  test('that is used up refuses with its name, and tells when it begins anew', async () => {
    const { key } = await createKey(product, { limits: { budgets: [{ usd: 0.000_05, period: 'hour' }] } });
    const refused = await call(key, body('echo', false, 1000));
    expect(refused.status).toBe(429);
    expect(refused.body?.error?.code).toBe('budget_exhausted');
    const total = await createKey(product, { limits: { budgets: [{ usd: 0.000_05, period: 'total' }] } });
    const never = await call(total.key, body('echo', false, 1000));
    expect([never.status, never.headers['retry-after'], never.headers['x-should-retry']]).toEqual([
      429,
      undefined,
      'false',
    ]);
    const used = await createKey(product, { limits: { uses: 1 } });
    expect((await call(used.key, body('echo', false, 10))).status).toBe(200);
    const diagnosis = await product.admin('POST', '/diagnose', { key: used.key });
    expect(diagnosis.body).toMatchObject({ works: false });
    expect(JSON.stringify(diagnosis.body)).toContain('"code":"uses_exhausted","text":"uses: 1 of 1 used."');
  });

  test('that is soft is told when it is exceeded, and refuses nothing', async () => {
    const { kid, key } = await createKey(product, {
      limits: { budgets: [{ usd: 0.000_001, period: 'day', kind: 'soft' }] },
    });
    const answer = await call(key, body('echo', false, 100));
    expect([answer.status, answer.headers['x-keyward-budget']]).toEqual([200, 'soft-exceeded']);
    await settledCalls(kid, 1);
    const diagnosis = await product.admin('POST', '/diagnose', { key });
    expect(diagnosis.body).toMatchObject({ works: true });
    expect(JSON.stringify(diagnosis.body)).toMatch(/"budget: 0\.\d+ USD of 0\.000001 USD used; it refuses nothing\."/);
  });

  test('does not let a model pass of which nobody knows the price', async () => {
    const { key } = await createKey(product, { limits: { budgets: [{ usd: 1, period: 'day' }] } });
    const blind = await call(key, JSON.stringify({ input: 'x' }), '/providers/sandbox/v1/moderations');
    expect([blind.status, blind.body?.error?.code]).toEqual([403, 'price_unknown']);
  });

  test('is never overspent by parallel calls, whole, streamed, cut, and with a worker that breaks', async () => {
    const maxTokens = 400;
    const bytes = body('fast50', true, maxTokens).length;
    const reservation = Math.ceil(bytes / 3) * INPUT_USD_PER_TOKEN + maxTokens * OUTPUT_USD_PER_TOKEN;
    const { kid, key } = await createKey(product, {
      limits: { budgets: [{ usd: Math.round(reservation * 10 * NANO) / NANO, period: 'day' }] },
    });
    const inspector = await inspectWorkers(product, 2);
    const agent = new Agent({ connections: 100, pipelining: 1 });
    const statuses: Record<string, number> = {};
    const count = (name: string): void => void (statuses[name] = (statuses[name] ?? 0) + 1);
    const one = async (i: number): Promise<void> => {
      const stream = i % 2 === 0;
      const cut = i % 3 === 0;
      const abort = new AbortController();
      try {
        const answer = await request(`${product.gatewayUrl}/v1/chat/completions`, {
          method: 'POST',
          headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
          body: body(stream ? 'fast50' : 'delay-20', stream, maxTokens),
          dispatcher: agent,
          signal: abort.signal,
        });
        count(String(answer.statusCode));
        if (cut && answer.statusCode === 200) setTimeout(() => abort.abort(), 5);
        await answer.body.dump();
      } catch {
        count('broken');
      }
    };
    const calls = Array.from({ length: 1000 }, (_, i) => one(i));
    setTimeout(() => inspector.run(0, 'throw new Error("broken on purpose")'), 100);
    await Promise.all(calls);
    await agent.destroy();
    inspector.close();

    // What was cut off with the worker left no record, and is charged nothing.
    const records = await settledCalls(kid, 1);
    const { used, held, limit } = await budgetOf(kid);
    expect(statuses['200']).toBeGreaterThan(0);
    expect(statuses['429']).toBeGreaterThan(0);
    expect(held).toBe(0);
    expect(used).toBeLessThanOrEqual(limit + Math.round(reservation * NANO));
    expect(used).toBe(costOf(await untilStable(() => settledCalls(kid, records.length))));
  });

  test('pays for what was seen of a stream that the caller left, and marks it as estimated', async () => {
    const { kid, key } = await createKey(product, { limits: { budgets: [{ usd: 1, period: 'day' }] } });
    const pool = new Pool(product.gatewayUrl);
    const abort = new AbortController();
    const answer = await pool.request({
      method: 'POST',
      path: '/v1/chat/completions',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: body('long', true, 4000),
      signal: abort.signal,
    });
    let bytes = 0;
    await (async () => {
      for await (const chunk of answer.body) {
        bytes += (chunk as Buffer).length;
        if (bytes > 20_000) abort.abort();
      }
    })().catch(() => undefined);
    await pool.destroy();
    const [record] = await settledCalls(kid, 1);
    expect(record).toMatchObject({ code: 'client_closed', costEstimated: true });
    expect(record?.costNanoUsd).toBeGreaterThan(10 * OUTPUT_USD_PER_TOKEN * NANO);
    expect((await budgetOf(kid)).used).toBe(record?.costNanoUsd);
  });
});

async function untilStable<T>(read: () => Promise<readonly T[]>): Promise<readonly T[]> {
  let before = await read();
  for (;;) {
    await sleep(500);
    const now = await read();
    if (now.length === before.length) return now;
    before = now;
  }
}

test('limits of application, team and workspace hold over all keys beneath them, and tokens and single calls are limited too', async () => {
  const { key } = await createKey(product, { limits: { tokensPerCallMax: 50 } });
  expect((await call(key, body('echo', false, 1000))).body?.error?.code).toBe('call_too_expensive');
  const tokens = await createKey(product, { limits: { tokensPerMinute: 200 } });
  expect((await call(tokens.key, body('echo', false, 100))).status).toBe(200);
  expect((await call(tokens.key, body('echo', false, 190))).body?.error?.code).toBe('tokens_limited');
});

test('limits on tokens are told with each answer, beside those on requests, in the words of the dialect', async () => {
  const { key } = await createKey(product, { limits: { tokensPerMinute: 300, requestsPerMinute: 9 } });
  const taken = await call(key, body('echo', false, 100));
  expect(taken.headers['ratelimit-policy']).toBe('"requests";q=9;w=60, "tokens";q=300;w=60');
  expect(taken.headers['ratelimit']).toMatch(/^"requests";r=8;t=60, "tokens";r=1\d\d;t=60$/);
  expect(taken.headers['x-ratelimit-limit-tokens']).toBe('300');
  const refused = await call(key, body('echo', false, 248), '/v1/messages');
  expect(refused.status).toBe(429);
  expect(Number(refused.headers['anthropic-ratelimit-tokens-remaining'])).toBeLessThan(300);
  expect(refused.headers['anthropic-ratelimit-requests-remaining']).toBe('8');
  expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
  // Nothing was taken: nothing has to come back.
  const untouched = await createKey(product, { limits: { requestsPerMinute: 9, tokensPerMinute: 50 } });
  const never = await call(untouched.key, body('echo', false, 1000));
  expect(never.headers['ratelimit']).toBe('"requests";r=9;t=0, "tokens";r=50;t=0');
  expect([never.headers['retry-after'], never.headers['x-should-retry']]).toEqual([undefined, 'false']);
});

test('where waiting cannot help, the refusal does not ask for it, and names the limit as its owner set it', async () => {
  const message = async (limits: Record<string, unknown>) => {
    const { key } = await createKey(product, { limits });
    const answer = await call(key, body('echo', false, 1000));
    expect(answer.headers['retry-after']).toBeUndefined();
    return (answer.body?.error as { readonly message?: string } | undefined)?.message;
  };
  const total = await message({ budgets: [{ usd: 0.0001, period: 'total' }] });
  expect(total).toMatch(/waiting will not change that.*the budget of 0\.0001 USD in total of the key/);
  expect(await message({ tokensPerMinute: 50 })).toMatch(/more tokens than .* ever .*tokensPerMinute of the key/);
  expect(await message({ usdPerCallMax: 0.000_01 })).toContain('The limit is usdPerCallMax of the key.');
  const { key } = await createKey(product, { limits: { requestsPerMinute: 1, tokensPerMinute: 200 } });
  expect((await call(key, body('echo', false, 50))).status).toBe(200);
  const both = await call(key, body('echo', false, 1000));
  expect(both.headers['retry-after']).toBeUndefined();
  expect(both.body?.error).toMatchObject({
    code: 'rate_limited',
    message: expect.stringMatching(/waiting alone will not help.*requestsPerMinute of the key/) as string,
  });
});

test('what was counted is still counted after a restart, budgets and uses alike', async () => {
  const first = await startProduct({ workers: 2 });
  try {
    const { kid, key } = await createKey(first, { limits: { uses: 2, budgets: [{ usd: 1, period: 'month' }] } });
    const before = product;
    product = first;
    expect((await call(key, body('echo', false, 100))).status).toBe(200);
    await settledCalls(kid, 1);
    const { used } = await budgetOf(kid);
    expect(used).toBeGreaterThan(0);
    await first.stop();
    const second = await startProduct({ workers: 2, dataDir: first.dataDir });
    product = second;
    expect((await budgetOf(kid)).used).toBe(used);
    expect((await call(key, body('echo', false, 100))).status).toBe(200);
    expect((await call(key, body('echo', false, 100))).body?.error?.code).toBe('uses_exhausted');
    await second.dispose();
    product = before;
  } finally {
    await first.dispose();
  }
});
