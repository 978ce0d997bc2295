import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AnswerFault } from '../faults.ts';
import type { JsonRecord } from '../record.ts';
import { anthropicProvider } from './provider-codec.ts';
import { block, collected, delta, end, json, sse, start, stop, streamed, text, typesOf } from './stream-fixture.ts';

describe('the reader', () => {
  test('joins the counts of start and end, the last value of each', () => {
    const events = streamed(
      sse(
        start({ usage: { input_tokens: 34_824, output_tokens: 1, cache_creation: { ephemeral_1h_input_tokens: 3 } } }),
        ...end('end_turn', { input_tokens: 3883, cache_read_input_tokens: 30_464, output_tokens: 9 }),
      ),
    );
    expect(collected(events).usage).toEqual({
      inputTokens: 34_347,
      cachedInputTokens: 30_464,
      cacheWriteTokens: 0,
      outputTokens: 9,
      reasoningTokens: 0,
      cacheWrite1hTokens: 3,
    });
  });

  test('holds back a block that begins before the one ahead of it is whole', () => {
    const events = streamed(
      sse(
        start(),
        block(0, { type: 'tool_use', id: 'a', name: 'f', input: {} }),
        block(1, { type: 'tool_use', id: 'b', name: 'g', input: {} }),
        json(1, '{"y":'),
        json(0, '{"x":1}'),
        json(1, '2}'),
        stop(1),
        stop(0),
        ...end('tool_use'),
      ),
    );
    expect(collected(events).choices[0]).toEqual({
      index: 0,
      parts: [
        { kind: 'tool_call', id: 'a', name: 'f', arguments: '{"x":1}' },
        { kind: 'tool_call', id: 'b', name: 'g', arguments: '{"y":2}' },
      ],
      finish: { reason: 'tool_calls', raw: 'tool_use' },
    });
  });

  test('takes what servers leave out: starts, stops, arguments, the right reason', () => {
    const events = streamed(
      sse(
        text(0, 'Hi'),
        block(1, { type: 'tool_use', id: 'a', name: 'f', input: { x: 1 } }),
        block(2, { type: 'tool_use', id: 'b', name: 'f' }),
        ...end('end_turn'),
      ),
    );
    expect(collected(events).choices[0]).toMatchObject({
      parts: [{ text: 'Hi' }, { arguments: '{"x":1}' }, { arguments: '{}' }],
      finish: { reason: 'tool_calls' },
    });
  });

  test('keeps reasoning and text apart where a server tells both in one block', () => {
    const thought = delta(0, { type: 'thinking_delta', thinking: 'hm' });
    const events = streamed(
      sse(start(), block(0, { type: 'text', text: '' }), thought, text(0, 'Hi'), stop(0), ...end('end_turn')),
    );
    expect(collected(events).choices[0]?.parts).toEqual([
      { kind: 'text', text: '' },
      { kind: 'thinking', text: 'hm', signature: null },
      { kind: 'text', text: 'Hi' },
    ]);
  });

  test('gives redacted reasoning, tools of the server and citations whole', () => {
    const citation = { type: 'web_search_result_location', url: 'https://example.com', title: 'T', cited_text: 'c' };
    const events = streamed(
      sse(
        start(),
        block(0, { type: 'redacted_thinking', data: 'dark' }),
        stop(0),
        block(1, { type: 'server_tool_use', id: 's', name: 'web_search', input: {} }),
        json(1, '{"query":"q"}'),
        stop(1),
        block(2, { type: 'text', text: '' }),
        delta(2, { type: 'citations_delta', citation }),
        text(2, 'so'),
        stop(2),
        ...end('pause_turn'),
      ),
    );
    expect(collected(events).choices[0]).toEqual({
      index: 0,
      parts: [
        { kind: 'thinking', text: '', signature: { of: 'anthropic', value: 'dark' }, redacted: true },
        {
          kind: 'opaque',
          of: 'anthropic',
          value: { type: 'server_tool_use', id: 's', name: 'web_search', input: { query: 'q' } },
        },
        {
          kind: 'text',
          text: 'so',
          annotations: [
            { url: 'https://example.com', title: 'T', from: 0, to: 2, quote: 'c', raw: citation, of: 'anthropic' },
          ],
        },
      ],
      finish: { reason: 'pause', raw: 'pause_turn' },
    });
  });

  test('ends what broke off as incomplete, and says no end', () => {
    const events = streamed(
      sse(start(), block(0, { type: 'text', text: '' }), text(0, 'Hi'), block(1, { type: 'server_tool_use' })),
    );
    expect(typesOf(events)).toEqual(['start', 'open', 'delta', 'close', 'finish']);
    expect(events.at(-1)).toMatchObject({ finish: { reason: 'incomplete' } });
    expect(streamed(Buffer.from('data: {"choices":[]}\n\n'))).toEqual([]);
  });

  test('tells an error in mid-stream, and nothing after it', () => {
    const error = { type: 'overloaded_error', message: 'Overloaded' };
    const events = streamed(sse(start(), { type: 'error', error }, ...end('end_turn')));
    expect(typesOf(events)).toEqual(['start', 'error']);
    expect(events[1]).toMatchObject({ error: { ...error, status: 529 } });
  });

  test('begins once where the start comes twice, and refuses a second answer behind half a first', () => {
    const twice = streamed(sse(start(), start(), block(0, { type: 'text', text: 'a' }), stop(0), ...end('end_turn')));
    expect(typesOf(twice)).toEqual(['start', 'open', 'delta', 'close', 'finish', 'end']);
    const spliced = streamed(sse(start(), block(0, { type: 'text', text: 'a' }), start({ id: 'other' }), text(0, 'b')));
    expect(typesOf(spliced)).toEqual(['start', 'open', 'delta', 'error']);
  });

  test.each([
    ['model_context_window_exceeded', 'context_length'],
    ['max_tokens', 'length'],
    ['refusal', 'refusal'],
    ['something_new', 'stop'],
  ])('reads the stop reason %s as %s', (raw, reason) => {
    expect(collected(streamed(sse(start(), ...end(raw)))).choices[0]?.finish).toEqual({ reason, raw });
  });

  test('keeps its promises whatever comes', () => {
    const json = fc.oneof(
      fc.record({
        type: fc.constantFrom(
          'message_start',
          'content_block_start',
          'content_block_delta',
          'content_block_stop',
          'message_delta',
          'message_stop',
          'ping',
        ),
        index: fc.constantFrom(0, 1, 2),
        message: fc.constantFrom({ id: 'a' }, { id: 'b', content: [{ type: 'text', text: 'x' }] }, null),
        content_block: fc.constantFrom(
          { type: 'text', text: 't' },
          { type: 'tool_use', id: 'i', name: 'n' },
          { type: 'redacted_thinking', data: 'd' },
          { type: 'thinking' },
          { type: 'web_search_tool_result' },
        ),
        delta: fc.constantFrom(
          { type: 'text_delta', text: 'x' },
          { type: 'input_json_delta', partial_json: '{' },
          { type: 'thinking_delta', thinking: 'h' },
          { type: 'signature_delta', signature: 's' },
          { stop_reason: 'end_turn' },
        ),
        usage: fc.constantFrom({}, null, { output_tokens: 1 }),
      }),
      fc.dictionary(fc.constantFrom('type', 'message', 'delta', 'error', 'usage', '__proto__'), fc.jsonValue()),
    );
    fc.assert(
      fc.property(fc.array(json, { maxLength: 25 }), fc.array(fc.nat({ max: 2000 })), (bodies, cuts) => {
        const bytes = sse(...(bodies as readonly JsonRecord[]));
        const events = streamed(bytes);
        expect(
          streamed(
            bytes,
            cuts.filter((cut) => cut <= bytes.length),
          ),
        ).toEqual(events);
        const last = events.at(-1)?.type;
        if (last === 'error' || events.length === 0) return;
        collected(events);
        expect(typesOf(events)).toContain('finish');
        expect(['end', 'finish', 'usage']).toContain(last);
      }),
      { numRuns: 300 },
    );
  });
});

test('what is no answer is a fault of the answer', () => {
  expect(() => anthropicProvider.readChat({ type: 'error', error: { message: 'no' } })).toThrow(AnswerFault);
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom('content', 'usage', 'stop_details', 'id'), fc.jsonValue()), (body) => {
      try {
        anthropicProvider.readChat(body);
      } catch (error) {
        expect(error).toBeInstanceOf(AnswerFault);
      }
    }),
  );
});
