import { Http1ChunkFraming } from './http1-chunk-framing.ts';
import { Http1HeadPieces } from './http1-head-pieces.ts';
import { knownFields } from './http1-known-fields.ts';
import {
  DELETE,
  HEAD_END,
  IS_TOKEN_BYTE,
  SPACE,
  hasForbiddenByte,
  hasOption,
  isLineEnd,
  readLength,
  textEnd,
  trimmed,
} from './http1-syntax.ts';

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
/** Extensions are refused: ADR 0006. */
const CHUNKS = { sizeDigitsMax: 8, extensions: 'refuse', overheadBytesMax: 4 * 1024 } as const;

const HEAD = 0;
const LENGTH_BODY = 1;
const CHUNK_DATA = 2;
const CHUNK_FRAMING = 3;
/** From here on no byte is read any more. */
const DONE = 4;
const FAILED = 5;

/** What a header may say about the request itself. */
type FieldPart = 'content-length' | 'transfer-encoding' | 'connection' | 'expect';
const knownField = knownFields<FieldPart>(['content-length', 'transfer-encoding', 'connection', 'expect']);

/** In a head that is refused before it is whole: nothing is decided by it. */
const REQUEST_LINE = /^(?:\r\n)?[A-Z]{1,32} ([\x21-\x7e]+) HTTP\/1\.[01]\r\n/;

/** One per connection, used again for every request on it: call `reset` before each but the first. */
export class Http1RequestParser {
  method = '';
  /** As it was sent: any visible characters. Of a request that failed: empty where its request line was not read. */
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
  readonly #pieces: Http1HeadPieces;
  readonly #framing = new Http1ChunkFraming(CHUNKS);
  #state = HEAD;
  /** Bytes left of the body or of the chunk. */
  #remaining = 0;
  #contentLength = -1;
  #isChunked = false;
  #saysClose = false;

  constructor(limits: Http1RequestLimits, sink: Http1RequestBodySink) {
    this.#limits = limits;
    this.#sink = sink;
    this.#pieces = new Http1HeadPieces(limits.headBytesMax);
  }

  reset(): void {
    this.#state = HEAD;
    this.#pieces.clear();
    this.failure = null;
    this.target = '';
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
    const end = this.#pieces.length > 0 ? -1 : bytes.indexOf(HEAD_END, from);
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
    const before = this.#pieces.length;
    const text = this.#pieces.add(bytes, from);
    if (text === null) this.#judgePieces(before);
    else this.#readHead(text);
    return this.#pieces.takenTo;
  }

  /** Early, so that a caller that speaks something else is told now and not by a timeout. */
  #judgePieces(from: number): void {
    const pieces = this.#pieces;
    if (hasForbiddenByte(pieces.held, Math.max(0, from - 1))) this.#failInvalid('control byte in the head');
    else if (pieces.isFull) this.#fail('headers_too_large', `head over ${pieces.length} bytes`);
    if (this.#state !== FAILED) return;
    // Who is told of the failure may want to know what was asked.
    this.target = REQUEST_LINE.exec(pieces.held.toString('latin1'))?.[1] ?? '';
    pieces.clear();
  }

  /** `text` is the head without its closing CRLF CRLF. */
  #readHead(text: string): void {
    this.#contentLength = -1;
    this.#isChunked = false;
    this.#saysClose = false;
    this.expectsContinue = false;
    // RFC 9112 §2.2: an empty line before the request is ignored; one is enough.
    const start = isLineEnd(text, 0) ? 2 : 0;
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
      const field = colon > at ? knownField(text.slice(at, colon)) : null;
      if (field === null) return this.#failInvalid('malformed header line');
      const end = textEnd(text, colon + 1);
      if (end < text.length && !isLineEnd(text, end)) return this.#failInvalid('control byte in the head');
      lines += 1;
      if (lines > linesMax) return this.#failManyLines(text, end);
      const value = trimmed(text, colon + 1, end);
      if (field.part !== null && !this.#readPart(field.part, value, text.slice(colon + 1, end))) return false;
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
        const length = raw.includes('\t') ? -1 : readLength(value);
        if (length === -1 || this.#contentLength !== -1) {
          return this.#failInvalid('invalid or repeated Content-Length');
        }
        this.#contentLength = length;
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
      this.#framing.reset();
      this.#state = CHUNK_FRAMING;
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
    if (this.#remaining === 0) this.#state = this.#state === LENGTH_BODY ? DONE : CHUNK_FRAMING;
    this.#sink.onBodyBytes(bytes, from, end);
    return end;
  }

  #takeChunkFraming(bytes: Buffer, from: number): number {
    const framing = this.#framing;
    const end = framing.take(bytes, from);
    const { progress, detail } = framing;
    if (progress === 'data') {
      this.#remaining = framing.chunkLength;
      this.#state = CHUNK_DATA;
    } else if (progress === 'end') {
      this.#state = DONE;
    } else if (progress !== 'more') {
      this.#fail(progress === 'malformed' ? 'invalid_request' : 'headers_too_large', detail);
    }
    return end;
  }
}
