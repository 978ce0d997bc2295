/**
 * A parser of HTTP/1.1 requests (RFC 9112), for a server that takes one request of a connection at
 * a time. It is strict, because an intermediary that guesses where a request ends hands one
 * caller's bytes to another: whatever the RFC lets a recipient repair is refused here, and so is
 * what only some programs read (chunk extensions).
 */

export interface Http1RequestLimits {
  /** Request line and headers together, with the empty line that ends them. */
  readonly headBytesMax: number;
  readonly headerLinesMax: number;
}

export interface Http1RequestBodySink {
  /** Bytes of the body: `bytes` from `from` up to `end`, never none. */
  onBodyBytes(bytes: Buffer, from: number, end: number): void;
}

export interface Http1RequestFailure {
  readonly kind: 'invalid_request' | 'headers_too_large';
  /** Says what is wrong without quoting the request. */
  readonly detail: string;
}

const METHOD_LENGTH_MAX = 32;
/** Beyond any body, and exact in a double. */
const LENGTH_DIGITS_MAX = 15;
const CHUNK_SIZE_DIGITS_MAX = 8;
/** Trailers are read only to be dropped. */
const TRAILER_BYTES_MAX = 4 * 1024;
const NAMES_KNOWN_MAX = 512;
const NAME_KNOWN_LENGTH_MAX = 64;

const HEAD = 0;
const LENGTH_BODY = 1;
const CHUNK_DATA = 2;
const SIZE_FIRST = 3;
const SIZE_MORE = 4;
const SIZE_LF = 5;
const DATA_CR = 6;
const DATA_LF = 7;
const TRAILER_START = 8;
const TRAILER_NAME = 9;
const TRAILER_VALUE = 10;
const TRAILER_LF = 11;
const LAST_LF = 12;
/** From here on no byte is read any more. */
const DONE = 13;
const FAILED = 14;

const HTAB = 9;
const LF = 10;
const CR = 13;
const SPACE = 32;
const COLON = 58;
const DELETE = 127;

const HEAD_END = Buffer.from('\r\n\r\n', 'latin1');
const NOTHING = Buffer.alloc(0);
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const IS_TOKEN_BYTE = Uint8Array.from({ length: 256 }, (_, byte) => Number(TOKEN.test(String.fromCharCode(byte))));
const HEX_VALUE = Int8Array.from({ length: 256 }, (_, byte) => {
  const char = String.fromCharCode(byte);
  return /[0-9a-fA-F]/.test(char) ? Number.parseInt(char, 16) : -1;
});

/** One per connection, used again for every request on it: call `reset` before each but the first. */
export class Http1RequestParser {
  method = '';
  /** As it was sent: any visible characters. */
  target = '';
  /** Flat: lower-case name, value, …; one char a byte. */
  headers: readonly string[] = [];
  /** 0 without a body, -1 in chunks. */
  bodyLength = 0;
  isVersion11 = true;
  /** Whether the caller lets the connection carry another request; HTTP/1.0 never does here. */
  keepAlive = false;
  expectsContinue = false;
  failure: Http1RequestFailure | null = null;

  readonly #limits: Http1RequestLimits;
  readonly #sink: Http1RequestBodySink;
  #state = HEAD;
  /** A head that came in pieces. */
  #held: Buffer = NOTHING;
  #heldLength = 0;
  /** Bytes left of the body or of the chunk. */
  #remaining = 0;
  #sizeDigits = 0;
  #trailerBytes = 0;
  #contentLength = -1;
  #isChunked = false;
  #saysClose = false;

  constructor(limits: Http1RequestLimits, sink: Http1RequestBodySink) {
    this.#limits = limits;
    this.#sink = sink;
  }

  reset(): void {
    this.#state = HEAD;
    this.#heldLength = 0;
    this.failure = null;
  }

  /** Whether the head is still awaited, or incomplete. */
  get isInHead(): boolean {
    return this.#state === HEAD;
  }

  /** Whether the request was read to its end. */
  get isDone(): boolean {
    return this.#state === DONE;
  }

  get hasFailed(): boolean {
    return this.#state === FAILED;
  }

