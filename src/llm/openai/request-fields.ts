/** Members of a caller's request, checked as they are read. A member that is null counts as absent. */
import { RequestFault } from '../faults.ts';
import type { JsonRecord } from '../record.ts';
import { isRecord } from '../record.ts';

/** A value that came from the caller, and where it stands in the body. */
export interface Field {
  readonly value: unknown;
  readonly path: string;
}

/** The member of an object that stands at `path` (empty: the body itself). */
export function member(record: JsonRecord, name: string, path = ''): Field {
  const value = Object.hasOwn(record, name) ? record[name] : undefined;
  return { value, path: path === '' ? name : `${path}.${name}` };
}

export function optionalText({ value, path }: Field): string | null {
  if (isAbsent(value)) return null;
  if (typeof value !== 'string') throw expected(path, 'a string');
  return value;
}

export function requiredText({ value, path }: Field): string {
  if (typeof value !== 'string') throw expected(path, 'a string');
  return value;
}

export function optionalNumber({ value, path }: Field): number | null {
  if (isAbsent(value)) return null;
  if (typeof value !== 'number') throw expected(path, 'a number');
  return value;
}

export function optionalCount({ value, path }: Field): number | null {
  if (isAbsent(value)) return null;
  if (typeof value !== 'number' || !Number.isSafeInteger(value)) throw expected(path, 'a whole number');
  return value;
}

export function optionalFlag({ value, path }: Field): boolean | null {
  if (isAbsent(value)) return null;
  if (typeof value !== 'boolean') throw expected(path, 'true or false');
  return value;
}

export function optionalRecord({ value, path }: Field): JsonRecord | null {
  if (isAbsent(value)) return null;
  return requiredRecord({ value, path });
}

export function requiredRecord({ value, path }: Field): JsonRecord {
  if (!isRecord(value)) throw expected(path, 'an object');
  return value;
}

/** The items with their places; none where the list is absent. */
export function optionalList({ value, path }: Field): readonly Field[] {
  if (isAbsent(value)) return [];
  return requiredList({ value, path });
}

export function requiredList({ value, path }: Field): readonly Field[] {
  if (!Array.isArray(value)) throw expected(path, 'a list');
  return value.map((item: unknown, index) => ({ value: item, path: `${path}[${index}]` }));
}

export function isAbsent(value: unknown): value is null | undefined {
  return value === null || value === undefined;
}

export function expected(path: string, what: string): RequestFault {
  return new RequestFault(path, `"${path}" must be ${what}.`);
}

/** The members that `known` does not name, without those that are null. */
export function othersOf(record: JsonRecord, known: ReadonlySet<string>): JsonRecord {
  return Object.fromEntries(Object.entries(record).filter(([name, value]) => !known.has(name) && !isAbsent(value)));
}

/** An `extra` member for what is left over, and no member where nothing is. */
export function extraOf(...others: readonly JsonRecord[]): { readonly extra?: JsonRecord } {
  const extra = Object.fromEntries(others.flatMap((record) => Object.entries(record)));
  return Object.keys(extra).length === 0 ? {} : { extra };
}

/** What is left over within a member, under the member's own name. */
export function nestedOthers(name: string, record: JsonRecord, known: ReadonlySet<string>): JsonRecord {
  const others = othersOf(record, known);
  return Object.keys(others).length === 0 ? {} : { [name]: others };
}
