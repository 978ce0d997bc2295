import { describe, expect, test } from 'vitest';
import { keyRecord } from '../keys/key-fixture.ts';
import type { KeyRecord } from '../keys/key-record.ts';
import { KeyCache } from './key-cache.ts';

function record(kid: string, revision: number): KeyRecord {
  return keyRecord({ kid, secrets: [], revision });
}

/** A key store whose answers the test gives by hand. */
function openSource(options: { readonly keysMax?: number } = {}) {
  const asked: { kid: string; resolve: (found: KeyRecord | null) => void; reject: (error: Error) => void }[] = [];
  let nowMs = 0;
  const cache = new KeyCache({
    source: { findKey: (kid) => new Promise((resolve, reject) => asked.push({ kid, resolve, reject })) },
    clock: { now: () => nowMs },
    unknownForMs: 1000,
    pendingMax: 2,
    ...options,
  });
  return { cache, asked, moveTo: (ms: number) => void (nowMs = ms) };
}

describe('a key is looked up once', () => {
  test('for all who ask while the look-up is under way, and for all after it', async () => {
    const { cache, asked } = openSource();
    const both = [cache.load('k'), cache.load('k')];
    asked[0]?.resolve(record('k', 1));
    const [first, second] = await Promise.all(both);
    expect(first).toBe(second);
    expect(cache.peek('k')).toBe(first);
    expect(asked).toHaveLength(1);
  });

  test('and an unknown one is remembered as unknown for a while only', async () => {
    const { cache, asked, moveTo } = openSource();
    const load = cache.load('k');
    asked[0]?.resolve(null);
    expect(await load).toBeNull();
    expect(cache.peek('k')).toBeNull();
    moveTo(1001);
    expect(cache.peek('k')).toBeUndefined();
  });
});

describe('after an invalidation the old record is not used', () => {
  test('when the key was known', async () => {
    const { cache, asked } = openSource();
    const load = cache.load('k');
    asked[0]?.resolve(record('k', 1));
    await load;
    const before = cache.changes;
    cache.invalidate('k');
    expect(cache.changes).toBeGreaterThan(before);
    expect(cache.peek('k')).toBeUndefined();
  });

  test('when the invalidation overtakes a record that is on its way', async () => {
    const { cache, asked } = openSource();
    const load = cache.load('k');
    cache.invalidate('k');
    asked[0]?.resolve(record('k', 1));
    await Promise.resolve();
    await Promise.resolve();
    asked[1]?.resolve(record('k', 2));
    expect((await load)?.prepared.record.revision).toBe(2);
  });

  test('when the key was known not to exist', async () => {
    const { cache, asked } = openSource();
    const load = cache.load('k');
    asked[0]?.resolve(null);
    await load;
    cache.invalidate('k');
    expect(cache.peek('k')).toBeUndefined();
  });
});

test('whoever holds a key hears of its change, also when the cache has forgotten the key meanwhile', async () => {
  const { cache, asked } = openSource({ keysMax: 2 });
  for (const [i, kid] of ['held', 'b', 'c', 'd'].entries()) {
    const load = cache.load(kid);
    asked[i]?.resolve(record(kid, 1));
    await load;
  }
  expect(cache.peek('held')).toBeUndefined();
  const before = cache.changes;
  cache.invalidate('held');
  expect(cache.changes).toBeGreaterThan(before);
});

test('a failed look-up is told to all who wait and is tried again by the next', async () => {
  const { cache, asked } = openSource();
  const load = cache.load('k');
  asked[0]?.reject(new Error('store down'));
  await expect(load).rejects.toThrow('store down');
  const again = cache.load('k');
  asked[1]?.resolve(record('k', 1));
  expect((await again)?.prepared.record.revision).toBe(1);
});

test('look-ups at the same time are bounded', async () => {
  const { cache } = openSource();
  void cache.load('a');
  void cache.load('b');
  await expect(cache.load('c')).rejects.toThrow('too many');
});
