import type { Endpoint } from './contract.ts';
import { jsonSchema, objectParts } from './openapi.ts';
import type { JsonSchema } from './openapi.ts';

interface FlagRow {
  readonly name: string;
  readonly in: 'query' | 'body';
  readonly path: readonly string[];
  readonly type: 'string' | 'integer' | 'number' | 'boolean' | 'strings' | 'json';
  readonly required: boolean;
  readonly nullable: boolean;
  readonly values: readonly string[] | null;
  readonly description: string;
  readonly secret: boolean;
}

/** What client and CLI need of an endpoint at run time, as plain data. */
export function operationRow(endpoint: Endpoint) {
  const { method, path, summary, description, cli } = endpoint;
  return {
    method,
    path,
    params: [...path.matchAll(/:(\w+)/g)].map((match) => match[1] ?? ''),
    summary,
    description,
    cli: cli && { verb: cli.verb, columns: cli.columns ?? null },
    flags: [
      ...flagsOf(jsonSchema(endpoint.query, 'input', {}), 'query', []),
      ...flagsOf(jsonSchema(endpoint.body, 'input', {}), 'body', []),
    ],
  };
}

/** One flag a leaf: inner objects are flattened, since the names of their fields speak for themselves. */
function flagsOf(schema: JsonSchema, place: 'query' | 'body', path: readonly string[]): readonly FlagRow[] {
  const { properties, required } = objectParts(schema);
  return Object.entries(properties).flatMap(([name, property]) => {
    const { plain, nullable } = withoutNull(property);
    const inner = [...path, name];
    if (plain['type'] === 'object') return flagsOf(plain, place, inner);
    return [
      {
        name: kebab(name),
        in: place,
        path: inner,
        type: flagType(plain),
        required: required.includes(name) && path.length === 0,
        nullable,
        values: Array.isArray(plain['enum']) ? plain['enum'].map(String) : null,
        description: describe(property, plain),
        secret: plain['writeOnly'] === true,
      },
    ];
  });
}

function withoutNull(schema: JsonSchema): { readonly plain: JsonSchema; readonly nullable: boolean } {
  const alternatives: readonly JsonSchema[] = Array.isArray(schema['anyOf']) ? schema['anyOf'] : [schema];
  const plain = alternatives.find(({ type }) => type !== 'null') ?? schema;
  return { plain, nullable: alternatives.length > 1 };
}

function flagType(schema: JsonSchema): FlagRow['type'] {
  switch (schema['type']) {
    case 'integer':
    case 'number':
    case 'boolean':
      return schema['type'];
    case 'array':
      return isObjectSchema(schema['items']) ? 'json' : 'strings';
    default:
      return isObjectSchema(schema) ? 'json' : 'string';
  }
}

/** An object, or one of several kinds of object. */
function isObjectSchema(schema: unknown): boolean {
  if (typeof schema !== 'object' || schema === null) return false;
  if ('oneOf' in schema && Array.isArray(schema.oneOf)) return schema.oneOf.every(isObjectSchema);
  return 'type' in schema && schema.type === 'object';
}

function describe(outer: JsonSchema, plain: JsonSchema): string {
  const text = outer['description'] ?? plain['description'];
  const fallback = outer['default'];
  const shown =
    fallback === undefined || (Array.isArray(fallback) && fallback.length === 0)
      ? ''
      : `Default: ${typeof fallback === 'string' ? fallback : JSON.stringify(fallback)}.`;
  return [typeof text === 'string' ? text : '', shown].filter((part) => part !== '').join(' ');
}

function kebab(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
