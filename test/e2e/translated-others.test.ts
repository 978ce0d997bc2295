/** What is no conversation, and what goes with one: vectors, rerank, numbers of tokens, media by URL. */
import Anthropic from '@anthropic-ai/sdk';
import { GoogleGenAI } from '@google/genai';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ANSWERS } from '../dialects/answers.ts';
import { PNG } from '../dialects/capabilities.ts';
import { startSpeakingUpstream } from '../fakes/speaking-upstream.ts';
import type { SpeakingUpstream } from '../fakes/speaking-upstream.ts';
import { findCall, startProduct } from '../product.ts';
import type { Product } from '../product.ts';

interface Heard {
  readonly path: string;
  readonly body: Readonly<Record<string, unknown>>;
}

const VECTORS = [
  [0.5, -0.25],
  [1, 0.125],
];

/** Answers by path, as the vendors do. */
const BY_PATH: readonly (readonly [RegExp, unknown])[] = [
  [/:embedContent$/, { embedding: { values: VECTORS[0] } }],
  [/:batchEmbedContents$/, { embeddings: VECTORS.map((values) => ({ values })) }],
  [/:countTokens$/, { totalTokens: 17 }],
  [/\/v2\/embed$/, { id: 'e', embeddings: { float: VECTORS }, meta: { billed_units: { input_tokens: 6 } } }],
  [
    /\/v2\/rerank$/,
    {
      id: 'r',
      results: [
        { index: 1, relevance_score: 0.9 },
        { index: 0, relevance_score: 0.1 },
      ],
    },
  ],
  [/\/v1\/messages\/count_tokens$/, { input_tokens: 23 }],
  [/\/model\/[^/]+\/count-tokens$/, { inputTokens: 29 }],
];

const heard: Heard[] = [];
let server: Server;
let images: Server;
let talking: SpeakingUpstream;
let product: Product;
let open: Product;
let imageOrigin = '';

beforeAll(async () => {
  server = createServer((req, res) => {
    let text = '';
    req.on('data', (chunk: Buffer) => (text += chunk.toString()));
    req.on('end', () => {
      const path = req.url ?? '';
      heard.push({ path, body: JSON.parse(text) as Heard['body'] });
      const found = BY_PATH.find(([pattern]) => pattern.test(path));
      res
        .writeHead(found === undefined ? 404 : 200, { 'content-type': 'application/json' })
        .end(JSON.stringify(found?.[1] ?? { message: 'no such path' }));
    });
  });
  images = createServer((req, res) => {
    if (req.url === '/a.png') res.writeHead(200, { 'content-type': 'image/png' }).end(Buffer.from(PNG, 'base64'));
    else res.writeHead(200, { 'content-type': 'image/png' }).end('<html>no image</html>');
  });
  await Promise.all([server, images].map((each) => new Promise<void>((done) => each.listen(0, '127.0.0.1', done))));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  imageOrigin = `http://127.0.0.1:${(images.address() as AddressInfo).port}`;
  talking = await startSpeakingUpstream('gemini');
  const providers = `providers:
  g: { dialect: gemini, baseUrl: "${origin}", credentials: [{ secret: x }] }
  c: { dialect: cohere, baseUrl: "${origin}", credentials: [{ secret: x }] }
  a: { dialect: anthropic, baseUrl: "${origin}", credentials: [{ secret: x }] }
  b: { dialect: bedrock, baseUrl: "${origin}", credentials: [{ secret: x }] }
  talking: { dialect: gemini, baseUrl: "${talking.baseUrl}", credentials: [{ secret: x }] }
`;
  product = await startProduct({ config: providers });
  open = await startProduct({ config: `${providers}gateway: { fetchMedia: any }\n` });
});
afterAll(async () => {
  await Promise.all([product.dispose(), open.dispose(), talking.close()]);
  for (const each of [server, images]) {
    each.closeAllConnections();
    each.close();
  }
});

function openai(at: Product = product): OpenAI {
  return new OpenAI({ apiKey: at.firstKey, baseURL: `${at.gatewayUrl}/v1`, maxRetries: 0 });
}

