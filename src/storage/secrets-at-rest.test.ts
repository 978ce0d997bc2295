import { randomBytes } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createSecretHasher } from '../keys/secret-hash.ts';
import { openCallStore } from './call-store.ts';
import { loadMasterKey } from './master-key.ts';
import {
  applicationRow,
  clock,
  credentialRow,
  folderBytes,
  keyRow,
  tempFolder,
  workspaceRow,
} from './store-fixture.ts';
import { openStore } from './store.ts';

const PROVIDER_SECRET = 'sk-planted-provider-secret-0123456789';
const CALLER_SECRET = randomBytes(24).toString('hex').slice(0, 43);

async function plant(dataDir: string) {
  const store = openStore({ dataDir, masterKey: loadMasterKey({ dataDir, env: {} }), clock });
  await store.workspaces.insert(workspaceRow({ id: 'ws_a' }));
  await store.workspaces.insert(workspaceRow({ id: 'ws_b' }));
  const workspace = store.workspace('ws_a');
  const hasher = createSecretHasher(store.peppers());
  await workspace.applications.insert(applicationRow({ id: 'app_1' }));
  const secret = { ...hasher.hash(CALLER_SECRET), state: 'current', notAfterMs: null } as const;
  await workspace.keys.insert(keyRow({ kid: 'kid000000001', applicationId: 'app_1', secrets: [secret] }));
  await workspace.credentials.insert(credentialRow({ id: 'cred_1' }), PROVIDER_SECRET);
  await workspace.credentials.insert(credentialRow({ id: 'cred_2' }), 'sk-other');
  return store;
}

function expectNoSecret(dataDir: string, peppers: readonly Uint8Array[]): void {
  for (const [path, bytes] of folderBytes(dataDir)) {
    const forms = [PROVIDER_SECRET, CALLER_SECRET].flatMap((secret) => [
      Buffer.from(secret),
      Buffer.from(secret, 'utf16le'),
      Buffer.from(Buffer.from(secret).toString('base64').replace(/=+$/, '')),
      Buffer.from(Buffer.from(secret).toString('hex')),
    ]);
    for (const form of [...forms, ...peppers.map((key) => Buffer.from(key))])
      expect([path, bytes.includes(form)]).toEqual([path, false]);
  }
}

test('neither a caller key nor a provider key nor a pepper is in clear in any byte of the data folder', async () => {
  const dataDir = tempFolder();
  const store = await plant(dataDir);
  const calls = openCallStore({ dataDir });
  const peppers = store.peppers().map((pepper) => pepper.key);
  // Open: the write-ahead log holds the rows. Closed: the database does.
  expect([...folderBytes(dataDir).keys()].some((path) => path.endsWith('-wal'))).toBe(true);
  expectNoSecret(dataDir, peppers);
  await calls.close();
  await store.close();
  expectNoSecret(dataDir, peppers);
});

test.each([
  [
    'moved to another credential',
    `update credentials set secret = (select secret from credentials where id = 'cred_1')`,
  ],
  [
    'moved to another workspace',
    `insert into credentials select 'ws_b', id, provider_id, name, weight, state, hint, secret, secret_version, data_key_version, created_at_ms, updated_at_ms, priority, models from credentials`,
  ],
  ['put back under a new version', `update credentials set secret_version = secret_version + 1`],
  [
    'opened with the data key of another workspace',
    `update data_keys set wrapped = (select wrapped from data_keys where workspace_id = 'ws_b')`,
  ],
])('a sealed secret that was %s is refused', async (_name, change) => {
  const dataDir = tempFolder();
  await (await plant(dataDir)).close();
  const database = new DatabaseSync(join(dataDir, 'keyward.sqlite'));
  database.exec(change);
  database.close();
  const store = openStore({ dataDir, masterKey: loadMasterKey({ dataDir, env: {} }), clock });
  const reads = await Promise.allSettled(['ws_a', 'ws_b'].map((id) => store.workspace(id).credentials.secrets()));
  const refused = reads.filter((read) => read.status === 'rejected');
  expect(refused.map((read): unknown => read.reason)).toMatchObject([{ code: 'configuration_error' }]);
  expect(JSON.stringify(refused)).not.toContain('sk-');
  await store.close();
});

test('an altered pepper stops the start', async () => {
  const dataDir = tempFolder();
  await (await plant(dataDir)).close();
  const database = new DatabaseSync(join(dataDir, 'keyward.sqlite'));
  database.exec('update peppers set version = 2');
  database.close();
  const masterKey = loadMasterKey({ dataDir, env: {} });
  expect(() => openStore({ dataDir, masterKey, clock })).toThrow(/pepper in the database was altered/);
});
