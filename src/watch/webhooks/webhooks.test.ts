import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  createDecipheriv,
  createHmac,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
} from 'node:crypto';
import { describe, expect, onTestFinished, test } from 'vitest';
import { isPublicAddress, publicLookup } from '../../lib/public-address.ts';
import { urlProblem } from './address-guard.ts';
import { postEvent } from './post-event.ts';
import { isPublicKey, sealTo } from './sealed-secret.ts';
import type { SealedSecret } from './sealed-secret.ts';
import { signPayload } from './signature.ts';

/** From the description alone, without the code that seals. */
function open(privateJwk: { readonly x?: string; readonly d?: string }, sealed: SealedSecret, aad: string): string {
  const privateKey = createPrivateKey({ key: { kty: 'OKP', crv: 'X25519', ...privateJwk }, format: 'jwk' });
  const ephemeral = Buffer.from(sealed.ephemeralPublicKey, 'base64');
  const publicKey = createPublicKey({
    key: { kty: 'OKP', crv: 'X25519', x: ephemeral.toString('base64url') },
    format: 'jwk',
  });
  const salt = Buffer.concat([ephemeral, Buffer.from(privateJwk.x ?? '', 'base64url')]);
  const shared = diffieHellman({ privateKey, publicKey });
  const okm = Buffer.from(hkdfSync('sha256', shared, salt, 'keyward sealed secret v1', 44));
  const bytes = Buffer.from(sealed.ciphertext, 'base64');
  const decipher = createDecipheriv('aes-256-gcm', okm.subarray(0, 32), okm.subarray(32));
  decipher.setAAD(Buffer.from(aad));
  decipher.setAuthTag(bytes.subarray(-16));
  return Buffer.concat([decipher.update(bytes.subarray(0, -16)), decipher.final()]).toString();
}

function receiver() {
  const jwk = generateKeyPairSync('x25519').privateKey.export({ format: 'jwk' });
  return { jwk, publicKey: Buffer.from(jwk.x ?? '', 'base64url').toString('base64') };
}

describe('a sealed secret', () => {
  test('is opened by the receiver’s key for the event that carried it, and by nothing else', () => {
    const { jwk, publicKey } = receiver();
    const sealed = sealTo(publicKey, 'kwk_live_the_new_secret', 'evt_1');
    expect(open(jwk, sealed, 'evt_1')).toBe('kwk_live_the_new_secret');
    expect(() => open(jwk, sealed, 'evt_2')).toThrow();
    expect(() => open(receiver().jwk, sealed, 'evt_1')).toThrow();
    expect(sealTo(publicKey, 'kwk_live_the_new_secret', 'evt_1').ciphertext).not.toBe(sealed.ciphertext);
  });

  test.each([
    ['', false],
    ['AAAA', false],
    [Buffer.alloc(32).toString('base64'), false],
    [`${receiver().publicKey} `, false],
    [receiver().publicKey, true],
  ])('is sealed to real keys only: %j', (text, expected) => {
    expect(isPublicKey(text)).toBe(expected);
  });
});

test('a payload is signed with its time over its very bytes', () => {
  const header = signPayload('whsec_x', '{"a":1}', 1_700_000_000_999);
  const hex = createHmac('sha256', 'whsec_x').update('1700000000.{"a":1}').digest('hex');
  expect(header).toBe(`t=1700000000,v1=${hex}`);
});

describe('the guard against requests into one’s own network', () => {
  test.each(
    `127.0.0.1 10.1.2.3 172.31.0.1 192.168.0.1 169.254.169.254 100.64.0.1 0.0.0.0 224.0.0.1 255.255.255.255 ::1 ::
    fe80::1 fec0::1 fc00::1 fd12::1 ff02::1 ::ffff:127.0.0.1 ::ffff:169.254.169.254 ::ffff:a00:1 64:ff9b::7f00:1 2002:7f00:1::
    2001:0:1::1 ::127.0.0.1 fe80::1%eth0 not-an-address`.split(/\s+/),
  )('takes %s for private', (address) => {
    expect(isPublicAddress(address)).toBe(false);
  });

  test.each(['1.1.1.1', '8.8.8.8', '172.32.0.1', '2606:4700:4700::1111', '::ffff:8.8.8.8'])(
    'takes %s for public',
    (address) => {
      expect(isPublicAddress(address)).toBe(true);
    },
  );

  test.each([
    'http://example.com/hook',
    'https://127.0.0.1/hook',
    'https://2130706433/hook',
    'https://0x7f.1/hook',
    'https://[::1]/hook',
    'https://[::ffff:7f00:1]/hook',
    'https://user:password@example.com/',
    'ftp://example.com/',
    'file:///etc/passwd',
    'nothing',
  ])('refuses the URL %s', (url) => {
    expect(urlProblem(url, false)).not.toBeNull();
  });

  test('lets operators allow their own networks', () => {
    expect(urlProblem('https://example.com/hook?x=1', false)).toBeNull();
    expect(urlProblem('http://10.0.0.7:8080/hook', true)).toBeNull();
  });

  test('judges the address that a name leads to, when it is connected to', async () => {
    const looked = new Promise<Error | null>((resolve) =>
      publicLookup('localhost', { all: true }, (error) => resolve(error)),
    );
    expect((await looked)?.name).toBe('PrivateAddressError');
    const signal = new AbortController().signal;
    const post = { url: 'https://localhost:9/hook', body: '{}', headers: {}, timeoutMs: 2000, signal };
    expect(await postEvent({ ...post, allowPrivate: false })).toEqual({
      error: 'the name leads to an address that is not of the public internet',
    });
  });
});

describe('a post', () => {
  async function listen(onRequest: Parameters<typeof createServer>[1]): Promise<string> {
    const server = createServer(onRequest ?? (() => undefined));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
  }
  const signal = new AbortController().signal;
  const post = { body: '{"é":1}', headers: { 'x-test': '1' }, allowPrivate: true, timeoutMs: 300, signal };

  test('brings body and headers, and tells the status', async () => {
    const seen: string[] = [];
    const url = await listen((req, res) => {
      req.on('data', (chunk: Buffer) =>
        seen.push(`${req.method} ${req.headers['x-test'] as string} ${chunk.toString()}`),
      );
      req.on('end', () => res.writeHead(204).end());
    });
    expect(await postEvent({ ...post, url })).toEqual({ status: 204 });
    expect(seen).toEqual(['POST 1 {"é":1}']);
  });

  test('follows no redirect', async () => {
    let asked = 0;
    const url = await listen((req, res) => {
      asked += 1;
      req.resume();
      res.writeHead(307, { location: `http://${req.headers.host ?? ''}/elsewhere` }).end();
    });
    expect(await postEvent({ ...post, url })).toEqual({ status: 307 });
    expect(asked).toBe(1);
  });

  test('ends in time when nobody answers, and with a reason when nobody is there', async () => {
    const url = await listen(() => undefined);
    expect(await postEvent({ ...post, url })).toEqual({ error: 'no answer in time' });
    expect(await postEvent({ ...post, url: 'http://127.0.0.1:1/' })).toEqual({ error: 'ECONNREFUSED' });
  });
});
