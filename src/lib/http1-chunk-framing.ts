import { CR, IS_TOKEN_BYTE, LF, isText } from './http1-syntax.ts';

export interface Http1ChunkFramingOptions {
  readonly sizeDigitsMax: number;
  /** Extensions (RFC 9112 §7.1.1) carry nothing here, and programs disagree about their end. */
  readonly extensions: 'refuse' | 'ignore';
  /** Extensions and trailers of one body: bytes that cost work, read only to be dropped. */
  readonly overheadBytesMax: number;
}

/** `data`: `chunkLength` bytes of data come next; `end`: the body is complete; `too_long`: more overhead than allowed. */
export type Http1ChunkProgress = 'more' | 'data' | 'end' | 'malformed' | 'too_long';

const SIZE_FIRST = 0;
const SIZE_MORE = 1;
const EXTENSION = 2;
const SIZE_LF = 3;
const DATA_CR = 4;
const DATA_LF = 5;
const TRAILER_START = 6;
const TRAILER_NAME = 7;
const TRAILER_VALUE = 8;
const TRAILER_LF = 9;
const LAST_LF = 10;

const COLON = 58;
const SEMICOLON = 59;
const HEX_VALUE = Int8Array.from({ length: 256 }, (_, byte) => {
  const char = String.fromCharCode(byte);
  return /[0-9a-fA-F]/.test(char) ? Number.parseInt(char, 16) : -1;
});

/** Everything of a chunked body but its data, byte by byte: a handful per chunk (RFC 9112 §7.1). One per connection. */
export class Http1ChunkFraming {
  progress: Http1ChunkProgress = 'more';
  /** Bytes of data in the chunk at hand. */
  chunkLength = 0;
  /** Why `progress` is `malformed` or `too_long`, without quoting the message. */
  detail = '';
  readonly #options: Http1ChunkFramingOptions;
  #state = SIZE_FIRST;
  #sizeDigits = 0;
  #overheadBytes = 0;

  constructor(options: Http1ChunkFramingOptions) {
    this.#options = options;
  }

  /** Makes ready for the next body. */
  reset(): void {
    this.#state = SIZE_FIRST;
    this.#overheadBytes = 0;
  }

  /** Reads on, from behind the data if some came; returns the offset behind what was taken. */
  take(bytes: Buffer, from: number): number {
    this.progress = 'more';
    let at = from;
    while (at < bytes.length && this.progress === 'more') {
      this.#step(bytes[at] ?? 0);
      at += 1;
    }
    return at;
  }

  #step(byte: number): void {
    switch (this.#state) {
      case SIZE_FIRST:
        this.chunkLength = 0;
        this.#sizeDigits = 0;
        return this.#stepSizeDigit(byte);
      case SIZE_MORE:
        if (byte === CR) return this.#expect(SIZE_LF);
        if (byte === SEMICOLON && this.#options.extensions === 'ignore') return this.#expect(EXTENSION);
        return this.#stepSizeDigit(byte);
      case EXTENSION:
        if (byte === CR) return this.#expect(SIZE_LF);
        return this.#stepOverhead(byte, isText(byte), EXTENSION);
      case SIZE_LF:
        return this.#endSizeLine(byte);
      case DATA_CR:
        return this.#stepExact(byte, CR, DATA_LF, 'chunk longer than its size');
      case DATA_LF:
        return this.#stepExact(byte, LF, SIZE_FIRST, 'chunk longer than its size');
      case TRAILER_START:
        if (byte === CR) return this.#expect(LAST_LF);
        return this.#stepOverhead(byte, IS_TOKEN_BYTE[byte] === 1, TRAILER_NAME);
      case TRAILER_NAME:
        if (byte === COLON) return this.#expect(TRAILER_VALUE);
        return this.#stepOverhead(byte, IS_TOKEN_BYTE[byte] === 1, TRAILER_NAME);
      case TRAILER_VALUE:
        if (byte === CR) return this.#expect(TRAILER_LF);
        return this.#stepOverhead(byte, isText(byte), TRAILER_VALUE);
      case TRAILER_LF:
        return this.#stepExact(byte, LF, TRAILER_START, 'malformed trailer');
      default:
        if (byte !== LF) return this.#fail('malformed', 'malformed end of the chunked body');
        this.progress = 'end';
    }
  }

  #endSizeLine(byte: number): void {
    if (byte !== LF) return this.#fail('malformed', 'malformed chunk size line');
    if (this.chunkLength === 0) return this.#expect(TRAILER_START);
    this.#state = DATA_CR;
    this.progress = 'data';
  }

  #expect(state: number): void {
    this.#state = state;
  }

  #stepExact(byte: number, wanted: number, next: number, detail: string): void {
    if (byte === wanted) this.#state = next;
    else this.#fail('malformed', detail);
  }

  #stepSizeDigit(byte: number): void {
    const digit = HEX_VALUE[byte] ?? -1;
    this.#sizeDigits += 1;
    if (digit === -1 || this.#sizeDigits > this.#options.sizeDigitsMax) {
      return this.#fail('malformed', 'invalid chunk size');
    }
    this.chunkLength = this.chunkLength * 16 + digit;
    this.#state = SIZE_MORE;
  }

  #stepOverhead(byte: number, isAllowed: boolean, next: number): void {
    this.#overheadBytes += 1;
    const { overheadBytesMax } = this.#options;
    if (!isAllowed) this.#fail('malformed', `byte ${byte} in a chunk extension or trailer`);
    else if (this.#overheadBytes <= overheadBytesMax) this.#state = next;
    else this.#fail('too_long', `chunk extensions and trailers over ${overheadBytesMax} bytes`);
  }

  #fail(progress: 'malformed' | 'too_long', detail: string): void {
    this.progress = progress;
    this.detail = detail;
  }
}
