import { createCipheriv, createPublicKey, diffieHellman, generateKeyPairSync, hkdfSync } from 'node:crypto';
import type { KeyObject } from 'node:crypto';

/** A text that only the holder of one X25519 key can open. All parts are base64. */
export interface SealedSecret {
  readonly algorithm: typeof ALGORITHM;
  /** 32 bytes. */
  readonly ephemeralPublicKey: string;
  /** AES-256-GCM ciphertext, and its 16 bytes of tag behind it. */
  readonly ciphertext: string;
}

const ALGORITHM = 'x25519-hkdf-sha256-aes-256-gcm';
const INFO = 'keyward sealed secret v1';
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const PUBLIC_KEY_BYTES = 32;

/**
 * Seals as HPKE's base mode does in principle (RFC 9180), out of parts that every language has:
 *
 *     shared     = X25519(ephemeral private key, receiver's public key)
 *     key‖nonce  = HKDF-SHA-256(shared, salt: ephemeral public key ‖ receiver's public key,
 *                               info: "keyward sealed secret v1", 32 + 12 bytes)
 *     ciphertext = AES-256-GCM(key, nonce, text, associated data)
 *
 * The key pair is used once, so the nonce never meets a key twice. `associatedData` binds the text
 * to the event that carries it.
 */
export function sealTo(receiverKey: string, text: string, associatedData: string): SealedSecret {
  const receiver = readPublicKey(receiverKey);
  if (receiver === null) throw new Error('the public key of a webhook is not an X25519 key');
  const ephemeral = generateKeyPairSync('x25519');
  const shared = diffieHellman({ privateKey: ephemeral.privateKey, publicKey: receiver });
  const ephemeralRaw = rawPublicKey(ephemeral.publicKey);
  const salt = Buffer.concat([ephemeralRaw, Buffer.from(receiverKey, 'base64')]);
  const okm = Buffer.from(hkdfSync('sha256', shared, salt, INFO, KEY_BYTES + NONCE_BYTES));
  const cipher = createCipheriv('aes-256-gcm', okm.subarray(0, KEY_BYTES), okm.subarray(KEY_BYTES));
  cipher.setAAD(Buffer.from(associatedData));
  const ciphertext = Buffer.concat([cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]);
  return {
    algorithm: ALGORITHM,
    ephemeralPublicKey: ephemeralRaw.toString('base64'),
    ciphertext: ciphertext.toString('base64'),
  };
}

/** Whether a text is 32 bytes in base64 that a secret can be sealed to. */
export function isPublicKey(text: string): boolean {
  const key = readPublicKey(text);
  if (key === null) return false;
  try {
    // A point of small order gives the same shared secret to everybody: OpenSSL refuses it here.
    diffieHellman({ privateKey: generateKeyPairSync('x25519').privateKey, publicKey: key });
    return true;
  } catch {
    return false;
  }
}

function readPublicKey(text: string): KeyObject | null {
  const raw = Buffer.from(text, 'base64');
  if (raw.length !== PUBLIC_KEY_BYTES || raw.toString('base64') !== text) return null;
  return createPublicKey({ key: { kty: 'OKP', crv: 'X25519', x: raw.toString('base64url') }, format: 'jwk' });
}

function rawPublicKey(key: KeyObject): Buffer {
  return Buffer.from(String(key.export({ format: 'jwk' })['x']), 'base64url');
}
