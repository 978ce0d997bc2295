/**
 * What Claude, and any model on Amazon Bedrock, can be held to of a JSON schema: a request with any
 * other keyword is refused (https://platform.claude.com/docs/en/build-with-claude/structured-outputs,
 * https://docs.aws.amazon.com/bedrock/latest/userguide/structured-output.html).
 */
import type { JsonRecord } from '../record.ts';
import { isRecord, recordOf } from '../record.ts';

const PLAIN: ReadonlySet<string> = new Set('$ref type enum const description title required default'.split(' '));
const NAMED: ReadonlySet<string> = new Set(['properties', '$defs', 'definitions']);
const LISTED: ReadonlySet<string> = new Set(['anyOf', 'allOf']);
const FORMATS: ReadonlySet<unknown> = new Set(
  'date-time time date duration email hostname uri ipv4 ipv6 uuid'.split(' '),
);

export interface KeptSchema {
  readonly schema: JsonRecord;
  /** The keywords that stand in descriptions instead: the model is told them, but not held to them. */
  readonly told: ReadonlySet<string>;
  /** Whether an object that was open takes only the named members now. */
  readonly isClosed: boolean;
}

interface Changes {
  readonly told: Set<string>;
  isClosed: boolean;
}

export function keptSchema(schema: JsonRecord): KeptSchema {
  const changes: Changes = { told: new Set(), isClosed: false };
  const fitting = kept(schema, changes);
  return { schema: fitting, ...changes };
}

/** Whether the schema is one that Claude can be held to as it is. */
export function keepsAll(schema: JsonRecord): boolean {
  const { told, isClosed } = keptSchema(schema);
  return told.size === 0 && !isClosed;
}

function kept(schema: JsonRecord, changes: Changes): JsonRecord {
  const members = Object.entries(schema).flatMap(([name, value]): readonly (readonly [string, unknown])[] => {
    if (PLAIN.has(name)) return [[name, value]];
    // It only names the draft.
    if (name === '$schema') return [];
    if (NAMED.has(name)) return [[name, eachOf(recordOf(value), changes)]];
    if (LISTED.has(name) && Array.isArray(value)) return [[name, value.map((each: unknown) => nested(each, changes))]];
    if (name === 'oneOf' && Array.isArray(value))
      return [['anyOf', value.map((each: unknown) => nested(each, changes))]];
    if (name === 'items') return [[name, nested(value, changes)]];
    if (name === 'format' && FORMATS.has(value)) return [[name, value]];
    if (name === 'minItems' && (value === 0 || value === 1)) return [[name, value]];
    if (name === 'additionalProperties' && value === false) return [];
    changes.told.add(name);
    return [['description', `${name}: ${JSON.stringify(value)}`]];
  });
  const isObject = schema['type'] === 'object' || isRecord(schema['properties']);
  if (isObject && schema['additionalProperties'] !== false) {
    changes.isClosed = true;
    // A map of anything becomes an object without members: that must not go unsaid.
    if (Object.keys(recordOf(schema['properties'])).length === 0) changes.told.add('additionalProperties');
  }
  return joined(members, isObject);
}

/** Descriptions become one; an object takes no members that are not named. */
function joined(members: readonly (readonly [string, unknown])[], isObject: boolean): JsonRecord {
  const descriptions = members
    .filter(([name]) => name === 'description')
    .flatMap(([, value]) => (typeof value === 'string' ? [value] : []));
  return {
    ...Object.fromEntries(members),
    ...(descriptions.length > 0 && { description: descriptions.join('\n') }),
    ...(isObject && { additionalProperties: false }),
  };
}

function eachOf(schemas: JsonRecord, changes: Changes): JsonRecord {
  return Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [name, nested(schema, changes)]));
}

function nested(schema: unknown, changes: Changes): unknown {
  return isRecord(schema) ? kept(schema, changes) : schema;
}
