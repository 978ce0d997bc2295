import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import OpenAI from 'openai';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { closedOrigin } from '../fakes/fake-upstream.ts';
import { startScriptedUpstream } from '../fakes/scripted-upstream.ts';
import type { ScriptedUpstream } from '../fakes/scripted-upstream.ts';
import { createKey, findCall, startProduct } from '../product.ts';
import type { Product } from '../product.ts';
import { rawExchange, rawRequest } from '../raw-http.ts';

const PRIMARY = 'primary';
let one: ScriptedUpstream;
let other: ScriptedUpstream;
let nowhere: string;
let product: Product;
/** Each test has providers of its own, because credentials that are out of use stay so. */
let providers = 0;

beforeAll(async () => {
  [one, other, nowhere] = await Promise.all([startScriptedUpstream(), startScriptedUpstream(), closedOrigin()]);
  product = await startProduct({ config: config('', ''), workers: 2 });
});
afterAll(async () => {
  await product.dispose();
  await Promise.all([one.close(), other.close()]);
});
beforeEach(() => {
  one.clear();
  other.clear();
});

function config(more: string, models: string): string {
  return `gateway: { firstByteTimeoutMs: 1500, idleTimeoutMs: 1500 }\nproviders:\n  sandbox: {}\n${more}\nmodels:\n  unused: { targets: [sandbox/echo] }\n${models}\n`;
}

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly code: string | undefined;
}

