import { setTimeout as sleep } from 'node:timers/promises';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ClientDialectName } from '../../src/llm/dialect.ts';
import { DIALECT_CALLS, FAKE_PROVIDERS, fakeProvidersConfig } from '../dialect-calls.ts';
import { startFakeUpstream } from '../fakes/fake-upstream.ts';
import type { FakeUpstream } from '../fakes/fake-upstream.ts';
import { STATED_USAGE } from '../fakes/vendor-answers.ts';
import { findCall, listCalls, startProduct } from '../product.ts';
import type { Product } from '../product.ts';

let upstream: FakeUpstream;

beforeAll(async () => {
  upstream = await startFakeUpstream();
});
afterAll(() => upstream.close());

interface CallMade {
  readonly status: number;
  readonly requestId: string;
  readonly body: string;
}

async function call(
  product: Product,
  dialect: ClientDialectName,
  model: string,
  stream = false,
  key = product.firstKey,
): Promise<CallMade> {
  const form = DIALECT_CALLS[dialect];
  const answer = await fetch(`${product.gatewayUrl}${form.path(model, stream)}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: form.body(model, stream),
  });
  const body = await answer.text();
  return { status: answer.status, requestId: answer.headers.get('x-request-id') ?? '', body };
}

describe('call records', () => {
  let product: Product;
  beforeAll(async () => {
    product = await startProduct({ config: fakeProvidersConfig(upstream.origin, 'provider-key') });
  });
  afterAll(() => product.dispose());

  test.each(Object.keys(DIALECT_CALLS) as ClientDialectName[])(
    'hold the usage that the provider stated, whole and as a stream, in the %s dialect',
    async (dialect) => {
      for (const stream of [false, true]) {
        const made = await call(product, dialect, `${FAKE_PROVIDERS[dialect]}/tiny`, stream);
        expect(made.status, made.body).toBe(200);
        const record = await findCall(product, made.requestId);
        expect(record).toMatchObject({ code: 'ok', complete: true, status: 200, ...STATED_USAGE[dialect] });
      }
    },
  );

  test('add up in the usage report', async () => {
    const calls = await listCalls(product);
    const answer = await product.admin('GET', '/usage?groupBy=provider');
    expect(answer.status).toBe(200);
    const { items } = answer.body as {
      readonly items: readonly { readonly calls: number; readonly inputTokens: number }[];
    };
    const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
    expect(sum(items.map((item) => item.calls))).toBe(calls.length);
    expect(sum(items.map((item) => item.inputTokens))).toBe(sum(calls.map((record) => record.inputTokens ?? 0)));
  });
});

test('after a clean stop no call record is missing, and none is doubled', async () => {
  const CALLS = 500;
  const folder = mkdtempSync(join(tmpdir(), 'keyward-records-'));
  const dataDir = join(folder, 'data');
  const first = await startProduct({ dataDir });
  const requestIds = new Set<string>();
  for (let i = 0; i < CALLS; i += 50) {
    const made = await Promise.all(Array.from({ length: 50 }, () => call(first, 'openai', 'sandbox/echo')));
    for (const one of made) requestIds.add(one.requestId);
  }
  // At once, while the last records are still on their way.
  expect(await first.stop()).toBe(0);
  await first.dispose();
  const second = await startProduct({ dataDir });
  const listed = (await listCalls(second)).map((record) => record.requestId);
  await second.dispose();
  rmSync(folder, { recursive: true });
  expect(requestIds.size).toBe(CALLS);
  expect(listed.length).toBe(CALLS);
  expect(new Set(listed)).toEqual(requestIds);
});

test('a stop lets a stream that has begun come to its end, and does not wait for idle connections', async () => {
  const product = await startProduct({ config: fakeProvidersConfig(upstream.origin, 'provider-key') });
  const form = DIALECT_CALLS.openai;
  // Keeps its connection open afterwards, as clients do.
  const answer = await fetch(`${product.gatewayUrl}${form.path('', true)}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${product.firstKey}`, 'content-type': 'application/json' },
    body: form.body(`${FAKE_PROVIDERS.openai}/slow-stream-20`, true),
  });
  expect(answer.status).toBe(200);
  const stopped = product.stop();
  expect(await answer.text()).toMatch(/data: \[DONE\]\n\n$/);
  const endedAtMs = performance.now();
  expect(await stopped).toBe(0);
  expect(performance.now() - endedAtMs).toBeLessThan(5_000);
  await product.dispose();
});

describe('the config file', () => {
  let product: Product;
  beforeAll(async () => {
    product = await startProduct({ config: fakeProvidersConfig(upstream.origin, 'provider-key') });
  });
  afterAll(() => product.dispose());

  /** Repeats a call until it answers as expected; a reload takes a moment to be noticed. */
  async function expectSoon(model: string, status: number): Promise<void> {
    const deadline = performance.now() + 15_000;
    for (;;) {
      const made = await call(product, 'openai', model);
      const late = performance.now() > deadline;
      if (made.status === status || late) return expect(made.status, made.body).toBe(status);
      await sleep(50);
    }
  }

  const withAlias = (alias: string): string =>
    `${fakeProvidersConfig(upstream.origin, 'provider-key')}models:\n  ${alias}: { targets: [{ model: ${FAKE_PROVIDERS.openai}/tiny }] }\n`;

  test('takes effect when it changes, without a restart', async () => {
    await expectSoon('fast', 404);
    writeFileSync(product.configFile, withAlias('fast'));
    await expectSoon('fast', 200);
  });

  test('with a mistake keeps what was in force, says so, and takes the next good one', async () => {
    writeFileSync(product.configFile, 'providers: [this is: not {{ right');
    const deadline = performance.now() + 15_000;
    while (!product.logs().includes('keyward.yaml') && performance.now() < deadline) await sleep(50);
    expect(product.logs()).toContain('keyward.yaml');
    await expectSoon('fast', 200);
    writeFileSync(product.configFile, withAlias('quick'));
    await expectSoon('quick', 200);
    await expectSoon('fast', 404);
  });
});
