import { rmSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import type { CounterStore } from '../admin/call-stores.ts';
import { dataPaths, ensurePrivateFile } from './data-folder.ts';

/**
 * Counts over a restart, in a file of their own: they are written every second, and what is lost of
 * them with the machine is a second of counting, where keys must lose nothing.
 */
export function openCounterStore({ dataDir }: { readonly dataDir: string }): CounterStore {
  const path = dataPaths.counters(dataDir);
  const database = open(path);
  const insert = database.prepare('insert or replace into cells (low, high, image) values (?, ?, ?)');

  const inTransaction = (work: () => void): void => {
    database.exec('begin immediate');
    try {
      work();
      database.exec('commit');
    } catch (error) {
      if (database.isTransaction) database.exec('rollback');
      throw error;
    }
  };

  const insertAll: CounterStore['save'] = (cells) => {
    for (const { low, high, image } of cells) insert.run(low, high, image);
  };

  return {
    load: () =>
      database
        .prepare('select low, high, image from cells')
        .all()
        .map(({ low, high, image }) => ({
          low: Number(low),
          high: Number(high),
          image: image instanceof Uint8Array ? image : new Uint8Array(),
        })),
    save: (cells) => inTransaction(() => insertAll(cells)),
    replace: (cells) =>
      inTransaction(() => {
        database.exec('delete from cells');
        insertAll(cells);
      }),
    close: () => database.close(),
  };
}

function open(path: string): DatabaseSync {
  ensurePrivateFile(path);
  try {
    return prepare(path);
  } catch {
    // Counts are worth less than a start: a file that cannot be read is begun anew.
    for (const suffix of ['', '-wal', '-shm', '-journal']) rmSync(`${path}${suffix}`, { force: true });
    ensurePrivateFile(path);
    return prepare(path);
  }
}

function prepare(path: string): DatabaseSync {
  const database = new DatabaseSync(path, { timeout: 5000 });
  try {
    database.exec('pragma journal_mode = wal; pragma synchronous = normal;');
    database.exec(`create table if not exists cells (
      low integer not null, high integer not null, image blob not null, primary key (low, high)
    ) strict, without rowid`);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}
