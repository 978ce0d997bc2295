import type { Cidr } from './cidr.ts';
import { parseCidr } from './cidr.ts';
import type { KeyLimits, KeyRecord, KeyScopes } from './key-record.ts';
import type { ModelPatterns } from './model-pattern.ts';
import { compileModelPatterns } from './model-pattern.ts';

/** A key record with its constraints compiled: made once per record, read on every call. */
export interface PreparedKey {
  readonly record: KeyRecord;
  /** `null` where the key is not narrowed. */
  readonly models: ModelPatterns | null;
  readonly operations: ReadonlySet<string> | null;
  readonly addresses: readonly Cidr[] | null;
  /**
   * What in the record could not be understood, for operators, or `null`. Such a key is refused
   * whole: leaving a constraint out would widen it.
   */
  readonly problem: string | null;
}

/** Compiles a record. Never throws: what cannot be understood is told in `problem`. */
export function prepareKey(record: KeyRecord): PreparedKey {
  const { scopes } = record;
  const models = readList(scopes.models, compileModelPatterns);
  const addresses = readList(scopes.addresses, compileCidrs);
  return {
    record,
    models,
    operations: readList(scopes.operations, (names) => new Set(names)),
    addresses: addresses === null ? null : addresses.blocks,
    problem:
      findUnreadableMember(scopes, record.limits) ??
      nameFirst('model pattern', models?.invalid) ??
      nameFirst('address block', addresses?.invalid),
  };
}

/** Complete by its type: a member added to the record does not compile until it is known here. */
const SCOPE_NAMES: Readonly<Record<keyof KeyScopes, true>> = { models: true, operations: true, addresses: true };
const LIMIT_NAMES: Readonly<Record<keyof KeyLimits, true>> = {
  requestsPerSecond: true,
  requestsPerMinute: true,
  requestsPerHour: true,
  requestsPerDay: true,
  concurrency: true,
};

function readList<T>(list: readonly string[] | null | undefined, compile: (list: readonly string[]) => T): T | null {
  // Undefined: stored before this member existed. Another shape is told by findUnreadableMember and allows nothing.
  if (list === null || list === undefined) return null;
  return compile(isTextList(list) ? list : []);
}

function compileCidrs(texts: readonly string[]): {
  readonly blocks: readonly Cidr[];
  readonly invalid: readonly string[];
} {
  const blocks: Cidr[] = [];
  const invalid: string[] = [];
  for (const text of texts) {
    const parsed = parseCidr(text);
    if (parsed.ok) blocks.push(parsed.cidr);
    else invalid.push(text);
  }
  return { blocks, invalid };
}

/** Records are stored by versions of this program that may know more than this one: see the members as they are. */
function findUnreadableMember(scopes: KeyScopes, limits: KeyLimits): string | null {
  for (const [name, value] of Object.entries(scopes)) {
    if (!Object.hasOwn(SCOPE_NAMES, name)) return `scope "${name}" is not known`;
    if (value !== null && value !== undefined && !isTextList(value)) return `scope "${name}" is not a list of texts`;
  }
  for (const [name, value] of Object.entries(limits)) {
    if (!Object.hasOwn(LIMIT_NAMES, name)) return `limit "${name}" is not known`;
    if (value !== null && value !== undefined && !isCount(value))
      return `limit "${name}" is not a whole number of at least 1`;
  }
  return null;
}

function isTextList(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && Number(value) >= 1;
}

function nameFirst(kind: string, invalid: readonly string[] | undefined): string | null {
  const first = invalid?.[0];
  return first === undefined ? null : `${kind} ${JSON.stringify(first.slice(0, 80))} is not valid`;
}
