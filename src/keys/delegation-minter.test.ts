import { createPublicKey, verify } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Limits, Scopes } from './constraints.ts';
import { NO_LIMITS, NO_SCOPES } from './constraints.ts';
import { DELEGATED_KEY_LENGTH_MAX, parseDelegatedKey } from './delegated-key.ts';
import type { DelegationMinter, MintOptions } from './delegation-minter.ts';
import { openKey, openPrivateKey } from './delegation-minter.ts';
import { delegationPublicKeyOf } from './delegation-public-key.ts';
import { generateDelegationKeyPair, signerOfPrivateKey } from './delegation-signer.ts';
import { generateKey, generateSecret } from './format.ts';
import type { LimitsInput } from './minted-limits.ts';

const key = generateKey({ type: 'kwk', environment: 'live' });
const minter = await open(key.text);
const OPTIONS: MintOptions = { audience: 'dep_1', ttlSeconds: 300, nowMs: 1_800_000_000_500 };

async function open(text: string): Promise<DelegationMinter> {
  const opened = await openKey(text);
  if (!opened.ok) throw new Error(opened.code);
  return opened.minter;
}

/** As a program without types would call it. */
async function codeOf(options: object): Promise<string> {
  const minted = await minter.mint({ ...OPTIONS, ...options });
  return minted.ok ? 'minted' : minted.code;
}

describe('a minted key', () => {
  const text = (form: RegExp) => fc.stringMatching(form);
  const options: fc.Arbitrary<MintOptions> = fc.record(
    {
      audience: text(/^[\x21-\x7e]{1,40}$/),
      ttlSeconds: fc.integer({ min: 1, max: 12 * 3600 }),
      nowMs: fc.integer({ min: 0, max: 4e12 }),
      jti: text(/^[A-Za-z0-9_-]{1,64}$/),
      group: text(/^[A-Za-z0-9][A-Za-z0-9._:/@+=-]{0,40}$/),
      scopes: fc.record(
        {
          models: fc.array(text(/^[a-z]{1,9}\/[a-z*]{1,9}$/), { maxLength: 5 }),
          operations: fc.array(fc.constantFrom('chat', 'embeddings'), { maxLength: 2 }),
          tools: fc.array(text(/^[a-z][a-z_]{1,9}$/), { maxLength: 3 }),
          addresses: fc.constantFrom(null, ['192.0.2.0/24', '2001:db8::/32']),
        },
        { requiredKeys: [] },
      ),
      limits: fc.record(
        {
          uses: fc.integer({ min: 1, max: 1e6 }),
          requestsPerMinute: fc.integer({ min: 1, max: 1e6 }),
          tokensPerDay: fc.constantFrom(null, 1e9),
          costPerCallMax: fc.integer({ min: 1, max: 9e15 }),
        },
        { requiredKeys: [] },
      ),
    },
    { requiredKeys: ['audience', 'ttlSeconds', 'nowMs'] },
  );

  test('says what was asked for, and is read back as that', async () => {
    await fc.assert(
      fc.asyncProperty(options, async (wanted) => {
        const minted = await minter.mint(wanted);
        if (!minted.ok) throw new Error(minted.reason);
        const issuedAtMs = Math.floor((wanted.nowMs ?? 0) / 1000) * 1000;
        expect(minted.claims).toEqual({
          kid: key.kid,
          audience: wanted.audience,
          jti: wanted.jti ?? minted.claims.jti,
          issuedAtMs,
          expiresAtMs: issuedAtMs + wanted.ttlSeconds * 1000,
          scopes: { ...NO_SCOPES, ...wanted.scopes },
          limits: { ...NO_LIMITS, ...wanted.limits },
          group: wanted.group ?? null,
        });
        expect(parseDelegatedKey(minted.text)).toMatchObject({ ok: true, claims: minted.claims });
        expect(minted.text).not.toContain(key.secret);
      }),
    );
  });

  test('has the documented form', async () => {
    const minted = await minter.mint(OPTIONS);
    expect(minted.ok && minted.text).toMatch(/^kwd_[0-9A-Za-z]{12}_[\w-]+\.[\w-]+\.[\w-]{86}$/);
  });

  test('has a random jti, and now as its date, unless told otherwise', async () => {
    const [one, two] = await Promise.all([
      minter.mint({ audience: 'dep_1', ttlSeconds: 1 }),
      minter.mint({ audience: 'dep_1', ttlSeconds: 1 }),
    ]);
    if (!one.ok || !two.ok) throw new Error('not minted');
    expect(one.claims.jti).not.toBe(two.claims.jti);
    expect(Math.abs(one.claims.issuedAtMs - Date.now())).toBeLessThan(5000);
  });
});

