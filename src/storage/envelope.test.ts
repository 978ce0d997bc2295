import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { seal, unseal } from './envelope.ts';

const bytes = fc.uint8Array({ maxLength: 200 });
const context = fc.record({
  purpose: fc.string(),
  workspaceId: fc.string(),
  recordId: fc.string(),
  version: fc.nat(),
});

test('what was sealed opens again under the same key and context', () => {
  const key = randomBytes(32);
  fc.assert(
    fc.property(bytes, context, (plain, where) => {
      expect(unseal(key, where, seal(key, where, plain))).toEqual(Buffer.from(plain));
    }),
  );
});

test('a sealed value does not open in another context', () => {
  const key = randomBytes(32);
  fc.assert(
    fc.property(bytes, context, context, (plain, from, to) => {
      fc.pre(JSON.stringify(from) !== JSON.stringify(to));
      expect(unseal(key, to, seal(key, from, plain))).toBeNull();
    }),
  );
});

test('a sealed value does not open when any byte was changed, cut off or added', () => {
  const key = randomBytes(32);
  const where = { purpose: 'p', workspaceId: 'w', recordId: 'r', version: 1 };
  const sealed = seal(key, where, Buffer.from('secret'));
  for (let index = 0; index < sealed.length; index++) {
    const changed = Buffer.from(sealed);
    changed[index] = (changed[index] ?? 0) ^ 1;
    expect(unseal(key, where, changed)).toBeNull();
    expect(unseal(key, where, sealed.subarray(0, index))).toBeNull();
  }
  expect(unseal(key, where, Buffer.concat([sealed, Buffer.of(0)]))).toBeNull();
  expect(unseal(randomBytes(32), where, sealed)).toBeNull();
});

test('the same text is never sealed to the same bytes', () => {
  const key = randomBytes(32);
  const where = { purpose: 'p', workspaceId: 'w', recordId: 'r', version: 1 };
  const seen = new Set(Array.from({ length: 100 }, () => seal(key, where, Buffer.from('x')).toString('hex')));
  expect(seen.size).toBe(100);
});
