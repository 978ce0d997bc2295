/** What a model is known not to do is refused before anybody pays, though the caller speaks its dialect. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { ClientDialectName } from '../../src/llm/dialect.ts';
import { DIALECT_CALLS, FAKE_PROVIDERS, fakeProvidersConfig } from '../dialect-calls.ts';
import { PNG } from '../dialects/capabilities.ts';
import { startFakeUpstream } from '../fakes/fake-upstream.ts';
import type { FakeUpstream } from '../fakes/fake-upstream.ts';
import { ANSWER_TEXT } from '../fakes/vendor-answers.ts';
import { startProduct } from '../product.ts';
import type { Product } from '../product.ts';

type Asked = 'tools' | 'image' | 'schema';

const SCHEMA = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };
const TEXT = 'What is in the image? Use a tool.';

/** Requests that ask for one thing each, as their official clients write them. */
const REQUESTS: Readonly<Record<ClientDialectName, Readonly<Record<Asked | 'plain', Record<string, unknown>>>>> = {
  openai: {
    plain: { messages: [{ role: 'user', content: TEXT }] },
    tools: {
      messages: [{ role: 'user', content: TEXT }],
      tools: [{ type: 'function', function: { name: 'look', parameters: SCHEMA } }],
    },
    image: {
      messages: [
        { role: 'user', content: [{ type: 'image_url', image_url: { url: `data:image/png;base64,${PNG}` } }] },
      ],
    },
    schema: {
      messages: [{ role: 'user', content: TEXT }],
      response_format: { type: 'json_schema', json_schema: { name: 'place', schema: SCHEMA } },
    },
  },
  'openai-responses': {
    plain: { input: TEXT },
    tools: { input: TEXT, tools: [{ type: 'function', name: 'look', parameters: SCHEMA, strict: false }] },
    image: {
      input: [{ role: 'user', content: [{ type: 'input_image', image_url: `data:image/png;base64,${PNG}` }] }],
    },
    schema: { input: TEXT, text: { format: { type: 'json_schema', name: 'place', schema: SCHEMA } } },
  },
  anthropic: {
    plain: { max_tokens: 64, messages: [{ role: 'user', content: TEXT }] },
    tools: {
      max_tokens: 64,
      messages: [{ role: 'user', content: TEXT }],
      tools: [{ name: 'look', input_schema: SCHEMA }],
    },
    image: {
      max_tokens: 64,
      messages: [
        {
          role: 'user',
          content: [{ type: 'image', source: { type: 'base64', media_type: 'image/png', data: PNG } }],
        },
      ],
    },
    schema: {
      max_tokens: 64,
      messages: [{ role: 'user', content: TEXT }],
      output_config: { format: { type: 'json_schema', schema: SCHEMA } },
    },
  },
  gemini: {
    plain: { contents: [{ role: 'user', parts: [{ text: TEXT }] }] },
    tools: {
      contents: [{ role: 'user', parts: [{ text: TEXT }] }],
      tools: [{ functionDeclarations: [{ name: 'look', parametersJsonSchema: SCHEMA }] }],
    },
    image: { contents: [{ role: 'user', parts: [{ inlineData: { mimeType: 'image/png', data: PNG } }] }] },
    schema: {
      contents: [{ role: 'user', parts: [{ text: TEXT }] }],
      generationConfig: { responseMimeType: 'application/json', responseJsonSchema: SCHEMA },
    },
  },
};

const FIELDS: Readonly<Record<ClientDialectName, Readonly<Record<Asked, string>>>> = {
  openai: { tools: 'tools', image: 'messages', schema: 'response_format' },
  'openai-responses': { tools: 'tools', image: 'input', schema: 'text.format' },
  anthropic: { tools: 'tools', image: 'messages', schema: 'output_config.format' },
  gemini: { tools: 'tools', image: 'contents', schema: 'generationConfig.responseSchema' },
};

const DIALECTS = Object.keys(REQUESTS) as readonly ClientDialectName[];
const ASKED: readonly Asked[] = ['tools', 'image', 'schema'];

