/** What a caller gets of the errors that providers tell, whatever the way they come. */
import OpenAI from 'openai';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { ClientDialectName } from '../../src/llm/dialect.ts';
import { DIALECT_CALLS, FAKE_PROVIDERS } from '../dialect-calls.ts';
import type { RawStream, StreamingUpstream } from '../fakes/streaming-upstream.ts';
import { findCall } from '../product.ts';
import { rawExchange, rawRequest } from '../raw-http.ts';
import type { RawAnswer } from '../raw-http.ts';
import { CLIENTS, startVendorsApart, VENDOR_SECRET } from '../vendors-apart.ts';
import type { VendorsApart } from '../vendors-apart.ts';

let apart: VendorsApart;

beforeAll(async () => {
  apart = await startVendorsApart(60);
});
afterAll(() => apart.dispose());
beforeEach(() => apart.next());

function script(...answers: readonly RawStream[]): StreamingUpstream {
  return apart.script(...answers);
}

function json(body: unknown, status = 200, headers: Readonly<Record<string, string>> = {}): RawStream {
  return { pieces: [JSON.stringify(body)], type: 'application/json', status, headers };
}

function recordOf(answer: RawAnswer) {
  return findCall(apart.product, answer.headers['x-request-id'] ?? '');
}

const ACCOUNT = `org-${'Ab3'.repeat(8)}`;
const ECHO = `No ${VENDOR_SECRET} of ${ACCOUNT} may do this.`;
const CLEAN = 'No … of org- may do this.';

describe('an error of the own API of a provider', () => {
  function askOwn(path = '/files'): Promise<RawAnswer> {
    const request = rawRequest(`/providers/openai-${apart.turn}${path}`, '{"purpose":"x"}', {
      key: apart.product.firstKey,
    });
    return rawExchange(apart.product.gatewayUrl, request);
  }

  test('keeps its status and its form, and names neither our credential nor the account', async () => {
    script(json({ error: { message: ECHO, code: 7 }, trace: ['a', { hint: ECHO }], user_id: 'user_2abcDEF' }, 409));
    const answer = await askOwn();
    expect([answer.status, JSON.parse(answer.body)]).toEqual([
      409,
      { error: { message: CLEAN, code: 7 }, trace: ['a', { hint: CLEAN }] },
    ]);
  });

  test('passes byte for byte where there is nothing to clean', async () => {
    const body = '{ "errors": [ {"title": "no such file",  "ids": [1, 2]} ] }\n';
    script({ pieces: [body], type: 'application/vnd.api+json', status: 404 });
    const answer = await askOwn();
    expect([answer.status, answer.headers['content-type'], answer.body]).toEqual([
      404,
      'application/vnd.api+json',
      body,
    ]);
  });

  test('is cleaned where it is plain text, too', async () => {
    script({ pieces: [ECHO], type: 'text/plain', status: 400 });
    const answer = await askOwn();
    expect([answer.status, answer.body]).toEqual([400, CLEAN]);
  });

  test('that cannot be read is told in our words, with its status', async () => {
    script(
      { pieces: [Buffer.from(ECHO)], type: 'application/json', status: 422, headers: { 'content-encoding': 'gzip' } },
      { pieces: [`{"error":"${ECHO}`], type: 'application/json', status: 422 },
    );
    for (let i = 0; i < 2; i += 1) {
      const answer = await askOwn();
      expect(answer.status).toBe(422);
      expect(answer.body).toContain('"provider_refused"');
      expect(answer.body).not.toContain(ACCOUNT);
    }
  });
});

describe('an error of a model call', () => {
  test('does not repeat our credential, in the dialect of the provider and in another one', async () => {
    script(json({ error: { message: ECHO, type: 'invalid_request_error', param: null, code: null } }, 400));
    for (const client of ['openai', 'anthropic', 'gemini'] as const) {
      const answer = await apart.ask(client, `openai-${apart.turn}/m`, false);
      expect([answer.status, JSON.parse(answer.body)]).toMatchObject([400, { error: { message: CLEAN } }]);
    }
  });
});