describe('embeddings', () => {
  test.each([
    ['g/m', ['one', 'two'], /:batchEmbedContents$/],
    ['g/m', ['one'], /:embedContent$/],
    ['c/m', ['one', 'two'], /\/v2\/embed$/],
  ])('of %s reach a client of OpenAI, which asks in base64', async (model, input, path) => {
    const answer = await openai().embeddings.create({ model, input });
    expect(answer.data.map(({ embedding }) => embedding)).toEqual(VECTORS.slice(0, model === 'g/m' ? input.length : 2));
    expect(heard.at(-1)?.path).toMatch(path);
  });

  test('of Cohere reach a client of Gemini', async () => {
    const client = new GoogleGenAI({ apiKey: product.firstKey, httpOptions: { baseUrl: product.gatewayUrl } });
    const answer = await client.models.embedContent({ model: 'c/m', contents: ['one', 'two'] });
    expect(answer.embeddings?.map(({ values }) => values)).toEqual(VECTORS);
  });
});

test('a rerank is translated for Cohere', async () => {
  const answer = await fetch(`${product.gatewayUrl}/v1/rerank`, {
    method: 'POST',
    headers: { authorization: `Bearer ${product.firstKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'c/m', query: 'q', documents: ['x', 'y'], top_n: 2 }),
  });
  expect(answer.status).toBe(200);
  expect(await answer.json()).toMatchObject({
    results: [
      { index: 1, relevance_score: 0.9 },
      { index: 0, relevance_score: 0.1 },
    ],
  });
});

describe('a number of tokens', () => {
  const messages = [{ role: 'user' as const, content: 'How many tokens are these?' }];

  test("is the provider's own count where it has one", async () => {
    const client = new Anthropic({ apiKey: product.firstKey, baseURL: product.gatewayUrl, maxRetries: 0 });
    expect(await client.messages.countTokens({ model: 'g/m', messages })).toMatchObject({ input_tokens: 17 });
    const claude = 'b/eu.anthropic.claude-sonnet-4-20250514-v1:0';
    expect(await client.messages.countTokens({ model: claude, messages })).toMatchObject({ input_tokens: 29 });
    expect(heard.at(-1)?.body).toMatchObject({ input: { converse: { messages: [{ role: 'user' }] } } });
    const google = new GoogleGenAI({ apiKey: product.firstKey, httpOptions: { baseUrl: product.gatewayUrl } });
    expect(await google.models.countTokens({ model: 'a/m', contents: 'How many?' })).toMatchObject({ totalTokens: 23 });
  });

  test.each(['c/m', 'b/amazon.nova-lite-v1:0'])(
    'is an estimate that says so where nobody counts: %s',
    async (model) => {
      const client = new Anthropic({ apiKey: product.firstKey, baseURL: product.gatewayUrl, maxRetries: 0 });
      const { data, response } = await client.messages.countTokens({ model, messages }).withResponse();
      expect(data.input_tokens).toBeGreaterThan(5);
      expect(response.headers.get('x-keyward-warnings')).toMatch(/approximated input_tokens/);
      const record = await findCall(product, response.headers.get('x-request-id') ?? '');
      expect(record).toMatchObject({ code: 'ok', attempts: 0 });
    },
  );
});

describe('an image by URL, for a provider that takes bytes only', () => {
  const ask = (at: Product, url: string) =>
    openai(at).chat.completions.create({
      model: 'talking/m',
      messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url } }] }],
    });

  test('is fetched where the operator allows the place', async () => {
    const said = ANSWERS['text'];
    if (said === undefined) throw new Error('no answer');
    talking.script(said);
    const answer = await ask(open, `${imageOrigin}/a.png`);
    expect(answer.choices[0]?.message.content).toBe(said.text);
    expect(JSON.stringify(talking.heard.at(-1)?.body)).toContain(PNG);
  });

  test('is refused, and nobody asked, where it lies within, or is no image', async () => {
    talking.script();
    await expect(ask(product, 'https://127.0.0.1/a.png')).rejects.toThrow(/not of the public internet/);
    await expect(ask(product, `${imageOrigin}/a.png`)).rejects.toThrow(/not an https URL/);
    await expect(ask(open, `${imageOrigin}/b.png`)).rejects.toThrow(/neither an image nor a document/);
    expect(talking.heard).toHaveLength(0);
  });
});

test('what cannot be translated is refused with a sentence and a field, before anybody is asked', async () => {
  const before = heard.length;
  const responses = openai().responses.create({ model: 'a/m', input: 'Go on.', previous_response_id: 'resp_1' });
  await expect(responses).rejects.toThrow(/previous_response_id/);
  const malformed = openai().chat.completions.create({
    model: 'a/m',
    messages: [{ role: 'user', content: 7 as never }],
  });
  await expect(malformed).rejects.toThrow(/messages\[0\]\.content/);
  await expect(openai().embeddings.create({ model: 'a/m', input: 'x' })).rejects.toMatchObject({ status: 400 });
  expect(heard).toHaveLength(before);
});
