import { describe, expect, test } from 'vitest';
import * as fc from 'fast-check';
import { eventText, readEvent, watchEvents, withData } from './sse.ts';

interface Seen {
  readonly events: string[];
  readonly out: string;
}

/** Events that hold "look" are looked at; of those, the ones that hold "hide" are hidden, and the ones that hold "new" are sent as such. */
function watch(stream: Buffer, cuts: readonly number[], mayChange: boolean, heldBytesMax = 10_000): Seen {
  const events: string[] = [];
  const out: Uint8Array[] = [];
  const watcher = watchEvents(
    {
      mayMatter: (bytes) => bytes.includes('look'),
      inspect(event) {
        events.push(readEvent(event).data);
        return event.includes('new') ? Buffer.from('data: new\n\n') : event.includes('hide');
      },
    },
    { mayChange, heldBytesMax },
  );
  const places = [0, ...cuts.map((cut) => cut % (stream.length + 1)).sort((a, b) => a - b), stream.length];
  for (let index = 1; index < places.length; index++) {
    const chunk = stream.subarray(places[index - 1], places[index]);
    if (chunk.length === 0) continue;
    const passed = watcher.push(chunk);
    if (!mayChange) expect(passed).toBe(chunk);
    if (passed !== null) out.push(passed);
  }
  const rest = watcher.flush();
  if (rest !== null) out.push(rest);
  return { events, out: Buffer.concat(out).toString() };
}

const cuts = fc.array(fc.nat(), { maxLength: 12 });
const word = fc.constantFrom('look', 'hide', 'look hide', 'look new', 'é€😀', 'x', '');
const event = fc.tuple(fc.constantFrom('data: ', 'data:', ': ', 'event: '), word, word, fc.constantFrom('\n', '\r\n'));
const stream = fc
  .array(event, { maxLength: 8 })
  .map((events) =>
    events.map(([field, first, second, end]) => `${field}${first}${end}data:${second}${end}${end}`).join(''),
  );

describe('watched events', () => {
  test('pass unchanged and at once where nothing may be hidden, however the bytes are split', () => {
    fc.assert(
      fc.property(stream, cuts, (text, places) => {
        const seen = watch(Buffer.from(text), places, false);
        expect(seen.out).toBe(text);
        expect(seen.events).toEqual(watch(Buffer.from(text), [], false).events);
      }),
    );
  });

  test('are the same, shown, hidden and replaced, however the bytes are split', () => {
    fc.assert(
      fc.property(stream, cuts, (text, places) => {
        expect(watch(Buffer.from(text), places, true)).toEqual(watch(Buffer.from(text), [], true));
      }),
    );
  });

  test('are hidden whole, and their neighbours stay byte for byte', () => {
    const text = 'data: a look\n\ndata: look hide\n\n: comment\n\ndata:b\r\n\r\n';
    expect(watch(Buffer.from(text), [], true)).toEqual({
      events: ['a look', 'look hide'],
      out: 'data: a look\n\n: comment\n\ndata:b\r\n\r\n',
    });
  });

  test('are replaced whole, and their neighbours stay byte for byte', () => {
    const text = 'data: a look\n\ndata: look\ndata: new and long\n\n:comment\r\n\r\ndata: look new';
    expect(watch(Buffer.from(text), [], true).out).toBe('data: a look\n\ndata: new\n\n:comment\r\n\r\ndata: new\n\n');
    expect(watch(Buffer.from(text), [], false).out).toBe(text);
  });

  test('count at the end of the stream also without a blank line', () => {
    expect(watch(Buffer.from('data: x\n\ndata: look'), [], false).events).toEqual(['look']);
    expect(watch(Buffer.from('data: x\n\ndata: look hide\n'), [], true).out).toBe('data: x\n\n');
    expect(watch(Buffer.from('data: x\n\ndata: half'), [], true).out).toBe('data: x\n\ndata: half');
  });

  test('larger than the bound pass without being looked at or kept', () => {
    const large = `data: look ${'x'.repeat(500)} hide\n\n`;
    const small = 'data: look\n\n';
    const everyTen = Array.from({ length: 60 }, (_, index) => index * 10);
    for (const mayChange of [false, true]) {
      expect(watch(Buffer.from(large + small), everyTen, mayChange, 100)).toEqual({
        events: ['look'],
        out: large + small,
      });
    }
  });

  test('that hold nothing of interest come back as the very same buffer', () => {
    const watcher = watchEvents(
      { mayMatter: (bytes) => bytes.includes('look'), inspect: () => true },
      { mayChange: true, heldBytesMax: 100 },
    );
    const chunk = Buffer.from('data: one\n\ndata: two\n\n');
    expect(watcher.push(chunk)).toBe(chunk);
  });
});

test('an event is read with and without a space after the colon, with CRLF, comments and several data lines', () => {
  expect(readEvent(Buffer.from('event:done\r\n: note\r\ndata:{"a":\r\ndata: 1}\r\n\r\n'))).toEqual({
    name: 'done',
    data: '{"a":\n1}',
  });
  expect(readEvent(Buffer.from(eventText('done', '{}')))).toEqual({ name: 'done', data: '{}' });
  expect(eventText(null, '{}')).toBe('data: {}\n\n');
});

test('an event with other data keeps its name, its comments and its line ends', () => {
  const event = ': note\r\nevent: error\r\ndata: {"a":\r\nid: 7\r\ndata: 1}\r\n\r\n';
  expect(withData(Buffer.from(event), '{"b":2}').toString()).toBe(
    ': note\r\nevent: error\r\ndata: {"b":2}\r\nid: 7\r\n\r\n',
  );
  expect(withData(Buffer.from('data:x'), 'a\nb').toString()).toBe('data: a\ndata: b');
});
