import { AppError } from '../errors.ts';

const CURSOR_LENGTH_MAX = 512;

/** Where a page ended: its last row's place in the order of the list. */
export interface Cursor<P extends number | string> {
  readonly position: P;
  readonly id: string;
}

/** Opaque to callers: base64url of JSON. It names a place, not a count, so that inserts never shift a page. */
export function encodeCursor(cursor: Cursor<number | string>): string {
  return Buffer.from(JSON.stringify([cursor.position, cursor.id])).toString('base64url');
}

/** A cursor of a list that is ordered by a time. */
export function decodeTimeCursor(text: string): Cursor<number> {
  const [position, id] = decode(text);
  if (typeof position !== 'number' || !Number.isSafeInteger(position) || typeof id !== 'string') throw badCursor();
  return { position, id };
}

/** A cursor of the call list, which is ordered by day. */
export function decodeDayCursor(text: string): Cursor<string> {
  const [position, id] = decode(text);
  if (typeof position !== 'string' || typeof id !== 'string') throw badCursor();
  return { position, id };
}

/** The items of a page and the cursor of the next, out of rows read with one more than the limit. */
export function pageOf<R, T>(
  rows: readonly R[],
  limit: number,
  read: (row: R) => T,
  place: (row: R) => Cursor<number | string>,
): { readonly items: readonly T[]; readonly next: string | null } {
  const kept = rows.slice(0, limit);
  const last = kept.at(-1);
  const next = rows.length > limit && last !== undefined ? encodeCursor(place(last)) : null;
  return { items: kept.map((row) => read(row)), next };
}

function decode(text: string): readonly unknown[] {
  if (text.length > CURSOR_LENGTH_MAX) throw badCursor();
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(text, 'base64url').toString());
  } catch (error) {
    throw badCursor(error);
  }
  if (!Array.isArray(parsed) || parsed.length !== 2) throw badCursor();
  return parsed;
}

function badCursor(cause?: unknown): AppError {
  return new AppError('validation_failed', {
    message: 'The cursor is not one that this list gave out. Start again without a cursor.',
    cause,
  });
}
