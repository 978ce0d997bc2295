import { once } from 'node:events';
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { createHttpUpstream } from './upstream-http.ts';
import type { HttpUpstream, HttpUpstreamOptions } from './upstream-http.ts';
import type { UpstreamCall, UpstreamFailure, UpstreamRequest } from './upstream.ts';

const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';
const POST: UpstreamRequest = { method: 'POST', path: '/v1/x?y=1', headers: ['x-a', 'b'], body: Buffer.from('{}') };
const GET: UpstreamRequest = { method: 'GET', path: '/', headers: [], body: null };

const toClose: (() => void)[] = [];
afterEach(() => {
  for (const close of toClose.splice(0)) close();
});

interface FakeProvider {
  readonly port: number;
  readonly sockets: net.Socket[];
  close(): void;
}

async function listen(onConnection: (socket: net.Socket, index: number) => void): Promise<FakeProvider> {
  const sockets: net.Socket[] = [];
  const server = net.createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => undefined);
    sockets.push(socket);
    onConnection(socket, sockets.length - 1);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = () => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  toClose.push(close);
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return { port: address.port, sockets, close };
}

/** Calls back for every complete request on the socket. */
function onRequest(socket: net.Socket, answer: (request: string, index: number) => void): void {
  let held = '';
  let index = 0;
  socket.on('data', (chunk: Buffer) => {
    held += chunk.toString('latin1');
    for (;;) {
      const headEnd = held.indexOf('\r\n\r\n');
      const length = Number(/\r\ncontent-length: (\d+)/.exec(held)?.[1] ?? 0);
      if (headEnd === -1 || held.length < headEnd + 4 + length) return;
      const request = held.slice(0, headEnd + 4 + length);
      held = held.slice(request.length);
      answer(request, index++);
    }
  });
}

function connect(port: number, options: Partial<HttpUpstreamOptions> = {}): HttpUpstream {
  const upstream = createHttpUpstream(
    { tls: false, host: '127.0.0.1', port, hostHeader: `provider.test:${port}` },
    {
      connectTimeoutMs: 2_000,
      firstByteTimeoutMs: 2_000,
      idleTimeoutMs: 2_000,
      answerBytesMax: 1_000_000,
      connectionsMax: 10,
      ...options,
    },
  );
  toClose.push(() => upstream.close());
  return upstream;
}

interface Answer {
  readonly status: number;
  readonly headers: readonly string[];
  readonly body: string;
  readonly failure: UpstreamFailure['kind'] | null;
}

interface Asked {
  readonly answer: Promise<Answer>;
  readonly call: UpstreamCall;
}

function begin(upstream: HttpUpstream, request: UpstreamRequest, onPiece?: (received: number) => void): Asked {
  const { promise, resolve } = Promise.withResolvers<Answer>();
  let status = 0;
  let headers: readonly string[] = [];
  const pieces: Buffer[] = [];
  let received = 0;
  let isReturned = false;
  const finish = (failure: UpstreamFailure['kind'] | null) => {
    expect(isReturned).toBe(true);
    resolve({ status, headers, body: Buffer.concat(pieces).toString('latin1'), failure });
  };
  const call = upstream.send(request, {
    onHead: (gotStatus, gotHeaders) => {
      status = gotStatus;
      headers = gotHeaders;
    },
    onData: (chunk) => {
      pieces.push(chunk);
      received += chunk.length;
      onPiece?.(received);
    },
    onEnd: () => finish(null),
    onError: (failure) => finish(failure.kind),
  });
  isReturned = true;
  return { answer: promise, call };
}

async function ask(upstream: HttpUpstream, request: UpstreamRequest = POST): Promise<Answer> {
  return begin(upstream, request).answer;
}

