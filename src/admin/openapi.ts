import { z } from 'zod';
import { ERRORS } from '../errors.ts';
import type { ErrorCode } from '../errors.ts';
import type { Endpoint } from './contract.ts';
import { LIVE_TYPES } from './live-answer.ts';

export type JsonSchema = Readonly<Record<string, unknown>>;

export interface OpenApiParameter {
  readonly name: string;
  readonly in: 'path' | 'query';
  readonly required: boolean;
  readonly description?: string;
  readonly schema: JsonSchema;
}

export interface OpenApiContent {
  readonly description: string;
  readonly content: Readonly<Record<string, { readonly schema: JsonSchema }>>;
}

export interface OpenApiOperation {
  readonly operationId: string;
  readonly summary: string;
  readonly description: string;
  readonly tags: readonly string[];
  readonly 'x-permission': string;
  readonly parameters: readonly OpenApiParameter[];
  readonly requestBody?: { readonly required: boolean; readonly content: OpenApiContent['content'] };
  readonly responses: Readonly<Record<string, OpenApiContent>>;
}

export interface OpenApiDocument {
  readonly openapi: '3.1.1';
  readonly info: { readonly title: string; readonly version: string; readonly description: string };
  readonly servers: readonly { readonly url: string }[];
  readonly security: readonly Readonly<Record<string, readonly string[]>>[];
  readonly tags: readonly { readonly name: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, OpenApiOperation>>>>;
  readonly components: {
    readonly securitySchemes: Readonly<Record<string, JsonSchema>>;
    readonly schemas: Readonly<Record<string, JsonSchema>>;
  };
}

const ERRORS_OF_ALL: readonly ErrorCode[] = ['unauthenticated', 'forbidden', 'validation_failed', 'internal_error'];
const ERRORS_OF_CHANGES: readonly ErrorCode[] = ['invalid_json', 'unsupported_media_type', 'body_too_large'];

const PROBLEM: JsonSchema = {
  type: 'object',
  description: 'RFC 9457. `code` is stable; `errors` is there when fields failed validation.',
  required: ['type', 'title', 'status', 'detail', 'code', 'requestId'],
  properties: {
    type: { type: 'string', format: 'uri-reference' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string' },
    code: { type: 'string' },
    requestId: { type: 'string' },
    errors: {
      type: 'array',
      items: {
        type: 'object',
        required: ['in', 'field', 'message'],
        properties: {
          in: { type: 'string', enum: ['path', 'query', 'body'] },
          field: { type: 'string' },
          message: { type: 'string' },
        },
      },
    },
  },
};

/** The OpenAPI 3.1 document of a list of endpoints. */
export function buildOpenApi(endpoints: readonly Endpoint[], version: string): OpenApiDocument {
  const schemas: Record<string, JsonSchema> = { Problem: PROBLEM };
  const byPath = Map.groupBy(endpoints, (endpoint) => openApiPath(endpoint.path));
  const paths = [...byPath].map(
    ([path, list]) =>
      [path, Object.fromEntries(list.map((entry) => [entry.method.toLowerCase(), operation(entry, schemas)]))] as const,
  );
  return {
    openapi: '3.1.1',
    info: {
      title: 'Keyward admin API',
      version,
      description:
        'Every change is audited and, once answered, durable. The header x-keyward-in-force of an answer to a change says whether every worker has acknowledged it. Lists are cursor-paged. The header x-keyward-workspace names the workspace that a call is about, for operators; without it, it is the default one. With ?preview=true, changes of what keys stand on change nothing and answer what they would: which keys stop, and with which code.',
    },
    servers: [{ url: '/api/v1' }],
    security: [{ adminToken: [] }],
    tags: [...new Set(endpoints.map(tagOf))].map((name) => ({ name })),
    paths: Object.fromEntries(paths),
    components: { securitySchemes: { adminToken: { type: 'http', scheme: 'bearer' } }, schemas },
  };
}

/** The resource that an endpoint belongs to. */
function tagOf(endpoint: Endpoint): string {
  return endpoint.id.slice(0, endpoint.id.indexOf('.'));
}

function openApiPath(path: string): string {
  return path.replaceAll(/:(\w+)/g, '{$1}');
}

function operation(endpoint: Endpoint, schemas: Record<string, JsonSchema>): OpenApiOperation {
  const body = endpoint.method === 'GET' ? null : jsonSchema(endpoint.body, 'input', schemas);
  return {
    operationId: endpoint.id,
    summary: endpoint.summary,
    description: endpoint.description,
    tags: [tagOf(endpoint)],
    'x-permission': endpoint.permission,
    parameters: [...parameters(endpoint.params, 'path', schemas), ...parameters(endpoint.query, 'query', schemas)],
    ...(body === null || isEmptyObject(body)
      ? {}
      : { requestBody: { required: 'required' in body, content: { 'application/json': { schema: body } } } }),
    responses: { ...successes(endpoint, schemas), ...failures(endpoint) },
  };
}

function parameters(
  schema: z.ZodObject,
  place: 'path' | 'query',
  schemas: Record<string, JsonSchema>,
): OpenApiParameter[] {
  const { properties, required } = objectParts(jsonSchema(schema, 'input', schemas));
  return Object.entries(properties).map(([name, { description, ...property }]) => ({
    name,
    in: place,
    required: required.includes(name),
    ...(typeof description === 'string' ? { description } : {}),
    schema: property,
  }));
}

function successes(endpoint: Endpoint, schemas: Record<string, JsonSchema>): Record<string, OpenApiContent> {
  const schema = jsonSchema(endpoint.response, 'output', schemas);
  const description = (status: number): string =>
    status === 202 ? 'Stored; not yet in force on every worker.' : 'Success.';
  const content = { 'application/json': { schema }, ...liveContent(endpoint, schema, schemas) };
  return Object.fromEntries(
    endpoint.statuses.map((status) => [String(status), { description: description(status), content }]),
  );
}

/** What a line says, and an event by its name: a part, and at the end the whole answer or a problem. */
function liveContent(
  { part }: Endpoint,
  answer: JsonSchema,
  schemas: Record<string, JsonSchema>,
): OpenApiContent['content'] {
  if (part === null) return {};
  const topics = {
    part: jsonSchema(part, 'output', schemas),
    answer,
    problem: { $ref: '#/components/schemas/Problem' },
  };
  const lines = Object.entries(topics).map(([topic, schema]) => ({
    type: 'object',
    required: [topic],
    properties: { [topic]: schema },
  }));
  const events = Object.entries(topics).map(([topic, schema]) => ({
    type: 'object',
    required: ['event', 'data'],
    properties: {
      event: { const: topic },
      data: { type: 'string', contentMediaType: 'application/json', contentSchema: schema },
    },
  }));
  const [ndjson, eventStream] = LIVE_TYPES;
  return {
    [ndjson]: { schema: { description: 'One JSON object a line, as each is known.', oneOf: lines } },
    [eventStream]: { schema: { description: 'The same as server-sent events.', oneOf: events } },
  };
}

function failures(endpoint: Endpoint): Record<string, OpenApiContent> {
  const codes = [...ERRORS_OF_ALL, ...(endpoint.method === 'GET' ? [] : ERRORS_OF_CHANGES), ...endpoint.errors];
  const byStatus = Map.groupBy([...new Set(codes)], (code) => ERRORS[code].status);
  const answers = [...byStatus].map(([status, list]): [string, OpenApiContent] => [
    String(status),
    {
      description: list.map((code) => `\`${code}\`: ${ERRORS[code].title}`).join(' '),
      content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
    },
  ]);
  return Object.fromEntries(answers);
}

/** A zod schema as JSON Schema; schemas that have an id are put beside the others and referred to. */
export function jsonSchema(schema: z.ZodType, io: 'input' | 'output', schemas: Record<string, JsonSchema>): JsonSchema {
  // Inside an object, a schema that has an id becomes a reference like any other.
  const converted = z.toJSONSchema(z.object({ it: schema }), {
    io,
    target: 'draft-2020-12',
    override: ({ jsonSchema: node }) => tidy(node, io),
  });
  const plain = JSON.parse(JSON.stringify(converted).replaceAll('"#/$defs/', '"#/components/schemas/')) as {
    $defs?: Record<string, JsonSchema>;
    properties?: { it?: JsonSchema };
  };
  Object.assign(schemas, plain.$defs);
  return plain.properties?.it ?? {};
}

/** The members of an object schema. */
export function objectParts(schema: JsonSchema): {
  readonly properties: Readonly<Record<string, JsonSchema>>;
  readonly required: readonly string[];
} {
  const { properties = {}, required = [] } = schema as {
    properties?: Record<string, JsonSchema>;
    required?: readonly string[];
  };
  return { properties, required };
}

function isEmptyObject(schema: JsonSchema): boolean {
  return Object.keys(objectParts(schema).properties).length === 0;
}

function tidy(node: z.core.JSONSchema.BaseSchema, io: 'input' | 'output'): void {
  // The format says it all; the pattern of a date is a page long.
  if (node.format === 'date-time') delete node.pattern;
  if (node.minimum === Number.MIN_SAFE_INTEGER) delete node.minimum;
  if (node.maximum === Number.MAX_SAFE_INTEGER) delete node.maximum;
  // Answers may gain members: clients must not refuse them.
  if (io === 'output') delete node.additionalProperties;
}
