import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FAILURE_KINDS, readProviderError } from './provider-error.ts';
import type { ProviderError } from './provider-error.ts';

const NOW_MS = Date.UTC(2026, 10, 27, 12);
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

function read(status: number, body: unknown, headers: readonly string[] = [], model = 'small-1'): ProviderError {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return readProviderError({ status, headers, body: Buffer.from(text), model, nowMs: NOW_MS });
}

const openai = (message: string, code: string | null = null, type = 'invalid_request_error') => ({
  error: { message, type, param: null, code },
});
const anthropic = (type: string, message: string, details?: unknown) => ({
  type: 'error',
  error: { type, message, ...(details === undefined ? {} : { details }) },
  request_id: 'req_1',
});
const google = (code: number, status: string, details: readonly unknown[] = [], message = 'No.') => ({
  error: { code, message, status, details },
});

describe('the kind of a failure is told from any vendor form', () => {
  test.each([
    ['401 of OpenAI', 401, openai('Incorrect API key provided: sk-…', 'invalid_api_key'), 'rejected_credential'],
    ['401 of Anthropic', 401, anthropic('authentication_error', 'invalid x-api-key'), 'rejected_credential'],
    [
      'a key that Google does not know comes as a 400',
      400,
      google(400, 'INVALID_ARGUMENT', [{ reason: 'API_KEY_INVALID' }]),
      'rejected_credential',
    ],
    ['403', 403, openai('You may not use this model', 'model_not_allowed'), 'forbidden'],
    ['403 of Google', 403, google(403, 'PERMISSION_DENIED'), 'forbidden'],
    [
      '403 of a moderation',
      403,
      { error: { code: 403, message: 'Flagged', metadata: { reasons: ['x'], flagged_input: 'y' } } },
      'content_filtered',
    ],
    ['429 of OpenAI', 429, openai('Rate limit reached for small-1', 'rate_limit_exceeded', 'tokens'), 'rate_limited'],
    ['429 of Anthropic', 429, anthropic('rate_limit_error', 'over'), 'rate_limited'],
    ['429 without a body', 429, '', 'rate_limited'],
    [
      '429 larger than the limit',
      429,
      openai('Request too large for small-1 on tokens per min', 'rate_limit_exceeded'),
      'context_too_long',
    ],
    [
      '429 that the plan is too small for',
      429,
      anthropic('rate_limit_error', 'Extra usage is required for long context requests.'),
      'context_too_long',
    ],
    [
      'insufficient_quota',
      429,
      openai('You exceeded your current quota', 'insufficient_quota', 'insufficient_quota'),
      'quota_exhausted',
    ],
    ['the spend limit of a project', 429, openai('over', 'project_spend_limit_exceeded'), 'quota_exhausted'],
    [
      'the monthly cap of Anthropic',
      429,
      anthropic('rate_limit_error', 'cap', { error_code: 'enforced_spend_limit_reached' }),
      'quota_exhausted',
    ],
    [
      'the limit of a workspace of Anthropic',
      400,
      anthropic('invalid_request_error', 'You have reached your specified workspace API usage limits.'),
      'quota_exhausted',
    ],
    [
      'an empty account of Anthropic',
      400,
      anthropic('invalid_request_error', 'Your credit balance is too low'),
      'quota_exhausted',
    ],
    ['402', 402, openai('Insufficient Balance'), 'quota_exhausted'],
    [
      'a daily quota of Google',
      429,
      google(429, 'RESOURCE_EXHAUSTED', [{ violations: [{ quotaId: 'RequestsPerDayPerProject' }] }]),
      'quota_exhausted',
    ],
    ['529', 529, anthropic('overloaded_error', 'Overloaded'), 'overloaded'],
    ['503', 503, '<html>busy</html>', 'overloaded'],
    ['500', 500, anthropic('api_error', 'Internal'), 'unavailable'],
    ['a redirect', 302, '', 'unavailable'],
    ['504', 504, '', 'timeout'],
    ['404', 404, anthropic('not_found_error', 'model: small-1'), 'not_found'],
    ['400', 400, openai('Unknown parameter'), 'bad_request'],
    ['422 with a list', 422, { detail: [{ msg: 'field required' }] }, 'bad_request'],
    [
      'too long for OpenAI',
      400,
      openai("This model's maximum context length is 8192 tokens.", 'context_length_exceeded'),
      'context_too_long',
    ],
    [
      'too long for Anthropic',
      400,
      anthropic('invalid_request_error', 'prompt is too long: 20 tokens > 10 maximum'),
      'context_too_long',
    ],
    [
      'too long with its output',
      400,
      anthropic('invalid_request_error', 'input length and `max_tokens` exceed context limit: 1 + 2 > 2'),
      'context_too_long',
    ],
    [
      'too long for Google, in an array',
      400,
      [
        google(
          400,
          'INVALID_ARGUMENT',
          [],
          'The input token count (9) exceeds the maximum number of tokens allowed (5).',
        ),
      ],
      'context_too_long',
    ],
    ['413', 413, anthropic('request_too_large', 'Request exceeds the maximum size'), 'context_too_long'],
    [
      'filtered by Azure',
      400,
      { error: { message: 'filtered', code: 'content_filter', innererror: { code: 'ResponsibleAIPolicyViolation' } } },
      'content_filtered',
    ],
  ] as const)('%s', (_, status, body, kind) => {
    expect(read(status, body).kind).toBe(kind);
  });

  test('Bedrock tells its type in a header', () => {
    const headers = ['x-amzn-errortype', 'ThrottlingException:http://internal/'];
    expect(read(429, { message: 'Too many tokens, please wait' }, headers)).toMatchObject({
      kind: 'rate_limited',
      type: 'ThrottlingException',
      message: 'Too many tokens, please wait',
    });
    expect(read(429, { message: 'x' }, ['x-amzn-errortype', 'ModelNotReadyException']).kind).toBe('overloaded');
  });
});

