/**
 * Binary event streams of AWS (`application/vnd.amazon.eventstream`,
 * https://smithy.io/2.0/aws/amazon-eventstream.html). A message is its prelude (total length, length
 * of the headers, CRC32 of both), headers, payload, and a CRC32 of all before; numbers are big-endian.
 */
import { crc32 } from 'node:zlib';

const PRELUDE_BYTES = 12;
const CRC_BYTES = 4;
const OVERHEAD_BYTES = PRELUDE_BYTES + CRC_BYTES;
/** The specification's own bounds: 128 KB of headers, 24 MB of payload. */
const HEADERS_BYTES_MAX = 128 * 1024;
const MESSAGE_BYTES_MAX = 24 * 1024 * 1024 + HEADERS_BYTES_MAX + OVERHEAD_BYTES;

const TRUE = 0;
const FALSE = 1;
const BYTE = 2;
const SHORT = 3;
const INTEGER = 4;
const LONG = 5;
const BINARY = 6;
const STRING = 7;
const TIMESTAMP = 8;
const UUID = 9;

/** The value of a header, with its type on the wire; timestamps are milliseconds, a uuid is written in hex with dashes. */
export type HeaderValue =
  | { readonly type: 'boolean'; readonly value: boolean }
  | { readonly type: 'byte' | 'short' | 'integer'; readonly value: number }
  | { readonly type: 'long' | 'timestamp'; readonly value: bigint }
  | { readonly type: 'binary'; readonly value: Uint8Array }
  | { readonly type: 'string' | 'uuid'; readonly value: string };

export interface EventStreamMessage {
  readonly headers: ReadonlyMap<string, HeaderValue>;
  /** Of a message that was read: a view, to be used before the next bytes come. */
  readonly payload: Uint8Array;
}

/** The bytes are no such stream, or were damaged on the way. */
export class EventStreamFault extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'EventStreamFault';
  }
}

/** Tells messages as they become whole; any split of the bytes tells the same. */
export class EventStreamReader {
  readonly #onMessage: (message: EventStreamMessage) => void;
  readonly #bytesMax: number;
  /** Pieces of a message whose end has not come: joined once, when it has. */
  #held: Buffer[] = [];
  #heldBytes = 0;
  /** Of the open message; 0 until its prelude is whole. */
  #totalBytes = 0;

  constructor(onMessage: (message: EventStreamMessage) => void, bytesMax: number = MESSAGE_BYTES_MAX) {
    this.#onMessage = onMessage;
    this.#bytesMax = bytesMax;
  }

  /** Whether the bytes so far end with the end of a message. */
  get isBetween(): boolean {
    return this.#heldBytes === 0;
  }

