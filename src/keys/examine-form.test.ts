import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { examineForm } from './examine-form.ts';
import { signDelegation } from '../../test/signed-delegation.ts';
import { generateKey } from './format.ts';

const key = (): string => generateKey({ type: 'kwk', environment: 'live' }).text;
const LETTERS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

test('a whole key is found to be one, also with what copying left around it', () => {
  const text = key();
  expect(examineForm(text)).toMatchObject({ code: null, parsed: { ok: true } });
  for (const wrapped of [` ${text}\n`, `"${text}"`, `Bearer ${text}`, `authorization: Bearer ${text}`, `'${text}',`]) {
    const { parsed, sentences } = examineForm(wrapped);
    expect(parsed).toMatchObject({ ok: true });
    expect(sentences[0]).toContain('something around the key');
  }
});

test('one mistyped character is told by its place, wherever it is behind the environment', () => {
  fc.assert(
    fc.property(fc.integer({ min: 9, max: 71 }), fc.constantFrom(...Array.from(LETTERS)), (at, letter) => {
      const text = key();
      fc.pre(text.charAt(at) !== letter && text.charAt(at) !== '_');
      const { code, sentences } = examineForm(text.slice(0, at) + letter + text.slice(at + 1));
      expect(code).toBe('bad_checksum');
      expect(sentences[0]).toMatch(
        new RegExp(`One character was mistyped: character ${at + 1} of 72|swapped: character`),
      );
    }),
    { numRuns: 60 },
  );
});

test('two swapped characters, one too many and one too few are told by their place', () => {
  const text = key();
  const at = Array.from(text).findIndex((letter, i) => i > 25 && letter !== text.charAt(i + 1));
  const swapped = text.slice(0, at) + text.charAt(at + 1) + text.charAt(at) + text.slice(at + 2);
  expect(examineForm(swapped).sentences[0]).toContain(`swapped: character ${at + 1} of 72`);
  expect(examineForm(`${text.slice(0, 30)}Q${text.slice(30)}`).sentences[0]).toMatch(
    /one character too many: character (?:30|31|32) of 73/,
  );
  expect(examineForm(text.slice(0, 30) + text.slice(31)).sentences[0]).toMatch(
    /One character is missing: before character 3[01]|The end is missing/,
  );
});

test.each([
  ['', 'malformed', 'does not begin'],
  ['kwk_live_2rTx0Aa91LmQ_abc', 'truncated', 'The end is missing: 47 of 72'],
  ['kwk_live_YOUR_KEY_HERE', 'placeholder_key', 'placeholder'],
  ['sk-proj-Zq7RkWm3TnVbYcXdLpGh', 'provider_key_sent_to_gateway', 'vendor'],
  ['kwa_live_2rTx0Aa91LmQ', 'wrong_type', 'another kind'],
  ['kwk_live_2rTx0Aa9-LmQ', 'malformed', 'Character 18 cannot'],
])('%j is told as %s', (text, code, sentence) => {
  const finding = examineForm(text);
  expect(finding).toMatchObject({ parsed: null, code });
  expect(finding.sentences.join(' ')).toContain(sentence);
});

describe('a delegated key', () => {
  const { kid, secret } = generateKey({ type: 'kwk', environment: 'live' });
  const CLAIMS = { iss: kid, aud: 'ws_1', jti: 'j1', iat: 1_800_000_000, exp: 1_800_000_300 };
  const signed = (payload: object | string, header?: string) =>
    signDelegation({
      ...{ kid, secret, payload: typeof payload === 'string' ? payload : JSON.stringify(payload) },
      ...(header === undefined ? {} : { header }),
    });

  test('of a right form is found to be one, also with what copying left around it', () => {
    const text = signed(CLAIMS);
    for (const wrapped of [text, `Bearer ${text}\n`, `"${text}"`]) {
      const found = examineForm(wrapped);
      expect(found).toMatchObject({ parsed: null, delegated: { text, kid }, code: null, fingerprint: `kwd_${kid}` });
      expect(found.sentences.at(-1)).toContain(`a delegated key of ${kid}, to expire at 2027-01-15T08:05:00.000Z`);
    }
  });

  test.each([
    ['an unknown claim', signed({ ...CLAIMS, sub: 'x' }), 'malformed', 'the claim "sub" is not known'],
    ['a member twice', signed(`{"iss":"${kid}","iss":"${kid}"}`), 'malformed', 'twice'],
    ['jwk', signed(CLAIMS, '{"alg":"Ed25519","typ":"kwd+jwt","jwk":{}}'), 'malformed', 'the header holds "jwk"'],
    ['crit', signed(CLAIMS, '{"alg":"Ed25519","typ":"kwd+jwt","crit":[]}'), 'malformed', 'the header holds "crit"'],
    ['an unknown constraint', signed({ ...CLAIMS, cst: { moon: 1 } }), 'unknown_constraint', 'cst holds "moon"'],
    ['too much', signed({ ...CLAIMS, grp: 'g'.repeat(3000) }), 'malformed', 'it has more than 2048 characters'],
    ['no key in its name', 'kwd_abc', 'malformed', 'it does not begin with kwd_, the id of a key and _'],
  ])('with %s is told why it is none', (_what, text, code, reason) => {
    const { delegated, sentences, ...finding } = examineForm(text);
    expect(finding).toMatchObject({ parsed: null, code });
    expect(delegated).toBeNull();
    expect(sentences.join(' ')).toContain(reason);
    expect(sentences.join(' ')).not.toContain('kwk_');
  });
});

test('no finding holds a piece of the text that could be a secret', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 71 }), fc.constantFrom('', '!', 'a', 'ab', '"'), (at, piece) => {
      const text = key();
      const secret = text.split('_')[3] ?? '';
      const { sentences } = examineForm(text.slice(0, at) + piece + text.slice(at + 1));
      for (let i = 0; i + 8 <= secret.length; i += 1) expect(sentences.join(' ')).not.toContain(secret.slice(i, i + 8));
    }),
    { numRuns: 40 },
  );
});
