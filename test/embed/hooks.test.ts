import { createHmac, randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { createMemoryStorage } from '../../src/index.ts';
import type { Counters, KeywardStorage, Policy, PolicyOutcome } from '../../src/index.ts';
import { encodeBase62 } from '../../src/keys/base62.ts';
import { crc32 } from '../../src/keys/crc32.ts';
import { createSharedCounters, openSharedCounters } from '../../src/limits/shared-counters.ts';
import { codeOf, REAL_SECRET, startBackend } from './backend.ts';

describe('a prefix of one’s own', () => {
  test('is on every key and fingerprint, with a checksum over what people see, and works like the usual one', async () => {
    const { keyward, issue, chat } = await startBackend({ prefix: 'acme' });
    const { key, kid, fingerprint } = await issue();
    expect([key, fingerprint]).toEqual([expect.stringMatching(/^acme_live_/), `acme_live_${kid}`]);
    const body = key.slice(0, key.lastIndexOf('_'));
    expect(key).toBe(`${body}_${encodeBase62(crc32(body), 6)}`);
    expect((await chat(key)).status).toBe(200);
    const minted = await keyward.keys.mint(kid);
    expect(minted.key).toMatch(/^acmet_live_/);
    expect((await chat(minted.key)).status).toBe(200);
    const rotated = await keyward.keys.rotate(kid, { overlap: '0s' });
    expect([await codeOf(await chat(key)), (await chat(rotated.key)).status]).toEqual(['superseded', 200]);
  });

  test('tells a mistyped key from a wrong one, and other prefixes are no keys', async () => {
    const { keyward, issue } = await startBackend({ prefix: 'acme' });
    const { key } = await issue();
    const swapped = key.slice(0, 30) + (key[30] === 'a' ? 'b' : 'a') + key.slice(31);
    expect((await keyward.verify(swapped)).code).toBe('bad_checksum');
    expect((await keyward.verify(key.slice(0, -8))).code).toBe('truncated');
    expect((await keyward.verify(key.replace('acme', 'ucme'))).code).toBe('malformed');
    await expect(startBackend({ prefix: 'kwx' })).rejects.toThrow(/prefix must be/);
  });
});

describe('policies', () => {
  test('can refuse what the engine allows, see what came of a call, and never allow what it refuses', async () => {
    const outcomes: PolicyOutcome[] = [];
    const asked: string[] = [];
    const onlyInHours: Policy = ({ kind, tags, facts }) => {
      asked.push(`${kind} ${facts.method}`);
      return tags.includes('night') ? { message: 'Not at night.' } : undefined;
    };
    const { keyward, issue, chat, provider } = await startBackend({
      policies: [onlyInHours, { after: (_ctx, outcome) => void outcomes.push(outcome) }],
    });
    const day = await issue({ tags: ['day'] });
    const night = await issue({ tags: ['night'], limits: { uses: 1 } });
    await (await chat(day.key)).text();
    const refused = await chat(night.key);
    expect([refused.status, await refused.json()]).toMatchObject([
      403,
      { error: { code: 'policy_denied', message: 'Not at night.' } },
    ]);
    expect(await keyward.verify(night.key)).toMatchObject({ code: 'policy_denied' });
    expect(await keyward.resolve(night.key, { credential: keyward.backendToken ?? '' })).toMatchObject({
      code: 'policy_denied',
    });
    expect(provider.requests).toHaveLength(1);
    expect(outcomes).toMatchObject([
      { status: 200, code: 'ok', inputTokens: 11, outputTokens: 7 },
      { status: 403, code: 'policy_denied' },
    ]);
    expect(asked).toEqual(['call POST', 'call POST', 'verify GET', 'resolve GET']);
    await keyward.keys.revoke(day.kid);
    expect(await codeOf(await chat(day.key))).toBe('revoked');
    expect(asked).toHaveLength(4);
  });

  test('that fail refuse, and say so to operators', async () => {
    const { issue, chat, logs } = await startBackend({
      policies: [() => Promise.reject(new Error('the rule server is down'))],
    });
    const { key } = await issue();
    expect(await codeOf(await chat(key))).toBe('policy_denied');
    expect(logs).toMatchObject([{ level: 'error', message: 'a policy failed; the call was refused' }]);
  });
});

describe('events', () => {
  test('tell of everything that happens to a key, and hold no secret', async () => {
    const { keyward, issue, chat, events } = await startBackend();
    const { key, kid, realId } = await issue();
    await keyward.keys.mint(kid);
    await keyward.keys.rotate(kid);
    await keyward.keys.rotateReal(kid, 'sk-the-next-real-key-9876543210');
    await keyward.keys.suspend(kid);
    await chat(key);
    await keyward.keys.resume(kid);
    await keyward.keys.revoke(kid);
    expect(events.map(({ kind }) => kind)).toEqual(
      'backend-token-issued created minted rotated real-rotated suspended refused resumed revoked'.split(' '),
    );
    expect(events.find(({ kind }) => kind === 'real-rotated')).toMatchObject({ realId });
    expect(events.find(({ kind }) => kind === 'refused')).toMatchObject({ what: 'call', kid, code: 'suspended' });
    const told = JSON.stringify(events);
    for (const secret of [REAL_SECRET, 'sk-the-next', key, keyward.backendToken ?? ''])
      expect(told).not.toContain(secret);
  });

  test('that are not listened to well disturb nothing', async () => {
    const { issue, chat, logs } = await startBackend({
      onEvent: () => {
        throw new Error('the listener broke');
      },
    });
    const { key } = await issue();
    expect((await chat(key)).status).toBe(200);
    expect(logs.map(({ message }) => message)).toEqual(['onEvent failed', 'onEvent failed']);
  });
});

/** A plug-in: a storage that watches what it is given, counters that two backends share, and a rule. */
describe('a sample plug-in', () => {
  test('keeps keys in a storage of its own, which never sees a real key in clear', async () => {
    const seen: string[] = [];
    const inner = createMemoryStorage({ workspaceId: 'ws_embedded' });
    const watched: KeywardStorage = {
      ...inner,
      insertKey: (...given) => {
        seen.push(JSON.stringify(given));
        return inner.insertKey(...given);
      },
      replaceReal: (...given) => {
        seen.push(JSON.stringify(given));
        return inner.replaceReal(...given);
      },
    };
    const { keyward, issue, chat, provider } = await startBackend({ storage: watched, masterKey: randomBytes(32) });
    const { key, kid } = await issue();
    expect((await chat(key)).status).toBe(200);
    await keyward.keys.rotateReal(kid, 'sk-the-next-real-key-9876543210');
    expect((await chat(key)).status).toBe(200);
    expect(provider.received()).toContain('sk-the-next-real-key-9876543210');
    expect(seen).toHaveLength(2);
    expect(seen.join()).not.toContain(REAL_SECRET);
    expect(seen.join()).not.toContain('sk-the-next');
    expect(seen.join()).not.toContain(key);
    await expect(startBackend({ storage: inner })).rejects.toThrow(/needs a masterKey/);
  });

  test('shares storage and counters between two backends: limits are exact over both', async () => {
    const storage = createMemoryStorage({ workspaceId: 'ws_embedded' });
    const buffer = createSharedCounters({ cells: 100 });
    const counters = (index: number): { counters: Counters } => ({ counters: openSharedCounters(buffer, index) });
    const masterKey = createHmac('sha256', 'a test').digest();
    const one = await startBackend({ storage, masterKey, limits: counters(0) });
    const two = await startBackend({ storage, masterKey, limits: counters(1) });
    const { key, kid } = await one.issue({ limits: { uses: 30 } });
    const codes = await Promise.all(
      Array.from({ length: 50 }, async (_, i) => (await (i % 2 === 0 ? one : two).keyward.verify(key)).code),
    );
    expect(codes.filter((code) => code === 'ok')).toHaveLength(30);
    await one.keyward.keys.revoke(kid);
    two.keyward.forget(kid);
    expect((await two.keyward.verify(key)).code).toBe('revoked');
  });
});