async function call(
  model: string,
  options: { key?: string; path?: string; body?: object; headers?: Record<string, string> } = {},
): Promise<Answer> {
  const response = await fetch(`${product.gatewayUrl}${options.path ?? '/v1/chat/completions'}`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${options.key ?? product.firstKey}`,
      'content-type': 'application/json',
      ...options.headers,
    },
    body: JSON.stringify({ model, messages: [{ role: 'user', content: 'hi' }], ...options.body }),
  });
  const text = await response.text().catch(() => 'cut');
  const code = /"code":"([a-z_]+)"/.exec(text)?.[1];
  return { status: response.status, headers: response.headers, text, code };
}

/** Puts providers and aliases into the file, and waits until every worker uses them. */
async function use(lines: readonly string[], models: readonly string[] = []): Promise<void> {
  const before = (await status()).snapshotVersion;
  const indented = [lines, models].map((part) => part.map((line) => `  ${line}`).join('\n'));
  writeFileSync(product.configFile, config(indented[0] ?? '', indented[1] ?? ''));
  await expect
    .poll(
      async () => {
        const { snapshotVersion, workers } = await status();
        return snapshotVersion > before && workers.every((one) => one.acknowledgedVersion === snapshotVersion);
      },
      { timeout: 15_000 },
    )
    .toBe(true);
}

interface Status {
  readonly snapshotVersion: number;
  readonly workers: readonly { readonly acknowledgedVersion: number }[];
}

async function status(): Promise<Status> {
  return (await product.admin('GET', '/status')).body as Status;
}

function name(): string {
  providers += 1;
  return `p${providers}`;
}

function provider(id: string, upstream: { readonly origin: string } | string, secrets: readonly string[]): string {
  const origin = typeof upstream === 'string' ? upstream : upstream.origin;
  const credentials = secrets.map((secret, index) => `{ secret: ${secret}, priority: ${index + 1} }`).join(', ');
  return `${id}: { dialect: openai, baseUrl: "${origin}/v1", models: [{ id: m, price: { input: 1, output: 1 } }, n], credentials: [${credentials}] }`;
}

/** What is told of a model without calling it: by the list of models, by a diagnosis, by a verify. */
async function toldOf(model: string, { key }: { readonly key: string }): Promise<object> {
  const listed = await fetch(`${product.gatewayUrl}/v1/models/${model}`, {
    headers: { authorization: `Bearer ${key}` },
  });
  await listed.text();
  const diagnosis = (await product.admin('POST', '/diagnose', { key })).body as {
    readonly reach: { readonly models: readonly string[] };
  };
  const verified = (await product.admin('POST', '/keys/verify', { key, facts: { model } })).body as {
    readonly code: string;
  };
  return { listed: listed.ok, reached: diagnosis.reach.models.includes(model), verified: verified.code };
}

const quota = {
  status: 429,
  body: { error: { message: 'over', type: 'insufficient_quota', code: 'insufficient_quota' } },
};

describe('a pool of credentials', () => {
  test('goes through 429, 401, quota, 403, 500, a hang and a cut in exactly this order, and costs no caller an error', async () => {
    const p = name();
    await use([provider(p, one, ['a', 'b', 'c', 'd'])]);
    one.script('a', { status: 429, headers: { 'retry-after': '2' } });
    one.script('b', { status: 401 });
    one.script('c', quota);
    const first = await call(`${p}/m`);
    expect([first.status, first.headers.get('x-keyward-attempts')]).toEqual([200, '4']);
    expect(one.used).toEqual(['a', 'b', 'c', 'd']);

    // 403 and 500 say nothing about the credential: it goes on, the second after one more attempt.
    one.script('d', { status: 403 }, { status: 500 });
    expect((await call(`${p}/m`)).status).toBe(403);
    expect((await call(`${p}/m`)).status).toBe(200);
    expect(one.used.slice(4)).toEqual(['d', 'd', 'd']);

    one.script('d', 'cut', 'ok', 'hang');
    expect((await call(`${p}/m`)).status).toBe(200);
    expect((await call(`${p}/m`)).status).toBe(504);
    expect(one.used.slice(7)).toEqual(['d', 'd', 'd']);
  });

  test('is used again from the very moment that Retry-After named, not before, on every worker', async () => {
    const p = name();
    await use([provider(p, one, ['a', 'b'])]);
    one.script('a', { status: 429, headers: { 'retry-after': '4' } });
    const benchedAt = performance.now();
    await call(`${p}/m`);
    // A connection each, so that they are spread over the workers.
    const body = JSON.stringify({ model: `${p}/m`, messages: [{ role: 'user', content: 'hi' }] });
    const bytes = rawRequest('/v1/chat/completions', body, { key: product.firstKey });
    const answers = await Promise.all(Array.from({ length: 24 }, () => rawExchange(product.gatewayUrl, bytes)));
    expect(performance.now() - benchedAt).toBeLessThan(3_900);
    expect(one.used).toEqual(['a', ...Array.from({ length: 25 }, () => 'b')]);
    const records = await Promise.all(answers.map(({ headers }) => findCall(product, headers['x-request-id'] ?? '')));
    expect(new Set(records.map(({ worker }) => worker)).size).toBe(2);
    await sleep(Math.max(0, 4_100 - (performance.now() - benchedAt)));
    one.clear();
    await call(`${p}/m`);
    expect(one.used).toEqual(['a']);
  });

  test('that is out says so: its name, when the soonest is back, and nothing is sent', async () => {
    const p = name();
    await use([provider(p, one, ['a', 'b'])]);
    one.script('a', { status: 429, headers: { 'retry-after': '40' } });
    one.script('b', { status: 429, headers: { 'retry-after': '30' } });
    const last = await call(`${p}/m`);
    expect([last.status, last.code, last.headers.get('x-should-retry')]).toEqual([429, 'provider_quota', 'false']);
    const out = await call(`${p}/m`);
    expect([out.status, out.code]).toEqual([503, 'pool_exhausted']);
    expect(out.text).toContain(`\\"${p}\\"`);
    const seconds = Number(out.headers.get('retry-after'));
    expect(seconds).toBeGreaterThan(20);
    expect(seconds).toBeLessThanOrEqual(30);
    expect(out.headers.get('x-should-retry')).toBeNull();
    expect(one.used).toEqual(['a', 'b']);
    const record = await findCall(product, out.headers.get('x-request-id') ?? '');
    expect(record).toMatchObject({ code: 'pool_exhausted', status: 503 });
    const shown = (await product.admin('GET', `/provider-pools?providerId=${p}`)).body;
    const cooling = { state: 'cooling', reason: 'rate_limited' };
    expect(shown).toMatchObject({ items: [{ id: p, state: 'critical', usable: 0, credentials: [cooling, cooling] }] });
  });

  test('of credentials that are all refused says that, and heals by itself', async () => {
    const p = name();
    await use([provider(p, one, ['a'])]);
    one.script('a', { status: 401 });
    expect((await call(`${p}/m`)).code).toBe('credential_rejected');
    expect((await call(`${p}/m`)).code).toBe('credential_rejected');
    expect(one.used).toEqual(['a']);
    await sleep(1_100);
    expect((await call(`${p}/m`)).status).toBe(200);
  });

  test('keeps a limit of one model to that model', async () => {
    const p = name();
    await use([provider(p, one, ['a'])]);
    const body = {
      error: { message: 'Rate limit reached for m in organization x', type: 'requests', code: 'rate_limit_exceeded' },
    };
    one.script('a', { status: 429, headers: { 'retry-after': '30' }, body });
    await call(`${p}/m`);
    expect((await call(`${p}/m`)).code).toBe('pool_exhausted');
    expect((await call(`${p}/n`)).status).toBe(200);
  });

  test('keeps a session with one credential', async () => {
    const p = name();
    const line = `${p}: { dialect: openai, baseUrl: "${one.origin}/v1", credentials: [{ secret: a }, { secret: b }, { secret: c }] }`;
    await use([line]);
    for (let i = 0; i < 6; i += 1) await call(`${p}/m`, { headers: { 'x-keyward-session': 's1' } });
    expect(new Set(one.used).size).toBe(1);
    one.clear();
    for (let i = 0; i < 6; i += 1) await call(`${p}/m`, { body: { prompt_cache_key: 'k1' } });
    expect(new Set(one.used).size).toBe(1);
    one.clear();
    for (let i = 0; i < 6; i += 1) await call(`${p}/m`);
    expect(new Set(one.used).size).toBe(3);
  });
});

describe('an alias', () => {
  test('costs no caller an error while one of its targets is alive, and leaves the dead one alone', async () => {
    const [dead, alive] = [name(), name()];
    await use(
      [provider(dead, nowhere, ['x']), provider(alive, other, ['y'])],
      [`${PRIMARY}: { targets: [${dead}/m, ${alive}/m] }`],
    );
    const answers = await Promise.all(Array.from({ length: 40 }, () => call(PRIMARY)));
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 40 }, () => 200));
    const later = await call(PRIMARY);
    expect([later.headers.get('x-keyward-attempts'), later.headers.get('x-keyward-provider')]).toEqual(['1', alive]);
  });

  test('moves on from a hang within its own time, and comes back when the first target does', async () => {
    const [a, b] = [name(), name()];
    await use(
      [provider(a, one, ['x']), provider(b, other, ['y'])],
      [`${PRIMARY}: { targets: [${a}/m, ${b}/m], timeouts: { firstByteMs: 200 } }`],
    );
    one.script('x', 'hang');
    const startedAt = performance.now();
    const moved = await call(PRIMARY);
    expect([moved.status, moved.headers.get('x-keyward-provider')]).toEqual([200, b]);
    expect(performance.now() - startedAt).toBeLessThan(1_400);
    expect((await call(PRIMARY)).headers.get('x-keyward-provider')).toBe(a);
  });

  test('tells what the caller did wrong, unless that class is to fall back', async () => {
    const [a, b] = [name(), name()];
    await use(
      [provider(a, one, ['x']), provider(b, other, ['y'])],
      [`strict: { targets: [${a}/m, ${b}/m] }`, `long: { targets: [${a}/m, ${b}/m], fallback: [context_too_long] }`],
    );
    const tooLong = {
      status: 400,
      body: { error: { message: 'x', type: 'invalid_request_error', code: 'context_length_exceeded' } },
    };
    one.script('x', tooLong, tooLong, { status: 500 }, { status: 500 });
    expect((await call('strict')).status).toBe(400);
    expect((await call('long')).headers.get('x-keyward-provider')).toBe(b);
    // Not among its classes: tried again where it failed, then told.
    expect([(await call('long')).status, one.used.length]).toEqual([502, 4]);
  });

  test('never begins anew once the caller has the first byte', async () => {
    const [a, b] = [name(), name()];
    await use([provider(a, one, ['x']), provider(b, other, ['y'])], [`${PRIMARY}: { targets: [${a}/m, ${b}/m] }`]);
    const delta = `data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"half"}}]}\n\n`;
    one.script('x', { cutAfter: delta });
    const answer = await call(PRIMARY, { body: { stream: true } });
    expect(answer.text).toContain('half');
    expect(answer.code).toBe('provider_unavailable');
    expect(other.used).toEqual([]);
  });

  test('shares by weight, and keeps a conversation where it is', async () => {
    const [a, b] = [name(), name()];
    await use(
      [provider(a, one, ['x']), provider(b, other, ['y'])],
      [
        `${PRIMARY}: { strategy: weighted, affinity: conversation, targets: [{ model: ${a}/m, weight: 3 }, { model: ${b}/m }] }`,
      ],
    );
    const turn = (content: string) => ({ messages: [{ role: 'user', content }] });
    for (let i = 0; i < 60; i += 1) await call(PRIMARY, { body: turn(`subject ${i}`) });
    expect(one.used.length).toBeGreaterThan(30);
    expect(other.used.length).toBeGreaterThan(4);
    const places = new Set<string | null>();
    for (let i = 0; i < 6; i += 1) {
      const messages = [
        ...turn('hello').messages,
        { role: 'assistant', content: 'hi' },
        { role: 'user', content: `${i}` },
      ];
      places.add((await call(PRIMARY, { body: { messages } })).headers.get('x-keyward-provider'));
    }
    expect(places.size).toBe(1);
  });

  test('chooses by the conditions of its targets', async () => {
    const [a, b] = [name(), name()];
    await use(
      [provider(a, one, ['x']), provider(b, other, ['y'])],
      [
        `${PRIMARY}: { targets: [{ model: ${a}/m, when: { tags: [eu], headers: { x-team: "blue-*" } } }, ${b}/m] }`,
        `only-eu: { targets: [{ model: ${a}/m, when: { tags: [eu] } }] }`,
      ],
    );
    const headers = { 'x-keyward-tags': 'eu', 'x-team': 'blue-1' };
    expect((await call(PRIMARY, { headers })).headers.get('x-keyward-provider')).toBe(a);
    expect((await call(PRIMARY)).headers.get('x-keyward-provider')).toBe(b);
    expect((await call('only-eu')).status).toBe(404);
  });

  test('may be a pattern that hands its star on', async () => {
    const [a, b] = [name(), name()];
    await use(
      [provider(a, one, ['x']), provider(b, other, ['y'])],
      [`"${a}/*": { targets: ["${b}/vendor-*"] }`, `"f-*": { targets: ["${a}/*"] }`],
    );
    expect((await call(`${a}/zed`)).headers.get('x-keyward-model')).toBe(`${b}/vendor-zed`);
    expect(other.models).toEqual(['vendor-zed']);
    expect((await call('f-1')).headers.get('x-keyward-model')).toBe(`${a}/1`);
  });

  test('never leads a key to a model that is beyond its reach', async () => {
    const [a, b] = [name(), name()];
    await use([provider(a, one, ['x']), provider(b, other, ['y'])], [`${PRIMARY}: { targets: [${a}/m, ${b}/m] }`]);
    const { key } = await createKey(product, { scopes: { models: [`${a}/m`] } });
    one.always({ status: 500 });
    expect((await call(PRIMARY, { key })).status).toBe(502);
    expect(other.used).toEqual([]);
    expect((await call(PRIMARY)).status).toBe(200);
  });

  test('leads a key that may call only some of its targets to those, whichever come first', async () => {
    const [a, b, c] = [name(), name(), name()];
    await use(
      [provider(a, one, ['x']), provider(b, other, ['y']), provider(c, one, ['z'])],
      [`${PRIMARY}: { targets: [${a}/m, ${b}/m, ${c}/m] }`, `"${a}-*": { targets: ["${a}/*", "${b}/*"] }`],
    );
    const narrow = await createKey(product, { scopes: { models: [`${b}/m`, `${c}/m`] } });
    for (const model of [PRIMARY, `${a}-m`]) {
      expect((await call(model, narrow)).headers.get('x-keyward-model')).toBe(`${b}/m`);
    }
    other.script('y', { status: 500 });
    expect((await call(PRIMARY, narrow)).headers.get('x-keyward-model')).toBe(`${c}/m`);
    expect(one.used).toEqual(['z']);
    expect(await toldOf(PRIMARY, narrow)).toEqual({ listed: true, reached: true, verified: 'ok' });

    const none = await createKey(product, { scopes: { models: ['sandbox/echo'] } });
    const refused = await call(PRIMARY, none);
    expect([refused.status, refused.code]).toEqual([403, 'model_denied']);
    expect(await toldOf(PRIMARY, none)).toEqual({ listed: false, reached: false, verified: 'model_denied' });
    const requestId = refused.headers.get('x-request-id') ?? '';
    await findCall(product, requestId);
    expect((await product.admin('GET', `/explain/${requestId}`)).body).toMatchObject({
      decision: { sameCode: true, code: 'model_denied' },
      now: { code: 'model_denied' },
    });
    // What was refused passes as soon as any of the targets is in scope.
    await product.admin('PATCH', `/keys/${none.kid}`, { scopes: { models: [`${c}/m`] } });
    expect((await product.admin('GET', `/explain/${requestId}`)).body).toMatchObject({ now: { allowed: true } });
    expect((await call(PRIMARY, none)).headers.get('x-keyward-model')).toBe(`${c}/m`);
  });

  test('is none below a provider: what is judged there, and reserved, is the model that will be called', async () => {
    const [a, b] = [name(), name()];
    await use([provider(a, one, ['x']), provider(b, other, ['y'])], [`"${a}/*": { targets: ["${b}/m"] }`]);
    const { key } = await createKey(product, { scopes: { models: [`${b}/m`] } });
    expect((await call(`${a}/m`, { key })).headers.get('x-keyward-model')).toBe(`${b}/m`);
    const refused = await call('m', { key, path: `/providers/${a}/chat/completions` });
    expect([refused.status, refused.code, one.used]).toEqual([403, 'model_denied', []]);
    const requestId = refused.headers.get('x-request-id') ?? '';
    await findCall(product, requestId);
    expect((await product.admin('GET', `/explain/${requestId}`)).body).toMatchObject({ now: { code: 'model_denied' } });
    expect((await call('m', { key, path: `/providers/${b}/chat/completions` })).status).toBe(200);

    const budget = await createKey(product, { limits: { budgets: [{ usd: 1, period: 'day' }] } });
    const priceless = await call('n', { key: budget.key, path: `/providers/${a}/chat/completions` });
    expect(priceless.code).toBe('price_unknown');
  });

  test('leads no key with a budget to a target without a price, whichever comes first', async () => {
    const [a, b] = [name(), name()];
    await use(
      [provider(a, one, ['x']), provider(b, other, ['y'])],
      [`${PRIMARY}: { targets: [${a}/n, ${b}/m] }`, `priceless: { targets: [${a}/n] }`],
    );
    const { key } = await createKey(product, { limits: { budgets: [{ usd: 1, period: 'day' }] } });
    expect((await call(PRIMARY, { key })).headers.get('x-keyward-model')).toBe(`${b}/m`);
    expect((await call('priceless', { key })).code).toBe('price_unknown');
    expect(one.used).toEqual([]);
    expect((await call(PRIMARY)).headers.get('x-keyward-model')).toBe(`${a}/n`);
  });

  test('hedges: the second target answers when the first is late, and the loser is given up', async () => {
    const [a, b] = [name(), name()];
    await use(
      [provider(a, one, ['x']), provider(b, other, ['y'])],
      [`${PRIMARY}: { targets: [${a}/m, ${b}/m], hedge: { afterMs: 100 } }`],
    );
    for (const stream of [false, true]) {
      one.script('x', { afterMs: 1_000 });
      const late = await call(PRIMARY, { body: { stream } });
      expect([late.status, late.headers.get('x-keyward-provider')]).toEqual([200, b]);
      expect(late.headers.get('x-keyward-attempts')).toBe('2');
      expect(late.text).toContain('hi');
    }
    await expect.poll(() => one.aborted()).toBe(2);
    const prompt = await call(PRIMARY);
    expect([prompt.headers.get('x-keyward-provider'), prompt.headers.get('x-keyward-attempts')]).toEqual([a, '1']);
    one.script('x', { status: 500 });
    other.script('y', { afterMs: 300 });
    expect((await call(PRIMARY)).headers.get('x-keyward-provider')).toBe(b);
  });
});

describe('what official clients are told after our own attempts', () => {
  test('keeps them from trying again themselves', async () => {
    const p = name();
    await use([provider(p, one, ['a'])]);
    one.always({ status: 500 });
    const client = new OpenAI({ apiKey: product.firstKey, baseURL: `${product.gatewayUrl}/v1` });
    const asked = client.chat.completions.create({ model: `${p}/m`, messages: [{ role: 'user', content: 'hi' }] });
    await expect(asked).rejects.toThrow(OpenAI.InternalServerError);
    expect(one.used).toEqual(['a', 'a']);
  });

  test('a passthrough that may have been done is not done twice', async () => {
    const p = name();
    await use([provider(p, one, ['a', 'b'])]);
    one.script('a', { status: 500 });
    const headers = { authorization: `Bearer ${product.firstKey}`, 'content-type': 'application/json' };
    const send = () => fetch(`${product.gatewayUrl}/providers/${p}/batches`, { method: 'POST', headers, body: '{}' });
    expect((await send()).status).toBe(502);
    expect(one.used).toEqual(['a']);
    one.script('a', { status: 401 });
    expect((await send()).status).toBe(200);
    expect(one.used.slice(1)).toEqual(['a', 'b']);
  });
});
