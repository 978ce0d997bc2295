import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, expectTypeOf, test } from 'vitest';
import type { z } from 'zod';
import type { ChangeDefinition, ReadDefinition } from '../../src/admin/contract.ts';
import { generatedFiles } from '../../src/admin/generate.ts';
import { buildOpenApi, objectParts } from '../../src/admin/openapi.ts';
import { operationRow } from '../../src/admin/operations-table.ts';
import type { OperationInput, OperationOutput } from '../../src/client/client.ts';
import { ENDPOINTS } from '../../src/admin/resources/index.ts';

type AnyChange = ChangeDefinition<string, z.ZodObject, z.ZodObject, z.ZodType, z.ZodType>;
type AnyRead = ReadDefinition<string, z.ZodObject, z.ZodObject, z.ZodType>;

/** Asked by POST, as what they are asked with does not belong into a URL. */
const QUESTIONS: readonly string[] = ['diagnose.run', 'keys.verify', 'keys.test', 'credentials.test'];

test('an endpoint without a permission, or a change without an audit declaration, does not compile', () => {
  expectTypeOf<Omit<AnyChange, 'permission'>>().not.toExtend<AnyChange>();
  expectTypeOf<Omit<AnyChange, 'audit'>>().not.toExtend<AnyChange>();
  expectTypeOf<Omit<AnyRead, 'permission'>>().not.toExtend<AnyRead>();
  expectTypeOf<AnyRead['method']>().toEqualTypeOf<'GET'>();
  expectTypeOf<AnyChange['method']>().toEqualTypeOf<'POST' | 'PATCH' | 'DELETE'>();
});

test('the client asks for what an operation requires, and for nothing else', () => {
  expectTypeOf<{ body: { name: string } }>().toExtend<OperationInput<'keys.create'>>();
  expectTypeOf<{ body: { environment: 'live' } }>().not.toExtend<OperationInput<'keys.create'>>();
  expectTypeOf<{ params: { kid: string } }>().toExtend<OperationInput<'keys.revoke'>>();
  expectTypeOf<{ body: { reason: string } }>().not.toExtend<OperationInput<'keys.revoke'>>();
  expectTypeOf<OperationOutput<'keys.create'>['key']>().toEqualTypeOf<string>();
});

describe.each(ENDPOINTS.map((endpoint) => [endpoint.id, endpoint] as const))('%s', (_id, endpoint) => {
  test('names the parameters of its path, each once', () => {
    const named = [...endpoint.path.matchAll(/:(\w+)/g)].map((match) => match[1]);
    expect(Object.keys(endpoint.params.shape)).toEqual(named);
  });

  test('is audited if and only if it changes something', () => {
    expect(endpoint.audit === 'none').toBe(endpoint.method === 'GET' || QUESTIONS.includes(endpoint.id));
  });

  test('has flags whose names differ', () => {
    const flags = operationFlags(endpoint.id);
    expect(new Set(flags).size).toBe(flags.length);
  });
});

test('ids, routes and command line verbs are unique', () => {
  const all = ENDPOINTS.flatMap(({ id, method, path, cli }) => [id, `${method} ${path}`, ...(cli ? [cli.verb] : [])]);
  // A verb of one word, such as `status`, is no id.
  expect(all.length).toBe(new Set(all).size);
});

test('the OpenAPI document refers to nothing that it does not hold', () => {
  const document = buildOpenApi(ENDPOINTS, '1.2.3');
  const references = [...JSON.stringify(document).matchAll(/"#\/components\/schemas\/(\w+)"/g)].map(
    (match) => match[1] ?? '',
  );
  expect(references.length).toBeGreaterThan(20);
  expect(references.filter((name) => !(name in document.components.schemas))).toEqual([]);
  expect(JSON.stringify(document)).not.toContain('#/$defs');
});

test('no answer has a field for a secret, except those that issue one', () => {
  const document = buildOpenApi(ENDPOINTS, '1.2.3');
  const withSecret = Object.entries(document.components.schemas).filter(([, schema]) =>
    Object.keys(objectParts(schema).properties).some((name) => /^(key|secret|secrets|hash)$/.test(name)),
  );
  expect(withSecret.map(([name]) => name)).toEqual([
    'CreatedKey',
    'RotatedKey',
    'MintedKey',
    'ReissuedCase',
    'CreatedWebhook',
  ]);
});

test('what is generated out of the contract is committed as it would be generated', async () => {
  for (const [path, content] of await generatedFiles()) {
    expect(readFileSync(join(import.meta.dirname, '../..', path), 'utf8'), path).toBe(content);
  }
});

function operationFlags(id: string): readonly string[] {
  const endpoint = ENDPOINTS.find((candidate) => candidate.id === id);
  return endpoint === undefined ? [] : operationRow(endpoint).flags.map(({ name }) => name);
}
