import { once } from 'node:events';
import http from 'node:http';
import type net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { Pool } from 'undici';
import { describe, expect, test } from 'vitest';
import type { Inbound } from './inbound.ts';
import { BAD, CHUNKED, GET, RawClient, echo, listen, ok, post, toClose } from '../../test/inbound-harness.ts';

describe('requests and answers', () => {
  test('a request is told as it was sent, and its answer carries date and length', async () => {
    const { port, told } = await listen(echo);
    const client = new RawClient(port).send(
      'POST /a?b=%20c HTTP/1.1\r\nHost: x\r\nX-Ab:  c d\t\r\nContent-Length: 2\r\n\r\nhi',
    );
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

/** What the target asks of the handler: when, whether the body is read before the answer, and how it is answered. */
async function actAsTold(inbound: Inbound): Promise<void> {
  const [, turns = '0', reads, streams] = inbound.target.split('/');
  for (let turn = 0; turn < Number(turns); turn++) await new Promise(setImmediate);
  let body: Buffer | string = '';
  if (reads === 'read') body = await new Promise((resolve) => inbound.readBody(10_000, resolve));
  const text = Buffer.from(`${inbound.target} ${body.toString('latin1')}`, 'latin1');
  if (streams !== 'stream') return inbound.respond(200, [], text);
  inbound.begin(200, []);
  for (const byte of text) inbound.write(Buffer.from([byte]));
  if (turns === '1') await sleep(1);
  inbound.end();
}

const plan = fc.record({
  turns: fc.nat({ max: 2 }),
  reads: fc.constantFrom('read', 'skip'),
  streams: fc.constantFrom('whole', 'stream'),
  isChunked: fc.boolean(),
  body: fc.string({ maxLength: 40 }).map((text) => Buffer.from(text).toString('latin1')),
});
type Plan = typeof plan extends fc.Arbitrary<infer T> ? T : never;

function requestOf({ turns, reads, streams, isChunked, body }: Plan): string {
  const line = `POST /${turns}/${reads}/${streams} HTTP/1.1\r\nHost: x\r\n`;
  if (!isChunked) return `${line}Content-Length: ${body.length}\r\n\r\n${body}`;
  const chunk = body === '' ? '' : `${body.length.toString(16)}\r\n${body}\r\n`;
  return `${line}Transfer-Encoding: chunked\r\n\r\n${chunk}0\r\n\r\n`;
}

function answerOf({ turns, reads, streams, body }: Plan): string {
  const text = `/${turns}/${reads}/${streams} ${reads === 'read' ? body : ''}`;
  if (streams === 'whole') return ok(text);
  const chunks = Array.from(text, (char) => `1\r\n${char}\r\n`).join('');
  return `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${chunks}0\r\n\r\n`;
}

test('whatever comes in whatever pieces, and is read and answered in whatever way, is answered in order', async () => {
  const { port } = await listen((inbound) => void actAsTold(inbound));
  const run = async (plans: readonly Plan[], cuts: readonly number[]): Promise<void> => {
    const bytes = Buffer.from(plans.map(requestOf).join(''), 'latin1');
    const offsets = [0, ...cuts.map((cut) => cut % bytes.length).toSorted((a, b) => a - b), bytes.length];
    const client = new RawClient(port);
    for (let i = 0; i + 1 < offsets.length; i++) {
      client.send(bytes.subarray(offsets[i], offsets[i + 1]));
      await new Promise(setImmediate);
    }
    // Unread chunks that had not come when their answer was begun cost the connection, and what follows.
    const ends = plans.flatMap(({ reads, isChunked }, i) => (reads === 'skip' && isChunked ? [i + 1] : []));
    const expected = [...ends, plans.length].map((end) => plans.slice(0, end).map(answerOf).join(''));
    const whole = expected.at(-1) ?? '';
    await expect.poll(() => client.ended || client.answers === whole, { interval: 1, timeout: 5_000 }).toBe(true);
    if (client.ended) expect(expected).toContain(client.answers.replace('connection: close\r\n', ''));
    client.socket.destroy();
  };
  const cuts = fc.array(fc.nat(), { maxLength: 6 });
  await fc.assert(fc.asyncProperty(fc.array(plan, { minLength: 1, maxLength: 6 }), cuts, run), { numRuns: 150 });
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

  test('a refusal that comes late lets a body go on that had filled all room', async () => {
    const { port } = await listen(async (inbound) => {
      await sleep(50);
      inbound.respond(401, [], Buffer.from('no'));
    });
    const no = 'HTTP/1.1 401 Unauthorized\r\ncontent-length: 2\r\n\r\nno';
    const client = new RawClient(port).send(post('x'.repeat(900_000)) + GET);
    await expect.poll(() => client.answers).toBe(no + no);
    const large = new RawClient(port).send(post('x'.repeat(3_000_000)));
    expect(await large.untilEnded()).toBe(no.replace('\r\n\r\n', '\r\nconnection: close\r\n\r\n'));
    expect(large.error).toBe('');
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
    expect(await client.untilEnded()).toContain(
      'HTTP/1.1 413 Payload Too Large\r\ncontent-length: 9\r\nconnection: close',
    );
    expect(client.error).toBe('');
    expect(told).toHaveLength(1);
    await expect.poll(() => server.connections, { timeout: 3_000 }).toBe(0);
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
