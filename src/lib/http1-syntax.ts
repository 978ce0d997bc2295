/** The pieces of HTTP/1.1 syntax (RFC 9110 §5, RFC 9112) that requests and answers have in common, read or written. */

export const LF = 10;
export const CR = 13;
export const SPACE = 32;
export const DELETE = 127;
const HTAB = 9;

/** What ends a head. */
export const HEAD_END = Buffer.from('\r\n\r\n', 'latin1');
/** RFC 9110 §5.6.2: names of headers, and methods. */
export const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** 1 for each byte that a token may hold. */
export const IS_TOKEN_BYTE = Uint8Array.from({ length: 256 }, (_, byte) =>
  Number(TOKEN.test(String.fromCharCode(byte))),
);
/** What no value of a header that we write may hold; beyond U+00FF too: latin-1 would cut U+010A down to a line feed. */
export const UNCLEAN_VALUE = /[^\t\x20-\x7e\x80-\xff]/;

/** Up to 15 digits: beyond any body, and exact in a double. */
const LENGTH = /^\d{1,15}$/;

/** The value of a Content-Length, -1 when it is none. */
export function readLength(value: string): number {
  return LENGTH.test(value) ? Number(value) : -1;
}

/** RFC 9110 §5.5: visible, space, tab, or above ASCII. */
export function isText(byte: number): boolean {
  return (byte >= SPACE && byte !== DELETE) || byte === HTAB;
}

/** The first character from there on that is not text. */
export function textEnd(text: string, from: number): number {
  let at = from;
  while (at < text.length && isText(text.charCodeAt(at))) at += 1;
  return at;
}

/** Whether a CRLF is there. */
export function isLineEnd(text: string, at: number): boolean {
  return text.charCodeAt(at) === CR && text.charCodeAt(at + 1) === LF;
}

/** Without the spaces and tabs around it (String.trim would also take a no-break space, a byte of the value). */
export function trimmed(text: string, from: number, to: number): string {
  let start = from;
  let end = to;
  while (start < end && isBlank(text.charCodeAt(start))) start += 1;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end -= 1;
  return text.slice(start, end);
}

function isBlank(char: number): boolean {
  return char === SPACE || char === HTAB;
}

/** Whether a list in a value (RFC 9110 §5.6.1) names the option, given in lower case. */
export function hasOption(value: string, option: string): boolean {
  return value
    .toLowerCase()
    .split(',')
    .some((text) => text.trim() === option);
}

/** Control bytes, and CR or LF that is not half of a CRLF (RFC 9112 §2.2), in what there is of a head. */
export function hasForbiddenByte(head: Buffer, from: number): boolean {
  for (let at = from; at < head.length; at++) {
    const byte = head[at] ?? 0;
    if (byte === LF) {
      if (at === 0 || head[at - 1] !== CR) return true;
    } else if (byte === CR) {
      if (at + 1 < head.length && head[at + 1] !== LF) return true;
    } else if (!isText(byte)) {
      return true;
    }
  }
  return false;
}

/** Whether any LF from there on does not follow a CR. */
export function hasBareLineFeed(held: Buffer, from: number): boolean {
  for (let at = held.indexOf(LF, from); at !== -1; at = held.indexOf(LF, at + 1)) {
    if (held[at - 1] !== CR) return true;
  }
  return false;
}
