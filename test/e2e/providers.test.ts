/**
 * Every provider that is known by name, through the front door: what it is asked, with which
 * authentication, and what a client makes of its answers, streams and errors.
 */
import { createServer } from 'node:http';
import type { IncomingHttpHeaders, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DialectName } from '../../src/llm/dialect.ts';
import { PROVIDERS } from '../../src/providers/index.ts';
import { ANSWERS } from '../dialects/answers.ts';
import { SPEAKERS } from '../fakes/speakers/index.ts';
import { startProduct } from '../product.ts';
import type { Product } from '../product.ts';

/** Those that answer a conversation: all but the ones for vectors alone are taken to. */
const VENDORS = PROVIDERS.filter(({ transport }) => transport === 'http').map((provider) => {
  // A client of OpenAI is passed on where the vendor has its dialect, and translated to the vendor's first otherwise.
  const own = provider.endpoints.openai;
  const [first] = own === undefined ? Object.entries(provider.endpoints) : [['openai', own] as const];
  if (first === undefined) throw new Error(`${provider.id} has no endpoint`);
  const [dialect, endpoint] = first;
  return { provider, dialect: dialect as DialectName, endpoint };
});

/** An error as a vendor of the dialect tells it. */
const ERRORS: Readonly<Record<DialectName, (status: number) => object>> = {
  openai: (status) => ({
    error: { message: `vendor says ${status}`, type: 'invalid_request_error', param: null, code: null },
  }),
  'openai-responses': (status) => ({
    error: { message: `vendor says ${status}`, type: 'invalid_request_error', param: null, code: null },
  }),
  anthropic: (status) => ({
    type: 'error',
    error: { type: 'invalid_request_error', message: `vendor says ${status}` },
  }),
  gemini: (status) => ({ error: { code: status, message: `vendor says ${status}`, status: 'INVALID_ARGUMENT' } }),
  bedrock: (status) => ({ message: `vendor says ${status}` }),
  cohere: (status) => ({ id: 'x', message: `vendor says ${status}` }),
  replicate: (status) => ({ title: 'Refused', detail: `vendor says ${status}`, status }),
  mistral: (status) => ({ object: 'error', message: `vendor says ${status}`, type: 'invalid_request_error' }),
};

interface Heard {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

const heard = new Map<string, Heard>();
let server: Server;
let product: Product;

/** `/{dialect}/{provider}` in front says who is asked; a status in the model's name is answered. */
function startVendors(): Promise<number> {
  const said = ANSWERS['text'];
  if (said === undefined) throw new Error('no answer');
  server = createServer((req, res) => {
    const chunks: Buffer[] = [];
    req.on('data', (chunk: Buffer) => chunks.push(chunk));
    req.on('end', () => {
      const [, dialect = '', id = '', ...rest] = (req.url ?? '').split('/');
      const body = Buffer.concat(chunks).toString();
      heard.set(id, { path: `/${rest.join('/')}`, headers: req.headers, body });
      const name = dialect as DialectName;
      const status = Number(/status-(\d+)/.exec((req.url ?? '') + body)?.[1] ?? 200);
      if (status !== 200) {
        res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(ERRORS[name](status)));
        return;
      }
      const isStream = /"stream":true/.test(body) || /:stream|converse-stream/.test(req.url ?? '');
      res.writeHead(200, { 'content-type': isStream ? SPEAKERS[name].streamType : SPEAKERS[name].contentType });
      if (isStream) for (const event of SPEAKERS[name].stream(said)) res.write(event);
      res.end(isStream ? undefined : JSON.stringify(SPEAKERS[name].whole(said)));
    });
  });
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)));
}

beforeAll(async () => {
  const port = await startVendors();
  const lines = VENDORS.map(
    ({ provider: { id, secretEnv }, dialect }) =>
      `  ${id}: { baseUrl: "http://127.0.0.1:${port}/${dialect}/${id}"${secretEnv === null ? '' : ', credentials: [{ secret: s3cret }]'} }\n`,
  );
  product = await startProduct({ config: `providers:\n${lines.join('')}` });
});
afterAll(async () => {
  await product.dispose();
  server.closeAllConnections();
  server.close();
});

function ask(id: string, model: string) {
  const client = new OpenAI({ apiKey: product.firstKey, baseURL: `${product.gatewayUrl}/v1`, maxRetries: 0 });
  const body = { model: `${id}/${model}`, messages: [{ role: 'user' as const, content: 'Hi' }] };
  return {
    whole: () => client.chat.completions.create(body),
    stream: () => client.chat.completions.stream(body).finalChatCompletion(),
  };
}

test('there are at least forty', () => {
  expect(VENDORS.length).toBeGreaterThanOrEqual(40);
});

describe.each(VENDORS)('$provider.id', ({ provider: { id, secretEnv }, dialect, endpoint }) => {
  test('answers a client of OpenAI, whole and as a stream, and is asked in its own words', async () => {
    const whole = await ask(id, 'm').whole();
    expect(whole.choices[0]?.message.content).toBe(ANSWERS['text']?.text);
    expect(whole.choices[0]?.finish_reason).toBe('stop');
    expect(whole.usage).toMatchObject({ prompt_tokens: 100, completion_tokens: 30 });
    const { path, headers, body } = heard.get(id) ?? { path: '', headers: {}, body: '' };
    expect(`${dialect} ${path}`).toMatch(PATHS[dialect]);
    const { header, prefix } = endpoint.auth;
    expect(headers[header === '' ? 'authorization' : header]).toBe(secretEnv === null ? undefined : `${prefix}s3cret`);
    for (const [name, value] of Object.entries(endpoint.headers)) expect(headers[name]).toBe(value);
    expect(JSON.stringify(headers) + body).not.toContain(product.firstKey);
    expect(path + body).toMatch(/[/"]m["/:]/);

    const streamed = await ask(id, 'm').stream();
    expect(streamed.choices[0]?.message.content).toBe(ANSWERS['text']?.text);
  });

  test("tells its refusals to the client in the client's form, and its failures in ours", async () => {
    await expect(ask(id, 'status-400').whole()).rejects.toMatchObject({
      status: 400,
      message: expect.stringContaining('vendor says 400') as unknown,
    });
    await expect(ask(id, 'status-500').whole()).rejects.toMatchObject({ status: 502, code: 'provider_unavailable' });
    if (secretEnv === null) return;
    await expect(ask(id, 'status-401').whole()).rejects.toMatchObject({ status: 502, code: 'credential_rejected' });
  });
});

const PATHS: Readonly<Record<DialectName, RegExp>> = {
  openai: /^openai (?:\/\S+)?\/chat\/completions$/,
  'openai-responses': /^openai-responses (?:\/\S+)?\/responses$/,
  anthropic: /^anthropic (?:\/v1\/messages|\/models\/m:rawPredict)$/,
  gemini: /^gemini (?:\/v1beta)?\/models\/m:generateContent$/,
  bedrock: /^bedrock \/model\/m\/converse$/,
  cohere: /^cohere \/v2\/chat$/,
  mistral: /^mistral \/chat\/completions$/,
  replicate: /^replicate \/models\/m\/predictions$/,
};
