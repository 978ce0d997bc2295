import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { createKeyward, createMemoryStorage } from '../../src/index.ts';
import type { KeywardStorage } from '../../src/index.ts';
import { REAL_SECRET, startBackend } from './backend.ts';

function tempFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'keyward-embed-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, 'data');
}

function everyByte(folder: string): Buffer {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true });
  const read = files.filter((file) => file.isFile() && file.name !== 'keyward.lock');
  return Buffer.concat(read.map((file) => readFileSync(join(file.parentPath, file.name))));
}

const MASTER_KEY = randomBytes(32);
const STORAGES: readonly (readonly [string, () => string | KeywardStorage])[] = [
  ['in a folder', tempFolder],
  ['in memory', () => ':memory:'],
  ['of one’s own', () => createMemoryStorage({ workspaceId: 'ws_embedded' })],
];

describe.each(STORAGES)('keys %s', (_name, storage) => {
  const start = () => startBackend({ storage: storage(), masterKey: MASTER_KEY });

  test('are created, listed by page, tag and name, shown without a secret, and changed', async () => {
    const { keyward, issue } = await start();
    for (let i = 0; i < 5; i += 1) await issue({ name: `Number ${i}`, tags: [i % 2 === 0 ? 'even' : 'odd'] });
    const first = await keyward.keys.list({ limit: 3 });
    const second = await keyward.keys.list({ limit: 3, cursor: first.next ?? '' });
    const names = [...first.items, ...second.items].map(({ name }) => name);
    expect(new Set(names)).toEqual(new Set(['Number 0', 'Number 1', 'Number 2', 'Number 3', 'Number 4']));
    expect(second.next).toBeNull();
    expect((await keyward.keys.list({ tag: 'even' })).items).toHaveLength(3);
    expect((await keyward.keys.list({ search: 'number 4' })).items).toHaveLength(1);
    const { kid, realId, key } = await issue({ name: 'last' });
    const shown = await keyward.keys.get(kid);
    expect(shown).toMatchObject({ kid, realId, state: 'active', revision: 1 });
    expect(JSON.stringify(shown)).not.toContain(key.split('_')[3] ?? key);
    expect(await keyward.keys.suspend(kid)).toMatchObject({ state: 'suspended', revision: 2 });
    expect(await keyward.keys.get('000000000000')).toBeNull();
    await expect(keyward.keys.suspend('000000000000')).rejects.toMatchObject({ code: 'not_found' });
  });

  test('are changed in what is given, and in nothing else, in force at once', async () => {
    const { keyward, issue, chat } = await start();
    const { key, kid } = await issue({ limits: { uses: 100, concurrency: 5 }, tags: ['a'], expiresIn: '1h' });
    await (await chat(key)).text();
    const changed = await keyward.keys.update(kid, { limits: { uses: 1, concurrency: null }, name: 'renamed' });
    expect(changed).toMatchObject({
      name: 'renamed',
      tags: ['a'],
      limits: { uses: 1, concurrency: null },
      revision: 2,
    });
    expect(changed.expiresAt).not.toBeNull();
    expect((await chat(key)).status).toBe(429);
    expect(await keyward.keys.update(kid, { limits: null, expiresAt: null })).toMatchObject({ expiresAt: null });
    expect((await chat(key)).status).toBe(200);
    await expect(keyward.keys.update(kid, { expiresAt: '2020-01-01T00:00:00Z' })).rejects.toThrow(/lies in the past/);
    await keyward.keys.revoke(kid);
    await expect(keyward.keys.update(kid, { name: 'x' })).rejects.toMatchObject({ code: 'conflict' });
  });

  test('leave records that can be asked, page by page and in sums', async () => {
    const { keyward, issue, chat } = await start();
    const { key, kid } = await issue();
    for (let i = 0; i < 3; i += 1) await (await chat(key)).text();
    await (await chat(key, 'status-400')).text();
    await (await chat('kwk_live_nonsense')).text();
    const first = await keyward.calls.list({ kid, limit: 3 });
    const rest = await keyward.calls.list({ kid, limit: 3, cursor: first.next ?? '' });
    expect([first.items.length, rest.items.length, rest.next]).toEqual([3, 1, null]);
    expect((await keyward.calls.list({ code: 'provider_refused' })).items).toHaveLength(1);
    expect((await keyward.calls.list({ unidentified: true })).items).toMatchObject([{ code: 'malformed' }]);
    expect(await keyward.usage()).toMatchObject([
      { group: kid, calls: 4, failedCalls: 1, inputTokens: 33, outputTokens: 21 },
    ]);
    expect(JSON.stringify([first, rest])).not.toContain(REAL_SECRET);
  });
});

