import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { crc32 } from './crc32.ts';
import type { KeyType } from './format.ts';
import { fingerprintOf, generateKey, parseKey } from './format.ts';
import type { Environment } from './key-record.ts';

const TYPES = ['kwk', 'kwa'] as const;
const anyKind = fc.record({
  type: fc.constantFrom<KeyType>('kwk', 'kwa'),
  environment: fc.constantFrom<Environment>('live', 'test'),
});
const key = generateKey({ type: 'kwk', environment: 'live' });

describe('a generated key', () => {
  test('has the documented form, and is read back as what it was made of', () => {
    fc.assert(
      fc.property(anyKind, ({ type, environment }) => {
        const { text, kid, secret, fingerprint } = generateKey({ type, environment });
        expect(text).toMatch(/^kw[ka]_(live|test)_[0-9A-Za-z]{12}_[0-9A-Za-z]{43}_[0-9A-Za-z]{6}$/);
        expect(parseKey(text, TYPES)).toEqual({ ok: true, type, environment, kid, secret });
        expect(fingerprint).toBe(fingerprintOf({ type, environment, kid }));
        expect(fingerprint).not.toContain(secret);
      }),
    );
  });

  test('carries the CRC-32 of everything before the underscore of the checksum', () => {
    const body = key.text.slice(0, -7);
    const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
    const written = [...key.text.slice(-6)].reduce((value, char) => value * 62 + alphabet.indexOf(char), 0);
    expect(written).toBe(crc32(body));
  });

  test('differs from any other in kid and secret', () => {
    const keys = Array.from({ length: 2000 }, () => generateKey({ type: 'kwk', environment: 'test' }));
    expect(new Set(keys.map((each) => each.kid)).size).toBe(2000);
    expect(new Set(keys.map((each) => each.secret)).size).toBe(2000);
  });
});

describe('a text that is no key', () => {
  test('a single wrong character is told as a typing error', () => {
    fc.assert(
      fc.property(fc.nat(71), fc.constantFrom('a', 'b', 'X', 'Y', '0', '9'), (place, char) => {
        fc.pre(place >= 22 && place !== 65 && key.text[place] !== char);
        const typo = key.text.slice(0, place) + char + key.text.slice(place + 1);
        expect(parseKey(typo, TYPES)).toEqual({ ok: false, code: 'bad_checksum', fingerprint: key.fingerprint });
      }),
    );
  });

  test('a key without its end is told as truncated from the kid on, as malformed before', () => {
    for (let length = 4; length < key.text.length; length += 1) {
      const parsed = parseKey(key.text.slice(0, length), TYPES);
      const hasKid = length >= key.fingerprint.length;
      expect(parsed).toEqual({
        ok: false,
        code: hasKid ? 'truncated' : 'malformed',
        fingerprint: hasKid ? key.fingerprint : null,
      });
    }
  });

  test.each([
    ['', 'malformed'],
    ['kwk_prod_abcdefghijkl_x', 'malformed'],
    [`${key.text}0`, 'malformed'],
    [` ${key.text}`, 'malformed'],
    [key.text.toUpperCase(), 'malformed'],
    [key.text.replace(/.$/, 'é'), 'malformed'],
    [`kwk_live_${key.secret}`, 'malformed'],
    ['sk-short', 'malformed'],
    ['hello', 'malformed'],
    [`sk-${'a1B2'.repeat(140)}`, 'malformed'],
    ['YOUR_API_KEY', 'placeholder_key'],
    ['your-api-key-here', 'placeholder_key'],
    ['<key>', 'placeholder_key'],
    ['{{KEYWARD_KEY}}', 'placeholder_key'],
    ['$KEYWARD_KEY', 'placeholder_key'],
    ['sk-xxxx', 'placeholder_key'],
    ['sk-xxxx…', 'placeholder_key'],
    ['sk-...', 'placeholder_key'],
    ['sk-1234', 'placeholder_key'],
    ['kwk_live_...', 'placeholder_key'],
    [`kwk_live_${'x'.repeat(12)}_${'x'.repeat(43)}_xxxxxx`, 'placeholder_key'],
    ['kwk_live_xxxxxxxxxxxx', 'placeholder_key'],
    ['undefined', 'placeholder_key'],
    [`sk-proj-${'a1B2'.repeat(30)}`, 'provider_key_sent_to_gateway'],
    [`sk-ant-api03-${'a1B2'.repeat(20)}AA`, 'provider_key_sent_to_gateway'],
    [`AIzaSy${'a1B2c'.repeat(7)}`, 'provider_key_sent_to_gateway'],
    [`gsk_${'a1B2'.repeat(13)}`, 'provider_key_sent_to_gateway'],
    [`xai-${'a1B2'.repeat(20)}`, 'provider_key_sent_to_gateway'],
    [`hf_${'a1B2'.repeat(8)}`, 'provider_key_sent_to_gateway'],
    [`kwt_live_${key.text.slice(9)}`, 'wrong_type'],
    ['kwr_live_abc', 'wrong_type'],
    ['kwd_abcdefghijkl_eyJhbGciOiJFZERTQSJ9.e30.c2ln', 'wrong_type'],
  ])('%s is told as %s', (text, code) => {
    expect(parseKey(text, TYPES)).toMatchObject({ ok: false, code });
  });

  test('an admin token where a key is wanted, and the other way round, is of the wrong type', () => {
    const token = generateKey({ type: 'kwa', environment: 'live' });
    expect(parseKey(token.text, ['kwk'])).toEqual({ ok: false, code: 'wrong_type', fingerprint: token.fingerprint });
    expect(parseKey(key.text, ['kwa'])).toEqual({ ok: false, code: 'wrong_type', fingerprint: key.fingerprint });
  });

  test('never makes the parser throw, nor shows more of itself than type, environment and kid', () => {
    const pieces = fc.array(
      fc.oneof(
        fc.constantFrom('kwk_', 'kwa_', 'kwd_', 'live_', 'test_', '_', key.kid, key.secret, 'sk-'),
        fc.string(),
        textOf(fc.uint16Array({ maxLength: 80 })),
      ),
      { maxLength: 8 },
    );
    fc.assert(
      fc.property(pieces, (parts) => {
        const parsed = parseKey(parts.join(''), TYPES);
        expect(parsed.ok).toBe(false);
        if (!parsed.ok && parsed.fingerprint !== null)
          expect(parsed.fingerprint).toMatch(/^kw[ka]_(live|test)_[0-9A-Za-z]{12}$/);
      }),
      { numRuns: 500 },
    );
  });

  test('a secret that stands where the kid belongs is not taken for one', () => {
    expect(parseKey(`kwk_live_${key.secret}_${key.kid}`, TYPES)).toMatchObject({ ok: false, fingerprint: null });
  });
});

/** Any UTF-16 text, lone surrogates included. */
function textOf(codes: fc.Arbitrary<Uint16Array>): fc.Arbitrary<string> {
  return codes.map((units) => String.fromCharCode(...units));
}
