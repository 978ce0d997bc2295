/**
 * The key that signs delegated keys, over the runtime's own WebCrypto: Node from 20 on, browsers,
 * edge runtimes. It never leaves here.
 */
import { decodeBase64url, encodeBase64url } from './base64url.ts';
import { proofMessage } from './delegation-proof.ts';
import { SEED_BYTES, SEED_INFO, SEED_SALT, wrapSeed } from './delegation-seed.ts';

/** An opened signing key. */
export interface DelegationSigner {
  /** Base64url of the 32 bytes of RFC 8032 §5.1.2: what the server checks signatures with. */
  readonly publicKey: string;
  /** 64 bytes. */
  readonly sign: (message: Uint8Array<ArrayBuffer>) => Promise<Uint8Array>;
}

/** A signing key that belongs to no secret. */
export interface DelegationKeyPair {
  /** Base64url of the 32 bytes of the seed (RFC 8032 §5.1.5): never to be sent anywhere. */
  readonly privateKey: string;
  /** To be registered with the server. */
  readonly publicKey: string;
}

/** The signing key of a key's secret. */
export async function signerOfSecret(secret: string): Promise<DelegationSigner> {
  const { subtle } = globalThis.crypto;
  const material = await subtle.importKey('raw', new TextEncoder().encode(secret), 'HKDF', false, ['deriveBits']);
  const derivation = { name: 'HKDF', hash: 'SHA-256', salt: SEED_SALT, info: SEED_INFO };
  return signerOfSeed(new Uint8Array(await subtle.deriveBits(derivation, material, SEED_BYTES * 8)));
}

/** The signing key of a private key that {@link generateDelegationKeyPair} made; null if the text is none. */
export async function signerOfPrivateKey(privateKey: string): Promise<DelegationSigner | null> {
  const seed = decodeBase64url(privateKey);
  return seed?.length === SEED_BYTES ? signerOfSeed(seed) : null;
}

/** A new signing key, for a key that is registered by its public half alone. */
export async function generateDelegationKeyPair(): Promise<DelegationKeyPair> {
  const seed = globalThis.crypto.getRandomValues(new Uint8Array(SEED_BYTES));
  const { publicKey } = await signerOfSeed(seed);
  return { privateKey: encodeBase64url(seed), publicKey };
}

/** Signs a challenge of the server; null where the challenge is one that no server sends. */
export async function signProof(signer: DelegationSigner, challenge: string): Promise<string | null> {
  const message = proofMessage(signer.publicKey, challenge);
  return message === null ? null : encodeBase64url(await signer.sign(message));
}

async function signerOfSeed(seed: Uint8Array): Promise<DelegationSigner> {
  const { subtle } = globalThis.crypto;
  const wrapped = wrapSeed(seed);
  // Read once to learn the public half, which only JWK shows; the one that signs cannot be read.
  const readable = await subtle.importKey('pkcs8', wrapped, 'Ed25519', true, ['sign']);
  const { x: publicKey } = await subtle.exportKey('jwk', readable);
  const key = await subtle.importKey('pkcs8', wrapped, 'Ed25519', false, ['sign']);
  wrapped.fill(0);
  if (publicKey === undefined) throw new Error('this runtime does not tell the public half of an Ed25519 key');
  return { publicKey, sign: async (message) => new Uint8Array(await subtle.sign('Ed25519', key, message)) };
}
