/**
 * One strict pass over a JSON document as bytes (RFC 8259): tells whether it is valid and not too
 * deep, and where the members of its outermost object (or the elements of its outermost array)
 * stand, without building objects. Nothing in it recurses, and every pass is linear in the length,
 * so that it may be run on whatever a stranger sends.
 */
import { isUtf8 } from 'node:buffer';
import type { Cursor } from './json-string.ts';
import { byteAt, cursorOver, endOfString } from './json-string.ts';

/** Bytes `from` (inclusive) to `to` (exclusive) of the document. */
export interface JsonSpan {
  readonly from: number;
  readonly to: number;
}

export interface JsonScanOptions {
  /** Containers open at the same time; at most 256, 64 if not given. */
  readonly depthMax?: number;
  /** Members or elements of the outermost container; 256 if not given. */
  readonly entriesMax?: number;
}

export interface JsonDocument {
  /** The byte the outermost value begins with: `{`, `[`, `"`, or that of a number or literal. */
  readonly kind: string;
  /**
   * The value of a member of the outermost object; escapes in names count as what they stand for.
   * Names that differ only in case are duplicates too: some programs (Go's encoding/json) take
   * either for the other, and the last one then wins.
   */
  find(name: string): JsonSpan | 'duplicate' | undefined;
  /** The elements of the outermost array, or the values of the outermost object, in order. */
  entries(): readonly JsonSpan[];
  /** The bytes of all members of the outermost object but those of these names; what stands between members is none of them. */
  bytesBesides(names: readonly string[]): number;
}

/** `message` is half a sentence with the position, to follow "The body is not valid JSON: ". */
export type JsonScanResult =
  | { readonly ok: true; readonly document: JsonDocument }
  | { readonly ok: false; readonly offset: number; readonly message: string };

const TAB = 0x09;
const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const QUOTE = 0x22;
const PLUS = 0x2b;
const COMMA = 0x2c;
const MINUS = 0x2d;
const DOT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const OPEN_BRACKET = 0x5b;
const OPEN_BRACE = 0x7b;
/** What tells upper from lower case in ASCII. */
const CASE_BIT = 0x20;

const DEPTH_LIMIT = 256;
const TOO_DEEP = -1_000_000_000_000;
const TOO_MANY = -2_000_000_000_000;

/** The containers open at present; used by one synchronous pass at a time. */
const openContainers = new Uint8Array(DEPTH_LIMIT);

/** Name from and to (quotes included), value from and to; one group of four per member. */
type Entries = number[];

/** Reads a document. The result refers to `bytes`, which must not be changed while it is used. */
export function scanJson(bytes: Uint8Array, options: JsonScanOptions = {}): JsonScanResult {
  const body = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (!isUtf8(body)) return failure(body, 0, 'it is not valid UTF-8');
  return scan(body, 0, 0, options);
}

/**
 * Reads the rest of an object from the beginning of one of its members on, as though its opening
 * brace stood there. Fails where the rest is more, or less, than one object. Does not look whether
 * the bytes are UTF-8.
 */
export function scanMembers(body: Buffer, from: number, options: JsonScanOptions = {}): JsonScanResult {
  openContainers[0] = OPEN_BRACE;
  return scan(body, from, 1, options);
}

function scan(body: Buffer, from: number, depth: number, options: JsonScanOptions): JsonScanResult {
  const entries: Entries = [];
  const cursor = cursorOver(body);
  const depthMax = Math.min(options.depthMax ?? 64, DEPTH_LIMIT);
  const entriesMax = options.entriesMax ?? 256;
  const end = walk(cursor, { from, depth, depthMax, entriesMax }, entries);
  if (end >= 0) return { ok: true, document: documentOf(body, entries) };
  if (end <= TOO_MANY) return failure(body, TOO_MANY - end, `more than ${entriesMax} members at the top`);
  if (end <= TOO_DEEP) return failure(body, TOO_DEEP - end, `nested deeper than ${depthMax} levels`);
  return failure(body, ~end, surprise(body, ~end));
}

