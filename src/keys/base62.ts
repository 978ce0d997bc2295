/** Base62 as keys use it: digits, then upper case, then lower case; runs in any JavaScript runtime. */

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** Random bytes from here on are thrown away: 248 = 4 × 62, so what is below has no bias modulo 62. */
const UNBIASED_BYTE_END = 248;

/** Whether a UTF-16 code is one of the 62 characters. */
export function isBase62Code(code: number): boolean {
  return (code >= 97 && code <= 122) || (code >= 65 && code <= 90) || (code >= 48 && code <= 57);
}

/** `length` independent, uniformly distributed base62 characters from the system's secure generator. */
export function randomBase62(length: number): string {
  const bytes = new Uint8Array(length);
  let text = '';
  while (text.length < length) {
    globalThis.crypto.getRandomValues(bytes);
    for (let i = 0; i < bytes.length && text.length < length; i += 1) {
      const byte = bytes[i] ?? UNBIASED_BYTE_END;
      if (byte < UNBIASED_BYTE_END) text += ALPHABET.charAt(byte % 62);
    }
  }
  return text;
}

/** A whole number ≥ 0 as exactly `length` base62 characters, most significant first, padded with `0`. */
export function encodeBase62(value: number, length: number): string {
  let text = '';
  let rest = value;
  for (let i = 0; i < length; i += 1) {
    text = ALPHABET.charAt(rest % 62) + text;
    rest = Math.floor(rest / 62);
  }
  return text;
}

/** The number that {@link encodeBase62} wrote from `start` to `end`, or -1 where another character stands; allocates nothing. */
export function decodeBase62(text: string, start: number, end: number): number {
  let value = 0;
  for (let i = start; i < end; i += 1) {
    const code = text.charCodeAt(i);
    if (!isBase62Code(code)) return -1;
    value = value * 62 + (code <= 57 ? code - 48 : code <= 90 ? code - 55 : code - 61);
  }
  return value;
}
