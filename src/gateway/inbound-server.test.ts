import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Pool } from 'undici';
import { afterEach, describe, expect, test } from 'vitest';
import { createInboundServer } from './inbound-server.ts';
import type { Inbound, InboundServer, InboundServerOptions } from './inbound.ts';

const OPTIONS: Omit<InboundServerOptions, 'onRequest'> = {
  tls: null,
  headBytesMax: 16_384,
  headerLinesMax: 100,
  headTimeoutMs: 10_000,
  bodyTimeoutMs: 10_000,
  keepAliveMs: 10_000,
  connectionsMax: 100,
  malformedAnswer: (reason) => ({
    status: { invalid_request: 400, headers_too_large: 431, body_too_large: 413, request_timeout: 408, overloaded: 503 }[
      reason
    ],
    headers: ['x-reason', reason],
    body: Buffer.from(reason),
  }),
};

const toClose: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of toClose.splice(0).toReversed()) await close();
});

interface Listening {
  readonly server: InboundServer;
  readonly port: number;
  /** Every request that was told. */
  readonly told: Inbound[];
}

async function listen(
  onRequest: (inbound: Inbound, index: number) => void,
  options: Partial<InboundServerOptions> = {},
): Promise<Listening> {
  const told: Inbound[] = [];
  const server = createInboundServer({
    ...OPTIONS,
    ...options,
    onRequest: (inbound) => onRequest(inbound, told.push(inbound) - 1),
  });
  const port = await server.listen({ host: '127.0.0.1', port: 0, reusePort: false });
  toClose.push(() => server.drain(0));
  return { server, port, told };
}

/** Answers with the method, the target and the body. */
function echo(inbound: Inbound): void {
  inbound.readBody(1_000_000, (body) => {
    if (body === 'gone') return;
    if (body === 'too-large') inbound.respond(413, [], Buffer.from(body));
    else inbound.respond(200, [], Buffer.concat([Buffer.from(`${inbound.method} ${inbound.target} `), body]));
  });
}

class RawClient {
  readonly socket: net.Socket;
  text = '';
  ended = false;
  closed = false;
  error = '';

  constructor(port: number) {
    this.socket = net.connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
    this.socket.on('data', (chunk) => (this.text += chunk.toString('latin1')));
    this.socket.on('end', () => (this.ended = true));
    this.socket.on('error', (error: NodeJS.ErrnoException) => (this.error = error.code ?? ''));
    this.socket.on('close', () => (this.closed = true));
    toClose.push(() => this.socket.destroy());
  }

  send(bytes: string | Buffer): this {
    this.socket.write(bytes);
    return this;
  }

  /** Without the date, which is checked once. */
  get answers(): string {
    return this.text.replaceAll(/date: [^\r]+ GMT\r\n/g, '');
  }

  async until(pattern: RegExp): Promise<string> {
    await expect.poll(() => this.answers, { interval: 5, timeout: 5_000 }).toMatch(pattern);
    return this.answers;
  }

  async untilEnded(): Promise<string> {
    await expect.poll(() => this.ended || this.closed, { interval: 5, timeout: 5_000 }).toBe(true);
    return this.answers;
  }
}

function ok(body: string, close = false): string {
  return `HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n${close ? 'connection: close\r\n' : ''}\r\n${body}`;
}

const BAD = 'HTTP/1.1 400 Bad Request\r\nx-reason: invalid_request\r\ncontent-length: 15\r\nconnection: close\r\n\r\ninvalid_request';

function post(body: string, lines = ''): string {
  return `POST /p HTTP/1.1\r\nHost: x\r\n${lines}Content-Length: ${body.length}\r\n\r\n${body}`;
}

const GET = 'GET /g HTTP/1.1\r\nHost: x\r\n\r\n';
const CHUNKED = 'POST /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n';

