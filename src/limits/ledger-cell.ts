/**
 * Ledgers in a cell: what was spent in a period and what each worker holds reserved, under the one
 * lock, so that a reservation is judged by both at one moment. A rolling ledger keeps its spending
 * in buckets and forgets a bucket only when the whole of it has left the window, so it is up to one
 * bucket's width late and never early. What is held belongs to no bucket and to no period.
 */
import type { CellMemory } from './cell.ts';
import {
  bucketLeavesAtMs,
  bucketOf,
  COUNTS,
  ENDS_MS,
  forgetBefore,
  HEAD,
  HELD,
  HELD_SUM,
  KIND,
  kindOf,
  LATEST_MS,
  markDirty,
  numbersOf,
  oldestOf,
  PLACES,
  read,
  redate,
  STARTS_MS,
  SUM,
  WINDOW_MS,
} from './cell.ts';
import { HELD_BY_OTHERS } from './counters.ts';
import { wholeMs } from './table-times.ts';

/** The bounds of the present period; of a total, from when on nobody asks for it any more. */
export interface LedgerPeriod {
  readonly startsAtMs: number;
  readonly endsAtMs: number;
}

/** Sums stop growing here, where whole numbers stop being exact. */
export const AMOUNT_MAX = Number.MAX_SAFE_INTEGER;

/** Moves a ledger on to the present and forgets what is over. */
export function advanceLedger(memory: CellMemory, cell: number, period: LedgerPeriod, nowMs: number): void {
  const at = numbersOf(cell);
  switch (kindOf(memory, cell)) {
    case KIND.rolling:
      advanceRolling(memory, at, nowMs);
      return;
    case KIND.calendar:
      rollOver(memory, at, period);
      return;
    default:
      memory.numbers[at + ENDS_MS] = period.endsAtMs;
  }
}

export function heldOf(memory: CellMemory, cell: number): number {
  return read(memory, numbersOf(cell) + HELD_SUM);
}

/** Changes what a worker holds, never below zero. */
export function holdAmount(memory: CellMemory, cell: number, worker: number, change: number): void {
  const at = numbersOf(cell);
  const before = read(memory, at + HELD + worker);
  const sum = read(memory, at + HELD_SUM);
  const after = Math.max(0, Math.min(before + change, before + AMOUNT_MAX - sum));
  memory.numbers[at + HELD + worker] = after;
  memory.numbers[at + HELD_SUM] = sum + after - before;
}

/** Books an amount into the present, for a cell just advanced to it. */
export function spend(memory: CellMemory, cell: number, amount: number): void {
  const at = numbersOf(cell);
  const sum = read(memory, at + SUM);
  const booked = Math.min(amount, AMOUNT_MAX - sum);
  if (booked <= 0) return;
  if (kindOf(memory, cell) === KIND.rolling) {
    const place = read(memory, at + HEAD) % PLACES;
    memory.numbers[at + COUNTS + place] = read(memory, at + COUNTS + place) + booked;
  }
  memory.numbers[at + SUM] = sum + booked;
  markDirty(memory, cell);
}

/** When all that is spent now will be forgotten: of a calendar, the end of its period; null when nothing is spent, or never. */
export function resetsAtMs(memory: CellMemory, cell: number): number | null {
  const at = numbersOf(cell);
  switch (kindOf(memory, cell)) {
    case KIND.rolling:
      return lastLeavesAtMs(memory, at);
    case KIND.calendar:
      return read(memory, at + ENDS_MS);
    default:
      return null;
  }
}

/**
 * Milliseconds until `amount` fits, for a cell just advanced: 0 now, Infinity never, `HELD_BY_OTHERS`
 * when it would fit but for what is held, of which nobody knows when it is settled.
 */
export function waitToReserve(memory: CellMemory, cell: number, limit: number, amount: number, nowMs: number): number {
  const at = numbersOf(cell);
  const spent = read(memory, at + SUM);
  const room = limit - amount;
  if (room < 0) return Number.POSITIVE_INFINITY;
  const held = read(memory, at + HELD_SUM);
  if (spent + held <= room) return 0;
  if (spent <= room) return HELD_BY_OTHERS;
  switch (kindOf(memory, cell)) {
    case KIND.rolling:
      return leavesAtMs(memory, at, spent - Math.max(0, room - held)) - read(memory, at + LATEST_MS);
    case KIND.calendar:
      return waitForEnd(memory, at, wholeMs(nowMs));
    default:
      return Number.POSITIVE_INFINITY;
  }
}

/** Whether all that a ledger has spent is over. */
export function isSpendingOver(memory: CellMemory, cell: number, nowMs: number): boolean {
  const at = numbersOf(cell);
  if (read(memory, at + SUM) === 0) return true;
  if (kindOf(memory, cell) !== KIND.rolling) return nowMs >= read(memory, at + ENDS_MS);
  return nowMs >= bucketLeavesAtMs(read(memory, at + HEAD), read(memory, at + WINDOW_MS));
}

function advanceRolling(memory: CellMemory, at: number, atMs: number): void {
  const nowMs = wholeMs(atMs);
  const windowMs = read(memory, at + WINDOW_MS);
  const latestMs = read(memory, at + LATEST_MS);
  if (latestMs - nowMs > windowMs) {
    redate(memory, at, nowMs);
    return;
  }
  // A little back (or no number at all): time stands still until the clock has caught up.
  const presentMs = nowMs > latestMs ? nowMs : latestMs;
  forgetBefore(memory, at, bucketOf(presentMs, windowMs));
  memory.numbers[at + LATEST_MS] = presentMs;
}

/**
 * Begins anew when the present period begins at or after the end of the cell's. A period that
 * overlaps with it is the same by changed rules of the zone. In the period just before it, time
 * stands still; further back, the clock was wrong: what is spent counts as of the present.
 */
function rollOver(memory: CellMemory, at: number, { startsAtMs, endsAtMs }: LedgerPeriod): void {
  const cellStartsAtMs = read(memory, at + STARTS_MS);
  const cellEndsAtMs = read(memory, at + ENDS_MS);
  if (startsAtMs === cellStartsAtMs && endsAtMs === cellEndsAtMs) return;
  const isKnown = endsAtMs > startsAtMs;
  const isStandingStill = startsAtMs < cellStartsAtMs && endsAtMs >= cellStartsAtMs;
  if (!isKnown || isStandingStill) return;
  if (startsAtMs >= cellEndsAtMs) memory.numbers[at + SUM] = 0;
  memory.numbers[at + STARTS_MS] = startsAtMs;
  memory.numbers[at + ENDS_MS] = endsAtMs;
}

function waitForEnd(memory: CellMemory, at: number, nowMs: number): number {
  return read(memory, at + ENDS_MS) - (Number.isNaN(nowMs) ? read(memory, at + STARTS_MS) : nowMs);
}

/** When so much of what a rolling ledger has spent will be forgotten. */
function leavesAtMs(memory: CellMemory, at: number, amount: number): number {
  const head = read(memory, at + HEAD);
  let rest = amount;
  let bucket = oldestOf(head);
  for (; bucket < head; bucket += 1) {
    rest -= read(memory, at + COUNTS + (bucket % PLACES));
    if (rest <= 0) break;
  }
  return bucketLeavesAtMs(bucket, read(memory, at + WINDOW_MS));
}

function lastLeavesAtMs(memory: CellMemory, at: number): number | null {
  const spent = read(memory, at + SUM);
  return spent === 0 ? null : leavesAtMs(memory, at, spent);
}