describe('limits in USD', () => {
  const limitsOf = async (limits: LimitsInput): Promise<Limits | string> => {
    const minted = await minter.mint({ ...OPTIONS, limits });
    return minted.ok ? minted.claims.limits : minted.reason;
  };

  test('are minted as whole nano-USD, with what the budget leaves out', async () => {
    expect(
      await limitsOf({
        budgets: [
          { usd: 1, period: 'day' },
          { usd: 0.1, period: 'hour', window: 'rolling', kind: 'soft' },
          { nanoUsd: 5, period: 'total' },
        ],
        usdPerCallMax: 0.000_000_001,
      }),
    ).toEqual({
      ...NO_LIMITS,
      budgets: [
        { nanoUsd: 1e9, period: 'day', window: 'calendar', timeZone: 'UTC', kind: 'hard' },
        { nanoUsd: 1e8, period: 'hour', window: 'rolling', timeZone: 'UTC', kind: 'soft' },
        { nanoUsd: 5, period: 'total', window: 'calendar', timeZone: 'UTC', kind: 'hard' },
      ],
      costPerCallMax: 1,
    });
    expect(await limitsOf({ budgets: null, usdPerCallMax: null })).toEqual(NO_LIMITS);
  });

  test('are exact to the nano-USD', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 9e15 }), async (nanoUsd) => {
        const digits = String(nanoUsd).padStart(10, '0');
        const usd = Number(`${digits.slice(0, -9)}.${digits.slice(-9)}`);
        const limits = await limitsOf({ usdPerCallMax: usd });
        // Of more than four million USD two neighbours are the same double.
        const tolerance = usd > 2 ** 22 ? 1 : 0;
        const minted = typeof limits === 'string' ? Number.NaN : (limits.costPerCallMax ?? Number.NaN);
        expect(Math.abs(minted - nanoUsd)).toBeLessThanOrEqual(tolerance);
      }),
    );
  });

  test.each<[LimitsInput, string]>([
    [{ budgets: [{ usd: 0.000_000_000_5, period: 'day' }] }, 'it is not a whole number of nano-USD'],
    [{ budgets: [{ usd: -1, period: 'day' }] }, 'it is not a whole number of nano-USD'],
    [{ budgets: [{ usd: Number.NaN, period: 'day' }] }, 'it is not a whole number of nano-USD'],
    [{ budgets: [{ usd: 1e22, period: 'day' }] }, 'it is not a whole number of nano-USD'],
    [{ budgets: [{ period: 'day' }] }, 'it is not a whole number of nano-USD'],
    [
      { budgets: [{ usd: 1, nanoUsd: 1, period: 'day' }] },
      '"usd" is not a member of a budget: it has nanoUsd, period,',
    ],
    [{ usdPerCallMax: 1, costPerCallMax: 1 }, 'the limit "usdPerCallMax" is not known'],
  ])('are refused where they are not whole nano-USD, or said twice: %j', async (limits, reason) => {
    expect(await limitsOf(limits)).toContain(reason);
  });
});

