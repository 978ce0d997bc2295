import { expect, test } from 'vitest';
import type { DialectName } from './dialect.ts';
import { ownExtra } from './own-extra.ts';
import { Report } from './report.ts';

function told(extraOf: DialectName, extra: Readonly<Record<string, unknown>>, path = ''): readonly string[] {
  const report = new Report();
  expect(ownExtra(extra, path, { extraOf, dialect: 'bedrock', report })).toEqual({});
  return report.warnings.map(({ kind, field }) => `${kind} ${field}`);
}

test('members go to the dialect that they are of, and to no other without a report', () => {
  const extra = { mine: 1 };
  const report = new Report();
  expect(ownExtra(extra, '', { extraOf: 'cohere', dialect: 'cohere', report })).toBe(extra);
  expect(report.warnings).toEqual([]);
  expect(told('openai', { metadata: { a: 1 }, store: true })).toEqual(['dropped metadata', 'dropped store']);
  expect(told('openai', { odd: 1 }, 'messages[0]')).toEqual(['dropped messages[0].odd']);
});

test('what clients send of habit, and asks for nothing more, is not reported', () => {
  const include = ['reasoning.encrypted_content'];
  const idle = { store: false, service_tier: 'auto', include, client_metadata: {}, annotations: [], gone: null };
  expect(told('openai-responses', idle)).toEqual([]);
  expect(told('openai-responses', { include: [...include, 'file_search_call.results'] })).toEqual(['dropped include']);
});

test('marks that a client sends back with an answer are not reported', () => {
  const item = { id: 'msg_1', status: 'completed', message: { id: 'msg_1', phase: 'final_answer' } };
  expect(told('openai-responses', item, 'input[0]')).toEqual([]);
  expect(told('anthropic', { caller: { type: 'direct' } }, 'messages[1].content[0]')).toEqual([]);
  expect(told('anthropic', { caller: { type: 'code_execution_20250825' } }, 'm')).toEqual(['dropped m.caller']);
  expect(told('openai', { id: 1 }, 'messages[0]')).toEqual(['dropped messages[0].id']);
});
