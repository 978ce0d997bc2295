import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ClientDialectName } from '../../src/llm/dialect.ts';
import { DIALECT_CALLS } from '../dialect-calls.ts';
import { findCall, startProduct } from '../product.ts';
import type { Product } from '../product.ts';
import { rawExchange, rawRequest } from '../raw-http.ts';
import type { RawAnswer } from '../raw-http.ts';

const BODY_BYTES_MAX = 100_000;

let product: Product;

beforeAll(async () => {
  product = await startProduct({ config: `gateway: { bodyBytesMax: ${BODY_BYTES_MAX} }\n` });
});
afterAll(() => product.dispose());

function parsed(answer: RawAnswer): unknown {
  try {
    return JSON.parse(answer.body);
  } catch {
    return undefined;
  }
}

/** What holds for every refusal: a sentence in the dialect's form, no 500, nothing of our insides. */
function expectRefusal(answer: RawAnswer, dialect: ClientDialectName, statuses: readonly number[]): void {
  expect(statuses, answer.text).toContain(answer.status);
  expect(answer.text).not.toMatch(/\bat .+:\d+:\d+|node:internal|\/src\/|node_modules|SyntaxError|TypeError/);
  const message = DIALECT_CALLS[dialect].errorMessage(parsed(answer));
  expect(message, answer.text).toMatch(/^["A-Z].{10,}\.$/s);
}

function exchange(bytes: string | Buffer): Promise<RawAnswer> {
  return rawExchange(product.gatewayUrl, bytes);
}

function post(path: string, body: string, extra: readonly string[] = []): Promise<RawAnswer> {
  return exchange(rawRequest(path, body, { key: product.firstKey, extra }));
}

describe.each(Object.keys(DIALECT_CALLS) as ClientDialectName[])('in the %s dialect', (dialect) => {
  const call = DIALECT_CALLS[dialect];
  const path = call.path('sandbox/echo', false);
  const good = call.body('sandbox/echo', false);

  test.each([
    ['no JSON', '{"model": '],
    ['an empty body', ''],
    ['bytes that are not UTF-8', '{"model": "\u0000\u0001"}'],
    ['JSON that is no object', '"sandbox/echo"'],
    ['JSON with something behind it', `${good} x`],
    [
      'a number of an absurd depth of arrays',
      `{"model":"sandbox/echo","messages":${'['.repeat(20_000)}${']'.repeat(20_000)}}`,
    ],
  ])('%s is refused with a sentence', async (_name, body) => {
    expectRefusal(await post(path, body), dialect, [400]);
  });

  test('a model that does not exist is told as such', async () => {
    const answer = await post(call.path('nowhere/model', false), call.body('nowhere/model', false));
    expectRefusal(answer, dialect, [404]);
  });

  test('a body that the sandbox can make nothing of is refused with what it needs', async () => {
    const answer = await post(path, '{"model":"sandbox/echo"}');
    expectRefusal(answer, dialect, [400]);
    expect(answer.body).toMatch(/The body needs \\"(?:messages|input|contents)\\"/);
  });

  test('a content type other than JSON is refused', async () => {
    const bytes = rawRequest(path, good, { key: product.firstKey }).replace('application/json', 'text/plain');
    expectRefusal(await exchange(bytes), dialect, [415]);
  });

  test('a body over the bound is refused, announced or not', async () => {
    const large = 'x'.repeat(BODY_BYTES_MAX + 1);
    expectRefusal(await post(path, large), dialect, [413]);
    const chunked = [
      `POST ${path} HTTP/1.1`,
      'Host: localhost',
      'Connection: close',
      'Content-Type: application/json',
      `Authorization: Bearer ${product.firstKey}`,
      'Transfer-Encoding: chunked',
      '',
      `${large.length.toString(16)}\r\n${large}\r\n0\r\n\r\n`,
    ];
    expectRefusal(await exchange(chunked.join('\r\n')), dialect, [413]);
  });

  test('a malformed head or body is refused in its dialect, and the record tells the same as the answer', async () => {
    const head = rawRequest(path, '', { key: product.firstKey }).replace('Content-Length: 0\r\n', '').slice(0, -2);
    expectRefusal(await exchange(`${head}X : y\r\n\r\n`), dialect, [400]);
    expectRefusal(await exchange(`${head}X: ${'y'.repeat(20_000)}\r\n\r\n`), dialect, [431]);
    const answer = await exchange(`${head}Transfer-Encoding: chunked\r\n\r\nzz\r\n`);
    expectRefusal(answer, dialect, [400]);
    const record = await findCall(product, answer.headers['x-request-id'] ?? '');
    expect(record).toMatchObject({ status: 400, code: 'invalid_request', path: path.split('?')[0] });
  });

  test('a wrong method is refused, and told which one is right', async () => {
    const answer = await exchange(rawRequest(path, '', { key: product.firstKey, method: 'DELETE' }));
    expectRefusal(answer, dialect, [405]);
    expect(answer.headers['allow']).toContain('POST');
  });

  test('a call without a key is told how to send one', async () => {
    const answer = await exchange(rawRequest(path, good));
    expectRefusal(answer, dialect, [401]);
    expect(answer.body).toContain('Authorization');
  });

  test('a text that is no key, two keys, and a key in the query are refused', async () => {
    expectRefusal(await exchange(rawRequest(path, good, { key: 'hello' })), dialect, [401]);
    expectRefusal(await exchange(rawRequest(path, good, { key: 'é\u0001'.slice(0, 1) })), dialect, [400, 401]);
    expectRefusal(await post(path, good, ['x-api-key: another']), dialect, [400]);
    const joint = path.includes('?') ? '&' : '?';
    expectRefusal(await exchange(rawRequest(`${path}${joint}key=${product.firstKey}`, good)), dialect, [400]);
  });
});

/** Gemini names the model in the path. */
describe.each(['openai', 'openai-responses', 'anthropic'] as const)('in the %s dialect', (dialect) => {
  test('a body without a model, with two, or with one that is no text is refused', async () => {
    const path = DIALECT_CALLS[dialect].path('', false);
    const good = DIALECT_CALLS[dialect].body('sandbox/echo', false);
    expectRefusal(await post(path, '{"stream":false}'), dialect, [400]);
    expectRefusal(await post(path, '{"model":7}'), dialect, [400]);
    expectRefusal(await post(path, `{"\\u006dodel":"nowhere/x",${good.slice(1)}`), dialect, [400]);
  });
});

describe('at the door', () => {
  const line = (target: string): string => `GET ${target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`;
  const withHost = (...hosts: readonly string[]): string =>
    ['GET /v1/models HTTP/1.1', ...hosts.map((host) => `Host: ${host}`), 'Connection: close', '', ''].join('\r\n');

  test.each([
    ['an unknown path', line('/no/such/path'), [404]],
    ['the root', line('/'), [404]],
    ['a doubled slash', line('//healthz/x'), [400]],
    ['a dot segment', line('/v1/../healthz'), [400]],
    ['an encoded dot segment', line('/v1/%2e%2E/healthz'), [400]],
    ['a dot segment behind an encoded slash', line('/providers/x%2f..%2fy'), [400]],
    ['a backslash', line('/v1\\models'), [400]],
    ['an encoded control byte', line('/v1/%00models'), [400]],
    ['a percent sign that encodes nothing', line('/v1/%zz'), [400]],
    ['a fragment', line('/v1/models#x'), [400]],
    ['the absolute form', line('http://localhost/v1/models'), [400]],
    ['the asterisk form', line('*'), [400]],
    ['a target of 20 KB', line(`/v1/${'a'.repeat(20_000)}`), [400, 414, 431]],
    ['no Host', withHost(), [400]],
    ['two Host lines', withHost('localhost', 'localhost'), [400]],
    ['an empty Host', withHost(''), [400]],
    ['a Host with a comma', withHost('a,b'), [400]],
    ['a Host with a user', withHost('user@localhost'), [400]],
    ['a Host with a path', withHost('localhost/path'), [400]],
    ['a Host with a query', withHost('localhost?x'), [400]],
    ['a Host with a fragment', withHost('localhost#x'), [400]],
    ['a Host with a backslash', withHost('localhost\\x'), [400]],
    ['a Host with a port that is none', withHost('localhost:99999'), [400]],
    [
      'a header line with a control byte',
      withHost('localhost').replace('Connection', 'X: a\u0001b\r\nConnection'),
      [400],
    ],
    ['a header line without a colon', withHost('localhost').replace('Connection', 'nonsense\r\nConnection'), [400]],
    ['a folded header line', withHost('localhost').replace('Connection', 'X: a\r\n b\r\nConnection'), [400]],
    ['a space before the colon', withHost('localhost').replace('Connection: close', 'Connection : close'), [400]],
    [
      'headers of 100 KB',
      withHost('localhost').replace('Connection', `X: ${'a'.repeat(100_000)}\r\nConnection`),
      [431],
    ],
    ['no HTTP at all', '\u0016\u0003\u0001\u0000hello\r\n\r\n', [400]],
    ['an HTTP version that does not exist', 'GET / HTTP/9.9\r\nHost: localhost\r\n\r\n', [400, 505]],
  ])('%s is refused with a sentence', async (_name, bytes, statuses) => {
    expectRefusal(await exchange(bytes), 'openai', statuses);
  });

  const upload = (...lines: readonly string[]): string =>
    [
      'POST /v1/chat/completions HTTP/1.1',
      'Host: localhost',
      'Connection: close',
      'Content-Type: application/json',
      `Authorization: Bearer ${product.firstKey}`,
      ...lines,
    ].join('\r\n');

  test.each([
    [
      'Content-Length and Transfer-Encoding together',
      ['Content-Length: 5', 'Transfer-Encoding: chunked', '', '0\r\n\r\n'],
    ],
    ['two different lengths', ['Content-Length: 5', 'Content-Length: 6', '', 'hello!']],
    ['a length that is no number', ['Content-Length: 5x', '', 'hello']],
    ['a negative length', ['Content-Length: -1', '', '']],
    ['an unknown transfer coding', ['Transfer-Encoding: gzip', '', 'hello']],
    ['chunked twice', ['Transfer-Encoding: chunked, chunked', '', '0\r\n\r\n']],
    ['a chunk size that is no number', ['Transfer-Encoding: chunked', '', 'zz\r\nhello\r\n0\r\n\r\n']],
    ['a chunk longer than announced', ['Transfer-Encoding: chunked', '', '2\r\nhello\r\n0\r\n\r\n']],
  ])('%s is refused and the connection closed', async (_name, lines) => {
    const answer = await exchange(upload(...lines));
    expect(answer.timedOut).toBe(false);
    expectRefusal(answer, 'openai', [400, 413]);
  });

  test('chunk extensions are refused', async () => {
    const answer = await exchange(upload('Transfer-Encoding: chunked', '', '5;x=y\r\nhello\r\n0\r\n\r\n'));
    expectRefusal(answer, 'openai', [400, 413]);
  });

  test('what stands behind a refused request is not taken for another one', async () => {
    const smuggled = 'GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n';
    const lines = ['Content-Length: 4', 'Transfer-Encoding: chunked', '', `0\r\n\r\n${smuggled}`];
    const answer = await exchange(upload(...lines).replace('Connection: close\r\n', ''));
    expect(answer.text.match(/HTTP\/1\.1 \d{3}/g)).toHaveLength(1);
  });

  test('a body that stops short does not occupy the gateway: other calls are answered', async () => {
    const stuck = exchange(upload('Content-Length: 50', '', '{"model":'));
    expect((await exchange('GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')).status).toBe(200);
    const answer = await stuck;
    expect([0, 400, 408]).toContain(answer.status);
  });

  test('a health check needs no key', async () => {
    for (const path of ['/healthz', '/readyz']) expect((await exchange(line(path))).status).toBe(200);
  });
});