describe('what the server would refuse is refused when it is minted', () => {
  test.each([
    ['more than twelve hours', { ttlSeconds: 43_201 }, 'delegation_too_long'],
    ['no time', { ttlSeconds: 0 }, 'malformed'],
    ['half a second', { ttlSeconds: 0.5 }, 'malformed'],
    ['no number as the time', { ttlSeconds: Number.NaN }, 'malformed'],
    ['an endless clock', { nowMs: Infinity }, 'malformed'],
    ['a date before 1970', { nowMs: -2000 }, 'malformed'],
    ['an option that is not known', { scope: { models: [] } }, 'unknown_constraint'],
    ['a scope that is not known', { scopes: { model: ['a'] } }, 'unknown_constraint'],
    ['a limit that is not known', { limits: { calls: 1 } }, 'unknown_constraint'],
    ['a limit that JSON would turn into none', { limits: { uses: Number.NaN } }, 'malformed'],
    ['a limit of nothing', { limits: { uses: 0 } }, 'malformed'],
    ['a scope of a wrong form', { scopes: { models: 'a' } }, 'malformed'],
    ['no audience', { audience: '' }, 'malformed'],
    ['a jti with a space', { jti: 'a b' }, 'malformed'],
    ['more than 2 KB', { scopes: { models: Array.from({ length: 200 }, (_, i) => `provider/m${i}`) } }, 'malformed'],
  ])('%s', async (_, options, code) => {
    expect(await codeOf(options)).toBe(code);
  });

  test('twelve hours, and 2 KB, are not', async () => {
    expect(await codeOf({ ttlSeconds: 43_200 })).toBe('minted');
    const minted = await minter.mint({ ...OPTIONS, scopes: { models: [`a/${'m'.repeat(200)}`] } });
    expect(minted.ok && minted.text.length < DELEGATED_KEY_LENGTH_MAX).toBe(true);
  });

  test('whatever the constraints are, minting never throws', async () => {
    await fc.assert(
      fc.asyncProperty(fc.object({ maxDepth: 2 }), fc.object({ maxDepth: 2 }), async (scopes, limits) => {
        expect(typeof (await codeOf({ scopes: scopes as Partial<Scopes>, limits: limits as Partial<Limits> }))).toBe(
          'string',
        );
      }),
    );
  });
});

describe('the signing key', () => {
  test('is the same whenever a key is opened, and the one that the server derives', async () => {
    expect((await open(key.text)).publicKey).toBe(minter.publicKey);
    expect(delegationPublicKeyOf(key.secret)).toBe(minter.publicKey);
  });

  // Written down, so that no release changes the derivation of the keys that are out there.
  test('of a certain secret is a certain one', () => {
    expect(delegationPublicKeyOf('A'.repeat(43))).toBe('3j7YliNJ16o9chlEISTc9SvB3g9l1kWt0-vTd8iTowI');
  });

  test('is another one after the secret was rotated', async () => {
    const rotated = generateSecret({ type: 'kwk', environment: 'live', kid: key.kid });
    expect((await open(rotated.text)).publicKey).not.toBe(minter.publicKey);
  });

  test('is only derived from a key of an application', async () => {
    expect(await openKey(generateKey({ type: 'kwa', environment: 'live' }).text)).toEqual({
      ok: false,
      code: 'wrong_type',
    });
    expect(await openKey(`${key.text.slice(0, -1)}!`)).toEqual({ ok: false, code: 'malformed' });
    expect(await openPrivateKey('AAAA')).toEqual({ ok: false, code: 'malformed' });
  });

  test('signs as RFC 8032 §7.1 says (TEST 1 and TEST 2)', async () => {
    const vectors = [
      [
        '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
        'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
        '',
        'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
      ],
      [
        '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb',
        '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
        '72',
        '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
      ],
    ] as const;
    for (const [seed, publicKey, message, signature] of vectors) {
      const signer = await signerOfPrivateKey(Buffer.from(seed, 'hex').toString('base64url'));
      if (signer === null) throw new Error('not opened');
      expect(signer.publicKey).toBe(Buffer.from(publicKey, 'hex').toString('base64url'));
      const signed = await signer.sign(Uint8Array.from(Buffer.from(message, 'hex')));
      expect(Buffer.from(signed).toString('hex')).toBe(signature);
    }
  });

  test('may belong to no secret: a pair of keys mints for a key registered by its public half', async () => {
    const pair = await generateDelegationKeyPair();
    const opened = await openPrivateKey(pair.privateKey);
    if (!opened.ok) throw new Error(opened.code);
    expect(opened.publicKey).toBe(pair.publicKey);
    const minted = await opened.minterFor(key.kid).mint(OPTIONS);
    const parsed = parseDelegatedKey(minted.ok ? minted.text : '');
    if (!parsed.ok) throw new Error(parsed.reason);
    const publicKey = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: pair.publicKey }, format: 'jwk' });
    expect(verify(null, Buffer.from(parsed.signingInput), publicKey, parsed.signature)).toBe(true);
  });
});
