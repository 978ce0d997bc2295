/**
 * A push parser of HTTP/1.1 answers (RFC 9112), for a client that sends one request at a time. It
 * is strict, because an intermediary that guesses where an answer ends hands one caller's bytes to
 * another: whatever the RFC lets a recipient repair is refused here.
 */

export interface Http1ResponseSink {
  /** `headers` is flat: lower-case name, value, …; a repeated Content-Length is told once. */
  onHead(status: number, headers: readonly string[]): void;
  /** A view into the pushed buffer, never a copy. */
  onData(chunk: Buffer): void;
}

export interface Http1ResponseFailure {
  readonly kind: 'invalid' | 'headers_too_large';
  /** Says what is wrong without quoting the answer. */
  readonly detail: string;
}

/** `more`: the answer is not complete; `done`: it is; `failed`: see `failure`. */
export type Http1ResponseProgress = 'more' | 'done' | 'failed';

const HEAD_BYTES_MAX = 64 * 1024;
const HEADER_LINES_MAX = 200;
const INTERIM_ANSWERS_MAX = 10;
/** 48 bits: far above any body, and exact in a double. */
const CHUNK_SIZE_DIGITS_MAX = 12;
/** Chunk extensions and trailers of one answer: bytes that cost work and carry nothing. */
const CHUNK_OVERHEAD_BYTES_MAX = 16 * 1024;
const NAMES_KNOWN_MAX = 512;

const HEAD = 0;
const LENGTH_BODY = 1;
const CLOSE_BODY = 2;
const CHUNK_DATA = 3;
const SIZE_FIRST = 4;
const SIZE_MORE = 5;
const EXTENSION = 6;
const SIZE_LF = 7;
const DATA_CR = 8;
const DATA_LF = 9;
const TRAILER_START = 10;
const TRAILER_NAME = 11;
const TRAILER_VALUE = 12;
const TRAILER_LF = 13;
const LAST_LF = 14;
/** From here on no byte is read any more. */
const DONE = 15;
const FAILED = 16;
const STOPPED = 17;

const HEAD_END = Buffer.from('\r\n\r\n', 'latin1');
const NOTHING = Buffer.alloc(0);
const VERSION = Buffer.from('HTTP/1.', 'latin1');
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const IS_TOKEN_BYTE = Uint8Array.from({ length: 256 }, (_, byte) => Number(TOKEN.test(String.fromCharCode(byte))));
const HEX_VALUE = Int8Array.from({ length: 256 }, (_, byte) => {
  const char = String.fromCharCode(byte);
  return /[0-9a-fA-F]/.test(char) ? Number.parseInt(char, 16) : -1;
});
/** RFC 9112 §4. */
const STATUS_LINE = /^HTTP\/1\.[01] ([1-5]\d\d)(?: |\r\n|$)/;
/** Control bytes, and CR or LF that is not half of a CRLF (RFC 9110 §5.5, RFC 9112 §2.2). */
const FORBIDDEN_IN_HEAD = /[^\t\r\n\x20-\x7e\x80-\xff]|\r[^\n]|[^\r]\n|\r$/;

const CR = 13;
const LF = 10;
const SPACE = 32;
const TAB = 9;

/** One per connection, used again for every answer on it: call `reset` before each. */
export class Http1ResponseParser {
  /** Whether the connection may carry another request; meaningful once `push` said `done`. */
  keepAlive = false;
  /** The server's `Keep-Alive: timeout=`, in seconds; -1 without one. */
  keepAliveHintSeconds = -1;
  /** Bytes the head announced: 0 when there is no body, -1 when only its end will tell. */
  bodyLength = -1;
  failure: Http1ResponseFailure | null = null;

  readonly #sink: Http1ResponseSink;
  #state = STOPPED;
  #isHeadRequest = false;
  #interimAnswers = 0;
  /** A head that came in pieces. */
  #held: Buffer = NOTHING;
  #heldLength = 0;
  /** Bytes left of the body or of the chunk. */
  #remaining = 0;
  #sizeDigits = 0;
  #overheadBytes = 0;

  #contentLength = -1;
  #isChunked = false;
  #saysClose = false;
  #saysKeepAlive = false;

  constructor(sink: Http1ResponseSink) {
    this.#sink = sink;
  }

  /** Makes ready for the next answer. The answer to a HEAD request has no body, whatever its head says. */
  reset(isHeadRequest: boolean): void {
    this.keepAlive = false;
    this.bodyLength = -1;
    this.failure = null;
    this.#state = HEAD;
    this.#isHeadRequest = isHeadRequest;
    this.#interimAnswers = 0;
    this.#heldLength = 0;
    this.#overheadBytes = 0;
  }

