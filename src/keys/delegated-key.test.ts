import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { signDelegation, USUAL_HEADER } from '../../test/signed-delegation.ts';
import { NO_LIMITS, NO_SCOPES } from './constraints.ts';
import { parseDelegatedKey } from './delegated-key.ts';
import { generateKey } from './format.ts';

const { kid, secret } = generateKey({ type: 'kwk', environment: 'live' });
const CLAIMS = { iss: kid, aud: 'dep_1', jti: 'j1', iat: 1_800_000_000, exp: 1_800_000_300 };

function sign(payload: string | Uint8Array, header = USUAL_HEADER): string {
  return signDelegation({ kid, secret, payload, header });
}

function withClaims(more: object): string {
  return sign(JSON.stringify({ ...CLAIMS, ...more }));
}

/** The payload with one claim's value as it is written, which need not be JSON. */
function withRaw(name: string, raw: string): string {
  const rest = Object.entries(CLAIMS).filter(([claim]) => claim !== name);
  return sign(`{${rest.map(([claim, value]) => `"${claim}":${JSON.stringify(value)}`).join(',')},"${name}":${raw}}`);
}

function codeOf(text: string): string {
  const parsed = parseDelegatedKey(text);
  return parsed.ok ? 'accepted' : parsed.code;
}

describe('the claims of a delegated key', () => {
  test('are read as they were written', () => {
    const text = withClaims({ cst: { scopes: { models: ['a/*'] }, limits: { uses: 3 } }, grp: 'session:1' });
    expect(parseDelegatedKey(text)).toMatchObject({
      ok: true,
      kid,
      claims: {
        kid,
        audience: 'dep_1',
        jti: 'j1',
        issuedAtMs: 1_800_000_000_000,
        expiresAtMs: 1_800_000_300_000,
        scopes: { ...NO_SCOPES, models: ['a/*'] },
        limits: { ...NO_LIMITS, uses: 3 },
        group: 'session:1',
      },
    });
  });

  test('may hold every constraint of the vocabulary, as deep as that goes', () => {
    const timeWindows = [{ days: ['mon'], from: '09:00', to: '17:00', timeZone: 'Europe/Berlin' }];
    const budgets = [{ nanoUsd: 5, period: 'day', window: 'calendar', timeZone: 'UTC', kind: 'hard' }];
    expect(codeOf(withClaims({ cst: { scopes: { timeWindows }, limits: { budgets } } }))).toBe('accepted');
  });

  test('may be written with other spaces, in another order, and so may the header', () => {
    const text = signDelegation({
      kid,
      secret,
      header: '{ "typ": "kwd+jwt", "alg": "Ed25519" }',
      payload: JSON.stringify(Object.fromEntries(Object.entries(CLAIMS).toReversed()), null, 2),
    });
    expect(codeOf(text)).toBe('accepted');
  });

  test.each([
    ['a constraint that is not known', { cst: { scopes: { planets: ['mars'] } } }, 'unknown_constraint'],
    ['a limit that is not known', { cst: { limits: { calls: 1 } } }, 'unknown_constraint'],
    ['a kind of constraint that is not known', { cst: { rules: {} } }, 'unknown_constraint'],
    ['__proto__ as a constraint', { cst: JSON.parse('{"__proto__":{}}') as object }, 'unknown_constraint'],
    ['a constraint of a wrong form', { cst: { scopes: { models: 'a' } } }, 'malformed'],
    ['no constraints but null', { cst: null }, 'malformed'],
    ['a claim that is not known', { nbf: 1 }, 'malformed'],
    ['a claim named like a method', { constructor: 1 }, 'malformed'],
    ['another issuer', { iss: 'AAAAAAAAAAAA' }, 'malformed'],
    ['several audiences', { aud: ['dep_1'] }, 'malformed'],
    ['an empty audience', { aud: '' }, 'malformed'],
    ['a jti that is a number', { jti: 7 }, 'malformed'],
    ['a long jti', { jti: 'j'.repeat(65) }, 'malformed'],
    ['a line feed in the group', { grp: 'a\nb' }, 'malformed'],
    ['exp before iat', { exp: CLAIMS.iat }, 'malformed'],
    ['a negative date', { iat: -1 }, 'malformed'],
    ['a date as text', { exp: '1800000300' }, 'malformed'],
    ['dates in milliseconds', { iat: CLAIMS.iat * 1000, exp: CLAIMS.exp * 1000 }, 'malformed'],
  ])('%s is refused', (_, more, code) => {
    expect(codeOf(withClaims(more))).toBe(code);
  });

  test.each(['iss', 'aud', 'jti', 'iat', 'exp'])('%s must be there', (name) => {
    const { [name as keyof typeof CLAIMS]: _, ...rest } = CLAIMS;
    expect(codeOf(sign(JSON.stringify(rest)))).toBe('malformed');
  });

  test.each([
    ['exp', '1800000300.5'],
    ['exp', '1.8e9'],
    ['exp', '1e999'],
    ['exp', 'NaN'],
    ['exp', 'null'],
    ['exp', '9007199254740993'],
    ['exp', '1800000300,"exp":1800000300'],
    ['jti', '"\\ud800"'],
    ['aud', '"dep_1","a\\u0075d":"dep_1"'],
    ['cst', '{"limits":{"uses":1,"uses":1000}}'],
    ['cst', '{"limits":{"uses":1.0}}'],
    ['cst', '{"scopes":{"models":{"a":{"a":{}}}}}'],
    ['cst', '{"scopes":{"models":[["a"]]}}'],
  ])('%s as %s is refused', (name, raw) => {
    expect(codeOf(withRaw(name, raw))).toBe('malformed');
  });

  test.each([
    ['[]'],
    ['null'],
    [''],
    [Uint8Array.of(0x7b, 0xff, 0x7d)],
    [Buffer.from(`\ufeff${JSON.stringify(CLAIMS)}`)],
    [`${JSON.stringify(CLAIMS)} {}`],
  ])('the payload %j is refused', (payload) => {
    expect(codeOf(sign(payload))).toBe('malformed');
  });
});

