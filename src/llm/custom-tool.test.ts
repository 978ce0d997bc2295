import { expect, test } from 'vitest';
import type { AnswerEvent, ChatAnswer, ChatRequest, Part } from './canonical.ts';
import {
  argumentsOfCustom,
  customCallEventsToText,
  customCallsToText,
  functionOfCustom,
  usesCustomTools,
} from './custom-tool.ts';

const TOOL = { kind: 'custom', name: 'c', description: 'd', extra: { format: 'text' } } as const;
const REQUEST = { tools: [TOOL, functionOfCustom({ ...TOOL, name: 'f' })] } as unknown as ChatRequest;

test('the tool becomes one that takes an object, and keeps what else it has', () => {
  expect(functionOfCustom(TOOL)).toMatchObject({
    kind: 'function',
    name: 'c',
    description: 'd',
    parameters: { required: ['input'] },
    extra: { format: 'text' },
  });
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
