import http from 'node:http';
import { Duplex } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Http1ResponseParser } from './http1-response-parser.ts';
import type { Http1ResponseProgress } from './http1-response-parser.ts';

interface Parsed {
  readonly outcome: Http1ResponseProgress;
  readonly kind: string | null;
  readonly status: number;
  readonly headers: readonly string[];
  readonly body: string;
  readonly keepAlive: boolean;
}

/** Pushes the bytes cut at the given offsets; the server's end of stream follows unless the answer is over. */
function parse(bytes: string, cuts: readonly number[] = [], isHeadRequest = false): Parsed {
  let status = 0;
  let headers: readonly string[] = [];
  let body = '';
  const parser = new Http1ResponseParser({
    onHead: (gotStatus, gotHeaders) => {
      expect(status).toBe(0);
      status = gotStatus;
      headers = gotHeaders;
    },
    onData: (chunk) => {
      expect(status).not.toBe(0);
      expect(chunk.length).toBeGreaterThan(0);
      body += chunk.toString('latin1');
    },
  });
  parser.reset(isHeadRequest);
  const buffer = Buffer.from(bytes, 'latin1');
  const offsets = [...new Set([0, ...cuts.filter((cut) => cut < buffer.length), buffer.length])].toSorted(
    (a, b) => a - b,
  );
  let outcome: Http1ResponseProgress = 'more';
  for (let i = 0; i + 1 < offsets.length && outcome !== 'failed'; i++) {
    outcome = parser.push(buffer.subarray(offsets[i], offsets[i + 1]));
  }
  if (outcome === 'more') outcome = parser.end();
  return { outcome, kind: parser.failure?.kind ?? null, status, headers, body, keepAlive: parser.keepAlive };
}

function everyByte(bytes: string): number[] {
  return Array.from(bytes, (_, index) => index);
}

