/** Replicate through the front door: a prediction is one exchange, whatever becomes of it. */
import { createServer } from 'node:http';
import type { IncomingHttpHeaders, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import OpenAI from 'openai';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ANSWERS } from '../dialects/answers.ts';
import { replicate } from '../fakes/speakers/replicate.ts';
import { findCall, startProduct } from '../product.ts';
import type { Product } from '../product.ts';

interface Heard {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Readonly<Record<string, unknown>>;
}

const MODEL = 'meta/meta-llama-3-8b-instruct';
const SAID = ANSWERS['text'];

let heard: Heard[] = [];
/** What is answered from now on. */
let status = 201;
let told: object = {};
let server: Server;
let product: Product;

beforeAll(async () => {
  server = createServer((req, res) => {
    const chunks: Buffer[] = [];
    req.on('data', (chunk: Buffer) => chunks.push(chunk));
    req.on('end', () => {
      const text = Buffer.concat(chunks).toString();
      const body = text === '' ? {} : (JSON.parse(text) as Heard['body']);
      heard.push({ path: `${req.method} ${req.url}`, headers: req.headers, body });
      res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(told));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const baseUrl = `http://127.0.0.1:${port}/v1`;
  product = await startProduct({
    config: `providers:
  replicate: { baseUrl: "${baseUrl}", credentials: [{ secret: r8_s3cret }] }
models:
  patient: { targets: [{ model: "replicate/${MODEL}" }, { model: sandbox/echo }] }
`,
  });
});
afterAll(async () => {
  await product.dispose();
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  if (SAID === undefined) throw new Error('there is no answer');
  heard = [];
  status = 201;
  told = replicate.whole(SAID);
});

function client(): OpenAI {
  return new OpenAI({ apiKey: product.firstKey, baseURL: `${product.gatewayUrl}/v1`, maxRetries: 0 });
}

type Asked = Partial<OpenAI.Chat.ChatCompletionCreateParamsNonStreaming>;

function ask(more: Asked = {}) {
  const messages = [{ role: 'user' as const, content: 'Hi' }];
  return client().chat.completions.create({ model: `replicate/${MODEL}`, messages, ...more, stream: false });
}

test('a prediction is asked for, waited for and bounded, and answers as any model does', async () => {
  const { data, response } = await ask({ max_tokens: 50 }).withResponse();
  expect(response.status).toBe(200);
  expect(data.choices[0]).toMatchObject({ message: { content: SAID?.text }, finish_reason: 'stop' });
  const [{ path, headers, body } = { path: '', headers: {}, body: {} }] = heard;
  expect(path).toBe(`POST /v1/models/${MODEL}/predictions`);
  expect(headers).toMatchObject({
    authorization: 'Bearer r8_s3cret',
    prefer: 'wait=60',
    'cancel-after': '1m',
    accept: 'application/json',
  });
  expect(body).toMatchObject({ input: { prompt: 'Hi', max_tokens: 50, max_new_tokens: 50 } });
  const record = await findCall(product, response.headers.get('x-request-id') ?? '');
  expect(record).toMatchObject({ inputTokens: 100, outputTokens: 30, complete: true });
});

test('a model that somebody has pushed is asked by its version', async () => {
  await ask({ model: 'replicate/acme/tiny:0a1b2c' });
  expect(heard[0]?.path).toBe('POST /v1/predictions');
  expect(heard[0]?.body).toMatchObject({ version: '0a1b2c', input: { prompt: 'Hi' } });
});

test.each(['replicate/../account', 'replicate/a/../b', 'replicate/a/b/c', 'replicate/a b'])(
  '%s is no model, and nothing is asked',
  async (model) => {
    await expect(ask({ model })).rejects.toMatchObject({ status: 404 });
    expect(heard).toEqual([]);
  },
);

test('a stream is played from the whole answer, and says so', async () => {
  const { data, response } = await client()
    .chat.completions.create({
      model: `replicate/${MODEL}`,
      messages: [{ role: 'user', content: 'Hi' }],
      stream: true,
      stream_options: { include_usage: true },
    })
    .withResponse();
  const chunks: OpenAI.Chat.ChatCompletionChunk[] = [];
  for await (const chunk of data) chunks.push(chunk);
  expect(chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join('')).toBe(SAID?.text);
  expect(chunks.at(-1)?.usage).toMatchObject({ prompt_tokens: 100, completion_tokens: 30 });
  expect(response.headers.get('content-type')).toContain('text/event-stream');
  expect(response.headers.get('x-keyward-warnings')).toContain('approximated stream');
  expect(heard[0]?.headers).toMatchObject({ prefer: 'wait=60', accept: 'application/json' });
  const record = await findCall(product, response.headers.get('x-request-id') ?? '');
  expect(record).toMatchObject({ inputTokens: 100, outputTokens: 30, complete: true });
});

describe.each([false, true])('stream: %s', (stream) => {
  const call = (model = `replicate/${MODEL}`) => {
    const body = { model, messages: [{ role: 'user' as const, content: 'Hi' }] };
    return stream
      ? client()
          .chat.completions.create({ ...body, stream })
          .asResponse()
      : client().chat.completions.create(body).asResponse();
  };

  test.each(['starting', 'processing', 'canceled', 'aborted'])(
    'a prediction that is %s after the wait is a timeout that says what to do',
    async (state) => {
      told = { ...told, status: state, output: null, metrics: {} };
      status = 202;
      await expect(call()).rejects.toMatchObject({
        status: 504,
        code: 'provider_timeout',
        message: expect.stringContaining('did not finish within the 60 seconds') as unknown,
      });
    },
  );

  test('another target of an alias answers in place of one that did not finish', async () => {
    told = { ...told, status: 'processing', output: null };
    const answer = await call('patient');
    expect(answer.status).toBe(200);
    expect(answer.headers.get('x-keyward-provider')).toBe('sandbox');
  });

  test.each([
    ['CUDA out of memory.', 502, 'provider_unavailable', 'could not be reached or broke off'],
    ['The input was flagged as sensitive. (E005)', 400, 'provider_refused', 'flagged as sensitive'],
    ['Prompt length (9000) exceeds maximum input length (8000).', 400, 'provider_refused', 'exceeds maximum'],
    ['Input validation error: temperature is too high.', 400, 'provider_refused', 'temperature is too high'],
  ])('a prediction that failed with "%s" is an error of status %d', async (error, expected, code, words) => {
    told = { ...told, status: 'failed', output: null, error };
    await expect(call()).rejects.toMatchObject({
      status: expected,
      code,
      message: expect.stringContaining(words) as unknown,
    });
  });

  test('what is no prediction of text is no answer', async () => {
    told = { ...told, output: { url: 'https://replicate.delivery/a.png' } };
    await expect(call()).rejects.toMatchObject({ status: 502, code: 'provider_answer_invalid' });
    told = { hello: 'world' };
    await expect(call()).rejects.toMatchObject({ status: 502 });
  });
});

const PICTURE = { type: 'image_url', image_url: { url: 'https://img.example/a.png' } } as const;
const TOOL = { type: 'function', function: { name: 'now', parameters: { type: 'object', properties: {} } } } as const;

test.each<[string, Asked]>([
  ['tools', { tools: [TOOL] }],
  ['messages', { messages: [{ role: 'user', content: [{ type: 'text', text: 'Hi' }, PICTURE] }] }],
  [
    'response_format',
    { response_format: { type: 'json_schema', json_schema: { name: 'a', schema: { type: 'object' } } } },
  ],
])(
  'what asks for more than text is refused by the field "%s" and the model, and costs nothing',
  async (field, more) => {
    const refused = ask(more);
    await expect(refused).rejects.toMatchObject({ status: 400, code: 'invalid_body', param: field });
    await expect(refused).rejects.toThrow(`"${field}"`);
    await expect(refused).rejects.toThrow(`"replicate/${MODEL}"`);
    expect(heard).toEqual([]);
  },
);

test('its own API is passed through without what a model call adds', async () => {
  await fetch(`${product.gatewayUrl}/providers/replicate/trainings`, {
    headers: { authorization: `Bearer ${product.firstKey}` },
  });
  expect(heard[0]).toMatchObject({ path: 'GET /v1/trainings', headers: { authorization: 'Bearer r8_s3cret' } });
  expect(heard[0]?.headers).not.toHaveProperty('prefer');
  expect(heard[0]?.headers).not.toHaveProperty('cancel-after');
});

test('its credential is tested by a question that costs nothing', async () => {
  const { items } = (await product.admin('GET', '/provider-pools')).body as {
    readonly items: readonly { readonly id: string; readonly credentials: readonly { readonly id: string }[] }[];
  };
  const id = items.find((pool) => pool.id === 'replicate')?.credentials[0]?.id;
  status = 200;
  told = { type: 'organization', username: 'acme', name: 'Acme' };
  const answer = await product.admin('POST', `/credentials/${id}/test`, {});
  expect(answer.body).toMatchObject({ accepted: true, providerId: 'replicate' });
  expect(heard.at(-1)?.path).toBe('GET /v1/account');
});
