import { expect, test } from 'vitest';
import type { AnswerEvent, ChatAnswer, ChatRequest, Part } from './canonical.ts';
import {
  argumentsOfCustom,
  customCallEventsToText,
  customCallsToText,
  functionOfCustom,
  usesCustomTools,
} from './custom-tool.ts';
import { Report } from './report.ts';

const GRAMMAR = { syntax: 'lark', definition: 'start: "x"' };
const TOOL = {
  kind: 'custom',
  name: 'c',
  description: 'd',
  extra: { format: { type: 'grammar', ...GRAMMAR }, other: 1 },
} as const;
const REQUEST = {
  tools: [TOOL, functionOfCustom({ ...TOOL, name: 'f' }, 'tools[1]', new Report())],
} as unknown as ChatRequest;

test('the tool becomes one that takes an object, is told its grammar, and keeps what else it has', () => {
  const report = new Report();
  const nested = { custom: { format: { type: 'grammar', grammar: GRAMMAR } }, other: 1 };
  for (const tool of [TOOL, { ...TOOL, extra: nested }])
    expect(functionOfCustom(tool, 'tools[0]', report)).toEqual({
      kind: 'function',
      name: 'c',
      description: 'd',
      parameters: {
        type: 'object',
        properties: { input: { type: 'string', description: 'Text that follows this lark grammar:\nstart: "x"' } },
        required: ['input'],
      },
      strict: null,
      extra: { other: 1 },
    });
  expect(report.warnings.map(({ field }) => field)).toEqual(['tools[0]']);
  expect(usesCustomTools(REQUEST)).toBe(true);
});

test.each([
  ['c', argumentsOfCustom('say "hi"\n'), 'say "hi"\n', true],
  ['c', '{"other":1}', '{"other":1}', true],
  ['c', 'plain', 'plain', true],
  ['f', '{"input":"x"}', '{"input":"x"}', undefined],
])('a call of %s with %s gives %j, whole and as a stream', (name, args, text, custom) => {
  const call = (value: string, isCustom?: boolean): Part => ({
    kind: 'tool_call',
    id: 'a',
    name,
    arguments: value,
    ...(isCustom === undefined ? {} : { custom: isCustom }),
  });
  const finish = { reason: 'tool_calls' } as const;
  const answer = (part: Part): ChatAnswer => ({
    id: '',
    model: '',
    createdS: null,
    choices: [{ index: 0, parts: [part], finish }],
    usage: null,
    extra: {},
  });
  expect(customCallsToText(answer(call(args)), REQUEST)).toEqual(answer(call(text, custom)));
  const told: AnswerEvent[] = [];
  const take = customCallEventsToText(REQUEST, (event) => told.push(event));
  const start = { kind: 'tool_call', id: 'a', name } as const;
  take({ type: 'open', choice: 0, part: 0, start });
  for (const piece of args.match(/[\s\S]{1,4}/g) ?? []) take({ type: 'delta', choice: 0, text: piece });
  take({ type: 'close', choice: 0 });
  const deltas = told.map((event) => (event.type === 'delta' ? event.text : ''));
  expect(deltas.join('')).toBe(text);
  expect(told[0]).toEqual({
    type: 'open',
    choice: 0,
    part: 0,
    start: custom === undefined ? start : { ...start, custom },
  });
  expect(told.at(-1)).toEqual({ type: 'close', choice: 0 });
});
