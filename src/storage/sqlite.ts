import { DatabaseSync } from 'node:sqlite';
import type { SQLInputValue, StatementSync } from 'node:sqlite';
import { Kysely, SqliteDialect } from 'kysely';
import type { SqliteDatabase, SqliteStatement } from 'kysely';
import { AppError } from '../errors.ts';
import { BoundedMap } from '../lib/bounded-map.ts';

const STATEMENTS_MAX = 256;

/** Opens a database of keys, policy and audit: an answer is given only after its commit was synced to disk. */
export function openDurable(path: string): DatabaseSync {
  const database = new DatabaseSync(path, { timeout: 5000, enableForeignKeyConstraints: true });
  database.exec('pragma journal_mode = wal; pragma synchronous = full');
  // SQLite's own lower() knows ASCII only.
  database.function('lower', { deterministic: true }, (value) =>
    typeof value === 'string' ? value.toLowerCase() : value,
  );
  return database;
}

/** Kysely over a `node:sqlite` database. Destroying it leaves the database open: its opener closes it. */
export function kyselyOver<T>(database: DatabaseSync): Kysely<T> {
  return new Kysely<T>({ dialect: new SqliteDialect({ database: shim(database) }) });
}

/** Kysely asks for better-sqlite3's interface, in which parameters come as one list. */
function shim(database: DatabaseSync): SqliteDatabase {
  const statements = new BoundedMap<string, SqliteStatement>(STATEMENTS_MAX);
  return {
    prepare: (sql) => {
      const known = statements.get(sql);
      if (known !== undefined) return known;
      const statement = shimStatement(database.prepare(sql));
      statements.set(sql, statement);
      return statement;
    },
    close: () => undefined,
  };
}

function shimStatement(statement: StatementSync): SqliteStatement {
  return {
    reader: statement.columns().length > 0,
    all: (parameters) => guarded(() => statement.all(...bindable(parameters))),
    run: (parameters) => guarded(() => statement.run(...bindable(parameters))),
    iterate: (parameters) => statement.iterate(...bindable(parameters)),
  };
}

/** Every value here was put into a typed query; SQLite itself refuses what it cannot bind. */
function bindable(parameters: readonly unknown[]): SQLInputValue[] {
  return parameters as SQLInputValue[];
}

/** What a constraint of the schema refuses is a conflict for whoever asked; the rest is a broken system. */
function guarded<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    const code = sqliteCode(error);
    if (code === undefined || primaryCode(code) !== SQLITE_CONSTRAINT) throw error;
    throw new AppError('conflict', { internal: error instanceof Error ? error.message : 'constraint', cause: error });
  }
}

// https://sqlite.org/rescode.html: the low byte of an extended code is its primary code.
const SQLITE_BUSY = 5;
const SQLITE_CONSTRAINT = 19;

/** Whether another connection holds the lock that was asked for. */
export function isBusy(error: unknown): boolean {
  const code = sqliteCode(error);
  return code !== undefined && primaryCode(code) === SQLITE_BUSY;
}

function primaryCode(code: number): number {
  return code & 0xff;
}

function sqliteCode(error: unknown): number | undefined {
  return error instanceof Error && 'errcode' in error && typeof error.errcode === 'number' ? error.errcode : undefined;
}
