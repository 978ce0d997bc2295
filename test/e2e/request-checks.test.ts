/**
 * A request that cannot be served is refused before anybody pays: 400 in the caller's dialect, with the
 * field and the model in its words.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { ClientDialectName } from '../../src/llm/dialect.ts';
import { DIALECT_CALLS, FAKE_PROVIDERS, fakeProvidersConfig } from '../dialect-calls.ts';
import { startFakeUpstream } from '../fakes/fake-upstream.ts';
import type { FakeUpstream } from '../fakes/fake-upstream.ts';
import { startProduct } from '../product.ts';
import type { Product } from '../product.ts';

type Body = Readonly<Record<string, unknown>>;

let upstream: FakeUpstream;
let product: Product;

beforeAll(async () => {
  upstream = await startFakeUpstream();
  product = await startProduct({
    config: `${fakeProvidersConfig(upstream.origin, 'x')}
  house-bedrock: { dialect: bedrock, baseUrl: "${upstream.origin}", credentials: [{ secret: x }] }
  house-cohere: { dialect: cohere, baseUrl: "${upstream.origin}", credentials: [{ secret: x }] }
`,
  });
});
afterAll(async () => {
  await product.dispose();
  await upstream.close();
});
beforeEach(() => upstream.clear());

async function post(path: string, body: Body): Promise<{ readonly status: number; readonly body: unknown }> {
  const answer = await fetch(product.gatewayUrl + path, {
    method: 'POST',
    headers: { authorization: `Bearer ${product.firstKey}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return { status: answer.status, body: await answer.json() };
}

function ask(dialect: ClientDialectName, model: string, body: Body) {
  return post(DIALECT_CALLS[dialect].path(model, false), { ...BLANK[dialect], ...named(dialect, model), ...body });
}

function named(dialect: ClientDialectName, model: string): Body {
  return dialect === 'gemini' ? {} : { model };
}

const TEXT = 'Say hello.';

const BLANK: Readonly<Record<ClientDialectName, Body>> = {
  openai: { messages: [{ role: 'user', content: TEXT }] },
  'openai-responses': { input: TEXT },
  anthropic: { max_tokens: 64, messages: [{ role: 'user', content: TEXT }] },
  gemini: { contents: [{ role: 'user', parts: [{ text: TEXT }] }] },
};

async function expectRefusal(
  dialect: ClientDialectName,
  model: string,
  { field, body, says = '' }: { readonly field: string; readonly body: Body; readonly says?: string },
): Promise<void> {
  const answer = await ask(dialect, model, body);
  const message = DIALECT_CALLS[dialect].errorMessage(answer.body) ?? '';
  expect(answer.status, JSON.stringify(answer.body)).toBe(400);
  expect(message).toContain(`"${field}`);
  expect(message).toContain(`"${model}"`);
  expect(message).toContain(says);
  if (dialect.startsWith('openai')) expect(answer.body).toHaveProperty('error.param', expect.stringContaining(field));
  expect(upstream.requests).toHaveLength(0);
}

interface Case {
  readonly dialect: ClientDialectName;
  readonly field: string;
  readonly body: Body;
}

describe('where the bytes pass unread', () => {
  test.each<Case>([
    ...[-1, 0].map((tokens): Case => ({ dialect: 'openai', field: 'max_tokens', body: { max_tokens: tokens } })),
    { dialect: 'openai', field: 'max_completion_tokens', body: { max_completion_tokens: 0 } },
    ...[-1, 0, 129].map((n): Case => ({ dialect: 'openai', field: 'n', body: { n } })),
    { dialect: 'openai', field: 'n', body: { n: 'two' } },
    { dialect: 'openai', field: 'stream', body: { stream: 'yes' } },
    { dialect: 'openai-responses', field: 'max_output_tokens', body: { max_output_tokens: 0 } },
    { dialect: 'anthropic', field: 'max_tokens', body: { max_tokens: -1 } },
    ...[0, -7].map((tokens): Case => ({
      dialect: 'gemini',
      field: 'generationConfig.maxOutputTokens',
      body: { generationConfig: { maxOutputTokens: tokens } },
    })),
    {
      dialect: 'gemini',
      field: 'generation_config.candidate_count',
      body: { generation_config: { candidate_count: 500 } },
    },
  ])('$dialect is refused $body', async (wrong) => {
    await expectRefusal(wrong.dialect, `${FAKE_PROVIDERS[wrong.dialect]}/m`, wrong);
  });

  test('no token of output is what fills the cache of Anthropic, and what tells the probabilities of a prompt', async () => {
    expect((await ask('anthropic', 'house-anthropic/m', { max_tokens: 0 })).status).toBe(200);
    const completion = { model: 'house/m', prompt: TEXT, max_tokens: 0, echo: true, logprobs: 1 };
    await post('/v1/completions', completion);
    expect(upstream.requests).toHaveLength(2);
  });
});

test.each([
  ['/v1/rerank', 'documents', { query: 'q', documents: 'x' }],
  ['/v1/rerank', 'query', { documents: ['x'] }],
  ['/v1/rerank', 'top_n', { query: 'q', documents: ['x'], top_n: 0 }],
  ['/v1/embeddings', 'dimensions', { input: 'x', dimensions: -1 }],
  ['/v1/embeddings', 'input', { input: [] }],
])('%s names the field %s and the model', async (path, field, body) => {
  const answer = await post(path, { model: 'house-cohere/m', ...body });
  expect(answer.status).toBe(400);
  expect(answer.body).toMatchObject({
    error: { param: field, message: expect.stringMatching(new RegExp(`"${field}".*"house-cohere/m"`, 's')) as unknown },
  });
  expect(upstream.requests).toHaveLength(0);
});

test('an image that is to be fetched and must not names its place', async () => {
  const content = [{ type: 'image_url', image_url: { url: 'https://127.0.0.1/a.png' } }];
  await expectRefusal('openai', 'house-gemini/m', {
    field: 'messages[0].content[0]',
    body: { messages: [{ role: 'user', content }] },
  });
});
