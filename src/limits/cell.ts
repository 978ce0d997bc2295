/**
 * One counter in shared memory: 1,024 bytes, read and written only under the cell's lock. This file
 * is the layout and what all kinds share; {@link ./window-cell.ts} counts in windows and gauges,
 * {@link ./ledger-cell.ts} what is spent and held, {@link ./lease-cell.ts} what is taken until a moment.
 *
 * A window is divided into 60 buckets; 61 are kept, because the window before a moment reaches over
 * 61 of them, of which the oldest is inside only in part.
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
/** What kind of counter it is, and whether it changed since it was exported last. */
export const MARKS = 3;

/** What a cell counts; in the lower bits of the marks. */
export const KIND = { window: 0, gauge: 1, rolling: 2, calendar: 3, total: 4, leases: 5 } as const;
const KIND_BITS = 0xff;
export const DIRTY = 0x100;

// Numbers of a cell, behind the words.
/** The sum over the counts; what a calendar or total ledger has spent. */
export const SUM = 2;
/** Latest moment that the cell has seen: a window's time never runs backwards. */
export const LATEST_MS = 3;
export const WINDOW_MS = 4;
export const HEAD = 5;
/** By bucket, or by worker for a gauge. */
export const COUNTS = 6;

const BUCKETS = 60;
/** The whole buckets of a window, and the one that is inside in part. */
export const PLACES = BUCKETS + 1;
/** Of a window: when the last of each bucket was. Of leases: when those of each place end. */
export const LAST_MS = COUNTS + PLACES;

/** Workers with an index below this may share the counters, the main thread included. */
export const WORKERS_MAX = PLACES - 4;

// A ledger has these in the place of LAST_MS.
/** What each worker holds reserved. */
export const HELD = COUNTS + PLACES;
export const HELD_SUM = HELD + WORKERS_MAX;
export const STARTS_MS = HELD_SUM + 1;
export const ENDS_MS = HELD_SUM + 2;

export function wordsOf(cell: number): number {
  return cell * CELL_WORDS;
}

export function numbersOf(cell: number): number {
  return cell * CELL_NUMBERS;
}

export function cellsIn(buffer: SharedArrayBuffer): number {
  return buffer.byteLength / CELL_BYTES - 1;
}

/** Whether the cell belongs to the counter with this tag. */
export function hasTag(memory: CellMemory, cell: number, low: number, high: number): boolean {
  const at = cell * CELL_WORDS;
  return memory.words[at + TAG_LOW] === low && memory.words[at + TAG_HIGH] === high;
}

export function tagOfCell(memory: CellMemory, cell: number): { readonly low: number; readonly high: number } {
  const at = cell * CELL_WORDS;
  return { low: memory.words[at + TAG_LOW] ?? 0, high: memory.words[at + TAG_HIGH] ?? 0 };
}

/** Whether no counter has had the cell yet. */
export function isFree(memory: CellMemory, cell: number): boolean {
  return hasTag(memory, cell, 0, 0);
}

export function kindOf(memory: CellMemory, cell: number): number {
  return (memory.words[cell * CELL_WORDS + MARKS] ?? 0) & KIND_BITS;
}

export function isDirty(memory: CellMemory, cell: number): boolean {
  return (Atomics.load(memory.words, cell * CELL_WORDS + MARKS) & DIRTY) !== 0;
}

export function markDirty(memory: CellMemory, cell: number): void {
  const at = cell * CELL_WORDS + MARKS;
  memory.words[at] = (memory.words[at] ?? 0) | DIRTY;
}

export function clearDirty(memory: CellMemory, cell: number): void {
  const at = cell * CELL_WORDS + MARKS;
  memory.words[at] = (memory.words[at] ?? 0) & ~DIRTY;
}

/** Who a cell is for. */
export interface CellOwner {
  readonly low: number;
  readonly high: number;
  /** One of {@link KIND}. */
  readonly cellKind: number;
  /** 0 for what has no sliding window. */
  readonly windowMs: number;
}

/**
 * Makes the cell the empty counter of its owner. Between the two halves of the tag it is nobody's,
 * so that a worker that dies here leaves no cell of one counter that is read as another's.
 */
export function resetCell(memory: CellMemory, cell: number, owner: CellOwner): void {
  const at = cell * CELL_NUMBERS;
  memory.words[cell * CELL_WORDS + TAG_HIGH] = owner.high;
  memory.numbers.fill(0, at + SUM, at + CELL_NUMBERS);
  memory.numbers[at + WINDOW_MS] = owner.windowMs;
  memory.words[cell * CELL_WORDS + MARKS] = owner.cellKind;
  memory.words[cell * CELL_WORDS + TAG_LOW] = owner.low;
}

/** What the window, gauge or ledger counts, once it was moved on to the present. */
export function sumOf(memory: CellMemory, cell: number): number {
  return read(memory, cell * CELL_NUMBERS + SUM);
}

export function read(memory: CellMemory, at: number): number {
  return memory.numbers[at] ?? 0;
}

/** Exact for whole milliseconds: the product is below 2^53. */
export function bucketOf(atMs: number, windowMs: number): number {
  return Math.floor((atMs * BUCKETS) / windowMs);
}

/** The oldest bucket of which a part can be inside of the window. */
export function oldestOf(head: number): number {
  return Math.max(0, head - BUCKETS);
}

/** The first whole millisecond in which all of a bucket is outside of the window. */
export function bucketLeavesAtMs(bucket: number, windowMs: number): number {
  return Math.ceil(((bucket + PLACES) * windowMs) / BUCKETS);
}

/** Empties the places of the buckets between the old head and the new one. */
export function forgetBefore(memory: CellMemory, at: number, head: number): void {
  const oldHead = read(memory, at + HEAD);
  if (head <= oldHead) return;
  for (let bucket = Math.max(oldHead + 1, oldestOf(head)); bucket <= head; bucket += 1)
    clearPlace(memory, at, bucket % PLACES);
  memory.numbers[at + HEAD] = head;
}

export function clearPlace(memory: CellMemory, at: number, place: number): void {
  const count = read(memory, at + COUNTS + place);
  if (count === 0) return;
  memory.numbers[at + COUNTS + place] = 0;
  memory.numbers[at + SUM] = read(memory, at + SUM) - count;
}

/**
 * The clock was set back by more than a window: takes everything as of now, or it would stay until
 * the old time comes again. First the sum, then the rest: a worker that dies here counts too much
 * rather than too little.
 */
export function redate(memory: CellMemory, at: number, nowMs: number): void {
  const head = bucketOf(nowMs, read(memory, at + WINDOW_MS));
  memory.numbers[at + COUNTS + (head % PLACES)] = read(memory, at + SUM);
  for (let place = 0; place < PLACES; place += 1) {
    if (place !== head % PLACES) memory.numbers[at + COUNTS + place] = 0;
  }
  memory.numbers[at + HEAD] = head;
  memory.numbers[at + LATEST_MS] = nowMs;
}