describe('a whole answer with status 200 that is an error, for a client of another dialect', () => {
  const RATE_LIMITED: Readonly<Record<'openai' | 'openai-responses' | 'anthropic' | 'gemini' | 'bedrock', unknown>> = {
    openai: { error: { message: 'slow down', code: 429 }, user_id: 'user_2abcDEF' },
    'openai-responses': { error: { message: 'slow down', type: 'requests', code: 'rate_limit_exceeded' } },
    anthropic: { type: 'error', error: { type: 'rate_limit_error', message: 'slow down' } },
    gemini: { error: { code: 429, message: 'slow down', status: 'RESOURCE_EXHAUSTED' } },
    bedrock: { error: { message: 'slow down', type: 'rate_limit_error' } },
  };
  const CASES = (Object.keys(RATE_LIMITED) as (keyof typeof RATE_LIMITED)[]).flatMap((provider) => [
    { provider, form: 'an object', body: RATE_LIMITED[provider] },
    { provider, form: 'an array', body: [RATE_LIMITED[provider]] },
  ]);

  test.each(CASES)(
    'of $provider in $form puts the credential out of use, stream or not',
    async ({ provider, body }) => {
      const client = provider === 'anthropic' ? 'openai' : 'anthropic';
      for (const stream of [false, true]) {
        if (stream) apart.next();
        const vendor = script(json(body, 200, { 'retry-after': '30' }));
        const limited = await apart.ask(client, `${provider}-${apart.turn}/m`, stream);
        expect([limited.status, limited.body.includes('"provider_quota"')]).toEqual([429, true]);
        expect(Number(limited.headers['retry-after'])).toBeGreaterThan(25);
        expect((await apart.ask(client, `${provider}-${apart.turn}/m`, stream)).body).toContain('"pool_exhausted"');
        expect(vendor.asked).toHaveLength(1);
      }
    },
  );

  test.each([
    ['openai', 'gemini', { error: { message: 'busy', type: 'overloaded_error', code: 503 } }],
    ['anthropic', 'openai', { type: 'error', error: { type: 'overloaded_error', message: 'busy' } }],
    ['gemini', 'openai', [{ error: { code: 503, message: 'busy', status: 'UNAVAILABLE' } }]],
  ] as const)('of %s is left for the next target', async (provider, client, body) => {
    script(json(body));
    const answer = await apart.ask(client, `to-${provider}-${apart.turn}`, false);
    expect([answer.status, answer.headers['x-keyward-provider'], answer.headers['x-keyward-attempts']]).toEqual([
      200,
      FAKE_PROVIDERS[provider],
      '2',
    ]);
  });

  test('has the status of that error, and its words in the dialect of the caller', async () => {
    const message = 'prompt is too long: 9 tokens > 8 maximum';
    script(json({ type: 'error', error: { type: 'invalid_request_error', message } }));
    for (const stream of [false, true]) {
      const answer = await apart.ask('openai', `anthropic-${apart.turn}/m`, stream);
      expect([answer.status, DIALECT_CALLS.openai.errorMessage(JSON.parse(answer.body))]).toEqual([400, message]);
      expect(await recordOf(answer)).toMatchObject({ code: 'provider_refused', complete: false, costNanoUsd: null });
    }
  });

  test('counts where vectors were asked for, too', async () => {
    script(json({ error: { code: 429, message: 'slow down', status: 'RESOURCE_EXHAUSTED' } }));
    const body = JSON.stringify({ model: `gemini-${apart.turn}/m`, input: 'x' });
    const request = rawRequest('/v1/embeddings', body, { key: apart.product.firstKey });
    const answer = await rawExchange(apart.product.gatewayUrl, request);
    expect([answer.status, answer.body.includes('"provider_quota"')]).toEqual([429, true]);
  });

  test('that refuses our credential is no fault of the caller', async () => {
    script(json({ error: { message: 'no such key', code: 401 } }));
    const answer = await apart.ask('anthropic', `openai-${apart.turn}/m`, false);
    expect([answer.status, answer.body.includes('"credential_rejected"')]).toEqual([502, true]);
  });

  test('is told from an answer that only speaks of errors', async () => {
    const content = '{"error":{"message":"x","code":429}}';
    const choices = [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }];
    script(json({ id: 'c', object: 'chat.completion', created: 1, model: 'm', choices }));
    const answer = await apart.ask('anthropic', `openai-${apart.turn}/m`, false);
    expect([answer.status, JSON.parse(answer.body)]).toMatchObject([200, { content: [{ text: content }] }]);
  });

  test('and one that is no stream, though a stream was asked for, reaches no client', async () => {
    script(json({ type: 'message', role: 'assistant', content: [], stop_reason: 'end_turn' }));
    const answer = await apart.ask('openai', `anthropic-${apart.turn}/m`, true);
    expect([answer.status, (await recordOf(answer)).code]).toEqual([502, 'provider_answer_invalid']);
  });
});

