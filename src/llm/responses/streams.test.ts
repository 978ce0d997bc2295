import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { AnswerEvent } from '../canonical.ts';
import { AnswerFault, RequestFault } from '../faults.ts';
import { isRecord, parsedOrUndefined, recordOf, type JsonRecord } from '../record.ts';
import { Report } from '../report.ts';
import { answers, CONTEXT, eventsOf } from './arbitraries.ts';
import { responsesClient } from './client-codec.ts';
import { foldEvents } from './fold-events.ts';
import { responsesProvider } from './provider-codec.ts';
import { throughSdk } from './through-sdk.ts';

const START: AnswerEvent = { type: 'start', id: 'resp_1', model: 'm', createdS: 1, extra: {} };
const STOP: AnswerEvent = { type: 'finish', choice: 0, finish: { reason: 'stop' } };

describe('a stream that is written', () => {
  test('is read as the same events again, however the bytes are split', () => {
    fc.assert(
      fc.property(answers, fc.array(fc.nat({ max: 5000 }), { maxLength: 10 }), (answer, cuts) => {
        const bytes = Buffer.from(written(eventsOf(answer)));
        const folded = foldEvents(readIn(bytes, cuts));
        expect({
          ...folded.start,
          choices: [{ index: 0, parts: folded.parts, finish: folded.finish }],
          usage: folded.usage,
        }).toEqual(answer);
        expect(folded.hasEnd).toBe(true);
      }),
    );
  });

  test('ends with the response that the whole answer would be', () => {
    fc.assert(
      fc.property(answers, (answer) => {
        const events = dataOf(written(eventsOf(answer)));
        expect(recordOf(events.at(-1)?.['response'])).toEqual(responsesClient.writeChat(answer, CONTEXT, new Report()));
      }),
    );
  });

  test('numbers its events from 0 without a gap, and names each as its data does', () => {
    fc.assert(
      fc.property(answers, (answer) => {
        const text = written(eventsOf(answer));
        expect(dataOf(text).map((event) => event['sequence_number'])).toEqual(dataOf(text).map((_, index) => index));
        expect(fieldsOf(text, 'event: ')).toEqual(dataOf(text).map(({ type }) => type));
      }),
    );
  });

  test('is taken by the official SDK, event by event', async () => {
    await fc.assert(
      fc.asyncProperty(answers, async (answer) => {
        const response = await throughSdk(written(eventsOf(answer)));
        const whole = responsesClient.writeChat(answer, CONTEXT, new Report());
        expect(JSON.parse(JSON.stringify(response.output, withoutParsed))).toEqual(whole['output']);
        expect(response.output_text).toBe(whole['output_text']);
      }),
      { numRuns: 40 },
    );
  });

  test('of text, thinking and parallel calls reaches the SDK as such', async () => {
    const response = await throughSdk(
      written([
        START,
        { type: 'open', choice: 0, part: 0, start: { kind: 'thinking' } },
        { type: 'delta', choice: 0, text: 'Let me ' },
        { type: 'delta', choice: 0, text: 'see.' },
        { type: 'signature', choice: 0, signature: { of: 'anthropic', value: 'proof' } },
        { type: 'close', choice: 0 },
        { type: 'open', choice: 0, part: 1, start: { kind: 'text' } },
        { type: 'delta', choice: 0, text: 'Looking up.' },
        { type: 'close', choice: 0 },
        { type: 'open', choice: 0, part: 2, start: { kind: 'tool_call', id: 'toolu_1', name: 'weather' } },
        { type: 'delta', choice: 0, text: '{"city":' },
        { type: 'delta', choice: 0, text: '"Bern"}' },
        { type: 'close', choice: 0 },
        { type: 'open', choice: 0, part: 3, start: { kind: 'tool_call', id: 'toolu_2', name: 'now' } },
        { type: 'close', choice: 0 },
        { type: 'finish', choice: 0, finish: { reason: 'tool_calls' } },
        { type: 'end' },
      ]),
    );
    expect(response.status).toBe('completed');
    expect(response.output_text).toBe('Looking up.');
    expect(response.output.map(({ type }) => type)).toEqual(['reasoning', 'message', 'function_call', 'function_call']);
    expect(response.output[2]).toMatchObject({ call_id: 'toolu_1', arguments: '{"city":"Bern"}' });
    expect(response.output[3]).toMatchObject({ call_id: 'toolu_2', arguments: '{}' });
    const [reasoning] = response.output;
    expect(reasoning).toMatchObject({ summary: [{ type: 'summary_text', text: 'Let me see.' }] });
    const [turn] = responsesClient.readChat({ model: 'm', input: [reasoning] }, { model: null, stream: false }).turns;
    expect(turn?.parts[0]).toMatchObject({ kind: 'thinking', signature: { of: 'anthropic', value: 'proof' } });
  });

  test('without any part is still a whole response', async () => {
    const response = await throughSdk(written([START, STOP, { type: 'end' }]));
    expect(response).toMatchObject({ status: 'completed', output: [] });
  });

  test('tells usage that came before the first part, and only the last', async () => {
    const usage = { inputTokens: 3, cachedInputTokens: 1, cacheWriteTokens: 0, outputTokens: 9, reasoningTokens: 4 };
    const response = await throughSdk(
      written([
        START,
        { type: 'usage', usage: { ...usage, outputTokens: 1 } },
        { type: 'usage', usage },
        STOP,
        { type: 'end' },
      ]),
    );
    expect(response.usage).toMatchObject({ input_tokens: 3, output_tokens: 9, total_tokens: 12 });
  });

  test('leaves out choices beyond the first', () => {
    const text = written([
      START,
      { type: 'open', choice: 1, part: 0, start: { kind: 'text' } },
      { type: 'delta', choice: 1, text: 'second' },
      { type: 'close', choice: 1 },
      { type: 'finish', choice: 1, finish: { reason: 'length' } },
      STOP,
      { type: 'end' },
    ]);
    expect(text).not.toContain('second');
    expect(dataOf(text).at(-1)).toMatchObject({ type: 'response.completed', response: { output: [] } });
  });

  test('that was cut short is incomplete, and so is the item that was open', async () => {
    const response = await throughSdk(
      written([
        START,
        { type: 'open', choice: 0, part: 0, start: { kind: 'text' } },
        { type: 'delta', choice: 0, text: 'Onc' },
        { type: 'close', choice: 0 },
        { type: 'finish', choice: 0, finish: { reason: 'length' } },
        { type: 'end' },
      ]),
    );
    expect(response).toMatchObject({ status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } });
    expect(response.output[0]).toMatchObject({ status: 'incomplete' });
  });

  test.each(['before', 'after'])(
    'carries a signature that comes %s the input of a call, and gives it back',
    async (place) => {
      const signature = { of: 'gemini' as const, value: 'c2ln' };
      const signed: AnswerEvent = { type: 'signature', choice: 0, signature };
      const input: AnswerEvent = { type: 'delta', choice: 0, text: '{"a":1}' };
      const response = await throughSdk(
        written([
          START,
          { type: 'open', choice: 0, part: 0, start: { kind: 'tool_call', id: 'a', name: 'f' } },
          ...(place === 'before' ? [signed, input] : [input, signed]),
          { type: 'close', choice: 0 },
          STOP,
          { type: 'end' },
        ]),
      );
      const [turn] = responsesClient.readChat(
        { model: 'm', input: response.output },
        { model: null, stream: false },
      ).turns;
      expect(turn?.parts).toEqual([{ kind: 'tool_call', id: 'a', name: 'f', arguments: '{"a":1}', signature }]);
    },
  );

  test('makes the SDK throw when it fails, in mid-stream and before any event', async () => {
    const error = { status: 502, code: 'provider_failed', message: 'The provider broke off.', requestId: 'req_1' };
    const writer = responsesClient.streamChat(CONTEXT, new Report());
    const before = writer.write(START) + writer.write({ type: 'open', choice: 0, part: 0, start: { kind: 'text' } });
    await expect(throughSdk(before + writer.fail(error))).rejects.toThrow('The provider broke off.');
    expect(writer.write({ type: 'end' }) + writer.fail(error)).toBe('');
    const failed = responsesClient.streamChat(CONTEXT, new Report()).fail(error);
    await expect(throughSdk(failed)).rejects.toThrow('The provider broke off.');
    expect(dataOf(failed).at(-1)).toMatchObject({ type: 'response.failed', response: { status: 'failed' } });
  });
});

