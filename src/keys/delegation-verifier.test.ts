import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { signDelegation } from '../../test/signed-delegation.ts';
import type { MintOptions } from './delegation-minter.ts';
import { openKey } from './delegation-minter.ts';
import { addPublicKey, createDelegationPolicy, denyDelegatedKey, raiseWatermark } from './delegation-policy.ts';
import type { DelegationPolicy } from './delegation-policy.ts';
import { delegationPublicKeyOf } from './delegation-public-key.ts';
import { createDelegationVerifier } from './delegation-verifier.ts';
import type { DelegationParent, DelegationVerifierOptions } from './delegation-verifier.ts';
import { generateKey, generateSecret } from './format.ts';

const START = 1_800_000_000_000;
const NETWORK = '192.0.2';
const key = generateKey({ type: 'kwk', environment: 'live' });
const usualPolicy = createDelegationPolicy('dep_1', delegationPublicKeyOf(key.secret));

async function mint(more: Partial<MintOptions> = {}, keyText = key.text): Promise<string> {
  const opened = await openKey(keyText);
  if (!opened.ok) throw new Error(opened.code);
  const minted = await opened.minter.mint({ audience: 'dep_1', ttlSeconds: 300, nowMs: START, ...more });
  if (!minted.ok) throw new Error(minted.reason);
  return minted.text;
}

function createSubject(options: Partial<DelegationVerifierOptions> = {}) {
  let nowMs = START;
  const verifier = createDelegationVerifier({ clock: { now: () => nowMs }, ...options });
  const parentOf = (policy: DelegationPolicy): DelegationParent => ({ kid: key.kid, policy });
  return {
    wait: (ms: number) => {
      nowMs += ms;
    },
    verify: (text: string, policy: DelegationPolicy = usualPolicy, network = NETWORK) => {
      const verified = verifier.verify(text, parentOf(policy), network);
      if (verified.ok) return 'accepted';
      return verified.throttled ? 'throttled' : verified.code;
    },
    verifier,
  };
}

function forge(text: string, i: number): string {
  const signature = Buffer.alloc(64, i % 251);
  signature.writeUInt32LE(i);
  return text.slice(0, -86) + signature.toString('base64url');
}

describe('a delegated key is accepted', () => {
  test('when its parent’s secret signed it, and gives its claims', async () => {
    const { verifier } = createSubject();
    const text = await mint({ scopes: { models: ['house/*'] }, limits: { uses: 2 }, group: 'g' });
    const verified = verifier.verify(text, { kid: key.kid, policy: usualPolicy }, NETWORK);
    expect(verified).toMatchObject({
      ok: true,
      claims: { kid: key.kid, scopes: { models: ['house/*'] }, limits: { uses: 2 }, group: 'g' },
    });
  });

  test('under the old secret for the overlap of a rotation, and under the new one at once', async () => {
    const { verify, wait } = createSubject();
    const rotated = generateSecret({ type: 'kwk', environment: 'live', kid: key.kid });
    const policy = addPublicKey(usualPolicy, delegationPublicKeyOf(rotated.secret), {
      nowMs: START,
      overlapMs: 60_000,
    });
    const [byOld, byNew] = [await mint(), await mint({}, rotated.text)];
    expect([verify(byOld, policy), verify(byNew, policy)]).toEqual(['accepted', 'accepted']);
    expect([verify(byOld, policy), verify(byNew, policy)]).toEqual(['accepted', 'accepted']);
    wait(60_000);
    expect([verify(byOld, policy), verify(byNew, policy)]).toEqual(['secret_mismatch', 'accepted']);
  });
});

describe('a delegated key is refused', () => {
  test('after the change of any single byte', async () => {
    const text = await mint({ limits: { uses: 3 } });
    const { verifier } = createSubject({ failureBurst: 1e9 });
    // The parent is whichever key the changed text names, so that only the signed part can tell.
    const accepts = (changed: string): boolean =>
      verifier.verify(changed, { kid: changed.slice(4, 16), policy: usualPolicy }, NETWORK).ok;
    expect(accepts(text)).toBe(true);
    fc.assert(
      fc.property(fc.nat(text.length - 1), fc.integer({ min: 0, max: 0xff }), (place, code) => {
        const char = String.fromCharCode(code);
        fc.pre(text[place] !== char);
        expect(accepts(text.slice(0, place) + char + text.slice(place + 1))).toBe(false);
      }),
      { numRuns: 1500 },
    );
    for (let cut = 0; cut < text.length; cut += 1) expect(accepts(text.slice(0, cut))).toBe(false);
  });

  test('when another key signed it, as if its secret were wrong', async () => {
    const other = generateKey({ type: 'kwk', environment: 'live' });
    const payload = JSON.stringify({ iss: key.kid, aud: 'dep_1', jti: 'j', iat: START / 1000, exp: START / 1000 + 9 });
    const { verify } = createSubject();
    expect(verify(signDelegation({ kid: key.kid, secret: key.secret, payload }))).toBe('accepted');
    expect(verify(signDelegation({ kid: key.kid, secret: other.secret, payload }))).toBe('secret_mismatch');
  });

  test('when its parent is not known, or is another one, or delegates nothing', async () => {
    const { verifier, verify } = createSubject();
    const text = await mint();
    const other = { kid: 'AAAAAAAAAAAA', policy: usualPolicy };
    expect(verifier.verify(text, null, NETWORK)).toMatchObject({ code: 'unknown_key' });
    expect(verifier.verify(text, other, NETWORK)).toMatchObject({ code: 'unknown_key' });
    expect(verify(text, createDelegationPolicy('dep_1'))).toBe('secret_mismatch');
  });

  test('for what its claims say only behind a right signature', () => {
    const { verify } = createSubject();
    const payload = JSON.stringify({ iss: key.kid, aud: 'dep_1', jti: 'j', iat: 1, exp: 2, cst: { planets: [] } });
    const text = signDelegation({ kid: key.kid, secret: key.secret, payload });
    expect(verify(forge(text, 1))).toBe('secret_mismatch');
    expect(verify(text)).toBe('unknown_constraint');
    expect(verify(text)).toBe('unknown_constraint');
  });

  test('as what it is, when it is no delegated key at all', () => {
    const { verify } = createSubject();
    expect(verify(key.text)).toBe('wrong_type');
    expect(verify('')).toBe('malformed');
    expect(verify(`kwd_${key.kid}_a.b.c`)).toBe('malformed');
    expect(verify(`kwd_${key.kid}_${'a'.repeat(3000)}`)).toBe('malformed');
  });

  test('by value, never by a throw, whatever the text', () => {
    const { verify } = createSubject();
    const texts = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 3000 }),
      fc.string({ unit: 'binary' }).map((rest) => `kwd_${key.kid}_${rest}`),
      fc.json().map((payload) => signDelegation({ kid: key.kid, secret: key.secret, payload })),
    );
    fc.assert(fc.property(texts, (text) => verify(text) !== 'accepted'));
  });
});