describe('the moment of the reset', () => {
  const after = (headers: readonly string[], body: unknown = '', status = 429) =>
    read(status, body, headers).retryAfterMs;

  test.each([
    ['milliseconds stand before seconds', ['retry-after', '1', 'retry-after-ms', '1500'], 1500],
    ['seconds', ['retry-after', '7'], 7_000],
    ['a date', ['retry-after', 'Fri, 27 Nov 2026 12:01:00 GMT'], MINUTE_MS],
    ['at once is not believed', ['retry-after', '0'], null],
    ['nonsense is not believed', ['retry-after', 'soon'], null],
    ['longer than a month is cut', ['retry-after', '999999999'], 32 * DAY_MS],
    [
      'a duration of the limit that is used up',
      ['x-ratelimit-remaining-tokens', '0', 'x-ratelimit-reset-tokens', '6m0.5s'],
      360_500,
    ],
    [
      'a limit that has something left does not count',
      ['x-ratelimit-remaining-requests', '5', 'x-ratelimit-reset-requests', '1h'],
      null,
    ],
    ['Unix milliseconds', ['x-ratelimit-remaining', '0', 'x-ratelimit-reset', String(NOW_MS + 4_000)], 4_000],
    ['Unix seconds', ['x-ratelimit-remaining', '0', 'x-ratelimit-reset', String(NOW_MS / 1000 + 4)], 4_000],
    [
      'of several that are used up the last',
      [
        ...[
          'anthropic-ratelimit-requests-remaining',
          '0',
          'anthropic-ratelimit-requests-reset',
          '2026-11-27T12:00:10Z',
        ],
        ...['anthropic-ratelimit-tokens-remaining', '0', 'anthropic-ratelimit-tokens-reset', '2026-11-27T12:00:20Z'],
      ],
      20_000,
    ],
  ] as const)('%s', (_, headers, expected) => {
    expect(after(headers)).toBe(expected);
  });

  test('is found in the body', () => {
    expect(after([], google(429, 'RESOURCE_EXHAUSTED', [{ retryDelay: '34.4s' }]))).toBe(34_400);
    expect(after([], openai('Rate limit reached. Please try again in 1m2.5s. Visit …'))).toBe(62_500);
    expect(after([], openai('Please try again in 644ms.'))).toBe(644);
    const metadata = { headers: { 'X-RateLimit-Remaining': '0', 'X-RateLimit-Reset': String(NOW_MS + 9_000) } };
    expect(after([], { error: { code: 429, message: 'x', metadata } })).toBe(9_000);
  });

  test('of spend limits is the day that is named, or the end of the month', () => {
    const named =
      'You have reached your specified API usage limits. You will regain access on 2026-12-01 at 00:00 UTC.';
    const untilDecember = Date.UTC(2026, 11, 1) - NOW_MS;
    expect(after([], anthropic('invalid_request_error', named), 400)).toBe(untilDecember);
    const cap = anthropic('rate_limit_error', 'cap', { error_code: 'enforced_spend_limit_reached' });
    expect(after([], cap)).toBe(untilDecember);
  });

  test('a delay of seconds is not believed for a quota of a day', () => {
    const details = [{ violations: [{ quotaId: 'RequestsPerDayPerProjectPerModel' }] }, { retryDelay: '3s' }];
    expect(read(429, google(429, 'RESOURCE_EXHAUSTED', details))).toMatchObject({ retryAfterMs: null, perModel: true });
  });
});

