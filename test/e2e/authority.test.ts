/** What a key may reach, tried from outside: no spelling of a path, a model or a name widens it. */
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { DIALECT_CALLS, FAKE_PROVIDERS, fakeProvidersConfig } from '../dialect-calls.ts';
import { startFakeUpstream } from '../fakes/fake-upstream.ts';
import type { FakeUpstream } from '../fakes/fake-upstream.ts';
import { createKey, filesOf, findCall, startProduct } from '../product.ts';
import type { Product } from '../product.ts';
import { rawExchange, rawRequest } from '../raw-http.ts';
import type { RawAnswer } from '../raw-http.ts';

const HOUSE = FAKE_PROVIDERS.openai;
const GEMINI = FAKE_PROVIDERS.gemini;

let upstream: FakeUpstream;
let product: Product;

beforeAll(async () => {
  upstream = await startFakeUpstream();
  product = await startProduct({
    config: `gateway: { allowKeyInQuery: true }\n${fakeProvidersConfig(upstream.origin, 'provider-key')}models:\n  fast: { targets: [${HOUSE}/tiny] }\n`,
  });
});
afterAll(async () => {
  await product.dispose();
  await upstream.close();
});
beforeEach(() => upstream.clear());

/** Sends JSON; the method is POST unless told otherwise. */
function send(key: string, path: string, body: unknown, method = 'POST'): Promise<RawAnswer> {
  return rawExchange(product.gatewayUrl, rawRequest(path, JSON.stringify(body), { key, method }));
}

function chat(model: string): { readonly model: string; readonly messages: readonly unknown[] } {
  return { model, messages: [{ role: 'user', content: 'Say hello.' }] };
}

const CONTENTS = { contents: [{ role: 'user', parts: [{ text: 'Say hello.' }] }] };

function codeOf(answer: RawAnswer): string {
  return /"(?:code|reason)":"(\w+)"/.exec(answer.body)?.[1] ?? '';
}

