/**
 * One counter in shared memory: 1,024 bytes, read and written only under the cell's lock.
 *
 * A window is divided into 60 buckets. A bucket holds what was taken in it and when the last of that
 * was. The window before a moment reaches over 61 buckets, of which the oldest is inside only in
 * part: it counts until its last take is a whole window ago. So the sum over the buckets is never
 * less than what was really taken in the window, and at most one bucket's width late in forgetting.
 *
 * A gauge uses the same places for what each worker holds.
 */

/** The shared memory under two views. */
export interface CellMemory {
  readonly words: Int32Array;
  readonly numbers: Float64Array;
}

export const CELL_BYTES = 1024;
const CELL_WORDS = CELL_BYTES / 4;
const CELL_NUMBERS = CELL_BYTES / 8;

// Words of a cell.
export const LOCK = 0;
const TAG_LOW = 1;
const TAG_HIGH = 2;

// Numbers of a cell, behind the words.
const TOTAL = 2;
/** Latest moment that the cell has seen: a window's time never runs backwards. */
const LATEST_MS = 3;
const WINDOW_MS = 4;
const HEAD = 5;
const COUNTS = 6;

const BUCKETS = 60;
/** The whole buckets of a window, and the one that is inside in part. */
const PLACES = BUCKETS + 1;
const LAST_MS = COUNTS + PLACES;

/** Workers with an index below this may share the counters, the main thread included. */
export const WORKERS_MAX = PLACES - 4;

export function wordsOf(cell: number): number {
  return cell * CELL_WORDS;
}

/** Whether the cell belongs to the counter with this tag. */
export function hasTag(memory: CellMemory, cell: number, low: number, high: number): boolean {
  const at = cell * CELL_WORDS;
  return memory.words[at + TAG_LOW] === low && memory.words[at + TAG_HIGH] === high;
}

/** Whether no counter has had the cell yet. */
export function isFree(memory: CellMemory, cell: number): boolean {
  return hasTag(memory, cell, 0, 0);
}

/** Makes the cell the empty counter of a tag. `windowMs` 0: a gauge. */
export function resetCell(memory: CellMemory, cell: number, low: number, high: number, windowMs: number): void {
  const at = cell * CELL_NUMBERS;
  memory.numbers.fill(0, at + TOTAL, at + CELL_NUMBERS);
  memory.numbers[at + WINDOW_MS] = windowMs;
  memory.words[cell * CELL_WORDS + TAG_LOW] = low;
  memory.words[cell * CELL_WORDS + TAG_HIGH] = high;
}

/** Whether nothing would be lost with the cell: its window is over, its gauge is at zero. */
export function isIdle(memory: CellMemory, cell: number, nowMs: number): boolean {
  const at = cell * CELL_NUMBERS;
  if (read(memory, at + TOTAL) === 0) return true;
  const windowMs = read(memory, at + WINDOW_MS);
  return windowMs > 0 && nowMs - read(memory, at + LATEST_MS) >= windowMs;
}

/** What the window or gauge holds, after {@link advance} for a window. */
export function total(memory: CellMemory, cell: number): number {
  return read(memory, cell * CELL_NUMBERS + TOTAL);
}

/** Moves a window on to the present and forgets what left it. Returns the present as the cell counts it. */
export function advance(memory: CellMemory, cell: number, nowMs: number): number {
  const at = cell * CELL_NUMBERS;
  const windowMs = read(memory, at + WINDOW_MS);
  const latestMs = read(memory, at + LATEST_MS);
  // The clock was set back by more than a window: take everything as of now, or it would stay until the old time comes again.
  if (latestMs - nowMs > windowMs) return redate(memory, at, nowMs, windowMs);
  // A little back (or no number at all): time stands still until the clock has caught up.
  const presentMs = nowMs > latestMs ? nowMs : latestMs;
  const head = bucketOf(presentMs, windowMs);
  forgetBefore(memory, at, head);
  const partial = head - BUCKETS;
  if (partial >= 0 && read(memory, at + LAST_MS + (partial % PLACES)) <= presentMs - windowMs)
    clear(memory, at, partial % PLACES);
  memory.numbers[at + LATEST_MS] = presentMs;
  return presentMs;
}

/** Adds to the bucket of the present, which must be what {@link advance} returned. */
export function add(memory: CellMemory, cell: number, amount: number, presentMs: number): void {
  const at = cell * CELL_NUMBERS;
  const place = bucketOf(presentMs, read(memory, at + WINDOW_MS)) % PLACES;
  memory.numbers[at + LAST_MS + place] = presentMs;
  memory.numbers[at + COUNTS + place] = read(memory, at + COUNTS + place) + amount;
  memory.numbers[at + TOTAL] = read(memory, at + TOTAL) + amount;
}