  /** Nothing is told any more, not even from the buffer at hand: a listener gave the answer up. */
  stop(): void {
    this.#state = STOPPED;
  }

  push(chunk: Buffer): Http1ResponseProgress {
    let at = 0;
    while (at < chunk.length && this.#state < DONE) {
      if (this.#state === HEAD) at = this.#takeHead(chunk, at);
      else if (this.#state <= CHUNK_DATA) at = this.#takeData(chunk, at);
      else at = this.#takeChunkFraming(chunk, at);
    }
    if (this.#state === DONE) {
      // Nobody asked for what follows the answer, so nobody may be given it: a connection that
      // carries surplus bytes has lost its framing (RFC 9112 §6.3, last paragraph).
      if (at < chunk.length) this.keepAlive = false;
      return 'done';
    }
    return this.#state === FAILED ? 'failed' : 'more';
  }

  /** The server closed its side. `more` means that the answer was cut off. */
  end(): Http1ResponseProgress {
    if (this.#state === CLOSE_BODY) this.#state = DONE;
    if (this.#state === DONE) return 'done';
    return this.#state === FAILED ? 'failed' : 'more';
  }

  #fail(kind: Http1ResponseFailure['kind'], detail: string): void {
    this.#state = FAILED;
    this.keepAlive = false;
    this.failure = { kind, detail };
  }

  #takeHead(chunk: Buffer, from: number): number {
    if (this.#heldLength > 0) return this.#takeHeadPiece(chunk, from);
    const end = chunk.indexOf(HEAD_END, from);
    if (end === -1 || end + HEAD_END.length - from > HEAD_BYTES_MAX) return this.#takeHeadPiece(chunk, from);
    this.#readHead(chunk.toString('latin1', from, end));
    return end + HEAD_END.length;
  }

  #takeHeadPiece(chunk: Buffer, from: number): number {
    const before = this.#heldLength;
    const taken = Math.min(chunk.length - from, HEAD_BYTES_MAX - before);
    this.#hold(chunk, from, taken);
    const held = this.#held.subarray(0, this.#heldLength);
    const end = held.indexOf(HEAD_END, Math.max(0, before - HEAD_END.length + 1));
    if (end !== -1) {
      this.#held = NOTHING;
      this.#heldLength = 0;
      this.#readHead(held.toString('latin1', 0, end));
      return from + end + HEAD_END.length - before;
    }
    // Judged early, so that a server that speaks something else fails now and not by a timeout.
    const start = held.subarray(0, VERSION.length);
    if (!start.equals(VERSION.subarray(0, start.length))) this.#fail('invalid', 'not an HTTP/1 status line');
    else if (hasBareLineFeed(held, before)) this.#fail('invalid', 'bare LF in the head');
    else if (held.length === HEAD_BYTES_MAX) this.#fail('headers_too_large', `head over ${HEAD_BYTES_MAX} bytes`);
    return from + taken;
  }

  #hold(chunk: Buffer, from: number, length: number): void {
    const needed = this.#heldLength + length;
    if (needed > this.#held.length) {
      const grown = Buffer.allocUnsafe(Math.min(HEAD_BYTES_MAX, Math.max(needed, 2 * this.#held.length, 1024)));
      this.#held.copy(grown, 0, 0, this.#heldLength);
      this.#held = grown;
    }
    chunk.copy(this.#held, this.#heldLength, from, from + length);
    this.#heldLength = needed;
  }

  /** `text` is the head without its closing CRLF CRLF. */
  #readHead(text: string): void {
    const status = readStatus(text);
    if (status === -1) return this.#fail('invalid', 'not a valid HTTP/1 status line');
    if (FORBIDDEN_IN_HEAD.test(text)) return this.#fail('invalid', 'control byte in the head');
    this.#contentLength = -1;
    this.#isChunked = false;
    this.#saysClose = false;
    this.#saysKeepAlive = false;
    this.keepAliveHintSeconds = -1;
    const headers: string[] = [];
    if (!this.#readFields(text, headers)) return;
    if (status < 200) return this.#skipInterim(status);
    if (!this.#chooseFraming(status, text.charCodeAt(7) === 49)) return;
    this.#sink.onHead(status, headers);
  }

  #readFields(text: string, headers: string[]): boolean {
    let at = nextLine(text, 0);
    let lines = 0;
    while (at < text.length) {
      const lineEnd = text.indexOf('\r\n', at);
      const end = lineEnd === -1 ? text.length : lineEnd;
      const colon = text.indexOf(':', at);
      // A folded line (RFC 9112 §5.2) and a space before the colon (§5.1) both fail as names.
      const field = colon > at && colon < end ? knownField(text.slice(at, colon)) : null;
      if (field === null) {
        this.#fail('invalid', 'malformed header line');
        return false;
      }
      if (++lines > HEADER_LINES_MAX) {
        this.#fail('headers_too_large', `over ${HEADER_LINES_MAX} header lines`);
        return false;
      }
      const value = trimmed(text, colon + 1, end);
      const isRepeated = field.name === 'content-length' && this.#contentLength !== -1;
      if (field.frames) {
        // Allowed white space (RFC 9110 §5.6.3), but Node's own parser reads `chunked<TAB>` as another coding.
        if (text.slice(colon, end).includes('\t')) this.#fail('invalid', 'tab in a framing header');
        else this.#readFraming(field.name, value);
        if (this.#state === FAILED) return false;
      }
      if (!isRepeated) headers.push(field.name, value);
      at = end + 2;
    }
    return true;
  }

  #readFraming(name: string, value: string): void {
    switch (name) {
      case 'content-length': {
        const length = /^\d{1,15}$/.test(value) ? Number(value) : -1;
        if (length === -1 || (this.#contentLength !== -1 && this.#contentLength !== length)) {
          return this.#fail('invalid', 'invalid or contradictory Content-Length');
        }
        this.#contentLength = length;
        return;
      }
      case 'transfer-encoding':
        // The request offers no other coding (no TE header), so anything else is not ours to read.
        if (this.#isChunked || value.toLowerCase() !== 'chunked') {
          return this.#fail('invalid', 'unsupported Transfer-Encoding');
        }
        this.#isChunked = true;
        return;
      case 'connection':
        for (const option of value.toLowerCase().split(',')) {
          if (option.trim() === 'close') this.#saysClose = true;
          else if (option.trim() === 'keep-alive') this.#saysKeepAlive = true;
        }
        return;
      default: {
        const timeout = /(?:^|[,\s])timeout\s*=\s*(\d{1,6})/i.exec(value)?.[1];
        if (timeout !== undefined) this.keepAliveHintSeconds = Number(timeout);
      }
    }
  }

  #skipInterim(status: number): void {
    // No Upgrade is ever asked for, so 101 would turn the connection into something unknown.
    if (status === 101) this.#fail('invalid', 'switched protocols unasked');
    else if (++this.#interimAnswers > INTERIM_ANSWERS_MAX) this.#fail('invalid', 'too many interim answers');
  }

  /** RFC 9112 §6.3, in its order. */
  #chooseFraming(status: number, isVersion11: boolean): boolean {
    if (this.#isChunked && (this.#contentLength !== -1 || !isVersion11)) {
      this.#fail('invalid', 'Transfer-Encoding beside Content-Length or in HTTP/1.0');
      return false;
    }
    const persists = !this.#saysClose && (isVersion11 || this.#saysKeepAlive);
    if (this.#isHeadRequest || status === 204 || status === 304) {
      this.#state = DONE;
      this.bodyLength = 0;
      // A server that wrongly sends the announced body would send it as the next caller's answer;
      // these answers are rare enough to pay for a new connection instead.
      this.keepAlive = persists && !this.#isChunked && this.#contentLength <= 0;
    } else if (this.#isChunked) {
      this.#state = SIZE_FIRST;
      this.keepAlive = persists;
    } else if (this.#contentLength === -1) {
      this.#state = CLOSE_BODY;
    } else {
      this.#remaining = this.#contentLength;
      this.bodyLength = this.#contentLength;
      this.#state = this.#contentLength === 0 ? DONE : LENGTH_BODY;
      this.keepAlive = persists;
    }
    return true;
  }

  #takeData(chunk: Buffer, from: number): number {
    const available = chunk.length - from;
    let end = chunk.length;
    if (this.#state !== CLOSE_BODY) {
      if (available > this.#remaining) end = from + this.#remaining;
      this.#remaining -= end - from;
      if (this.#remaining === 0) this.#state = this.#state === LENGTH_BODY ? DONE : DATA_CR;
    }
    this.#sink.onData(from === 0 && end === chunk.length ? chunk : chunk.subarray(from, end));
    return end;
  }

  /** Everything of a chunked body but its data, byte by byte: a handful per chunk (RFC 9112 §7.1). */
  #takeChunkFraming(chunk: Buffer, from: number): number {
    let at = from;
    while (at < chunk.length) {
      this.#step(chunk[at] ?? 0);
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
        if (byte === CR) return this.#expect(SIZE_LF);
        if (byte === 59) return this.#expect(EXTENSION);
        return this.#stepSizeDigit(byte);
      case EXTENSION:
        if (byte === CR) return this.#expect(SIZE_LF);
        return this.#stepOverhead(byte, isText(byte), EXTENSION);
      case SIZE_LF:
        if (byte !== LF) return this.#fail('invalid', 'malformed chunk size line');
        return this.#expect(this.#remaining === 0 ? TRAILER_START : CHUNK_DATA);
      case DATA_CR:
        if (byte !== CR) return this.#fail('invalid', 'chunk longer than its size');
        return this.#expect(DATA_LF);
      case DATA_LF:
        if (byte !== LF) return this.#fail('invalid', 'chunk longer than its size');
        return this.#expect(SIZE_FIRST);
      case TRAILER_START:
        if (byte === CR) return this.#expect(LAST_LF);
        return this.#stepOverhead(byte, IS_TOKEN_BYTE[byte] === 1, TRAILER_NAME);
      case TRAILER_NAME:
        if (byte === 58) return this.#expect(TRAILER_VALUE);
        return this.#stepOverhead(byte, IS_TOKEN_BYTE[byte] === 1, TRAILER_NAME);
      case TRAILER_VALUE:
        if (byte === CR) return this.#expect(TRAILER_LF);
        return this.#stepOverhead(byte, isText(byte), TRAILER_VALUE);
      case TRAILER_LF:
        if (byte !== LF) return this.#fail('invalid', 'malformed trailer');
        return this.#expect(TRAILER_START);
      default:
        if (byte !== LF) return this.#fail('invalid', 'malformed end of the chunked body');
        return this.#expect(DONE);
    }
  }

  #expect(state: number): void {
    this.#state = state;
  }

  #stepSizeDigit(byte: number): void {
    const digit = HEX_VALUE[byte] ?? -1;
    this.#sizeDigits += 1;
    if (digit === -1 || this.#sizeDigits > CHUNK_SIZE_DIGITS_MAX) return this.#fail('invalid', 'invalid chunk size');
    this.#remaining = this.#remaining * 16 + digit;
    this.#state = SIZE_MORE;
  }

  #stepOverhead(byte: number, isAllowed: boolean, next: number): void {
    this.#overheadBytes += 1;
    if (!isAllowed) return this.#fail('invalid', `byte ${byte} in a chunk extension or trailer`);
    if (this.#overheadBytes <= CHUNK_OVERHEAD_BYTES_MAX) return this.#expect(next);
    this.#fail('headers_too_large', `chunk extensions and trailers over ${CHUNK_OVERHEAD_BYTES_MAX} bytes`);
  }
}

/** -1 when it is none. The space before an absent reason is not insisted on: its absence is not ambiguous. */
function readStatus(text: string): number {
  const status = STATUS_LINE.exec(text)?.[1];
  return status === undefined ? -1 : Number(status);
}

function nextLine(text: string, from: number): number {
  const end = text.indexOf('\r\n', from);
  return end === -1 ? text.length : end + 2;
}

/** Without the spaces and tabs around it (String.trim would also take a no-break space, a byte of the value). */
function trimmed(text: string, from: number, to: number): string {
  let start = from;
  let end = to;
  while (start < end && isBlank(text.charCodeAt(start))) start += 1;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end -= 1;
  return text.slice(start, end);
}

function isBlank(code: number): boolean {
  return code === SPACE || code === TAB;
}

function isText(byte: number): boolean {
  return (byte >= SPACE && byte !== 127) || byte === TAB;
}

function hasBareLineFeed(held: Buffer, from: number): boolean {
  for (let at = held.indexOf(LF, from); at !== -1; at = held.indexOf(LF, at + 1)) {
    if (held[at - 1] !== CR) return true;
  }
  return false;
}

interface Field {
  readonly name: string;
  /** Whether it decides where the answer ends or whether the connection lives on. */
  readonly frames: boolean;
}

const FRAMING = new Set(['content-length', 'transfer-encoding', 'connection', 'keep-alive']);
const fields = new Map<string, Field>();

/** Checked and lower-cased once per spelling: servers send the same few names in every answer. */
function knownField(spelling: string): Field | null {
  const known = fields.get(spelling);
  if (known !== undefined) return known;
  if (!TOKEN.test(spelling)) return null;
  const name = spelling.toLowerCase();
  const field = { name, frames: FRAMING.has(name) };
  // A slice keeps the whole head alive: what stays is a copy of its own, and short.
  if (fields.size < NAMES_KNOWN_MAX && spelling.length <= 64) {
    const copy = Buffer.from(spelling, 'latin1').toString('latin1');
    fields.set(copy, { name: copy.toLowerCase(), frames: field.frames });
  }
  return field;
}
