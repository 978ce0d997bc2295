/**
 * Base64url without padding (RFC 4648 §5, as RFC 7515 §2 uses it). Strict on reading: one value has
 * one text, otherwise a credential could be written in several ways. Runs in any JavaScript runtime.
 */

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const VALUES = valuesByCode();

/** Bytes as text. */
export function encodeBase64url(bytes: Uint8Array): string {
  let text = '';
  for (let i = 0; i < bytes.length; i += 3) {
    const left = bytes.length - i;
    const three = ((bytes[i] ?? 0) << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0);
    text += ALPHABET.charAt(three >> 18) + ALPHABET.charAt((three >> 12) & 63);
    if (left > 1) text += ALPHABET.charAt((three >> 6) & 63);
    if (left > 2) text += ALPHABET.charAt(three & 63);
  }
  return text;
}

/** The bytes of a text, or null where {@link encodeBase64url} would not have written exactly this text. */
export function decodeBase64url(text: string): Uint8Array<ArrayBuffer> | null {
  const rest = text.length % 4;
  if (rest === 1) return null;
  const bytes = new Uint8Array(Math.floor((text.length * 3) / 4));
  let at = 0;
  let bits = 0;
  let pending = 0;
  for (let i = 0; i < text.length; i += 1) {
    const value = VALUES[text.charCodeAt(i)] ?? -1;
    if (value < 0) return null;
    pending = ((pending << 6) | value) & 0xffff;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes[at] = pending >> bits;
      at += 1;
    }
  }
  // Bits behind the last byte must be zero (RFC 4648 §3.5).
  return (pending & ((1 << bits) - 1)) === 0 ? bytes : null;
}

function valuesByCode(): Int8Array {
  const values = new Int8Array(128).fill(-1);
  for (let i = 0; i < ALPHABET.length; i += 1) values[ALPHABET.charCodeAt(i)] = i;
  return values;
}