describe('a folder', () => {
  test('goes on where it was: keys, real keys, counts and records outlive the process', async () => {
    const storage = tempFolder();
    const before = await startBackend({ storage });
    const { key } = await before.issue({ limits: { uses: 3 } });
    expect([(await before.chat(key)).status, (await before.chat(key)).status]).toEqual([200, 200]);
    expect(before.keyward.backendToken).toMatch(/^kwa_live_/);
    await before.keyward.close();

    const after = await startBackend({ storage });
    expect(after.keyward.backendToken).toBeNull();
    const resolved = await after.keyward.resolve(key, { credential: before.keyward.backendToken ?? '' });
    expect(resolved).toMatchObject({ ok: true, secret: REAL_SECRET });
    expect(await after.keyward.verify(key)).toMatchObject({ code: 'uses_exhausted' });
    expect((await after.keyward.calls.list()).items).toHaveLength(3);
  });

  test('holds neither key in clear, open or closed', async () => {
    const storage = tempFolder();
    const { keyward, issue, chat } = await startBackend({ storage });
    const { key, kid } = await issue();
    await (await chat(key)).text();
    await keyward.keys.rotateReal(kid, 'sk-the-next-real-key-9876543210');
    await keyward.calls.list();
    const secrets = [REAL_SECRET, 'sk-the-next-real-key-9876543210', key, keyward.backendToken ?? ''];
    const found = (): readonly string[] => secrets.filter((secret) => everyByte(storage).includes(secret));
    expect(everyByte(storage).length).toBeGreaterThan(10_000);
    expect(found()).toEqual([]);
    await keyward.close();
    expect(found()).toEqual([]);
  });

  test('is opened by one process at a time, and refuses another master key', async () => {
    const storage = tempFolder();
    const { keyward } = await startBackend({ storage, masterKey: MASTER_KEY });
    await expect(createKeyward({ storage, masterKey: MASTER_KEY })).rejects.toThrow(/Another Keyward is running/);
    await keyward.close();
    await expect(createKeyward({ storage, masterKey: randomBytes(32) })).rejects.toThrow(/does not fit/);
  });
});

describe('close', () => {
  test('lets an open call end, refuses new ones, and leaves no record out', async () => {
    const storage = tempFolder();
    const { keyward, issue, chat } = await startBackend({ storage });
    const { key, kid } = await issue();
    const slow = await chat(key, 'slow-stream-10', { stream: true });
    const closed = keyward.close();
    expect((await chat(key)).status).toBe(503);
    expect(await slow.text()).toMatch(/data: \[DONE\]\n\n$/);
    await closed;
    await expect(keyward.verify(key)).rejects.toMatchObject({ code: 'shutting_down' });
    const again = await createKeyward({ storage });
    expect((await again.calls.list({ kid })).items).toMatchObject([{ code: 'ok', complete: true }]);
    await again.close();
  });

  test('cuts what does not end in its time, at the provider too, and records it', async () => {
    const storage = tempFolder();
    const { keyward, issue, chat, provider } = await startBackend({ storage, gateway: { drainTimeoutMs: 100 } });
    const { key, kid } = await issue();
    const endless = await chat(key, 'slow-stream', { stream: true });
    await keyward.close();
    await expect(endless.text()).rejects.toThrow();
    await vi.waitFor(() => expect(provider.requests[0]?.abortedAtMs).not.toBeNull());
    const again = await createKeyward({ storage });
    expect((await again.calls.list({ kid })).items).toMatchObject([{ code: 'client_closed', complete: false }]);
    await again.close();
  });

  test('is kept open neither by a body that never comes nor by a policy that never answers', async () => {
    const never = new Promise<undefined>(() => undefined);
    const policies = [({ tags }: { readonly tags: readonly string[] }) => (tags.includes('stuck') ? never : undefined)];
    const { keyward, issue } = await startBackend({ policies, gateway: { drainTimeoutMs: 50 } });
    const handler = keyward.handler();
    const { key } = await issue();
    const stuck = await issue({ tags: ['stuck'] });
    const body = new ReadableStream<Uint8Array>({ start: (controller) => controller.enqueue(Buffer.from('{')) });
    const init = { method: 'POST', headers: { 'x-api-key': key }, body, duplex: 'half' } as const;
    const half = handler.fetch(new Request('http://localhost/v1/things', init));
    void handler.fetch(new Request('http://localhost/v1/things', { headers: { 'x-api-key': stuck.key } }));
    await sleep(20);
    const startedAtMs = performance.now();
    await keyward.close();
    expect(performance.now() - startedAtMs).toBeLessThan(3_000);
    expect((await half).status).toBe(499);
  });

  test('waits for a resolve under way: its record is there', async () => {
    const storage = tempFolder();
    const { keyward, issue } = await startBackend({ storage });
    const { key, kid } = await issue();
    const resolved = keyward.resolve(key, { credential: keyward.backendToken ?? '' });
    await keyward.close();
    expect(await resolved).toMatchObject({ ok: true });
    const again = await createKeyward({ storage });
    expect((await again.calls.list({ kid })).items).toMatchObject([{ operation: 'resolve', code: 'ok' }]);
    await again.close();
  });
});