interface Walk {
  readonly from: number;
  /** Containers open at its beginning. */
  readonly depth: number;
  readonly depthMax: number;
  readonly entriesMax: number;
}

/** The end of the document, or a negative number that holds the offset of the failure. */
function walk(cursor: Cursor, { from, depth: depthBefore, depthMax, entriesMax }: Walk, entries: Entries): number {
  const body = cursor.body;
  let depth = depthBefore;
  let at = from;
  for (;;) {
    at = skipSpace(body, at);
    if (depth === 1) {
      if (entries.length === entriesMax * 4) return TOO_MANY - at;
      if (openContainers[0] === OPEN_BRACE) {
        const name = at;
        at = endOfName(cursor, name);
        if (at < 0) return at;
        entries.push(name, at);
        at = afterColon(body, at);
        if (at < 0) return at;
      } else entries.push(0, 0);
      entries.push(at, 0);
    } else if (depth > 1 && openContainers[depth - 1] === OPEN_BRACE) {
      at = endOfName(cursor, at);
      if (at < 0) return at;
      at = afterColon(body, at);
      if (at < 0) return at;
    }
    const first = byteAt(body, at);
    if (first === OPEN_BRACE || first === OPEN_BRACKET) {
      if (depth === depthMax) return TOO_DEEP - at;
      openContainers[depth++] = first;
      const inside = skipSpace(body, at + 1);
      if (byteAt(body, inside) !== first + 2) {
        at = inside;
        continue;
      }
      // An empty container: its end is read below, like every other end.
      at = inside;
    } else {
      at = first === QUOTE ? endOfString(cursor, at + 1) : endOfScalar(body, at);
      if (at < 0) return at;
      if (depth === 1) entries[entries.length - 1] = at;
    }
    for (;;) {
      at = skipSpace(body, at);
      if (depth === 0) return at === body.length ? at : ~at;
      const next = byteAt(body, at);
      const open = openContainers[depth - 1];
      if (next === COMMA) {
        at++;
        break;
      }
      // In ASCII a closing brace or bracket stands two after its opening one.
      if (open === undefined || next !== open + 2) return ~at;
      at++;
      depth--;
      if (depth === 1) entries[entries.length - 1] = at;
    }
  }
}

function skipSpace(body: Buffer, from: number): number {
  let at = from;
  for (;;) {
    const byte = byteAt(body, at);
    if (byte !== SPACE && byte !== LF && byte !== CR && byte !== TAB) return at;
    at++;
  }
}

function endOfName(cursor: Cursor, at: number): number {
  return byteAt(cursor.body, at) === QUOTE ? endOfString(cursor, at + 1) : ~at;
}

function afterColon(body: Buffer, from: number): number {
  const at = skipSpace(body, from);
  return byteAt(body, at) === COLON ? skipSpace(body, at + 1) : ~at;
}

function isDigit(byte: number): boolean {
  return byte >= ZERO && byte <= NINE;
}

const LITERALS = new Map([
  [0x74, Buffer.from('true')],
  [0x66, Buffer.from('false')],
  [0x6e, Buffer.from('null')],
]);

function endOfScalar(body: Buffer, at: number): number {
  const first = byteAt(body, at);
  if (first === MINUS || isDigit(first)) return endOfNumber(body, at);
  const literal = LITERALS.get(first);
  if (literal === undefined) return ~at;
  for (let index = 1; index < literal.length; index++)
    if (byteAt(body, at + index) !== literal[index]) return ~(at + index);
  return at + literal.length;
}

function endOfNumber(body: Buffer, from: number): number {
  let at = byteAt(body, from) === MINUS ? from + 1 : from;
  if (byteAt(body, at) === ZERO) at++;
  else if ((at = endOfDigits(body, at)) < 0) return at;
  if (byteAt(body, at) === DOT && (at = endOfDigits(body, at + 1)) < 0) return at;
  const exponent = byteAt(body, at);
  if (exponent !== 0x65 && exponent !== 0x45) return at;
  const sign = byteAt(body, at + 1);
  return endOfDigits(body, sign === PLUS || sign === MINUS ? at + 2 : at + 1);
}

