/** What the gateway says in its own name, read by the official SDKs. */
import Anthropic from '@anthropic-ai/sdk';
import { ApiError, GoogleGenAI } from '@google/genai';
import OpenAI from 'openai';
import { describe, expect, test } from 'vitest';
import type { Dialect, PublicError } from './dialect.ts';
import { DIALECTS } from './index.ts';
import { recordOf } from './record.ts';

const REFUSED: PublicError = { status: 401, code: 'expired', message: 'This API key has expired.', requestId: 'req_1' };
const LIMITED: PublicError = { status: 429, code: 'rate_limited', message: 'Too many requests.', requestId: 'req_2' };

function answering(status: number, body: string, type = 'application/json'): typeof fetch {
  return () =>
    Promise.resolve(
      new Response(body, { status, headers: { 'content-type': type, 'x-request-id': 'req_1', 'request-id': 'req_1' } }),
    );
}

function failing(dialect: Dialect, error: PublicError): typeof fetch {
  return answering(error.status, dialect.errorBody(error));
}

function breaking(dialect: Dialect, before: string): typeof fetch {
  return answering(200, before + dialect.errorEvent(LIMITED), 'text/event-stream');
}

function openaiClient(fetch: typeof globalThis.fetch): OpenAI {
  return new OpenAI({ apiKey: 'kwk', baseURL: 'http://gateway.invalid/v1', maxRetries: 0, fetch });
}

function anthropicClient(fetch: typeof globalThis.fetch): Anthropic {
  return new Anthropic({ apiKey: 'kwk', baseURL: 'http://gateway.invalid', maxRetries: 0, fetch });
}

function geminiClient(fetch: typeof globalThis.fetch): GoogleGenAI {
  return new GoogleGenAI({ apiKey: 'kwk', httpOptions: { baseUrl: 'http://gateway.invalid', fetch } });
}

