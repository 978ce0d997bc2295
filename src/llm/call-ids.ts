/**
 * Ids of tool calls. A request holds the whole conversation, so an id must only be the same in all
 * places of one request: what a provider does not accept is replaced by a digest of it, and no table is kept.
 */
import type { Signature } from './canonical.ts';
import { openSignature, sealSignature } from './signature.ts';

const MARK = '_kwsig_';

/**
 * The id of a call as a client receives it whose format has no place for the call's signature: the
 * signature travels within the id. Letters, digits, `_` and `-` only, if the id has no others.
 */
export function packCallId(id: string, signature: Signature | undefined): string {
  if (signature === undefined) return id;
  // No client dialect is named bedrock: the signature is always in its envelope, which tells its maker.
  const sealed = sealSignature(signature, 'bedrock');
  return id + MARK + Buffer.from(sealed, 'utf8').toString('base64url');
}

/** Takes apart what `packCallId` made; any other id is given back as it is. */
export function unpackCallId(packed: string): { readonly id: string; readonly signature?: Signature } {
  const at = packed.lastIndexOf(MARK);
  if (at < 0) return { id: packed };
  const text = Buffer.from(packed.slice(at + MARK.length), 'base64url').toString('utf8');
  const signature = openSignature(text, 'bedrock');
  return signature.of === 'bedrock' ? { id: packed } : { id: packed.slice(0, at), signature };
}

/** The id itself where a provider accepts it, else a digest of it with this prefix and length in all. */
export function fitCallId(id: string, accepted: RegExp, prefix: string, length: number): string {
  return accepted.test(id) ? id : prefix + digest(id, length - prefix.length);
}

const ALPHABET = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';

/** Letters and digits that depend on the whole text (FNV-1a, twice with another start; no secret depends on it). */
export function digest(text: string, length: number): string {
  let a = 0x811c9dc5;
  let b = 0x1b873593;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    a = Math.imul(a ^ code, 0x01000193);
    b = Math.imul(b ^ code, 0x85ebca6b);
    b ^= b >>> 13;
  }
  let out = '';
  for (let i = 0; i < length; i++) {
    a = Math.imul(a ^ (b >>> 15), 0x2c1b3c6d);
    b = Math.imul(b ^ (a >>> 12), 0x297a2d39) + i;
    out += ALPHABET.charAt((a >>> 0) % ALPHABET.length);
  }
  return out;
}