describe('the header of a delegated key', () => {
  const more = (members: string): string => `{"alg":"Ed25519","typ":"kwd+jwt",${members}}`;
  test.each([
    [more('"jwk":{"kty":"OKP","crv":"Ed25519","x":"AA"}'), 'malformed'],
    [more('"jku":"https://example.com/keys"'), 'malformed'],
    [more('"x5u":"https://example.com/cert"'), 'malformed'],
    [more('"kid":"AAAAAAAAAAAA"'), 'malformed'],
    [more('"crit":["b64"],"b64":false'), 'malformed'],
    [more('"__proto__":null'), 'malformed'],
    [more('"alg":"Ed25519"'), 'malformed'],
    ['{"alg":"none","typ":"kwd+jwt"}', 'malformed'],
    ['{"alg":"EdDSA","typ":"kwd+jwt"}', 'malformed'],
    ['{"alg":"HS256","typ":"kwd+jwt"}', 'malformed'],
    ['{"alg":"ed25519","typ":"kwd+jwt"}', 'malformed'],
    ['{"alg":["Ed25519"],"typ":"kwd+jwt"}', 'malformed'],
    ['{"typ":"kwd+jwt"}', 'malformed'],
    ['{"alg":"Ed25519"}', 'wrong_type'],
    ['{"alg":"Ed25519","typ":"JWT"}', 'wrong_type'],
    ['{"alg":"Ed25519","typ":"at+jwt"}', 'wrong_type'],
    ['[]', 'malformed'],
    ['', 'malformed'],
  ])('%s is refused', (header, code) => {
    expect(codeOf(sign(JSON.stringify(CLAIMS), header))).toBe(code);
  });
});

describe('the text of a delegated key', () => {
  const text = withClaims({});
  const [header = '', payload = '', signature = ''] = text.slice(17).split('.');

  test.each([
    ['', 'malformed'],
    ['kwd_', 'malformed'],
    [text.slice(0, 17), 'malformed'],
    [text.replace('kwd_', 'kwD_'), 'malformed'],
    [text.replace(kid, `${kid.slice(0, 11)}-`), 'malformed'],
    [`kwd_${kid}.${text.slice(17)}`, 'malformed'],
    [`kwd_${kid}_${header}.${payload}`, 'malformed'],
    [`kwd_${kid}_${header}.${payload}.`, 'malformed'],
    [`kwd_${kid}_.${payload}.${signature}`, 'malformed'],
    [`kwd_${kid}_${header}..${signature}`, 'malformed'],
    [`${text}.${signature}`, 'malformed'],
    [`${text}=`, 'malformed'],
    [`${text} `, 'malformed'],
    [` ${text}`, 'malformed'],
    [`${text}AA`, 'malformed'],
    [`kwd_${kid}_${header}=.${payload}.${signature}`, 'malformed'],
    [`kwd_${kid}_${header}.${payload}\n.${signature}`, 'malformed'],
    [withClaims({ aud: 'x'.repeat(3000) }), 'malformed'],
    [generateKey({ type: 'kwk', environment: 'live' }).text, 'wrong_type'],
    [generateKey({ type: 'kwa', environment: 'live' }).text, 'wrong_type'],
  ])('case %#: %.60s is refused', (candidate, code) => {
    expect(codeOf(candidate)).toBe(code);
  });

  test('has exactly one spelling: bits behind the last byte must be zero', () => {
    const last = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const accepted = last.split('').filter((char) => parseDelegatedKey(text.slice(0, -1) + char).ok);
    expect(accepted).toHaveLength(4);
  });

  test('whatever it is, reading it never throws', () => {
    const pieces = fc.constantFrom('kwd_', kid, '_', header, '.', payload, signature, '{', '}', 'AAAA', '\ud800');
    const texts = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 3000 }),
      fc.array(pieces, { maxLength: 12 }).map((parts) => parts.join('')),
      fc.string({ unit: 'binary' }).map((content) => sign(content)),
      fc.string({ unit: 'binary' }).map((content) => sign(JSON.stringify(CLAIMS), content)),
      fc.json().map((cst) => withRaw('cst', cst)),
    );
    fc.assert(fc.property(texts, (candidate) => typeof parseDelegatedKey(candidate).ok === 'boolean'));
  });

  test('a long one costs no more than its length is looked at', () => {
    const long = `kwd_${kid}_${'.'.repeat(50_000_000)}`;
    const started = performance.now();
    for (let i = 0; i < 1000; i += 1) parseDelegatedKey(long);
    expect(performance.now() - started).toBeLessThan(1000);
  });
});
