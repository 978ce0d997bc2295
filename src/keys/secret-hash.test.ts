import fc from 'fast-check';
import { createHmac } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { AppError } from '../errors.ts';
import { generateKey } from './format.ts';
import type { KeySecret } from './key-record.ts';
import { createSecretHasher, findMatchingSecret } from './secret-hash.ts';

const OLD = { version: 1, key: new Uint8Array(32).fill(1) };
const NEW = { version: 2, key: new Uint8Array(32).fill(2) };
const secretOf = (): string => generateKey({ type: 'kwk', environment: 'live' }).secret;

describe('the hash of a secret', () => {
  test('is HMAC-SHA-256 for every pepper and every text', () => {
    const texts = fc.oneof(
      textOf(fc.uint16Array({ maxLength: 200 })),
      textOf(fc.uint16Array({ minLength: 43, maxLength: 43, max: 0xff })),
      fc.string({ minLength: 43, maxLength: 43 }),
    );
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 150 }), texts, (key, secret) => {
        const expected = createHmac('sha256', key).update(secret, 'utf8').digest('binary');
        expect(createSecretHasher([{ version: 7, key }]).hash(secret)).toEqual({ hash: expected, pepperVersion: 7 });
      }),
    );
  });

  test('matches its secret and no other', () => {
    const hasher = createSecretHasher([OLD]);
    fc.assert(
      fc.property(fc.constant(null).map(secretOf), fc.constant(null).map(secretOf), (mine, other) => {
        const stored = hasher.hash(mine);
        expect(hasher.matches(mine, stored)).toBe(true);
        expect(hasher.matches(other, stored)).toBe(false);
        expect(hasher.matches(`${mine}0`, stored)).toBe(false);
        expect(hasher.matches(mine.slice(1), stored)).toBe(false);
      }),
    );
  });

  test('is made with the newest pepper, while older ones still verify', () => {
    const secret = secretOf();
    const stored = createSecretHasher([OLD]).hash(secret);
    const hasher = createSecretHasher([OLD, NEW]);
    expect(hasher.currentVersion).toBe(2);
    expect(hasher.hash(secret).pepperVersion).toBe(2);
    expect(hasher.matches(secret, stored)).toBe(true);
    expect(createSecretHasher([NEW]).matches(secret, stored)).toBe(false);
  });

  test('that is damaged matches nothing', () => {
    const secret = secretOf();
    const hasher = createSecretHasher([OLD]);
    const { hash } = hasher.hash(secret);
    for (const damaged of ['', hash.slice(1), `${hash}0`, '\0'.repeat(32)]) {
      expect(hasher.matches(secret, { hash: damaged, pepperVersion: 1 })).toBe(false);
    }
    expect(hasher.matchDummy(secret)).toBe(false);
  });

  test('is found among the secrets of a key', () => {
    const hasher = createSecretHasher([OLD, NEW]);
    const [retiring, current] = [secretOf(), secretOf()];
    const secrets: readonly KeySecret[] = [
      { ...createSecretHasher([OLD]).hash(retiring), state: 'retiring', notAfterMs: 5 },
      { ...hasher.hash(current), state: 'current', notAfterMs: null },
    ];
    expect(findMatchingSecret(hasher, secrets, retiring)).toBe(secrets[0]);
    expect(findMatchingSecret(hasher, secrets, current)).toBe(secrets[1]);
    expect(findMatchingSecret(hasher, secrets, secretOf())).toBeNull();
    expect(findMatchingSecret(hasher, [], current)).toBeNull();
  });
});

test('peppers that would not protect are refused', () => {
  for (const peppers of [[], [{ version: 1, key: new Uint8Array(31) }], [OLD, { ...NEW, version: 1 }]]) {
    expect(() => createSecretHasher(peppers)).toThrow(AppError);
  }
});

/** Any UTF-16 text, lone surrogates included. */
function textOf(codes: fc.Arbitrary<Uint16Array>): fc.Arbitrary<string> {
  return codes.map((units) => String.fromCharCode(...units));
}
