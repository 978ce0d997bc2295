import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeBase64url, encodeBase64url } from './base64url.ts';

describe('base64url', () => {
  test('writes what Node writes, and reads it back', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const text = encodeBase64url(bytes);
        expect(text).toBe(Buffer.from(bytes).toString('base64url'));
        expect(decodeBase64url(text)).toEqual(Uint8Array.from(bytes));
      }),
    );
  });

  test('reads a text only if it is the one that would be written', () => {
    const texts = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: fc.constantFrom(...'AQgw_-+/=.\n'.split('')) }),
    );
    fc.assert(
      fc.property(texts, (text) => {
        const bytes = decodeBase64url(text);
        expect(bytes === null || encodeBase64url(bytes) === text).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  test.each(['A', 'AB', 'AA==', 'AAB', 'AA A', '+AAA', '/AAA', 'AAA\n', 'AAAé', 'AAAA='])('%j is refused', (text) => {
    expect(decodeBase64url(text)).toBeNull();
  });
});
