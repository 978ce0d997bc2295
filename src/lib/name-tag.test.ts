import { expect, test } from 'vitest';
import { tagOf } from './name-tag.ts';

test('names give different tags, in both halves about evenly', () => {
  const low = new Set<number>();
  const high = new Set<number>();
  for (let i = 0; i < 50_000; i += 1) {
    const tag = tagOf(`key${i}:rpm/60000`);
    low.add(tag.low);
    high.add(tag.high);
  }
  // 0.3 pairs are expected to meet by chance in 32 bits.
  expect(low.size).toBeGreaterThan(49_990);
  expect(high.size).toBeGreaterThan(49_990);
});

test('a tag is never the one of a free cell', () => {
  for (const name of ['', '\0', 'a']) expect(tagOf(name)).not.toEqual({ low: 0, high: 0 });
});