describe('requests', () => {
  test('a request carries its head and body, and what the gateway adds', async () => {
    const requests: string[] = [];
    const provider = await listen((socket) => {
      onRequest(socket, (request) => {
        requests.push(request);
        socket.write(OK);
      });
    });
    const upstream = connect(provider.port);
    await ask(upstream);
    await ask(upstream, GET);
    await ask(upstream, { ...POST, body: null });
    const added = `host: provider.test:${provider.port}\r\nconnection: keep-alive\r\naccept-encoding: identity\r\n`;
    expect(requests).toEqual([
      `POST /v1/x?y=1 HTTP/1.1\r\n${added}x-a: b\r\ncontent-length: 2\r\n\r\n{}`,
      `GET / HTTP/1.1\r\n${added}\r\n`,
      `POST /v1/x?y=1 HTTP/1.1\r\n${added}x-a: b\r\ncontent-length: 0\r\n\r\n`,
    ]);
  });

  test('a large body arrives whole', async () => {
    const provider = await listen((socket) => {
      let received = 0;
      socket.on('data', (chunk: Buffer) => {
        received += chunk.length;
        if (chunk.at(-1) === 10 && received > 3_000_000) socket.end(`HTTP/1.1 200 OK\r\n\r\n${received}`);
      });
    });
    const body = Buffer.alloc(3_000_000, 'a');
    body[body.length - 1] = 10;
    const answer = await ask(connect(provider.port), { ...POST, body });
    expect(Number(answer.body) - body.length).toBeGreaterThan(100);
    expect(Number(answer.body) - body.length).toBeLessThan(300);
  });

  test.each([
    ['a line break in a value', { ...GET, headers: ['a', 'b\r\nc: d'] }],
    ['NUL in a value', { ...GET, headers: ['a', 'b\0'] }],
    ['a character that latin-1 would cut down to a line feed', { ...GET, headers: ['a', 'b\u010a'] }],
    ['a name that is no token', { ...GET, headers: ['a b', 'c'] }],
    ['a second framing', { ...GET, headers: ['Transfer-Encoding', 'chunked'] }],
    ['a second host', { ...GET, headers: ['HOST', 'x'] }],
    ['a space in the path', { ...GET, path: '/a HTTP/1.1' }],
    ['a path without its slash', { ...GET, path: 'http://x/' }],
    ['a tunnel', { ...GET, method: 'CONNECT' }],
  ])('%s is never sent', (_, request) => {
    expect(() => begin(connect(1), request)).toThrow();
  });
});

describe('answers', () => {
  test('an answer split into single bytes arrives whole, chunked or not', async () => {
    const chunked =
      'HTTP/1.1 201 Created\r\nX-B: c\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n';
    const provider = await listen((socket) => {
      onRequest(socket, async (_, index) => {
        for (const byte of index === 0 ? chunked : OK) {
          socket.write(byte);
          await new Promise(setImmediate);
        }
      });
    });
    const upstream = connect(provider.port);
    expect(await ask(upstream)).toEqual({
      status: 201,
      headers: ['x-b', 'c', 'transfer-encoding', 'chunked'],
      body: 'abcde',
      failure: null,
    });
    expect(await ask(upstream)).toMatchObject({ body: 'ok', failure: null });
    expect(provider.sockets).toHaveLength(1);
  });

  test('an answer that the close ends is whole; one that the close cuts is not', async () => {
    const provider = await listen((socket, index) => {
      onRequest(socket, () => socket.end(`HTTP/1.1 200 OK\r\n${index === 0 ? '' : 'content-length: 9\r\n'}\r\nabc`));
    });
    const upstream = connect(provider.port);
    expect(await ask(upstream)).toMatchObject({ body: 'abc', failure: null });
    expect(await ask(upstream)).toMatchObject({ body: 'abc', failure: 'closed_early' });
  });

  test.each([
    ['garbage', 'SSH-2.0-OpenSSH_9.2\r\n', 'invalid_answer'],
    [
      'contradictory framing',
      'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n',
      'invalid_answer',
    ],
    ['a huge head', `HTTP/1.1 200 OK\r\nx: ${'y'.repeat(70_000)}\r\n\r\n`, 'headers_too_large'],
    ['a body announced too large', 'HTTP/1.1 200 OK\r\ncontent-length: 1000001\r\n\r\n', 'answer_too_large'],
  ])('%s fails the call and closes the connection', async (_, bytes, failure) => {
    const provider = await listen((socket) => onRequest(socket, () => socket.write(bytes)));
    const upstream = connect(provider.port);
    expect((await ask(upstream)).failure).toBe(failure);
    expect(upstream.stats()).toEqual({ open: 0, idle: 0, waiting: 0 });
  });

  test('a body without an end is cut at its bound', async () => {
    const provider = await listen((socket) => {
      onRequest(socket, () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
        const more = () => {
          while (!socket.destroyed && socket.write(Buffer.alloc(65_536)));
        };
        socket.on('drain', more);
        more();
      });
    });
    const answer = await ask(connect(provider.port));
    expect(answer.failure).toBe('answer_too_large');
    expect(answer.body.length).toBeLessThanOrEqual(1_000_000);
  });

  test('an answer before the whole request was sent is told, and the connection is not used again', async () => {
    const provider = await listen((socket, index) => {
      if (index > 0) return onRequest(socket, () => socket.write(OK));
      socket.once('data', () => {
        socket.pause();
        socket.write('HTTP/1.1 413 Too Large\r\ncontent-length: 3\r\n\r\nbig');
      });
    });
    const upstream = connect(provider.port);
    const answer = await ask(upstream, { ...POST, body: Buffer.alloc(20_000_000) });
    expect(answer).toMatchObject({ status: 413, body: 'big', failure: null });
    expect(upstream.stats().open).toBe(0);
    expect(await ask(upstream)).toMatchObject({ status: 200 });
  });
});

