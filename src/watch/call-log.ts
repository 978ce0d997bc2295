import { setImmediate } from 'node:timers/promises';
import type { CallStore } from '../admin/call-stores.ts';
import { CALL_FIELDS } from '../calls/call-record.ts';
import type { CallRow } from '../calls/call-record.ts';
import type { Clock } from '../lib/clock.ts';
import { openSpool } from './spool.ts';
import type { Spool } from './spool.ts';

/** The main thread's end of the record queue: nothing here is on the path of a call. */
export interface CallLog {
  /** Takes rows at once and without failing; they are stored soon after. */
  push(rows: readonly CallRow[]): void;
  /** Resolves when every row pushed before is in the store, or on the spool where the store fails. */
  flush(): Promise<void>;
  /** Flushes and stops; what is pushed afterwards is counted as dropped. */
  close(): Promise<void>;
  status(): CallLogStatus;
}

export interface CallLogStatus {
  /** Rows in memory. */
  readonly buffered: number;
  /** Whether rows wait on disk for the store to come back. */
  readonly spooled: boolean;
  /** Rows lost since the start: neither store nor spool took them. */
  readonly dropped: number;
}

export interface CallLogOptions {
  readonly store: Pick<CallStore, 'write'>;
  /** File for rows that the store cannot take: `calls/spool.ndjson` in the data folder. */
  readonly spoolPath: string;
  readonly clock: Clock;
  /** Told of every failed write (backing off), and of dropped rows at most once in ten seconds. */
  readonly onError: (error: Error) => void;
  readonly bufferRowsMax?: number;
  readonly spoolBytesMax?: number;
  /** How long rows wait for others to share a transaction. */
  readonly batchDelayMs?: number;
  /** The longest pause between two tries of a store that fails. */
  readonly backOffMaxMs?: number;
}

const BATCH_ROWS = 2000;
const BACK_OFF_MIN_MS = 100;
const DROP_REPORT_MS = 10_000;

/** Starts the call log. Rows that an earlier run left on the spool are stored with the first batch. */
export function createCallLog(options: CallLogOptions): CallLog {
  const { store, clock, onError } = options;
  const bufferRowsMax = options.bufferRowsMax ?? 100_000;
  const batchDelayMs = options.batchDelayMs ?? 200;
  const backOffMaxMs = options.backOffMaxMs ?? 10_000;
  const spool = openSpool({
    path: options.spoolPath,
    bytesMax: options.spoolBytesMax ?? 256 * 1024 * 1024,
    isRow: isCallRow,
  });
  const reportDropped = createDropReport(clock, onError);
  let buffer: CallRow[] = [];
  let timer: NodeJS.Timeout | null = null;
  let draining: Promise<boolean> | null = null;
  let backOffMs = 0;
  let dropped = 0;
  let closed = false;

  const drop = (count: number) => {
    if (count === 0) return;
    dropped += count;
    reportDropped(dropped);
  };

  const spill = (rows: readonly CallRow[]) => {
    if (rows.length > 0 && !appended(spool, rows, onError)) drop(rows.length);
  };

  /** One turn: everything buffered, then what waits on disk. True when all of it reached the store. */
  const drain = async (): Promise<boolean> => {
    try {
      while (buffer.length > 0) {
        const batch = buffer.slice(0, BATCH_ROWS);
        await store.write(batch);
        // Overflow may have moved the batch to the spool meanwhile; the store has it all the same.
        if (buffer[0] === batch[0]) buffer = buffer.slice(batch.length);
        // The store works synchronously: the admin API gets its turn between batches.
        await setImmediate();
      }
      if (spool.waiting())
        reportUnreadable((await spool.replay((rows) => store.write(rows))).unreadable, drop, onError);
      backOffMs = 0;
      return true;
    } catch (error) {
      backOffMs = Math.min(backOffMaxMs, Math.max(BACK_OFF_MIN_MS, backOffMs * 2));
      onError(new Error('call records could not be stored; they are kept and tried again', { cause: error }));
      return false;
    }
  };

  /** At most one turn at a time. */
  const turn = (): Promise<boolean> => {
    draining ??= drain().finally(() => {
      draining = null;
    });
    return draining;
  };

  const schedule = () => {
    if (closed || timer !== null) return;
    timer = setTimeout(
      () => {
        timer = null;
        void turn().then((stored) => {
          if (!stored || buffer.length > 0) schedule();
        });
      },
      Math.max(batchDelayMs, backOffMs),
    );
    // The process may end between batches: a clean stop closes the log first.
    timer.unref();
  };

  const flush = async () => {
    await draining;
    if (await turn()) return;
    spill(buffer);
    buffer = [];
    schedule();
  };
  let flushing: Promise<void> = Promise.resolve();
  const flushInTurn = () => {
    flushing = flushing.then(flush);
    return flushing;
  };

  if (spool.waiting()) schedule();

  return {
    push: (rows) => {
      const good = rows.filter((row) => isCallRow(row));
      drop(rows.length - good.length);
      if (closed) {
        drop(good.length);
        return;
      }
      for (const row of good) buffer.push(row);
      if (buffer.length > bufferRowsMax) {
        // A tenth at a time, so that a store that stays down does not cost a sync for every push.
        const keep = Math.floor(bufferRowsMax * 0.9);
        spill(buffer.slice(0, buffer.length - keep));
        buffer = buffer.slice(buffer.length - keep);
      }
      if (buffer.length > 0) schedule();
    },
    flush: flushInTurn,
    close: async () => {
      await flushInTurn();
      closed = true;
      if (timer !== null) clearTimeout(timer);
      timer = null;
      await flushInTurn();
    },
    status: () => ({ buffered: buffer.length, spooled: spool.waiting(), dropped }),
  };
}

function appended(spool: Spool, rows: readonly CallRow[], onError: (error: Error) => void): boolean {
  try {
    return spool.append(rows);
  } catch (error) {
    onError(new Error('call records could not be written to the spool', { cause: error }));
    return false;
  }
}

function reportUnreadable(count: number, drop: (count: number) => void, onError: (error: Error) => void): void {
  if (count === 0) return;
  drop(count);
  onError(new Error(`${count} lines of the call record spool could not be read`));
}

function createDropReport(clock: Clock, onError: (error: Error) => void): (total: number) => void {
  let lastMs = -Infinity;
  return (total) => {
    if (clock.now() - lastMs < DROP_REPORT_MS) return;
    lastMs = clock.now();
    onError(new Error(`call records were lost: ${total} since the start`));
  };
}

/** A row that the store can take: one that it cannot would hold up all behind it. */
function isCallRow(value: unknown): value is CallRow {
  if (!Array.isArray(value) || value.length !== CALL_FIELDS.length) return false;
  if (typeof value[0] !== 'string' || !Number.isSafeInteger(value[1]) || value[1] < 0) return false;
  return value.every((item) => item === null || typeof item === 'string' || typeof item === 'number');
}