describe('requests and answers', () => {
  test('a request is told as it was sent, and its answer carries date and length', async () => {
    const { port, told } = await listen(echo);
    const client = new RawClient(port).send('POST /a?b=%20c HTTP/1.1\r\nHost: x\r\nX-Ab:  c d\t\r\nContent-Length: 2\r\n\r\nhi');
    await client.until(/hi$/);
    expect(client.text).toMatch(
      /^HTTP\/1\.1 200 OK\r\ndate: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT\r\ncontent-length: 17\r\n\r\nPOST \/a\?b=%20c hi$/,
    );
    expect(told[0]).toMatchObject({
      method: 'POST',
      target: '/a?b=%20c',
      headers: ['host', 'x', 'x-ab', 'c d', 'content-length', '2'],
      remoteAddress: '127.0.0.1',
      bodyLength: 2,
      answered: true,
      gone: false,
    });
  });

  test('requests one after the other share a connection, at whatever byte they are split', async () => {
    const { port, server } = await listen(echo);
    const request = post('ab') + CHUNKED + '3\r\ncde\r\n1\r\nf\r\n0\r\nX-T: 1\r\n\r\n' + GET;
    const expected = ok('POST /p ab') + ok('POST /c cdef') + ok('GET /g ');
    const whole = new RawClient(port).send(request);
    await expect.poll(() => whole.answers).toBe(expected);
    const bytewise = new RawClient(port);
    for (const byte of request) {
      bytewise.send(byte);
      await new Promise(setImmediate);
    }
    await expect.poll(() => bytewise.answers).toBe(expected);
    for (let cut = 1; cut < request.length; cut += 3) {
      const client = new RawClient(port).send(request.slice(0, cut));
      await sleep(1);
      client.send(request.slice(cut));
      await expect.poll(() => client.answers, { interval: 2 }).toBe(expected);
      client.socket.destroy();
    }
    expect(server.connections).toBeLessThan(10);
  });

  test('pipelined requests are told one at a time and answered in order', async () => {
    let running = 0;
    const { port } = await listen(async (inbound, index) => {
      expect(++running).toBe(1);
      await sleep(20 - index);
      running -= 1;
      echo(inbound);
    });
    const client = new RawClient(port);
    client.send(Array.from({ length: 10 }, (_, i) => GET.replace('/g', `/${i}`)).join(''));
    await expect.poll(() => client.answers).toBe(Array.from({ length: 10 }, (_, i) => ok(`GET /${i} `)).join(''));
  });

  test('a streamed answer leaves in chunks, the head with the first', async () => {
    const { port } = await listen(async (inbound) => {
      inbound.begin(200, ['content-type', 'text/event-stream']);
      await sleep(20);
      inbound.write(Buffer.from('one'));
      await sleep(20);
      inbound.write(Buffer.alloc(20_000, 'a'));
      inbound.end();
    });
    const client = new RawClient(port).send(GET);
    await sleep(10);
    expect(client.text).toBe('');
    const head = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n';
    const expected = `${head}3\r\none\r\n4e20\r\n${'a'.repeat(20_000)}\r\n0\r\n\r\n`;
    await expect.poll(() => client.answers).toBe(expected);
    client.send(GET);
    await expect.poll(() => client.answers).toBe(expected + expected);
  });

  test('HEAD, 204 and 304 have no body, however they are answered', async () => {
    const { port } = await listen((inbound) => {
      const status = Number(inbound.target.slice(1, 4));
      if (inbound.target.endsWith('s')) {
        inbound.begin(status, []);
        inbound.write(Buffer.from('body'));
        inbound.end();
      } else {
        inbound.respond(status, [], Buffer.from('body'));
      }
    });
    const client = new RawClient(port);
    const requests = ['HEAD /200', 'HEAD /200s', 'GET /204', 'GET /204s', 'GET /304', 'GET /304s'];
    client.send(requests.map((line) => `${line} HTTP/1.1\r\n\r\n`).join(''));
    const expected = [
      'HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n',
      'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n',
      'HTTP/1.1 204 No Content\r\n\r\n'.repeat(2),
      'HTTP/1.1 304 Not Modified\r\n\r\n'.repeat(2),
    ];
    await expect.poll(() => client.answers).toBe(expected.join(''));
  });

  test('HTTP/1.0 is answered without chunks and the connection closed', async () => {
    const { port } = await listen((inbound) => {
      if (inbound.target === '/whole') return inbound.respond(200, [], Buffer.from('ok'));
      inbound.begin(200, []);
      inbound.write(Buffer.from('one'));
      inbound.write(Buffer.from('two'));
      inbound.end();
    });
    const whole = new RawClient(port).send('GET /whole HTTP/1.0\r\nConnection: keep-alive\r\n\r\n');
    expect(await whole.untilEnded()).toBe(ok('ok', true));
    const streamed = new RawClient(port).send('GET /s HTTP/1.0\r\n\r\n');
    expect(await streamed.untilEnded()).toBe('HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nonetwo');
  });

  test('a caller that asks for the close gets it, and so does an answer that does', async () => {
    const { port, told } = await listen((inbound) => {
      inbound.respond(200, inbound.target === '/g' ? [] : ['connection', 'close'], Buffer.from('ok'));
    });
    const asking = new RawClient(port).send(GET.replace('\r\n\r\n', '\r\nConnection: TE, Close\r\n\r\n') + GET);
    expect(await asking.untilEnded()).toBe(ok('ok', true));
    const told1 = new RawClient(port).send(GET.replace('/g', '/x') + GET);
    expect(await told1.untilEnded()).toBe(ok('ok', true));
    expect(told).toHaveLength(2);
  });

  test.each([
    ['a line break in a value', ['a', 'b\r\nc: d']],
    ['a character that latin-1 would cut down to a line feed', ['a', 'b\u010a']],
    ['a name that is no token', ['a b', 'c']],
    ['a second length', ['Content-Length', '1']],
    ['a name without a value', ['a']],
  ])('%s is never written', async (_, headers) => {
    const { port } = await listen((inbound) => {
      expect(() => inbound.respond(200, headers, Buffer.from('x'))).toThrow(Error);
      expect(() => inbound.begin(200, headers)).toThrow(Error);
      echo(inbound);
    });
    const client = new RawClient(port).send(GET);
    await expect.poll(() => client.answers).toBe(ok('GET /g '));
  });
});

