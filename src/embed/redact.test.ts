import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Redactor } from './redact.ts';

const SECRET = 'aab-aab-aac';

/** What comes out for a text that comes in the given pieces. */
function redacted(text: string, sizes: readonly number[]): string {
  const redactor = new Redactor(SECRET);
  const out: Buffer[] = [];
  let from = 0;
  for (const size of [...sizes, text.length]) {
    out.push(Buffer.from(redactor.push(Buffer.from(text.slice(from, from + size)))));
    from += size;
  }
  out.push(redactor.flush());
  return Buffer.concat(out).toString();
}

test('a secret is starred out however the bytes are split, and nothing else is changed', () => {
  // Beginnings of the secret inside of it and beside it are what a search over pieces gets wrong.
  const part = fc.constantFrom(SECRET, 'aab-', 'aab-aab-', 'a', 'b', 'x', 'c', '-');
  const sizes = fc.array(fc.integer({ min: 0, max: 7 }), { maxLength: 60 });
  fc.assert(
    fc.property(fc.array(part, { maxLength: 20 }), sizes, (parts, split) => {
      const text = parts.join('');
      expect(redacted(text, split)).toBe(text.replaceAll(SECRET, '*'.repeat(SECRET.length)));
    }),
    { numRuns: 2000 },
  );
});

test('bytes that cannot begin the secret are not held back', () => {
  const redactor = new Redactor(SECRET);
  expect(redactor.push(Buffer.from('data: hello\n\n')).toString()).toBe('data: hello\n\n');
  expect(redactor.push(Buffer.from('so far aab-')).toString()).toBe('so far ');
  expect(redactor.push(Buffer.from('no')).toString()).toBe('aab-no');
});
