/** Keys that come from keys, minted by the server or signed offline, through the real product. */
import { setTimeout as sleep } from 'node:timers/promises';
import { request } from 'undici';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { generateDelegationKeyPair } from '../../src/keys/delegation-signer.ts';
import { openKey, openPrivateKey } from '../../src/keys/delegation-minter.ts';
import { createKey, findCall, startProduct } from '../product.ts';
import type { Product } from '../product.ts';
import { signDelegation } from '../signed-delegation.ts';

let product: Product;

beforeAll(async () => {
  product = await startProduct({ workers: 2 });
});
afterAll(() => product.dispose());

interface Answer {
  readonly status: number;
  readonly code: string | undefined;
  readonly requestId: string;
  readonly retryAfter: string | undefined;
  readonly message: string | undefined;
}

async function call(
  key: string,
  headers: Readonly<Record<string, string>> = {},
  model = 'sandbox/echo',
): Promise<Answer> {
  const answer = await request(`${product.gatewayUrl}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ model, max_tokens: 50, messages: [{ role: 'user', content: 'Hello' }] }),
  });
  const json = (await answer.body.json()) as { readonly error?: { readonly code?: string; readonly message?: string } };
  return {
    status: answer.statusCode,
    code: json.error?.code,
    requestId: String(answer.headers['x-request-id']),
    retryAfter: answer.headers['retry-after']?.toString(),
    message: json.error?.message,
  };
}

async function mint(kid: string, input: Readonly<Record<string, unknown>> = {}): Promise<{ kid: string; key: string }> {
  const answer = await product.admin('POST', `/keys/${kid}/mint`, input);
  expect([answer.status, answer.body]).toMatchObject([201, {}]);
  return answer.body as { kid: string; key: string };
}

async function codeOf(promise: Promise<Answer>): Promise<string> {
  const { status, code } = await promise;
  return status === 200 ? 'ok' : String(code);
}

async function usedUsd(kid: string): Promise<number> {
  const answer = await product.admin('GET', `/keys/${kid}/limits`);
  const { items } = answer.body as { readonly items: readonly { readonly name: string; readonly used: number }[] };
  return items.find(({ name }) => name === 'budget')?.used ?? -1;
}

describe('a temporary key', () => {
  test('with one use is refused the second time, on whichever worker', async () => {
    const parent = await createKey(product);
    for (let round = 0; round < 5; round += 1) {
      const { key } = await mint(parent.kid, { limits: { uses: 1 } });
      const codes = await Promise.all(Array.from({ length: 20 }, () => codeOf(call(key))));
      expect(codes.toSorted()).toEqual(['ok', ...Array.from({ length: 19 }, () => 'uses_exhausted')]);
    }
  });

  test('ends by itself, with its parent, and at its own revocation', async () => {
    const parent = await createKey(product);
    const short = await mint(parent.kid, { ttl: '1s' });
    const long = await mint(parent.kid);
    const revoked = await mint(parent.kid);
    expect(await codeOf(call(short.key))).toBe('ok');
    expect(await codeOf(call(long.key))).toBe('ok');
    await product.admin('POST', `/keys/${revoked.kid}/revoke`, {});
    expect(await codeOf(call(revoked.key))).toBe('revoked');
    await sleep(1100);
    expect(await codeOf(call(short.key))).toBe('expired');
    await product.admin('POST', `/keys/${parent.kid}/suspend`, {});
    expect(await codeOf(call(long.key))).toBe('parent_inactive');
    await product.admin('POST', `/keys/${parent.kid}/resume`, {});
    expect(await codeOf(call(long.key))).toBe('ok');
    await product.admin('POST', `/keys/${parent.kid}/revoke`, {});
    expect(await codeOf(call(long.key))).toBe('parent_inactive');
  });

  test('keeps the dates that it was minted with, so that its uses cannot begin anew', async () => {
    const parent = await createKey(product);
    const child = await mint(parent.kid, { ttl: '2m', limits: { uses: 1 } });
    for (const dates of [{ expiresIn: '1h' }, { expiresAt: null }, { notBefore: null }]) {
      const refused = await product.admin('PATCH', `/keys/${child.kid}`, dates);
      expect([refused.status, (refused.body as { readonly code: string }).code]).toEqual([409, 'conflict']);
    }
    expect([await codeOf(call(child.key)), await codeOf(call(child.key))]).toEqual(['ok', 'uses_exhausted']);
  });

  test('bound to a session is refused outside of it', async () => {
    const parent = await createKey(product);
    const { key } = await mint(parent.kid, { session: 'checkout-42' });
    expect(await codeOf(call(key))).toBe('binding_denied');
    expect(await codeOf(call(key, { 'x-keyward-session': 'checkout-43' }))).toBe('binding_denied');
    expect(await codeOf(call(key, { 'x-keyward-session': 'checkout-42' }))).toBe('ok');
  });

  test('does at most what its parent may, and what it spends is spent of the parent', async () => {
    const parent = await createKey(product, {
      scopes: { models: ['sandbox/echo'] },
      limits: { budgets: [{ usd: 1, period: 'day' }] },
    });
    const { kid, key } = await mint(parent.kid);
    expect(await codeOf(call(key, {}, 'sandbox/tool'))).toBe('model_denied');
    expect(await codeOf(call(key))).toBe('ok');
    await expect.poll(() => usedUsd(parent.kid)).toBeGreaterThan(0);
    await product.admin('PATCH', `/keys/${parent.kid}`, { limits: { budgets: [{ usd: 0.000_000_1, period: 'day' }] } });
    expect(await codeOf(call(key))).toBe('ancestor_exhausted');
    const shown = await product.admin('GET', `/keys/${kid}`);
    expect(shown.body).toMatchObject({ type: 'kwt', parentKid: parent.kid });
  });

  test.each([
    ['a longer life than the policy allows', { ttl: '13h' }, 422, 'validation_failed'],
    ['more than its parent may', { scopes: { models: ['sandbox/tool'] } }, 403, 'delegation_widens'],
    ['a higher limit than its parent has', { limits: { requestsPerMinute: 1000 } }, 403, 'delegation_widens'],
    ['no life at all', { ttl: '0s' }, 422, 'validation_failed'],
    ['a limit that is none', { limits: { uses: 0 } }, 422, 'validation_failed'],
  ])('is not minted with %s', async (_what, input, status, code) => {
    const parent = await createKey(product, {
      scopes: { models: ['sandbox/echo'] },
      limits: { requestsPerMinute: 10 },
    });
    const answer = await product.admin('POST', `/keys/${parent.kid}/mint`, input);
    expect([answer.status, answer.body]).toMatchObject([status, { code }]);
  });

  test('is not minted from a key that may not, from another temporary key, or beyond the room there is', async () => {
    const parent = await createKey(product);
    await product.admin('PATCH', `/keys/${parent.kid}/delegation`, { mintLiveMax: 2 });
    const first = await mint(parent.kid);
    await mint(parent.kid, { ttl: '2m' });
    const full = await product.admin('POST', `/keys/${parent.kid}/mint`, {});
    expect([full.status, full.body]).toMatchObject([
      429,
      { code: 'keys_exhausted', live: 2, limit: 2, pool: parent.kid },
    ]);
    expect((full.body as { readonly soonestRecovery: string }).soonestRecovery).toMatch(/^2\d{3}-/);
    await product.admin('POST', `/keys/${first.kid}/revoke`, {});
    const child = await mint(parent.kid);
    expect((await product.admin('POST', `/keys/${child.kid}/mint`, {})).body).toMatchObject({ code: 'minting_denied' });
    await product.admin('PATCH', `/keys/${parent.kid}/delegation`, { mint: false });
    expect((await product.admin('POST', `/keys/${parent.kid}/mint`, {})).body).toMatchObject({
      code: 'minting_denied',
    });
  });
});

describe('a delegated key', () => {
  async function delegatingKey(input: Readonly<Record<string, unknown>> = {}) {
    const { kid, key } = await createKey(product, input);
    const answer = await product.admin('PATCH', `/keys/${kid}/delegation`, { offline: true });
    expect(answer.status).toBe(200);
    const { audience } = (answer.body as { readonly delegation: { readonly audience: string } }).delegation;
    const opened = await openKey(key);
    if (!opened.ok) throw new Error(opened.code);
    const sign = async (options: Readonly<Record<string, unknown>> = {}): Promise<string> => {
      const minted = await opened.minter.mint({ audience, ttlSeconds: 60, ...options });
      if (!minted.ok) throw new Error(minted.code);
      return minted.text;
    };
    return { kid, key, sign, audience };
  }

  test('that its holder signed offline is accepted at once, narrowed as it says, and recorded with its parent', async () => {
    const { kid, sign } = await delegatingKey();
    const narrow = await sign({ scopes: { models: ['sandbox/echo'] } });
    const passed = await call(narrow);
    expect(passed.status).toBe(200);
    expect(await findCall(product, passed.requestId)).toMatchObject({
      kid,
      parentKid: kid,
      keyFingerprint: `kwd_${kid}`,
    });
    expect(await codeOf(call(narrow, {}, 'sandbox/tool'))).toBe('model_denied');
  });

  test('with n uses is used n times over both workers', async () => {
    const { sign } = await delegatingKey();
    const text = await sign({ limits: { uses: 3 } });
    const codes = await Promise.all(Array.from({ length: 30 }, () => codeOf(call(text))));
    expect(codes.filter((code) => code === 'ok')).toHaveLength(3);
    expect(codes.filter((code) => code === 'uses_exhausted')).toHaveLength(27);
  });

  test('with limits of its own needs one of the places of its key, over both workers, until its end', async () => {
    const { kid, sign } = await delegatingKey();
    await product.admin('PATCH', `/keys/${kid}/delegation`, { mintLiveMax: 3 });
    const texts = await Promise.all(
      Array.from({ length: 24 }, () => sign({ ttlSeconds: 5, limits: { requestsPerMinute: 100 } })),
    );
    const codes = await Promise.all(texts.map((text) => codeOf(call(text))));
    expect(codes.filter((code) => code === 'ok')).toHaveLength(3);
    expect(codes.filter((code) => code === 'keys_exhausted')).toHaveLength(21);
    const placed = texts[codes.indexOf('ok')] ?? '';
    const again = await Promise.all(Array.from({ length: 20 }, () => codeOf(call(placed))));
    expect(new Set(again)).toEqual(new Set(['ok']));
    const outside = texts[codes.indexOf('keys_exhausted')] ?? '';
    const refused = await call(outside);
    expect(refused).toMatchObject({ status: 429, code: 'keys_exhausted' });
    expect(Number(refused.retryAfter)).toBeGreaterThan(0);
    expect(Number(refused.retryAfter)).toBeLessThanOrEqual(5);
    // What is not counted by itself needs no place.
    expect(await codeOf(call(await sign()))).toBe('ok');
    const { body } = await product.admin('GET', `/keys/${kid}/pool`);
    expect(body).toMatchObject({ limit: 3, live: 0, free: 3, delegated: { live: 3, free: 0 }, state: 'full' });
    await sleep(Number(refused.retryAfter) * 1_000);
    expect(await codeOf(call(await sign({ limits: { uses: 1 } })))).toBe('ok');
    expect((await product.admin('GET', `/keys/${kid}/pool`)).body).toMatchObject({ delegated: { live: 1, free: 2 } });
  });

  test('is verified, diagnosed and tested live like any other key', async () => {
    const { kid, sign } = await delegatingKey();
    const text = await sign({ limits: { uses: 3 } });
    const verified = await product.admin('POST', '/keys/verify', { key: text, take: true });
    expect(verified.body).toMatchObject({ valid: true, code: 'ok', kid });
    expect((await product.admin('POST', '/diagnose', { key: text })).body).toMatchObject({ works: true });
    const tested = await product.admin('POST', `/keys/${kid}/test`, { secret: text });
    expect(tested.body).toMatchObject({ passed: true, complete: true, failed: null });
    expect([await codeOf(call(text)), await codeOf(call(text))]).toEqual(['ok', 'uses_exhausted']);
    expect((await product.admin('POST', '/keys/verify', { key: text })).body).toMatchObject({ code: 'uses_exhausted' });
  });

  test('spends what its parent has, together with all others', async () => {
    const { sign } = await delegatingKey({ limits: { budgets: [{ usd: 0.001, period: 'day' }] } });
    // 64 callers with a token each; one call reserves about 0.00015 USD.
    const texts = await Promise.all(Array.from({ length: 64 }, () => sign()));
    const codes = await Promise.all(texts.map((text) => codeOf(call(text))));
    expect(codes.filter((code) => code === 'ok').length).toBeLessThanOrEqual(64);
    expect(new Set(codes)).toEqual(new Set(['ok', 'ancestor_exhausted']));
  });

  test('is taken back by its id, by its group, and by the time it was signed', async () => {
    const { kid, sign } = await delegatingKey();
    const one = await sign({ jti: 'only-this-one' });
    const grouped = await sign({ group: 'tour' });
    const plain = await sign();
    const codes = () => Promise.all([one, grouped, plain].map((text) => codeOf(call(text))));
    expect(await codes()).toEqual(['ok', 'ok', 'ok']);
    await product.admin('POST', `/keys/${kid}/delegation/revoke`, { jti: 'only-this-one' });
    expect(await codes()).toEqual(['revoked', 'ok', 'ok']);
    await product.admin('POST', `/keys/${kid}/delegation/revoke`, { group: 'tour' });
    expect(await codes()).toEqual(['revoked', 'minted_before_watermark', 'ok']);
    await product.admin('POST', `/keys/${kid}/delegation/revoke`, {});
    expect((await codes()).at(-1)).toBe('minted_before_watermark');
  });

  test('of a key that only delegates is accepted, and the key itself is not', async () => {
    const { kid, key, sign } = await delegatingKey();
    await product.admin('PATCH', `/keys/${kid}/delegation`, { delegateOnly: true });
    expect(await codeOf(call(await sign()))).toBe('ok');
    expect(await codeOf(call(key))).toBe('wrong_type');
  });

  test('may be signed with a key pair of which only the public key was registered', async () => {
    const { kid, audience } = await delegatingKey();
    const pair = await generateDelegationKeyPair();
    const opened = await openPrivateKey(pair.privateKey);
    if (!opened.ok) throw new Error(opened.code);
    const { body } = await product.admin('GET', `/keys/${kid}/delegation/challenge`);
    const { challenge } = body as { readonly challenge: string };
    const forged = { publicKey: pair.publicKey, challenge, proof: await opened.proofOfPossession(`${challenge}x`) };
    expect((await product.admin('POST', `/keys/${kid}/delegation/public-keys`, forged)).status).toBe(422);
    const proof = await opened.proofOfPossession(challenge);
    const registered = await product.admin('POST', `/keys/${kid}/delegation/public-keys`, { ...forged, proof });
    expect(registered.status).toBe(200);
    const minted = await opened.minterFor(kid)?.mint({ audience, ttlSeconds: 60 });
    if (minted === undefined || !minted.ok) throw new Error('not minted');
    expect(await codeOf(call(minted.text))).toBe('ok');
  });

  test('is refused like a wrong key where nothing is delegated, or the signature is another one', async () => {
    const { sign } = await delegatingKey();
    const text = await sign();
    const other = await createKey(product);
    const forOther = text.replace(/^kwd_[^_]+/, `kwd_${other.kid}`);
    expect(await codeOf(call(forOther))).toBe('invalid_api_key');
    expect(await codeOf(call(`${text.slice(0, -8)}AAAAAAAA`))).toBe('invalid_api_key');
    expect(await codeOf(call('kwd_abc'))).toBe('malformed');
  });

  test('that is none is told why, in words of delegated keys', async () => {
    const { kid, key, sign, audience } = await delegatingKey();
    const secret = key.split('_')[3] ?? '';
    const nowS = Math.floor(Date.now() / 1000);
    const claims = { iss: kid, aud: audience, jti: 'one', iat: nowS, exp: nowS + 60 };
    const signed = (payload: string, header?: string) =>
      signDelegation({ kid, secret, payload, ...(header === undefined ? {} : { header }) });
    const usual = JSON.stringify(claims);
    const texts: readonly (readonly [string, string, RegExp])[] = [
      [`${await sign()}${'A'.repeat(2048)}`, 'malformed', /more than 2048 characters/],
      [signed(usual.replace('{', `{"iss":"${kid}",`)), 'malformed', /twice/],
      [signed(JSON.stringify({ ...claims, sub: 'x' })), 'malformed', /the claim "sub" is not known/],
      [signed(usual, '{"alg":"Ed25519","typ":"kwd+jwt","jwk":{}}'), 'malformed', /the header holds "jwk"/],
      [signed(usual, '{"alg":"Ed25519","typ":"kwd+jwt","crit":["exp"]}'), 'malformed', /the header holds "crit"/],
      [signed(usual, '{"alg":"Ed25519","typ":"JWT"}'), 'wrong_type', /typ is not kwd\+jwt/],
      [signed(JSON.stringify({ ...claims, cst: { moon: 1 } })), 'unknown_constraint', /cst holds "moon"/],
      ['kwd_abc', 'malformed', /does not begin with kwd_/],
    ];
    for (const [text, code, reason] of texts) {
      const refused = await call(text);
      expect(refused).toMatchObject({ code, message: expect.stringMatching(reason) as string });
      expect(refused.message).not.toContain('kwk_');
    }
  });

  test('signed with a replaced secret counts for the overlap, and not beyond it', async () => {
    const { kid, sign } = await delegatingKey();
    const old = await sign();
    await product.admin('POST', `/keys/${kid}/rotate`, { overlap: '1h' });
    expect(await codeOf(call(old))).toBe('ok');
    await product.admin('POST', `/keys/${kid}/rotate`, { overlap: '0s' });
    expect(await codeOf(call(old))).toBe('invalid_api_key');
  });
});
