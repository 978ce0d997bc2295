import type { CallRow } from '../calls/call-record.ts';

const ROWS_PER_MESSAGE = 256;
const FLUSH_AFTER_MS = 50;

/** Gathers call records off the path and hands them over in batches. */
export interface CallQueue {
  push(row: CallRow): void;
  /** Hands over what is gathered, at once. */
  flush(): void;
}

export function createCallQueue(send: (rows: readonly CallRow[]) => void): CallQueue {
  let rows: CallRow[] = [];
  let timer: NodeJS.Timeout | null = null;

  function flush(): void {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    if (rows.length === 0) return;
    const batch = rows;
    rows = [];
    send(batch);
  }

  return {
    push(row) {
      rows.push(row);
      if (rows.length >= ROWS_PER_MESSAGE) flush();
      else timer ??= setTimeout(flush, FLUSH_AFTER_MS);
    },
    flush,
  };
}
