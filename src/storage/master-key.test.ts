import { readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { StartError } from '../config/start-error.ts';
import { loadMasterKey } from './master-key.ts';
import { clock, tempFolder } from './store-fixture.ts';
import { openStore } from './store.ts';

test('the first start makes a key file that only its owner may read, and later starts read it', () => {
  const dataDir = join(tempFolder(), 'deep', 'data');
  const key = loadMasterKey({ dataDir, env: {} });
  expect(key).toHaveLength(32);
  expect(statSync(join(dataDir, 'master.key')).mode & 0o777).toBe(0o600);
  expect(statSync(dataDir).mode & 0o777).toBe(0o700);
  expect(readdirSync(dataDir)).toEqual(['master.key']);
  expect(loadMasterKey({ dataDir, env: {} })).toEqual(key);
});

test('a key given by the environment is used and no file is made', () => {
  const dataDir = tempFolder();
  const given = Buffer.alloc(32, 7).toString('base64');
  expect(loadMasterKey({ dataDir, env: { KEYWARD_MASTER_KEY: given } })).toEqual(Buffer.alloc(32, 7));
  expect(readdirSync(dataDir)).toEqual([]);
});

test.each(['short', Buffer.alloc(31).toString('base64'), Buffer.alloc(33).toString('base64'), '!'.repeat(44)])(
  'a key that is not 32 bytes in base64 stops the start without being repeated: %s',
  (given) => {
    const load = () => loadMasterKey({ dataDir: tempFolder(), env: { KEYWARD_MASTER_KEY: given } });
    expect(load).toThrow(StartError);
    expect(load).toThrow(/^KEYWARD_MASTER_KEY is not a master key: it must be 32 bytes in base64\.$/);
  },
);

test('where a database is but no key file, the start is refused and no new key is made', async () => {
  const dataDir = tempFolder();
  const store = openStore({ dataDir, masterKey: loadMasterKey({ dataDir, env: {} }), clock });
  await store.close();
  rmSync(join(dataDir, 'master.key'));
  expect(() => loadMasterKey({ dataDir, env: {} })).toThrow(/master\.key is missing/);
  expect(readdirSync(dataDir)).not.toContain('master.key');
});

test('a key file is never overwritten, even when it is not valid', () => {
  const dataDir = tempFolder();
  writeFileSync(join(dataDir, 'master.key'), 'garbage');
  expect(() => loadMasterKey({ dataDir, env: {} })).toThrow(StartError);
  expect(readFileSync(join(dataDir, 'master.key'), 'utf8')).toBe('garbage');
});