describe('a key for one model', () => {
  let key: string;
  beforeAll(async () => {
    key = (await createKey(product, { scopes: { models: [`${HOUSE}/tiny`, `${GEMINI}/tiny`] } })).key;
  });

  test('calls it by the paths of its dialect and through the provider’s own', async () => {
    expect((await send(key, '/v1/chat/completions', chat(`${HOUSE}/tiny`))).status).toBe(200);
    expect((await send(key, `/providers/${HOUSE}/chat/completions`, chat('tiny'))).status).toBe(200);
    expect((await send(key, `/v1beta/models/${GEMINI}/tiny:generateContent`, CONTENTS)).status).toBe(200);
    expect((await send(key, `/providers/${GEMINI}/v1beta/models/tiny:generateContent`, CONTENTS)).status).toBe(200);
    expect(upstream.requests).toHaveLength(4);
  });

  const elsewhere: readonly (readonly [path: string, body: object, method: string])[] = [
    ['/v1/chat/completions', chat(`${HOUSE}/other`), 'POST'],
    ['/v1/chat/completions', chat(`${HOUSE}/TINY`), 'POST'],
    ['/v1/chat/completions', chat(`${HOUSE}/tiny `), 'POST'],
    ['/v1/chat/completions', chat(`${HOUSE}//tiny`), 'POST'],
    ['/v1/embeddings', { model: `${HOUSE}/other`, input: 'x' }, 'POST'],
    ['/v1/messages/count_tokens', chat(`${FAKE_PROVIDERS.anthropic}/other`), 'POST'],
    [`/providers/${HOUSE}/chat/completions`, chat('other'), 'POST'],
    // Paths that are none of a model call ask for the whole provider.
    [`/providers/${HOUSE}/chat%2Fcompletions`, chat('tiny'), 'POST'],
    [`/providers/${HOUSE}/chat/completions/`, chat('tiny'), 'POST'],
    [`/providers/${HOUSE}/Chat/Completions`, chat('tiny'), 'POST'],
    [`/providers/${HOUSE}/chat/completions;v=1`, chat('tiny'), 'POST'],
    [`/providers/${HOUSE}/chat/completions`, chat('tiny'), 'PUT'],
    [`/providers/${HOUSE}/files`, {}, 'POST'],
    [`/providers/${HOUSE}/models`, {}, 'GET'],
    [`/v1beta/models/${GEMINI}/other:generateContent`, CONTENTS, 'POST'],
    [`/v1beta/models/${GEMINI}%2Fother:generateContent`, CONTENTS, 'POST'],
    [`/v1beta/models/${GEMINI}/tiny%3AgenerateContent/x:countTokens`, CONTENTS, 'POST'],
    [`/v1/models/${GEMINI}/other:countTokens`, CONTENTS, 'POST'],
    [`/v1/models/${GEMINI}/other:batchEmbedContents`, { requests: [{ model: `models/tiny` }] }, 'POST'],
    [`/providers/${GEMINI}/v1beta/models/other:generateContent`, CONTENTS, 'POST'],
    [`/providers/${GEMINI}/v1beta/models%2Ftiny:generateContent`, CONTENTS, 'POST'],
  ];
  test.each(elsewhere)('reaches nothing else: %s %j', async (path, body, method) => {
    const answer = await send(key, path, body, method);
    expect([answer.status, codeOf(answer)], answer.text).toEqual([403, 'model_denied']);
    expect(upstream.requests).toHaveLength(0);
  });

  test('cannot name another model inside the body of a path that names its own', async () => {
    const models = ['models/other', 'other', 'models/tiny'].map((model) => ({ model, content: { parts: [] } }));
    const bodies: readonly (readonly [verb: string, body: unknown])[] = [
      ['batchEmbedContents', { requests: models }],
      ['generateContent', { model: 'models/other', ...CONTENTS }],
      ['countTokens', { generateContentRequest: { model: 'models/other', ...CONTENTS } }],
    ];
    for (const [verb, body] of bodies) {
      await send(key, `/v1beta/models/${GEMINI}/tiny:${verb}`, body);
      const answer = await send(key, `/providers/${GEMINI}/v1beta/models/tiny:${verb}`, body);
      expect(answer.status, answer.text).toBe(400);
    }
    expect(upstream.requests.length).toBeGreaterThan(0);
    expect(upstream.received()).not.toContain('other');
  });

  test('cannot name another model by a name that only some providers take for "model"', async () => {
    const body = { ...chat(`${HOUSE}/tiny`), MODEL: 'other' };
    const answer = await send(key, '/v1/chat/completions', body);
    expect(answer.status).toBe(400);
    expect(codeOf(answer)).toBe('invalid_body');
    expect(upstream.requests).toHaveLength(0);
  });

  test('may repeat its own model there, with and without the collection in front', async () => {
    const requests = [{ model: 'models/tiny' }, { model: 'tiny' }, {}];
    const answer = await send(key, `/providers/${GEMINI}/v1beta/models/tiny:batchEmbedContents`, { requests });
    expect(answer.status, answer.text).toBe(200);
  });

  test('does not learn which providers there are', async () => {
    const [known, unknown] = [
      await send(key, `/providers/${HOUSE}/files`, {}),
      await send(key, '/providers/nobody/files', {}),
    ];
    expect([unknown.status, codeOf(unknown)]).toEqual([known.status, codeOf(known)]);
  });
});

describe('a key for an alias', () => {
  test('reaches its model by the alias only', async () => {
    const { key } = await createKey(product, { scopes: { models: ['fast'] } });
    expect((await send(key, '/v1/chat/completions', chat('fast'))).status).toBe(200);
    expect(upstream.requests.at(-1)?.model).toBe('tiny');
    expect(codeOf(await send(key, '/v1/chat/completions', chat(`${HOUSE}/tiny`)))).toBe('model_denied');
    expect(codeOf(await send(key, `/providers/${HOUSE}/chat/completions`, chat('fast')))).toBe('model_denied');
  });

  test('and a key for a model reaches it by its alias too', async () => {
    const { key } = await createKey(product, { scopes: { models: [`${HOUSE}/tiny`] } });
    expect((await send(key, '/v1/chat/completions', chat('fast'))).status).toBe(200);
  });

  test('follows the alias when it is turned to another model, without a restart', async () => {
    const byAlias = await createKey(product, { scopes: { models: ['turning'] } });
    const byModel = await createKey(product, { scopes: { models: [`${HOUSE}/tiny`] } });
    expect((await product.admin('POST', '/models', { id: 'turning', targets: [`${HOUSE}/tiny`] })).status).toBe(201);
    for (const { key } of [byAlias, byModel]) {
      expect((await send(key, '/v1/chat/completions', chat('turning'))).status).toBe(200);
    }
    const turned = await product.admin('PATCH', '/models/turning', { targets: [`${HOUSE}/other`] });
    expect(turned.status, JSON.stringify(turned.body)).toBe(200);
    expect((await send(byAlias.key, '/v1/chat/completions', chat('turning'))).status).toBe(200);
    expect(upstream.requests.at(-1)?.model).toBe('other');
    expect(codeOf(await send(byModel.key, '/v1/chat/completions', chat('turning')))).toBe('model_denied');
  });
});

