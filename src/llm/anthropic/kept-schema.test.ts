import { expect, test } from 'vitest';
import { keptSchema } from './kept-schema.ts';

test('keywords that Claude cannot be held to are told in descriptions, and objects are closed', () => {
  const { schema, told } = keptSchema({
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    type: 'object',
    properties: {
      city: { type: 'string', description: 'Where.', minLength: 2 },
      at: { type: 'string', format: 'date-time' },
      days: { type: 'array', minItems: 1, items: { type: 'integer', minimum: 1 } },
      wind: { oneOf: [{ type: 'null' }, { $ref: '#/$defs/wind' }] },
    },
    required: ['city'],
    $defs: { wind: { properties: { speed: { type: 'number' } }, additionalProperties: true } },
  });
  expect(schema).toEqual({
    type: 'object',
    properties: {
      city: { type: 'string', description: 'Where.\nminLength: 2' },
      at: { type: 'string', format: 'date-time' },
      days: { type: 'array', minItems: 1, items: { type: 'integer', description: 'minimum: 1' } },
      wind: { anyOf: [{ type: 'null' }, { $ref: '#/$defs/wind' }] },
    },
    required: ['city'],
    $defs: {
      wind: {
        properties: { speed: { type: 'number' } },
        description: 'additionalProperties: true',
        additionalProperties: false,
      },
    },
    additionalProperties: false,
  });
  expect([...told]).toEqual(['minLength', 'minimum', 'additionalProperties']);
});

test('a map of anything cannot be kept to, and is told', () => {
  expect([...keptSchema({ type: 'object' }).told]).toEqual(['additionalProperties']);
});

test('a property may have the name of a keyword', () => {
  const { schema, told } = keptSchema({ type: 'object', properties: { minimum: { type: 'number' } } });
  expect(schema['properties']).toEqual({ minimum: { type: 'number' } });
  expect(told.size).toBe(0);
});
