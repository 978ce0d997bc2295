/** Errors that a provider tells as the first event of a stream, behind a status of 200. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { writeMessage } from '../../src/lib/aws-event-stream.ts';
import type { ClientDialectName } from '../../src/llm/dialect.ts';
import { DIALECT_CALLS, FAKE_PROVIDERS } from '../dialect-calls.ts';
import type { RawStream, StreamingUpstream } from '../fakes/streaming-upstream.ts';
import { findCall } from '../product.ts';
import type { RawAnswer } from '../raw-http.ts';
import { CLIENTS, startVendorsApart } from '../vendors-apart.ts';
import type { VendorsApart } from '../vendors-apart.ts';

let apart: VendorsApart;

beforeAll(async () => {
  apart = await startVendorsApart(24);
});
afterAll(() => apart.dispose());
beforeEach(() => apart.next());

function script(...answers: readonly RawStream[]): StreamingUpstream {
  return apart.script(...answers);
}

function ask(client: ClientDialectName, model: string): Promise<RawAnswer> {
  return apart.ask(client, model, true);
}

/** "Overloaded" as the first event of each dialect. */
const OVERLOADED: Readonly<Record<ClientDialectName, string>> = {
  openai: 'data: {"error":{"message":"busy","type":"overloaded_error","param":null,"code":503}}\n\n',
  'openai-responses':
    'event: error\ndata: {"type":"error","code":"server_is_overloaded","message":"busy","param":null,"sequence_number":0}\n\n',
  anthropic: 'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"busy"}}\n\n',
  gemini: 'data: {"error":{"code":503,"message":"busy","status":"UNAVAILABLE"}}\r\n\r\n',
};

const EXCEPTION = writeMessage({
  headers: new Map([
    [':message-type', { type: 'string', value: 'exception' }],
    [':exception-type', { type: 'string', value: 'throttlingException' }],
    [':content-type', { type: 'string', value: 'application/json' }],
  ]),
  payload: Buffer.from('{"message":"busy"}'),
});

describe.each(CLIENTS)('a stream of %s that begins with an error', (dialect) => {
  test('is left for the next target, and the caller sees only that one', async () => {
    script({ pieces: [OVERLOADED[dialect]] });
    const answer = await ask(dialect, `to-${dialect}-${apart.turn}`);
    expect([answer.status, answer.headers['x-keyward-provider'], answer.headers['x-keyward-attempts']]).toEqual([
      200,
      FAKE_PROVIDERS[dialect],
      '2',
    ]);
    expect(answer.body).not.toContain('busy');
  });

  test('however its bytes are cut, and behind comments', async () => {
    const bytes = Buffer.from(`: waiting\n\n\n${OVERLOADED[dialect]}`);
    script({ pieces: Array.from({ length: bytes.length }, (_, i) => bytes.subarray(i, i + 1)) });
    expect((await ask(dialect, `to-${dialect}-${apart.turn}`)).headers['x-keyward-provider']).toBe(
      FAKE_PROVIDERS[dialect],
    );
  });

  test('has a real status where there is no other target', async () => {
    script({ pieces: [OVERLOADED[dialect]] });
    const answer = await ask(dialect, `${dialect}-${apart.turn}/m`);
    expect(answer.status).toBe(503);
    expect(answer.headers['x-keyward-attempts']).toBe('2');
    expect(DIALECT_CALLS[dialect].errorMessage(JSON.parse(answer.body))).toMatch(/\w/);
    // Nobody pays for it.
    expect(await findCall(apart.product, answer.headers['x-request-id'] ?? '')).toMatchObject({
      code: 'provider_unavailable',
      complete: false,
      costNanoUsd: null,
    });
  });

  test('is answered in the place of a provider of another dialect, too', async () => {
    const provider = dialect === 'anthropic' ? 'gemini' : 'anthropic';
    script({ pieces: [OVERLOADED[provider]] });
    expect((await ask(dialect, `to-${provider}-${apart.turn}`)).headers['x-keyward-provider']).toBe(
      FAKE_PROVIDERS[provider],
    );
    script({ pieces: [EXCEPTION], type: 'application/vnd.amazon.eventstream' });
    expect((await ask(dialect, `to-bedrock-${apart.turn}`)).headers['x-keyward-provider']).toBe(FAKE_PROVIDERS.openai);
  });
});

test('a limit that is told so puts the credential out of use', async () => {
  const vendor = script({
    pieces: ['data: {"error":{"message":"slow down","type":"requests","code":"rate_limit_exceeded"}}\n\n'],
    headers: { 'retry-after': '30' },
  });
  const limited = await ask('openai', `openai-${apart.turn}/m`);
  expect([limited.status, limited.body.includes('"provider_quota"')]).toEqual([429, true]);
  expect((await ask('openai', `openai-${apart.turn}/m`)).body).toContain('"pool_exhausted"');
  expect(vendor.asked).toHaveLength(1);
});

test('a credential that is refused so is no fault of the caller', async () => {
  script({ pieces: ['data: {"error":{"message":"no such key","type":"authentication_error"}}\n\n'] });
  const unknown = await ask('openai', `openai-${apart.turn}/m`);
  expect([unknown.status, unknown.body.includes('"credential_rejected"')]).toEqual([502, true]);
});

test('a mistake of the caller is told in the words of the provider', async () => {
  const error = { message: 'bad seed', type: 'invalid_request_error', param: 'seed', code: null };
  script({ pieces: [`data: ${JSON.stringify({ error, user_id: 'u1' })}\n\n`] });
  const refused = await ask('openai', `openai-${apart.turn}/m`);
  expect([refused.status, JSON.parse(refused.body)]).toEqual([400, { error }]);
});

test('a stream that begins well passes byte for byte, whatever its text speaks of', async () => {
  const event = (content: string) =>
    `data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":${JSON.stringify(content)}}}]}\n\n`;
  const end =
    'data: {"id":"c","object":"chat.completion.chunk","choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}\n\ndata: [DONE]\n\n';
  const texts = ['an "error" {"error":{}}', 'x'.repeat(100_000)];
  for (const text of texts) {
    for (const cut of [1, 40]) {
      script({ pieces: [event(text).slice(0, cut), event(text).slice(cut) + event('more'), end] });
      const answer = await ask('openai', `openai-${apart.turn}/m`);
      expect(answer.status).toBe(200);
      expect(answer.body).toBe(`${event(text)}${event('more')}data: [DONE]\n\n`);
    }
  }
});

test('once an event has gone on, an error behind it is one of the stream', async () => {
  const start = `event: message_start\ndata: {"type":"message_start","message":{"id":"m","type":"message","role":"assistant","model":"m","content":[],"stop_reason":null,"usage":{"input_tokens":3,"output_tokens":1}}}\n\n`;
  script({ pieces: [start, 20, OVERLOADED.anthropic] });
  const answer = await ask('anthropic', `to-anthropic-${apart.turn}`);
  expect([answer.status, answer.headers['x-keyward-provider']]).toEqual([200, `anthropic-${apart.turn}`]);
  expect(answer.body).toContain(OVERLOADED.anthropic);
  expect(apart.well.requests).toHaveLength(0);
});