test("a provider's error in mid-stream reaches the client, and is read as that error again", () => {
  const error = { message: 'Too many tokens.', type: 'rate_limit_exceeded', status: 429 };
  const text = written([START, { type: 'error', error }, STOP, { type: 'end' }]);
  expect(readIn(Buffer.from(text), []).at(-1)).toEqual({ type: 'error', error });
});

describe('a stream that is read', () => {
  test('tells items that are interleaved one after the other', () => {
    const folded = foldEvents(
      readEvents([
        { type: 'response.created', response: { id: 'resp_1', model: 'm', created_at: 5 } },
        added(0, { type: 'function_call', id: 'fc_1', call_id: 'call_1', name: 'f', arguments: '' }),
        added(1, { type: 'function_call', id: 'fc_2', call_id: 'call_2', name: 'g', arguments: '' }),
        { type: 'response.function_call_arguments.delta', output_index: 1, delta: '{"b":' },
        { type: 'response.function_call_arguments.delta', output_index: 0, delta: '{"a":' },
        { type: 'response.function_call_arguments.delta', output_index: 1, delta: '2}' },
        done(1, { type: 'function_call', call_id: 'call_2', name: 'g', arguments: '{"b":2}' }),
        { type: 'response.function_call_arguments.delta', output_index: 0, delta: '1}' },
        done(0, { type: 'function_call', call_id: 'call_1', name: 'f', arguments: '{"a":1}' }),
        { type: 'response.completed', response: { status: 'completed', output: [] } },
      ]),
    );
    expect(folded.parts).toEqual([
      { kind: 'tool_call', id: 'call_1', name: 'f', arguments: '{"a":1}' },
      { kind: 'tool_call', id: 'call_2', name: 'g', arguments: '{"b":2}' },
    ]);
    expect(folded.finish?.reason).toBe('tool_calls');
  });

  test('takes what it missed from the last event, and nothing twice', () => {
    const message = { type: 'message', id: 'other', content: [{ type: 'output_text', text: 'Hello there' }] };
    const call = { type: 'function_call', call_id: 'c', name: 'f', arguments: '' };
    const folded = foldEvents(
      readEvents([
        added(0, { type: 'message', id: 'msg_1', content: [] }),
        { type: 'response.output_text.delta', output_index: 0, content_index: 0, delta: 'Hello' },
        { type: 'response.completed', response: { status: 'completed', output: [message, call] } },
      ]),
    );
    expect(folded.parts).toEqual([
      { kind: 'text', text: 'Hello there' },
      { kind: 'tool_call', id: 'c', name: 'f', arguments: '{}' },
    ]);
  });

  test('joins the parts of a summary as the whole answer does', () => {
    const item = {
      type: 'reasoning',
      summary: [
        { type: 'summary_text', text: 'One' },
        { type: 'summary_text', text: 'Two' },
      ],
      encrypted_content: 'secret',
    };
    const folded = foldEvents(
      readEvents([
        added(0, { type: 'reasoning', summary: [] }),
        { type: 'response.reasoning_summary_text.delta', output_index: 0, summary_index: 0, delta: 'One' },
        { type: 'response.reasoning_summary_text.delta', output_index: 0, summary_index: 1, delta: 'Two' },
        done(0, item),
        { type: 'response.completed', response: { status: 'completed', output: [item] } },
      ]),
    );
    expect(folded.parts).toEqual(responsesProvider.readChat({ output: [item] }).choices[0]?.parts);
  });

  test('that breaks off closes what is open and says that it is incomplete', () => {
    const folded = foldEvents(
      readEvents([
        added(0, { type: 'message', content: [] }),
        { type: 'response.output_text.delta', output_index: 0, delta: 'Hel' },
        added(1, { type: 'function_call', call_id: 'c', name: 'f', arguments: '' }),
        { type: 'response.function_call_arguments.delta', output_index: 1, delta: '{"a' },
      ]),
    );
    expect(folded.parts).toMatchObject([{ text: 'Hel' }, { name: 'f', arguments: '{"a' }]);
    expect(folded).toMatchObject({ finish: { reason: 'incomplete' }, hasEnd: false });
  });

  test.each<[string, JsonRecord, number]>([
    ['flat', { type: 'error', code: 'rate_limit_exceeded', message: 'Slow down.' }, 429],
    [
      'nested',
      { type: 'error', error: { type: 'insufficient_quota', code: 'insufficient_quota', message: 'No quota.' } },
      429,
    ],
    [
      'of a failed response',
      { type: 'response.failed', response: { error: { code: 'server_error', message: 'Oh.' } } },
      500,
    ],
    ['of another form', { error: { message: 'No.', type: 'invalid_request_error' } }, 400],
  ])('tells an error that is %s, and nothing after it', (_, event, status) => {
    const events = readEvents([
      { type: 'response.created', response: {} },
      event,
      { type: 'response.completed', response: {} },
    ]);
    expect(events.at(-1)).toMatchObject({ type: 'error', error: { status } });
  });

  test('is refused where it is of another dialect', () => {
    expect(() => readEvents([{ choices: [{ delta: {} }] }])).toThrow(AnswerFault);
  });

  test('never throws anything but a fault, whatever its events hold', () => {
    const types = fc.constantFrom(
      'error',
      'response.created',
      'response.output_item.added',
      'response.output_item.done',
      'response.content_part.added',
      'response.content_part.done',
      'response.output_text.delta',
      'response.output_text.annotation.added',
      'response.reasoning_summary_text.delta',
      'response.function_call_arguments.delta',
      'response.function_call_arguments.done',
      'response.completed',
      'response.incomplete',
      'response.failed',
    );
    const item = fc.oneof(
      fc.record(
        {
          type: fc.constantFrom('message', 'reasoning', 'function_call', 'custom_tool_call', 'x'),
          content: fc.jsonValue(),
          summary: fc.jsonValue(),
          name: fc.jsonValue(),
          arguments: fc.jsonValue(),
        },
        { requiredKeys: ['type'] },
      ),
      fc.jsonValue(),
    );
    const event = fc.record(
      {
        type: types,
        output_index: fc.oneof(fc.nat({ max: 3 }), fc.jsonValue()),
        content_index: fc.oneof(fc.nat({ max: 2 }), fc.jsonValue()),
        item,
        part: fc.oneof(
          fc.record({ type: fc.constantFrom('output_text', 'refusal'), text: fc.jsonValue() }),
          fc.jsonValue(),
        ),
        delta: fc.oneof(fc.string(), fc.jsonValue()),
        annotation: fc.jsonValue(),
        response: fc.oneof(
          fc.record({ output: fc.array(item), usage: fc.jsonValue() }, { requiredKeys: [] }),
          fc.jsonValue(),
        ),
      },
      { requiredKeys: ['type'] },
    );
    fc.assert(
      fc.property(fc.array(event, { maxLength: 12 }), (events) => {
        const seen: AnswerEvent[] = [];
        try {
          const reader = responsesProvider.readStream((told) => seen.push(told));
          for (const data of events) reader.push(Buffer.from(`data: ${JSON.stringify(data)}\n\n`));
          reader.end();
        } catch (fault) {
          expect(fault instanceof AnswerFault || fault instanceof RequestFault).toBe(true);
        }
        foldEvents(seen);
      }),
      { numRuns: 500 },
    );
  });
});

