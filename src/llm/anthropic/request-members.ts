/** Members of a client's request, checked as they are read. A member that is null counts as absent. */
import { RequestFault } from '../faults.ts';
import type { JsonRecord } from '../record.ts';
import { isRecord } from '../record.ts';

/** An object and where it stands in the body; the body itself stands at ''. */
export interface Place {
  readonly value: JsonRecord;
  readonly path: string;
}

/** The path of a member. */
export function pathOf({ path }: Place, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}

export function textMember(place: Place, name: string): string | null {
  return member(place, name, 'a string', (value) => typeof value === 'string');
}

export function numberMember(place: Place, name: string): number | null {
  return member(place, name, 'a number', (value) => typeof value === 'number');
}

export function booleanMember(place: Place, name: string): boolean | null {
  return member(place, name, 'true or false', (value) => typeof value === 'boolean');
}

export function wholeMember(place: Place, name: string): number | null {
  return member(
    place,
    name,
    'a whole number',
    (value): value is number => typeof value === 'number' && Number.isSafeInteger(value) && value >= 0,
  );
}

export function recordMember(place: Place, name: string): Place | null {
  const value = member(place, name, 'an object', isRecord);
  return value === null ? null : { value, path: pathOf(place, name) };
}

export function listMember(place: Place, name: string): readonly unknown[] | null {
  return member(place, name, 'an array', (value): value is readonly unknown[] => Array.isArray(value));
}

/** The objects of an array. */
export function recordsMember(place: Place, name: string): readonly Place[] {
  return (listMember(place, name) ?? []).map((value, index) => recordAt(value, `${pathOf(place, name)}[${index}]`));
}

export function textsMember(place: Place, name: string): readonly string[] {
  return (listMember(place, name) ?? []).map((value, index) => {
    if (typeof value === 'string') return value;
    throw expected(`${pathOf(place, name)}[${index}]`, 'a string');
  });
}

/** A member that must be there. */
export function required<T>(value: T | null, place: Place, name: string, what: string): T {
  if (value !== null) return value;
  throw expected(pathOf(place, name), what);
}

export function recordAt(value: unknown, path: string): Place {
  if (isRecord(value)) return { value, path };
  throw expected(path, 'an object');
}

/** The members that are not among the known ones, or undefined if there are none. */
export function otherMembers({ value }: Place, known: ReadonlySet<string>): JsonRecord | undefined {
  const others = Object.entries(value).filter(([name, member]) => !known.has(name) && member !== null);
  return others.length === 0 ? undefined : Object.fromEntries(others);
}

export function expected(field: string, what: string): RequestFault {
  return new RequestFault(field, `${field} must be ${what}.`);
}

function member<T>(place: Place, name: string, what: string, isRight: (value: unknown) => value is T): T | null {
  const value = Object.hasOwn(place.value, name) ? place.value[name] : null;
  if (value === null || value === undefined) return null;
  if (isRight(value)) return value;
  throw expected(pathOf(place, name), what);
}
