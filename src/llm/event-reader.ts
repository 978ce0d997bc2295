/**
 * Server-sent events out of bytes (WHATWG HTML §9.2), for streams that are translated; streams that
 * pass as they are go through sse.ts. Lines end with LF or CRLF.
 */
import { AnswerFault } from './faults.ts';

const LF = 0x0a;
const CR = 0x0d;
const COLON = 0x3a;

/** An event may repeat a whole answer (OpenAI Responses). */
const EVENT_BYTES_MAX = 16 * 1024 * 1024;

/** Tells events as they become whole; any split of the bytes tells the same. */
export class EventReader {
  readonly #onEvent: (name: string, data: string) => void;
  readonly #bytesMax: number;
  /** Pieces of a line whose end has not come: joined once, when it has. */
  #held: Buffer[] = [];
  #heldBytes = 0;
  #name = '';
  #data: string | null = null;
  #eventBytes = 0;
  #isFirst = true;

  constructor(onEvent: (name: string, data: string) => void, bytesMax: number = EVENT_BYTES_MAX) {
    this.#onEvent = onEvent;
    this.#bytesMax = bytesMax;
  }

  /** Throws an AnswerFault where an event is larger than the bound. */
  push(bytes: Uint8Array): void {
    const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    let from = 0;
    for (let feed = chunk.indexOf(LF); feed >= 0; feed = chunk.indexOf(LF, from)) {
      this.#line(this.#whole(chunk, from, feed));
      from = feed + 1;
    }
    if (from === chunk.length) return;
    this.#bound(chunk.length - from);
    // A copy: the caller's memory may be used for the next bytes.
    this.#held.push(Buffer.from(chunk.subarray(from)));
    this.#heldBytes += chunk.length - from;
  }

  /** The bytes are over: a last event without its blank line counts. */
  end(): void {
    if (this.#heldBytes > 0) this.#line(this.#whole(Buffer.alloc(0), 0, 0));
    this.#dispatch();
  }

  #whole(chunk: Buffer, from: number, to: number): Buffer {
    this.#bound(to - from);
    if (this.#heldBytes === 0) return chunk.subarray(from, to);
    this.#held.push(chunk.subarray(from, to));
    const line = Buffer.concat(this.#held);
    this.#held = [];
    this.#heldBytes = 0;
    return line;
  }

  #bound(more: number): void {
    if (this.#heldBytes + this.#eventBytes + more > this.#bytesMax)
      throw new AnswerFault(`an event of the stream is larger than ${this.#bytesMax} bytes`);
  }

  #line(bytes: Buffer): void {
    const to = bytes.at(-1) === CR ? bytes.length - 1 : bytes.length;
    if (to === 0) return this.#dispatch();
    if (bytes[0] === COLON) return;
    this.#eventBytes += to;
    let line = bytes.toString('utf8', 0, to);
    if (this.#isFirst) {
      this.#isFirst = false;
      if (line.startsWith('\ufeff')) line = line.slice(1);
    }
    if (line.startsWith('data:')) {
      const value = fieldValue(line, 5);
      this.#data = this.#data === null ? value : `${this.#data}\n${value}`;
    } else if (line.startsWith('event:')) {
      this.#name = fieldValue(line, 6);
    }
  }

  #dispatch(): void {
    const name = this.#name;
    const data = this.#data;
    this.#name = '';
    this.#data = null;
    this.#eventBytes = 0;
    if (data !== null) this.#onEvent(name, data);
  }
}

/** One space after the colon, if there is one, does not belong to the value. */
function fieldValue(line: string, from: number): string {
  return line.slice(line.charCodeAt(from) === 0x20 ? from + 1 : from);
}