describe('kept connections', () => {
  test('calls one after the other share a connection', async () => {
    const provider = await listen((socket) => onRequest(socket, () => socket.write(OK)));
    const upstream = connect(provider.port);
    for (let i = 0; i < 5; i++) expect((await ask(upstream)).body).toBe('ok');
    expect(provider.sockets).toHaveLength(1);
    expect(upstream.stats()).toEqual({ open: 1, idle: 1, waiting: 0 });
  });

  test.each([
    ['that asks for it', 'HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok'],
    ['that is followed by surplus bytes', OK + 'HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil'],
    ['whose server closes within a second of rest', OK.replace('\r\n', '\r\nkeep-alive: timeout=1\r\n')],
  ])('an answer %s gives up its connection', async (_, bytes) => {
    const provider = await listen((socket) => onRequest(socket, () => socket.write(bytes)));
    const upstream = connect(provider.port);
    expect((await ask(upstream)).body).toBe('ok');
    expect((await ask(upstream)).body).toBe('ok');
    expect(provider.sockets).toHaveLength(2);
  });

  test('an unused connection that receives bytes or closes is dropped', async () => {
    const provider = await listen((socket) => onRequest(socket, () => socket.write(OK)));
    const upstream = connect(provider.port);
    await ask(upstream);
    provider.sockets[0]?.write(OK);
    await expect.poll(() => upstream.stats().open).toBe(0);
    await ask(upstream);
    provider.sockets[1]?.end();
    await expect.poll(() => upstream.stats().open).toBe(0);
  });

  test('an unused connection ends after its time, and on close', async () => {
    const provider = await listen((socket) => onRequest(socket, () => socket.write(OK)));
    const short = connect(provider.port, { keepAliveMs: 50 });
    const long = connect(provider.port);
    await Promise.all([ask(short), ask(long)]);
    await expect.poll(() => short.stats().open, { timeout: 3_000 }).toBe(0);
    expect(long.stats().idle).toBe(1);
    long.close();
    expect(long.stats().open).toBe(0);
  });

  test('close lets a running call go on and keeps nothing after it', async () => {
    const provider = await listen((socket) => onRequest(socket, () => setTimeout(() => socket.write(OK), 50)));
    const upstream = connect(provider.port);
    const { answer } = begin(upstream, POST);
    upstream.close();
    expect((await answer).body).toBe('ok');
    expect(upstream.stats().open).toBe(0);
  });
});

