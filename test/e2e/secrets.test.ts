import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ClientDialectName } from '../../src/llm/dialect.ts';
import { DIALECT_CALLS, FAKE_PROVIDERS, fakeProvidersConfig } from '../dialect-calls.ts';
import { startFakeUpstream } from '../fakes/fake-upstream.ts';
import type { FakeUpstream } from '../fakes/fake-upstream.ts';
import { createKey, filesOf, startProduct } from '../product.ts';
import type { Product } from '../product.ts';
import { rawExchange, rawRequest } from '../raw-http.ts';

/** Planted in the config file through the environment, and through the admin API. */
const DECLARED_SECRET = `declared-${randomBytes(16).toString('hex')}`;
const STORED_SECRET = `stored-${randomBytes(16).toString('hex')}`;
/** Nobody's here: sent by a caller who mixed things up. */
const VENDOR_KEY = `sk-proj-${randomBytes(16).toString('hex')}`;

let upstream: FakeUpstream;
let product: Product;
let callerKey: string;
/** Everything that callers and admins received. */
const answers: string[] = [];

beforeAll(async () => {
  upstream = await startFakeUpstream();
  product = await startProduct({
    config: fakeProvidersConfig(upstream.origin, '${PLANTED_SECRET}'),
    env: { PLANTED_SECRET: DECLARED_SECRET, KEYWARD_LOG_LEVEL: 'debug' },
  });
  callerKey = (await createKey(product)).key;
  const provider = { id: 'stored', dialect: 'openai', baseUrl: `${upstream.origin}/v1` };
  expect((await product.admin('POST', '/providers', provider)).status).toBe(201);
  const credential = { providerId: 'stored', name: 'planted', secret: STORED_SECRET };
  const made = await product.admin('POST', '/credentials', credential);
  expect(made.status).toBe(201);
  answers.push(JSON.stringify(made.body));
  await makeCalls();
});
afterAll(async () => {
  await product.dispose();
  await upstream.close();
});

const MODELS = ['tiny', 'echo-headers', 'status-401', 'status-500', 'dies-before-head', 'sends-garbage'];

async function makeCalls(): Promise<void> {
  for (const dialect of Object.keys(DIALECT_CALLS) as ClientDialectName[]) {
    const call = DIALECT_CALLS[dialect];
    for (const model of MODELS.map((name) => `${FAKE_PROVIDERS[dialect]}/${name}`)) {
      await send(call.path(model, false), call.body(model, false), model.endsWith('echo-headers'));
    }
    const model = `${FAKE_PROVIDERS[dialect]}/tiny`;
    await send(call.path(model, true), call.body(model, true), false);
  }
  const chat = DIALECT_CALLS.openai;
  await send(chat.path('stored/tiny', false), chat.body('stored/tiny', false), false);
  await send('/providers/stored/chat/completions', chat.body('tiny', false), false);
  // Keys where they do not belong: in the query, in the path, in the body, in a header of no meaning.
  for (const model of [callerKey, `sandbox/${callerKey}`, VENDOR_KEY]) {
    const isEchoed = model.startsWith('sandbox/');
    await send(chat.path(model, false), chat.body(model, false), isEchoed, [`user-agent: agent/1 (${callerKey})`]);
    await send(DIALECT_CALLS.gemini.path(model, false), '{}', isEchoed, [`user-agent: ${VENDOR_KEY}`]);
  }
  await send(`/providers/${callerKey}/x`, '{}', false);
  await send(`/v1/chat/completions?key=${callerKey}`, chat.body('sandbox/echo', false), false);
  await send('/v1/chat/completions', '{ broken', false);
  await send(`/no/such/path?key=${callerKey}`, '{}', false);
  for (const path of ['/keys', '/providers', '/credentials', '/calls', '/audit-events', '/models']) {
    answers.push(JSON.stringify((await product.admin('GET', path)).body));
  }
}

/** A vendor that echoes what it was sent shows its own key: that answer proves only what goes upstream. */
async function send(path: string, body: string, echo: boolean, more: readonly string[] = []): Promise<void> {
  const extra = [`x-api-key: ${callerKey}`, `x-goog-api-key: ${callerKey}`, `cookie: key=${callerKey}`, ...more];
  const answer = await rawExchange(product.gatewayUrl, rawRequest(path, body, { key: callerKey, extra }));
  if (!echo) answers.push(answer.text);
}

test('the calls reached the provider with its own key', () => {
  expect(upstream.received()).toContain(DECLARED_SECRET);
  expect(upstream.received()).toContain(STORED_SECRET);
});

test('the caller’s key reaches no provider', () => {
  expect(upstream.received()).not.toContain(secretPart(callerKey));
});

test('a provider’s key reaches no caller and no admin', () => {
  const all = answers.join('\n');
  expect(all).not.toContain(DECLARED_SECRET);
  expect(all).not.toContain(STORED_SECRET);
  expect(all).not.toContain(secretPart(callerKey));
});

test('no key is in any file of the data folder, nor in any log line, after a stop', async () => {
  const secrets = [DECLARED_SECRET, STORED_SECRET, VENDOR_KEY, secretPart(callerKey), secretPart(product.firstKey)];
  const admin = product.adminToken;
  expect(await product.stop()).toBe(0);
  const files = filesOf(product.dataDir);
  expect(files.length).toBeGreaterThan(1);
  for (const secret of [...secrets, admin]) {
    const forms = [
      secret,
      Buffer.from(secret).toString('base64').replace(/=+$/, ''),
      Buffer.from(secret).toString('hex'),
    ];
    for (const form of forms) {
      expect(files.filter((file) => file.bytes.includes(form)).map((file) => file.path)).toEqual([]);
      expect(product.logs().includes(form)).toBe(false);
    }
  }
  expect(product.stdout()).not.toContain(secretPart(callerKey));
  expect(product.stdout()).not.toContain(DECLARED_SECRET);
});

/** The 43 characters that must never be seen; id and fingerprint may. */
function secretPart(key: string): string {
  return key.split('_')[3] ?? key;
}
