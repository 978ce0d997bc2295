import fc from 'fast-check';
import { expect, test } from 'vitest';
import { examineForm } from './examine-form.ts';
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