async function thrown(call: () => Promise<unknown>): Promise<unknown> {
  try {
    await call();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

/** Typed, unlike the matcher itself. */
function matching(pattern: RegExp): unknown {
  return expect.stringMatching(pattern);
}

async function drained(stream: AsyncIterable<unknown>): Promise<unknown[]> {
  const events: unknown[] = [];
  for await (const event of stream) events.push(event);
  return events;
}

const CHAT = { model: 'sandbox/echo', messages: [{ role: 'user' as const, content: 'hi' }] };

describe('an error answer', () => {
  test('raises the classes of the OpenAI SDK, with our code', async () => {
    const refused = await thrown(() => openaiClient(failing(DIALECTS.openai, REFUSED)).chat.completions.create(CHAT));
    expect(refused).toBeInstanceOf(OpenAI.AuthenticationError);
    expect(refused).toMatchObject({
      status: 401,
      code: 'expired',
      message: '401 This API key has expired.',
      requestID: 'req_1',
    });
    const limited = await thrown(() =>
      openaiClient(failing(DIALECTS['openai-responses'], LIMITED)).responses.create({ model: 'x', input: 'hi' }),
    );
    expect(limited).toBeInstanceOf(OpenAI.RateLimitError);
    expect(limited).toMatchObject({ code: 'rate_limited', type: 'rate_limit_error' });
  });

  test('raises the classes of the Anthropic SDK, with our code', async () => {
    const call = (error: PublicError) =>
      thrown(() => anthropicClient(failing(DIALECTS.anthropic, error)).messages.create({ ...CHAT, max_tokens: 5 }));
    const refused = await call(REFUSED);
    expect(refused).toBeInstanceOf(Anthropic.AuthenticationError);
    expect(refused).toMatchObject({
      type: 'authentication_error',
      errorCode: 'expired',
      apiMessage: 'This API key has expired.',
    });
    expect(await call(LIMITED)).toBeInstanceOf(Anthropic.RateLimitError);
  });

  test('raises the error of the Google SDK, with our code as the reason', async () => {
    const refused = await thrown(() =>
      geminiClient(failing(DIALECTS.gemini, REFUSED)).models.generateContent({ model: 'x', contents: 'hi' }),
    );
    expect(refused).toBeInstanceOf(ApiError);
    expect(refused).toMatchObject({ status: 401, message: matching(/UNAUTHENTICATED.*ErrorInfo.*"reason":"expired"/) });
  });
});

describe('an error in mid-stream', () => {
  test('is raised by the OpenAI SDK for both dialects', async () => {
    const chunk = 'data: {"choices":[{"index":0,"delta":{"content":"a"}}]}\n\n';
    const chat = await openaiClient(breaking(DIALECTS.openai, chunk)).chat.completions.create({
      ...CHAT,
      stream: true,
    });
    expect(await thrown(() => drained(chat))).toMatchObject({ message: 'Too many requests.', code: 'rate_limited' });
    const event = 'event: response.created\ndata: {"type":"response.created"}\n\n';
    const responses = await openaiClient(breaking(DIALECTS['openai-responses'], event)).responses.create({
      model: 'x',
      input: 'hi',
      stream: true,
    });
    expect(await thrown(() => drained(responses))).toMatchObject({
      message: 'Too many requests.',
      code: 'rate_limited',
    });
  });

  test('is raised by the Anthropic SDK', async () => {
    const stream = await anthropicClient(breaking(DIALECTS.anthropic, 'event: ping\ndata: {}\n\n')).messages.create({
      ...CHAT,
      max_tokens: 5,
      stream: true,
    });
    expect(await thrown(() => drained(stream))).toMatchObject({ type: 'rate_limit_error', errorCode: 'rate_limited' });
  });

  test('is raised by the Google SDK', async () => {
    const stream = await geminiClient(
      breaking(DIALECTS.gemini, 'data: {"candidates":[]}\r\n\r\n'),
    ).models.generateContentStream({
      model: 'x',
      contents: 'hi',
    });
    expect(await thrown(() => drained(stream))).toMatchObject({ status: 429, message: matching(/rate_limited/) });
  });
});

describe('the list of models', () => {
  const models = [
    { id: 'sandbox/echo', provider: 'sandbox' },
    { id: 'fast', provider: 'openai' },
  ];

  test('is read by each SDK', async () => {
    const openai = await openaiClient(answering(200, DIALECTS.openai.modelsBody(models))).models.list();
    expect(openai.data.map(({ id, owned_by }) => [id, owned_by])).toEqual([
      ['sandbox/echo', 'sandbox'],
      ['fast', 'openai'],
    ]);
    const anthropic = await anthropicClient(answering(200, DIALECTS.anthropic.modelsBody(models))).models.list();
    expect((await drained(anthropic)).length).toBe(2);
    const gemini = await geminiClient(answering(200, DIALECTS.gemini.modelsBody(models))).models.list();
    expect((await drained(gemini)).map((model) => recordOf(model)['name'])).toEqual([
      'models/sandbox/echo',
      'models/fast',
    ]);
  });
});

test("limits are told in the caller's dialect", () => {
  const limit = { limit: 60, remaining: 59, resetMs: 90_500 };
  expect(DIALECTS.openai.limitHeaders('requests', limit, 0)).toContain('1m31s');
  expect(DIALECTS.openai.limitHeaders('requests', { ...limit, resetMs: 120 }, 0)).toContain('120ms');
  expect(DIALECTS['openai-responses'].limitHeaders('requests', { ...limit, resetMs: 1500 }, 0)).toContain('2s');
  expect(DIALECTS.anthropic.limitHeaders('requests', limit, 1_000)).toEqual([
    'anthropic-ratelimit-requests-limit',
    '60',
    'anthropic-ratelimit-requests-remaining',
    '59',
    'anthropic-ratelimit-requests-reset',
    '1970-01-01T00:01:31.500Z',
  ]);
  expect(DIALECTS.openai.limitHeaders('tokens', limit, 0)).toContain('x-ratelimit-remaining-tokens');
  expect(DIALECTS.anthropic.limitHeaders('tokens', limit, 0)).toContain('anthropic-ratelimit-tokens-remaining');
  expect(DIALECTS.gemini.limitHeaders('requests', limit, 0)).toEqual([]);
});