  /** Bytes of the body still to come; -1 when that is not known. */
  get bodyRemaining(): number {
    if (this.#state === DONE) return 0;
    return this.#state === LENGTH_BODY ? this.#remaining : -1;
  }

  /** Reads on in the head; returns the offset behind what was taken. */
  takeHead(bytes: Buffer, from: number): number {
    if (this.#heldLength > 0) return this.#takeHeadPiece(bytes, from);
    const end = bytes.indexOf(HEAD_END, from);
    if (end === -1 || end + HEAD_END.length - from > this.#limits.headBytesMax) return this.#takeHeadPiece(bytes, from);
    this.#readHead(bytes.toString('latin1', from, end));
    return end + HEAD_END.length;
  }

  /** Reads on in the body, up to the end of the bytes or of the request; returns the offset behind what was taken. */
  takeBody(bytes: Buffer, from: number): number {
    let at = from;
    while (at < bytes.length && this.#state > HEAD && this.#state < DONE) {
      at = this.#state <= CHUNK_DATA ? this.#takeData(bytes, at) : this.#takeChunkFraming(bytes, at);
    }
    return at;
  }

  #fail(kind: Http1RequestFailure['kind'], detail: string): void {
    this.#state = FAILED;
    this.keepAlive = false;
    this.failure = { kind, detail };
  }

  #failInvalid(detail: string): false {
    this.#fail('invalid_request', detail);
    return false;
  }

  #takeHeadPiece(bytes: Buffer, from: number): number {
    const before = this.#heldLength;
    const max = this.#limits.headBytesMax;
    const taken = Math.min(bytes.length - from, max - before);
    this.#hold(bytes, from, taken);
    const held = this.#held.subarray(0, this.#heldLength);
    const end = held.indexOf(HEAD_END, Math.max(0, before - HEAD_END.length + 1));
    if (end !== -1) {
      this.#held = NOTHING;
      this.#heldLength = 0;
      this.#readHead(held.toString('latin1', 0, end));
      return from + end + HEAD_END.length - before;
    }
    // Judged early, so that a caller that speaks something else is told now and not by a timeout.
    if (hasForbiddenByte(held, Math.max(0, before - 1))) this.#failInvalid('control byte in the head');
    else if (held.length === max) this.#fail('headers_too_large', `head over ${max} bytes`);
    if (this.#state === FAILED) this.#held = NOTHING;
    return from + taken;
  }

  #hold(bytes: Buffer, from: number, length: number): void {
    const needed = this.#heldLength + length;
    if (needed > this.#held.length) {
      const size = Math.min(this.#limits.headBytesMax, Math.max(needed, 2 * this.#held.length, 1024));
      const grown = Buffer.allocUnsafeSlow(size);
      this.#held.copy(grown, 0, 0, this.#heldLength);
      this.#held = grown;
    }
    bytes.copy(this.#held, this.#heldLength, from, from + length);
    this.#heldLength = needed;
  }

  /** `text` is the head without its closing CRLF CRLF. */
  #readHead(text: string): void {
    this.#contentLength = -1;
    this.#isChunked = false;
    this.#saysClose = false;
    this.expectsContinue = false;
    // RFC 9112 §2.2: an empty line before the request is ignored; one is enough.
    const start = text.charCodeAt(0) === CR && text.charCodeAt(1) === LF ? 2 : 0;
    const fields = this.#readRequestLine(text, start);
    if (fields === -1 || !this.#readFields(text, fields)) return;
    this.#chooseFraming();
  }

  /** RFC 9112 §3, with exactly one space between the parts; returns where the header lines begin, -1 when it is none. */
  #readRequestLine(text: string, from: number): number {
    let at = from;
    while (IS_TOKEN_BYTE[text.charCodeAt(at)] === 1) at += 1;
    const methodEnd = at;
    if (methodEnd === from || methodEnd - from > METHOD_LENGTH_MAX || text.charCodeAt(at) !== SPACE) {
      this.#failInvalid('malformed method');
      return -1;
    }
    at += 1;
    for (let char = text.charCodeAt(at); char > SPACE && char < DELETE; char = text.charCodeAt(at)) at += 1;
    const targetEnd = at;
    if (targetEnd === methodEnd + 1 || text.charCodeAt(at) !== SPACE || !text.startsWith('HTTP/1.', at + 1)) {
      this.#failInvalid('malformed request line');
      return -1;
    }
    const minor = text.charCodeAt(at + 8);
    const end = at + 9;
    if ((minor !== 48 && minor !== 49) || (end < text.length && !isLineEnd(text, end))) {
      this.#failInvalid('malformed HTTP version');
      return -1;
    }
    this.isVersion11 = minor === 49;
    this.method = text.slice(from, methodEnd);
    this.target = text.slice(methodEnd + 1, targetEnd);
    return end + 2;
  }

  #readFields(text: string, from: number): boolean {
    const headers: string[] = [];
    const linesMax = this.#limits.headerLinesMax;
    let lines = 0;
    let at = from;
    while (at < text.length) {
      const colon = text.indexOf(':', at);
      // A folded line (RFC 9112 §5.2), a space before the colon (§5.1) and a missing colon all fail as names.
      const field = colon > at ? knownField(text, at, colon) : null;
      if (field === null) return this.#failInvalid('malformed header line');
      const end = valueEnd(text, colon + 1);
      if (end < text.length && !isLineEnd(text, end)) return this.#failInvalid('control byte in the head');
      lines += 1;
      if (lines > linesMax) return this.#failManyLines(text, end);
      const value = trimmed(text, colon + 1, end);
      if (field.part !== 'none' && !this.#readPart(field.part, value, text.slice(colon + 1, end))) return false;
      headers.push(field.name, value);
      at = end + 2;
    }
    this.headers = headers;
    return true;
  }

  /** A head in pieces is refused at its first forbidden byte; one that came whole must be called the same. */
  #failManyLines(text: string, from: number): false {
    if (hasForbiddenByte(Buffer.from(text, 'latin1'), from)) return this.#failInvalid('control byte in the head');
    this.#fail('headers_too_large', `over ${this.#limits.headerLinesMax} header lines`);
    return false;
  }

