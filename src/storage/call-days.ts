import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { StatementSync } from 'node:sqlite';
import { CALL_COLUMN_DEFINITIONS, CALL_COLUMNS } from './call-columns.ts';
import { dataPaths, ensurePrivateFile } from './data-folder.ts';

const DAY_MS = 86_400_000;
const DAY_FILE = /^(\d{4}-\d{2}-\d{2})\.sqlite$/;
const WRITERS_MAX = 3;

/** One day's file, open for writing. */
export interface DayWriter {
  readonly database: DatabaseSync;
  readonly insert: StatementSync;
}

/** The files of call records: one a UTC day, so that logs never slow keys and retention is deleting a file. */
export interface CallDays {
  /** Days that have a file, newest first. */
  list(): readonly string[];
  /** The day's file for writing; made when missing. At most three stay open. */
  writer(day: string): DayWriter;
  /** Runs a read on the day's file. */
  read<T>(day: string, work: (database: DatabaseSync) => T): T;
  delete(day: string): void;
  close(): void;
}

/** The UTC day of a moment: `2026-11-08`. */
export function dayOf(unixMs: number): string {
  return new Date(unixMs).toISOString().slice(0, 10);
}

/** First moment of a day and of the next. */
export function dayBounds(day: string): { readonly fromMs: number; readonly toMs: number } {
  const fromMs = Date.parse(`${day}T00:00:00Z`);
  return { fromMs, toMs: fromMs + DAY_MS };
}

/** Days that have a file and moments in a span of time, newest first. */
export function daysWithin(days: CallDays, fromMs = -Infinity, toMs = Infinity): readonly string[] {
  return days.list().filter((day) => {
    const bounds = dayBounds(day);
    return bounds.toMs > fromMs && bounds.fromMs < toMs;
  });
}

/** Opens the folder of call records. */
export function openCallDays(dataDir: string): CallDays {
  const folder = dataPaths.calls(dataDir);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  chmodSync(folder, 0o700);
  const writers = new Map<string, DayWriter>();

  const retire = (day: string) => {
    const writer = writers.get(day);
    if (writer === undefined) return;
    writers.delete(day);
    // A file without a write-ahead log can be read later without leaving anything beside it.
    writer.database.exec('pragma journal_mode = delete');
    writer.database.close();
  };

  return {
    list: () =>
      readdirSync(folder)
        .flatMap((name) => DAY_FILE.exec(name)?.[1] ?? [])
        .toSorted()
        .toReversed(),

    writer: (day) => {
      const known = writers.get(day);
      if (known !== undefined) return known;
      if (writers.size >= WRITERS_MAX) retire(earliest(writers.keys()));
      const writer = openWriter(dayPath(folder, day));
      writers.set(day, writer);
      return writer;
    },

    read: (day, work) => {
      const writer = writers.get(day);
      if (writer !== undefined) return work(writer.database);
      const path = dayPath(folder, day);
      const database = openReader(path);
      try {
        return work(database);
      } finally {
        database.close();
      }
    },

    delete: (day) => {
      retire(day);
      for (const suffix of ['', '-wal', '-shm', '-journal']) {
        rmSync(`${dayPath(folder, day)}${suffix}`, { force: true });
      }
    },

    close: () => {
      for (const day of [...writers.keys()]) retire(day);
    },
  };
}

function dayPath(folder: string, day: string): string {
  return join(folder, `${day}.sqlite`);
}

function earliest(days: Iterable<string>): string {
  return [...days].toSorted()[0] ?? '';
}

/**
 * `synchronous = normal`: a crash of the program loses nothing, a crash of the machine at most the
 * last moments of the log. Request ids sort by time, so the table grows at its end and is its own
 * index by time; the index by key ends with the request id because the table has no rowid. Kids are
 * unique over workspaces, so that index needs no more.
 */
function openWriter(path: string): DayWriter {
  const isNew = !existsSync(path);
  ensurePrivateFile(path);
  const database = new DatabaseSync(path, { timeout: 5000 });
  try {
    // Large pages (they count for a new file only), few checkpoints and a cache that holds the
    // index's leaves: half the system time a row.
    database.exec(`
      pragma page_size = 16384;
      pragma journal_mode = wal;
      pragma synchronous = normal;
      pragma wal_autocheckpoint = 4000;
      pragma cache_size = -32000;
    `);
    database.exec(SCHEMA);
    addColumns(database);
    const places = CALL_COLUMNS.map(() => '?').join(', ');
    const insert = database.prepare(
      `insert into calls (${CALL_COLUMNS.join(', ')}) values (${places}) on conflict (request_id) do nothing`,
    );
    return { database, insert };
  } catch (error) {
    database.close();
    if (isNew) rmSync(path, { force: true });
    throw error;
  }
}

/** A day that was written before a field existed is brought forward first, so that every query fits it. */
function openReader(path: string): DatabaseSync {
  const database = new DatabaseSync(path, { readOnly: true, timeout: 5000 });
  if (missingColumns(database).length === 0) return database;
  database.close();
  const writable = new DatabaseSync(path, { timeout: 5000 });
  try {
    addColumns(writable);
  } finally {
    writable.close();
  }
  return new DatabaseSync(path, { readOnly: true, timeout: 5000 });
}

function missingColumns(database: DatabaseSync): readonly string[] {
  const present = new Set(
    database
      .prepare('pragma table_info(calls)')
      .all()
      .map(({ name }) => name),
  );
  return CALL_COLUMN_DEFINITIONS.filter((_, index) => !present.has(CALL_COLUMNS[index] ?? ''));
}

function addColumns(database: DatabaseSync): void {
  for (const definition of missingColumns(database)) database.exec(`alter table calls add column ${definition}`);
}

const SCHEMA = `
  create table if not exists calls (
    ${CALL_COLUMN_DEFINITIONS.join(',\n    ')}
  ) without rowid;
  create index if not exists calls_by_key on calls (kid);
`;