describe('a kept connection that dies as it is used again', () => {
  /** The first connection answers once and dies at its second request; others answer. */
  async function dyingProvider(die: (socket: net.Socket) => void): Promise<FakeProvider> {
    return listen((socket, index) => {
      onRequest(socket, (_, request) => (index === 0 && request === 1 ? die(socket) : socket.write(OK)));
    });
  }

  test.each([
    ['closed', (socket: net.Socket) => void socket.end()],
    ['reset', (socket: net.Socket) => void socket.resetAndDestroy()],
  ])('%s: the call is sent once more', async (_, die) => {
    const provider = await dyingProvider(die);
    const upstream = connect(provider.port);
    await ask(upstream);
    expect(await ask(upstream)).toMatchObject({ body: 'ok', failure: null });
    expect(provider.sockets).toHaveLength(2);
  });

  test('after a byte of the answer the call is not sent again', async () => {
    const provider = await dyingProvider((socket) => void socket.end('H'));
    const upstream = connect(provider.port);
    await ask(upstream);
    expect((await ask(upstream)).failure).toBe('closed_early');
    expect(provider.sockets).toHaveLength(1);
  });

  test('later than a close under way can explain, only an idempotent call is sent again', async () => {
    const provider = await dyingProvider((socket) => void setTimeout(() => socket.end(), 1_100));
    const other = await dyingProvider((socket) => void setTimeout(() => socket.end(), 1_100));
    const posting = connect(provider.port);
    const getting = connect(other.port);
    await Promise.all([ask(posting), ask(getting)]);
    const [posted, got] = await Promise.all([ask(posting), ask(getting, GET)]);
    expect(posted.failure).toBe('closed_early');
    expect(got.body).toBe('ok');
  });

  test('a fresh connection is not tried again, nor is a call tried a third time', async () => {
    const provider = await listen((socket, index) => {
      onRequest(socket, (_, request) => (index === 0 && request === 0 ? socket.write(OK) : socket.end()));
    });
    const upstream = connect(provider.port);
    await ask(upstream);
    expect((await ask(upstream)).failure).toBe('closed_early');
    expect(provider.sockets).toHaveLength(2);
    expect((await ask(upstream)).failure).toBe('closed_early');
    expect(provider.sockets).toHaveLength(3);
  });
});

describe('deadlines', () => {
  test('a refused connection and an unknown host are failures to connect', async () => {
    const provider = await listen(() => undefined);
    provider.close();
    expect((await ask(connect(provider.port))).failure).toBe('connect_failed');
    const unknown = createHttpUpstream(
      { tls: false, host: 'host.invalid', port: 80, hostHeader: 'host.invalid' },
      { connectTimeoutMs: 5_000, firstByteTimeoutMs: 1, idleTimeoutMs: 1, answerBytesMax: 1, connectionsMax: 1 },
    );
    expect((await ask(unknown)).failure).toBe('connect_failed');
  });

  test('a head in drops cannot stretch the time to the first byte', async () => {
    const provider = await listen((socket) => {
      onRequest(socket, () => {
        socket.write('HTTP/1.1 200 OK\r\n');
        const timer = setInterval(() => socket.write('a'), 50);
        socket.on('close', () => clearInterval(timer));
      });
    });
    const startedAt = performance.now();
    expect((await ask(connect(provider.port, { firstByteTimeoutMs: 300 }))).failure).toBe('first_byte_timeout');
    expect(performance.now() - startedAt).toBeLessThan(1_000);
  });

  test('a body that rests too long is given up, one that drips is not', async () => {
    const provider = await listen((socket, index) => {
      onRequest(socket, async () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
        for (let i = 0; i < 8; i++) {
          socket.write('x');
          await sleep(60);
        }
        if (index === 0) socket.end();
      });
    });
    const upstream = connect(provider.port, { idleTimeoutMs: 250 });
    expect(await ask(upstream)).toMatchObject({ body: 'xxxxxxxx', failure: null });
    expect(await ask(upstream)).toMatchObject({ body: 'xxxxxxxx', failure: 'idle_timeout' });
  });

  test('a connection that is never accepted for use ends in time', async () => {
    // TLS against a peer that never says anything: connected, but never ready.
    const provider = await listen(() => undefined);
    const upstream = createHttpUpstream(
      { tls: true, host: '127.0.0.1', port: provider.port, hostHeader: 'x' },
      { connectTimeoutMs: 200, firstByteTimeoutMs: 1, idleTimeoutMs: 1, answerBytesMax: 1, connectionsMax: 1 },
    );
    expect((await ask(upstream)).failure).toBe('connect_timeout');
    expect(upstream.stats().open).toBe(0);
  });
});

