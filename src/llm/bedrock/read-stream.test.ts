import { readFileSync, readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { eventsOf, gathered } from '../../../test/answer-events.ts';
import { AnswerFault } from '../faults.ts';
import type { JsonRecord } from '../record.ts';
import { parsedOrUndefined, recordOf } from '../record.ts';
import { bedrockProvider } from './provider-codec.ts';
import { eventFrame, exceptionFrame } from './write-frame.ts';

const { readStream } = bedrockProvider;

/** Events as `[type, body]`, framed. */
function framed(events: readonly (readonly [type: string, body: JsonRecord])[]): Buffer {
  return Buffer.concat(events.map(([type, body]) => eventFrame(type, body)));
}

function delta(index: number, content: JsonRecord): readonly [string, JsonRecord] {
  return ['contentBlockDelta', { contentBlockIndex: index, delta: content }];
}

function call(index: number, id: string, name = 'look'): readonly [string, JsonRecord] {
  return ['contentBlockStart', { contentBlockIndex: index, start: { toolUse: { toolUseId: id, name } } }];
}

function over(index: number): readonly [string, JsonRecord] {
  return ['contentBlockStop', { contentBlockIndex: index }];
}

const STOP = ['messageStop', { stopReason: 'end_turn' }] as const;
const METADATA = ['metadata', { usage: { inputTokens: 7, outputTokens: 3, totalTokens: 10 }, metrics: {} }] as const;

describe('a stream', () => {
  test('of thinking, text and calls is read in order, with the signature whole', () => {
    const bytes = framed([
      ['messageStart', { role: 'assistant' }],
      delta(0, { reasoningContent: { text: 'Two ' } }),
      delta(0, { reasoningContent: { text: 'places.' } }),
      delta(0, { reasoningContent: { signature: 'c2ln' } }),
      over(0),
      delta(1, { text: 'Looking.' }),
      over(1),
      call(2, 'tooluse_a'),
      delta(2, { toolUse: { input: '{"at":' } }),
      delta(2, { toolUse: { input: '"Rome"}' } }),
      over(2),
      call(3, 'tooluse_b'),
      delta(3, { toolUse: { input: '' } }),
      over(3),
      ['messageStop', { stopReason: 'tool_use' }],
      METADATA,
    ]);
    expect(gathered(eventsOf(readStream, bytes))).toEqual({
      id: '',
      parts: [
        { start: { kind: 'thinking' }, text: 'Two places.', signature: { of: 'anthropic', value: 'c2ln' } },
        { start: { kind: 'text' }, text: 'Looking.' },
        { start: { kind: 'tool_call', id: 'tooluse_a', name: 'look' }, text: '{"at":"Rome"}' },
        { start: { kind: 'tool_call', id: 'tooluse_b', name: 'look' }, text: '{}' },
      ],
      finish: { reason: 'tool_calls', raw: 'tool_use' },
      usage: { inputTokens: 7, cachedInputTokens: 0, cacheWriteTokens: 0, outputTokens: 3, reasoningTokens: 0 },
      ended: true,
    });
  });

  test('with mixed parallel calls gives one call after the other', () => {
    const bytes = framed([
      call(0, 'a'),
      call(1, 'b'),
      delta(1, { toolUse: { input: '[2' } }),
      delta(0, { toolUse: { input: '[1' } }),
      over(1),
      delta(0, { toolUse: { input: ']' } }),
      over(0),
      call(2, 'c'),
      ['messageStop', { stopReason: 'tool_use' }],
    ]);
    const { parts } = gathered(eventsOf(readStream, bytes));
    expect(parts.map(({ text }) => text)).toEqual(['[1]', '[2', '{}']);
  });

  test('with redacted reasoning keeps what stands for it', () => {
    const bytes = framed([delta(0, { reasoningContent: { redactedContent: 'ZGF0YQ==' } }), over(0), STOP]);
    expect(gathered(eventsOf(readStream, bytes)).parts).toEqual([
      { start: { kind: 'thinking' }, text: '', signature: { of: 'anthropic', value: 'ZGF0YQ==' }, redacted: true },
    ]);
  });

  test('that has its usage before its stop reason is whole', () => {
    const { usage, ended } = gathered(eventsOf(readStream, framed([delta(0, { text: 'a' }), METADATA, STOP, STOP])));
    expect([usage?.inputTokens, ended]).toEqual([7, true]);
  });

  test('without usage is whole as well', () => {
    const { usage, ended } = gathered(eventsOf(readStream, framed([delta(0, { text: 'a' }), STOP])));
    expect([usage, ended]).toEqual([null, true]);
  });

  test('counts the cache within the input', () => {
    const usage = {
      inputTokens: 5,
      outputTokens: 2,
      cacheReadInputTokens: 100,
      cacheWriteInputTokens: 30,
      cacheDetails: [
        { ttl: '1h', inputTokens: 20 },
        { ttl: '5m', inputTokens: 10 },
      ],
    };
    expect(gathered(eventsOf(readStream, framed([STOP, ['metadata', { usage }]]))).usage).toEqual({
      inputTokens: 135,
      cachedInputTokens: 100,
      cacheWriteTokens: 30,
      cacheWrite1hTokens: 20,
      outputTokens: 2,
      reasoningTokens: 0,
    });
  });

  test('tells the stop string where the model does', () => {
    const stop = { stopReason: 'stop_sequence', additionalModelResponseFields: { delta: { stop_sequence: 'END' } } };
    expect(gathered(eventsOf(readStream, framed([['messageStop', stop]]))).finish).toEqual({
      reason: 'stop_sequence',
      raw: 'stop_sequence',
      stopSequence: 'END',
    });
  });

  test('that breaks off is incomplete, and has no end', () => {
    const whole = framed([delta(0, { text: 'Half' }), call(1, 'a'), STOP]);
    const { parts, finish, ended } = gathered(eventsOf(readStream, whole.subarray(0, -5)));
    expect([parts.length, finish?.reason, ended]).toEqual([2, 'incomplete', false]);
    expect(eventsOf(readStream, Buffer.alloc(0))).toEqual([]);
  });

  test.each([
    ['throttlingException', 429],
    ['validationException', 400],
    ['internalServerException', 500],
    ['serviceUnavailableException', 503],
    ['modelStreamErrorException', 424],
    ['newException', 500],
  ])('with a %s tells an error of status %i, and nothing after it', (type, status) => {
    const bytes = Buffer.concat([
      framed([delta(0, { text: 'a' })]),
      exceptionFrame(type, { message: 'Wait.' }),
      framed([delta(0, { text: 'b' }), STOP]),
    ]);
    const events = eventsOf(readStream, bytes);
    gathered(events);
    expect(events.at(-1)).toEqual({ type: 'error', error: { type, message: 'Wait.', status } });
  });

  test('of another format is a fault of the answer, and is not read on', () => {
    const reader = readStream(() => expect.unreachable());
    expect(() => reader.push(Buffer.from('data: {"choices": []}\n\n'))).toThrow(AnswerFault);
    reader.push(framed([STOP]));
    reader.end();
  });

  test('of any events keeps the promises, and throws nothing but an AnswerFault', () => {
    const body = fc.oneof(
      fc.record({ contentBlockIndex: fc.nat({ max: 3 }), delta: fc.oneof(anyDelta(), fc.jsonValue()) }),
      fc.record({
        contentBlockIndex: fc.nat({ max: 3 }),
        start: fc.constantFrom(
          {},
          { toolUse: { toolUseId: 'a', name: 'b' } },
          { toolUse: { type: 'server_tool_use' } },
        ),
      }),
      fc.record({ contentBlockIndex: fc.nat({ max: 3 }) }),
      fc.record({ stopReason: fc.constantFrom('end_turn', 'new_word', 5), usage: fc.constant({ inputTokens: 1 }) }),
      fc.dictionary(fc.string(), fc.jsonValue()),
    );
    const type = fc.constantFrom(
      'messageStart',
      'contentBlockStart',
      'contentBlockDelta',
      'contentBlockDelta',
      'contentBlockDelta',
      'contentBlockStop',
      'messageStop',
      'metadata',
      'somethingNew',
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(type, body), { maxLength: 20 }), (events) => {
        gathered(eventsOf(readStream, framed(events)));
      }),
    );
  });
});