function written(events: readonly AnswerEvent[]): string {
  const writer = responsesClient.streamChat(CONTEXT, new Report());
  return events.map((event) => writer.write(event)).join('');
}

function readIn(bytes: Buffer, cuts: readonly number[]): AnswerEvent[] {
  const events: AnswerEvent[] = [];
  const reader = responsesProvider.readStream((event) => events.push(event));
  const places = [0, ...[...cuts].sort((a, b) => a - b), bytes.length];
  for (const [index, from] of places.entries()) reader.push(bytes.subarray(from, places[index + 1] ?? bytes.length));
  reader.end();
  return events;
}

function readEvents(events: readonly JsonRecord[]): AnswerEvent[] {
  return readIn(Buffer.from(events.map((event) => `data: ${JSON.stringify(event)}\r\n\r\n`).join('')), []);
}

function dataOf(text: string): JsonRecord[] {
  return fieldsOf(text, 'data: ').map(parsedOrUndefined).filter(isRecord);
}

function fieldsOf(text: string, start: string): string[] {
  return text.split('\n').flatMap((line) => (line.startsWith(start) ? [line.slice(start.length)] : []));
}

function added(index: number, item: JsonRecord): JsonRecord {
  return { type: 'response.output_item.added', output_index: index, item };
}

function done(index: number, item: JsonRecord): JsonRecord {
  return { type: 'response.output_item.done', output_index: index, item };
}

/** The SDK's own additions. */
function withoutParsed(name: string, value: unknown): unknown {
  return name === 'parsed' || name === 'parsed_arguments' ? undefined : value;
}
