import { expect, test } from 'vitest';
import { formatInstruction, speaksOfJson } from './format-instruction.ts';

test('a format is asked for in words, its schema included', () => {
  expect(formatInstruction(null)).toBeNull();
  expect(formatInstruction({ kind: 'text' })).toBeNull();
  expect(formatInstruction({ kind: 'json' })).toContain('JSON');
  const schema = { type: 'array' };
  const format = { kind: 'json_schema', name: 'a', description: null, schema, strict: null } as const;
  expect(formatInstruction(format)).toContain('{"type":"array"}');
});

test('a conversation speaks of JSON in any of its texts, however it is written', () => {
  const said = (text: string) => speaksOfJson([{ role: 'user', parts: [{ kind: 'text', text }] }]);
  expect(said('Give me Json.')).toBe(true);
  expect(said('Give me XML.')).toBe(false);
});
