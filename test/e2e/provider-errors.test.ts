/** What a caller gets of the errors that providers tell, whatever the way they come. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { RawStream, StreamingUpstream } from '../fakes/streaming-upstream.ts';
import { rawExchange, rawRequest } from '../raw-http.ts';
import type { RawAnswer } from '../raw-http.ts';
import { startVendorsApart, VENDOR_SECRET } from '../vendors-apart.ts';
import type { VendorsApart } from '../vendors-apart.ts';

let apart: VendorsApart;

beforeAll(async () => {
  apart = await startVendorsApart(40);
});
afterAll(() => apart.dispose());
beforeEach(() => apart.next());

function script(...answers: readonly RawStream[]): StreamingUpstream {
  return apart.script(...answers);
}

function json(body: unknown, status = 200, headers: Readonly<Record<string, string>> = {}): RawStream {
  return { pieces: [JSON.stringify(body)], type: 'application/json', status, headers };
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
