import { once } from 'node:events';
import net from 'node:net';
import tls from 'node:tls';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { GET, echo, listen, toClose } from '../../test/inbound-harness.ts';
import { selfSigned } from '../../test/self-signed.ts';

const CERTIFICATE = selfSigned('localhost');

function connect(port: number, options: tls.ConnectionOptions = {}): tls.TLSSocket {
  const socket = tls.connect({ port, host: '127.0.0.1', servername: 'localhost', ca: CERTIFICATE.cert, ...options });
  socket.on('error', () => undefined);
  toClose.push(() => socket.destroy());
  return socket;
}

test('requests are served over TLS, as http/1.1 and on a kept connection', async () => {
  const { port, told } = await listen(echo, { tls: CERTIFICATE });
  const socket = connect(port, { ALPNProtocols: ['h2', 'http/1.1'] });
  await once(socket, 'secureConnect');
  expect(socket.alpnProtocol).toBe('http/1.1');
  let text = '';
  socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
  for (const count of [1, 2, 3]) {
    socket.write(GET);
    await expect.poll(() => text.match(/GET \/g /g)?.length).toBe(count);
  }
  expect(told[0]?.remoteAddress).toBe('127.0.0.1');
});

test('a large streamed answer arrives whole, and the connection ends in good order', async () => {
  const { port } = await listen(
    (inbound) => {
      inbound.begin(200, ['connection', 'close']);
      let left = 100;
      const more = (): void => {
        while (left > 0) {
          left -= 1;
          if (!inbound.write(Buffer.alloc(100_000, 'a'))) return;
        }
        inbound.onDrain = null;
        inbound.end();
      };
      inbound.onDrain = more;
      more();
    },
    { tls: CERTIFICATE },
  );
  const socket = connect(port);
  socket.write(GET);
  let received = 0;
  let end = '';
  socket.on('data', (chunk: Buffer) => {
    received += chunk.length;
    end = (end + chunk.toString('latin1')).slice(-8);
  });
  await once(socket, 'end');
  expect(received).toBeGreaterThan(10_000_000);
  expect(end).toBe('a\r\n0\r\n\r\n');
});

test.each([
  ['ends', (socket: tls.TLSSocket) => void socket.end()],
  ['vanishes', (socket: tls.TLSSocket) => void socket.destroy()],
])('a caller that %s is told within 100 ms', async (_, leave) => {
  let gone = 0;
  const { port, server } = await listen(
    (inbound) => {
      inbound.onGone = () => (gone += 1);
    },
    { tls: CERTIFICATE },
  );
  const socket = connect(port);
  socket.write(GET);
  await once(socket, 'secureConnect');
  await sleep(50);
  leave(socket);
  await sleep(100);
  expect(gone).toBe(1);
  await expect.poll(() => server.connections).toBe(0);
});

test('old versions, other protocols and plain HTTP get no further than the handshake', async () => {
  const { port, server, told } = await listen(echo, { tls: CERTIFICATE });
  const old = connect(port, { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' });
  const other = connect(port, { ALPNProtocols: ['h2'] });
  const plain = net.connect(port, '127.0.0.1').on('error', () => undefined);
  plain.write(GET);
  await Promise.all([old, other, plain].map((socket) => new Promise((resolve) => socket.on('close', resolve))));
  expect(told).toEqual([]);
  expect(server.connections).toBe(0);
});

test('a handshake that does not end is ended', async () => {
  const { port } = await listen(echo, { tls: CERTIFICATE, headTimeoutMs: 200 });
  const silent = net.connect(port, '127.0.0.1').on('error', () => undefined);
  const before = performance.now();
  silent.resume();
  await once(silent, 'close');
  expect(performance.now() - before).toBeLessThan(1_000);
});

test('drain does not wait for a handshake', async () => {
  const { port, server } = await listen(echo, { tls: CERTIFICATE });
  const silent = net.connect(port, '127.0.0.1').on('error', () => undefined);
  await once(silent, 'connect');
  await sleep(20);
  const before = performance.now();
  await server.drain(200);
  expect(performance.now() - before).toBeLessThan(400);
  silent.destroy();
});
