import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { StartError } from '../config/start-error.ts';
import { applicationRow, clock, folderBytes, keyRow, tempFolder, workspaceRow } from './store-fixture.ts';
import { openStore } from './store.ts';

const masterKey = Buffer.alloc(32, 1);

function refusal(dataDir: string, key: Buffer = masterKey): StartError {
  try {
    void openStore({ dataDir, masterKey: key, clock }).close();
  } catch (error) {
    if (error instanceof StartError) return error;
    throw error;
  }
  throw new Error('the store opened');
}

async function filledFolder(): Promise<string> {
  const dataDir = join(tempFolder(), 'data');
  const store = openStore({ dataDir, masterKey, clock });
  await store.workspaces.insert(workspaceRow({ id: 'ws_a' }));
  await store.workspace('ws_a').applications.insert(applicationRow({ id: 'app_1', isDefault: true }));
  await store.workspace('ws_a').keys.insert(keyRow({ kid: 'kid000000001', applicationId: 'app_1' }));
  await store.close();
  return dataDir;
}

test('what was stored is there after a restart, with the same peppers, and opening is quick', async () => {
  const dataDir = await filledFolder();
  const startedMs = performance.now();
  const store = openStore({ dataDir, masterKey, clock });
  const openMs = performance.now() - startedMs;
  expect((await store.findKey('kid000000001'))?.workspaceId).toBe('ws_a');
  expect((await store.workspace('ws_a').applications.getDefault())?.id).toBe('app_1');
  const peppers = store.peppers();
  expect(peppers).toHaveLength(1);
  await store.close();
  const again = openStore({ dataDir, masterKey, clock });
  expect(again.peppers()).toEqual(peppers);
  await again.close();
  // The promise is 100 ms on an idle machine; tests share theirs.
  expect(openMs).toBeLessThan(500);
});

test('the data folder and every file in it are for their owner only', async () => {
  const dataDir = join(tempFolder(), 'data');
  const store = openStore({ dataDir, masterKey, clock });
  await store.workspaces.insert(workspaceRow({ id: 'ws_a' }));
  expect(statSync(dataDir).mode & 0o777).toBe(0o700);
  for (const name of readdirSync(dataDir))
    expect([name, statSync(join(dataDir, name)).mode & 0o777]).toEqual([name, 0o600]);
  await store.close();
});

test('a master key of another folder is refused and nothing is changed', async () => {
  const dataDir = await filledFolder();
  const before = folderBytes(dataDir);
  expect(refusal(dataDir, randomBytes(32)).message).toBe('The master key does not fit this data folder.');
  expect(folderBytes(dataDir)).toEqual(before);
});

