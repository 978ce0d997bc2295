import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { NO_LIMITS, NO_SCOPES } from './constraints.ts';
import type { DelegatedClaims } from './delegation-claims.ts';
import type { DelegationPolicy } from './delegation-policy.ts';
import {
  addPublicKey,
  createDelegationPolicy,
  denyDelegatedKey,
  DENIED_JTI_MAX,
  GROUP_WATERMARKS_MAX,
  isAcceptedPublicKey,
  judgeDelegation,
  PUBLIC_KEYS_MAX,
  raiseWatermark,
} from './delegation-policy.ts';

const NOW = 1_800_000_000_000;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const policy = createDelegationPolicy('dep_1', 'key-1');

function claims(more: Partial<DelegatedClaims> = {}): DelegatedClaims {
  return {
    kid: 'AAAAAAAAAAAA',
    audience: 'dep_1',
    jti: 'j1',
    issuedAtMs: NOW,
    expiresAtMs: NOW + 5 * MINUTE,
    scopes: NO_SCOPES,
    limits: NO_LIMITS,
    group: null,
    ...more,
  };
}

function codeOf(judged: DelegatedClaims, by: DelegationPolicy = policy, nowMs = NOW): string {
  return judgeDelegation(judged, by, nowMs)?.code ?? 'accepted';
}

function changed(change: ReturnType<typeof denyDelegatedKey>): DelegationPolicy {
  if (!change.ok) throw new Error(change.code);
  return change.policy;
}

describe('a delegated key', () => {
  test('is accepted until its exp, and not at it', () => {
    const end = NOW + 5 * MINUTE;
    expect(codeOf(claims(), policy, end - 1)).toBe('accepted');
    expect(codeOf(claims(), policy, end)).toBe('delegation_expired');
  });

  test('of another deployment is refused', () => {
    expect(codeOf(claims({ audience: 'dep_2' }))).toBe('wrong_deployment');
  });

  test('may live 15 minutes, or as long as the policy says', () => {
    const long = claims({ expiresAtMs: NOW + 15 * MINUTE + 1000 });
    expect(codeOf(claims({ expiresAtMs: NOW + 15 * MINUTE }))).toBe('accepted');
    expect(codeOf(long)).toBe('delegation_too_long');
    expect(codeOf(long, { ...policy, ttlMaxMs: HOUR })).toBe('accepted');
  });

  test('never lives longer than 12 hours, whatever the policy says', () => {
    const generous = { ...policy, ttlMaxMs: 1000 * HOUR };
    expect(codeOf(claims({ expiresAtMs: NOW + 12 * HOUR }), generous)).toBe('accepted');
    expect(codeOf(claims({ expiresAtMs: NOW + 12 * HOUR + 1000 }), generous)).toBe('delegation_too_long');
  });

  test('is measured against the clock of the server and against its own date', () => {
    const ahead = claims({ issuedAtMs: NOW + 20_000, expiresAtMs: NOW + 20_000 + 15 * MINUTE });
    const old = claims({ issuedAtMs: NOW - HOUR, expiresAtMs: NOW + MINUTE });
    expect(codeOf(ahead)).toBe('delegation_too_long');
    expect(codeOf(old)).toBe('delegation_too_long');
  });

  test('from the future is refused, but for half a minute', () => {
    expect(codeOf(claims({ issuedAtMs: NOW + 30_000 }))).toBe('accepted');
    expect(codeOf(claims({ issuedAtMs: NOW + 31_000 }))).toBe('not_yet_active');
  });

  test('is never accepted after its exp, nor longer than the cap, at any time under any policy', () => {
    const seconds = fc.integer({ min: -100_000, max: 100_000 });
    fc.assert(
      fc.property(seconds, seconds, fc.nat(1e9), (iat, exp, ttlMaxMs) => {
        const judged = claims({ issuedAtMs: NOW + iat * 1000, expiresAtMs: NOW + exp * 1000 });
        if (codeOf(judged, { ...policy, ttlMaxMs }) !== 'accepted') return;
        expect(exp).toBeGreaterThan(0);
        expect(exp * 1000).toBeLessThanOrEqual(Math.min(ttlMaxMs, 12 * HOUR));
      }),
    );
  });
});

