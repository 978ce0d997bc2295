/** Answers as they are: what of them must not pass, and what they are not taken for. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { ClientDialectName } from '../../src/llm/dialect.ts';
import { DIALECT_CALLS, FAKE_PROVIDERS } from '../dialect-calls.ts';
import type { RawStream, StreamingUpstream } from '../fakes/streaming-upstream.ts';
import { findCall } from '../product.ts';
import type { RawAnswer } from '../raw-http.ts';
import { CLIENTS, startVendorsApart } from '../vendors-apart.ts';
import type { VendorsApart } from '../vendors-apart.ts';

let apart: VendorsApart;

beforeAll(async () => {
  apart = await startVendorsApart(40, '{ cacheBytesMax: 10000000 }');
});
afterAll(() => apart.dispose());
beforeEach(() => apart.next());

function script(...answers: readonly RawStream[]): StreamingUpstream {
  return apart.script(...answers);
}

function json(body: unknown, status = 200): RawStream {
  return { pieces: [JSON.stringify(body)], type: 'application/json', status };
}

function ask(client: ClientDialectName, model: string, stream = false): Promise<RawAnswer> {
  return apart.ask(client, model, stream);
}

function recordOf(answer: RawAnswer) {
  return findCall(apart.product, answer.headers['x-request-id'] ?? '');
}

describe('of an error that a provider told', () => {
  const secret = `sk-or-v1-${'a1'.repeat(32)}`;

  test('what a router knows of its user and of others stays here', async () => {
    const error = { message: `bad key ${secret}`, code: 400, metadata: { provider_name: 'acme', raw: secret } };
    script(json({ error, user_id: 'user_2abcDEF' }, 400));
    const answer = await ask('openai', `openai-${apart.turn}/m`);
    expect([answer.status, JSON.parse(answer.body)]).toEqual([
      400,
      { error: { message: 'bad key sk-', code: 400, metadata: { provider_name: 'acme' } } },
    ]);
  });

  test('the texts name neither accounts nor keys', async () => {
    const message = `No such model for org-${'Ab3'.repeat(8)}, proj_${'Ab3'.repeat(8)}, sk-proj-${'x9'.repeat(20)}.`;
    script(json({ error: { message, type: 'invalid_request_error', param: 'model', code: 'model_not_found' } }, 404));
    const answer = await ask('openai', `openai-${apart.turn}/m`);
    expect([answer.status, JSON.parse(answer.body)]).toEqual([
      404,
      {
        error: {
          message: 'No such model for org-, proj_, sk-',
          type: 'invalid_request_error',
          param: 'model',
          code: 'model_not_found',
        },
      },
    ]);
  });

  test('the details of Google name no project', async () => {
    const info = {
      reason: 'SERVICE_DISABLED',
      metadata: { service: 'x.googleapis.com', consumer: 'projects/123456789' },
    };
    const message = 'The API has not been used in project 123456789 before.';
    script(json([{ error: { code: 403, message, status: 'PERMISSION_DENIED', details: [info] } }], 403));
    const answer = await ask('gemini', `gemini-${apart.turn}/m`);
    expect(answer.status).toBe(403);
    expect(answer.body).not.toContain('123456789');
    expect(answer.body).toContain('"service":"x.googleapis.com"');
  });

  test('a translation names no account either', async () => {
    const message =
      'User: arn:aws:iam::123456789012:user/x may not call arn:aws:bedrock:us-east-1:123456789012:model/m';
    script(json({ message }, 403));
    const answer = await ask('openai', `bedrock-${apart.turn}/m`);
    expect(answer.status).toBe(403);
    expect(answer.body).toContain('arn:aws:iam');
    expect(answer.body).not.toContain('123456789012');
  });

  test('a body without the words of any dialect is told in ours', async () => {
    script(json({ user_id: 'user_2abcDEF' }, 400));
    const answer = await ask('anthropic', `anthropic-${apart.turn}/m`);
    expect(answer.status).toBe(400);
    expect(DIALECT_CALLS.anthropic.errorMessage(JSON.parse(answer.body))).toMatch(/\w/);
    expect(answer.body).not.toContain('user_2abc');
  });
});

function events(...payloads: readonly unknown[]): RawStream {
  return { pieces: [payloads.map((payload) => `data: ${JSON.stringify(payload)}\n\n`).join(''), 'data: [DONE]\n\n'] };
}

function chunk(delta: object, finishReason: string | null, more: object = {}) {
  return {
    id: 'c',
    object: 'chat.completion.chunk',
    created: 1,
    model: 'm',
    choices: [{ index: 0, delta, finish_reason: finishReason }],
    ...more,
  };
}

const named = (name: string, data: object) => `event: ${name}\ndata: ${JSON.stringify({ type: name, ...data })}\n\n`;

const OPENAI_ERROR = { code: 502, message: 'the provider went away' };

/** A stream of each dialect that begins well and ends in an error of its own. */
const BROKEN: Readonly<Record<ClientDialectName, readonly string[]>> = {
  openai: [
    `data: ${JSON.stringify(chunk({ content: 'a' }, null))}\n\n`,
    `data: ${JSON.stringify(chunk({ content: '' }, 'error', { error: OPENAI_ERROR }))}\n\ndata: [DONE]\n\n`,
  ],
  'openai-responses': [
    named('response.created', { response: { id: 'r', object: 'response', status: 'in_progress', output: [] } }),
    named('response.failed', { response: { status: 'failed', error: { code: 'server_error', message: 'gone' } } }),
  ],
  anthropic: [
    named('message_start', { message: { id: 'm', type: 'message', content: [], usage: { input_tokens: 3 } } }),
    named('error', { error: { type: 'overloaded_error', message: 'gone' } }),
  ],
  gemini: [
    `data: ${JSON.stringify({ candidates: [{ content: { parts: [{ text: 'a' }] } }] })}\r\n\r\n`,
    `data: ${JSON.stringify({ error: { code: 503, message: 'gone', status: 'UNAVAILABLE' } })}\r\n\r\n`,
  ],
};

