import crypto from 'node:crypto';
import { once } from 'node:events';
import tls from 'node:tls';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { createHttpUpstream } from './upstream-http.ts';
import type { HttpUpstream } from './upstream-http.ts';

const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';

const toClose: (() => void)[] = [];
afterEach(() => {
  for (const close of toClose.splice(0)) close();
});

test('a provider with a certificate of the configured CA is called by its name, over HTTP/1.1', async () => {
  const { port, seen } = await listen('localhost');
  const upstream = connect('localhost', port, true);
  expect(await ask(upstream)).toBe('ok');
  expect(await ask(upstream)).toBe('ok');
  expect(seen).toEqual([{ name: 'localhost', protocol: 'http/1.1', resumed: false }]);
});

test('the next connection resumes the TLS session', async () => {
  const { port, seen } = await listen('localhost', OK.replace('\r\n', '\r\nconnection: close\r\n'));
  const upstream = connect('localhost', port, true);
  expect(await ask(upstream)).toBe('ok');
  expect(await ask(upstream)).toBe('ok');
  expect(seen.map((connection) => connection.resumed)).toEqual([false, true]);
});

test('an address is checked against the certificate and not sent as a server name', async () => {
  const { port, seen } = await listen('127.0.0.1');
  expect(await ask(connect('127.0.0.1', port, true))).toBe('ok');
  expect(seen[0]?.name).toBe(false);
});

test('a certificate of an unknown CA or for another name fails to connect', async () => {
  const unknown = await listen('localhost');
  expect(await ask(connect('localhost', unknown.port, false))).toBe('connect_failed');
  const other = await listen('elsewhere.test');
  expect(await ask(connect('localhost', other.port, true))).toBe('connect_failed');
});

test('a paused call holds back a TLS provider and goes on where it stopped', async () => {
  const total = 30_000_000;
  const { port } = await listen('localhost', `HTTP/1.1 200 OK\r\ncontent-length: ${total}\r\n\r\n${'a'.repeat(total)}`);
  const upstream = connect('localhost', port, true);
  const { promise: end, resolve: onEnd } = Promise.withResolvers<string>();
  let seen = 0;
  const call = upstream.send(
    { method: 'GET', path: '/', headers: [], body: null },
    {
      onHead: () => undefined,
      onData: (chunk) => {
        if (seen === 0) call.pause();
        seen += chunk.length;
      },
      onEnd: () => onEnd('end'),
      onError: (failure) => onEnd(failure.kind),
    },
  );
  await sleep(300);
  // What was deciphered already still comes.
  expect(seen).toBeLessThan(500_000);
  const stoppedAt = seen;
  await sleep(100);
  expect(seen).toBe(stoppedAt);
  call.resume();
  expect(await end).toBe('end');
  expect(seen).toBe(total);
});

const keys = crypto.generateKeyPairSync('ec', { namedCurve: 'P-256' });
const certificates = new Map<string, string>();

interface SeenConnection {
  readonly name: string | false | undefined | null;
  readonly protocol: string | false | null;
  readonly resumed: boolean;
}

async function listen(host: string, answer = OK): Promise<{ readonly port: number; readonly seen: SeenConnection[] }> {
  const seen: SeenConnection[] = [];
  const key = keys.privateKey.export({ type: 'pkcs8', format: 'pem' });
  const server = tls.createServer({ key, cert: certificateFor(host), ALPNProtocols: ['http/1.1'] }, (socket) => {
    seen.push({ name: socket.servername, protocol: socket.alpnProtocol, resumed: socket.isSessionReused() });
    socket.on('error', () => undefined);
    socket.on('data', () => socket.write(answer));
  });
  server.listen(0);
  await once(server, 'listening');
  toClose.push(() => server.close());
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return { port: address.port, seen };
}

function connect(host: string, port: number, isTrusted: boolean): HttpUpstream {
  const upstream = createHttpUpstream(
    { tls: true, host, port, hostHeader: host },
    {
      connectTimeoutMs: 2_000,
      firstByteTimeoutMs: 2_000,
      idleTimeoutMs: 2_000,
      answerBytesMax: 50_000_000,
      connectionsMax: 2,
      ...(isTrusted ? { tlsOptions: { ca: [...certificates.values()] } } : {}),
    },
  );
  toClose.push(() => upstream.close());
  return upstream;
}

async function ask(upstream: HttpUpstream): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  let body = '';
  upstream.send(
    { method: 'GET', path: '/', headers: [], body: null },
    {
      onHead: () => undefined,
      onData: (chunk) => {
        body += chunk.toString();
      },
      onEnd: () => resolve(body),
      onError: (failure) => resolve(failure.kind),
    },
  );
  return promise;
}

/** A self-signed certificate (RFC 5280 §4.1), its own CA, so that the test needs no file and no tool. */
function certificateFor(host: string): string {
  const existing = certificates.get(host);
  if (existing !== undefined) return existing;
  const ecdsaWithSha256 = der(0x30, der(0x06, Buffer.from('2a8648ce3d040302', 'hex')));
  const commonName = der(0x30, der(0x06, Buffer.from('550403', 'hex')), der(0x0c, Buffer.from(host)));
  const name = der(0x30, der(0x31, commonName));
  const validity = der(0x30, utcTime(-86_400_000), utcTime(86_400_000));
  const address = host.split('.').map(Number);
  const alternative = address.every(Number.isInteger) ? der(0x87, Buffer.from(address)) : der(0x82, Buffer.from(host));
  const extensions = der(
    0x30,
    der(0x30, der(0x06, Buffer.from('551d11', 'hex')), der(0x04, der(0x30, alternative))),
    der(0x30, der(0x06, Buffer.from('551d13', 'hex')), der(0x04, der(0x30, der(0x01, Buffer.from([255]))))),
  );
  const body = der(
    0x30,
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.from([certificates.size + 1])),
    ecdsaWithSha256,
    name,
    validity,
    name,
    keys.publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, extensions),
  );
  const signature = der(0x03, Buffer.from([0]), crypto.sign('sha256', body, keys.privateKey));
  const base64 = der(0x30, body, ecdsaWithSha256, signature).toString('base64');
  const certificate = `-----BEGIN CERTIFICATE-----\n${base64}\n-----END CERTIFICATE-----\n`;
  certificates.set(host, certificate);
  return certificate;
}

function der(tag: number, ...contents: readonly Buffer[]): Buffer {
  const content = Buffer.concat(contents);
  const short = [content.length];
  const long = [0x82, content.length >> 8, content.length & 255];
  return Buffer.concat([Buffer.from([tag, ...(content.length < 128 ? short : long)]), content]);
}

function utcTime(offsetMs: number): Buffer {
  const digits = new Date(Date.now() + offsetMs).toISOString().replaceAll(/\D/g, '').slice(2, 14);
  return der(0x17, Buffer.from(`${digits}Z`));
}
