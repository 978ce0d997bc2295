/**
 * `Schema`, Google's subset of OpenAPI 3.0 (https://ai.google.dev/api/caching#Schema), to and from
 * JSON Schema.
 */
import { RequestFault } from '../faults.ts';
import type { JsonRecord } from '../record.ts';
import { isRecord } from '../record.ts';
import { recordAt } from '../request-members.ts';
import { membersOf } from './members.ts';

/** No caller's schema is deeper: the scan of the body refuses such bodies before. */
const DEPTH_MAX = 100;
const SCHEMAS = new Set(['anyOf', 'oneOf', 'allOf', 'prefixItems']);
const COUNTS = new Set(['minItems', 'maxItems', 'minLength', 'maxLength', 'minProperties', 'maxProperties']);

/** JSON Schema for Google's: type names in lower case, `nullable` as a type, counts as numbers. */
export function jsonSchemaOf(schema: unknown, field: string, depth = 0): JsonRecord {
  const { value } = recordAt(schema, field);
  if (depth > DEPTH_MAX) throw new RequestFault(field, `"${field}" is nested too deeply.`);
  const { nullable, ...members } = membersOf(value);
  const converted = Object.fromEntries(
    Object.entries(members).map(([name, value]): [string, unknown] => [name, memberOf(name, value, field, depth)]),
  );
  return nullable === true ? withNull(converted) : converted;
}

function memberOf(name: string, value: unknown, field: string, depth: number): unknown {
  if (name === 'type' && typeof value === 'string') return value.toLowerCase();
  if (COUNTS.has(name) && typeof value === 'string') return Number(value);
  if (name === 'items') return jsonSchemaOf(value, `${field}.items`, depth + 1);
  if (SCHEMAS.has(name) && Array.isArray(value))
    return value.map((each, index) => jsonSchemaOf(each, `${field}.${name}[${index}]`, depth + 1));
  if (name !== 'properties' || !isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([property, each]) => [
      property,
      jsonSchemaOf(each, `${field}.properties.${property}`, depth + 1),
    ]),
  );
}

function withNull(schema: JsonRecord): JsonRecord {
  const { type } = schema;
  if (typeof type !== 'string') return { anyOf: [schema, { type: 'null' }] };
  return { ...schema, type: [type, 'null'], ...enumWithNull(schema['enum']) };
}

function enumWithNull(values: unknown): JsonRecord {
  const known: readonly unknown[] | null = Array.isArray(values) ? values : null;
  return known === null ? {} : { enum: [...known, null] };
}

const TAKEN = new Set([
  ...COUNTS,
  ...['type', 'format', 'title', 'description', 'default', 'example', 'enum', 'pattern', 'minimum', 'maximum'],
  ...['items', 'properties', 'required', 'propertyOrdering', 'anyOf', 'nullable'],
]);

/** Google's schema for JSON Schema; `onLost` hears every keyword that it has no place for. */
export function googleSchemaOf(schema: JsonRecord, onLost: (keyword: string) => void): JsonRecord {
  return convert(schema, { onLost, root: schema, following: [], count: { left: SCHEMAS_MAX } });
}

/** References that are written out can multiply: this is how many schemas are written at most. */
const SCHEMAS_MAX = 5000;

interface Conversion {
  readonly onLost: (keyword: string) => void;
  readonly root: JsonRecord;
  /** The references that led here: one that comes again would never end. */
  readonly following: readonly string[];
  readonly count: { left: number };
}

function convert(schema: unknown, conversion: Conversion): JsonRecord {
  if (!isRecord(schema)) return {};
  if (conversion.count.left-- <= 0)
    throw new RequestFault('tools', 'A schema refers to itself too often: simplify it.');
  const reference = schema['$ref'];
  if (typeof reference === 'string') return followed(reference, conversion);
  const written: JsonRecord = Object.fromEntries(
    Object.entries(schema).flatMap(([name, value]) => convertMember(name, value, conversion)),
  );
  return { ...written, ...typeOf(schema) };
}

function followed(reference: string, conversion: Conversion): JsonRecord {
  const { root, following, onLost } = conversion;
  const target = reference.startsWith('#/') ? pointed(root, reference) : undefined;
  if (target === undefined || following.includes(reference) || following.length > 16) {
    onLost('$ref');
    return {};
  }
  return convert(target, { ...conversion, following: [...following, reference] });
}

function pointed(root: JsonRecord, reference: string): unknown {
  let value: unknown = root;
  for (const step of reference.slice(2).split('/')) {
    const name = step.replaceAll('~1', '/').replaceAll('~0', '~');
    if (!isRecord(value) || !Object.hasOwn(value, name)) return undefined;
    value = value[name];
  }
  return value;
}

/** Kept apart: what the keywords mean together, or what says nothing to a model. */
const SILENT = new Set(['type', '$schema', '$id', '$defs', 'definitions', '$comment', 'additionalProperties']);

function convertMember(name: string, value: unknown, conversion: Conversion): [string, unknown][] {
  if (name === 'additionalProperties' && value !== false) conversion.onLost(name);
  if (SILENT.has(name)) return [];
  if (name === 'const') return [['enum', [String(value)]]];
  if (name === 'oneOf' || name === 'anyOf') return convertAlternatives(value, conversion);
  if (!TAKEN.has(name)) {
    conversion.onLost(name);
    return [];
  }
  if (name === 'items') return [[name, convert(value, conversion)]];
  if (name === 'enum' && Array.isArray(value)) return [[name, value.filter((each) => each !== null).map(String)]];
  if (name !== 'properties' || !isRecord(value)) return [[name, value]];
  const properties = Object.entries(value).map(([property, each]) => [property, convert(each, conversion)]);
  return [[name, Object.fromEntries(properties)]];
}

function convertAlternatives(value: unknown, conversion: Conversion): [string, unknown][] {
  if (!Array.isArray(value)) return [];
  const others = value.filter((each) => !isRecord(each) || each['type'] !== 'null');
  const schemas = others.map((each) => convert(each, conversion));
  return [['anyOf', schemas], ...(others.length < value.length ? [['nullable', true] as [string, unknown]] : [])];
}

function typeOf({ type }: JsonRecord): JsonRecord {
  if (typeof type === 'string') return { type: type.toUpperCase() };
  if (!Array.isArray(type)) return {};
  const names = type
    .filter((name) => typeof name === 'string' && name !== 'null')
    .map((name) => String(name).toUpperCase());
  const nullable = type.includes('null') ? { nullable: true } : {};
  if (names.length === 1) return { type: names[0], ...nullable };
  return { anyOf: names.map((name) => ({ type: name })), ...nullable };
}