/** At least one digit. */
function endOfDigits(body: Buffer, from: number): number {
  const length = body.length;
  let at = from;
  for (; at < length; at++) {
    const byte = body[at] ?? 0;
    if (byte < ZERO || byte > NINE) break;
  }
  return at === from ? ~at : at;
}

function documentOf(body: Buffer, entries: Entries): JsonDocument {
  return {
    kind: String.fromCharCode(body[skipSpace(body, 0)] ?? 0),
    find: (name) => find(body, entries, name),
    entries: () => spansOf(entries),
    bytesBesides: (names) => bytesBesides(body, entries, names),
  };
}

function find(body: Buffer, entries: Entries, name: string): JsonSpan | 'duplicate' | undefined {
  let found: JsonSpan | undefined;
  let alike = 0;
  for (let index = 0; index < entries.length; index += 4) {
    const likeness = likenessOf(body, entries[index] ?? 0, entries[index + 1] ?? 0, name);
    if (likeness === DIFFERENT) continue;
    alike++;
    if (likeness === SAME) found = { from: entries[index + 2] ?? 0, to: entries[index + 3] ?? 0 };
  }
  return alike > 1 ? 'duplicate' : found;
}

function bytesBesides(body: Buffer, entries: Entries, names: readonly string[]): number {
  let bytes = 0;
  for (let index = 0; index < entries.length; index += 4) {
    const [from = 0, nameTo = 0, , to = 0] = entries.slice(index, index + 4);
    if (!names.some((name) => likenessOf(body, from, nameTo, name) === SAME)) bytes += to - from;
  }
  return bytes;
}

const DIFFERENT = 0;
/** But for upper and lower case. */
const ALIKE = 1;
const SAME = 2;

/** Byte by byte for plain names, which nearly all are; a name with escapes or beyond ASCII is decoded. */
function likenessOf(body: Buffer, from: number, to: number, name: string): number {
  const length = to - from - 2;
  // What a name stands for is never longer than the name as it is written.
  if (length < name.length) return DIFFERENT;
  let likeness = SAME;
  let at = 0;
  while (at < length) {
    const byte = body[from + 1 + at] ?? 0;
    if (byte === BACKSLASH || byte >= 0x80) return likenessOfText(JSON.parse(body.toString('utf8', from, to)), name);
    const wanted = name.charCodeAt(at);
    if (byte !== wanted) {
      if ((byte ^ wanted) !== CASE_BIT || !isLetter(byte)) return DIFFERENT;
      likeness = ALIKE;
    }
    at++;
  }
  return at === name.length ? likeness : DIFFERENT;
}

function likenessOfText(text: unknown, name: string): number {
  if (text === name) return SAME;
  if (typeof text !== 'string') return DIFFERENT;
  // Both ways, for letters that only one of them leads to (the Kelvin sign, the long s).
  return text.toLowerCase().toUpperCase() === name.toUpperCase() ? ALIKE : DIFFERENT;
}

function isLetter(byte: number): boolean {
  const lower = byte | CASE_BIT;
  return lower >= 0x61 && lower <= 0x7a;
}

function spansOf(entries: Entries): readonly JsonSpan[] {
  const spans: JsonSpan[] = [];
  for (let index = 0; index < entries.length; index += 4) {
    spans.push({ from: entries[index + 2] ?? 0, to: entries[index + 3] ?? 0 });
  }
  return spans;
}

function failure(body: Buffer, offset: number, what: string): JsonScanResult {
  return {
    ok: false,
    offset: Math.min(offset, body.length),
    message: `${what} (at byte ${Math.min(offset, body.length)})`,
  };
}

function surprise(body: Buffer, offset: number): string {
  const byte = body[offset];
  if (byte === undefined || offset >= body.length) return body.length === 0 ? 'it is empty' : 'it ends too early';
  if (byte < SPACE) return 'a control character that is not escaped';
  return byte < 0x7f ? `unexpected ${JSON.stringify(String.fromCharCode(byte))}` : 'an unexpected character';
}
