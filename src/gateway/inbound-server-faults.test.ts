import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { BAD, CHUNKED, GET, OPTIONS, RawClient, echo, listen, ok, post } from '../../test/inbound-harness.ts';
import { createInboundServer } from './inbound-server.ts';

describe('what is no request', () => {
  test.each([
    ['garbage', '\u0016\u0003\u0001\u0000hello\r\n\r\n'],
    ['garbage without an end', '\u0016\u0003\u0001\u0000hello'],
    ['bare LF', 'GET / HTTP/1.1\nHost: x\n\n'],
    ['both framings', 'POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['two equal lengths', 'POST / HTTP/1.1\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nhi'],
  ])('%s gets one answer, and the connection is closed', async (_, bytes) => {
    const { port, told } = await listen(echo);
    const client = new RawClient(port).send(bytes + GET);
    expect(await client.untilEnded()).toBe(BAD);
    expect(told).toHaveLength(0);
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

  test.each([
    ['a chunk extension', '2;a=b\r\nhi\r\n0\r\n\r\n', 'invalid_request'],
    ['a bad chunk size', 'zz\r\nhi\r\n0\r\n\r\n', 'invalid_request'],
    ['a trailer without end', `0\r\nx: ${'y'.repeat(5_000)}`, 'headers_too_large'],
  ])('a body with %s is told to its reader, who answers; nothing may follow', async (_, bytes, reason) => {
    for (const delayMs of [0, 20]) {
      const { port, told } = await listen((inbound) => {
        inbound.readBody(10_000, async (body) => {
          if (delayMs > 0) await sleep(delayMs);
          inbound.respond(400, [], Buffer.from(String(body)));
        });
      });
      const client = new RawClient(port).send(CHUNKED + bytes + GET);
      expect(await client.untilEnded()).toBe(
        `HTTP/1.1 400 Bad Request\r\ncontent-length: ${reason.length}\r\nconnection: close\r\n\r\n${reason}`,
      );
      expect(told.map(({ gone }) => gone)).toEqual([false]);
      client.socket.end();
      await expect.poll(() => client.closed).toBe(true);
    }
  });

  test('a request that is refused tells its target, where its request line could be read', async () => {
    const targets: string[] = [];
    const { port } = await listen(echo, {
      malformedAnswer: (reason, target) => {
        targets.push(target);
        return OPTIONS.malformedAnswer(reason, target);
      },
    });
    const line = 'POST /asked HTTP/1.1\r\n';
    for (const bytes of [
      `${line}X : y\r\n\r\n`,
      `${line}X: \u0001`,
      `${line}X: ${'y'.repeat(20_000)}`,
      `${GET}nonsense\r\n\r\n`,
    ]) {
      await new RawClient(port).send(bytes).untilEnded();
    }
    expect(targets).toEqual(['/asked', '/asked', '/asked', '']);
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
    expect(told.find((inbound) => inbound.method === 'POST')?.gone).toBe(false);
    expect(idle.answers).toBe(ok('GET /g '));
  });

  test('a request served for long is not cut', async () => {
    const { port } = await listen((inbound) => void setTimeout(echo, 900, inbound), {
      bodyTimeoutMs: 200,
      keepAliveMs: 200,
      headTimeoutMs: 200,
    });
    expect(await new RawClient(port).send(post('hi')).until(/hi$/)).toBe(ok('POST /p hi'));
  });
});

describe('draining and overload', () => {
  test('drain closes idle connections at once and the others after their answer', async () => {
    const seen: string[] = [];
    const { port, server } = await listen((inbound) => {
      seen.push(inbound.target);
      setTimeout(echo, inbound.target === '/g' ? 0 : 500, inbound);
    });
    const idle = new RawClient(port).send(GET);
    const fresh = new RawClient(port);
    await idle.until(/GET/);
    const busy = new RawClient(port).send(post('hi'));
    await expect.poll(() => seen).toContain('/p');
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
