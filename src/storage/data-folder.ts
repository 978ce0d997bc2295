import { accessSync, closeSync, constants, existsSync, fsyncSync, mkdirSync, openSync, opendirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { StartError } from '../config/start-error.ts';
import { isBusy } from './sqlite.ts';

/** Paths inside a data folder. */
export const dataPaths = {
  database: (dataDir: string) => join(dataDir, 'keyward.sqlite'),
  lock: (dataDir: string) => join(dataDir, 'keyward.lock'),
  masterKey: (dataDir: string) => join(dataDir, 'master.key'),
  endings: (dataDir: string) => join(dataDir, 'endings.sqlite'),
  counters: (dataDir: string) => join(dataDir, 'counters.sqlite'),
  catalogue: (dataDir: string) => join(dataDir, 'catalogue.json'),
  calls: (dataDir: string) => join(dataDir, 'calls'),
  callSpool: (dataDir: string) => join(dataDir, 'calls', 'spool.ndjson'),
} as const;

/**
 * Makes the data folder when it is missing (0700), and refuses one that cannot be written, or whose
 * database cannot. A folder that was there before keeps its mode: it may be one that other programs
 * share. Every file in it is 0600 in any case.
 */
export function ensureDataFolder(dataDir: string): void {
  const database = dataPaths.database(dataDir);
  try {
    makeMissing(dataDir);
    opendirSync(dataDir).closeSync();
    accessSync(dataDir, constants.R_OK | constants.W_OK | constants.X_OK);
    // SQLite would open it for reading only, and every later change would fail.
    if (existsSync(database)) closeSync(openSync(database, 'r+'));
  } catch (error) {
    throw new StartError(
      `The data folder ${dataDir} cannot be written (${errorCode(error)}).`,
      'Name another folder with --data-dir or KEYWARD_DATA_DIR, or give this user the right to write there.',
      error,
    );
  }
}

/** Not Node's `recursive`, which tries for ever where a system answers ENOENT beneath a folder that is there (`/proc`). */
function makeMissing(folder: string): void {
  if (existsSync(folder)) return;
  makeMissing(dirname(folder));
  mkdirSync(folder, { mode: 0o700 });
}

/** Makes an empty file that only its owner may read, unless it is there. SQLite gives -wal and -shm the same mode. */
export function ensurePrivateFile(path: string): void {
  if (existsSync(path)) return;
  closeSync(openSync(path, constants.O_CREAT | constants.O_RDWR, 0o600));
}

/** Makes the entries of a folder durable, where the system can do that. */
export function syncFolder(path: string): void {
  if (process.platform === 'win32') return;
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

/** Held by one process for as long as it lives. */
export interface FolderLock {
  release(): void;
}

/**
 * Takes the data folder for this process. The lock is SQLite's own on an empty database, so the
 * system releases it when the process dies, however it dies. POSIX drops a process's locks when it
 * closes any descriptor of the file: nothing else may open `keyward.lock`.
 */
export function lockDataFolder(dataDir: string): FolderLock {
  const path = dataPaths.lock(dataDir);
  ensurePrivateFile(path);
  const database = new DatabaseSync(path, { timeout: 0 });
  try {
    // Without a journal nothing is written beside the lock file.
    database.exec('pragma journal_mode = off; pragma locking_mode = exclusive; begin exclusive');
  } catch (error) {
    database.close();
    if (!isBusy(error)) throw error;
    throw new StartError(
      `Another Keyward is running on this data folder (${dataDir}).`,
      'Stop it first, or name another folder with --data-dir or KEYWARD_DATA_DIR.',
    );
  }
  return { release: () => database.close() };
}

function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown error';
}
