import type { CallRow } from '../calls/call-record.ts';

const ROWS_PER_MESSAGE = 256;
const FLUSH_AFTER_MS = 50;

/** Gathers call records off the path and hands them over in batches. */
export interface CallQueue {
  /**
   * `settle` books what the call used. It runs once the record is handed over, within the turn of
   * the event loop, so that counters and records agree whenever the worker dies: what was not handed
   * over was not booked either, and its reservation is given back.
   */
  push(row: CallRow, settle: (() => void) | null): void;
  /** Hands over what is gathered, at once. */
  flush(): void;
}

export function createCallQueue(send: (rows: readonly CallRow[]) => void): CallQueue {
  let rows: CallRow[] = [];
  let settlements: (() => void)[] = [];
  let timer: NodeJS.Timeout | null = null;

  function flush(): void {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    if (rows.length === 0) return;
    const batch = rows;
    const due = settlements;
    rows = [];
    settlements = [];
    send(batch);
    for (const settle of due) settle();
  }

  return {
    push(row, settle) {
      rows.push(row);
      if (settle !== null && settlements.push(settle) === 1) setImmediate(flush);
      if (rows.length >= ROWS_PER_MESSAGE) flush();
      else timer ??= setTimeout(flush, FLUSH_AFTER_MS);
    },
    flush,
  };
}