test('a limit counts for the model where the provider says so, else for the credential', () => {
  expect(read(429, openai('Rate limit reached for small-1 in organization x')).perModel).toBe(true);
  expect(read(429, openai('Rate limit reached')).perModel).toBe(false);
  expect(read(429, anthropic('rate_limit_error', 'over')).perModel).toBe(true);
  const quota = (id: string) => google(429, 'RESOURCE_EXHAUSTED', [{ violations: [{ quotaId: id }] }]);
  expect(read(429, quota('RequestsPerMinutePerProjectPerModel')).perModel).toBe(true);
  expect(read(429, quota('RequestsPerMinutePerProject')).perModel).toBe(false);
  expect(read(401, openai('small-1')).perModel).toBe(false);
});

test('whatever comes is read without a throw, and waits stay in their bounds', () => {
  const texts = fc.constantFrom(
    'retry-after',
    'retry-after-ms',
    'x-ratelimit-reset',
    'x-ratelimit-remaining',
    'x-amzn-errortype',
  );
  fc.assert(
    fc.property(
      fc.integer({ min: 300, max: 599 }),
      fc.array(fc.oneof(texts, fc.string()), { maxLength: 8 }),
      fc.oneof(fc.json(), fc.string()),
      (status, headers, body) => {
        const { kind, retryAfterMs } = read(status, body, headers);
        expect(FAILURE_KINDS).toContain(kind);
        if (retryAfterMs !== null) {
          expect(retryAfterMs).toBeGreaterThan(0);
          expect(retryAfterMs).toBeLessThanOrEqual(32 * DAY_MS);
        }
      },
    ),
  );
});

const recordings = process.env['KEYWARD_RECORDINGS'];

describe.skipIf(recordings === undefined)('recorded errors (KEYWARD_RECORDINGS)', () => {
  const recorded = (path: string) => readFileSync(join(recordings ?? '', 'vercel-ai', path), 'utf8');

  test('a limit per minute and model of Google, with its delay', () => {
    expect(read(429, recorded('google/google-429-retry-info.json'))).toMatchObject({
      kind: 'rate_limited',
      retryAfterMs: 34_400,
      perModel: true,
    });
  });

  test('a quota of OpenAI that is used up', () => {
    const found = read(429, recorded('openai/openai-error.1.json'));
    expect(found).toMatchObject({ kind: 'quota_exhausted', code: 'insufficient_quota', retryAfterMs: null });
  });

  test('parameters that a model refuses', () => {
    expect(read(400, recorded('openai/reasoning-model-temperature-error.json')).kind).toBe('bad_request');
  });
});
