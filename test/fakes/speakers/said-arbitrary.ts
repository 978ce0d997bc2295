/** Answers of all kinds, for properties that hold whatever a model says. */
import * as fc from 'fast-check';
import type { Said } from './said.ts';

const text = fc.oneof(
  fc.constantFrom('It is cold: −3 °C.', '你好，世界。', '<think>Hm.</think>\n\nYes.', '"usage":{"a":1}', 'a\tb\\u0041'),
  fc.string({ minLength: 1, maxLength: 60 }),
  fc.string({ minLength: 1, maxLength: 20, unit: 'grapheme' }),
);

const call = fc.record({
  id: fc.stringMatching(/^[a-zA-Z0-9]{9}$/),
  name: fc.stringMatching(/^[a-z_]{1,12}$/),
  arguments: fc.dictionary(
    fc.stringMatching(/^[a-z]{1,8}$/),
    fc.oneof(fc.integer(), fc.boolean(), fc.string(), fc.constant('é\n'), fc.array(fc.integer(), { maxLength: 3 })),
    { maxKeys: 4, noNullPrototype: true },
  ),
});

/** An answer that is whole, with a text, calls or both, and maybe reasoning. */
export const anySaid: fc.Arbitrary<Said> = fc
  .record({
    thinking: fc.option(text, { nil: undefined }),
    text: fc.option(text, { nil: undefined }),
    calls: fc.uniqueArray(call, { maxLength: 3, selector: ({ id }) => id }),
  })
  .filter(({ text: said, calls }) => said !== undefined || calls.length > 0)
  .map(({ thinking, text: said, calls }) => ({
    id: 'a1',
    model: 'model',
    ...(thinking !== undefined && { thinking: { text: thinking, signature: 'c2lnbmVk' } }),
    ...(said !== undefined && { text: said }),
    ...(calls.length > 0 && { calls }),
    finish: calls.length > 0 ? 'tool_calls' : 'stop',
    usage: { input: 100, cached: 40, output: 30, reasoning: 0 },
  }));
