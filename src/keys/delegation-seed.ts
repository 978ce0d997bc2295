/**
 * From a key's secret to the key that signs its children. The seed is derived (RFC 5869) and not
 * the secret itself: who learns the one cannot tell the other. Constants only, so that WebCrypto in
 * any runtime and the server's own derivation agree.
 */

const ascii = new TextEncoder();

export const SEED_BYTES = 32;

/** Another version of the derivation would have other constants. */
export const SEED_SALT = ascii.encode('keyward delegated keys');
export const SEED_INFO = ascii.encode('keyward/delegation/ed25519-seed/v1');

/** Everything of a PKCS #8 private key of Ed25519 but the seed at its end (RFC 8410 §7). */
const PKCS8_START = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, SEED_BYTES] as const;

/** The form in which WebCrypto and Node take a private key. */
export function wrapSeed(seed: Uint8Array): Uint8Array<ArrayBuffer> {
  const wrapped = new Uint8Array(PKCS8_START.length + SEED_BYTES);
  wrapped.set(PKCS8_START);
  wrapped.set(seed, PKCS8_START.length);
  return wrapped;
}
