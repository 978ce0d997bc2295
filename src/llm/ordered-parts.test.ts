import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { AnswerEvent } from './canonical.ts';
import { AnswerFault } from './faults.ts';
import { OrderedParts } from './ordered-parts.ts';

interface Step {
  readonly call: number;
  readonly text: string;
}

test('calls that are mixed in any way come one after the other, each whole', () => {
  const steps = fc.array(fc.record({ call: fc.nat({ max: 3 }), text: fc.constantFrom('a', 'b', '') }), {
    maxLength: 30,
  });
  fc.assert(
    fc.property(steps, fc.shuffledSubarray([0, 1, 2, 3]), (mixed, endings) => {
      const events: AnswerEvent[] = [];
      const parts = new OrderedParts(0, (event) => events.push(event));
      for (const call of [0, 1, 2, 3]) parts.begin(String(call), { kind: 'tool_call', id: String(call), name: 'look' });
      for (const { call, text } of mixed) parts.delta(String(call), text);
      for (const call of endings) parts.end(String(call));
      parts.endAll();
      expect(wholeCalls(events)).toEqual([0, 1, 2, 3].map((call) => textOf(mixed, call) || '{}'));
    }),
  );
});

function textOf(steps: readonly Step[], call: number): string {
  return steps.map((step) => (step.call === call ? step.text : '')).join('');
}

/** The text between each opening and its closing. */
function wholeCalls(events: readonly AnswerEvent[]): readonly string[] {
  const texts: string[] = [];
  let open = false;
  for (const event of events) {
    expect(event.type === 'open').toBe(!open);
    if (event.type === 'open') texts.push('');
    if (event.type === 'delta') texts.push((texts.pop() ?? '') + event.text);
    open = event.type !== 'close';
  }
  expect(open).toBe(false);
  return texts;
}

test('a text that is followed by another part needs no end of its own', () => {
  const events: AnswerEvent[] = [];
  const parts = new OrderedParts(0, (event) => events.push(event));
  parts.begin('a', { kind: 'text' });
  parts.begin('b', { kind: 'text' });
  expect(events.map(({ type }) => type)).toEqual(['open', 'close', 'open']);
  expect([parts.has('a'), parts.has('b')]).toEqual([false, true]);
});

test('what waits for the end of a call is bounded', () => {
  const parts = new OrderedParts(0, () => {});
  parts.begin('a', { kind: 'tool_call', id: '', name: '' });
  parts.begin('b', { kind: 'text' });
  const megabyte = 'x'.repeat(1024 * 1024);
  expect(() => {
    for (let i = 0; i < 17; i++) parts.delta('b', megabyte);
  }).toThrow(AnswerFault);
});