  #readPart(part: FieldPart, value: string, raw: string): boolean {
    switch (part) {
      case 'content-length': {
        // Equal lengths twice are allowed by RFC 9110 §8.6 and are read differently in practice.
        const isLength = /^\d+$/.test(value) && value.length <= LENGTH_DIGITS_MAX && !raw.includes('\t');
        if (!isLength || this.#contentLength !== -1) return this.#failInvalid('invalid or repeated Content-Length');
        this.#contentLength = Number(value);
        return true;
      }
      case 'transfer-encoding': {
        // A tab is allowed white space, but Node's own parser reads `chunked<TAB>` as another coding.
        const isPlain = value.toLowerCase() === 'chunked' && !raw.includes('\t');
        if (!isPlain || this.#isChunked) return this.#failInvalid('Transfer-Encoding other than one "chunked"');
        this.#isChunked = true;
        return true;
      }
      case 'connection':
        if (value !== 'keep-alive' && hasOption(value, 'close')) this.#saysClose = true;
        return true;
      case 'expect':
        // RFC 9110 §10.1.1 knows no other.
        if (value.toLowerCase() !== '100-continue') return this.#failInvalid('unknown expectation');
        this.expectsContinue = true;
        return true;
      case 'none':
        return true;
    }
  }

  /** RFC 9112 §6.3, where a request without either header has no body. */
  #chooseFraming(): void {
    if (this.#isChunked && (this.#contentLength !== -1 || !this.isVersion11)) {
      this.#failInvalid('Transfer-Encoding beside Content-Length or in HTTP/1.0');
      return;
    }
    this.keepAlive = this.isVersion11 && !this.#saysClose;
    if (this.#isChunked) {
      this.bodyLength = -1;
      this.#trailerBytes = 0;
      this.#state = SIZE_FIRST;
    } else {
      this.bodyLength = Math.max(0, this.#contentLength);
      this.#remaining = this.bodyLength;
      this.#state = this.bodyLength === 0 ? DONE : LENGTH_BODY;
    }
    // RFC 9110 §10.1.1: not of HTTP/1.0, nor without a body.
    if (!this.isVersion11 || this.#state === DONE) this.expectsContinue = false;
  }

  #takeData(bytes: Buffer, from: number): number {
    const end = Math.min(bytes.length, from + this.#remaining);
    this.#remaining -= end - from;
    if (this.#remaining === 0) this.#state = this.#state === LENGTH_BODY ? DONE : DATA_CR;
    this.#sink.onBodyBytes(bytes, from, end);
    return end;
  }

  /** Everything of a chunked body but its data, byte by byte: a handful per chunk (RFC 9112 §7.1). */
  #takeChunkFraming(bytes: Buffer, from: number): number {
    let at = from;
    while (at < bytes.length) {
      this.#step(bytes[at] ?? 0);
      at += 1;
      if (this.#state <= CHUNK_DATA || this.#state >= DONE) break;
    }
    return at;
  }

  #step(byte: number): void {
    switch (this.#state) {
      case SIZE_FIRST:
        this.#remaining = 0;
        this.#sizeDigits = 0;
        return this.#stepSizeDigit(byte);
      case SIZE_MORE:
        // Extensions (RFC 9112 §7.1.1) carry nothing here, and programs disagree about their end: ADR 0006.
        return byte === CR ? this.#expect(SIZE_LF) : this.#stepSizeDigit(byte);
      case SIZE_LF:
        return this.#stepExact(byte, LF, this.#remaining === 0 ? TRAILER_START : CHUNK_DATA);
      case DATA_CR:
        return this.#stepExact(byte, CR, DATA_LF);
      case DATA_LF:
        return this.#stepExact(byte, LF, SIZE_FIRST);
      case TRAILER_START:
        if (byte === CR) return this.#expect(LAST_LF);
        return this.#stepTrailer(IS_TOKEN_BYTE[byte] === 1, TRAILER_NAME);
      case TRAILER_NAME:
        if (byte === COLON) return this.#expect(TRAILER_VALUE);
        return this.#stepTrailer(IS_TOKEN_BYTE[byte] === 1, TRAILER_NAME);
      case TRAILER_VALUE:
        if (byte === CR) return this.#expect(TRAILER_LF);
        return this.#stepTrailer(isText(byte), TRAILER_VALUE);
      case TRAILER_LF:
        return this.#stepExact(byte, LF, TRAILER_START);
      default:
        return this.#stepExact(byte, LF, DONE);
    }
  }

  #expect(state: number): void {
    this.#state = state;
  }

  #stepExact(byte: number, wanted: number, next: number): void {
    if (byte === wanted) this.#state = next;
    else this.#failInvalid('malformed chunk framing');
  }

