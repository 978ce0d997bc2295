import { readFileSync, readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { eventsOf, gathered } from '../../../test/answer-events.ts';
import { AnswerFault } from '../faults.ts';
import type { JsonRecord } from '../record.ts';
import { parsedOrUndefined, recordOf } from '../record.ts';
import { eventText } from '../sse.ts';
import { TextPlaces } from './citations.ts';
import { cohereProvider } from './provider-codec.ts';

const { readStream } = cohereProvider;

function framed(events: readonly JsonRecord[]): Buffer {
  return Buffer.from(events.map((event) => eventText(String(event['type']), JSON.stringify(event))).join(''));
}

function event(type: string, index: number, message: JsonRecord = {}): JsonRecord {
  return { type, index, delta: { message } };
}

const START = { type: 'message-start', id: 'abc', delta: { message: { role: 'assistant', content: [] } } };

function content(index: number, piece: JsonRecord): JsonRecord {
  return event('content-delta', index, { content: piece });
}

function call(index: number, id: string): JsonRecord {
  return event('tool-call-start', index, {
    tool_calls: { id, type: 'function', function: { name: 'look', arguments: '' } },
  });
}

function input(index: number, text: string): JsonRecord {
  return event('tool-call-delta', index, { tool_calls: { function: { arguments: text } } });
}

function end(word: string): JsonRecord {
  const usage = {
    billed_units: { input_tokens: 20, output_tokens: 5 },
    tokens: { input_tokens: 500, output_tokens: 9 },
    cached_tokens: 490,
  };
  return { type: 'message-end', delta: { finish_reason: word, usage } };
}

describe('a stream', () => {
  test('of a plan and calls is read in order, and what is billed is counted', () => {
    const bytes = framed([
      START,
      event('tool-plan-delta', 0, { tool_plan: 'I will ' }),
      event('tool-plan-delta', 0, { tool_plan: 'look.' }),
      call(0, 'look_1'),
      input(0, '{"at":'),
      input(0, '"Rome"}'),
      event('tool-call-end', 0),
      call(1, 'look_2'),
      event('tool-call-end', 1),
      end('TOOL_CALL'),
    ]);
    expect(gathered(eventsOf(readStream, bytes))).toEqual({
      id: 'abc',
      parts: [
        { start: { kind: 'thinking' }, text: 'I will look.' },
        { start: { kind: 'tool_call', id: 'look_1', name: 'look' }, text: '{"at":"Rome"}' },
        { start: { kind: 'tool_call', id: 'look_2', name: 'look' }, text: '{}' },
      ],
      finish: { reason: 'tool_calls', raw: 'TOOL_CALL' },
      // 480 of the 500 tokens are Cohere's own and stand first: of what is billed 10 were cached.
      usage: { inputTokens: 20, cachedInputTokens: 10, cacheWriteTokens: 0, outputTokens: 5, reasoningTokens: 0 },
      ended: true,
    });
  });

  test.each([[['null']], [['nu', 'll']], [[' null ']], [['']], [[' ']]])(
    'with the arguments %j calls with none',
    (texts) => {
      const bytes = framed([
        START,
        call(0, 'a'),
        ...texts.map((text) => input(0, text)),
        event('tool-call-end', 0),
        end('TOOL_CALL'),
      ]);
      expect(gathered(eventsOf(readStream, bytes)).parts[0]?.text).toBe('{}');
    },
  );

  test('that begins arguments like null keeps what they are', () => {
    const bytes = framed([START, call(0, 'a'), input(0, 'nu'), input(0, 'mber'), end('TOOL_CALL')]);
    expect(gathered(eventsOf(readStream, bytes)).parts[0]?.text).toBe('number');
  });

  test('has citations with their text, also after its end, in UTF-16 units', () => {
    const citation = {
      start: 2,
      end: 5,
      text: 'sky',
      sources: [
        { type: 'document', id: 'doc:0', document: { id: 'doc:0', title: 'Colours', url: 'https://example.com/c' } },
        { type: 'tool', id: 'look_1' },
      ],
      type: 'TEXT_CONTENT',
    };
    const bytes = framed([
      START,
      event('content-start', 0, { content: { type: 'text', text: '' } }),
      content(0, { text: '😀 sky' }),
      event('content-end', 0),
      event('citation-start', 0, { citations: citation }),
      event('citation-start', 1, { citations: { ...citation, type: 'PLAN' } }),
      event('citation-end', 0),
      end('COMPLETE'),
    ]);
    expect(gathered(eventsOf(readStream, bytes)).parts).toEqual([
      {
        start: { kind: 'text' },
        text: '😀 sky',
        annotations: [
          { url: 'https://example.com/c', title: 'Colours', from: 3, to: 6, raw: citation, of: 'cohere' },
          { url: null, title: 'look_1', from: 3, to: 6, raw: citation, of: 'cohere' },
        ],
      },
    ]);
  });

  test('that breaks off is incomplete, and has no end', () => {
    const { finish, ended } = gathered(eventsOf(readStream, framed([START, content(0, { text: 'Half' })])));
    expect([finish?.reason, ended]).toEqual(['incomplete', false]);
  });

  test('that ends with an error tells it', () => {
    const failed = { type: 'message-end', delta: { finish_reason: 'ERROR', error: 'model is gone' } };
    for (const last of [failed, { message: 'model is gone' }]) {
      const events = eventsOf(readStream, framed([START, content(0, { text: 'a' }), last, content(0, { text: 'b' })]));
      gathered(events);
      expect(events.at(-1)).toMatchObject({ type: 'error', error: { message: 'model is gone', status: 500 } });
    }
  });

  test('of another dialect is a fault of the answer', () => {
    expect(() => eventsOf(readStream, Buffer.from('data: {"choices":[]}\n\ndata: [DONE]\n\n'))).toThrow(AnswerFault);
    expect(eventsOf(readStream, Buffer.alloc(0))).toEqual([]);
  });

  test('of any events keeps the promises, and throws nothing but an AnswerFault', () => {
    const words = fc.constantFrom('', 'a', 'null', 'bc');
    const message = fc.oneof(
      fc.record({ content: fc.oneof(fc.record({ text: words }), fc.record({ thinking: words }), fc.jsonValue()) }),
      fc.record({ tool_plan: words }),
      fc.record({ tool_calls: fc.record({ id: words, function: fc.record({ name: words, arguments: words }) }) }),
      fc.record({ citations: fc.record({ start: fc.nat(), end: fc.nat(), sources: fc.jsonValue() }) }),
      fc.jsonValue(),
    );
    const type = fc.constantFrom(
      'content-start',
      'content-delta',
      'content-end',
      'tool-plan-delta',
      'tool-call-start',
      'tool-call-delta',
      'tool-call-end',
      'citation-start',
      'message-start',
      'message-end',
      'new-event',
    );
    const any = fc.record({ type, index: fc.nat({ max: 2 }), delta: fc.record({ message }) });
    fc.assert(
      fc.property(fc.array(any, { maxLength: 20 }), (events) => {
        try {
          gathered(eventsOf(readStream, framed(events)));
        } catch (fault) {
          if (!(fault instanceof AnswerFault)) throw fault;
        }
      }),
    );
  });
});

test('places in a text are those that a string counted by characters has', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'binary' })), fc.nat({ max: 20 }), (pieces, character) => {
      const places = new TextPlaces();
      for (const piece of pieces) places.append(piece);
      const all = Array.from(pieces.join(''));
      fc.pre(character <= all.length);
      expect(places.unitsAt(character)).toBe(all.slice(0, character).join('').length);
    }),
  );
});

