/**
 * A cell as bytes, to be kept over a restart: what was counted, without locks and without what is
 * held, which ends with the process. Doubles of this machine: a header, then three for each place
 * that is not empty.
 */
import type { CellMemory, CellOwner } from './cell.ts';
import {
  COUNTS,
  ENDS_MS,
  HEAD,
  KIND,
  kindOf,
  LAST_MS,
  LATEST_MS,
  numbersOf,
  PLACES,
  read,
  STARTS_MS,
  SUM,
  WINDOW_MS,
} from './cell.ts';
import { areLeasesOver } from './lease-cell.ts';
import { isSpendingOver } from './ledger-cell.ts';

/** The counts of a cell, by the tag of its counter. */
export interface CellImage {
  readonly low: number;
  readonly high: number;
  readonly image: Uint8Array;
}

/** What an image holds. */
export interface ReadImage {
  readonly owner: Pick<CellOwner, 'cellKind' | 'windowMs'>;
  /** Writes the counts into a cell that was reset for the image's owner. */
  writeTo(memory: CellMemory, cell: number): void;
}

/** Changes with the layout of an image, or with what its numbers mean. An image of the other byte order has another one, too. */
const LAYOUT_VERSION = 1;
/** Windows shorter than this are over before a restart is. */
const WINDOW_MS_MIN = 60_000;

// Numbers of an image.
const VERSION = 0;
const KIND_AT = 1;
/** These are copied as they are; the bounds of a period are a ledger's only. */
const COPIED = [SUM, LATEST_MS, WINDOW_MS, HEAD, STARTS_MS, ENDS_MS] as const;
const COPIED_AT = 2;
const PLACES_AT = COPIED_AT + COPIED.length;
const PLACE_NUMBERS = 3;

/** Whether a restart would lose anything with this cell. */
export function isWorthKeeping(memory: CellMemory, cell: number, nowMs: number): boolean {
  const at = numbersOf(cell);
  switch (kindOf(memory, cell)) {
    case KIND.gauge:
      return false;
    case KIND.window: {
      const windowMs = read(memory, at + WINDOW_MS);
      return (
        windowMs >= WINDOW_MS_MIN && read(memory, at + SUM) > 0 && !(nowMs - read(memory, at + LATEST_MS) >= windowMs)
      );
    }
    case KIND.leases:
      return !areLeasesOver(memory, cell, nowMs);
    default:
      return !isSpendingOver(memory, cell, nowMs);
  }
}

export function writeImage(memory: CellMemory, cell: number): Uint8Array {
  const at = numbersOf(cell);
  const isTimed = hasTimes(kindOf(memory, cell));
  const numbers: number[] = [LAYOUT_VERSION, kindOf(memory, cell)];
  for (const number of COPIED) numbers.push(isTimed && isOfLedger(number) ? 0 : read(memory, at + number));
  for (let place = 0; place < PLACES; place += 1) {
    const count = read(memory, at + COUNTS + place);
    if (count > 0) numbers.push(place, count, isTimed ? read(memory, at + LAST_MS + place) : 0);
  }
  return new Uint8Array(Float64Array.from(numbers).buffer);
}

/** Null when the image is of another layout, or was damaged. */
export function readImage(image: Uint8Array): ReadImage | null {
  if (image.byteLength % Float64Array.BYTES_PER_ELEMENT !== 0) return null;
  const numbers = new Float64Array(Uint8Array.from(image).buffer);
  if (!isSound(numbers)) return null;
  const cellKind = numbers[KIND_AT] ?? 0;
  const windowMs = numbers[COPIED_AT + COPIED.indexOf(WINDOW_MS)] ?? 0;
  return { owner: { cellKind, windowMs }, writeTo: (memory, cell) => writeNumbers(numbers, memory, numbersOf(cell)) };
}

function writeNumbers(numbers: Float64Array, memory: CellMemory, at: number): void {
  const isTimed = hasTimes(numbers[KIND_AT]);
  for (const [i, number] of COPIED.entries()) {
    if (!isTimed || !isOfLedger(number)) memory.numbers[at + number] = numbers[COPIED_AT + i] ?? 0;
  }
  for (let i = PLACES_AT; i < numbers.length; i += PLACE_NUMBERS) {
    const place = numbers[i] ?? 0;
    memory.numbers[at + COUNTS + place] = numbers[i + 1] ?? 0;
    if (isTimed) memory.numbers[at + LAST_MS + place] = numbers[i + 2] ?? 0;
  }
}

/** Whether its places have times of their own, where a ledger has other numbers. */
function hasTimes(kind: number | undefined): boolean {
  return kind === KIND.window || kind === KIND.leases;
}

function isOfLedger(number: number): boolean {
  return number === STARTS_MS || number === ENDS_MS;
}

/** An image comes from a disk: what is not plainly counts of a known kind is not taken for them. */
function isSound(numbers: Float64Array): boolean {
  if (numbers[VERSION] !== LAYOUT_VERSION || numbers.length < PLACES_AT) return false;
  if ((numbers.length - PLACES_AT) % PLACE_NUMBERS !== 0) return false;
  if (!numbers.every((number) => number >= 0)) return false;
  const [, kind, sum = 0, latestMs = 0, windowMs = 0, head = 0] = numbers;
  const isCounted = kind === KIND.window || kind === KIND.rolling;
  if (kind === KIND.leases) return Number.isSafeInteger(sum) && countedSum(numbers) === sum;
  if (!isCounted && kind !== KIND.calendar && kind !== KIND.total) return false;
  if (!Number.isSafeInteger(sum) || !Number.isFinite(latestMs) || !Number.isSafeInteger(head)) return false;
  return isCounted
    ? windowMs > 0 && Number.isFinite(windowMs) && countedSum(numbers) === sum
    : numbers.length === PLACES_AT;
}

/** The sum over the places, NaN when one of them is none. */
function countedSum(numbers: Float64Array): number {
  let sum = 0;
  for (let i = PLACES_AT; i < numbers.length; i += PLACE_NUMBERS) {
    const [place = 0, count = 0, lastMs = 0] = numbers.subarray(i, i + PLACE_NUMBERS);
    const isPlace = Number.isInteger(place) && place < PLACES && Number.isSafeInteger(count) && Number.isFinite(lastMs);
    sum += isPlace ? count : Number.NaN;
  }
  return sum;
}