describe('bodies', () => {
  test('a body read later than it came is told whole', async () => {
    const { port } = await listen(async (inbound) => {
      await sleep(30);
      echo(inbound);
    });
    const body = 'x'.repeat(300_000);
    const client = new RawClient(port).send(post(body) + GET);
    await expect.poll(() => client.answers).toBe(ok(`POST /p ${body}`) + ok('GET /g '));
  });

  test('a body over the bound is too large, announced or not', async () => {
    const { port } = await listen((inbound) => {
      inbound.readBody(10, (body) => inbound.respond(413, [], Buffer.from(String(body))));
    });
    for (const request of [post('x'.repeat(11)), `${CHUNKED}6\r\n123456\r\n5\r\n12345\r\n0\r\n\r\n`]) {
      const client = new RawClient(port).send(request + GET);
      expect(await client.until(/413.*too-large.*413/s)).not.toContain('close');
    }
  });

  test('100 Continue is sent when the body is wanted, and not to who is refused', async () => {
    const { port } = await listen(async (inbound) => {
      await sleep(20);
      if (inbound.target === '/p') echo(inbound);
      else inbound.respond(401, [], Buffer.from('no'));
    });
    const client = new RawClient(port).send(post('', 'Expect: 100-continue\r\n').replace('Length: 0', 'Length: 2'));
    await expect.poll(() => client.answers).toBe('HTTP/1.1 100 Continue\r\n\r\n');
    client.send('hi');
    await expect.poll(() => client.answers).toBe('HTTP/1.1 100 Continue\r\n\r\n' + ok('POST /p hi'));
    const refused = new RawClient(port).send('POST /r HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n');
    expect(await refused.untilEnded()).toBe(
      'HTTP/1.1 401 Unauthorized\r\ncontent-length: 2\r\nconnection: close\r\n\r\nno',
    );
    const odd = new RawClient(port).send(post('hi', 'Expect: 200-ok\r\n'));
    expect(await odd.untilEnded()).toBe(BAD);
  });

  test('an answer before a small body was read keeps the connection', async () => {
    const { port } = await listen((inbound) => inbound.respond(200, [], Buffer.from(inbound.target)));
    const client = new RawClient(port).send(post('x'.repeat(500_000)).slice(0, 200_000));
    await expect.poll(() => client.answers).toBe(ok('/p'));
    client.send('x'.repeat(500_000 - 200_000 + post('x'.repeat(500_000)).length - 500_000) + GET);
    await expect.poll(() => client.answers).toBe(ok('/p') + ok('/g'));
    client.send(CHUNKED + '2\r\nhi\r\n0\r\n\r\n' + GET);
    await expect.poll(() => client.answers).toBe(ok('/p') + ok('/g') + ok('/c') + ok('/g'));
  });

  test('a caller that is refused in the middle of a large body can read the answer', async () => {
    const { port, told, server } = await listen((inbound) => {
      inbound.readBody(1_000, (body) => inbound.respond(413, [], Buffer.from(String(body))));
    });
    const client = new RawClient(port).send('POST / HTTP/1.1\r\nContent-Length: 50000000\r\n\r\n');
    client.socket.pause();
    for (let i = 0; i < 20; i++) {
      client.send(Buffer.alloc(200_000, 'GET / HTTP/1.1\r\n\r\n'));
      await sleep(20);
    }
    client.socket.resume();
    expect(await client.untilEnded()).toContain('HTTP/1.1 413 Payload Too Large\r\ncontent-length: 9\r\nconnection: close');
    expect(client.error).toBe('');
    expect(told).toHaveLength(1);
    await expect.poll(() => server.connections, { timeout: 3_000 }).toBe(0);
  });
});