describe('a whole answer', () => {
  test('gives reasoning, text with its citations, and log probabilities', () => {
    const citation = {
      start: 0,
      end: 3,
      text: 'Sky',
      sources: [{ type: 'document', id: 'd', document: { title: 'T' } }],
    };
    const answer = cohereProvider.readChat({
      id: 'x',
      message: {
        content: [
          { type: 'thinking', thinking: 'Hm.' },
          { type: 'text', text: 'Sky.' },
        ],
        citations: [citation],
      },
      finish_reason: 'COMPLETE',
      logprobs: [{ text: 'Sky', token_ids: [1], logprobs: [-0.5] }],
    });
    expect(answer).toEqual({
      id: 'x',
      model: '',
      createdS: null,
      choices: [
        {
          index: 0,
          parts: [
            { kind: 'thinking', text: 'Hm.', signature: null },
            {
              kind: 'text',
              text: 'Sky.',
              annotations: [{ url: null, title: 'T', from: 0, to: 3, raw: citation, of: 'cohere' }],
              logprobs: [{ token: 'Sky', logprob: -0.5, bytes: null, top: [] }],
            },
          ],
          finish: { reason: 'stop', raw: 'COMPLETE' },
        },
      ],
      usage: null,
      extra: {},
    });
  });

  test('that has no message is a fault, and nothing else is thrown for any JSON', () => {
    expect(() => cohereProvider.readChat({ text: 'of version 1' })).toThrow(AnswerFault);
    const member = fc.constantFrom('content', 'tool_calls', 'tool_plan', 'citations');
    fc.assert(
      fc.property(fc.dictionary(member, fc.jsonValue()), fc.jsonValue(), (message, usage) => {
        cohereProvider.readChat({ message, usage, logprobs: usage });
      }),
    );
  });

  test('to embed has its vectors and what is billed', () => {
    const body = { embeddings: { float: [[0.5, 1]] }, meta: { billed_units: { input_tokens: 3 } } };
    const answer = cohereProvider.embeddings?.read(body);
    expect(answer?.vectors).toEqual([[0.5, 1]]);
    expect(answer?.usage?.inputTokens).toBe(3);
    expect(() => cohereProvider.embeddings?.read({ embeddings: { float: [['a']] } })).toThrow(AnswerFault);
  });
});

