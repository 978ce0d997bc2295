import { expect, test } from 'vitest';
import type { AnswerEvent, ChatAnswer, ChatRequest, Part } from './canonical.ts';
import { JSON_TOOL, jsonToolEventsToText, jsonToolToText, usesJsonTool } from './json-tool.ts';
import { UNKNOWN_TRAITS } from './model-traits.ts';

const text = (value: string): Part => ({ kind: 'text', text: value });
const call = (name: string, args: string): Part => ({ kind: 'tool_call', id: name, name, arguments: args });

function answerOf(parts: readonly Part[]): ChatAnswer {
  const finish = { reason: 'tool_calls' } as const;
  return { id: '', model: '', createdS: null, choices: [{ index: 0, parts, finish }], usage: null, extra: {} };
}

function events(parts: readonly Part[]): readonly AnswerEvent[] {
  return [
    { type: 'start', id: '', model: '', createdS: null, extra: {} },
    ...parts.flatMap((part, index): readonly AnswerEvent[] => {
      const start =
        part.kind === 'tool_call' ? { kind: part.kind, id: part.id, name: part.name } : { kind: 'text' as const };
      const value = part.kind === 'tool_call' ? part.arguments : part.kind === 'text' ? part.text : '';
      return [
        { type: 'open', choice: 0, part: index, start },
        { type: 'delta', choice: 0, text: value },
        { type: 'close', choice: 0 },
      ];
    }),
    { type: 'finish', choice: 0, finish: { reason: 'tool_calls' } },
    { type: 'end' },
  ];
}

const CASES: readonly (readonly [string, readonly Part[], readonly Part[], string])[] = [
  ['the call alone', [call(JSON_TOOL, '{"a":1}')], [text('{"a":1}')], 'stop'],
  ['the call after words', [text('I call it.'), call(JSON_TOOL, '{}'), text('Done.')], [text('{}')], 'stop'],
  ['another call', [text('First'), call('f', '{}')], [text('First'), call('f', '{}')], 'tool_calls'],
  ['both calls', [call('f', '{}'), call(JSON_TOOL, '[]')], [call('f', '{}'), text('[]')], 'tool_calls'],
  ['words alone', [text('No.')], [text('No.')], 'tool_calls'],
];

test.each(CASES)('%s: whole', (_name, parts, expected, reason) => {
  expect(jsonToolToText(answerOf(parts)).choices).toEqual([{ index: 0, parts: expected, finish: { reason } }]);
});

test.each(CASES)('%s: as a stream that keeps its promises', (_name, parts, expected, reason) => {
  const told: AnswerEvent[] = [];
  const take = jsonToolEventsToText((event) => told.push(event));
  for (const event of events(parts)) take(event);
  expect(told).toEqual(
    events(expected).map((event) => (event.type === 'finish' ? { ...event, finish: { reason } } : event)),
  );
});

test('the tool is for a schema of an object, and a model that keeps to none', () => {
  const request = (schema: Record<string, unknown>, extraOf: ChatRequest['extraOf']) =>
    ({ format: { kind: 'json_schema', name: '', description: null, schema, strict: null }, extraOf }) as ChatRequest;
  const object = { type: 'object' };
  expect(usesJsonTool(request(object, 'openai'), UNKNOWN_TRAITS)).toBe(true);
  expect(usesJsonTool(request(object, 'anthropic'), UNKNOWN_TRAITS)).toBe(false);
  expect(usesJsonTool(request(object, 'anthropic'), { ...UNKNOWN_TRAITS, structuredOutput: false })).toBe(true);
  expect(usesJsonTool(request(object, 'openai'), { ...UNKNOWN_TRAITS, structuredOutput: true })).toBe(false);
  expect(usesJsonTool(request({ type: 'array' }, 'openai'), UNKNOWN_TRAITS)).toBe(false);
});
