/** A parsed JSON object whose members are not known yet. */
export type JsonRecord = Readonly<Record<string, unknown>>;

/** The value as an object with members, or an empty one. */
export function recordOf(value: unknown): JsonRecord {
  return isRecord(value) ? value : {};
}

/** Whether a parsed JSON value is an object. */
export function isRecord(value: unknown): value is JsonRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A value, or what an array has first: Google wraps errors so where no event stream was asked for. */
export function firstOf(value: unknown): unknown {
  return Array.isArray(value) ? (value as readonly unknown[])[0] : value;
}

/** The members that `known` does not name, without those that are null. */
export function otherMembers(record: JsonRecord, known: ReadonlySet<string>): JsonRecord {
  return Object.fromEntries(
    Object.entries(record).filter(([name, value]) => !known.has(name) && value !== null && value !== undefined),
  );
}

/** The record as a member of that name, and no member where it is empty. */
export function within(name: string, record: JsonRecord): JsonRecord {
  return Object.keys(record).length === 0 ? {} : { [name]: record };
}

/** A token count, or null where the value is none. */
export function countOf(value: unknown): number | null {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : null;
}

/** The parsed text, or undefined if it is not JSON. */
export function parsedOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // A provider's event that is not JSON tells nothing; the client's own parser will say so.
    return undefined;
  }
}

/** The value if it is a text, or an empty one. */
export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
