import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ClientDialectName } from '../../src/llm/dialect.ts';
import { DIALECT_CALLS, FAKE_PROVIDERS, fakeProvidersConfig } from '../dialect-calls.ts';
import { openKey } from '../../src/keys/delegation-minter.ts';
import { closedOrigin, startFakeUpstream } from '../fakes/fake-upstream.ts';
import type { FakeUpstream } from '../fakes/fake-upstream.ts';
import { createKey, findCall, startProduct } from '../product.ts';
import type { Product } from '../product.ts';

let upstream: FakeUpstream;
let product: Product;

beforeAll(async () => {
  upstream = await startFakeUpstream();
  const settings = 'gateway: { cacheBytesMax: 1000000, cacheTtlMs: 600000 }\n';
  product = await startProduct({
    workers: 1,
    config: settings + fakeProvidersConfig(upstream.origin, 'provider-key') + (await aliasesConfig()),
  });
});

/** An alias whose first target is down, and one whose only target is not for every call. */
async function aliasesConfig(): Promise<string> {
  const house = `${FAKE_PROVIDERS.openai}/tiny`;
  return `  down: { dialect: openai, baseUrl: "${await closedOrigin()}/v1", credentials: [{ secret: x }] }
models:
  fallen: { targets: [down/m, ${house}] }
  either: { targets: [house/status-503, house/second] }
  tagged: { targets: [{ model: ${house}, when: { tags: [eu] } }] }
`;
}

afterAll(async () => {
  await product.dispose();
  await upstream.close();
});

/** What the holder of a key signs offline. */
async function signedBy({ kid, key }: { readonly kid: string; readonly key: string }, scopes: object): Promise<string> {
  const { body } = await product.admin('PATCH', `/keys/${kid}/delegation`, { offline: true });
  const { audience } = (body as { readonly delegation: { readonly audience: string } }).delegation;
  const opened = await openKey(key);
  if (!opened.ok) throw new Error(opened.code);
  const minted = await opened.minter.mint({ audience, ttlSeconds: 60, scopes });
  if (!minted.ok) throw new Error(minted.code);
  return minted.text;
}

async function call(dialect: ClientDialectName, model: string, stream: boolean, headers: Record<string, string> = {}) {
  const form = DIALECT_CALLS[dialect];
  const answer = await fetch(`${product.gatewayUrl}${form.path(model, stream)}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${product.firstKey}`, 'content-type': 'application/json', ...headers },
    body: form.body(model, stream),
  });
  return { status: answer.status, headers: answer.headers, body: await answer.text() };
}

