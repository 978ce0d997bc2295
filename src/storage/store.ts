import { existsSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import type { Store } from '../admin/stores.ts';
import { StartError } from '../config/start-error.ts';
import type { Pepper } from '../keys/secret-hash.ts';
import type { KeySource } from '../keys/store.ts';
import type { Clock } from '../lib/clock.ts';
import { createFindAdminToken } from './admin-tokens.ts';
import { dataPaths, ensureDataFolder, ensurePrivateFile, lockDataFolder } from './data-folder.ts';
import { createDataKeys } from './data-keys.ts';
import { attachEndings } from './endings.ts';
import { createFindKey } from './find-key.ts';
import { createJobStore } from './jobs.ts';
import { checkMasterKey, readPeppers, seedMasterSecrets } from './master-secrets.ts';
import { isFresh, migrate, refuseForeignDatabase, refuseNewerSchema } from './migrate.ts';
import { MIGRATIONS } from './migrations/index.ts';
import { createFindReveal } from './reveals.ts';
import type { Tables } from './schema.ts';
import { kyselyOver, openDurable } from './sqlite.ts';
import { createWorkspaceStore, rehearseIn } from './workspace-store.ts';
import { createWorkspacesStore } from './workspaces.ts';

export interface StoreOptions {
  readonly dataDir: string;
  readonly masterKey: Uint8Array;
  readonly clock: Clock;
}

/** The embedded store. */
export interface SqliteStore extends Store, KeySource {
  /** Peppers in clear, oldest first: the newest is used for new hashes. For the main thread only. */
  peppers(): readonly Pepper[];
  /** How much of what was ended the database did not know at this start: it is an older one that was put back. */
  readonly endedAgain: number;
}

/**
 * Opens `keyward.sqlite` in the data folder, makes it or brings it forward. Throws a StartError,
 * having changed nothing, when the folder cannot be written, another process runs on it, the
 * database is of a newer version, or the master key is another one.
 */
export function openStore({ dataDir, masterKey, clock }: StoreOptions): SqliteStore {
  const path = dataPaths.database(dataDir);
  const versionMax = MIGRATIONS.length;
  ensureDataFolder(dataDir);
  // Without a lock file nobody runs here, so a refusal need not leave one behind.
  if (!existsSync(dataPaths.lock(dataDir))) refuseForeignDatabase(path, versionMax);
  const lock = lockDataFolder(dataDir);
  let database: DatabaseSync | null = null;
  try {
    refuseForeignDatabase(path, versionMax);
    ensurePrivateFile(path);
    database = openDurable(path);
    refuseNewerSchema(database, path, versionMax);
    prepare(database, masterKey, clock);
    const endedAgain = attachEndings(database, dataDir, clock.now());
    return storeOver({ database, path, masterKey, endedAgain, release: () => lock.release() });
  } catch (error) {
    database?.close();
    lock.release();
    throw error instanceof StartError ? error : unusable(path, error);
  }
}

function unusable(path: string, error: unknown): StartError {
  return new StartError(
    `The database ${path} cannot be used: ${error instanceof Error ? error.message : 'unknown error'}.`,
    'Check the disk and the rights of the file, or restore the data folder from a backup.',
    error,
  );
}

function prepare(database: DatabaseSync, masterKey: Uint8Array, clock: Clock): void {
  if (!isFresh(database)) checkMasterKey(database, masterKey);
  migrate(database, MIGRATIONS, () => seedMasterSecrets(database, masterKey, clock.now()));
}

interface OpenDatabase {
  readonly database: DatabaseSync;
  readonly path: string;
  readonly masterKey: Uint8Array;
  readonly endedAgain: number;
  release(): void;
}

function storeOver({ database, path, masterKey, endedAgain, release }: OpenDatabase): SqliteStore {
  const peppers = readPeppers(database, masterKey);
  const reader = new DatabaseSync(path, { readOnly: true, timeout: 5000 });
  const db = kyselyOver<Tables>(database);
  const dataKeys = createDataKeys(masterKey);
  return {
    workspace: (workspaceId) => createWorkspaceStore({ db, workspaceId, dataKeys }),
    workspaces: createWorkspacesStore(db, dataKeys),
    rehearse: (workspaceId, work) => rehearseIn({ db, workspaceId, dataKeys }, work),
    findKey: createFindKey(reader),
    findReveal: createFindReveal(reader),
    findAdminToken: createFindAdminToken(reader),
    jobs: createJobStore(db),
    peppers: () => peppers,
    endedAgain,
    close: async () => {
      // Waits for the one connection, and so for a transaction that is still open.
      await db.connection().execute(async () => undefined);
      await db.destroy();
      reader.close();
      database.close();
      release();
    },
  };
}