function anyDelta(): fc.Arbitrary<JsonRecord> {
  const words = fc.constantFrom('', 'a', 'bc');
  return fc.oneof(
    fc.record({ text: words }),
    fc.record({ toolUse: fc.record({ input: words }) }),
    fc.record({ reasoningContent: fc.oneof(fc.record({ text: words }), fc.record({ signature: words })) }),
    fc.record({ citation: fc.record({ title: words }) }),
  );
}

describe('a whole answer', () => {
  test('gives thinking, cited text and calls', () => {
    const message = {
      role: 'assistant',
      content: [
        { reasoningContent: { reasoningText: { text: 'Hm.', signature: 'c2ln' } } },
        { reasoningContent: { redactedContent: 'eA==' } },
        {
          citationsContent: {
            content: [{ text: 'It is ' }, { text: 'so.' }],
            citations: [{ title: 'Book', location: { web: { url: 'https://example.com/a' } } }],
          },
        },
        { toolUse: { toolUseId: 'tooluse_1', name: 'look', input: { at: 'Rome' } } },
      ],
    };
    const answer = bedrockProvider.readChat({ output: { message }, stopReason: 'tool_use', usage: {} });
    expect(answer.choices).toEqual([
      {
        index: 0,
        parts: [
          { kind: 'thinking', text: 'Hm.', signature: { of: 'anthropic', value: 'c2ln' } },
          { kind: 'thinking', text: '', signature: { of: 'anthropic', value: 'eA==' }, redacted: true },
          {
            kind: 'text',
            text: 'It is so.',
            annotations: [
              {
                url: 'https://example.com/a',
                title: 'Book',
                from: 0,
                to: 9,
                raw: message.content[2]?.citationsContent?.citations[0],
                of: 'bedrock',
              },
            ],
          },
          { kind: 'tool_call', id: 'tooluse_1', name: 'look', arguments: '{"at":"Rome"}' },
        ],
        finish: { reason: 'tool_calls', raw: 'tool_use' },
      },
    ]);
    expect(answer.usage).toBeNull();
  });

  test.each([
    ['end_turn', 'stop'],
    ['max_tokens', 'length'],
    ['model_context_window_exceeded', 'context_length'],
    ['guardrail_intervened', 'content_filter'],
    ['content_filtered', 'content_filter'],
    ['malformed_tool_use', 'malformed_call'],
    ['a_new_reason', 'stop'],
  ])('that ended by %s finishes with %s', (stopReason, reason) => {
    const answer = bedrockProvider.readChat({ output: { message: { content: [] } }, stopReason });
    expect(answer.choices[0]?.finish).toEqual({ reason, raw: stopReason });
  });

  test('that has no message is a fault, and nothing else is thrown for any JSON', () => {
    expect(() => bedrockProvider.readChat({ message: 'no' })).toThrow(AnswerFault);
    const block = fc.oneof(
      fc.dictionary(
        fc.constantFrom('text', 'toolUse', 'reasoningContent', 'citationsContent', 'image'),
        fc.jsonValue(),
      ),
      fc.jsonValue(),
    );
    fc.assert(
      fc.property(fc.array(block), fc.jsonValue(), (content, usage) => {
        bedrockProvider.readChat({ output: { message: { content } }, usage });
      }),
    );
  });

  test('to a question for the number of tokens is its count', () => {
    expect(bedrockProvider.tokenCount?.read({ inputTokens: 12 })).toBe(12);
    expect(() => bedrockProvider.tokenCount?.read({})).toThrow(AnswerFault);
  });
});