describe('an error in mid-stream, within one dialect,', () => {
  const named = (name: string, data: object) => `event: ${name}\ndata: ${JSON.stringify({ type: name, ...data })}\n\n`;
  const unnamed = (data: object) => `data: ${JSON.stringify(data)}\n\n`;

  /** Of each dialect: how a stream begins well, the error as the provider tells it, and as the caller reads it. */
  const TOLD: Readonly<Record<ClientDialectName, (message: string, account: object) => readonly [string, string]>> = {
    openai: (message, account) => [
      unnamed({
        id: 'c',
        choices: [{ index: 0, delta: { content: `an "error" of ${ACCOUNT}` }, finish_reason: null }],
      }),
      unnamed({
        id: 'c',
        provider: 'acme',
        error: { code: 502, message, metadata: { provider_name: 'acme', ...account } },
        choices: [{ index: 0, delta: { content: '' }, finish_reason: 'error', error: { code: 502, message } }],
        ...account,
      }),
    ],
    'openai-responses': (message, account) => [
      named('response.created', { response: { id: 'r', object: 'response', output: [], error: null, user: ACCOUNT } }),
      named('response.failed', {
        sequence_number: 1,
        response: {
          id: 'r',
          status: 'failed',
          output: [{ text: ECHO }],
          error: { code: 'server_error', message, ...account },
        },
      }),
    ],
    anthropic: (message, account) => [
      named('message_start', { message: { id: 'm', type: 'message', content: [], usage: { input_tokens: 3 } } }),
      named('error', { error: { type: 'api_error', message, ...account }, request_id: 'req_011', ...account }),
    ],
    gemini: (message, account) => [
      unnamed({ candidates: [{ content: { parts: [{ text: 'a' }] } }] }),
      unnamed({ error: { code: 500, message, status: 'INTERNAL', details: [{ metadata: account }] }, ...account }),
    ],
  };

  test.each(CLIENTS)(
    'of %s names neither our credential nor the account, however its bytes are cut',
    async (dialect) => {
      const [begin, error] = TOLD[dialect](ECHO, { user_id: 'user_2abcDEF' });
      const [, clean] = TOLD[dialect](CLEAN, {});
      const whole = Buffer.from(begin + error);
      const bytes = Array.from({ length: whole.length }, (_, i) => whole.subarray(i, i + 1));
      script(
        { pieces: [begin, error] },
        { pieces: [begin + error] },
        { pieces: [begin, error.trimEnd()] },
        { pieces: bytes },
      );
      for (const end of [clean, clean, clean.trimEnd(), clean]) {
        const answer = await apart.ask(dialect, `${dialect}-${apart.turn}/m`, true);
        expect([answer.status, answer.body]).toEqual([200, begin + end]);
        expect(await recordOf(answer)).toMatchObject({ code: 'provider_unavailable', complete: false });
      }
    },
  );

  test('that is no JSON is cleaned as a text', async () => {
    const [begin] = TOLD.anthropic('', {});
    script({ pieces: [begin, `event: error\r\ndata: ${ECHO}\r\n\r\n`] });
    const answer = await apart.ask('anthropic', `anthropic-${apart.turn}/m`, true);
    expect(answer.body).toContain(`${begin}event: error\r\ndata: ${CLEAN}\r\n\r\n`);
  });
});

