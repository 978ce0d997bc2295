import { describe, expect, test } from 'vitest';
import { withWrongSecret } from '../forged-key.ts';
import { startBackend } from './backend.ts';

describe('verify', () => {
  test('answers a value with a code, and the checks behind it on demand', async () => {
    const { keyward, issue } = await startBackend();
    const { key, kid } = await issue({ scopes: { models: ['acme/*'], addresses: ['10.0.0.0/8'] }, tags: ['team-a'] });
    const facts = { model: 'acme/tiny', address: '10.1.2.3', method: 'POST', path: '/v1/chat/completions' };
    const allowed = await keyward.verify(key, facts);
    expect(allowed).toMatchObject({ allowed: true, code: 'ok', key: { kid, tags: ['team-a'], retiring: false } });
    expect(allowed.checks().some(({ outcome }) => outcome === 'fail')).toBe(false);

    const denied = await keyward.verify(key, { ...facts, model: 'other/large', address: '192.0.2.1' });
    expect(denied).toMatchObject({
      allowed: false,
      code: 'model_denied',
      answer: { status: 403, code: 'model_denied' },
    });
    const failed = denied.checks().filter(({ outcome }) => outcome === 'fail');
    expect(failed.map(({ code }) => code)).toEqual(['model_denied', 'address_denied']);
    expect(failed[0]?.wouldPassIf).toContain('scope');
  });

  test('tells the program why a key is none, and whoever sent it nothing about which keys exist', async () => {
    const { keyward, issue } = await startBackend();
    const { kid } = await issue();
    const unknown = await keyward.verify(withWrongSecret('000000000000'));
    const wrong = await keyward.verify(withWrongSecret(kid));
    expect([unknown.code, wrong.code]).toEqual(['unknown_key', 'secret_mismatch']);
    expect(unknown.answer).toEqual(wrong.answer);
    expect([unknown.key, wrong.key, wrong.checks()]).toEqual([null, null, []]);
  });

  test('counts against rates, uses, tokens and money exactly, and only looks when told so', async () => {
    const { keyward, issue } = await startBackend();
    const { key } = await issue({
      limits: { uses: 100, tokensPerDay: 1000, budgets: [{ usd: 1, period: 'day' }] },
    });
    const looks = await Promise.all(Array.from({ length: 200 }, () => keyward.verify(key, { count: false })));
    expect(looks.every(({ allowed }) => allowed)).toBe(true);
    const calls = await Promise.all(Array.from({ length: 150 }, () => keyward.verify(key, { tokens: 5, usd: 0.005 })));
    expect(calls.filter(({ allowed }) => allowed)).toHaveLength(100);
    expect(new Set(calls.map(({ code }) => code))).toEqual(new Set(['ok', 'uses_exhausted']));
    expect(await keyward.verify(key, { count: false })).toMatchObject({ allowed: false, code: 'uses_exhausted' });

    const metered = await issue({ limits: { tokensPerDay: 1000 } });
    expect(await keyward.verify(metered.key, { tokens: 900 })).toMatchObject({ allowed: true });
    expect(await keyward.verify(metered.key, { tokens: 101 })).toMatchObject({ code: 'tokens_limited' });
    expect(await keyward.verify(metered.key, { tokens: 100 })).toMatchObject({ allowed: true });
  });

  test('says how long to wait where waiting helps', async () => {
    const { keyward, issue } = await startBackend();
    const { key } = await issue({ limits: { requestsPerMinute: 1 } });
    await keyward.verify(key);
    const refused = await keyward.verify(key);
    expect(refused).toMatchObject({ code: 'rate_limited', answer: { status: 429 } });
    expect(refused.retryAfterMs).toBeGreaterThan(50_000);
  });

  test('is not offered for input that is none: that is refused with a sentence', async () => {
    const { keyward } = await startBackend();
    await expect(
      keyward.keys.create({ name: 'x', real: { secret: undefined, baseUrl: 'https://api.example.com' } }),
    ).rejects.toThrow(/real\.secret is undefined: is the environment variable set/);
    await expect(
      keyward.keys.create({ name: 'x', real: { secret: 'long-enough-1', baseUrl: 'ftp://api.example.com' } }),
    ).rejects.toThrow(/real\.baseUrl must begin with http/);
    await expect(keyward.keys.create({ name: 'x', real: { id: 'real_unknown' } })).rejects.toThrow(/no real key/);
    await expect(keyward.keys.create({ name: 'x', expiresIn: 'soon' })).rejects.toThrow(/expiresIn/);
  });
});