describe('names that every object has', () => {
  const NAMES = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf'];

  test('are no provider, no alias, no operation and no path, and leave a record like any call', async () => {
    const { key } = await createKey(product);
    const ids: string[] = [];
    for (const name of NAMES) {
      for (const [path, body] of [
        ['/v1/chat/completions', chat(name)],
        ['/v1/chat/completions', chat(`${name}/${name}`)],
        ['/v1/chat/completions', chat(`sandbox/${name}`)],
        [`/providers/${name}/chat/completions`, chat('tiny')],
        [`/v1beta/models/sandbox/echo:${name}`, CONTENTS],
        [`/providers/sandbox/v1beta/models/echo:${name}`, CONTENTS],
        [`/${name}`, {}],
      ] as const) {
        const answer = await send(key, path, body);
        expect([path, answer.status], answer.text).toEqual([path, 404]);
        ids.push(answer.headers['x-request-id'] ?? '');
      }
    }
    expect(upstream.requests).toHaveLength(0);
    expect((await send(key, '/v1/chat/completions', chat(`${HOUSE}/tiny`))).status).toBe(200);
    const recorded = await findCall(product, ids[4] ?? '');
    expect(recorded).toMatchObject({ status: 404 });
    expect(product.logs()).not.toContain('call records could not be stored');
    expect(product.logs()).not.toContain('call failed');
  });
});

describe('through a provider’s own paths', () => {
  test('only methods go that an API has; TRACE would show the provider’s key', async () => {
    const { key } = await createKey(product);
    for (const method of ['TRACE', 'TRACK', 'CONNECT', 'PROPFIND', 'get', 'M-SEARCH']) {
      const answer = await send(key, `/providers/${HOUSE}/echo`, {}, method);
      expect([method, answer.status], answer.text).toEqual([method, 405]);
      expect(answer.headers['allow']).toContain('GET');
    }
    expect(upstream.requests).toHaveLength(0);
    for (const method of ['GET', 'PUT', 'PATCH', 'DELETE']) {
      expect([200, 404]).toContain((await send(key, `/providers/${HOUSE}/echo`, {}, method)).status);
    }
    expect(upstream.requests).toHaveLength(4);
    expect(product.logs()).not.toContain('call failed');
  });

  test('the query goes on, but no spelling of "key" does', async () => {
    const { key } = await createKey(product);
    for (const name of ['key', '%6Bey', 'k%65y', 'KEY']) {
      await send(key, `/providers/${HOUSE}/files?limit=3&${name}=${key}`, {}, 'GET');
    }
    expect(upstream.requests.map((request) => request.url)).toContain('/v1/files?limit=3');
    expect(upstream.received()).not.toContain(key.split('_')[3] ?? key);
  });
});

test('a key in the query, where it is allowed, is in no record and in no log', async () => {
  const { key } = await createKey(product);
  const body = JSON.stringify(chat(`${HOUSE}/tiny`));
  const answer = await rawExchange(product.gatewayUrl, rawRequest(`/v1/chat/completions?key=${key}`, body));
  expect(answer.status, answer.text).toBe(200);
  const record = await findCall(product, answer.headers['x-request-id'] ?? '');
  expect(record).toMatchObject({ status: 200, path: '/v1/chat/completions' });
  const secret = key.split('_')[3] ?? key;
  expect(JSON.stringify(record)).not.toContain(secret);
  expect(product.logs()).not.toContain(secret);
  expect(upstream.received()).not.toContain(secret);
});

