import Anthropic from '@anthropic-ai/sdk';
import { ApiError, GoogleGenAI } from '@google/genai';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FAKE_PROVIDERS, fakeProvidersConfig } from '../dialect-calls.ts';
import { startFakeUpstream } from '../fakes/fake-upstream.ts';
import type { FakeUpstream } from '../fakes/fake-upstream.ts';
import { ANSWER_TEXT } from '../fakes/vendor-answers.ts';
import { createKey, startProduct } from '../product.ts';
import type { Product } from '../product.ts';

let upstream: FakeUpstream;
let product: Product;

beforeAll(async () => {
  upstream = await startFakeUpstream();
  product = await startProduct({ config: fakeProvidersConfig(upstream.origin, 'provider-key') });
});
afterAll(async () => {
  await product.dispose();
  await upstream.close();
});

function openai(apiKey = product.firstKey): OpenAI {
  return new OpenAI({ apiKey, baseURL: `${product.gatewayUrl}/v1`, maxRetries: 0 });
}

function anthropic(apiKey = product.firstKey): Anthropic {
  return new Anthropic({ apiKey, baseURL: product.gatewayUrl, maxRetries: 0 });
}

function gemini(apiVersion: string | undefined, apiKey = product.firstKey): GoogleGenAI {
  const version = apiVersion === undefined ? {} : { apiVersion };
  return new GoogleGenAI({
    apiKey,
    ...version,
    httpOptions: { baseUrl: product.gatewayUrl, retryOptions: { attempts: 1 } },
  });
}

/** A key that does not even have the form of one. */
const WRONG_KEY = 'kwk_live_000000000000_wrong';

const messages = [{ role: 'user' as const, content: 'Say hello.' }];

function askOpenai(client: OpenAI, model: string) {
  return client.chat.completions.create({ model, messages });
}

function askAnthropic(client: Anthropic, model: string) {
  return client.messages.create({ model, max_tokens: 64, messages });
}

function askGemini(client: GoogleGenAI, model: string) {
  return client.models.generateContent({ model, contents: 'Say hello.' });
}

/** What a promise is rejected with; a fulfilled one is a failure of the test. */
async function rejection(promise: PromiseLike<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('the call was answered');
}

async function onceLimitedKey(): Promise<string> {
  const { key } = await createKey(product, { limits: { requestsPerMinute: 1 } });
  return key;
}

describe('the openai client, unmodified', () => {
  test('calls the sandbox and gets text and usage', async () => {
    const answer = await askOpenai(openai(), 'sandbox/echo');
    expect(answer.choices[0]?.message.content).toContain('Say hello.');
    expect(answer.usage?.total_tokens).toBeGreaterThan(0);
  });

  test('streams from the sandbox', async () => {
    const stream = await openai().chat.completions.create({ model: 'sandbox/echo', messages, stream: true });
    let text = '';
    for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? '';
    expect(text).toContain('Say hello.');
  });

  test('calls a provider, and streams from it with the usage it asked for', async () => {
    const model = `${FAKE_PROVIDERS.openai}/tiny`;
    const whole = await askOpenai(openai(), model);
    expect(whole.choices[0]?.message.content).toBe(ANSWER_TEXT);
    expect(whole.usage?.completion_tokens).toBe(7);

    const request = { model, messages, stream: true as const, stream_options: { include_usage: true } };
    let text = '';
    let total = 0;
    for await (const chunk of await openai().chat.completions.create(request)) {
      text += chunk.choices[0]?.delta.content ?? '';
      total = chunk.usage?.total_tokens ?? total;
    }
    expect(text).toBe(ANSWER_TEXT);
    expect(total).toBe(18);
  });

  test('sees no usage event in a stream for which it did not ask for one', async () => {
    const request = { model: `${FAKE_PROVIDERS.openai}/tiny`, messages, stream: true as const };
    for await (const chunk of await openai().chat.completions.create(request)) {
      expect(chunk.choices).toHaveLength(1);
      expect(chunk.usage ?? null).toBeNull();
    }
  });

  test('uses the Responses API, whole and as a stream', async () => {
    const model = `${FAKE_PROVIDERS['openai-responses']}/tiny`;
    expect((await openai().responses.create({ model, input: 'Say hello.' })).output_text).toBe(ANSWER_TEXT);
    const types: string[] = [];
    for await (const event of await openai().responses.create({ model, input: 'Say hello.', stream: true })) {
      types.push(event.type);
    }
    expect(types.at(-1)).toBe('response.completed');
  });

  test('gets embeddings in the encoding it asks for', async () => {
    const answer = await openai().embeddings.create({ model: `${FAKE_PROVIDERS.openai}/tiny`, input: 'hello' });
    expect(answer.data[0]?.embedding).toEqual([0.25, -0.5, 1]);
  });

  test('lists models, and tells one', async () => {
    const listed = await openai().models.list();
    expect(listed.data.map((model) => model.id)).toContain('sandbox/echo');
    expect((await openai().models.retrieve('sandbox/echo')).id).toBe('sandbox/echo');
    expect(await rejection(openai().models.retrieve('sandbox/none'))).toBeInstanceOf(OpenAI.NotFoundError);
  });

  test('raises its own classes for a wrong key, a reached limit and an unknown model', async () => {
    expect(await rejection(askOpenai(openai(WRONG_KEY), 'sandbox/echo'))).toBeInstanceOf(OpenAI.AuthenticationError);
    expect(await rejection(askOpenai(openai(), 'nowhere/model'))).toBeInstanceOf(OpenAI.NotFoundError);
    const limited = openai(await onceLimitedKey());
    await askOpenai(limited, 'sandbox/echo');
    expect(await rejection(askOpenai(limited, 'sandbox/echo'))).toBeInstanceOf(OpenAI.RateLimitError);
  });
});