describe('what is no request', () => {
  test.each([
    ['garbage', '\u0016\u0003\u0001\u0000hello\r\n\r\n'],
    ['garbage without an end', '\u0016\u0003\u0001\u0000hello'],
    ['bare LF', 'GET / HTTP/1.1\nHost: x\n\n'],
    ['both framings', 'POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['two equal lengths', 'POST / HTTP/1.1\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nhi'],
    ['a chunk extension', CHUNKED + '2;a=b\r\nhi\r\n0\r\n\r\n'],
    ['a bad chunk size', CHUNKED + 'zz\r\nhi\r\n0\r\n\r\n'],
  ])('%s gets one answer, and the connection is closed', async (_, bytes) => {
    const { port, told } = await listen(echo);
    const client = new RawClient(port).send(bytes + GET);
    expect(await client.untilEnded()).toBe(BAD);
    expect(told.length).toBe(bytes.startsWith(CHUNKED) ? 1 : 0);
    if (told[0] !== undefined) expect(told[0].gone).toBe(true);
    client.socket.end();
    await expect.poll(() => client.closed).toBe(true);
  });

  test('garbage behind a valid request is answered after it, in order', async () => {
    const { port } = await listen(async (inbound) => {
      await sleep(30);
      echo(inbound);
    });
    const client = new RawClient(port).send(`${post('hi')}garbage\r\n\r\n${GET}`);
    expect(await client.untilEnded()).toBe(ok('POST /p hi') + BAD);
  });

  test('a head over its bounds is told as such', async () => {
    const { port } = await listen(echo);
    const long = new RawClient(port).send(`GET / HTTP/1.1\r\nX: ${'y'.repeat(20_000)}\r\n\r\n`);
    expect(await long.untilEnded()).toMatch(/^HTTP\/1\.1 431 /);
    const many = new RawClient(port).send(`GET / HTTP/1.1\r\n${'X: y\r\n'.repeat(101)}\r\n`);
    expect(await many.untilEnded()).toMatch(/^HTTP\/1\.1 431 /);
  });

  test('a reader that gives up because of a malformed body does not cut its answer', async () => {
    const { port } = await listen((inbound) => {
      inbound.onGone = () => inbound.destroy();
      inbound.readBody(100, (body) => {
        if (body === 'gone') inbound.destroy();
      });
    });
    expect(await new RawClient(port).send(`${CHUNKED}x`).untilEnded()).toBe(BAD);
  });
});

describe('callers that leave', () => {
  const leaving = [
    ['ends', (client: RawClient) => client.socket.end()],
    ['resets', (client: RawClient) => client.socket.resetAndDestroy()],
  ] as const;

  test.each(leaving)('one that %s in the middle of the body is told within 100 ms, once', async (_, leave) => {
    const events: string[] = [];
    const { port } = await listen((inbound) => {
      inbound.onGone = () => events.push('onGone');
      inbound.readBody(100, (body) => events.push(String(body)));
    });
    const client = new RawClient(port).send(post('hello').slice(0, -2));
    await sleep(30);
    leave(client);
    await sleep(100);
    expect(events).toEqual(['gone', 'onGone']);
    await expect.poll(() => client.closed).toBe(true);
  });

  test.each(leaving)('one that %s before or in the middle of the answer is told within 100 ms', async (_, leave) => {
    for (const begins of [false, true]) {
      let gone = 0;
      const { port, server, told } = await listen((inbound) => {
        inbound.onGone = () => (gone += 1);
        if (!begins) return;
        inbound.begin(200, []);
        inbound.write(Buffer.from('one'));
      });
      const client = new RawClient(port).send(GET);
      await sleep(30);
      leave(client);
      await sleep(100);
      expect(gone).toBe(1);
      const inbound = told[0];
      expect(inbound?.gone).toBe(true);
      expect(server.connections).toBe(0);
      inbound?.write(Buffer.from('two'));
      inbound?.end();
      inbound?.respond(200, [], Buffer.from('late'));
      inbound?.destroy();
      expect(gone).toBe(1);
    }
  });

  test.each(leaving)('one that %s between requests is nobody’s business', async (_, leave) => {
    let gone = 0;
    const { port, server } = await listen((inbound) => {
      inbound.onGone = () => (gone += 1);
      echo(inbound);
    });
    const client = new RawClient(port).send(GET);
    await client.until(/GET/);
    leave(client);
    await expect.poll(() => server.connections).toBe(0);
    expect(gone).toBe(0);
  });

  test('an answer that is cut does not look whole', async () => {
    const { port } = await listen(async (inbound) => {
      inbound.begin(200, []);
      inbound.write(Buffer.from('one'));
      await sleep(20);
      inbound.destroy();
    });
    const chunked = new RawClient(port).send(GET);
    await chunked.untilEnded();
    expect(chunked.text).toMatch(/one\r\n$/);
    const old = new RawClient(port).send('GET / HTTP/1.0\r\n\r\n');
    await expect.poll(() => old.error).toBe('ECONNRESET');
  });
});

describe('back-pressure', () => {
  test('a slow reader holds back a streamed answer, which goes on when they read', async () => {
    const total = 20_000_000;
    const chunk = Buffer.alloc(50_000, 'a');
    let written = 0;
    const { port } = await listen((inbound) => {
      inbound.begin(200, []);
      const more = (): void => {
        while (written < total) {
          written += chunk.length;
          if (!inbound.write(chunk)) return;
        }
        inbound.onDrain = null;
        inbound.end();
      };
      inbound.onDrain = more;
      more();
    });
    const client = new RawClient(port);
    client.socket.pause();
    client.send('GET / HTTP/1.0\r\n\r\n');
    await sleep(200);
    expect(written).toBeLessThan(8_000_000);
    client.socket.resume();
    const text = await client.untilEnded();
    expect(text.length - text.indexOf('\r\n\r\n') - 4).toBe(total);
  });

  test('a caller that asks without reading is not served without bound', async () => {
    const { port, told } = await listen((inbound) => inbound.respond(200, [], Buffer.alloc(1_000_000)));
    const client = new RawClient(port);
    client.socket.pause();
    for (let i = 0; i < 50; i++) client.send(GET.repeat(20));
    await sleep(200);
    expect(told.length).toBeLessThan(10);
    client.socket.resume();
    await expect.poll(() => told.length, { timeout: 3_000 }).toBeGreaterThan(10);
  });

  test('a reader that takes nothing for too long is cut, one that is slow is not', async () => {
    const gone: string[] = [];
    const { port } = await listen(
      (inbound) => {
        inbound.onGone = () => gone.push(inbound.target);
        inbound.begin(200, []);
        inbound.write(Buffer.alloc(10_000_000));
      },
      { writeStallMs: 300 },
    );
    const stuck = new RawClient(port).send(GET);
    stuck.socket.pause();
    const slow = new RawClient(port).send(GET.replace('/g', '/slow'));
    for (let i = 0; i < 8; i++) {
      slow.socket.resume();
      await sleep(10);
      slow.socket.pause();
      await sleep(90);
    }
    expect(gone).toEqual(['/g']);
  });
});

describe('deadlines', () => {
  const within = async (from: number, to: number, what: Promise<unknown>): Promise<void> => {
    const before = performance.now();
    await what;
    expect(performance.now() - before).toBeGreaterThan(from);
    expect(performance.now() - before).toBeLessThan(to);
  };

  test('a head in drops is answered 408, a connection without a byte is closed in silence', async () => {
    const { port } = await listen(echo, { headTimeoutMs: 300 });
    const dripping = new RawClient(port);
    const timer = setInterval(() => dripping.send('GET / HTTP/1.1\r\nX: y'.charAt(dripping.socket.bytesWritten)), 20);
    const silent = new RawClient(port);
    await within(280, 700, Promise.all([dripping.untilEnded(), silent.untilEnded()]));
    clearInterval(timer);
    expect(dripping.answers).toMatch(/^HTTP\/1\.1 408 .*request_timeout$/s);
    expect(silent.text).toBe('');
  });

  test('a body that stops short is answered 408, an idle connection closed in silence', async () => {
    const { port, told } = await listen(echo, { bodyTimeoutMs: 300, keepAliveMs: 300, headTimeoutMs: 2_000 });
    const short = new RawClient(port).send(post('hello').slice(0, -1));
    const idle = new RawClient(port).send(GET);
    await within(280, 700, Promise.all([short.untilEnded(), idle.untilEnded()]));
    expect(short.answers).toMatch(/^HTTP\/1\.1 408 .*request_timeout$/s);
    expect(told.find((inbound) => inbound.method === 'POST')?.gone).toBe(true);
    expect(idle.answers).toBe(ok('GET /g '));
  });

  test('a request served for long is not cut', async () => {
    const { port } = await listen((inbound) => void setTimeout(echo, 900, inbound), {
      bodyTimeoutMs: 200,
      keepAliveMs: 200,
      headTimeoutMs: 200,
    });
    await new RawClient(port).send(post('hi')).until(/hi$/);
  });
});

describe('draining and overload', () => {
  test('drain closes idle connections at once and the others after their answer', async () => {
    const { port, server } = await listen((inbound) => void setTimeout(echo, inbound.target === '/g' ? 0 : 200, inbound));
    const idle = new RawClient(port).send(GET);
    const fresh = new RawClient(port);
    await idle.until(/GET/);
    const busy = new RawClient(port).send(post('hi'));
    await sleep(20);
    const drained = server.drain(5_000);
    for (const client of [idle, fresh, busy]) client.socket.on('end', () => client.socket.end());
    await sleep(60);
    expect([idle.ended, fresh.ended, busy.ended]).toEqual([true, true, false]);
    await drained;
    expect(busy.answers).toBe(ok('POST /p hi', true));
    expect(server.connections).toBe(0);
    const late = new RawClient(port);
    await expect.poll(() => late.error).toBe('ECONNREFUSED');
  });

  test('what is left after the deadline is cut', async () => {
    const { port, server, told } = await listen(() => undefined);
    new RawClient(port).send(GET);
    await expect.poll(() => told.length).toBe(1);
    const before = performance.now();
    await server.drain(200);
    expect(performance.now() - before).toBeLessThan(400);
    expect(told[0]?.gone).toBe(true);
  });

  test('connections beyond the bound are told so', async () => {
    const { port } = await listen(echo, { connectionsMax: 1 });
    const first = new RawClient(port).send(GET);
    await first.until(/GET/);
    const second = new RawClient(port).send(GET);
    expect(await second.untilEnded()).toMatch(/^HTTP\/1\.1 503 .*connection: close.*overloaded$/s);
    first.send(GET);
    await expect.poll(() => first.answers).toBe(ok('GET /g ').repeat(2));
  });

  test('a port that is taken rejects', async () => {
    const { port } = await listen(echo);
    const other = createInboundServer({ ...OPTIONS, onRequest: echo });
    await expect(other.listen({ host: '127.0.0.1', port, reusePort: false })).rejects.toThrow(/EADDRINUSE/);
  });
});

describe('clients of this world', () => {
  test("1,000 requests of Node's agent over few connections", async () => {
    const { port, told } = await listen(echo);
    let opened = 0;
    const agent = new http.Agent({ keepAlive: true, maxSockets: 4 });
    toClose.push(() => agent.destroy());
    const call = async (index: number): Promise<void> => {
      const req = http.request({ port, agent, method: 'POST', path: `/${index}` });
      req.on('socket', (socket: net.Socket) => (opened += Number(socket.bytesWritten === 0)));
      // A body of unknown length goes out in chunks.
      req.write('a');
      req.end('b'.repeat(index));
      const [res] = (await once(req, 'response')) as [http.IncomingMessage];
      expect(Buffer.concat(await res.toArray()).toString()).toBe(`POST /${index} a${'b'.repeat(index)}`);
    };
    for (let i = 0; i < 1_000; i += 20) await Promise.all(Array.from({ length: 20 }, (_, k) => call(i + k)));
    expect(told).toHaveLength(1_000);
    expect(opened).toBeLessThan(10);
  });

  test('1,000 requests of undici, pipelined', async () => {
    const { port, told } = await listen(echo);
    const pool = new Pool(`http://127.0.0.1:${port}`, { connections: 2, pipelining: 8 });
    toClose.push(() => pool.destroy());
    const call = async (index: number): Promise<void> => {
      const method = index % 2 === 0 ? 'POST' : 'GET';
      const body = method === 'POST' ? 'b'.repeat(index) : null;
      const answer = await pool.request({ method, path: `/${index}`, body });
      expect(await answer.body.text()).toBe(`${method} /${index} ${body ?? ''}`);
    };
    for (let i = 0; i < 1_000; i += 50) await Promise.all(Array.from({ length: 50 }, (_, k) => call(i + k)));
    expect(told).toHaveLength(1_000);
  });
});
