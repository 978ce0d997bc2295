/** Counts over a restart: out of the shared memory as images, and from images into a fresh one. */
import { isIdle } from './cell-care.ts';
import type { CellImage } from './cell-image.ts';
import { isWorthKeeping, readImage, writeImage } from './cell-image.ts';
import { lock, unlock } from './cell-lock.ts';
import type { CellMemory } from './cell.ts';
import { CELL_BYTES, cellsIn, clearDirty, isDirty, isFree, LOCK, resetCell, tagOfCell, wordsOf } from './cell.ts';
import type { Placed } from './counter-table.ts';
import { NOWHERE, openTable } from './counter-table.ts';
import { MAIN_THREAD_INDEX } from './shared-counters.ts';
import { RELEASE_PATIENCE_MS, wholeMs } from './table-times.ts';

export interface ExportOptions {
  /** Only what changed since it was exported last. */
  readonly onlyDirty: boolean;
  readonly nowMs: number;
}

/** What became of images. */
export interface ImportCounts {
  readonly placed: number;
  /** Their period or window has ended meanwhile. */
  readonly over: number;
  /** Of another layout, or damaged. */
  readonly unreadable: number;
  /** There was no room, or the counter is in use already. */
  readonly refused: number;
}

/** A lock is free within a microsecond, or its holder died: then the cell is exported the next time. */
const EXPORT_PATIENCE_MS = 20;
const OWNER = MAIN_THREAD_INDEX + 1;

/**
 * The cells that a restart would lose, each as it was at one moment; for the main thread. The mark
 * of a change is cleared with that moment: when an image cannot be stored, export all the next time.
 */
export function* exportCells(buffer: SharedArrayBuffer, options: ExportOptions): Generator<CellImage, void, void> {
  const memory = memoryOf(buffer);
  const cells = cellsIn(buffer);
  const nowMs = wholeMs(options.nowMs);
  for (let cell = 1; cell <= cells; cell += 1) {
    if (isFree(memory, cell) || (options.onlyDirty && !isDirty(memory, cell))) continue;
    const image = exportCell(memory, cell, nowMs);
    if (image !== null) yield image;
  }
}

/** Gives each image its cell in a table that is not in use yet; for the main thread. */
export function importCells(buffer: SharedArrayBuffer, images: Iterable<CellImage>, nowMs: number): ImportCounts {
  const memory = memoryOf(buffer);
  const table = openTable(memory, cellsIn(buffer), OWNER);
  const draft = memoryOf(new SharedArrayBuffer(CELL_BYTES));
  const counts = { placed: 0, over: 0, unreadable: 0, refused: 0 };
  const presentMs = wholeMs(nowMs);

  function place({ low, high, image }: CellImage): keyof ImportCounts {
    const content = readImage(image);
    if (content === null || (low === 0 && high === 0)) return 'unreadable'; // 0, 0 marks a free cell
    const owner: Placed = { low, high, ...content.owner, cell: 0 };
    resetCell(draft, 0, owner);
    content.writeTo(draft, 0);
    if (isIdle(draft, 0, presentMs)) return 'over';
    const taken = table.enter(owner, presentMs, RELEASE_PATIENCE_MS, false);
    if (taken !== NOWHERE) table.leave(taken);
    const cell = taken === NOWHERE ? table.enter(owner, presentMs, RELEASE_PATIENCE_MS, true) : NOWHERE;
    if (cell === NOWHERE) return 'refused';
    content.writeTo(memory, cell);
    table.leave(cell);
    return 'placed';
  }

  for (const image of images) counts[place(image)] += 1;
  return counts;
}

function exportCell(memory: CellMemory, cell: number, nowMs: number): CellImage | null {
  const at = wordsOf(cell) + LOCK;
  if (!lock(memory.words, at, OWNER, EXPORT_PATIENCE_MS)) return null;
  const image = isWorthKeeping(memory, cell, nowMs)
    ? { ...tagOfCell(memory, cell), image: writeImage(memory, cell) }
    : null;
  clearDirty(memory, cell);
  unlock(memory.words, at);
  return image;
}

function memoryOf(buffer: SharedArrayBuffer): CellMemory {
  return { words: new Int32Array(buffer), numbers: new Float64Array(buffer) };
}
