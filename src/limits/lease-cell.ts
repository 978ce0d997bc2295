/**
 * Leases in a cell: how many were taken until when. A place holds those that end at one moment. When
 * there are more moments than places, the two nearest become one, at the later of them: a lease may
 * so count a little too long, with the next one, and never too short.
 */
import type { CellMemory } from './cell.ts';
import { clearPlace, COUNTS, LAST_MS, markDirty, numbersOf, PLACES, read, SUM } from './cell.ts';

/** Forgets what has ended. */
export function forgetEnded(memory: CellMemory, cell: number, nowMs: number): void {
  const at = numbersOf(cell);
  for (let place = 0; place < PLACES; place += 1) {
    if (endOf(memory, at, place) <= nowMs) clearPlace(memory, at, place);
  }
}

/** Adds one that ends then. */
export function addLease(memory: CellMemory, cell: number, endsAtMs: number): void {
  const at = numbersOf(cell);
  const place = placeEndingAt(memory, at, endsAtMs) ?? emptyPlace(memory, at) ?? joinNearest(memory, at);
  memory.numbers[at + LAST_MS + place] = endsAtMs;
  memory.numbers[at + COUNTS + place] = read(memory, at + COUNTS + place) + 1;
  memory.numbers[at + SUM] = read(memory, at + SUM) + 1;
  markDirty(memory, cell);
}

/** Takes one back that was added to end then, from where it is counted now. */
export function dropLease(memory: CellMemory, cell: number, endsAtMs: number): void {
  const at = numbersOf(cell);
  const place = placesByEnd(memory, at).find((each) => endOf(memory, at, each) >= endsAtMs);
  if (place === undefined) return;
  memory.numbers[at + COUNTS + place] = read(memory, at + COUNTS + place) - 1;
  memory.numbers[at + SUM] = read(memory, at + SUM) - 1;
  markDirty(memory, cell);
}

/** When the first of them ends; null where there is none. */
export function soonestEndMs(memory: CellMemory, cell: number): number | null {
  const at = numbersOf(cell);
  const [first] = placesByEnd(memory, at);
  return first === undefined ? null : endOf(memory, at, first);
}

/** Whether the last of them has ended. */
export function areLeasesOver(memory: CellMemory, cell: number, nowMs: number): boolean {
  const at = numbersOf(cell);
  const last = placesByEnd(memory, at).at(-1);
  return last === undefined || endOf(memory, at, last) <= nowMs;
}

function endOf(memory: CellMemory, at: number, place: number): number {
  return read(memory, at + LAST_MS + place);
}

function placesByEnd(memory: CellMemory, at: number): readonly number[] {
  return Array.from({ length: PLACES }, (_, place) => place)
    .filter((place) => read(memory, at + COUNTS + place) > 0)
    .toSorted((a, b) => endOf(memory, at, a) - endOf(memory, at, b));
}

function placeEndingAt(memory: CellMemory, at: number, endsAtMs: number): number | undefined {
  return placesByEnd(memory, at).find((place) => endOf(memory, at, place) === endsAtMs);
}

function emptyPlace(memory: CellMemory, at: number): number | undefined {
  for (let place = 0; place < PLACES; place += 1) if (read(memory, at + COUNTS + place) === 0) return place;
  return undefined;
}

/** The place that is empty then. First more, then less: a worker that dies here counts too much rather than too little. */
function joinNearest(memory: CellMemory, at: number): number {
  const places = placesByEnd(memory, at);
  let [earlier = 0, later = 0] = places;
  for (const [i, place] of places.entries()) {
    const next = places[i + 1];
    if (next === undefined) break;
    if (endOf(memory, at, next) - endOf(memory, at, place) >= endOf(memory, at, later) - endOf(memory, at, earlier))
      continue;
    [earlier, later] = [place, next];
  }
  const joined = read(memory, at + COUNTS + earlier);
  memory.numbers[at + COUNTS + later] = read(memory, at + COUNTS + later) + joined;
  memory.numbers[at + COUNTS + earlier] = 0;
  return earlier;
}