describe('what was delegated is taken back', () => {
  test('for the whole key, by a watermark that is never lowered', () => {
    const raised = changed(raiseWatermark(policy, { beforeMs: NOW, group: null }, NOW));
    expect(codeOf(claims({ issuedAtMs: NOW - 1000 }), raised)).toBe('minted_before_watermark');
    expect(codeOf(claims({ issuedAtMs: NOW }), raised)).toBe('accepted');
    expect(changed(raiseWatermark(raised, { beforeMs: 5, group: null }, NOW)).mintedBeforeMs).toBe(NOW);
  });

  test('for one group, and no other', () => {
    const raised = changed(raiseWatermark(policy, { beforeMs: NOW, group: 'constructor' }, NOW));
    const before = { issuedAtMs: NOW - 1000 };
    expect(codeOf(claims({ ...before, group: 'constructor' }), raised)).toBe('minted_before_watermark');
    expect(codeOf(claims({ ...before, group: 'toString' }), raised)).toBe('accepted');
    expect(codeOf(claims(before), raised)).toBe('accepted');
    expect(codeOf(claims({ group: 'constructor' }), raised)).toBe('accepted');
    const lower = changed(raiseWatermark(raised, { beforeMs: 5, group: 'constructor' }, NOW));
    expect(lower.groupWatermarks).toEqual({ constructor: NOW });
  });

  test('for a single key, by its jti', () => {
    const denied = changed(denyDelegatedKey(policy, claims({ jti: '__proto__' }), NOW));
    expect(codeOf(claims({ jti: '__proto__' }), denied)).toBe('revoked');
    expect(codeOf(claims({ jti: 'j2' }), denied)).toBe('accepted');
    expect(codeOf(claims({ jti: '__proto__' }))).toBe('accepted');
    // Through the store, which keeps it as JSON.
    const stored = JSON.parse(JSON.stringify(denied)) as DelegationPolicy;
    expect(codeOf(claims({ jti: '__proto__' }), stored)).toBe('revoked');
  });

  test('in bounded lists, which say so when they are full and forget what has ended', () => {
    let denied = policy;
    for (let i = 0; i < DENIED_JTI_MAX; i += 1)
      denied = { ...denied, deniedJti: { ...denied.deniedJti, [`j${i}`]: NOW + 1 } };
    expect(denyDelegatedKey(denied, claims({ jti: 'more' }), NOW)).toEqual({ ok: false, code: 'full' });
    expect(denyDelegatedKey(denied, claims({ jti: 'j5' }), NOW).ok).toBe(true);
    expect(Object.keys(changed(denyDelegatedKey(denied, claims({ jti: 'more' }), NOW + 1)).deniedJti)).toEqual([
      'more',
    ]);

    const names = Array.from({ length: GROUP_WATERMARKS_MAX }, (_, i) => [`g${i}`, NOW] as const);
    const marked = { ...policy, groupWatermarks: Object.fromEntries(names) };
    const more = { beforeMs: NOW, group: 'more' };
    expect(raiseWatermark(marked, more, NOW)).toEqual({ ok: false, code: 'full' });
    expect(changed(raiseWatermark(marked, more, NOW + 12 * HOUR)).groupWatermarks).toEqual({ more: NOW });
  });
});

describe('the public keys of a key', () => {
  test('count at once when they are new, and for the overlap when they are old', () => {
    const rotated = addPublicKey(policy, 'key-2', { nowMs: NOW, overlapMs: HOUR });
    expect(rotated.publicKeys).toEqual([
      { publicKey: 'key-2', untilMs: null },
      { publicKey: 'key-1', untilMs: NOW + HOUR },
    ]);
    const [, old = { publicKey: '', untilMs: 0 }] = rotated.publicKeys;
    expect(isAcceptedPublicKey(old, NOW + HOUR - 1)).toBe(true);
    expect(isAcceptedPublicKey(old, NOW + HOUR)).toBe(false);
  });

  test('end at once without an overlap, and no rotation makes one live longer', () => {
    expect(addPublicKey(policy, 'key-2', { nowMs: NOW, overlapMs: 0 }).publicKeys).toHaveLength(1);
    const twice = addPublicKey(addPublicKey(policy, 'key-2', { nowMs: NOW, overlapMs: MINUTE }), 'key-3', {
      nowMs: NOW,
      overlapMs: HOUR,
    });
    expect(twice.publicKeys.map((key) => key.untilMs)).toEqual([null, NOW + HOUR, NOW + MINUTE]);
  });

  test('are few', () => {
    let many = policy;
    for (let i = 0; i < 10; i += 1) many = addPublicKey(many, `more-${i}`, { nowMs: NOW, overlapMs: HOUR });
    expect(many.publicKeys).toHaveLength(PUBLIC_KEYS_MAX);
    expect(many.publicKeys[0]?.publicKey).toBe('more-9');
  });
});
