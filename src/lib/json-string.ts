/** JSON strings as bytes: where they end, and whether what is in them may be there (RFC 8259, section 7). */

const SPACE = 0x20;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Bytes of a string after which native search takes over: a call of it costs about as much. */
const BYTES_BEFORE_SEARCH = 96;

/** A body under way. */
export interface Cursor {
  readonly body: Buffer;
  /** The same bytes, four at a time. */
  readonly view: DataView;
  /**
   * The next quote and backslash at or after the place they were last searched from. Remembered
   * from string to string: otherwise every search could run to the end, which is quadratic.
   */
  quoteAt: number;
  backslashAt: number;
}

/** Begins to read a body. */
export function cursorOver(body: Buffer): Cursor {
  return { body, view: new DataView(body.buffer, body.byteOffset, body.length), quoteAt: -1, backslashAt: -1 };
}

/** The place behind the closing quote of the string whose first byte is at `from`, or `~` of the place of a byte that may not stand there. */
export function endOfString(cursor: Cursor, from: number): number {
  const body = cursor.body;
  let at = from;
  for (;;) {
    at = skipPlain(cursor, at);
    const byte = byteAt(body, at);
    if (byte === QUOTE) return at + 1;
    if (byte !== BACKSLASH) return ~at;
    at = endOfEscape(body, at + 1);
    if (at < 0) return at;
  }
}

/** The next quote, backslash or control byte, or the end of the body. */
function skipPlain(cursor: Cursor, from: number): number {
  const { body, view } = cursor;
  const length = body.length;
  const near = Math.min(from + BYTES_BEFORE_SEARCH, length);
  let at = firstMark(view, from, near);
  if (at + 4 <= near) return at;
  if (at + 4 <= length) at = firstMark(view, skipLongRun(cursor, at), length);
  if (at + 4 <= length) return at;
  for (; at < length; at++) {
    const byte = byteAt(body, at);
    if (byte === QUOTE || byte === BACKSLASH || byte < SPACE) return at;
  }
  return at;
}

/** The first special byte, or a place less than four bytes before `to`. */
function firstMark(view: DataView, from: number, to: number): number {
  let at = from;
  for (; at + 4 <= to; at += 4) {
    const marks = specialBytes(view.getInt32(at, true));
    // The lowest mark is the first special byte: see specialBytes.
    if (marks !== 0) return at + ((31 - Math.clz32(marks & -marks)) >> 3);
  }
  return at;
}

/** A place no later than the next special byte, as near to it as native search and steps of 8 bytes come. */
function skipLongRun(cursor: Cursor, from: number): number {
  const { body, view } = cursor;
  if (cursor.quoteAt < from) cursor.quoteAt = indexOrEnd(body, QUOTE, from);
  if (cursor.backslashAt < from) cursor.backslashAt = indexOrEnd(body, BACKSLASH, from);
  const lastStep = Math.min(cursor.quoteAt, cursor.backslashAt) - 8;
  let at = from;
  for (; at <= lastStep; at += 8) {
    const low = view.getInt32(at, true);
    const high = view.getInt32(at + 4, true);
    if (((((low - 0x20202020) & ~low) | ((high - 0x20202020) & ~high)) & 0x80808080) !== 0) return at;
  }
  return at;
}

function indexOrEnd(body: Buffer, byte: number, from: number): number {
  const at = body.indexOf(byte, from);
  return at < 0 ? body.length : at;
}

/**
 * The high bit of every byte of `word` that is a quote, a backslash or under 0x20. Subtracting n
 * from a byte under n borrows and sets its high bit; the borrow can mislead only in bytes above
 * one that is marked rightly, so the lowest mark is always right.
 */
function specialBytes(word: number): number {
  const quotes = word ^ 0x22222222;
  const backslashes = word ^ 0x5c5c5c5c;
  return (
    (((word - 0x20202020) & ~word) | ((quotes - 0x01010101) & ~quotes) | ((backslashes - 0x01010101) & ~backslashes)) &
    0x80808080
  );
}

/** The byte at a place. Never reads beyond the end, which would make every read slower: -1 there. */
export function byteAt(body: Buffer, at: number): number {
  return at < body.length ? (body[at] ?? -1) : -1;
}

function endOfEscape(body: Buffer, at: number): number {
  switch (byteAt(body, at)) {
    case QUOTE:
    case BACKSLASH:
    case 0x2f: // slash
    case 0x62: // b
    case 0x66: // f
    case 0x6e: // n
    case 0x72: // r
    case 0x74: // t
      return at + 1;
    case 0x75: // u
      for (let digit = at + 1; digit < at + 5; digit++) if (!isHex(byteAt(body, digit))) return ~digit;
      return at + 5;
    default:
      return ~at;
  }
}

function isHex(byte: number): boolean {
  const lower = byte | 0x20;
  return (byte >= 0x30 && byte <= 0x39) || (lower >= 0x61 && lower <= 0x66);
}