  /** Throws an EventStreamFault; nothing may be pushed after that. */
  push(bytes: Uint8Array): void {
    let rest = bufferOf(bytes);
    while (rest.length > 0) {
      const missing = (this.#totalBytes === 0 ? PRELUDE_BYTES : this.#totalBytes) - this.#heldBytes;
      if (rest.length < missing) return this.#hold(Buffer.from(rest));
      const piece = rest.subarray(0, missing);
      rest = rest.subarray(missing);
      if (this.#totalBytes === 0) this.#openMessage(this.#whole(piece));
      else this.#endMessage(this.#whole(piece));
    }
  }

  /** What is held must be a copy: the caller's memory may be used for the next bytes. */
  #hold(copy: Buffer): void {
    this.#held.push(copy);
    this.#heldBytes += copy.length;
  }

  #whole(last: Buffer): Buffer {
    if (this.#heldBytes === 0) return last;
    const joined = Buffer.concat([...this.#held, last]);
    this.#held = [];
    this.#heldBytes = 0;
    return joined;
  }

  /** The prelude has a checksum of its own so that a damaged length is seen before anything waits for it. */
  #openMessage(prelude: Buffer): void {
    if (crc32(prelude.subarray(0, 8)) !== prelude.readUInt32BE(8))
      throw new EventStreamFault('the checksum of a prelude is wrong');
    const totalBytes = prelude.readUInt32BE(0);
    const headersBytes = prelude.readUInt32BE(4);
    if (totalBytes > this.#bytesMax) throw new EventStreamFault(`a message is larger than ${this.#bytesMax} bytes`);
    if (headersBytes > HEADERS_BYTES_MAX || totalBytes < OVERHEAD_BYTES + headersBytes)
      throw new EventStreamFault('the lengths in a prelude do not fit');
    this.#totalBytes = totalBytes;
    this.#hold(Buffer.from(prelude));
  }

  #endMessage(message: Buffer): void {
    this.#totalBytes = 0;
    const end = message.length - CRC_BYTES;
    if (crc32(message.subarray(0, end)) !== message.readUInt32BE(end))
      throw new EventStreamFault('the checksum of a message is wrong');
    const headersEnd = PRELUDE_BYTES + message.readUInt32BE(4);
    const headers = readHeaders(message.subarray(PRELUDE_BYTES, headersEnd));
    this.#onMessage({ headers, payload: message.subarray(headersEnd, end) });
  }
}

/** The value of a header of type string; undefined without one. */
export function stringHeader(message: EventStreamMessage, name: string): string | undefined {
  const header = message.headers.get(name);
  return header?.type === 'string' ? header.value : undefined;
}

function readHeaders(bytes: Buffer): ReadonlyMap<string, HeaderValue> {
  const headers = new Map<string, HeaderValue>();
  const cursor = { bytes, at: 0 };
  while (cursor.at < bytes.length) {
    const name = take(cursor, take(cursor, 1).readUInt8()).toString('utf8');
    headers.set(name, readValue(cursor));
  }
  return headers;
}

interface Cursor {
  readonly bytes: Buffer;
  at: number;
}

function take(cursor: Cursor, length: number): Buffer {
  const to = cursor.at + length;
  if (to > cursor.bytes.length) throw new EventStreamFault('a header reaches beyond the headers');
  const taken = cursor.bytes.subarray(cursor.at, to);
  cursor.at = to;
  return taken;
}

function readValue(cursor: Cursor): HeaderValue {
  const type = take(cursor, 1).readUInt8();
  switch (type) {
    case TRUE:
    case FALSE:
      return { type: 'boolean', value: type === TRUE };
    case BYTE:
      return { type: 'byte', value: take(cursor, 1).readInt8() };
    case SHORT:
      return { type: 'short', value: take(cursor, 2).readInt16BE() };
    case INTEGER:
      return { type: 'integer', value: take(cursor, 4).readInt32BE() };
    case LONG:
      return { type: 'long', value: take(cursor, 8).readBigInt64BE() };
    case TIMESTAMP:
      return { type: 'timestamp', value: take(cursor, 8).readBigInt64BE() };
    case BINARY:
      return { type: 'binary', value: Buffer.from(take(cursor, take(cursor, 2).readUInt16BE())) };
    case STRING:
      return { type: 'string', value: take(cursor, take(cursor, 2).readUInt16BE()).toString('utf8') };
    case UUID:
      return { type: 'uuid', value: dashed(take(cursor, 16).toString('hex')) };
    default:
      throw new EventStreamFault(`a header has the unknown type ${type}`);
  }
}

function dashed(hex: string): string {
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

/** The bytes of one message. */
export function writeMessage(message: EventStreamMessage): Buffer {
  const headers = Buffer.concat(
    [...message.headers].flatMap(([name, value]) => [lengthAndText(name), ...bytesOf(value)]),
  );
  const totalBytes = OVERHEAD_BYTES + headers.length + message.payload.length;
  const lengths = Buffer.alloc(8);
  lengths.writeUInt32BE(totalBytes, 0);
  lengths.writeUInt32BE(headers.length, 4);
  const beforeCrc = Buffer.concat([lengths, uint32(crc32(lengths)), headers, message.payload]);
  return Buffer.concat([beforeCrc, uint32(crc32(beforeCrc))]);
}

function lengthAndText(name: string): Buffer {
  const text = Buffer.from(name, 'utf8');
  if (text.length > 255) throw new RangeError('the name of a header is longer than 255 bytes');
  return Buffer.concat([Buffer.of(text.length), text]);
}

function bytesOf(header: HeaderValue): readonly Uint8Array[] {
  switch (header.type) {
    case 'boolean':
      return [Buffer.of(header.value ? TRUE : FALSE)];
    case 'byte':
      return [Buffer.of(BYTE), sized(1, (bytes) => bytes.writeInt8(header.value))];
    case 'short':
      return [Buffer.of(SHORT), sized(2, (bytes) => bytes.writeInt16BE(header.value))];
    case 'integer':
      return [Buffer.of(INTEGER), sized(4, (bytes) => bytes.writeInt32BE(header.value))];
    case 'long':
      return [Buffer.of(LONG), sized(8, (bytes) => bytes.writeBigInt64BE(header.value))];
    case 'timestamp':
      return [Buffer.of(TIMESTAMP), sized(8, (bytes) => bytes.writeBigInt64BE(header.value))];
    case 'binary':
      return [Buffer.of(BINARY), uint16(header.value.length), header.value];
    case 'string': {
      const text = Buffer.from(header.value, 'utf8');
      return [Buffer.of(STRING), uint16(text.length), text];
    }
    case 'uuid':
      return [Buffer.of(UUID), Buffer.from(header.value.replaceAll('-', ''), 'hex')];
  }
}

function sized(length: number, write: (bytes: Buffer) => void): Buffer {
  const bytes = Buffer.alloc(length);
  write(bytes);
  return bytes;
}

function uint16(value: number): Buffer {
  return sized(2, (bytes) => bytes.writeUInt16BE(value));
}

function uint32(value: number): Buffer {
  return sized(4, (bytes) => bytes.writeUInt32BE(value));
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
