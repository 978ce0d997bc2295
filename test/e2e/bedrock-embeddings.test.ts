/** Vectors of Amazon Bedrock, whose makers have a form each, for callers of OpenAI's and Gemini's APIs. */
import { GoogleGenAI } from '@google/genai';
import { createServer } from 'node:http';
import type { IncomingHttpHeaders, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import OpenAI from 'openai';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { signRequest } from '../../src/lib/aws-sigv4.ts';
import { findCall, startProduct } from '../product.ts';
import type { Product } from '../product.ts';

const ACCESS_KEY = 'AKIAIOSFODNN7EXAMPLE';
const SECRET = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY';
const TITAN = 'bedrock/amazon.titan-embed-text-v2:0';
const COHERE = 'bedrock/eu.cohere.embed-v4:0';
const VECTORS = [
  [0.5, -0.25],
  [1, 0.125],
];
/** As long as real ones, so that their bytes could be taken for tokens. */
const LONG = Array.from({ length: 1536 }, () => 0.125);

interface Heard {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

const heard: Heard[] = [];
let server: Server;
let product: Product;

beforeAll(async () => {
  server = createServer((req, res) => {
    let text = '';
    req.on('data', (chunk: Buffer) => (text += chunk.toString()));
    req.on('end', () => {
      const path = req.url ?? '';
      heard.push({ path, headers: req.headers, text });
      const counted = path.includes('embed-v4') ? { 'x-amzn-bedrock-input-token-count': '6' } : {};
      res.writeHead(200, { 'content-type': 'application/json', ...counted }).end(JSON.stringify(answerAt(path)));
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  product = await startProduct({
    config: `providers:
  bedrock:
    baseUrl: "${origin}"
    settings: { region: eu-north-1 }
    credentials:
      - { secret: "${ACCESS_KEY}:${SECRET}", models: ["amazon.*", "arn:*"] }
      - { secret: a-bedrock-key, models: ["cohere.*", "eu.cohere.*", "twelvelabs.*"] }
`,
  });
});
afterAll(async () => {
  await product.dispose();
  server.closeAllConnections();
  server.close();
});
beforeEach(() => void heard.splice(0));

function answerAt(path: string): unknown {
  if (path.includes('titan')) return { embedding: VECTORS[0], inputTextTokenCount: 3, embeddingsByType: {} };
  const float = path.includes('embed-v4') ? VECTORS : [LONG];
  return { id: 'e', texts: [], response_type: 'embeddings_by_type', embeddings: { float } };
}

function openai(): OpenAI {
  return new OpenAI({ apiKey: product.firstKey, baseURL: `${product.gatewayUrl}/v1`, maxRetries: 0 });
}

function gemini(): GoogleGenAI {
  return new GoogleGenAI({ apiKey: product.firstKey, httpOptions: { baseUrl: product.gatewayUrl } });
}

/** The official client asks for base64 where nothing is said. */
const ENCODINGS = [{ encoding_format: 'float' as const }, { encoding_format: 'base64' as const }, {}];

function numbersOf(embedding: unknown): readonly number[] {
  if (typeof embedding !== 'string') return embedding as readonly number[];
  const bytes = Buffer.from(embedding, 'base64');
  return Array.from({ length: bytes.length / 4 }, (_, at) => bytes.readFloatLE(at * 4));
}

describe('Amazon Titan', () => {
  test.each(ENCODINGS)('is asked with a signature and answers a client of OpenAI %o', async (encoding) => {
    const { data, response } = await openai()
      .embeddings.create({ model: TITAN, input: 'one', dimensions: 256, ...encoding })
      .withResponse();
    expect(data.data.map(({ embedding }) => numbersOf(embedding))).toEqual([VECTORS[0]]);
    expect(data.usage).toEqual({ prompt_tokens: 3, total_tokens: 3 });
    const [asked] = heard;
    if (asked === undefined) throw new Error('nothing was heard');
    expect(asked.path).toBe('/model/amazon.titan-embed-text-v2%3A0/invoke');
    expect(JSON.parse(asked.text)).toEqual({ inputText: 'one', dimensions: 256 });
    expect(asked.headers.accept).toBe('application/json');
    expect(asked.headers.authorization).toBe(signatureOf(asked));
    const record = await findCall(product, response.headers.get('x-request-id') ?? '');
    expect(record).toMatchObject({ code: 'ok', inputTokens: 3, outputTokens: 0, costEstimated: false });
  });

  test('answers a client of Gemini, by an ARN too', async () => {
    const model = 'bedrock/arn:aws:bedrock:eu-north-1::foundation-model/amazon.titan-embed-text-v1';
    const answer = await gemini().models.embedContent({ model: TITAN, contents: 'one' });
    expect(answer.embeddings?.map(({ values }) => values)).toEqual([VECTORS[0]]);
    await openai().embeddings.create({ model, input: ['one'] });
    expect(heard.at(-1)?.path).toBe(
      '/model/arn%3Aaws%3Abedrock%3Aeu-north-1%3A%3Afoundation-model%2Famazon.titan-embed-text-v1/invoke',
    );
    expect(heard.at(-1)?.headers.authorization).toBe(signatureOf(heard.at(-1)));
  });

  test('is not asked for several texts at once', async () => {
    const asked = openai().embeddings.create({ model: TITAN, input: ['one', 'two'] });
    await expect(asked).rejects.toMatchObject({
      status: 400,
      message: expect.stringMatching(/"input" has 2 texts.*send one text per call, or choose another model/) as string,
    });
    await expect(gemini().models.embedContent({ model: TITAN, contents: ['one', 'two'] })).rejects.toThrow(/requests/);
    expect(heard).toHaveLength(0);
  });
});

describe('Cohere', () => {
  test.each(ENCODINGS)('is asked with an API key and answers a client of OpenAI %o', async (encoding) => {
    const { data, response } = await openai()
      .embeddings.create({ model: COHERE, input: ['one', 'two'], dimensions: 256, ...encoding })
      .withResponse();
    expect(data.data.map(({ embedding }) => numbersOf(embedding))).toEqual(VECTORS);
    expect(data.usage).toEqual({ prompt_tokens: 6, total_tokens: 6 });
    const [asked] = heard;
    expect(asked?.path).toBe('/model/eu.cohere.embed-v4%3A0/invoke');
    expect(asked?.headers.authorization).toBe('Bearer a-bedrock-key');
    expect(JSON.parse(asked?.text ?? '')).toEqual({
      texts: ['one', 'two'],
      input_type: 'search_document',
      embedding_types: ['float'],
      output_dimension: 256,
    });
    expect(response.headers.get('x-keyward-warnings')).toMatch(/approximated input_type/);
    const record = await findCall(product, response.headers.get('x-request-id') ?? '');
    expect(record).toMatchObject({ code: 'ok', inputTokens: 6, outputTokens: 0, costEstimated: false });
  });

  test('answers a client of Gemini, and is told what the texts are for', async () => {
    const answer = await gemini().models.embedContent({
      model: COHERE,
      contents: ['one', 'two'],
      config: { taskType: 'RETRIEVAL_QUERY' },
    });
    expect(answer.embeddings?.map(({ values }) => values)).toEqual(VECTORS);
    expect(JSON.parse(heard.at(-1)?.text ?? '')).toMatchObject({ input_type: 'search_query' });
  });

  test('that does not tell its tokens is recorded with an estimate of the input, and no output', async () => {
    const { data, response } = await openai()
      .embeddings.create({ model: 'bedrock/cohere.embed-english-v3', input: 'one', encoding_format: 'float' })
      .withResponse();
    expect(data.data[0]?.embedding).toHaveLength(LONG.length);
    const record = await findCall(product, response.headers.get('x-request-id') ?? '');
    expect(record).toMatchObject({ code: 'ok', outputTokens: 0, costEstimated: true });
    expect(record.inputTokens).toBeGreaterThan(0);
  });
});

test('a model of a maker whose form is not known is refused, and nobody asked', async () => {
  const asked = openai().embeddings.create({ model: 'bedrock/twelvelabs.marengo-embed-2-7-v1:0', input: 'one' });
  await expect(asked).rejects.toMatchObject({ code: 'dialect_unsupported' });
  expect(heard).toHaveLength(0);
});

/** What AWS would compute of the request as it came. */
function signatureOf(asked: Heard | undefined): string | undefined {
  if (asked === undefined) throw new Error('nothing was heard');
  const { path, headers, text } = asked;
  const date = String(headers['x-amz-date']);
  const signed = signRequest(
    {
      method: 'POST',
      path,
      query: '',
      headers: ['host', String(headers.host), 'content-type', String(headers['content-type'])],
      body: Buffer.from(text),
    },
    { accessKeyId: ACCESS_KEY, secretAccessKey: SECRET },
    {
      region: 'eu-north-1',
      service: 'bedrock',
      nowMs: Date.parse(date.replace(/^(....)(..)(..)T(..)(..)(..)Z$/, '$1-$2-$3T$4:$5:$6Z')),
    },
  );
  return signed.at(-1);
}
