/**
 * What OpenAI asks of a schema that is to be kept to strictly: every property is required, and no
 * other is allowed (https://platform.openai.com/docs/guides/structured-outputs).
 */
import type { JsonRecord } from '../record.ts';
import { isRecord, recordOf } from '../record.ts';

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