test('usage never has more cached than it has input, whatever is told', () => {
  const count = fc.option(fc.nat({ max: 3000 }));
  const counts = fc.record({ input_tokens: count, output_tokens: count });
  fc.assert(
    fc.property(counts, counts, count, (billed_units, tokens, cached_tokens) => {
      const { usage } = cohereProvider.readChat({ message: {}, usage: { billed_units, tokens, cached_tokens } });
      if (usage !== null) expect(usage.cachedInputTokens).toBeLessThanOrEqual(usage.inputTokens);
    }),
  );
});

const folder = process.env['KEYWARD_RECORDINGS'];
if (folder === undefined)
  console.warn('KEYWARD_RECORDINGS is not set: the tests that replay recorded answers of Cohere are skipped.');

describe.runIf(folder !== undefined)('recorded answers of Cohere', () => {
  test.each(recordings('.chunks.txt'))('as a stream, $name, are read whole under any split', ({ lines }) => {
    const bytes = framed(lines);
    const expected = plainStream(lines);
    expect(view(bytes)).toEqual(expected);
    fc.assert(
      fc.property(fc.array(fc.nat({ max: bytes.length }), { maxLength: 40 }), (cuts) => {
        expect(view(bytes, cuts)).toEqual(expected);
      }),
      { numRuns: 15 },
    );
  });

  test.each(recordings('.json').filter(({ lines }) => lines[0]?.['message'] !== undefined))(
    'as a whole, $name, are read',
    ({ lines }) => {
      const body = lines[0] ?? {};
      const message = recordOf(body['message']);
      const { choices, usage } = cohereProvider.readChat(body);
      const parts = choices[0]?.parts ?? [];
      const joined = (kind: string): string =>
        parts.flatMap((part) => (part.kind === kind && 'text' in part ? [part.text] : [])).join('');
      const blocks = listOf(message['content']);
      expect(joined('text')).toBe(blocks.map(({ text }) => said(text)).join(''));
      expect(joined('thinking')).toBe(
        blocks.map(({ thinking }) => said(thinking)).join('') + said(message['tool_plan']),
      );
      const calls = parts.flatMap((part) =>
        part.kind === 'tool_call' ? [{ name: part.name, input: parsedOrUndefined(part.arguments) }] : [],
      );
      expect(calls).toEqual(
        listOf(message['tool_calls']).map((one) => {
          const { name, arguments: text } = recordOf(one['function']);
          return { name, input: parsedOrUndefined(String(text)) ?? {} };
        }),
      );
      expect(choices[0]?.finish.raw).toBe(body['finish_reason']);
      const billed = recordOf(recordOf(body['usage'])['billed_units']);
      expect([usage?.inputTokens, usage?.outputTokens]).toEqual([billed['input_tokens'], billed['output_tokens']]);
      for (const part of parts)
        if (part.kind === 'text')
          for (const { from, to, raw } of part.annotations ?? [])
            expect(part.text.slice(from ?? 0, to ?? 0)).toContain(String(raw['text']).slice(0, 8));
    },
  );

  test('to embed and rerank are read', () => {
    const bodies = recordings('.json').map(({ lines }) => lines[0] ?? {});
    const embedded = bodies.filter(({ embeddings }) => embeddings !== undefined);
    const ranked = bodies.filter(({ results }) => results !== undefined);
    expect(embedded.map((body) => cohereProvider.embeddings?.read(body).vectors.length)).toEqual([2]);
    expect(ranked.map((body) => cohereProvider.rerank?.read(body).results.length)).toEqual([2]);
  });
});

