/** How Google reads JSON (https://protobuf.dev/programming-guides/json/), beside what is read as everywhere. */
import type { JsonRecord } from '../record.ts';
import { isRecord } from '../record.ts';
import type { Place } from '../request-members.ts';
import { anyMember, expected, listMember, pathOf, recordAt, textMember, textsAt } from '../request-members.ts';

/**
 * The members by their camelCase names: Google reads every name in camelCase and in snake_case.
 * A member that is null counts as absent.
 */
export function membersOf(record: JsonRecord): JsonRecord {
  const entries = Object.entries(record);
  if (entries.every(([name, value]) => value !== null && !name.includes('_'))) return record;
  const present = entries.filter(([, value]) => value !== null);
  const written = new Set(present.map(([name]) => name));
  return Object.fromEntries(
    present.flatMap(([name, value]) => {
      const camel = camelCase(name);
      return camel !== name && written.has(camel) ? [] : [[camel, value]];
    }),
  );
}

function camelCase(name: string): string {
  return name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

/** A place with its members by their camelCase names. */
export function placeAt(value: unknown, path: string): Place {
  return { value: membersOf(recordAt(value, path).value), path };
}

/** A member that is an object with camelCase names, empty where it is absent. */
export function placeMember(place: Place, name: string): Place {
  return placeAt(anyMember(place, name) ?? {}, pathOf(place, name));
}

/** A member that must be there, and be an object with camelCase names. */
export function requiredPlace(place: Place, name: string): Place {
  return placeAt(anyMember(place, name), pathOf(place, name));
}

/** The items of a list; Google takes a single object for a list of one. */
function itemsMember(place: Place, name: string): readonly unknown[] {
  const value = anyMember(place, name);
  return isRecord(value) ? [value] : (listMember(place, name) ?? []);
}

/** What `read` makes of the objects of a list, one after the other; nothing where the list is absent. */
export function placesMember<T>(place: Place, name: string, read: (item: Place) => T): readonly T[] {
  const path = pathOf(place, name);
  return itemsMember(place, name).map((item, index) => read(placeAt(item, `${path}[${index}]`)));
}

/** The texts of a list; none where it is absent. */
export function textsMember(place: Place, name: string): readonly string[] {
  return textsAt(itemsMember(place, name), pathOf(place, name));
}

/** A member that must be there, and be a text that is not empty. */
export function filledText(place: Place, name: string): string {
  const text = textMember(place, name);
  if (text === null || text === '') throw expected(pathOf(place, name), 'a string that is not empty');
  return text;
}
