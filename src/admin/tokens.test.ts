import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseKey } from '../keys/format.ts';
import { builtInTokens, createTokenVerifier, deriveLocalToken } from './tokens.ts';

const masterKeys = fc.uint8Array({ minLength: 32, maxLength: 32 });

describe('the local operator token', () => {
  test('is an admin token with a valid checksum, whatever the master key', () => {
    fc.assert(
      fc.property(masterKeys, (masterKey) => {
        expect(parseKey(deriveLocalToken(masterKey), ['kwa'])).toMatchObject({
          ok: true,
          type: 'kwa',
          environment: 'live',
        });
      }),
    );
  });

  test('is the same for the same master key, and another for another', () => {
    fc.assert(
      fc.property(masterKeys, fc.nat(255), (masterKey, bit) => {
        const other = Uint8Array.from(masterKey);
        other[bit >> 3] = (other[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        expect(deriveLocalToken(Uint8Array.from(masterKey))).toBe(deriveLocalToken(masterKey));
        expect(deriveLocalToken(other)).not.toBe(deriveLocalToken(masterKey));
      }),
    );
  });

  test('never changes between versions of the program', () => {
    expect(deriveLocalToken(new Uint8Array(32))).toBe(
      'kwa_live_FPoGfPVu9EKE_rjFJRXFSJ0W5l1Q2aZQjoaumIB7Lpil6C23SWiEPMBN_3hLwWO',
    );
  });
});

describe('the verifier', () => {
  const verifier = createTokenVerifier(
    builtInTokens({ bootstrapToken: 'from-the-environment', masterKey: new Uint8Array(32) }),
  );

  test('knows both tokens apart', async () => {
    expect(await verifier.verify('from-the-environment')).toMatchObject({ actor: 'token:bootstrap' });
    expect(await verifier.verify(deriveLocalToken(new Uint8Array(32)))).toMatchObject({ actor: 'token:local' });
  });

  test('takes nothing else, not even a part or the empty text', async () => {
    for (const text of ['', 'from-the-environmen', 'from-the-environment ', 'From-the-environment']) {
      expect(await verifier.verify(text)).toBeNull();
    }
    expect(await createTokenVerifier(builtInTokens({ bootstrapToken: '' })).verify('')).toBeNull();
  });
});