describe('abort and back-pressure', () => {
  test('abort closes the connection at once and nothing more is told', async () => {
    const { promise: closed, resolve: onClosed } = Promise.withResolvers<number>();
    const provider = await listen((socket) => {
      socket.on('close', () => onClosed(performance.now()));
      onRequest(socket, () => socket.write('HTTP/1.1 200 OK\r\n\r\nabc'));
    });
    const upstream = connect(provider.port);
    const { promise: piece, resolve: onPiece } = Promise.withResolvers<number>();
    const { answer, call } = begin(upstream, POST, onPiece);
    await piece;
    const abortedAt = performance.now();
    call.abort();
    expect(upstream.stats().open).toBe(0);
    expect((await closed) - abortedAt).toBeLessThan(100);
    expect(await Promise.race([answer, sleep(100, 'silence')])).toBe('silence');
  });

  test("an abort after the end leaves the connection's next call alone", async () => {
    const provider = await listen((socket) => onRequest(socket, () => setTimeout(() => socket.write(OK), 20)));
    const upstream = connect(provider.port);
    const first = begin(upstream, POST);
    await first.answer;
    const second = begin(upstream, POST);
    first.call.abort();
    first.call.pause();
    expect((await second.answer).body).toBe('ok');
    expect(provider.sockets).toHaveLength(1);
  });

  test('a call paused from the start hears nothing until it is resumed', async () => {
    const provider = await listen((socket) => onRequest(socket, () => socket.write(OK)));
    const upstream = connect(provider.port);
    for (let i = 0; i < 2; i++) {
      const { answer, call } = begin(upstream, POST);
      call.pause();
      expect(await Promise.race([answer, sleep(100, 'silence')])).toBe('silence');
      call.resume();
      expect((await answer).body).toBe('ok');
    }
    expect(provider.sockets).toHaveLength(1);
  });

  test('a paused call stalls the provider, outlives the idle timeout and goes on where it stopped', async () => {
    const piece = Buffer.alloc(65_536, 'a');
    const total = 600 * piece.length;
    let sent = 0;
    const provider = await listen((socket) => {
      const send = () => {
        while (sent < total) {
          sent += piece.length;
          if (!socket.write(piece)) return;
        }
      };
      socket.on('drain', send);
      onRequest(socket, () => {
        socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${total}\r\n\r\n`);
        send();
      });
    });
    const upstream = connect(provider.port, { answerBytesMax: total, idleTimeoutMs: 200 });
    let seen = 0;
    const { answer, call } = begin(upstream, POST, (received) => {
      if (seen === 0) call.pause();
      seen = received;
    });
    await sleep(700);
    // The kernel's buffers hold some of it; this process holds no more than the piece at hand.
    const stalledAt = sent;
    expect(stalledAt).toBeLessThan(total / 2);
    expect(seen).toBeLessThanOrEqual(piece.length);
    await sleep(100);
    expect(sent).toBe(stalledAt);
    call.resume();
    const { body, failure } = await answer;
    expect({ failure, length: body.length }).toEqual({ failure: null, length: total });
  });
});

describe('the bound on connections', () => {
  test('calls beyond it wait in order, and an aborted one gives up its place', async () => {
    const seen: string[] = [];
    const provider = await listen((socket) => {
      onRequest(socket, (request) => {
        seen.push(/^GET (\S+)/.exec(request)?.[1] ?? '');
        setTimeout(() => socket.write(OK), 20);
      });
    });
    const upstream = connect(provider.port, { connectionsMax: 1 });
    const asked = ['/1', '/2', '/3', '/4'].map((path) => begin(upstream, { ...GET, path }));
    expect(upstream.stats()).toEqual({ open: 1, idle: 0, waiting: 3 });
    asked[2]?.call.abort();
    expect(upstream.stats().waiting).toBe(2);
    await Promise.all([asked[0]?.answer, asked[1]?.answer, asked[3]?.answer]);
    expect(seen).toEqual(['/1', '/2', '/4']);
    expect(provider.sockets).toHaveLength(1);
  });

  test('the place of a failed connection goes to who waits', async () => {
    const provider = await listen((socket, index) => {
      onRequest(socket, () => (index === 0 ? socket.destroy() : socket.write(OK)));
    });
    const upstream = connect(provider.port, { connectionsMax: 1 });
    const answers = await Promise.all([ask(upstream), ask(upstream)]);
    expect(answers.map((answer) => answer.failure)).toEqual(['closed_early', null]);
  });

  test('waiting counts against the time to connect, and the queue is bounded', async () => {
    const provider = await listen(() => undefined);
    const upstream = connect(provider.port, { connectionsMax: 1, connectTimeoutMs: 300 });
    const first = begin(upstream, GET);
    const waiting = Array.from({ length: 1_000 }, async () => ask(upstream, GET));
    expect((await ask(upstream, GET)).failure).toBe('too_many_connections');
    const failures = await Promise.all(waiting);
    expect(new Set(failures.map((answer) => answer.failure))).toEqual(new Set(['connect_timeout']));
    first.call.abort();
    expect(upstream.stats()).toEqual({ open: 0, idle: 0, waiting: 0 });
  });
});
