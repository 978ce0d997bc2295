import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeBase62, encodeBase62, isBase62Code, randomBase62 } from './base62.ts';

describe('base62', () => {
  test('a number survives being written and read', () => {
    fc.assert(
      fc.property(fc.nat(0xffffffff), (value) => {
        const text = encodeBase62(value, 6);
        expect(text).toHaveLength(6);
        expect(decodeBase62(text, 0, 6)).toBe(value);
      }),
    );
  });

  test('reading refuses any other character', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string({ minLength: 1, maxLength: 6 }), textOf(fc.uint16Array({ minLength: 1, maxLength: 6 }))),
        (text) => {
          const isBase62 = /^[0-9A-Za-z]+$/.test(text);
          expect(decodeBase62(text, 0, text.length) >= 0).toBe(isBase62);
          expect([...Array(text.length).keys()].every((i) => isBase62Code(text.charCodeAt(i)))).toBe(isBase62);
        },
      ),
    );
  });

  test('random text has the length asked for, and every character about equally often', () => {
    const counts = new Map<string, number>();
    const text = randomBase62(62_000);
    expect(text).toMatch(/^[0-9A-Za-z]{62000}$/);
    for (const char of text) counts.set(char, (counts.get(char) ?? 0) + 1);
    expect(counts.size).toBe(62);
    // 1,000 each is expected; a bias modulo 62 would give the first eight a quarter more. Seven standard deviations: 222.
    for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(222);
  });
});

/** Any UTF-16 text, lone surrogates included. */
function textOf(codes: fc.Arbitrary<Uint16Array>): fc.Arbitrary<string> {
  return codes.map((units) => String.fromCharCode(...units));
}
