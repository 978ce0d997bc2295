import { describe, expect, test } from 'vitest';
import { createKeyward } from '../../src/index.ts';
import { REAL_SECRET, startBackend } from './backend.ts';

describe('resolve', () => {
  test('gives the real key to the backend, and leaves a record of it', async () => {
    const { keyward, issue, provider, events } = await startBackend();
    const { key, kid } = await issue();
    const resolved = await keyward.resolve(key, { credential: keyward.backendToken ?? '' });
    expect(resolved).toMatchObject({
      ok: true,
      secret: REAL_SECRET,
      baseUrl: provider.origin,
      header: 'authorization',
      value: `Bearer ${REAL_SECRET}`,
      kid,
    });
    const [record] = (await keyward.calls.list()).items;
    expect(record).toMatchObject({ kid, operation: 'resolve', code: 'ok', status: 200, requestId: resolved.requestId });
    expect(record?.userAgent).toMatch(/^backend kwa_live_/);
    expect(events.at(-1)).toMatchObject({ kind: 'resolved', kid, requestId: resolved.requestId });
    expect(provider.requests).toHaveLength(0);
  });

  test.each(['', 'a guess', 'kwa_live_000000000000_0000000000000000000000000000000000000000000_000000'])(
    'refuses whoever shows %j in place of the backend token, whatever key they hold, and records that too',
    async (credential) => {
      const { keyward, issue, events } = await startBackend();
      const { key } = await issue();
      const refused = await keyward.resolve(key, { credential });
      expect(refused).toMatchObject({ ok: false, code: 'backend_unproven', answer: { status: 401 } });
      expect(JSON.stringify(refused)).not.toContain(REAL_SECRET);
      const { items } = await keyward.calls.list({ unidentified: true });
      expect(items).toMatchObject([
        { code: 'backend_unproven', operation: 'resolve', status: 401, userAgent: 'without the backend token' },
      ]);
      expect(events.at(-1)).toMatchObject({ kind: 'refused', what: 'resolve', code: 'backend_unproven' });
    },
  );

  test('refuses the masked key itself, another installation’s token and a replaced token', async () => {
    const { keyward, issue } = await startBackend();
    const other = await createKeyward({ storage: ':memory:' });
    const { key } = await issue();
    const old = keyward.backendToken ?? '';
    const next = await keyward.renewBackendToken();
    for (const credential of [key, other.backendToken ?? '', old]) {
      expect(await keyward.resolve(key, { credential })).toMatchObject({ ok: false, code: 'backend_unproven' });
    }
    expect(await keyward.resolve(key, { credential: next })).toMatchObject({ ok: true });
    await other.close();
  });

  test('refuses a key that is revoked, unknown, used up or stands for nothing, with its reason', async () => {
    const { keyward, issue } = await startBackend();
    const credential = keyward.backendToken ?? '';
    const codeOf = async (text: string): Promise<unknown> => {
      const outcome = await keyward.resolve(text, { credential });
      return outcome.ok ? 'ok' : outcome.code;
    };
    const { key, kid } = await issue({ limits: { uses: 1 } });
    expect([await codeOf(key), await codeOf(key)]).toEqual(['ok', 'uses_exhausted']);
    await keyward.keys.revoke(kid);
    expect(await codeOf(key)).toBe('revoked');
    expect(await codeOf('nonsense')).toBe('malformed');
    const reasons = (await keyward.calls.list({ kid })).items.map(({ decision }) => decision);
    expect(reasons).toEqual([expect.stringContaining('revoked'), expect.stringContaining('uses'), null]);
    const bare = await keyward.keys.create({ name: 'stands for nothing' });
    expect(await codeOf(bare.key)).toBe('no_credential');
  });
});
