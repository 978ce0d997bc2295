/** The one fault of JSON Schemas that every provider refuses: types that are none. */
import { isRecord } from './record.ts';

const TYPES: ReadonlySet<unknown> = new Set(['string', 'number', 'integer', 'boolean', 'object', 'array', 'null']);
/** Keywords (JSON Schema 2020-12, and `definitions` of before) whose value is a schema, or a list of them. */
const SCHEMAS = [
  'items',
  'prefixItems',
  'additionalProperties',
  'anyOf',
  'oneOf',
  'allOf',
  'not',
  'if',
  'then',
  'else',
];
/** Keywords whose value is an object of schemas. */
const MAPS = ['properties', 'patternProperties', '$defs', 'definitions'];
const NAME_LENGTH_MAX = 80;

/**
 * A sentence on the first `type` within the schema that is no JSON type; null: all are. The scan of
 * the body bounds how deep a schema can be.
 */
export function wrongTypeIn(schema: unknown): string | null {
  const path = wrongTypePath(schema, '');
  if (path === null) return null;
  const at = path.slice(0, NAME_LENGTH_MAX);
  return `the schema's ${at} must be string, number, integer, boolean, object, array or null, or a list of these.`;
}

function wrongTypePath(schema: unknown, path: string): string | null {
  if (Array.isArray(schema)) return firstOf(schema.entries(), (each, at) => wrongTypePath(each, `${path}${at}.`));
  if (!isRecord(schema)) return null;
  const { type } = schema;
  if (type !== undefined && !isType(type)) return `${path}type`;
  for (const name of SCHEMAS) {
    const found = Object.hasOwn(schema, name) ? wrongTypePath(schema[name], `${path}${name}.`) : null;
    if (found !== null) return found;
  }
  for (const name of MAPS) {
    const map = schema[name];
    if (!isRecord(map)) continue;
    const found = firstOf(Object.entries(map), (each, at) => wrongTypePath(each, `${path}${name}.${at}.`));
    if (found !== null) return found;
  }
  return null;
}

function isType(type: unknown): boolean {
  return Array.isArray(type) ? type.length > 0 && type.every((one) => TYPES.has(one)) : TYPES.has(type);
}

function firstOf<K>(
  entries: Iterable<readonly [at: K, value: unknown]>,
  find: (value: unknown, at: K) => string | null,
): string | null {
  for (const [at, value] of entries) {
    const found = find(value, at);
    if (found !== null) return found;
  }
  return null;
}
