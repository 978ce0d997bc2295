import { crc32 } from 'node:zlib';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { EventStreamFault, EventStreamReader, stringHeader, writeMessage } from './aws-event-stream.ts';
import type { EventStreamMessage, HeaderValue } from './aws-event-stream.ts';

const value: fc.Arbitrary<HeaderValue> = fc.oneof(
  fc.record({ type: fc.constant('boolean' as const), value: fc.boolean() }),
  fc.record({ type: fc.constant('byte' as const), value: fc.integer({ min: -128, max: 127 }) }),
  fc.record({ type: fc.constant('short' as const), value: fc.integer({ min: -32768, max: 32767 }) }),
  fc.record({ type: fc.constant('integer' as const), value: fc.integer() }),
  fc.record({
    type: fc.constantFrom('long' as const, 'timestamp' as const),
    value: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  }),
  fc.record({ type: fc.constant('binary' as const), value: fc.uint8Array({ maxLength: 40 }) }),
  fc.record({ type: fc.constant('string' as const), value: fc.string({ unit: 'grapheme', maxLength: 40 }) }),
  fc.record({ type: fc.constant('uuid' as const), value: fc.uuid() }),
);

const message: fc.Arbitrary<EventStreamMessage> = fc.record({
  headers: fc
    .array(fc.tuple(fc.string({ minLength: 1, maxLength: 20 }), value), { maxLength: 5 })
    .map((all) => new Map(all)),
  payload: fc.uint8Array({ maxLength: 200 }),
});

function read(chunks: readonly Uint8Array[]): EventStreamMessage[] {
  const seen: EventStreamMessage[] = [];
  const reader = new EventStreamReader(({ headers, payload }) =>
    seen.push({ headers, payload: Uint8Array.from(payload) }),
  );
  for (const chunk of chunks) {
    // The reader must not keep the caller's memory.
    const lent = Uint8Array.from(chunk);
    reader.push(lent);
    lent.fill(0);
  }
  return seen;
}

function plain(messages: readonly EventStreamMessage[]): unknown {
  return messages.map(({ headers, payload }) => ({
    headers: [...headers].map(([name, header]) => [
      name,
      header.type === 'binary' ? { type: header.type, value: [...header.value] } : header,
    ]),
    payload: [...payload],
  }));
}

describe('the reader', () => {
  test('reads what was written, however the bytes are split', () => {
    fc.assert(
      fc.property(
        fc.array(message, { maxLength: 4 }),
        fc.array(fc.nat({ max: 2000 }), { maxLength: 12 }),
        (all, cuts) => {
          const bytes = Buffer.concat(all.map(writeMessage));
          const places = [0, ...cuts.map((cut) => Math.min(cut, bytes.length)).sort((a, b) => a - b), bytes.length];
          const chunks = places.slice(1).map((to, i) => bytes.subarray(places[i], to));
          expect(plain(read(chunks))).toEqual(plain(all));
        },
      ),
    );
  });

  test('reads byte by byte', () => {
    const bytes = writeMessage({
      headers: new Map([[':event-type', text('messageStop')]]),
      payload: Buffer.from('{}'),
    });
    const seen = read([...bytes].map((byte) => Uint8Array.of(byte)));
    expect(seen.map((one) => stringHeader(one, ':event-type'))).toEqual(['messageStop']);
  });

  test('reads the documented empty message', () => {
    // Sixteen bytes: the lengths 16 and 0, CRC32 05c248eb of them, CRC32 7d98c8ff of all before.
    const bytes = Buffer.from('000000100000000005c248eb7d98c8ff', 'hex');
    expect(plain(read([bytes]))).toEqual([{ headers: [], payload: [] }]);
    expect(writeMessage({ headers: new Map(), payload: new Uint8Array(0) })).toEqual(bytes);
  });

  test('refuses bytes that were changed anywhere, and never makes another message of them', () => {
    fc.assert(
      fc.property(message, fc.nat(), fc.integer({ min: 1, max: 255 }), (one, at, change) => {
        const bytes = writeMessage(one);
        const place = at % bytes.length;
        bytes[place] = (bytes[place] ?? 0) ^ change;
        expect(() => read([bytes])).toThrow(EventStreamFault);
      }),
    );
  });

  test('refuses another format at its first bytes', () => {
    expect(() => read([Buffer.from('data: {"choices":[]}\n\n')])).toThrow('the checksum of a prelude is wrong');
  });

  test('never waits for a message beyond its bound', () => {
    const reader = new EventStreamReader(() => {}, 100);
    const bytes = writeMessage({ headers: new Map(), payload: Buffer.alloc(85) });
    expect(() => reader.push(bytes.subarray(0, 12))).toThrow('a message is larger than 100 bytes');
  });

  test('tells whether the bytes end in the middle of a message', () => {
    const reader = new EventStreamReader(() => {});
    const bytes = writeMessage({ headers: new Map(), payload: Buffer.from('abc') });
    reader.push(bytes.subarray(0, 14));
    expect(reader.isBetween).toBe(false);
    reader.push(bytes.subarray(14));
    expect(reader.isBetween).toBe(true);
  });

  test('throws nothing but its own fault for any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.uint8Array({ maxLength: 30 }), (any, headers) => {
        // With right checksums and lengths, so that the headers are reached.
        const framed = reframed(headers);
        for (const bytes of [any, framed]) {
          try {
            read([bytes]);
          } catch (fault) {
            expect(fault).toBeInstanceOf(EventStreamFault);
          }
        }
      }),
    );
  });
});

function text(content: string): HeaderValue {
  return { type: 'string', value: content };
}

/** A message whose headers are these bytes, whatever they are. */
function reframed(headers: Uint8Array): Buffer {
  const message = writeMessage({ headers: new Map(), payload: headers });
  const lengths = Buffer.from(message.subarray(0, 8));
  lengths.writeUInt32BE(headers.length, 4);
  const crc = (bytes: Uint8Array): Buffer => {
    const out = Buffer.alloc(4);
    out.writeUInt32BE(crc32(bytes));
    return out;
  };
  const before = Buffer.concat([lengths, crc(lengths), headers]);
  return Buffer.concat([before, crc(before)]);
}
