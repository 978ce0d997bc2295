import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { signDelegation } from '../../test/signed-delegation.ts';
import { encodeBase62 } from './base62.ts';
import { crc32 } from './crc32.ts';
import { generateKey } from './format.ts';
import { inspectKey } from './inspect-key.ts';

const key = generateKey({ type: 'kwk', environment: 'test' });

/** The same id and secret as another type. */
function as(type: string): string {
  const body = key.text.slice(0, -7).replace('kwk_', `${type}_`);
  return `${body}_${encodeBase62(crc32(body), 6)}`;
}

describe('inspecting a credential', () => {
  test.each(['kwk', 'kwt', 'kwa', 'kwr'])('tells type, environment and id of a %s', (type) => {
    expect(inspectKey(as(type))).toEqual({
      ok: true,
      type,
      environment: 'test',
      kid: key.kid,
      fingerprint: `${type}_test_${key.kid}`,
    });
  });

  test('tells the claims of a delegated key and their dates, whoever signed it', () => {
    const payload = JSON.stringify({
      iss: key.kid,
      aud: 'dep_1',
      jti: 'j',
      iat: 10,
      exp: 20,
      cst: { limits: { uses: 1 } },
    });
    const text = signDelegation({ kid: key.kid, secret: 'nobody’s', payload });
    expect(inspectKey(text)).toMatchObject({
      ok: true,
      type: 'kwd',
      kid: key.kid,
      fingerprint: `kwd_${key.kid}`,
      claims: { issuedAtMs: 10_000, expiresAtMs: 20_000, limits: { uses: 1 } },
    });
  });

  test.each([
    [`${key.text.slice(0, -1)}${key.text.endsWith('0') ? '1' : '0'}`, 'bad_checksum', `kwk_test_${key.kid}`],
    [key.text.slice(0, 40), 'truncated', `kwk_test_${key.kid}`],
    [`kwd_${key.kid}_a.b.c`, 'malformed', `kwd_${key.kid}`],
    ['kwd_', 'malformed', null],
    ['sk-abcdefghijklmnopqrstu', 'provider_key_sent_to_gateway', null],
    ['', 'malformed', null],
  ])('says why %s is none', (text, code, fingerprint) => {
    expect(inspectKey(text)).toEqual({ ok: false, code, fingerprint });
  });

  test('never throws, and never tells a secret', () => {
    const cut = fc.tuple(fc.nat(80), fc.string()).map(([at, rest]) => key.text.slice(0, at) + rest);
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), cut), (text) => {
        const told = JSON.stringify(inspectKey(text));
        expect(told).not.toContain(key.secret.slice(0, 8));
      }),
    );
    for (const type of ['kwk', 'kwt', 'kwa', 'kwr'])
      expect(JSON.stringify(inspectKey(as(type)))).not.toContain(key.secret);
  });
});
