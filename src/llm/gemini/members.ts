/** Reads members of a caller's JSON, and names the field in the fault where one is not as it must be. */
import { RequestFault } from '../faults.ts';
import type { JsonRecord } from '../record.ts';
import { isRecord } from '../record.ts';

/**
 * The members by their camelCase names: Google reads every name in camelCase and in snake_case
 * (https://protobuf.dev/programming-guides/json/). A member that is null counts as absent.
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

/** The members that have none of these names. */
export function restOf(members: JsonRecord, known: ReadonlySet<string>): JsonRecord {
  return Object.fromEntries(Object.entries(members).filter(([name]) => !known.has(name)));
}

/** `extra` to spread, or nothing where there are no other members. */
export function extraMember(record: JsonRecord): { readonly extra?: JsonRecord } {
  return Object.keys(record).length === 0 ? {} : { extra: record };
}

/** The value as an object's members, or a fault. */
export function objectAt(value: unknown, field: string): JsonRecord {
  if (!isRecord(value)) throw new RequestFault(field, `"${field}" must be an object.`);
  return membersOf(value);
}

/** A member that is an object, as it came; null where it is absent. */
export function memberObject(members: JsonRecord, name: string, path: string): JsonRecord | null {
  const value = members[name];
  if (value === undefined) return null;
  if (!isRecord(value)) throw new RequestFault(path + name, `"${path}${name}" must be an object.`);
  return value;
}

/** A member that is a text. */
export function memberText(members: JsonRecord, name: string, path: string): string | null {
  const value = members[name];
  if (value === undefined) return null;
  if (typeof value !== 'string') throw new RequestFault(path + name, `"${path}${name}" must be a string.`);
  return value;
}

/** A member that must be there, and be a text that is not empty. */
export function requiredText(members: JsonRecord, name: string, path: string): string {
  const text = memberText(members, name, path);
  if (text === null || text === '')
    throw new RequestFault(path + name, `"${path}${name}" is missing: give it as a string that is not empty.`);
  return text;
}

/** A member that is a number. */
export function memberNumber(members: JsonRecord, name: string, path: string): number | null {
  const value = members[name];
  if (value === undefined) return null;
  if (typeof value !== 'number') throw new RequestFault(path + name, `"${path}${name}" must be a number.`);
  return value;
}

/** A member that is a whole number. */
export function memberCount(members: JsonRecord, name: string, path: string): number | null {
  const value = memberNumber(members, name, path);
  if (value !== null && !Number.isSafeInteger(value))
    throw new RequestFault(path + name, `"${path}${name}" must be a whole number.`);
  return value;
}

/** A member that is true or false. */
export function memberFlag(members: JsonRecord, name: string, path: string): boolean | null {
  const value = members[name];
  if (value === undefined) return null;
  if (typeof value !== 'boolean') throw new RequestFault(path + name, `"${path}${name}" must be true or false.`);
  return value;
}

/** A member that is a list; Google takes a single object for a list of one. */
export function memberList(members: JsonRecord, name: string, path: string): readonly unknown[] {
  const value = members[name];
  if (value === undefined) return [];
  if (isRecord(value)) return [value];
  if (!Array.isArray(value)) throw new RequestFault(path + name, `"${path}${name}" must be a list.`);
  return value;
}

/** A member that is a list of texts. */
export function memberTexts(members: JsonRecord, name: string, path: string): readonly string[] {
  return memberList(members, name, path).map((value, index) => {
    if (typeof value === 'string') return value;
    const field = `${path}${name}[${index}]`;
    throw new RequestFault(field, `"${field}" must be a string.`);
  });
}
