/** The server's side of delegation keys: deriving, registering and using their public halves. */
import { createPrivateKey, createPublicKey, hkdfSync, verify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { decodeBase64url } from './base64url.ts';
import { proofMessage } from './delegation-proof.ts';
import { SEED_BYTES, SEED_INFO, SEED_SALT, wrapSeed } from './delegation-seed.ts';
import { whyNotPublicKey } from './ed25519-point.ts';

export type ReadPublicKey =
  | { readonly ok: true; readonly publicKey: string }
  /** `reason` completes "it is refused because …". */
  | { readonly ok: false; readonly code: 'malformed'; readonly reason: string };

const SIGNATURE_BYTES = 64;
/** Everything of a SubjectPublicKeyInfo of Ed25519 but the 32 bytes at its end (RFC 8410 §4). */
const SPKI_START = Buffer.from('302a300506032b6570032100', 'hex');

/**
 * The public key under which the children of a key are signed: to be stored with the key whenever
 * its secret is at hand, that is when it is made, rotated or proven. The same as a minter's.
 */
export function delegationPublicKeyOf(secret: string): string {
  const seed = new Uint8Array(hkdfSync('sha256', secret, SEED_SALT, SEED_INFO, SEED_BYTES));
  const privateKey = createPrivateKey({ key: Buffer.from(wrapSeed(seed)), format: 'der', type: 'pkcs8' });
  const spki = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
  return spki.subarray(SPKI_START.length).toString('base64url');
}

/** A public key that somebody wants to register: in its one form, on the curve, of the right order. */
export function readPublicKey(text: string): ReadPublicKey {
  const bytes = text.length === 43 ? decodeBase64url(text) : null;
  if (bytes === null) return { ok: false, code: 'malformed', reason: 'it is not 32 bytes as base64url' };
  const reason = whyNotPublicKey(bytes);
  return reason === null ? { ok: true, publicKey: text } : { ok: false, code: 'malformed', reason };
}

/** Whether the signature over the challenge proves that the private half of a read public key is at hand. */
export function verifyProofOfPossession(publicKey: string, challenge: string, signature: string): boolean {
  const message = proofMessage(publicKey, challenge);
  const bytes = signature.length === 86 ? decodeBase64url(signature) : null;
  const key = importPublicKey(publicKey);
  return message !== null && bytes !== null && key !== null && isSignature(key, message, bytes);
}

/** A public key as node:crypto takes it; null for what is not 32 bytes. Does not look at the point. */
export function importPublicKey(publicKey: string): KeyObject | null {
  const bytes = decodeBase64url(publicKey);
  if (bytes?.length !== 32) return null;
  return createPublicKey({ key: Buffer.concat([SPKI_START, bytes]), format: 'der', type: 'spki' });
}

/** Ed25519 by RFC 8032 §5.1.7, without a prehash. */
export function isSignature(key: KeyObject, message: Uint8Array, signature: Uint8Array): boolean {
  return signature.length === SIGNATURE_BYTES && verify(null, message, key, signature);
}
