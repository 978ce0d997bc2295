/** Streams from a provider of another dialect whose caller leaves before they are over. */
import { request as httpRequest } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SPEAKERS } from '../fakes/speakers/index.ts';
import type { Said } from '../fakes/speakers/said.ts';
import { startSpeakingUpstream } from '../fakes/speaking-upstream.ts';
import type { SpeakingUpstream } from '../fakes/speaking-upstream.ts';
import { createKey, listCalls, startProduct } from '../product.ts';
import type { Product, ShownCall } from '../product.ts';

const CALLS = 100;
const PAUSE_MS = 8;
const SAID: Said = {
  id: 'a1',
  model: 'm',
  thinking: { text: 'I need a map and a clock.', signature: 'c2lnbmVk' },
  text: 'I will look.',
  calls: [{ id: 'call00001', name: 'get_weather', arguments: { city: 'Tromsø', days: 2 } }],
  finish: 'tool_calls',
  usage: { input: 100, cached: 40, output: 30, reasoning: 0 },
};
const EVENTS = SPEAKERS.anthropic.stream(SAID).length;

/** Of the closing at the provider after that of the client: of most calls, and of each on a busy machine. */
const USUAL_MS_MAX = 100;
const EACH_MS_MAX = 500;

/** A call reserves about 0.002 USD and costs about 0.0001: what is not released ends the budget after ten calls. */
const OUTPUT_TOKENS_MAX = 1_000;
const BUDGET_USD = 0.02;

let upstream: SpeakingUpstream;
let product: Product;

beforeAll(async () => {
  upstream = await startSpeakingUpstream('anthropic', PAUSE_MS);
  const provider = `house: { dialect: anthropic, baseUrl: "${upstream.baseUrl}", credentials: [{ secret: s3cret }], models: [{ id: m, price: { input: 1, output: 2, cachedInput: 0.5 } }] }`;
  product = await startProduct({ config: `providers:\n  ${provider}\n` });
  upstream.script(SAID);
});
afterAll(async () => {
  await product.dispose();
  await upstream.close();
});

interface Answer {
  readonly status: number;
  readonly body: string;
}

/** Asks for a stream; `leave` ends the call. */
function ask(key: string): { readonly answer: Promise<Answer>; readonly leave: () => void } {
  const req = httpRequest(`${product.gatewayUrl}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    agent: false,
  });
  const answer = new Promise<Answer>((resolve, reject) => {
    req.on('error', reject);
    req.on('response', (res) => {
      let body = '';
      res.setEncoding('utf8').on('data', (text: string) => (body += text));
      res.on('error', reject).on('end', () => resolve({ status: res.statusCode ?? 0, body }));
    });
  });
  req.end(
    JSON.stringify({
      model: 'house/m',
      stream: true,
      max_tokens: OUTPUT_TOKENS_MAX,
      messages: [{ role: 'user', content: 'Weather and time?' }],
    }),
  );
  return { answer, leave: () => req.destroy() };
}

async function until(test: () => boolean, what: string): Promise<void> {
  for (const deadline = performance.now() + 5_000; !test(); await sleep(1))
    if (performance.now() > deadline) throw new Error(`not in time: ${what}`);
}

/** Leaves a call so long after the provider heard of it, and tells how soon the provider knew. */
async function leaveAfter(key: string, ms: number): Promise<number> {
  const heard = upstream.heard.length;
  const left = upstream.left.length;
  const { answer, leave } = ask(key);
  answer.catch(() => undefined);
  await until(() => upstream.heard.length > heard, 'the provider hears of the call');
  await sleep(ms);
  const atMs = performance.now();
  leave();
  await until(() => upstream.left.length > left, 'the provider is left');
  return (upstream.left.at(-1) ?? Infinity) - atMs;
}

interface LimitShown {
  readonly name: string;
  readonly used: number;
  readonly held: number;
}

async function budgetOf(kid: string): Promise<LimitShown | undefined> {
  const { body } = await product.admin('GET', `/keys/${kid}/limits`);
  return (body as { readonly items: readonly LimitShown[] }).items.find(({ name }) => name === 'budget');
}

/** The records of the key, once nothing of it is under way. */
async function settled(kid: string, count: number): Promise<readonly (ShownCall & Estimated)[]> {
  for (const deadline = performance.now() + 15_000; performance.now() < deadline; await sleep(50)) {
    const calls = await listCalls(product, `&key=${kid}`);
    if (calls.length >= count && (await budgetOf(kid))?.held === 0) return calls as readonly (ShownCall & Estimated)[];
  }
  throw new Error('the calls did not settle');
}

interface Estimated {
  readonly costEstimated: boolean;
}

describe('a translated stream that its caller leaves', () => {
  test('is left at the provider at once, is paid for what was seen, and frees what was reserved', async () => {
    const { kid, key } = await createKey(product, { limits: { budgets: [{ usd: BUDGET_USD, period: 'day' }] } });
    // Well before the last events, which tell the usage and the end.
    const points = fc.sample(fc.noBias(fc.nat({ max: (EVENTS - 5) * PAUSE_MS })), CALLS);
    const delays: number[] = [];
    for (const ms of points) delays.push(await leaveAfter(key, ms));

    const sorted = delays.toSorted((a, b) => a - b);
    expect(sorted[Math.floor(CALLS / 2)]).toBeLessThan(USUAL_MS_MAX);
    expect(sorted.at(-1)).toBeLessThan(EACH_MS_MAX);

    const calls = await settled(kid, CALLS);
    expect(calls.length).toBe(CALLS);
    for (const call of calls) {
      expect(call).toMatchObject({ code: 'client_closed', complete: false, costEstimated: true });
      expect(call.costNanoUsd).toBeGreaterThan(0);
      expect(call.outputTokens).toBeLessThan(SAID.usage.output);
    }
    const spent = calls.reduce((sum, { costNanoUsd }) => sum + (costNanoUsd ?? 0), 0);
    expect(await budgetOf(kid)).toMatchObject({ used: spent, held: 0 });

    const { status, body } = await ask(key).answer;
    expect(status).toBe(200);
    expect(body).toMatch(/data: \[DONE\]\n\n$/);
    const [last] = (await settled(kid, CALLS + 1)).filter(({ code }) => code !== 'client_closed');
    expect(last).toMatchObject({ complete: true, costEstimated: false, inputTokens: 100, outputTokens: 30 });
  });
});