/** Takes back what was added at a moment, as far as it is still counted in its bucket. */
export function subtract(memory: CellMemory, cell: number, amount: number, takenAtMs: number): void {
  const at = cell * CELL_NUMBERS;
  const windowMs = read(memory, at + WINDOW_MS);
  const bucket = bucketOf(takenAtMs, windowMs);
  const place = bucket % PLACES;
  if (bucketOf(read(memory, at + LAST_MS + place), windowMs) !== bucket) return;
  const given = Math.min(amount, read(memory, at + COUNTS + place));
  memory.numbers[at + COUNTS + place] = read(memory, at + COUNTS + place) - given;
  memory.numbers[at + TOTAL] = read(memory, at + TOTAL) - given;
}

/** Milliseconds until `amount` fits under `limit`, for a cell just advanced to the present. */
export function waitFor(memory: CellMemory, cell: number, limit: number, amount: number, presentMs: number): number {
  const at = cell * CELL_NUMBERS;
  const windowMs = read(memory, at + WINDOW_MS);
  let excess = read(memory, at + TOTAL) + amount - limit;
  if (excess <= 0) return 0;
  const head = bucketOf(presentMs, windowMs);
  for (let bucket = Math.max(0, head - BUCKETS); bucket <= head; bucket += 1) {
    const place = bucket % PLACES;
    excess -= read(memory, at + COUNTS + place);
    if (excess <= 0) return read(memory, at + LAST_MS + place) + windowMs - presentMs;
  }
  return windowMs; // more than the limit was asked for: it never fits
}

/** Changes what a worker holds of a gauge, never below zero. */
export function hold(memory: CellMemory, cell: number, worker: number, change: number): void {
  const at = cell * CELL_NUMBERS;
  const before = read(memory, at + COUNTS + worker);
  const after = Math.max(0, before + change);
  memory.numbers[at + COUNTS + worker] = after;
  memory.numbers[at + TOTAL] = read(memory, at + TOTAL) + after - before;
}

/** Whether a worker holds anything of this cell, which only a gauge can be said of. */
export function isHeldBy(memory: CellMemory, cell: number, worker: number): boolean {
  const at = cell * CELL_NUMBERS;
  return read(memory, at + WINDOW_MS) === 0 && read(memory, at + COUNTS + worker) > 0;
}

/** Makes the sum agree with its parts, after a worker died between writing the two. */
export function repair(memory: CellMemory, cell: number): void {
  const at = cell * CELL_NUMBERS;
  let sum = 0;
  for (let place = 0; place < PLACES; place += 1) sum += read(memory, at + COUNTS + place);
  memory.numbers[at + TOTAL] = sum;
}

function read(memory: CellMemory, at: number): number {
  return memory.numbers[at] ?? 0;
}

/** Exact for whole milliseconds: the product is below 2^53. */
function bucketOf(atMs: number, windowMs: number): number {
  return Math.floor((atMs * BUCKETS) / windowMs);
}

/** Empties the places of the buckets between the old head and the new one. */
function forgetBefore(memory: CellMemory, at: number, head: number): void {
  const oldHead = read(memory, at + HEAD);
  if (head <= oldHead) return;
  for (let bucket = Math.max(oldHead + 1, head - BUCKETS); bucket <= head; bucket += 1)
    clear(memory, at, bucket % PLACES);
  memory.numbers[at + HEAD] = head;
}

function clear(memory: CellMemory, at: number, place: number): void {
  const count = read(memory, at + COUNTS + place);
  if (count === 0) return;
  memory.numbers[at + COUNTS + place] = 0;
  memory.numbers[at + TOTAL] = read(memory, at + TOTAL) - count;
}

function redate(memory: CellMemory, at: number, nowMs: number, windowMs: number): number {
  const sum = read(memory, at + TOTAL);
  const head = bucketOf(nowMs, windowMs);
  memory.numbers.fill(0, at + COUNTS, at + COUNTS + PLACES);
  memory.numbers[at + COUNTS + (head % PLACES)] = sum;
  memory.numbers[at + LAST_MS + (head % PLACES)] = nowMs;
  memory.numbers[at + HEAD] = head;
  memory.numbers[at + LATEST_MS] = nowMs;
  return nowMs;
}