describe('beside an error in the form of the caller stand the status, the code and the request id of the provider', () => {
  function told({ headers }: RawAnswer) {
    return ['status', 'code', 'request-id'].map((name) => headers[`x-keyward-upstream-${name}`]);
  }

  const TOO_LONG = { message: 'prompt is too long', type: 'invalid_request_error', param: null };

  test.each(CLIENTS)('for a client of %s, and in the record', async (client) => {
    const answers = {
      openai: [{ error: { ...TOO_LONG, code: 'context_length_exceeded' } }, { 'x-request-id': 'req-1' }],
      anthropic: [
        { type: 'error', error: { type: 'invalid_request_error', message: 'no' } },
        { 'request-id': 'req_2' },
      ],
      gemini: [{ error: { code: 400, message: 'no', status: 'INVALID_ARGUMENT' } }, { 'x-request-id': 'r3' }],
      bedrock: [
        { message: 'no' },
        { 'x-amzn-errortype': 'ValidationException:http://internal.example.com/x', 'x-amzn-requestid': '0-4' },
      ],
    } as const;
    const expected = {
      openai: ['400', 'context_length_exceeded', 'req-1'],
      anthropic: ['400', 'invalid_request_error', 'req_2'],
      gemini: ['400', 'INVALID_ARGUMENT', 'r3'],
      bedrock: ['400', 'ValidationException', '0-4'],
    } as const;
    for (const provider of ['openai', 'anthropic', 'gemini', 'bedrock'] as const) {
      const [body, headers] = answers[provider];
      script(json(body, 400, headers));
      const answer = await apart.ask(client, `${provider}-${apart.turn}/m`, false);
      expect([answer.status, told(answer)]).toEqual([400, expected[provider]]);
      expect(DIALECT_CALLS[client].errorMessage(JSON.parse(answer.body))).toMatch(/\w/);
      const [upstreamStatus, upstreamCode, upstreamRequestId] = expected[provider];
      expect(await recordOf(answer)).toMatchObject({
        upstreamStatus: Number(upstreamStatus),
        upstreamCode,
        upstreamRequestId,
      });
    }
  });

  test('also where the status is ours, or was 200', async () => {
    script(json({ error: { message: 'x', type: 'x', code: 'invalid_api_key' } }, 401, { 'x-request-id': 'r1' }));
    const rejected = await apart.ask('anthropic', `openai-${apart.turn}/m`, false);
    expect([rejected.status, told(rejected)]).toEqual([502, ['401', 'invalid_api_key', 'r1']]);
    apart.next();
    script(json({ error: { message: 'x', code: 'rate_limit_exceeded' } }, 200));
    const limited = await apart.ask('anthropic', `openai-${apart.turn}/m`, true);
    expect([limited.status, told(limited)]).toEqual([429, ['429', 'rate_limit_exceeded', undefined]]);
    expect(await recordOf(limited)).toMatchObject({ upstreamStatus: 429, upstreamCode: 'rate_limit_exceeded' });
  });

  test('for the official clients', async () => {
    script(json({ type: 'error', error: { type: 'rate_limit_error', message: 'x' } }, 429, { 'request-id': 'req_9' }));
    const client = new OpenAI({
      baseURL: `${apart.product.gatewayUrl}/v1`,
      apiKey: apart.product.firstKey,
      maxRetries: 0,
    });
    const asked = client.chat.completions.create({
      model: `anthropic-${apart.turn}/m`,
      messages: [{ role: 'user', content: 'x' }],
    });
    const error = await asked.catch((thrown: unknown) => thrown);
    if (!(error instanceof OpenAI.RateLimitError)) throw error;
    expect(error.headers.get('x-keyward-upstream-code')).toBe('rate_limit_error');
    expect(error.headers.get('x-keyward-upstream-request-id')).toBe('req_9');
  });

  test('but no secret, no account, no host, and nothing else that is no code or id', async () => {
    const bad = [VENDOR_SECRET, ACCOUNT, 'api.vendor.example', 'a b', 'x'.repeat(200), `sk-${'a1'.repeat(20)}`];
    script(...bad.map((code) => json({ error: { message: 'no', type: 'x', code } }, 400, { 'x-request-id': code })));
    for (let i = 0; i < bad.length; i += 1) {
      const answer = await apart.ask('anthropic', `openai-${apart.turn}/m`, false);
      expect([answer.status, told(answer)]).toEqual([400, ['400', undefined, undefined]]);
    }
  });

  test('and in mid-stream, when the head is gone, in the record', async () => {
    const begin = 'data: {"id":"c","choices":[{"index":0,"delta":{"content":"a"},"finish_reason":null}]}\n\n';
    const error = 'data: {"error":{"message":"no","type":"server_error","code":"engine_gone"}}\n\n';
    script({ pieces: [begin, error], headers: { 'x-request-id': 'r7' } });
    expect(await recordOf(await apart.ask('openai', `openai-${apart.turn}/m`, true))).toMatchObject({
      upstreamCode: 'engine_gone',
      upstreamRequestId: 'r7',
    });
    expect(await recordOf(await apart.ask('anthropic', `openai-${apart.turn}/m`, true))).toMatchObject({
      upstreamCode: 'server_error',
    });
  });
});