describe('a stream that its provider ends', () => {
  test.each(CLIENTS)('with an error of %s passes as it is, and counts as failed', async (dialect) => {
    script({ pieces: BROKEN[dialect] });
    const answer = await ask(dialect, `${dialect}-${apart.turn}/m`, true);
    expect([answer.status, answer.body]).toEqual([200, BROKEN[dialect].join('')]);
    expect(await recordOf(answer)).toMatchObject({ code: 'provider_unavailable', complete: false });
  });

  test('with an error in a choice counts as failed', async () => {
    const bad = { id: 'c', choices: [{ index: 0, delta: {}, error: OPENAI_ERROR, finish_reason: 'error' }] };
    script(events(chunk({ content: 'a' }, null), bad));
    expect(await recordOf(await ask('openai', `openai-${apart.turn}/m`, true))).toMatchObject({ complete: false });
  });

  test('well is whole, though its text speaks of errors', async () => {
    script(events(chunk({ content: '"error": {"message":"x"}' }, null), chunk({}, 'stop')));
    const answer = await ask('openai', `openai-${apart.turn}/m`, true);
    expect(await recordOf(answer)).toMatchObject({ code: 'ok', complete: true });
  });

  test('without a word why is not whole, is not kept, and gets nothing of ours', async () => {
    const vendor = script(events(chunk({ content: 'a' }, null)));
    for (let asked = 1; asked <= 2; asked += 1) {
      const answer = await ask('openai', `openai-${apart.turn}/m`, true);
      expect(answer.body).toBe(`data: ${JSON.stringify(chunk({ content: 'a' }, null))}\n\ndata: [DONE]\n\n`);
      expect(await recordOf(answer)).toMatchObject({ code: 'ok', complete: false });
      expect(vendor.asked).toHaveLength(asked);
    }
  });
});

const WELL: Readonly<Record<ClientDialectName, RegExp>> = {
  openai: /"choices"/,
  'openai-responses': /"output"/,
  anthropic: /"content"/,
  gemini: /"candidates"/,
};

/** Nobody is there: as a body with status 200. */
const ERROR_BODIES: Readonly<Record<ClientDialectName, object>> = {
  openai: { error: OPENAI_ERROR, user_id: 'user_2abcDEF' },
  'openai-responses': {
    object: 'response',
    status: 'failed',
    output: [],
    error: { code: 'server_error', message: 'gone' },
  },
  anthropic: { type: 'error', error: { type: 'overloaded_error', message: 'gone' } },
  gemini: { error: { code: 503, message: 'gone', status: 'UNAVAILABLE' } },
};

