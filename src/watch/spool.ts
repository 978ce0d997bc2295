import {
  appendFileSync,
  closeSync,
  createReadStream,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import type { CallRow } from '../calls/call-record.ts';

/** Rows waiting on disk for the store to come back: one JSON array a line. */
export interface Spool {
  /** Appends rows and syncs them to disk; false, having written none, where they would go beyond the bound. */
  append(rows: readonly CallRow[]): boolean;
  /** Hands every waiting row to `write`, in batches, and forgets the file when all are written. */
  replay(write: (rows: readonly CallRow[]) => Promise<void>): Promise<ReplayResult>;
  /** Whether rows are waiting. */
  waiting(): boolean;
}

export interface ReplayResult {
  readonly rows: number;
  /** Lines that a crash cut off, or that something else wrote. */
  readonly unreadable: number;
}

export interface SpoolOptions {
  readonly path: string;
  readonly bytesMax: number;
  readonly isRow: (value: unknown) => value is CallRow;
}

const BATCH_ROWS = 1000;

/**
 * Opens a spool. Replaying first renames the file, so that rows appended meanwhile start a new one.
 * A crash in the middle of a replay repeats it whole: the store leaves rows that it has as they are.
 */
export function openSpool({ path, bytesMax, isRow }: SpoolOptions): Spool {
  const replayed = `${path}.replay`;
  return {
    append: (rows) => {
      // The leading line break closes a line that a crash may have cut off.
      const text = `\n${rows.map((row) => JSON.stringify(row)).join('\n')}\n`;
      if (sizeOf(path) + sizeOf(replayed) + Buffer.byteLength(text) > bytesMax) return false;
      appendDurably(path, text);
      return true;
    },

    replay: async (write) => {
      if (!existsSync(replayed)) renameSync(path, replayed);
      const result = await replayFile(replayed, isRow, write);
      rmSync(replayed, { force: true });
      return result;
    },

    waiting: () => existsSync(path) || existsSync(replayed),
  };
}

function appendDurably(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const file = openSync(path, 'a', 0o600);
  try {
    appendFileSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

async function replayFile(
  path: string,
  isRow: SpoolOptions['isRow'],
  write: (rows: readonly CallRow[]) => Promise<void>,
): Promise<ReplayResult> {
  let rows = 0;
  let unreadable = 0;
  let batch: CallRow[] = [];
  for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Infinity })) {
    if (line === '') continue;
    const row = parse(line);
    if (isRow(row)) batch.push(row);
    else unreadable++;
    if (batch.length < BATCH_ROWS) continue;
    await write(batch);
    rows += batch.length;
    batch = [];
  }
  if (batch.length > 0) await write(batch);
  return { rows: rows + batch.length, unreadable };
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    // Counted as unreadable by the caller: a line cut off by a crash is no JSON.
    return null;
  }
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
