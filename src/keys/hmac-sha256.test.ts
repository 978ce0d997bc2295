import fc from 'fast-check';
import { createHmac } from 'node:crypto';
import { expect, test } from 'vitest';
import { TEXT_LENGTH_MAX, createHmacSha256 } from './hmac-sha256.ts';

function hex(words: Int32Array): string {
  return Array.from(words, (word) => (word >>> 0).toString(16).padStart(8, '0')).join('');
}

test('the MAC is that of node:crypto, for every key up to a block and every text up to the limit', () => {
  const ascii = fc.string({ unit: 'binary-ascii', maxLength: TEXT_LENGTH_MAX });
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), ascii, ascii, (key, first, second) => {
      const hmac = createHmacSha256(key);
      for (const text of [first, second]) {
        expect(hex(hmac.compute(text))).toBe(createHmac('sha256', key).update(text, 'latin1').digest('hex'));
      }
    }),
    { numRuns: 2000 },
  );
});

test('the MAC is that of RFC 4231, cases 1 and 2', () => {
  expect(hex(createHmacSha256(new Uint8Array(20).fill(0x0b)).compute('Hi There'))).toBe(
    'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7',
  );
  expect(hex(createHmacSha256(Buffer.from('Jefe')).compute('what do ya want for nothing?'))).toBe(
    '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
  );
});

test('a key longer than a block is refused', () => {
  expect(() => createHmacSha256(new Uint8Array(65))).toThrow('hashed first');
});
