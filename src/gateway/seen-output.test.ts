import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SeenOutput } from './seen-output.ts';

function seen(chunks: readonly string[]): number {
  const output = new SeenOutput();
  for (const chunk of chunks) output.add(Buffer.from(chunk));
  return output.tokens();
}

const event = (text: string) => `data: {"id":"chatcmpl-1","choices":[{"delta":{"content":"${text}"}}]}\n\n`;

test('a stream of short events counts about one token for each, whatever its length', () => {
  for (const count of [1, 10, 500, 5000]) {
    const tokens = seen(Array.from({ length: count }, () => event(' word')));
    expect(tokens).toBeGreaterThanOrEqual(count);
    expect(tokens).toBeLessThan(count * 1.2 + 3);
  }
});

test('events that hold much text count by their text', () => {
  expect(seen([event(''), event('x'.repeat(4000))])).toBeGreaterThan(900);
});

test('how the bytes are cut into chunks does not matter', () => {
  const whole = Array.from({ length: 50 }, (_, i) => event(`word ${i}`)).join('');
  fc.assert(
    fc.property(fc.array(fc.nat(whole.length), { maxLength: 20 }), (cuts) => {
      const places = [0, ...cuts.toSorted((a, b) => a - b), whole.length];
      const chunks = places.slice(1).map((to, i) => whole.slice(places[i], to));
      expect(seen(chunks)).toBe(seen([whole]));
    }),
  );
});

test('nothing seen is nothing, and half an event is something', () => {
  expect(seen([])).toBe(0);
  expect(seen(['data: {"par'])).toBeGreaterThan(0);
});
