/** Reading a caller's request member by member: what has the wrong type is told with its place. */
import { RequestFault } from '../faults.ts';
import { isRecord, type JsonRecord } from '../record.ts';

/** An object of the request, and where it stands in the body. */
export interface Place {
  readonly record: JsonRecord;
  readonly path: string;
}

/** The field's full path. */
export function pathOf(place: Place, name: string): string {
  return place.path === '' ? name : `${place.path}.${name}`;
}

/** The value as an object of the request. */
export function placeOf(value: unknown, path: string): Place {
  if (!isRecord(value)) throw new RequestFault(path, `${path} must be an object.`);
  return { record: value, path };
}

export function text(place: Place, name: string): string {
  const value = textOrNull(place, name);
  if (value === null) throw new RequestFault(pathOf(place, name), `${pathOf(place, name)} is required: give a string.`);
  return value;
}

export function textOrNull(place: Place, name: string): string | null {
  const value = place.record[name] ?? null;
  if (value === null || typeof value === 'string') return value;
  throw new RequestFault(pathOf(place, name), `${pathOf(place, name)} must be a string.`);
}

export function numberOrNull(place: Place, name: string): number | null {
  const value = place.record[name] ?? null;
  if (value === null || typeof value === 'number') return value;
  throw new RequestFault(pathOf(place, name), `${pathOf(place, name)} must be a number.`);
}

export function booleanOrNull(place: Place, name: string): boolean | null {
  const value = place.record[name] ?? null;
  if (value === null || typeof value === 'boolean') return value;
  throw new RequestFault(pathOf(place, name), `${pathOf(place, name)} must be true or false.`);
}

export function recordOrNull(place: Place, name: string): JsonRecord | null {
  const value = place.record[name] ?? null;
  if (value === null || isRecord(value)) return value;
  throw new RequestFault(pathOf(place, name), `${pathOf(place, name)} must be an object.`);
}

export function listOrNull(place: Place, name: string): readonly unknown[] | null {
  const value: unknown = place.record[name] ?? null;
  if (value === null || Array.isArray(value)) return value;
  throw new RequestFault(pathOf(place, name), `${pathOf(place, name)} must be a list.`);
}

/** The members without the named ones and those that are null. */
export function others(record: JsonRecord, known: ReadonlySet<string>): JsonRecord {
  return Object.fromEntries(
    Object.entries(record).filter(([name, value]) => !known.has(name) && value !== null && value !== undefined),
  );
}

/** `{ extra }`, or nothing where there is none. */
export function extraMember(extra: JsonRecord): { readonly extra?: JsonRecord } {
  return Object.keys(extra).length === 0 ? {} : { extra };
}