describe('where an answer ends', () => {
  test('a body ends after its Content-Length and the connection may be kept', () => {
    const parsed = parse('HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A:  b\tc \r\n\r\nhello');
    expect(parsed).toEqual({
      outcome: 'done',
      kind: null,
      status: 200,
      headers: ['content-length', '5', 'x-a', 'b\tc'],
      body: 'hello',
      keepAlive: true,
    });
  });

  test('a chunked body ends after its last chunk; extensions and trailers are dropped', () => {
    const bytes =
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n5;a="b c";d\r\nhello\r\n00A\r\n, world!!\n\r\n0\r\nX-T: 1\r\ny:\r\n\r\n';
    for (const cuts of [[], everyByte(bytes)]) {
      expect(parse(bytes, cuts)).toMatchObject({ outcome: 'done', body: 'hello, world!!\n', keepAlive: true });
    }
  });

  test('a body without a length ends with the connection', () => {
    expect(parse('HTTP/1.1 200 OK\r\n\r\nabc')).toMatchObject({ outcome: 'done', body: 'abc', keepAlive: false });
  });

  test.each([
    ['204', 'HTTP/1.1 204 No Content\r\n\r\n', false],
    ['304', 'HTTP/1.1 304 Not Modified\r\n\r\n', false],
    ['the answer to HEAD', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n', true],
    ['a zero length', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n', false],
  ])('%s has no body', (_, bytes, isHeadRequest) => {
    expect(parse(bytes, [], isHeadRequest)).toMatchObject({ outcome: 'done', body: '', keepAlive: true });
  });

  test('an answer without a body that announces one gives up the connection', () => {
    const announced = 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n';
    expect(parse(announced, [], true)).toMatchObject({ outcome: 'done', body: '', keepAlive: false });
    expect(parse(announced.replace('200 OK', '204 ')).keepAlive).toBe(false);
  });

  test.each([
    ['inside the head', 'HTTP/1.1 200 OK\r\nContent-Le'],
    ['inside a body', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell'],
    ['before the last chunk', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n'],
    ['inside the trailers', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nx: y\r\n'],
    ['after an interim answer', 'HTTP/1.1 103 Early Hints\r\n\r\n'],
  ])('a close %s is never taken for the end', (_, bytes) => {
    expect(parse(bytes).outcome).toBe('more');
  });

  test('bytes after the answer give up the connection', () => {
    const answer = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
    expect(parse(answer + 'HTTP/1.1 200 OK\r\n\r\n')).toMatchObject({ outcome: 'done', body: 'ok', keepAlive: false });
  });

  test('interim answers are skipped, up to ten', () => {
    const interim = 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n';
    const answer = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
    expect(parse(interim.repeat(10) + answer)).toMatchObject({ status: 200, body: 'ok', keepAlive: true });
    expect(parse(interim.repeat(11) + answer).kind).toBe('invalid');
  });

  test('a listener that gives up hears nothing more from the buffer at hand', () => {
    const heard: string[] = [];
    const parser: Http1ResponseParser = new Http1ResponseParser({
      onHead: () => heard.push('head'),
      onData: () => {
        heard.push('data');
        parser.stop();
      },
    });
    parser.reset(false);
    const bytes = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n0\r\n\r\n';
    expect(parser.push(Buffer.from(bytes))).toBe('more');
    expect(heard).toEqual(['head', 'data']);
  });
});

describe('whether the connection may be kept', () => {
  test.each([
    ['HTTP/1.1', '', true],
    ['HTTP/1.1', 'Connection: close\r\n', false],
    ['HTTP/1.1', 'Connection: x , Close\r\n', false],
    ['HTTP/1.1', 'Connection: keep-alive\r\nConnection: close\r\n', false],
    ['HTTP/1.0', '', false],
    ['HTTP/1.0', 'Connection: Keep-Alive\r\n', true],
  ])('%s with %j: %s', (version, lines, keepAlive) => {
    expect(parse(`${version} 200 OK\r\n${lines}Content-Length: 0\r\n\r\n`).keepAlive).toBe(keepAlive);
  });

  test("the server's timeout is told", () => {
    const parser = new Http1ResponseParser({ onHead: () => undefined, onData: () => undefined });
    parser.reset(false);
    parser.push(Buffer.from('HTTP/1.1 200 OK\r\nKeep-Alive: max=5, timeout=7\r\nContent-Length: 0\r\n\r\n'));
    expect(parser.keepAliveHintSeconds).toBe(7);
    parser.reset(false);
    parser.push(Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'));
    expect(parser.keepAliveHintSeconds).toBe(-1);
  });
});

const CHUNKED = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';

describe('what is refused, however it is cut', () => {
  test.each([
    ['another protocol', 'SSH-2.0-OpenSSH_9.2\r\n'],
    ['another major version', 'HTTP/2.0 200 OK\r\n\r\n'],
    ['an empty line before the status line', '\r\nHTTP/1.1 200 OK\r\n\r\n'],
    ['a status of two digits', 'HTTP/1.1 20 OK\r\n\r\n'],
    ['a status in another notation', 'HTTP/1.1 1e2 OK\r\n\r\n'],
    ['a status out of range', 'HTTP/1.1 999 OK\r\n\r\n'],
    ['a status run into its reason', 'HTTP/1.1 200OK\r\n\r\n'],
    ['a protocol switched unasked', 'HTTP/1.1 101 Switching Protocols\r\n\r\n'],
    ['bare LF', 'HTTP/1.1 200 OK\nContent-Length: 0\n\n'],
    ['bare LF among CRLF', 'HTTP/1.1 200 OK\r\nA: b\nC: d\r\n\r\n'],
    ['bare CR', 'HTTP/1.1 200 OK\r\nA: b\rC: d\r\n\r\n'],
    ['CR before the end of the head', 'HTTP/1.1 200 OK\r\nA: b\r\r\n\r\n'],
    ['NUL in a value', 'HTTP/1.1 200 OK\r\nA: b\0\r\n\r\n'],
    ['a folded line', 'HTTP/1.1 200 OK\r\nA: b\r\n c: d\r\n\r\n'],
    ['a space before the colon', 'HTTP/1.1 200 OK\r\nContent-Length : 0\r\n\r\n'],
    ['a line without a colon', 'HTTP/1.1 200 OK\r\nABC\r\nD: e\r\n\r\n'],
    ['an empty name', 'HTTP/1.1 200 OK\r\n: x\r\n\r\n'],
    ['both framings', 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd'],
    ['a list of lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 3, 3\r\n\r\nabc'],
    ['a signed length', 'HTTP/1.1 200 OK\r\nContent-Length: +3\r\n\r\nabc'],
    ['an empty length', 'HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n'],
    ['a length beyond exact numbers', 'HTTP/1.1 200 OK\r\nContent-Length: 9007199254740993\r\n\r\n'],
    ['a coding that was not asked for', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n'],
    ['a tab in a framing header', CHUNKED.replace('chunked', 'chunked\t') + '0\r\n\r\n'],
    ['chunked twice', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n'],
    ['chunked in HTTP/1.0', 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['a chunk size that is none', CHUNKED + 'x\r\n'],
    ['a missing chunk size', CHUNKED + '\r\n'],
    ['a chunk size with 0x', CHUNKED + '0x5\r\nhello\r\n'],
    ['a space after a chunk size', CHUNKED + '5 \r\nhello\r\n0\r\n\r\n'],
    ['a chunk size beyond 48 bits', CHUNKED + '1000000000000\r\n'],
    ['bare LF after a chunk size', CHUNKED + '5\nhello\r\n0\r\n\r\n'],
    ['bare LF in an extension', CHUNKED + '5;a\nhello\r\n0\r\n\r\n'],
    ['a chunk longer than its size', CHUNKED + '4\r\nhello\r\n0\r\n\r\n'],
    ['a trailer that is no field', CHUNKED + '0\r\nabc\r\n\r\n'],
    ['a folded trailer', CHUNKED + '0\r\na: b\r\n c\r\n\r\n'],
  ])('%s', (_, bytes) => {
    expect(parse(bytes)).toMatchObject({ outcome: 'failed', kind: 'invalid', keepAlive: false });
    expect(parse(bytes, everyByte(bytes))).toMatchObject({ outcome: 'failed', kind: 'invalid', keepAlive: false });
  });

  test('an identical repeated length is told once', () => {
    const parsed = parse('HTTP/1.1 200 OK\r\nContent-Length: 3\r\ncontent-length: 3\r\n\r\nabc');
    expect(parsed).toMatchObject({ outcome: 'done', headers: ['content-length', '3'], body: 'abc' });
  });

  test.each([
    ['a head of more than 64 KiB', `HTTP/1.1 200 OK\r\nA: ${'x'.repeat(64 * 1024)}\r\n\r\n`],
    ['a head that never ends', `HTTP/1.1 200 OK\r\n${'A: x\r\n'.repeat(20_000)}`],
    ['more than 200 lines', `HTTP/1.1 200 OK\r\n${'A: x\r\n'.repeat(201)}\r\n`],
    ['endless chunk extensions', CHUNKED + `1;${'x'.repeat(500)}\r\na\r\n`.repeat(40)],
    ['endless trailers', CHUNKED + '0\r\n' + 'a: b\r\n'.repeat(10_000)],
  ])('%s is too large', (_, bytes) => {
    expect(parse(bytes)).toMatchObject({ outcome: 'failed', kind: 'headers_too_large' });
    const cuts = Array.from({ length: Math.ceil(bytes.length / 1_000) }, (_cut, index) => index * 1_000);
    expect(parse(bytes, cuts)).toMatchObject({ outcome: 'failed', kind: 'headers_too_large' });
  });
});

const name = fc
  .stringMatching(/^[A-Za-z][A-Za-z0-9-]{0,20}$/)
  .filter(
    (text) =>
      !/^(content-length|transfer-encoding|connection|keep-alive|trailer|upgrade|proxy-connection)$/i.test(text),
  );
const value = fc.stringMatching(/^[\x21-\x7e\x80-\xff]([\x20-\x7e\t\x80-\xff]{0,30}[\x21-\x7e\x80-\xff])?$/);
const bodyText = fc.string({
  unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)),
  maxLength: 300,
});
const fieldLines = fc
  .array(fc.tuple(name, value), { maxLength: 8 })
  .map((pairs) => pairs.map(([n, v]) => `${n}: ${v}\r\n`).join(''));
const interim = fc.constantFrom('', 'HTTP/1.1 100 Continue\r\n\r\n', 'HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n');
const chunkedBody = fc
  .tuple(
    fc.array(
      bodyText.filter((text) => text !== ''),
      { maxLength: 5 },
    ),
    fieldLines,
  )
  .map(
    ([chunks, trailers]) => chunks.map((c) => `${c.length.toString(16)}\r\n${c}\r\n`).join('') + `0\r\n${trailers}\r\n`,
  );
const framedBody = fc.oneof(
  bodyText.map((text) => `Content-Length: ${text.length}\r\n\r\n${text}`),
  chunkedBody.map((text) => `Transfer-Encoding: chunked\r\n\r\n${text}`),
  bodyText.map((text) => `\r\n${text}`),
);
const validAnswer = fc
  .tuple(interim, fc.constantFrom(200, 201, 400, 429, 500), fieldLines, framedBody)
  .map(([before, status, lines, body]) => `${before}HTTP/1.1 ${status} Reason\r\n${lines}${body}`);
/** One byte replaced, removed or doubled, preferably by a byte that means something. */
const mutatedAnswer = fc
  .tuple(
    validAnswer,
    fc.nat(),
    fc.constantFrom('', '\r', '\n', ' ', ':', ';', '0', 'f', '\0', '\t', ',', '\r\n'),
    fc.boolean(),
  )
  .map(([text, seed, insert, replaces]) => {
    const at = seed % text.length;
    return text.slice(0, at) + insert + text.slice(replaces ? at + 1 : at);
  });
const cutPoints = fc.array(fc.nat({ max: 900 }), { maxLength: 12 });

describe('properties', () => {
  test('the same bytes give the same answer however they are cut', () => {
    fc.assert(
      fc.property(fc.oneof(validAnswer, mutatedAnswer), cutPoints, (bytes, cuts) => {
        const whole = parse(bytes);
        expect(parse(bytes, cuts)).toEqual(whole);
        expect(parse(bytes, everyByte(bytes))).toEqual(whole);
      }),
      { numRuns: 500 },
    );
  });

  test("a valid answer is read as Node's own client reads it", async () => {
    await fc.assert(
      fc.asyncProperty(validAnswer, cutPoints, async (bytes, cuts) => {
        const parsed = parse(bytes, cuts);
        expect(parsed.outcome).toBe('done');
        const { status, headers, body } = parsed;
        expect({ status, headers, body }).toEqual(await readByNode(bytes));
      }),
      { numRuns: 200 },
    );
  });

  test("a damaged answer is refused, or read as Node's own client reads it", async () => {
    let compared = 0;
    await fc.assert(
      fc.asyncProperty(mutatedAnswer, async (bytes) => {
        const parsed = parse(bytes);
        if (parsed.outcome !== 'done') return;
        const byNode = await readByNode(bytes);
        const { status, headers, body } = parsed;
        if (byNode === null) return;
        expect({ status, headers, body }).toEqual(byNode);
        compared += 1;
      }),
      { numRuns: 400 },
    );
    expect(compared).toBeGreaterThan(50);
  });
});

interface NodeAnswer {
  readonly status: number;
  readonly headers: readonly string[];
  readonly body: string;
}

/** Null when Node refuses the answer. */
async function readByNode(bytes: string): Promise<NodeAnswer | null> {
  const { promise, resolve } = Promise.withResolvers<NodeAnswer | null>();
  const connection = new Duplex({
    read: () => undefined,
    write: (_chunk, _encoding, done) => done(),
  });
  const req = http.get({ createConnection: () => connection, headers: { host: 'x' } });
  req.on('error', () => resolve(null));
  req.on('response', (res) => {
    let body = '';
    res.setEncoding('latin1');
    res.on('data', (text: string) => (body += text));
    res.on('error', () => resolve(null));
    res.on('end', () => {
      const headers = res.rawHeaders.map((text, index) => (index % 2 === 0 ? text.toLowerCase() : text));
      resolve({ status: res.statusCode ?? 0, headers, body });
    });
  });
  // The response's own 'end' may come a moment after.
  req.on('close', () => setImmediate(resolve, null));
  connection.push(Buffer.from(bytes, 'latin1'));
  connection.push(null);
  return promise;
}