describe('the cache of responses', () => {
  test('keeps streams apart that clients read in different ways', async () => {
    const model = `${FAKE_PROVIDERS.openai}/told-apart`;
    const mistral = { 'user-agent': 'mistral-client-typescript/1.0' };
    const found = async (headers: Record<string, string>) =>
      (await call('openai', model, true, headers)).headers.get('x-keyward-cache');
    expect([await found({}), await found(mistral), await found({}), await found(mistral)]).toEqual([
      'miss',
      'miss',
      'hit',
      'hit',
    ]);
  });

  test.each(Object.keys(DIALECT_CALLS) as ClientDialectName[])(
    'answers the same question again without asking the provider, whole and as a stream: %s',
    async (dialect) => {
      const model = `${FAKE_PROVIDERS[dialect]}/tiny`;
      for (const stream of [false, true]) {
        upstream.clear();
        const first = await call(dialect, model, stream);
        const second = await call(dialect, model, stream);
        expect(first.headers.get('x-keyward-cache')).toBe('miss');
        expect(second.headers.get('x-keyward-cache')).toBe('hit');
        expect(second.headers.get('content-type')).toBe(first.headers.get('content-type'));
        expect(second.body).toBe(first.body);
        expect(upstream.requests).toHaveLength(1);
        const record = await findCall(product, second.headers.get('x-request-id') ?? '');
        expect(record).toMatchObject({ code: 'ok', fromCache: true, attempts: 0, costNanoUsd: null, complete: true });
      }
    },
  );

  test('gives a stream that is an array of JSON again as one', async () => {
    const path = `/v1beta/models/${FAKE_PROVIDERS.anthropic}/array:streamGenerateContent`;
    const ask = async () => {
      const answer = await fetch(product.gatewayUrl + path, {
        method: 'POST',
        headers: { 'x-goog-api-key': product.firstKey, 'content-type': 'application/json' },
        body: JSON.stringify({ contents: [{ role: 'user', parts: [{ text: 'Hi' }] }] }),
      });
      return {
        type: answer.headers.get('content-type'),
        cache: answer.headers.get('x-keyward-cache'),
        body: await answer.json(),
      };
    };
    const first = await ask();
    expect(first).toMatchObject({ type: 'application/json', cache: 'miss' });
    expect(await ask()).toEqual({ ...first, cache: 'hit' });
  });

  test('gives a key nothing that an alias has led another key to', async () => {
    const wide = await call('openai', 'either', false);
    expect(wide.headers.get('x-keyward-model')).toBe('house/second');
    expect((await call('openai', 'either', false)).headers.get('x-keyward-cache')).toBe('hit');
    const { key } = await createKey(product, { scopes: { models: ['house/status-503'] } });
    const narrow = await call('openai', 'either', false, { authorization: `Bearer ${key}` });
    expect(narrow.headers.get('x-keyward-cache')).not.toBe('hit');
    expect(narrow.status).toBeGreaterThanOrEqual(500);
  });

  test('asks anew, or keeps nothing, where the caller wants it so', async () => {
    const model = `${FAKE_PROVIDERS.openai}/asked-anew`;
    await call('openai', model, false, { 'cache-control': 'no-store' });
    expect((await call('openai', model, false)).headers.get('x-keyward-cache')).toBe('miss');
    expect((await call('openai', model, false, { 'cache-control': 'no-cache' })).headers.get('x-keyward-cache')).toBe(
      'miss',
    );
    expect((await call('openai', model, false)).headers.get('x-keyward-cache')).toBe('hit');
  });

  test('keeps no errors, and nothing that broke off', async () => {
    for (const model of ['status-500', 'status-404']) {
      upstream.clear();
      const name = `${FAKE_PROVIDERS.openai}/${model}`;
      await call('openai', name, false);
      await call('openai', name, false);
      expect(upstream.requests.length).toBeGreaterThanOrEqual(2);
    }
  });

  test('is no way around a key that was revoked, and not shared with other applications', async () => {
    const model = `${FAKE_PROVIDERS.openai}/guarded`;
    await call('openai', model, false);
    const created = await product.admin('POST', '/applications', { name: 'Another', subscribedModels: ['*'] });
    const { id } = created.body as { readonly id: string };
    const { kid, key } = await createKey(product, { applicationId: id });
    const other = { authorization: `Bearer ${key}` };
    expect((await call('openai', model, false, other)).headers.get('x-keyward-cache')).toBe('miss');
    expect((await call('openai', model, false, other)).headers.get('x-keyward-cache')).toBe('hit');
    await product.admin('POST', `/keys/${kid}/revoke`);
    expect((await call('openai', model, false, other)).status).toBe(401);
  });

  test('gives a key no answer of a model that it may not call, whoever asked before it by the same alias', async () => {
    const answered = `${FAKE_PROVIDERS.openai}/tiny`;
    const ask = async (key: string) => {
      const { status, headers } = await call('openai', 'fallen', false, { authorization: `Bearer ${key}` });
      return [status, headers.get('x-keyward-cache'), headers.get('x-keyward-model')];
    };
    expect(await ask(product.firstKey)).toEqual([200, 'miss', answered]);
    expect(await ask(product.firstKey)).toEqual([200, 'hit', answered]);

    const scopes = { models: ['down/m'] };
    const { key } = await createKey(product, { scopes });
    const delegated = await signedBy(await createKey(product), scopes);
    upstream.clear();
    for (const narrow of [key, delegated]) {
      const [status, cache] = await ask(narrow);
      expect(status).toBeGreaterThanOrEqual(502);
      expect(cache).not.toBe('hit');
    }
    expect(upstream.requests).toHaveLength(0);

    const led = await createKey(product, { scopes: { models: [answered] } });
    expect(await ask(led.key)).toEqual([200, 'hit', answered]);
  });

  test('gives a call no answer of a target that the alias does not have for it', async () => {
    const eu = { 'x-keyward-tags': 'eu' };
    await call('openai', 'tagged', false, eu);
    expect((await call('openai', 'tagged', false, eu)).headers.get('x-keyward-cache')).toBe('hit');
    expect((await call('openai', 'tagged', false)).status).toBe(404);
  });
});

describe("a caller's tags", () => {
  test('are kept with the call, and calls and usage are found by them', async () => {
    const model = `${FAKE_PROVIDERS.openai}/tagged`;
    const tagged = await call('openai', model, false, { 'x-keyward-tags': 'team=search, nightly' });
    await call('openai', model, false, { 'x-keyward-tags': 'team=searching' });
    const record = await findCall(product, tagged.headers.get('x-request-id') ?? '');
    expect(record).toMatchObject({ tags: ['team=search', 'nightly'] });
    const found = await product.admin('GET', '/calls?tag=team%3Dsearch');
    expect((found.body as { readonly items: readonly unknown[] }).items).toHaveLength(1);
    const usage = await product.admin('GET', '/usage?groupBy=model&tag=nightly');
    expect(usage.body).toMatchObject({ items: [{ calls: 1 }] });
  });

  test('are refused with a sentence where they are not what they must be', async () => {
    for (const tags of ['two words', '=x', 'a=', 'é', Array.from({ length: 17 }, (_, i) => `t${i}`).join(',')]) {
      const refused = await call('openai', `${FAKE_PROVIDERS.openai}/tiny`, false, {
        'x-keyward-tags': encodeURI(tags),
      });
      expect(refused.status, tags).toBe(400);
      expect(refused.body).toContain('x-keyward-tags');
    }
  });
});
