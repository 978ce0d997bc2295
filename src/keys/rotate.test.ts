import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { KeySecret } from './key-record.ts';
import { SECRETS_MAX, cancelRotation, completeRotation, rotateSecrets } from './rotate.ts';

const FIRST: KeySecret = { hash: 'a', pepperVersion: 1, state: 'current', notAfterMs: null };
const fresh = (hash: string) => ({ hash, pepperVersion: 1 });

function acceptedAt(secrets: readonly KeySecret[], nowMs: number): string[] {
  return secrets.filter(({ notAfterMs }) => notAfterMs === null || nowMs < notAfterMs).map(({ hash }) => hash);
}

describe('a rotation', () => {
  test('makes the fresh secret the current one, and the one before it retire for the overlap', () => {
    const rotated = rotateSecrets([FIRST], fresh('b'), { nowMs: 1000, overlapMs: 500 });
    expect(rotated).toEqual({
      ok: true,
      secrets: [
        { ...fresh('b'), state: 'current', notAfterMs: null, generation: 2, createdAtMs: 1000 },
        { ...FIRST, state: 'retiring', notAfterMs: 1500, retiringSinceMs: 1000 },
      ],
    });
  });

  test('without an overlap ends every older secret at once', () => {
    const once = rotateSecrets([FIRST], fresh('b'), { nowMs: 1000, overlapMs: 500 });
    const twice = rotateSecrets(once.ok ? once.secrets : [], fresh('c'), { nowMs: 1100, overlapMs: 0 });
    expect(twice.ok && acceptedAt(twice.secrets, 1100)).toEqual(['c']);
    expect(twice.ok && twice.secrets.map(({ state }) => state)).toEqual(['current', 'superseded', 'superseded']);
  });

  test('is refused while every place is taken by a secret that is still accepted, and says until when', () => {
    let secrets: readonly KeySecret[] = [FIRST];
    for (const [i, hash] of ['b', 'c'].entries()) {
      const rotated = rotateSecrets(secrets, fresh(hash), { nowMs: i, overlapMs: 1000 });
      if (rotated.ok) ({ secrets } = rotated);
    }
    expect(rotateSecrets(secrets, fresh('d'), { nowMs: 500, overlapMs: 1000 })).toEqual({ ok: false, untilMs: 1000 });
    expect(rotateSecrets(secrets, fresh('d'), { nowMs: 1000, overlapMs: 1000 }).ok).toBe(true);
  });
});

describe('a rotation that waits until the old secret is unused', () => {
  const options = { nowMs: 1000, overlapMs: 500, whenUnused: { unusedForMs: 100, latestMs: 9000 } };
  const rotated = rotateSecrets([FIRST], fresh('b'), options);
  const secrets = rotated.ok ? rotated.secrets : [];

  test('announces its latest end, and may end the old secret after the overlap', () => {
    expect(secrets[1]).toMatchObject({
      state: 'retiring',
      notAfterMs: 10_000,
      earlyEnd: { fromMs: 1500, unusedForMs: 100 },
    });
  });

  test('is completed by ending every older secret now', () => {
    expect(acceptedAt(completeRotation(secrets, 2000) ?? [], 2000)).toEqual(['b']);
    expect(completeRotation(secrets, 10_000)).toBeNull();
  });

  test('is taken back while the old secret is accepted: that one is current again, and the new one ends', () => {
    const back = cancelRotation(secrets, 2000) ?? [];
    expect(back.map(({ hash, state, notAfterMs }) => [hash, state, notAfterMs])).toEqual([
      ['a', 'current', null],
      ['b', 'superseded', 2000],
    ]);
    expect(cancelRotation(secrets, 10_000)).toBeNull();
    // The number of a secret that was taken back is not given to another.
    const again = rotateSecrets(back, fresh('c'), { nowMs: 3000, overlapMs: 10 });
    expect(again.ok && again.secrets[0]?.generation).toBe(3);
  });
});

test('over any rotations there is one current secret, never more than the bound, and no secret outlives its announced end', () => {
  const step = fc.record({ afterMs: fc.nat(2000), overlapMs: fc.nat(3000) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
      let secrets: readonly KeySecret[] = [FIRST];
      let nowMs = 0;
      const endOf = new Map<string, number>();
      for (const [i, { afterMs, overlapMs }] of steps.entries()) {
        nowMs += afterMs;
        const rotated = rotateSecrets(secrets, fresh(`s${i}`), { nowMs, overlapMs });
        if (!rotated.ok) {
          expect(rotated.untilMs).toBeGreaterThan(nowMs);
          continue;
        }
        ({ secrets } = rotated);
        expect(secrets.length).toBeLessThanOrEqual(SECRETS_MAX);
        expect(secrets.filter(({ state }) => state === 'current').map(({ hash }) => hash)).toEqual([`s${i}`]);
        for (const { hash, notAfterMs } of secrets) {
          if (notAfterMs === null) continue;
          expect(notAfterMs).toBeLessThanOrEqual(endOf.get(hash) ?? Number.POSITIVE_INFINITY);
          endOf.set(hash, notAfterMs);
        }
      }
    }),
  );
});