  #stepSizeDigit(byte: number): void {
    const digit = HEX_VALUE[byte] ?? -1;
    this.#sizeDigits += 1;
    if (digit === -1 || this.#sizeDigits > CHUNK_SIZE_DIGITS_MAX) {
      this.#failInvalid('invalid chunk size');
      return;
    }
    this.#remaining = this.#remaining * 16 + digit;
    this.#state = SIZE_MORE;
  }

  #stepTrailer(isAllowed: boolean, next: number): void {
    this.#trailerBytes += 1;
    if (!isAllowed) this.#failInvalid('malformed trailer');
    else if (this.#trailerBytes > TRAILER_BYTES_MAX) this.#fail('headers_too_large', 'trailers too long');
    else this.#state = next;
  }
}

type FieldPart = 'none' | 'content-length' | 'transfer-encoding' | 'connection' | 'expect';

interface Field {
  readonly name: string;
  /** What the header says about the request itself. */
  readonly part: FieldPart;
}

/** Names by the spelling they were sent in: checked and lower-cased once. */
const knownFields = new Map<string, Field>();

function knownField(text: string, from: number, colon: number): Field | null {
  const spelling = text.slice(from, colon);
  const known = knownFields.get(spelling);
  if (known !== undefined) return known;
  if (!TOKEN.test(spelling)) return null;
  // A slice would keep the whole head alive, with the secrets in it.
  const own = Buffer.from(spelling, 'latin1').toString('latin1');
  const name = own.toLowerCase();
  const field: Field = { name, part: partOf(name) };
  if (knownFields.size < NAMES_KNOWN_MAX && own.length <= NAME_KNOWN_LENGTH_MAX) knownFields.set(own, field);
  return field;
}

function partOf(name: string): FieldPart {
  switch (name) {
    case 'content-length':
    case 'transfer-encoding':
    case 'connection':
    case 'expect':
      return name;
    default:
      return 'none';
  }
}

/** The first character that is not text (RFC 9110 §5.5: visible, space, tab, or above ASCII). */
function valueEnd(text: string, from: number): number {
  let at = from;
  while (at < text.length) {
    const char = text.charCodeAt(at);
    if ((char < SPACE && char !== HTAB) || char === DELETE) break;
    at += 1;
  }
  return at;
}

function isText(byte: number): boolean {
  return (byte >= SPACE && byte !== DELETE) || byte === HTAB;
}

function isLineEnd(text: string, at: number): boolean {
  return text.charCodeAt(at) === CR && text.charCodeAt(at + 1) === LF;
}

function trimmed(text: string, from: number, to: number): string {
  let start = from;
  let end = to;
  while (start < end && isBlank(text.charCodeAt(start))) start += 1;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end -= 1;
  return text.slice(start, end);
}

function isBlank(char: number): boolean {
  return char === SPACE || char === HTAB;
}

function hasOption(value: string, option: string): boolean {
  return value
    .toLowerCase()
    .split(',')
    .some((text) => text.trim() === option);
}

/** Control bytes, and CR or LF that is not half of a CRLF (RFC 9112 §2.2), in what there is of a head. */
function hasForbiddenByte(head: Buffer, from: number): boolean {
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