test('a key that stands in the path by mistake is in no record', async () => {
  const { key, kid } = await createKey(product);
  const answer = await send(key, `/${key}/v1/chat/completions`, chat(`${HOUSE}/tiny`));
  expect(answer.status).toBe(404);
  // Calls that prove no key are not listed, so the files are searched once the record has arrived.
  const stored = (text: string): boolean => filesOf(product.dataDir).some(({ bytes }) => bytes.includes(text));
  while (!stored(`/kwk_live_${kid}/v1/chat/completions`)) await sleep(50);
  expect(stored(key.split('_')[3] ?? key)).toBe(false);
});

describe('what is changed while a body is on its way', () => {
  interface SlowCall {
    /** Sends the rest of the body and gives the answer. */
    finish(): Promise<string>;
  }

  /** Sends the head and half of the body, and waits until the gateway has certainly proven the key. */
  async function beginUpload(key: string): Promise<SlowCall> {
    const body = DIALECT_CALLS.openai.body(`${HOUSE}/tiny`, false);
    const text = rawRequest('/v1/chat/completions', body, { key });
    const half = text.length - (body.length >> 1);
    const { hostname, port } = new URL(product.gatewayUrl);
    const socket = connect({ host: hostname, port: Number(port), noDelay: true });
    const answer = new Promise<string>((resolve) => {
      let received = '';
      socket.setEncoding('latin1').on('data', (piece: string) => (received += piece));
      socket.on('error', () => undefined);
      socket.on('close', () => resolve(received));
    });
    socket.write(text.slice(0, half));
    await sleep(200);
    return {
      finish: () => {
        socket.write(text.slice(half));
        return answer;
      },
    };
  }

  test('a key that is revoked meanwhile does not pass', async () => {
    const { kid, key } = await createKey(product);
    const call = await beginUpload(key);
    expect((await product.admin('POST', `/keys/${kid}/revoke`, {})).status).toBe(200);
    const answer = await call.finish();
    expect(answer).toMatch(/^HTTP\/1\.1 401 /);
    expect(answer).toContain('"revoked"');
    expect(upstream.requests).toHaveLength(0);
  });

  test('a key whose scope is narrowed meanwhile does not pass', async () => {
    const { kid, key } = await createKey(product);
    const call = await beginUpload(key);
    const changed = await product.admin('PATCH', `/keys/${kid}`, { scopes: { models: [`${HOUSE}/other`] } });
    expect(changed.status, JSON.stringify(changed.body)).toBe(200);
    expect(await call.finish()).toMatch(/^HTTP\/1\.1 403 [^]*"model_denied"/);
    expect(upstream.requests).toHaveLength(0);
  });

  test('a key whose application is disabled meanwhile does not pass', async () => {
    const made = await product.admin('POST', '/applications', { name: 'closing', subscribedModels: ['*'] });
    expect(made.status, JSON.stringify(made.body)).toBe(201);
    const { id } = made.body as { readonly id: string };
    const { key } = await createKey(product, { applicationId: id });
    const call = await beginUpload(key);
    const changed = await product.admin('PATCH', `/applications/${id}`, { state: 'disabled' });
    expect(changed.status, JSON.stringify(changed.body)).toBe(200);
    expect(await call.finish()).toMatch(/^HTTP\/1\.1 403 [^]*"application_disabled"/);
    expect(upstream.requests).toHaveLength(0);
  });

  test('a key whose subscription ends meanwhile does not pass', async () => {
    const made = await product.admin('POST', '/applications', { name: 'leaving', subscribedModels: ['*'] });
    const { id } = made.body as { readonly id: string };
    const { key } = await createKey(product, { applicationId: id });
    const call = await beginUpload(key);
    expect((await product.admin('PATCH', `/applications/${id}`, { subscribedModels: [] })).status).toBe(200);
    expect(await call.finish()).toMatch(/^HTTP\/1\.1 403 [^]*"not_subscribed"/);
    expect(upstream.requests).toHaveLength(0);
  });
});
