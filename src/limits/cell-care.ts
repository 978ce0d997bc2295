/** What the table does to cells of any kind: reuse, repair, and giving back for the dead. */
import type { CellMemory } from './cell.ts';
import {
  COUNTS,
  HELD,
  HELD_SUM,
  KIND,
  kindOf,
  LATEST_MS,
  numbersOf,
  PLACES,
  read,
  SUM,
  WINDOW_MS,
  WORKERS_MAX,
} from './cell.ts';
import { areLeasesOver } from './lease-cell.ts';
import { heldOf, holdAmount, isSpendingOver } from './ledger-cell.ts';
import { hold } from './window-cell.ts';

/** Whether nothing would be lost with the cell: what it counted is over, and nobody holds any of it. */
export function isIdle(memory: CellMemory, cell: number, nowMs: number): boolean {
  const at = numbersOf(cell);
  switch (kindOf(memory, cell)) {
    case KIND.window:
      return read(memory, at + SUM) === 0 || nowMs - read(memory, at + LATEST_MS) >= read(memory, at + WINDOW_MS);
    case KIND.gauge:
      return read(memory, at + SUM) === 0;
    case KIND.leases:
      return areLeasesOver(memory, cell, nowMs);
    default:
      return heldOf(memory, cell) === 0 && isSpendingOver(memory, cell, nowMs);
  }
}

/** Whether a worker holds anything of this cell, which cannot be said of windows and leases. */
export function isHeldBy(memory: CellMemory, cell: number, worker: number): boolean {
  const kind = kindOf(memory, cell);
  if (kind === KIND.window || kind === KIND.leases) return false;
  return read(memory, numbersOf(cell) + (kind === KIND.gauge ? COUNTS : HELD) + worker) > 0;
}

/** Gives back all that a worker holds. */
export function dropHeldBy(memory: CellMemory, cell: number, worker: number): void {
  if (!isHeldBy(memory, cell, worker)) return;
  const drop = kindOf(memory, cell) === KIND.gauge ? hold : holdAmount;
  drop(memory, cell, worker, Number.NEGATIVE_INFINITY);
}

/** Makes the sums agree with their parts, after a worker died between writing the two. */
export function repair(memory: CellMemory, cell: number): void {
  const at = numbersOf(cell);
  const kind = kindOf(memory, cell);
  // What a calendar or a total has spent is one number, which is whole at any time.
  if (kind !== KIND.calendar && kind !== KIND.total) memory.numbers[at + SUM] = sum(memory, at + COUNTS, PLACES);
  if (kind !== KIND.window && kind !== KIND.gauge && kind !== KIND.leases) {
    memory.numbers[at + HELD_SUM] = sum(memory, at + HELD, WORKERS_MAX);
  }
}

function sum(memory: CellMemory, from: number, places: number): number {
  let result = 0;
  for (let place = 0; place < places; place += 1) result += read(memory, from + place);
  return result;
}