const folder = process.env['KEYWARD_RECORDINGS'];
if (folder === undefined)
  console.warn('KEYWARD_RECORDINGS is not set: the tests that replay recorded answers of Amazon Bedrock are skipped.');

describe.runIf(folder !== undefined)('recorded answers of Amazon Bedrock', () => {
  test.each(recordings('.chunks.txt'))('as a stream, $name, are read whole under any split', ({ lines }) => {
    const bytes = framed(
      lines.flatMap((line) => Object.entries(line).map(([type, body]) => [type, recordOf(body)] as const)),
    );
    const expected = plainStream(lines);
    expect(view(bytes)).toEqual(expected);
    fc.assert(
      fc.property(fc.array(fc.nat({ max: bytes.length }), { maxLength: 40 }), (cuts) => {
        expect(view(bytes, cuts)).toEqual(expected);
      }),
      { numRuns: 15 },
    );
  });

  test.each(recordings('.json').filter(({ lines }) => lines[0]?.['output'] !== undefined))(
    'as a whole, $name, are read',
    ({ lines }) => {
      const body = lines[0] ?? {};
      const content = JSON.parse(
        JSON.stringify(recordOf(recordOf(body['output'])['message'])['content']),
      ) as JsonRecord[];
      const { choices, usage } = bedrockProvider.readChat(body);
      const parts = choices[0]?.parts ?? [];
      const texts = parts.flatMap((part) => (part.kind === 'text' ? [part.text] : []));
      expect(texts).toEqual(content.flatMap(({ text }) => (text === undefined ? [] : [text])));
      const calls = parts.flatMap((part) =>
        part.kind === 'tool_call' ? [[part.name, JSON.parse(part.arguments)]] : [],
      );
      expect(calls).toEqual(
        content.flatMap(({ toolUse }) =>
          toolUse === undefined ? [] : [[recordOf(toolUse)['name'], recordOf(toolUse)['input']]],
        ),
      );
      const stated = recordOf(body['usage']);
      expect([usage?.inputTokens, usage?.outputTokens]).toEqual([stated['inputTokens'], stated['outputTokens']]);
      expect(choices[0]?.finish.raw).toBe(body['stopReason']);
    },
  );
});

