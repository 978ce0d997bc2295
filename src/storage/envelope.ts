import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

const FORMAT = 1;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** Bytes in every key of the envelope: AES-256. */
export const KEY_BYTES = 32;

/** What a sealed value belongs to. It opens under exactly the same words, so it cannot be moved or put back. */
export interface SealContext {
  /** For example `credential`, `data-key`, `pepper`. */
  readonly purpose: string;
  /** Empty for what belongs to the whole deployment. */
  readonly workspaceId: string;
  readonly recordId: string;
  /** Rises when the record gets a new value. */
  readonly version: number;
}

/**
 * Seals bytes with AES-256-GCM: format byte, 96-bit random nonce, ciphertext, tag. A random nonce
 * is safe for 2^32 values a key (NIST SP 800-38D, 8.3); a data key sees the credentials of one workspace.
 */
export function seal(key: Uint8Array, context: SealContext, plain: Uint8Array): Buffer {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(associatedData(context));
  return Buffer.concat([Buffer.of(FORMAT), nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

/** Opens what {@link seal} made; null when the key or the context is another one, or a byte was changed. */
export function unseal(key: Uint8Array, context: SealContext, sealed: Uint8Array): Buffer | null {
  if (sealed.length < 1 + NONCE_BYTES + TAG_BYTES || sealed[0] !== FORMAT) return null;
  const tagStart = sealed.length - TAG_BYTES;
  const nonce = sealed.subarray(1, 1 + NONCE_BYTES);
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES });
  decipher.setAAD(associatedData(context));
  decipher.setAuthTag(sealed.subarray(tagStart));
  const plain = decipher.update(sealed.subarray(1 + NONCE_BYTES, tagStart));
  try {
    return Buffer.concat([plain, decipher.final()]);
  } catch {
    // final() throws exactly when the tag does not fit; which of the reasons it was cannot be told.
    return null;
  }
}

/** JSON quotes every part, so no two contexts give the same bytes. */
function associatedData(context: SealContext): Buffer {
  return Buffer.from(
    JSON.stringify(['keyward', FORMAT, context.purpose, context.workspaceId, context.recordId, context.version]),
  );
}
