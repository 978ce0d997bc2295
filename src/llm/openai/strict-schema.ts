/**
 * What OpenAI asks of a schema that is to be kept to strictly: every property is required, and no
 * other is allowed (https://platform.openai.com/docs/guides/structured-outputs).
 */
import type { JsonRecord } from '../record.ts';
import { isRecord, recordOf } from '../record.ts';
import type { Report } from '../report.ts';

const NESTED = ['properties', '$defs', 'definitions'] as const;
const ALTERNATIVES = ['anyOf', 'allOf', 'oneOf'] as const;

export function isStrictSchema(schema: JsonRecord): boolean {
  if (isRecord(schema['properties']) || schema['type'] === 'object') {
    const required = schema['required'];
    const names = Object.keys(recordOf(schema['properties']));
    if (schema['additionalProperties'] !== false) return false;
    if (names.length > 0 && !Array.isArray(required)) return false;
    const listed = new Set<unknown>(Array.isArray(required) ? required : []);
    if (!names.every((name) => listed.has(name))) return false;
  }
  return children(schema).every((child) => !isRecord(child) || isStrictSchema(child));
}

function children(schema: JsonRecord): readonly unknown[] {
  const nested = NESTED.flatMap((name) => Object.values(recordOf(schema[name])));
  const alternatives = ALTERNATIVES.flatMap((name) => listOf(schema[name]));
  return [...nested, ...alternatives, schema['items']];
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/**
 * The member `strict` of a tool or a format. Where the caller's own dialect (`isOwn` false) is laxer
 * about strict schemas, OpenAI would refuse the whole request.
 */
export function strictMember(
  strict: boolean | null,
  schema: JsonRecord,
  isOwn: boolean,
  path: string,
  report: Report,
): JsonRecord {
  if (strict === null) return {};
  if (!strict || isOwn || isStrictSchema(schema)) return { strict };
  report.approximated(path, 'the schema has optional or open members, which a strict one cannot have');
  return { strict: false };
}

/** The name of a format: letters, digits, `_` and `-`, at most 64. */
export function fitName(name: string): string {
  return name.replaceAll(/[^\w-]/g, '_').slice(0, 64) || 'answer';
}