function view(bytes: Buffer, cuts?: readonly number[]): unknown {
  const { parts, finish, usage, ended } = gathered(eventsOf(readStream, bytes, cuts));
  const textOf = (kind: string): string =>
    parts.flatMap(({ start, text }) => (start.kind === kind ? [text] : [])).join('');
  return {
    text: textOf('text'),
    thinking: textOf('thinking'),
    signature: parts.find(({ signature }) => signature !== undefined)?.signature?.value,
    calls: parts.flatMap(({ start, text }) => (start.kind === 'tool_call' ? [[start.name, JSON.parse(text)]] : [])),
    raw: finish?.raw,
    counts: [usage?.inputTokens, usage?.outputTokens],
    ended,
  };
}

/** A second, plain reading: all deltas of a kind put together. */
function plainStream(lines: readonly JsonRecord[]): unknown {
  const deltas = lines.map((line) => recordOf(recordOf(line['contentBlockDelta'])['delta']));
  const all = (pick: (delta: JsonRecord) => unknown): string =>
    deltas
      .map(pick)
      .filter((text) => typeof text === 'string')
      .join('');
  const names = lines.flatMap((line) => {
    const start = recordOf(line['contentBlockStart']);
    const tool = recordOf(recordOf(start['start'])['toolUse']);
    return tool['name'] === undefined ? [] : [{ index: start['contentBlockIndex'], name: tool['name'] }];
  });
  const usage = recordOf(lines.map((line) => recordOf(line['metadata'])['usage']).find((found) => found !== undefined));
  return {
    text: all(({ text }) => text),
    thinking: all(({ reasoningContent }) => recordOf(reasoningContent)['text']),
    signature: all(({ reasoningContent }) => recordOf(reasoningContent)['signature']) || undefined,
    calls: names.map(({ index, name }) => {
      const input = lines
        .map((line) => recordOf(line['contentBlockDelta']))
        .filter(({ contentBlockIndex }) => contentBlockIndex === index)
        .map(({ delta: content }) => recordOf(recordOf(recordOf(content)['toolUse']))['input']);
      return [name, parsedOrUndefined(input.join('') || '{}')];
    }),
    raw: lines.map((line) => recordOf(line['messageStop'])['stopReason']).find((found) => found !== undefined),
    counts: [usage['inputTokens'], usage['outputTokens']],
    ended: true,
  };
}

function recordings(ending: string): { readonly name: string; readonly lines: readonly JsonRecord[] }[] {
  if (folder === undefined) return [];
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith(ending) && basename(dirname(file)) === 'amazon-bedrock')
    .map((file) => {
      const text = readFileSync(join(folder, file), 'utf8');
      const texts = ending === '.json' ? [text] : text.split('\n').filter((line) => line.trim() !== '');
      return { name: basename(file), lines: texts.map((line) => recordOf(parsedOrUndefined(line))) };
    });
}
