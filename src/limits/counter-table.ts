import { dropHeldBy, isHeldBy, isIdle, repair } from './cell-care.ts';
import { lock, unlock } from './cell-lock.ts';
import type { CellMemory, CellOwner } from './cell.ts';
import { hasTag, isFree, KIND, LOCK, resetCell, WORKERS_MAX, wordsOf } from './cell.ts';
import type { Counter, Ledger, LedgerKind } from './counters.ts';
import { tagOf } from '../lib/name-tag.ts';
import { wholeMs } from './table-times.ts';

/** Who looks for its cell, and where it found it last. */
export interface Placed extends CellOwner {
  /** 0: not looked for yet. The cell may have been given to another counter since: its tag is compared on each use. */
  cell: number;
}

export interface SharedCounter extends Counter, Placed {
  readonly windowMs: number;
}

export interface SharedLedger extends Ledger, Placed {
  readonly windowMs: number;
}

/** No cell: not there, no room, or its lock not free in time. */
export const NOWHERE = -1;

/** The way into the cells. Between `enter` and `leave` the cell is this thread's alone. */
export interface CounterTable {
  enter(counter: Placed, nowMs: number, patienceMs: number, claim: boolean): number;
  leave(cell: number): void;
  releaseWorker(workerIndex: number): void;
}

/** The cell whose lock orders claims. */
const TABLE = 0;
/** How far a counter may stand from its own place; bounds the search in a full table. */
const PROBES_MAX = 512;
/** A live holder's lock is waited for; only a stopped process could hold one longer. */
const RELEASE_PATIENCE_MS = 5_000;

/** A counter that has no cell yet. */
export function openCounter(name: string, windowMs: number): SharedCounter {
  // A counter of the same name with another window is another counter.
  const { low, high } = tagOf(`${name}/${windowMs}`);
  const cellKind = windowMs === 0 ? KIND.gauge : KIND.window;
  return { name, windowMs, takenAtMs: 0, low, high, cellKind, cell: 0 };
}

/** Leases that have no cell yet. */
export function openLeases(name: string): SharedCounter {
  const { low, high } = tagOf(`${name}/leases`);
  return { name, windowMs: 0, takenAtMs: 0, low, high, cellKind: KIND.leases, cell: 0 };
}

/** A ledger that has no cell yet. */
export function openLedger(name: string, kind: LedgerKind, windowMs: number): SharedLedger {
  const { low, high } = tagOf(`${name}/${kind}/${windowMs}`);
  const endsAtMs = kind === 'total' ? Number.POSITIVE_INFINITY : 0;
  const state = { startsAtMs: 0, endsAtMs, spent: 0, held: 0 };
  return { name, kind, windowMs, ...state, low, high, cellKind: KIND[kind], cell: 0 };
}

/** `owner` marks this thread's locks: its index + 1. */
export function openTable(memory: CellMemory, cells: number, owner: number): CounterTable {
  const { words } = memory;
  const probes = Math.min(cells, PROBES_MAX);

  function enter(counter: Placed, nowMs: number, patienceMs: number, claim: boolean): number {
    const known = counter.cell;
    if (known !== 0) {
      if (!lock(words, wordsOf(known) + LOCK, owner, patienceMs)) return NOWHERE;
      if (hasTag(memory, known, counter.low, counter.high)) return known;
      leave(known);
    }
    return search(counter, nowMs, patienceMs, claim);
  }

  function leave(cell: number): void {
    unlock(words, wordsOf(cell) + LOCK);
  }

  /** Under the table's lock, so that two threads cannot claim two cells for one counter. */
  function search(counter: Placed, nowMs: number, patienceMs: number, claim: boolean): number {
    if (!lock(words, wordsOf(TABLE) + LOCK, owner, patienceMs)) return NOWHERE;
    let cell = find(counter);
    if (cell !== NOWHERE) cell = lock(words, wordsOf(cell) + LOCK, owner, patienceMs) ? cell : NOWHERE;
    else if (claim) cell = claimCell(counter, wholeMs(nowMs), patienceMs);
    leave(TABLE);
    counter.cell = Math.max(0, cell);
    return cell;
  }

  /** A cell is never freed, so the first free one ends the search. */
  function find(counter: Placed): number {
    for (let probe = 0; probe < probes; probe += 1) {
      const cell = placeOf(counter, probe);
      if (isFree(memory, cell)) return NOWHERE;
      if (hasTag(memory, cell, counter.low, counter.high)) return cell;
    }
    return NOWHERE;
  }

  /** Takes the first free cell or, where there is none, the first idle one. */
  function claimCell(counter: Placed, nowMs: number, patienceMs: number): number {
    for (const wanted of [isFree, isIdle]) {
      for (let probe = 0; probe < probes; probe += 1) {
        const cell = placeOf(counter, probe);
        // Looked at without the lock first, and again under it: a busy cell is not to be waited for.
        if (!wanted(memory, cell, nowMs) || !lock(words, wordsOf(cell) + LOCK, owner, patienceMs)) continue;
        if (wanted(memory, cell, nowMs)) {
          resetCell(memory, cell, counter);
          return cell;
        }
        leave(cell);
      }
    }
    return NOWHERE;
  }

  function placeOf(counter: Placed, probe: number): number {
    return 1 + (((counter.low >>> 0) + probe) % cells);
  }

  function releaseWorker(workerIndex: number): void {
    if (workerIndex < 0 || workerIndex >= WORKERS_MAX) return;
    const dead = workerIndex + 1;
    for (let cell = 1; cell <= cells; cell += 1) {
      if (Atomics.compareExchange(words, wordsOf(cell) + LOCK, dead, owner) === dead) {
        repair(memory, cell);
        leave(cell);
      }
      if (isHeldBy(memory, cell, workerIndex)) giveBackHeld(cell, workerIndex);
    }
    // Last: whoever claims next must find no half-made cell.
    Atomics.compareExchange(words, wordsOf(TABLE) + LOCK, dead, 0);
  }

  function giveBackHeld(cell: number, workerIndex: number): void {
    if (!lock(words, wordsOf(cell) + LOCK, owner, RELEASE_PATIENCE_MS)) return;
    dropHeldBy(memory, cell, workerIndex);
    leave(cell);
  }

  return { enter, leave, releaseWorker };
}
