/**
 * Counters of one machine, exact across its threads: an open-addressing table of cells in one
 * SharedArrayBuffer. Cell 0 is the table's own; its lock orders claims, each other cell's lock
 * orders its use. A cell never becomes free again, but an idle one is given to another counter when
 * the table is full. Locks are taken table first, then cell.
 */
import { AppError } from '../errors.ts';
import type { CellMemory } from './cell.ts';
import { CELL_BYTES, cellsIn, sumOf, WORKERS_MAX } from './cell.ts';
import type { SharedCounter } from './counter-table.ts';
import { NOWHERE, openCounter, openTable } from './counter-table.ts';
import type { Counters } from './counters.ts';
import { NO_ROOM, REFUSED } from './counters.ts';
import { openSharedLeases } from './shared-leases.ts';
import { openSharedLedgers } from './shared-ledgers.ts';
import { RELEASE_PATIENCE_MS, TAKE_PATIENCE_MS } from './table-times.ts';
import { add, advance, hold, presentOf, subtract, waitFor } from './window-cell.ts';

/** Counters for the threads of one machine. */
export interface SharedCounters extends Counters {
  /**
   * For the main thread, after a worker ended and before another takes its index: breaks the locks
   * it held and gives back what it held of gauges and ledgers.
   */
  releaseWorker(workerIndex: number): void;
}

/** The index of the main thread, behind those of the workers. */
export const MAIN_THREAD_INDEX: number = WORKERS_MAX - 1;

/** The memory for `cells` counters (1 KB each), to be handed to every thread. */
export function createSharedCounters(options: { readonly cells: number }): SharedArrayBuffer {
  if (!Number.isSafeInteger(options.cells) || options.cells < 1) {
    throw new AppError('configuration_error', { internal: 'the number of counters must be at least 1' });
  }
  return new SharedArrayBuffer((options.cells + 1) * CELL_BYTES);
}

/** A thread's access to the counters. Two threads must not use the same index at the same time. */
export function openSharedCounters(buffer: SharedArrayBuffer, workerIndex: number): SharedCounters {
  if (!Number.isSafeInteger(workerIndex) || workerIndex < 0 || workerIndex >= WORKERS_MAX) {
    throw new AppError('configuration_error', { internal: `a worker's index must be from 0 to ${WORKERS_MAX - 1}` });
  }
  const memory: CellMemory = { words: new Int32Array(buffer), numbers: new Float64Array(buffer) };
  const table = openTable(memory, cellsIn(buffer), workerIndex + 1);

  return {
    window: (name, windowMs) => openCounter(name, windowMs),
    gauge: (name) => openCounter(name, 0),
    ...openSharedLedgers(memory, table, workerIndex),
    ...openSharedLeases(memory, table),

    take(counter: SharedCounter, limit, amount, nowMs) {
      const cell = table.enter(counter, nowMs, TAKE_PATIENCE_MS, true);
      if (cell === NOWHERE) return NO_ROOM;
      advance(memory, cell, nowMs);
      const left = limit - sumOf(memory, cell) - amount;
      if (left >= 0) {
        add(memory, cell, amount);
        counter.takenAtMs = presentOf(memory, cell);
      }
      table.leave(cell);
      return left >= 0 ? left : REFUSED;
    },

    giveBack(counter: SharedCounter, amount, takenAtMs) {
      const cell = table.enter(counter, takenAtMs, RELEASE_PATIENCE_MS, false);
      if (cell === NOWHERE) return;
      subtract(memory, cell, amount, takenAtMs);
      table.leave(cell);
    },

    waitMs(counter: SharedCounter, limit, amount, nowMs) {
      const cell = table.enter(counter, nowMs, TAKE_PATIENCE_MS, false);
      if (cell === NOWHERE) return 0;
      advance(memory, cell, nowMs);
      const wait = waitFor(memory, cell, limit, amount);
      table.leave(cell);
      return wait;
    },

    acquire(gauge: SharedCounter, limit, nowMs) {
      const cell = table.enter(gauge, nowMs, TAKE_PATIENCE_MS, true);
      if (cell === NOWHERE) return NO_ROOM;
      const left = limit - sumOf(memory, cell) - 1;
      if (left >= 0) hold(memory, cell, workerIndex, 1);
      table.leave(cell);
      return left >= 0 ? left : REFUSED;
    },

    release(gauge: SharedCounter) {
      const cell = table.enter(gauge, 0, RELEASE_PATIENCE_MS, false);
      if (cell === NOWHERE) return;
      hold(memory, cell, workerIndex, -1);
      table.leave(cell);
    },

    used(counter: SharedCounter, nowMs) {
      const cell = table.enter(counter, nowMs, TAKE_PATIENCE_MS, false);
      if (cell === NOWHERE) return 0;
      if (counter.windowMs > 0) advance(memory, cell, nowMs);
      const value = sumOf(memory, cell);
      table.leave(cell);
      return value;
    },

    releaseWorker: (index) => table.releaseWorker(index),
  };
}
