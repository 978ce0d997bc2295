import { describe, expect, test } from 'vitest';
import { openPrivateKey } from './delegation-minter.ts';
import { delegationPublicKeyOf, readPublicKey, verifyProofOfPossession } from './delegation-public-key.ts';
import { generateDelegationKeyPair } from './delegation-signer.ts';
import { generateKey } from './format.ts';

function littleEndian(value: bigint): Buffer {
  return Buffer.from(Buffer.from(value.toString(16).padStart(64, '0'), 'hex').toReversed());
}

const P = 2n ** 255n - 19n;
const SIGN = 2n ** 255n;
/** The y of the two points of order 8, up to its sign. */
const Y8 = BigInt('0x7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd83d3d706a17c7');

describe('a public key', () => {
  test('that somebody holds is accepted, as it is written', async () => {
    for (let i = 0; i < 20; i += 1) {
      const { publicKey } = await generateDelegationKeyPair();
      expect(readPublicKey(publicKey)).toEqual({ ok: true, publicKey });
    }
    expect(readPublicKey(delegationPublicKeyOf(generateKey({ type: 'kwk', environment: 'live' }).secret)).ok).toBe(
      true,
    );
  });

  test.each([
    ['the identity', 1n],
    ['order 2', P - 1n],
    ['order 4', 0n],
    ['order 4, the other', 0n | SIGN],
    ['order 8', Y8],
    ['order 8, the second', Y8 | SIGN],
    ['order 8, the third', P - Y8],
    ['order 8, the fourth', (P - Y8) | SIGN],
  ])('of small order is refused: %s', (_, encoded) => {
    expect(readPublicKey(littleEndian(encoded).toString('base64url'))).toMatchObject({ ok: false, code: 'malformed' });
    expect(JSON.stringify(readPublicKey(littleEndian(encoded).toString('base64url')))).toContain('small order');
  });

  test('whose y is not reduced is refused, whichever it is', () => {
    for (let y = P; y < SIGN; y += 1n) {
      for (const encoded of [y, y | SIGN]) {
        expect(JSON.stringify(readPublicKey(littleEndian(encoded).toString('base64url')))).toContain('its y');
      }
    }
  });

  test('whose x is zero with a sign is refused', () => {
    for (const y of [1n, P - 1n]) {
      expect(JSON.stringify(readPublicKey(littleEndian(y | SIGN).toString('base64url')))).toContain('its x');
    }
  });

  test('that is not on the curve is refused', () => {
    expect(JSON.stringify(readPublicKey(littleEndian(2n).toString('base64url')))).toContain('not on the curve');
  });

  test('that has a part of small order is refused', () => {
    // The y of the sum of the base point (RFC 8032 §5.1) and the point of order 2 is that of the base point, negated.
    const baseY = (4n * modularInverse(5n)) % P;
    expect(readPublicKey(littleEndian(baseY).toString('base64url')).ok).toBe(true);
    expect(readPublicKey(littleEndian(P - baseY).toString('base64url')).ok).toBe(false);
  });

  test.each(['', 'AAAA', 'A'.repeat(42), `${'A'.repeat(42)}B`, 'A'.repeat(44), `${'A'.repeat(42)}=`, '+'.repeat(43)])(
    '%j is refused: it is not 32 bytes in their one form',
    (text) => {
      expect(readPublicKey(text)).toMatchObject({ ok: false, code: 'malformed' });
    },
  );
});

describe('a proof of possession', () => {
  test('holds for its key and its challenge, and for no other', async () => {
    const [pair, other] = [await generateDelegationKeyPair(), await generateDelegationKeyPair()];
    const opened = await openPrivateKey(pair.privateKey);
    const proof = (opened.ok ? await opened.proofOfPossession('nonce-1') : null) ?? '';
    expect(verifyProofOfPossession(pair.publicKey, 'nonce-1', proof)).toBe(true);
    expect(verifyProofOfPossession(pair.publicKey, 'nonce-2', proof)).toBe(false);
    expect(verifyProofOfPossession(other.publicKey, 'nonce-1', proof)).toBe(false);
    for (const broken of ['', 'AA', `${proof}A`, `${proof.slice(0, -2)}AA`, proof.toLowerCase()]) {
      expect(verifyProofOfPossession(pair.publicKey, 'nonce-1', broken)).toBe(false);
    }
    expect(verifyProofOfPossession('nonsense', 'nonce-1', proof)).toBe(false);
  });

  test('is not given for an empty, a very long or a broken challenge', async () => {
    const opened = await openPrivateKey((await generateDelegationKeyPair()).privateKey);
    if (!opened.ok) throw new Error(opened.code);
    for (const challenge of ['', 'x'.repeat(513), '\ud800']) {
      expect(await opened.proofOfPossession(challenge)).toBeNull();
    }
  });
});

/** By Fermat's little theorem. */
function modularInverse(value: bigint): bigint {
  let [result, square] = [1n, value];
  for (let exponent = P - 2n; exponent > 0n; exponent >>= 1n) {
    if ((exponent & 1n) === 1n) result = (result * square) % P;
    square = (square * square) % P;
  }
  return result;
}