const OPENAI_ANSWER = {
  id: 'c',
  object: 'chat.completion',
  created: 1,
  model: 'm',
  choices: [{ index: 0, message: { role: 'assistant', content: 'hi' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 3, completion_tokens: 1, total_tokens: 4 },
};
const ANTHROPIC_ANSWER = { type: 'message', role: 'assistant', content: [], stop_reason: 'end_turn' };

describe('a whole answer with status 200', () => {
  test.each(CLIENTS)('that is an error of %s is left for the next target', async (dialect) => {
    script(json(ERROR_BODIES[dialect]));
    const answer = await ask(dialect, `to-${dialect}-${apart.turn}`);
    expect([answer.status, answer.headers['x-keyward-provider']]).toEqual([200, FAKE_PROVIDERS[dialect]]);
    expect(answer.body).toMatch(WELL[dialect]);
  });

  test('that is an error has the status of that error where there is no other target', async () => {
    script(
      json({ error: { message: 'bad seed', type: 'invalid_request_error', param: 'seed' }, user_id: 'user_2abcD' }),
    );
    const answer = await ask('openai', `openai-${apart.turn}/m`);
    expect([answer.status, JSON.parse(answer.body)]).toEqual([
      400,
      { error: { message: 'bad seed', type: 'invalid_request_error', param: 'seed' } },
    ]);
    expect(await recordOf(answer)).toMatchObject({ code: 'provider_refused', complete: false, costNanoUsd: null });
  });

  test('that tells an error in a choice is one', async () => {
    const choice = { ...OPENAI_ANSWER.choices[0], finish_reason: 'error', error: OPENAI_ERROR };
    script(json({ ...OPENAI_ANSWER, choices: [choice] }));
    expect((await ask('openai', `openai-${apart.turn}/m`)).status).toBe(502);
  });

  test.each(CLIENTS)('of another dialect than %s reaches no client, and nobody pays for it', async (dialect) => {
    script(json(dialect === 'openai' ? ANTHROPIC_ANSWER : OPENAI_ANSWER));
    const answer = await ask(dialect, `${dialect}-${apart.turn}/m`);
    expect(answer.status).toBe(502);
    expect(DIALECT_CALLS[dialect].errorMessage(JSON.parse(answer.body))).toMatch(/\w/);
    expect(await recordOf(answer)).toMatchObject({ code: 'provider_answer_invalid', complete: false });
  });

  test.each(CLIENTS)('as a stream of another dialect than %s reaches no client', async (dialect) => {
    script(
      dialect === 'openai' ? { pieces: BROKEN.anthropic } : events(chunk({ content: 'a' }, null), chunk({}, 'stop')),
    );
    const answer = await ask(dialect, `${dialect}-${apart.turn}/m`, true);
    expect([answer.status, (await recordOf(answer)).code]).toEqual([502, 'provider_answer_invalid']);
  });

  test('without a word why it ended passes, is not whole, and is not kept', async () => {
    const unfinished = { ...OPENAI_ANSWER, choices: [{ ...OPENAI_ANSWER.choices[0], finish_reason: null }] };
    const vendor = script(json(unfinished));
    for (let asked = 1; asked <= 2; asked += 1) {
      const answer = await ask('openai', `openai-${apart.turn}/m`);
      expect([answer.status, JSON.parse(answer.body)]).toEqual([200, unfinished]);
      expect(await recordOf(answer)).toMatchObject({ code: 'ok', complete: false });
      expect(vendor.asked).toHaveLength(asked);
    }
  });

  test('well passes byte for byte, however it is spaced and whatever it speaks of', async () => {
    const text = JSON.stringify({ ...OPENAI_ANSWER, note: '"error": {"finish_reason": null}' }, null, 2);
    script({ pieces: [text], type: 'application/json' });
    const answer = await ask('openai', `openai-${apart.turn}/m`);
    expect([answer.status, answer.body]).toEqual([200, text]);
    expect(await recordOf(answer)).toMatchObject({ code: 'ok', complete: true });
  });
});

describe('an answer of OpenAI without a word why it ended, for a client of another dialect', () => {
  const TOLD: Readonly<Record<Exclude<ClientDialectName, 'openai'>, readonly [whole: string, stream: string]>> = {
    'openai-responses': ['"status":"failed"', 'event: response.failed\n'],
    anthropic: ['"stop_reason":"max_tokens"', 'event: message_stop\n'],
    gemini: ['"finishReason":"OTHER"', '"finishReason":"OTHER"'],
  };

  test.each(['openai-responses', 'anthropic', 'gemini'] as const)('%s is closed, but not whole', async (client) => {
    const unfinished = { ...OPENAI_ANSWER, choices: [{ ...OPENAI_ANSWER.choices[0], finish_reason: null }] };
    const [inWhole, inStream] = TOLD[client];
    script(json(unfinished), events(chunk({ content: 'a' }, null)));
    const whole = await ask(client, `openai-${apart.turn}/m`);
    expect([whole.status, whole.body]).toEqual([200, expect.stringContaining(inWhole)]);
    expect(await recordOf(whole)).toMatchObject({ code: 'ok', complete: false });
    const stream = await ask(client, `openai-${apart.turn}/m`, true);
    expect([stream.status, stream.body]).toEqual([200, expect.stringContaining(inStream)]);
    expect(stream.body).not.toMatch(/end_turn|"STOP"|response\.completed/);
    expect(await recordOf(stream)).toMatchObject({ code: 'ok', complete: false });
  });
});

test('where the provider tells no usage, a client of Anthropic gets the same estimate first and last', async () => {
  const { usage: _usage, ...untold } = OPENAI_ANSWER;
  script(json(untold), events(chunk({ content: 'a' }, null), chunk({}, 'stop')));
  const whole = await ask('anthropic', `openai-${apart.turn}/m`);
  const estimate = /"usage":\{"input_tokens":([1-9]\d*),/;
  expect(whole.body).toMatch(estimate);
  const stream = await ask('anthropic', `openai-${apart.turn}/m`, true);
  const told = [...stream.body.matchAll(new RegExp(estimate, 'g'))].map(([, tokens]) => tokens);
  expect(told).toHaveLength(2);
  expect(told[0]).toBe(told[1]);
});
