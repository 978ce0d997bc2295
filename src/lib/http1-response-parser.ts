import { Http1ChunkFraming } from './http1-chunk-framing.ts';
import { Http1HeadPieces } from './http1-head-pieces.ts';
import { knownFields } from './http1-known-fields.ts';
import { HEAD_END, hasBareLineFeed, readLength, trimmed } from './http1-syntax.ts';

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
/** Sizes of 48 bits: far above any body, and exact in a double. */
const CHUNKS = { sizeDigitsMax: 12, extensions: 'ignore', overheadBytesMax: 16 * 1024 } as const;

const HEAD = 0;
const LENGTH_BODY = 1;
const CLOSE_BODY = 2;
const CHUNK_DATA = 3;
const CHUNK_FRAMING = 4;
/** From here on no byte is read any more. */
const DONE = 5;
const FAILED = 6;
const STOPPED = 7;

const VERSION = Buffer.from('HTTP/1.', 'latin1');
/** RFC 9112 §4. */
const STATUS_LINE = /^HTTP\/1\.[01] ([1-5]\d\d)(?: |\r\n|$)/;
/** Control bytes, and CR or LF that is not half of a CRLF (RFC 9110 §5.5, RFC 9112 §2.2). */
const FORBIDDEN_IN_HEAD = /[^\t\r\n\x20-\x7e\x80-\xff]|\r[^\n]|[^\r]\n|\r$/;

/** What decides where the answer ends or whether the connection lives on. */
type FramingPart = 'content-length' | 'transfer-encoding' | 'connection' | 'keep-alive';
const knownField = knownFields<FramingPart>(['content-length', 'transfer-encoding', 'connection', 'keep-alive']);

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
  readonly #pieces = new Http1HeadPieces(HEAD_BYTES_MAX);
  readonly #framing = new Http1ChunkFraming(CHUNKS);
  #state = STOPPED;
  #isHeadRequest = false;
  #interimAnswers = 0;
  /** Bytes left of the body or of the chunk. */
  #remaining = 0;

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
    this.#pieces.clear();
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

  #failInvalid(detail: string): false {
    this.#fail('invalid', detail);
    return false;
  }

  #takeHead(chunk: Buffer, from: number): number {
    const end = this.#pieces.length > 0 ? -1 : chunk.indexOf(HEAD_END, from);
    if (end === -1 || end + HEAD_END.length - from > HEAD_BYTES_MAX) return this.#takeHeadPiece(chunk, from);
    this.#readHead(chunk.toString('latin1', from, end));
    return end + HEAD_END.length;
  }

  #takeHeadPiece(chunk: Buffer, from: number): number {
    const before = this.#pieces.length;
    const text = this.#pieces.add(chunk, from);
    if (text === null) this.#judgePieces(before);
    else this.#readHead(text);
    return this.#pieces.takenTo;
  }

  /** Early, so that a server that speaks something else fails now and not by a timeout. */
  #judgePieces(from: number): void {
    const { held, isFull } = this.#pieces;
    const start = held.subarray(0, VERSION.length);
    if (!start.equals(VERSION.subarray(0, start.length))) this.#fail('invalid', 'not an HTTP/1 status line');
    else if (hasBareLineFeed(held, from)) this.#fail('invalid', 'bare LF in the head');
    else if (isFull) this.#fail('headers_too_large', `head over ${HEAD_BYTES_MAX} bytes`);
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
      if (field === null) return this.#failInvalid('malformed header line');
      if (++lines > HEADER_LINES_MAX) {
        this.#fail('headers_too_large', `over ${HEADER_LINES_MAX} header lines`);
        return false;
      }
      const value = trimmed(text, colon + 1, end);
      const isRepeated = field.part === 'content-length' && this.#contentLength !== -1;
      if (field.part !== null) {
        // Allowed white space (RFC 9110 §5.6.3), but Node's own parser reads `chunked<TAB>` as another coding.
        if (text.slice(colon, end).includes('\t')) this.#fail('invalid', 'tab in a framing header');
        else this.#readFraming(field.part, value);
        if (this.#state === FAILED) return false;
      }
      if (!isRepeated) headers.push(field.name, value);
      at = end + 2;
    }
    return true;
  }

  #readFraming(part: FramingPart, value: string): void {
    switch (part) {
      case 'content-length': {
        const length = readLength(value);
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
      case 'keep-alive': {
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
      return this.#failInvalid('Transfer-Encoding beside Content-Length or in HTTP/1.0');
    }
    const persists = !this.#saysClose && (isVersion11 || this.#saysKeepAlive);
    if (this.#isHeadRequest || status === 204 || status === 304) {
      this.#state = DONE;
      this.bodyLength = 0;
      // A server that wrongly sends the announced body would send it as the next caller's answer;
      // these answers are rare enough to pay for a new connection instead.
      this.keepAlive = persists && !this.#isChunked && this.#contentLength <= 0;
    } else if (this.#isChunked) {
      this.#framing.reset();
      this.#state = CHUNK_FRAMING;
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
      if (this.#remaining === 0) this.#state = this.#state === LENGTH_BODY ? DONE : CHUNK_FRAMING;
    }
    this.#sink.onData(from === 0 && end === chunk.length ? chunk : chunk.subarray(from, end));
    return end;
  }

  #takeChunkFraming(chunk: Buffer, from: number): number {
    const framing = this.#framing;
    const end = framing.take(chunk, from);
    const { progress, detail } = framing;
    if (progress === 'data') {
      this.#remaining = framing.chunkLength;
      this.#state = CHUNK_DATA;
    } else if (progress === 'end') {
      this.#state = DONE;
    } else if (progress !== 'more') {
      this.#fail(progress === 'malformed' ? 'invalid' : 'headers_too_large', detail);
    }
    return end;
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
