/**
 * Requests and signatures are those that AWS publishes: the Signature Version 4 test suite (secret key,
 * scope and the `get-vanilla`, `post-…` cases: docs.aws.amazon.com/general/latest/gr/signature-v4-test-suite.html)
 * and the worked ListUsers example of the AWS General Reference.
 */
import { describe, expect, test } from 'vitest';
import { signRequest } from './aws-sigv4.ts';
import type { UnsignedRequest } from './aws-sigv4.ts';

const CREDENTIALS = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' };
const NOW_MS = Date.UTC(2015, 7, 30, 12, 36, 0);
const SUITE = { region: 'us-east-1', service: 'service', nowMs: NOW_MS };
const EMPTY = new Uint8Array(0);

const VANILLA: UnsignedRequest = {
  method: 'GET',
  path: '/',
  query: '',
  headers: ['Host', 'example.amazonaws.com'],
  body: EMPTY,
};

function signatureOf(request: UnsignedRequest, credentials: Parameters<typeof signRequest>[1] = CREDENTIALS): string {
  return /Signature=(\w+)$/.exec(signRequest(request, credentials, SUITE).at(-1) ?? '')?.[1] ?? '';
}

describe('the signature', () => {
  test.each([
    ['get-vanilla', VANILLA, '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31'],
    [
      'get-vanilla-query-order-key-case',
      { ...VANILLA, query: 'Param2=value2&Param1=value1' },
      'b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500',
    ],
    [
      'post-vanilla',
      { ...VANILLA, method: 'POST' },
      '5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b',
    ],
    ['get-utf8', { ...VANILLA, path: '/\u1234' }, '8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85'],
    [
      'get-relative',
      { ...VANILLA, path: '/example/..' },
      '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31',
    ],
    [
      'post-x-www-form-urlencoded',
      {
        ...VANILLA,
        method: 'POST',
        headers: ['Content-Type', 'application/x-www-form-urlencoded', 'Host', 'example.amazonaws.com'],
        body: Buffer.from('Param1=value1'),
      },
      'ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a',
    ],
  ])('of %s is the published one', (_name, request, signature) => {
    expect(signatureOf(request)).toBe(signature);
  });

  test('of the ListUsers example is the published one, with the whole header', () => {
    const request: UnsignedRequest = {
      ...VANILLA,
      query: 'Action=ListUsers&Version=2010-05-08',
      headers: ['content-type', 'application/x-www-form-urlencoded; charset=utf-8', 'host', 'iam.amazonaws.com'],
    };
    expect(signRequest(request, CREDENTIALS, { ...SUITE, service: 'iam' })).toEqual([
      'x-amz-date',
      '20150830T123600Z',
      'authorization',
      'AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, ' +
        'SignedHeaders=content-type;host;x-amz-date, ' +
        'Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7',
    ]);
  });

  test('covers the session token, and the token is among the headers', () => {
    const sessionToken =
      'AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuw' +
      'thAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHN' +
      'VXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA==';
    const request = { ...VANILLA, method: 'POST' };
    expect(signRequest(request, { ...CREDENTIALS, sessionToken }, SUITE)).toContain(sessionToken);
    // post-sts-header-before
    expect(signatureOf(request, { ...CREDENTIALS, sessionToken })).toBe(
      '85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead',
    );
  });

  test('is of the path encoded twice: once as it is sent, once more to sign', () => {
    const sent = { ...VANILLA, path: '/model/a%3A0/converse' };
    const other = { ...VANILLA, path: '/model/a:0/converse' };
    expect(signatureOf(sent)).not.toBe(signatureOf(other));
  });

  test('does not depend on the order and the case of headers, nor on spaces around values', () => {
    const one = { ...VANILLA, headers: ['Host', 'example.amazonaws.com', 'X-A', '  a   b '] };
    const other = { ...VANILLA, headers: ['x-a', 'a b', 'host', 'example.amazonaws.com'] };
    expect(signatureOf(one)).toBe(signatureOf(other));
  });
});