function view(bytes: Buffer, cuts?: readonly number[]): unknown {
  const { id, parts, finish, usage, ended } = gathered(eventsOf(readStream, bytes, cuts));
  const textOf = (kind: string): string =>
    parts.flatMap(({ start, text }) => (start.kind === kind ? [text] : [])).join('');
  return {
    id,
    text: textOf('text'),
    thinking: textOf('thinking'),
    calls: parts.flatMap(({ start, text }) =>
      start.kind === 'tool_call' ? [{ name: start.name, input: parsedOrUndefined(text) }] : [],
    ),
    raw: finish?.raw,
    counts: [usage?.inputTokens, usage?.outputTokens],
    ended,
  };
}

/** A second, plain reading: all deltas of a kind put together. */
function plainStream(lines: readonly JsonRecord[]): unknown {
  const messages = lines.map((line) => ({ ...line, message: recordOf(recordOf(line['delta'])['message']) }));
  const all = (pick: (message: JsonRecord) => unknown): string =>
    messages
      .map(({ message }) => pick(message))
      .filter((text) => typeof text === 'string')
      .join('');
  const calls = lines.filter(({ type }) => type === 'tool-call-start');
  const last = recordOf(lines.find(({ type }) => type === 'message-end')?.['delta']);
  const billed = recordOf(recordOf(last['usage'])['billed_units']);
  const functionOf = (line: JsonRecord): JsonRecord =>
    recordOf(recordOf(recordOf(recordOf(line['delta'])['message'])['tool_calls'])['function']);
  return {
    id: lines[0]?.['id'],
    text: all(({ content: block }) => recordOf(block)['text']),
    thinking: all(({ content: block }) => recordOf(block)['thinking']) + all(({ tool_plan: plan }) => plan),
    calls: calls.map((start) => ({
      name: functionOf(start)['name'],
      input: parsedOrUndefined(
        lines
          .filter(({ index }) => index === start['index'])
          .map((line) => said(functionOf(line)['arguments']))
          .join('') || '{}',
      ),
    })),
    raw: last['finish_reason'],
    counts: [billed['input_tokens'], billed['output_tokens']],
    ended: true,
  };
}

function said(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function listOf(value: unknown): readonly JsonRecord[] {
  return Array.isArray(value) ? value.map(recordOf) : [];
}

function recordings(ending: string): { readonly name: string; readonly lines: readonly JsonRecord[] }[] {
  if (folder === undefined) return [];
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith(ending) && basename(dirname(file)) === 'cohere')
    .map((file) => {
      const text = readFileSync(join(folder, file), 'utf8');
      const texts = ending === '.json' ? [text] : text.split('\n').filter((line) => line.trim() !== '');
      return { name: basename(file), lines: texts.map((line) => recordOf(parsedOrUndefined(line))) };
    });
}
