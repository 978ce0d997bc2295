/**
 * Windows and gauges in a cell. A bucket of a window holds what was taken in it and when the last of
 * that was: the oldest one counts until its last take is a whole window ago. So the sum over the
 * buckets is never less than what was really taken in the window, and at most one bucket's width
 * late in forgetting. A gauge uses the same places for what each worker holds.
 */
import type { CellMemory } from './cell.ts';
import {
  bucketOf,
  clearPlace,
  COUNTS,
  forgetBefore,
  HEAD,
  LAST_MS,
  LATEST_MS,
  markDirty,
  numbersOf,
  oldestOf,
  PLACES,
  read,
  redate,
  SUM,
  WINDOW_MS,
} from './cell.ts';
import { wholeMs } from './table-times.ts';

/**
 * Moves a window on to the present and forgets what left it. The present, as the cell counts it, is
 * in the cell then: a number returned would be boxed on the way.
 */
export function advance(memory: CellMemory, cell: number, atMs: number): void {
  const at = numbersOf(cell);
  const nowMs = wholeMs(atMs);
  const windowMs = read(memory, at + WINDOW_MS);
  const latestMs = read(memory, at + LATEST_MS);
  if (latestMs - nowMs > windowMs) {
    redateWindow(memory, at, nowMs);
    return;
  }
  // A little back (or no number at all): time stands still until the clock has caught up.
  const presentMs = nowMs > latestMs ? nowMs : latestMs;
  const head = bucketOf(presentMs, windowMs);
  forgetBefore(memory, at, head);
  const oldest = oldestOf(head) % PLACES;
  if (read(memory, at + LAST_MS + oldest) <= presentMs - windowMs) clearPlace(memory, at, oldest);
  memory.numbers[at + LATEST_MS] = presentMs;
}

/** The present of a cell just advanced to it. */
export function presentOf(memory: CellMemory, cell: number): number {
  return read(memory, numbersOf(cell) + LATEST_MS);
}

/** Adds to the present of a cell just advanced to it. */
export function add(memory: CellMemory, cell: number, amount: number): void {
  const at = numbersOf(cell);
  const place = read(memory, at + HEAD) % PLACES;
  memory.numbers[at + LAST_MS + place] = read(memory, at + LATEST_MS);
  memory.numbers[at + COUNTS + place] = read(memory, at + COUNTS + place) + amount;
  memory.numbers[at + SUM] = read(memory, at + SUM) + amount;
  markDirty(memory, cell);
}

/** Takes back what was added at a moment, as far as it is still counted in its bucket. */
export function subtract(memory: CellMemory, cell: number, amount: number, takenAtMs: number): void {
  const at = numbersOf(cell);
  const windowMs = read(memory, at + WINDOW_MS);
  const bucket = bucketOf(takenAtMs, windowMs);
  const place = bucket % PLACES;
  if (bucketOf(read(memory, at + LAST_MS + place), windowMs) !== bucket) return;
  const given = Math.min(amount, read(memory, at + COUNTS + place));
  memory.numbers[at + COUNTS + place] = read(memory, at + COUNTS + place) - given;
  memory.numbers[at + SUM] = read(memory, at + SUM) - given;
  markDirty(memory, cell);
}

/** Milliseconds until `amount` fits under `limit`, for a cell just advanced to the present. */
export function waitFor(memory: CellMemory, cell: number, limit: number, amount: number): number {
  const at = numbersOf(cell);
  const windowMs = read(memory, at + WINDOW_MS);
  let excess = read(memory, at + SUM) + amount - limit;
  if (excess <= 0) return 0;
  const head = read(memory, at + HEAD);
  for (let bucket = oldestOf(head); bucket <= head; bucket += 1) {
    const place = bucket % PLACES;
    excess -= read(memory, at + COUNTS + place);
    if (excess <= 0) return read(memory, at + LAST_MS + place) + windowMs - read(memory, at + LATEST_MS);
  }
  return windowMs; // more than the limit was asked for: it never fits
}

/** Changes what a worker holds of a gauge, never below zero. */
export function hold(memory: CellMemory, cell: number, worker: number, change: number): void {
  const at = numbersOf(cell);
  const before = read(memory, at + COUNTS + worker);
  const after = Math.max(0, before + change);
  memory.numbers[at + COUNTS + worker] = after;
  memory.numbers[at + SUM] = read(memory, at + SUM) + after - before;
}

function redateWindow(memory: CellMemory, at: number, nowMs: number): void {
  redate(memory, at, nowMs);
  memory.numbers[at + LAST_MS + (read(memory, at + HEAD) % PLACES)] = nowMs;
}
