/**
 * Members of a caller's request, checked as they are read: a RequestFault names the one that is
 * wrong. A member that is null counts as absent.
 */
import { RequestFault } from './faults.ts';
import type { JsonRecord } from './record.ts';
import { isRecord } from './record.ts';

/** An object and where it stands in the body; the body itself stands at ''. */
export interface Place {
  readonly value: JsonRecord;
  readonly path: string;
}

/** The path of a member. */
export function pathOf({ path }: Place, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}

/** The member as it came; undefined where it is absent. */
export function anyMember({ value }: Place, name: string): unknown {
  return Object.hasOwn(value, name) ? (value[name] ?? undefined) : undefined;
}

export function textMember(place: Place, name: string): string | null {
  return member(place, name, 'a string', isText);
}

export function requiredText(place: Place, name: string): string {
  return required(textMember(place, name), place, name, 'a string');
}

export function numberMember(place: Place, name: string): number | null {
  return member(place, name, 'a number', (value) => typeof value === 'number');
}

export function wholeMember(place: Place, name: string): number | null {
  return member(place, name, 'a whole number', isWhole);
}

/** A whole number that is not negative. */
export function countMember(place: Place, name: string): number | null {
  return member(place, name, 'a whole number from 0', (value): value is number => isWhole(value) && value >= 0);
}

export function booleanMember(place: Place, name: string): boolean | null {
  return member(place, name, 'true or false', (value) => typeof value === 'boolean');
}

export function recordMember(place: Place, name: string): Place | null {
  const value = member(place, name, 'an object', isRecord);
  return value === null ? null : { value, path: pathOf(place, name) };
}

export function requiredRecord(place: Place, name: string): Place {
  return required(recordMember(place, name), place, name, 'an object');
}

export function listMember(place: Place, name: string): readonly unknown[] | null {
  return member(place, name, 'a list', (value): value is readonly unknown[] => Array.isArray(value));
}

export function requiredList(place: Place, name: string): readonly unknown[] {
  return required(listMember(place, name), place, name, 'a list');
}

/** What `read` makes of the objects of a list, one after the other; nothing where the list is absent. */
export function recordsMember<T>(place: Place, name: string, read: (item: Place) => T): readonly T[] {
  return recordsAt(listMember(place, name) ?? [], pathOf(place, name), read);
}

export function requiredRecords<T>(place: Place, name: string, read: (item: Place) => T): readonly T[] {
  return recordsAt(requiredList(place, name), pathOf(place, name), read);
}

/** The texts of a list; none where it is absent. */
export function textsMember(place: Place, name: string): readonly string[] {
  return textsAt(listMember(place, name) ?? [], pathOf(place, name));
}

/** The value as an object that stands at `path`. */
export function recordAt(value: unknown, path: string): Place {
  if (isRecord(value)) return { value, path };
  throw expected(path, 'an object');
}

export function recordsAt<T>(values: readonly unknown[], path: string, read: (item: Place) => T): readonly T[] {
  return values.map((value, index) => read(recordAt(value, `${path}[${index}]`)));
}

export function textsAt(values: readonly unknown[], path: string): readonly string[] {
  return values.map((value, index) => {
    if (isText(value)) return value;
    throw expected(`${path}[${index}]`, 'a string');
  });
}

/** An `extra` to spread for what is left over, and nothing where nothing is. */
export function extraMember(extra: JsonRecord): { readonly extra?: JsonRecord } {
  return Object.keys(extra).length === 0 ? {} : { extra };
}

export function expected(field: string, what: string): RequestFault {
  return new RequestFault(field, `"${field}" must be ${what}.`);
}

function member<T>(place: Place, name: string, what: string, isRight: (value: unknown) => value is T): T | null {
  const value = anyMember(place, name);
  if (value === undefined) return null;
  if (isRight(value)) return value;
  throw expected(pathOf(place, name), what);
}

function required<T>(value: T | null, place: Place, name: string, what: string): T {
  if (value !== null) return value;
  throw expected(pathOf(place, name), what);
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isWhole(value: unknown): value is number {
  return Number.isSafeInteger(value);
}