describe('the anthropic client, unmodified', () => {
  test('calls the sandbox and gets text and usage', async () => {
    const answer = await askAnthropic(anthropic(), 'sandbox/echo');
    expect(JSON.stringify(answer.content)).toContain('Say hello.');
    expect(answer.usage.output_tokens).toBeGreaterThan(0);
  });

  test('streams from the sandbox', async () => {
    const stream = anthropic().messages.stream({ model: 'sandbox/echo', max_tokens: 64, messages });
    expect(await stream.finalText()).toContain('Say hello.');
  });

  test('calls a provider, and streams from it', async () => {
    const model = `${FAKE_PROVIDERS.anthropic}/tiny`;
    const whole = await askAnthropic(anthropic(), model);
    expect(whole.content[0]).toMatchObject({ type: 'text', text: ANSWER_TEXT });
    const stream = anthropic().messages.stream({ model, max_tokens: 64, messages });
    const last = await stream.finalMessage();
    expect(last.content[0]).toMatchObject({ type: 'text', text: ANSWER_TEXT });
    expect(last.usage).toMatchObject({ input_tokens: 8, output_tokens: 7 });
  });

  test('counts tokens', async () => {
    const counted = await anthropic().messages.countTokens({ model: `${FAKE_PROVIDERS.anthropic}/tiny`, messages });
    expect(counted.input_tokens).toBe(13);
  });

  test('lists models, and tells one', async () => {
    const listed = await anthropic().models.list();
    expect(listed.data.map((model) => model.id)).toContain('sandbox/echo');
    expect((await anthropic().models.retrieve('sandbox/echo')).id).toBe('sandbox/echo');
    expect(await rejection(anthropic().models.retrieve('sandbox/none'))).toBeInstanceOf(Anthropic.NotFoundError);
  });

  test('may send its key as a bearer token', async () => {
    const client = new Anthropic({
      apiKey: null,
      authToken: product.firstKey,
      baseURL: product.gatewayUrl,
      maxRetries: 0,
    });
    expect((await askAnthropic(client, 'sandbox/echo')).role).toBe('assistant');
  });

  test('raises its own classes for a wrong key, a reached limit and an unknown model', async () => {
    const wrong = await rejection(askAnthropic(anthropic(WRONG_KEY), 'sandbox/echo'));
    expect(wrong).toBeInstanceOf(Anthropic.AuthenticationError);
    const unknown = await rejection(askAnthropic(anthropic(), 'nowhere/model'));
    expect(unknown).toBeInstanceOf(Anthropic.NotFoundError);
    const limited = anthropic(await onceLimitedKey());
    await askAnthropic(limited, 'sandbox/echo');
    expect(await rejection(askAnthropic(limited, 'sandbox/echo'))).toBeInstanceOf(Anthropic.RateLimitError);
  });
});

// Newer releases call /v1/ unless told otherwise, older ones /v1beta/.
describe.each([undefined, 'v1beta'])('the google client, unmodified, with the API version %s', (version) => {
  test('calls the sandbox and gets text and usage', async () => {
    const answer = await askGemini(gemini(version), 'sandbox/echo');
    expect(answer.text).toContain('Say hello.');
    expect(answer.usageMetadata?.totalTokenCount).toBeGreaterThan(0);
  });

  test('streams from the sandbox', async () => {
    const request = { model: 'sandbox/echo', contents: 'Say hello.' };
    let text = '';
    for await (const chunk of await gemini(version).models.generateContentStream(request)) text += chunk.text ?? '';
    expect(text).toContain('Say hello.');
  });

  test('calls a provider, and streams from it', async () => {
    const model = `${FAKE_PROVIDERS.gemini}/tiny`;
    expect((await askGemini(gemini(version), model)).text).toBe(ANSWER_TEXT);
    let text = '';
    for await (const chunk of await gemini(version).models.generateContentStream({ model, contents: 'Say hello.' })) {
      text += chunk.text ?? '';
    }
    expect(text).toBe(ANSWER_TEXT);
  });

  test('lists models, and tells one', async () => {
    const names: (string | undefined)[] = [];
    for await (const model of await gemini(version).models.list({ config: { queryBase: true } }))
      names.push(model.name);
    expect(names).toContain('models/sandbox/echo');
    expect((await gemini(version).models.get({ model: 'models/sandbox/echo' })).name).toBe('models/sandbox/echo');
    expect(await rejection(gemini(version).models.get({ model: 'models/sandbox/none' }))).toMatchObject({
      status: 404,
    });
  });

  test('gets embeddings and counts tokens', async () => {
    const model = `${FAKE_PROVIDERS.gemini}/tiny`;
    const embedded = await gemini(version).models.embedContent({ model, contents: 'hello' });
    expect(embedded.embeddings?.[0]?.values).toEqual([0.25, -0.5, 1]);
    expect((await gemini(version).models.countTokens({ model, contents: 'hello' })).totalTokens).toBe(14);
  });

  test('raises its own class for a wrong key, a reached limit and an unknown model', async () => {
    const statusOf = async (promise: PromiseLike<unknown>): Promise<number | undefined> => {
      const error = await rejection(promise);
      expect(error).toBeInstanceOf(ApiError);
      return error instanceof ApiError ? error.status : undefined;
    };
    expect(await statusOf(askGemini(gemini(version, WRONG_KEY), 'sandbox/echo'))).toBe(401);
    expect(await statusOf(askGemini(gemini(version), 'nowhere/model'))).toBe(404);
    const limited = gemini(version, await onceLimitedKey());
    await askGemini(limited, 'sandbox/echo');
    expect(await statusOf(askGemini(limited, 'sandbox/echo'))).toBe(429);
  });
});
