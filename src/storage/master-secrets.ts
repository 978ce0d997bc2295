import { randomBytes } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import { StartError } from '../config/start-error.ts';
import type { Pepper } from '../keys/secret-hash.ts';
import { KEY_BYTES, seal, unseal } from './envelope.ts';
import type { SealContext } from './envelope.ts';

const CHECK_NAME = 'master_key_check';
const CHECK_TEXT = Buffer.from('keyward');
const CHECK_CONTEXT: SealContext = { purpose: 'master-key-check', workspaceId: '', recordId: CHECK_NAME, version: 1 };

/** Writes what a new database needs of the master key: the value that tells it again, and the first pepper. */
export function seedMasterSecrets(database: DatabaseSync, masterKey: Uint8Array, nowMs: number): void {
  database
    .prepare('insert into meta (name, value) values (?, ?)')
    .run(CHECK_NAME, seal(masterKey, CHECK_CONTEXT, CHECK_TEXT));
  database
    .prepare('insert into peppers (version, wrapped, created_at_ms) values (?, ?, ?)')
    .run(1, seal(masterKey, pepperContext(1), randomBytes(KEY_BYTES)), nowMs);
}

/** Refuses a master key that is not the one this database was made with. */
export function checkMasterKey(database: DatabaseSync, masterKey: Uint8Array): void {
  const sealed = database.prepare('select value from meta where name = ?').get(CHECK_NAME)?.['value'];
  if (sealed instanceof Uint8Array && unseal(masterKey, CHECK_CONTEXT, sealed)?.equals(CHECK_TEXT) === true) return;
  throw new StartError(
    'The master key does not fit this data folder.',
    'Give the key that this data was made with: KEYWARD_MASTER_KEY or the master.key file. Nothing was changed.',
  );
}

/** Every pepper in clear, oldest first. */
export function readPeppers(database: DatabaseSync, masterKey: Uint8Array): readonly Pepper[] {
  const rows = database.prepare('select version, wrapped from peppers order by version').all();
  return rows.map(({ version, wrapped }) => {
    if (typeof version === 'number' && wrapped instanceof Uint8Array) {
      const key = unseal(masterKey, pepperContext(version), wrapped);
      if (key !== null) return { version, key };
    }
    throw new StartError(
      'A pepper in the database was altered: keys cannot be checked with it.',
      'Restore the data folder from a backup.',
    );
  });
}

function pepperContext(version: number): SealContext {
  return { purpose: 'pepper', workspaceId: '', recordId: 'pepper', version };
}