describe('a delegated key that was proven before', () => {
  test('is judged anew at each use', async () => {
    const { verify, wait } = createSubject();
    const text = await mint({ group: 'g', jti: 'j1' });
    const changes = [
      denyDelegatedKey(usualPolicy, { jti: 'j1', expiresAtMs: START + 300_000 }, START),
      raiseWatermark(usualPolicy, { beforeMs: START + 1, group: 'g' }, START),
      raiseWatermark(usualPolicy, { beforeMs: START + 1, group: null }, START),
    ];
    expect(verify(text)).toBe('accepted');
    expect(changes.map((change) => (change.ok ? verify(text, change.policy) : 'full'))).toEqual([
      'revoked',
      'minted_before_watermark',
      'minted_before_watermark',
    ]);
    expect(verify(text, { ...usualPolicy, audience: 'dep_2' })).toBe('wrong_deployment');
    expect(verify(text, { ...usualPolicy, ttlMaxMs: 60_000 })).toBe('delegation_too_long');
    expect(verify(text, { ...usualPolicy, publicKeys: [] })).toBe('secret_mismatch');
    expect(verify(text)).toBe('accepted');
    wait(300_000);
    expect(verify(text)).toBe('delegation_expired');
  });

  test('is accepted however few are remembered', async () => {
    const { verify } = createSubject({ cacheMax: 2 });
    const texts = await Promise.all(Array.from({ length: 20 }, () => mint()));
    for (const text of [...texts, ...texts]) expect(verify(text)).toBe('accepted');
  });
});

describe('wrong signatures', () => {
  test('are looked at ten at once and one a second, per key and network', async () => {
    const { verify, wait } = createSubject();
    const text = await mint();
    const attempts = (count: number, network = NETWORK) =>
      Array.from({ length: count }, (_, i) => verify(forge(text, i), usualPolicy, network));
    expect(attempts(12)).toEqual([...Array<string>(10).fill('secret_mismatch'), 'throttled', 'throttled']);
    expect(attempts(1, '198.51.100')).toEqual(['secret_mismatch']);
    wait(2000);
    expect(attempts(3)).toEqual(['secret_mismatch', 'secret_mismatch', 'throttled']);
  });

  test('take nothing from tokens that were proven before, nor from other networks', async () => {
    const { verify, wait } = createSubject();
    const [proven, fresh] = [await mint(), await mint()];
    expect(verify(proven)).toBe('accepted');
    for (let i = 0; i < 11; i += 1) verify(forge(proven, i));
    expect(verify(proven)).toBe('accepted');
    expect(verify(fresh, usualPolicy, '198.51.100')).toBe('accepted');
    expect(verify(await mint())).toBe('throttled');
    wait(1000);
    expect(verify(fresh)).toBe('accepted');
  });

  test('cost little once throttled: far less than looking at a signature', async () => {
    const { verify } = createSubject();
    const text = await mint({ scopes: { models: ['house/*'] }, limits: { uses: 9 } });
    const garbage = Array.from({ length: 1000 }, (_, i) => forge(text, i));
    // The best of several rounds: what the machine does beside it is not to be measured.
    const rounds = Array.from({ length: 8 }, () => {
      const started = performance.now();
      for (const each of garbage) verify(each);
      return ((performance.now() - started) * 1000) / garbage.length;
    });
    expect(Math.min(...rounds)).toBeLessThan(20);
  });

  test('of ever more networks are remembered in a bounded list', async () => {
    const { verify } = createSubject({ sourcesMax: 4, failureBurst: 1 });
    const text = await mint();
    for (let i = 0; i < 50; i += 1) expect(verify(forge(text, i), usualPolicy, `net-${i}`)).toBe('secret_mismatch');
    expect(verify(forge(text, 0), usualPolicy, 'net-49')).toBe('throttled');
  });
});