test('a database of a newer version is refused and nothing is changed', async () => {
  const dataDir = await filledFolder();
  const database = new DatabaseSync(join(dataDir, 'keyward.sqlite'));
  database.exec('pragma user_version = 999');
  database.close();
  const before = folderBytes(dataDir);
  const error = refusal(dataDir);
  expect(error.message).toMatch(/written by a newer Keyward \(schema 999/);
  expect(error.hint).toBe('Start that newer version. Nothing was changed.');
  expect(folderBytes(dataDir)).toEqual(before);
});

test('a newer version that is still in the write-ahead log only is refused too', async () => {
  const dataDir = await filledFolder();
  const path = join(dataDir, 'keyward.sqlite');
  const child = run(`
    import { DatabaseSync } from 'node:sqlite';
    const database = new DatabaseSync(${JSON.stringify(path)});
    database.exec('pragma user_version = 999');
    process.send('ready');
    setInterval(() => {}, 1000);
  `);
  await once(child, 'message');
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(refusal(dataDir).message).toMatch(/written by a newer Keyward/);
});

test('a file that is no database of Keyward is refused and nothing is changed', () => {
  const dataDir = tempFolder();
  writeFileSync(join(dataDir, 'keyward.sqlite'), 'hello, this is something else entirely'.repeat(10));
  const before = folderBytes(dataDir);
  expect(refusal(dataDir).message).toMatch(/is not a database of Keyward/);
  expect(folderBytes(dataDir)).toEqual(before);
  expect(existsSync(join(dataDir, 'keyward.lock'))).toBe(false);
});

test('a data folder that cannot be made or written is refused in one sentence', () => {
  const folder = tempFolder();
  writeFileSync(join(folder, 'file'), '');
  expect(refusal(join(folder, 'file', 'data')).message).toMatch(/^The data folder .* cannot be written \(ENOTDIR\)\.$/);
  expect(refusal(join(folder, 'file')).message).toMatch(/cannot be written/);
  expect(readdirSync(folder)).toEqual(['file']);
});

test('a data folder where the system makes no folders is refused, and not tried for ever', { timeout: 10_000 }, () => {
  // /proc answers ENOENT; elsewhere a device stands for what cannot hold a folder.
  const place = existsSync('/proc/self') ? '/proc/keyward' : '/dev/null/keyward';
  expect(refusal(join(place, 'data')).message).toMatch(/cannot be written/);
});

test('a database that cannot be written is refused at the start, and nothing is changed', async () => {
  const dataDir = await filledFolder();
  const path = join(dataDir, 'keyward.sqlite');
  const before = folderBytes(dataDir);
  chmodSync(path, 0o400);
  expect(asNobody(dataDir, () => refusal(dataDir)).message).toMatch(/cannot be written \(EACCES\)/);
  chmodSync(path, 0o600);
  expect(folderBytes(dataDir)).toEqual(before);
});

/** Rights do not bind root: does the work as an owner of the folder who is not. */
function asNobody<T>(folder: string, work: () => T): T {
  if (process.getuid?.() !== 0) return work();
  const nobody = 65_534;
  chmodSync(dirname(folder), 0o755);
  for (const path of [folder, ...folderBytes(folder).keys(), join(folder, 'keyward.lock')]) {
    chownSync(path, nobody, nobody);
  }
  process.seteuid?.(nobody);
  try {
    return work();
  } finally {
    process.seteuid?.(0);
  }
}

test('a second Keyward on the same data folder is refused while the first one runs', async () => {
  const dataDir = await filledFolder();
  const child = run(openInChild(dataDir));
  await once(child, 'message');
  expect(refusal(dataDir).message).toMatch(/^Another Keyward is running on this data folder/);
  child.kill('SIGKILL');
  await once(child, 'exit');
  await openStore({ dataDir, masterKey, clock }).close();
});

test('what was acknowledged survives a kill, and the lock does not', async () => {
  const dataDir = await filledFolder();
  const child = run(openInChild(dataDir));
  await once(child, 'message');
  child.kill('SIGKILL');
  await once(child, 'exit');
  const store = openStore({ dataDir, masterKey, clock });
  expect((await store.workspaces.list()).map((row) => row.id)).toContain('ws_child');
  await store.close();
});

test('an empty file in place of the database is a first start', async () => {
  const dataDir = tempFolder();
  mkdirSync(dataDir, { recursive: true });
  writeFileSync(join(dataDir, 'keyward.sqlite'), '');
  const store = openStore({ dataDir, masterKey, clock });
  expect(await store.workspaces.list()).toEqual([]);
  await store.close();
});

function openInChild(dataDir: string): string {
  return `
    import { openStore } from ${JSON.stringify(fileURLToPath(new URL('store.ts', import.meta.url)))};
    const store = openStore({ dataDir: ${JSON.stringify(dataDir)}, masterKey: Buffer.alloc(32, 1), clock: { now: () => 1 } });
    await store.workspaces.insert(${JSON.stringify(workspaceRow({ id: 'ws_child' }))});
    process.send('ready');
    setInterval(() => {}, 1000);
  `;
}

function run(source: string): ChildProcess {
  const child = spawn(process.execPath, ['--input-type=module', '-e', source], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  return child;
}
