import type { CounterStore } from '../admin/call-stores.ts';
import type { Clock } from '../lib/clock.ts';
import { exportCells, importCells } from '../limits/keep-counters.ts';

export interface CounterKeeperOptions {
  readonly counters: SharedArrayBuffer;
  readonly store: CounterStore;
  readonly clock: Clock;
  readonly onError: (error: Error) => void;
  readonly everyMs?: number;
}

/** Keeps what was counted over restarts: budgets, uses and long windows go on where they were. */
export interface CounterKeeper {
  /** After the last worker: writes everything once more. */
  close(): void;
}

/** Puts the counts of the last run into counters that are not in use yet, and writes changes from then on. */
export function keepCounters({ counters, store, clock, onError, everyMs = 1000 }: CounterKeeperOptions): CounterKeeper {
  importCells(counters, store.load(), clock.now());
  /** What could not be written must not wait for its next change. */
  let writeAll = false;

  const write = (): void => {
    try {
      const cells = [...exportCells(counters, { onlyDirty: !writeAll, nowMs: clock.now() })];
      if (cells.length > 0) store.save(cells);
      writeAll = false;
    } catch (cause) {
      writeAll = true;
      onError(new Error('counts could not be written; they are tried again', { cause }));
    }
  };
  const timer = setInterval(write, everyMs);
  timer.unref();

  return {
    close: () => {
      clearInterval(timer);
      try {
        store.replace([...exportCells(counters, { onlyDirty: false, nowMs: clock.now() })]);
      } catch (cause) {
        onError(new Error('counts could not be written at the end: those of the last second are lost', { cause }));
      }
      store.close();
    },
  };
}