const folder = mkdtempSync(join(tmpdir(), 'keyward-abilities-'));
let upstream: FakeUpstream;
let product: Product;

beforeAll(async () => {
  upstream = await startFakeUpstream();
  const source = join(folder, 'models.json');
  const models = { poor: { tools: false, images: false, structuredOutput: false }, able: {} };
  const providers = Object.fromEntries(Object.values(FAKE_PROVIDERS).map((id) => [id, models]));
  writeFileSync(source, JSON.stringify({ providers }));
  product = await startProduct({
    config: `${fakeProvidersConfig(upstream.origin, 'x')}
  openai: { baseUrl: "${upstream.origin}/v1", credentials: [{ secret: x }] }
catalogue: { source: ${JSON.stringify(source)} }
models:
  either: { targets: [{ model: house/poor }, { model: house/able }] }
`,
  });
});
afterAll(async () => {
  await product.dispose();
  await upstream.close();
  rmSync(folder, { recursive: true });
});
beforeEach(() => upstream.clear());

async function ask(
  dialect: ClientDialectName,
  model: string,
  request: Record<string, unknown>,
): Promise<{ readonly status: number; readonly body: unknown }> {
  const answer = await fetch(product.gatewayUrl + DIALECT_CALLS[dialect].path(model, false), {
    method: 'POST',
    headers: { authorization: `Bearer ${product.firstKey}`, 'content-type': 'application/json' },
    body: JSON.stringify(dialect === 'gemini' ? request : { model, ...request }),
  });
  return { status: answer.status, body: await answer.json() };
}

test.each(DIALECTS.flatMap((dialect) => ASKED.map((asked) => ({ dialect, asked }))))(
  'a model without it is not asked for $asked in $dialect: the refusal names field and model, nothing is sent',
  async ({ dialect, asked }) => {
    const model = `${FAKE_PROVIDERS[dialect]}/poor`;
    const { status, body } = await ask(dialect, model, REQUESTS[dialect][asked]);
    expect(status).toBe(400);
    const message = DIALECT_CALLS[dialect].errorMessage(body) ?? '';
    expect(message).toContain(`"${FIELDS[dialect][asked]}"`);
    expect(message).toContain(`"${model}"`);
    expect(upstream.requests).toHaveLength(0);
  },
);

test.each(DIALECTS)('what %s asks within the abilities passes, byte for byte but for the name', async (dialect) => {
  for (const [model, asked] of [
    ['poor', 'plain'],
    ['able', 'tools'],
    ['able', 'image'],
    ['able', 'schema'],
  ] as const) {
    upstream.clear();
    const request = REQUESTS[dialect][asked];
    expect((await ask(dialect, `${FAKE_PROVIDERS[dialect]}/${model}`, request)).status, asked).toBe(200);
    const sent = upstream.requests[0]?.body.toString();
    expect(sent, asked).toBe(JSON.stringify(dialect === 'gemini' ? request : { model, ...request }));
  }
});

test('of several models that a name stands for, the first that is able is asked', async () => {
  expect((await ask('openai', 'either', REQUESTS.openai.image)).status).toBe(200);
  expect(upstream.requests.map(({ model }) => model)).toEqual(['able']);
});

test('what is not understood is left to the provider', async () => {
  const request = { messages: [{ role: 'user', content: [{ type: 'hologram', image: 'x' }] }] };
  expect((await ask('openai', 'house/poor', request)).status).toBe(200);
  expect(upstream.requests).toHaveLength(1);
});

test.each(['openai', 'anthropic', 'openai-responses'] as const)(
  'a model that the Responses API alone serves is asked there, whatever the caller speaks: %s',
  async (dialect) => {
    const { status, body } = await ask(dialect, 'openai/o1-pro', REQUESTS[dialect].plain);
    expect(status).toBe(200);
    expect(JSON.stringify(body)).toContain(ANSWER_TEXT);
    expect(upstream.requests.map(({ url }) => url)).toEqual(['/v1/responses']);
  },
);
