import Anthropic from '@anthropic-ai/sdk';
import { GoogleGenAI } from '@google/genai';
import OpenAI from 'openai';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { ClientDialectName } from '../../src/llm/dialect.ts';
import { DIALECT_CALLS } from '../dialect-calls.ts';
import { rawExchange, rawRequest } from '../raw-http.ts';
import { closedOrigin, startFakeUpstream } from './fake-upstream.ts';
import type { FakeUpstream } from './fake-upstream.ts';
import { ANSWER_TEXT } from './vendor-answers.ts';

let upstream: FakeUpstream;

beforeAll(async () => {
  upstream = await startFakeUpstream();
});
afterAll(() => upstream.close());
beforeEach(() => upstream.clear());

const messages = [{ role: 'user' as const, content: 'Say hello.' }];

describe('the fake vendor is understood by the official client of', () => {
  test('OpenAI', async () => {
    const client = new OpenAI({ apiKey: 'x', baseURL: `${upstream.origin}/v1`, maxRetries: 0 });
    const whole = await client.chat.completions.create({ model: 'tiny', messages });
    expect(whole.choices[0]?.message.content).toBe(ANSWER_TEXT);
    let text = '';
    for await (const chunk of await client.chat.completions.create({ model: 'tiny', messages, stream: true })) {
      text += chunk.choices[0]?.delta.content ?? '';
    }
    expect(text).toBe(ANSWER_TEXT);
    expect((await client.responses.create({ model: 'tiny', input: 'hello' })).output_text).toBe(ANSWER_TEXT);
    const response = await client.responses.stream({ model: 'tiny', input: 'hello' }).finalResponse();
    expect(response.output_text).toBe(ANSWER_TEXT);
    const embedded = await client.embeddings.create({ model: 'tiny', input: 'hello' });
    expect(embedded.data[0]?.embedding).toEqual([0.25, -0.5, 1]);
  });

  test('Anthropic', async () => {
    const client = new Anthropic({ apiKey: 'x', baseURL: upstream.origin, maxRetries: 0 });
    const request = { model: 'tiny', max_tokens: 64, messages };
    expect((await client.messages.create(request)).content[0]).toMatchObject({ text: ANSWER_TEXT });
    expect(await client.messages.stream(request).finalText()).toBe(ANSWER_TEXT);
    expect((await client.messages.countTokens({ model: 'tiny', messages })).input_tokens).toBe(13);
  });

  test('Google', async () => {
    const client = new GoogleGenAI({ apiKey: 'x', httpOptions: { baseUrl: upstream.origin } });
    const request = { model: 'tiny', contents: 'Say hello.' };
    expect((await client.models.generateContent(request)).text).toBe(ANSWER_TEXT);
    let text = '';
    for await (const chunk of await client.models.generateContentStream(request)) text += chunk.text ?? '';
    expect(text).toBe(ANSWER_TEXT);
    const embedded = await client.models.embedContent(request);
    expect(embedded.embeddings?.[0]?.values).toEqual([0.25, -0.5, 1]);
  });
});

describe('the fake vendor', () => {
  function ask(model: string, stream = false, dialect: ClientDialectName = 'openai', timeoutMs = 300) {
    const call = DIALECT_CALLS[dialect];
    return rawExchange(upstream.origin, rawRequest(call.path(model, stream), call.body(model, stream)), timeoutMs);
  }

  test('records what it received, header by header', async () => {
    await ask('tiny');
    expect(upstream.requests).toHaveLength(1);
    expect(upstream.requests[0]).toMatchObject({ method: 'POST', url: '/v1/chat/completions', model: 'tiny' });
    expect(upstream.received()).toContain('Connection\nclose');
    expect(upstream.received()).toContain('Say hello.');
  });

  test('dies, lies and stalls on the wire as it is asked to', async () => {
    expect((await ask('dies-before-head')).text).toBe('');
    expect((await ask('stalls-before-head')).timedOut).toBe(true);
    expect((await ask('sends-garbage')).status).toBe(0);
    expect((await ask('sends-huge-header')).headers['x-huge']).toHaveLength(100_000);
    for (const model of ['dies-in-mid-body', 'stalls-in-mid-body', 'says-too-long']) {
      const answer = await ask(model);
      expect(answer.status, model).toBe(200);
      expect(answer.body.length, model).toBeLessThan(Number(answer.headers['content-length']));
    }
    const tooShort = await ask('says-too-short');
    expect(tooShort.body.length).toBeGreaterThan(Number(tooShort.headers['content-length']));
    for (const model of ['dies-in-mid-stream', 'stalls-in-mid-stream']) {
      const answer = await ask(model, true);
      expect(answer.body.match(/^data: /gm), model).toHaveLength(2);
    }
    expect((await ask('sends-endless-body')).text.length).toBeGreaterThan(1_000_000);
  });

  test('refuses in its own words, with the status it is asked for', async () => {
    const answer = await ask('status-429', false, 'anthropic');
    expect(answer.status).toBe(429);
    expect(answer.headers['retry-after']).toBe('7');
    expect(answer.body).toContain('rate_limit_error');
  });

  test('echoes the headers it was sent', async () => {
    expect((await ask('echo-headers')).body).toContain('"Content-Type","application/json"');
  });

  test('streams slowly, and notices when the other side leaves', async () => {
    const { port } = new URL(upstream.origin);
    const call = DIALECT_CALLS.openai;
    const socket = connect(Number(port), '127.0.0.1');
    socket.write(rawRequest(call.path('slow-stream', true), call.body('slow-stream', true)));
    await new Promise((resolve) => socket.once('data', resolve));
    const cutAtMs = performance.now();
    socket.destroy();
    await sleep(100);
    const seen = upstream.requests[0]?.abortedAtMs ?? 0;
    expect(seen).toBeGreaterThanOrEqual(cutAtMs);
    expect(seen - cutAtMs).toBeLessThan(50);
  });

  test('has a port on which nothing listens', async () => {
    expect((await rawExchange(await closedOrigin(), 'GET / HTTP/1.1\r\n\r\n')).text).toBe('');
  });
});
