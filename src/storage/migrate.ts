import { closeSync, openSync, readSync, statSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { StartError } from '../config/start-error.ts';
import type { Migration } from './migrations/migration.ts';

/** `KWRD`: marks a SQLite file as Keyward's, see https://sqlite.org/pragma.html#pragma_application_id */
const APPLICATION_ID = 0x4b575244;

// https://sqlite.org/fileformat2.html, section 1.3
const HEADER_BYTES = 100;
const HEADER_MAGIC = 'SQLite format 3\0';
const USER_VERSION_AT = 60;
const APPLICATION_ID_AT = 68;

/**
 * Refuses a database of a newer Keyward, or a file that is none, from its first bytes: opening it
 * would already write beside it. The header is up to date because every migration ends with a
 * checkpoint; {@link migrate} asks SQLite itself once more.
 */
export function refuseForeignDatabase(path: string, versionMax: number): void {
  if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) === 0) return;
  const header = Buffer.alloc(HEADER_BYTES);
  const file = openSync(path, 'r');
  try {
    readSync(file, header, 0, HEADER_BYTES, 0);
  } finally {
    closeSync(file);
  }
  if (header.toString('latin1', 0, HEADER_MAGIC.length) !== HEADER_MAGIC) throw foreign(path);
  refuseVersion(path, {
    version: header.readUInt32BE(USER_VERSION_AT),
    applicationId: header.readUInt32BE(APPLICATION_ID_AT),
    versionMax,
  });
}

/** Whether a database has no schema yet. */
export function isFresh(database: DatabaseSync): boolean {
  return pragma(database, 'user_version') === 0;
}

/** As {@link refuseForeignDatabase}, with what the write-ahead log may hold beyond the header. */
export function refuseNewerSchema(database: DatabaseSync, path: string, versionMax: number): void {
  refuseVersion(path, {
    version: pragma(database, 'user_version'),
    applicationId: pragma(database, 'application_id'),
    versionMax,
  });
}

/**
 * Brings the schema forward, all steps in one transaction. `seed` fills a database that is new, in
 * the same transaction, so that no start ever sees a schema without what belongs in it.
 */
export function migrate(database: DatabaseSync, migrations: readonly Migration[], seed: () => void): void {
  const from = pragma(database, 'user_version');
  const pending = migrations.filter((migration) => migration.version > from);
  const last = pending.at(-1);
  if (last === undefined) return;
  let current = last;
  database.exec('begin immediate');
  try {
    for (const migration of pending) {
      current = migration;
      database.exec(migration.sql);
    }
    database.exec(`pragma user_version = ${last.version}; pragma application_id = ${APPLICATION_ID}`);
    if (from === 0) seed();
    database.exec('commit');
  } catch (error) {
    database.exec('rollback');
    throw new StartError(
      `The database could not be brought to this version: step ${current.version} (${current.name}) failed. Nothing was changed.`,
      'Start the previous version again, and report this error.',
      error,
    );
  }
  database.exec('pragma wal_checkpoint(truncate)');
}

function pragma(database: DatabaseSync, name: 'user_version' | 'application_id'): number {
  const value = database.prepare(`pragma ${name}`).get()?.[name];
  if (typeof value !== 'number') throw new TypeError(`pragma ${name} gave no number`);
  return value;
}

interface FoundVersion {
  readonly version: number;
  readonly applicationId: number;
  readonly versionMax: number;
}

function refuseVersion(path: string, found: FoundVersion): void {
  if (found.version === 0 && found.applicationId === 0) return;
  if (found.applicationId !== APPLICATION_ID) throw foreign(path);
  if (found.version <= found.versionMax) return;
  throw new StartError(
    `The database ${path} was written by a newer Keyward (schema ${found.version}; this one knows up to ${found.versionMax}).`,
    'Start that newer version. Nothing was changed.',
  );
}

function foreign(path: string): StartError {
  return new StartError(
    `The file ${path} is not a database of Keyward.`,
    'Move it away, or name another data folder with --data-dir or KEYWARD_DATA_DIR.',
  );
}
