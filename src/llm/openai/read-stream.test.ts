import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { AnswerEvent } from '../canonical.ts';
import { AnswerFault } from '../faults.ts';
import { mistralProvider } from '../mistral/provider-codec.ts';
import type { JsonRecord } from '../record.ts';
import { openaiProvider } from './provider-codec.ts';
import { brokenPromise } from './stream-promises.ts';

function framed(chunks: readonly unknown[], done = true): string {
  return chunks.map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`).join('') + (done ? 'data: [DONE]\n\n' : '');
}

function read(text: string, provider = openaiProvider): readonly AnswerEvent[] {
  const events: AnswerEvent[] = [];
  const reader = provider.readStream((event) => events.push(event));
  reader.push(Buffer.from(text));
  reader.end();
  return events;
}

function chunk(delta: JsonRecord, finish_reason: string | null = null, index = 0): JsonRecord {
  return { id: 'c1', model: 'm', created: 7, choices: [{ index, delta, finish_reason }] };
}

function call(index: number | undefined, id: string | undefined, name: string | undefined, args: string): JsonRecord {
  return { tool_calls: [{ index, id, function: { name, arguments: args } }] };
}

/** The parts as `kind:text`, a call as `name(arguments)`. */
function parts(events: readonly AnswerEvent[]): readonly string[] {
  const told: string[] = [];
  for (const event of events) {
    if (event.type === 'open')
      told.push(event.start.kind === 'tool_call' ? `${event.start.name}#${event.start.id} ` : `${event.start.kind}:`);
    if (event.type === 'delta') told[told.length - 1] += event.text;
  }
  return told;
}

function finishes(events: readonly AnswerEvent[]): readonly string[] {
  return events.flatMap((event) => (event.type === 'finish' ? [event.finish.reason] : []));
}

describe('a stream of the chat dialect', () => {
  test('calls that come in turns are told one after the other, each whole', () => {
    const events = read(
      framed([
        chunk(call(0, 'a', 'one', '{"x"')),
        chunk(call(1, 'b', 'two', '{"y"')),
        chunk(call(0, undefined, undefined, ':1}')),
        chunk(call(1, undefined, undefined, ':2}')),
        chunk({}, 'tool_calls'),
      ]),
    );
    expect(parts(events)).toEqual(['one#a {"x":1}', 'two#b {"y":2}']);
    expect(brokenPromise(events)).toBeNull();
  });

  test('a later call is told as it comes once the one before is whole', () => {
    const events: AnswerEvent[] = [];
    const reader = openaiProvider.readStream((event) => events.push(event));
    reader.push(
      Buffer.from(framed([chunk(call(0, 'a', 'one', '{"s":"}"}')), chunk(call(1, 'b', 'two', '{"'))], false)),
    );
    expect(parts(events)).toEqual(['one#a {"s":"}"}', 'two#b {"']);
  });

  test('calls of which every one has the number 0 are apart', () => {
    const events = read(
      framed([chunk(call(0, 'a', 'one', '{}')), chunk(call(0, 'b', 'two', '{}')), chunk({}, 'stop')]),
    );
    expect(parts(events)).toEqual(['one#a {}', 'two#b {}']);
    expect(finishes(events)).toEqual(['tool_calls']);
  });

  test('whole calls without a number or a type are apart (Mistral), and so are pieces of one', () => {
    const whole = chunk(
      {
        tool_calls: [
          { id: 'aaaaaaaaa', function: { name: 'one', arguments: { x: 1 } } },
          { id: 'bbbbbbbbb', function: { name: 'two', arguments: '{}' } },
        ],
      },
      'tool_calls',
    );
    expect(parts(read(framed([whole]), mistralProvider))).toEqual(['one#aaaaaaaaa {"x":1}', 'two#bbbbbbbbb {}']);
    const pieces = [
      chunk(call(undefined, 'ccccccccc', 'one', '{"x"')),
      chunk(call(undefined, undefined, '', ':1}'), 'tool_calls'),
    ];
    expect(parts(read(framed(pieces), mistralProvider))).toEqual(['one#ccccccccc {"x":1}']);
  });

  test('a call without arguments has an empty object', () => {
    expect(parts(read(framed([chunk(call(0, 'a', 'one', '')), chunk({}, 'tool_calls')])))).toEqual(['one#a {}']);
  });

  test('reasoning is read under each of its names, and told once where two are there', () => {
    const events = read(
      framed([
        chunk({ reasoning_content: 'a' }),
        chunk({ reasoning: 'b' }),
        chunk({ reasoning: 'c', reasoning_details: [{ type: 'reasoning.text', text: 'c', index: 0 }] }),
        chunk({
          reasoning_details: [{ type: 'reasoning.text', signature: 's', format: 'anthropic-claude-v1', index: 0 }],
        }),
        chunk({ content: 'd' }, 'stop'),
      ]),
    );
    expect(parts(events)).toEqual(['thinking:ab', 'thinking:c', 'text:d']);
    expect(events).toContainEqual({ type: 'signature', choice: 0, signature: { of: 'anthropic', value: 's' } });
    expect(brokenPromise(events)).toBeNull();
  });

  test('chunks of thinking and text are read (Mistral)', () => {
    const content = [
      {
        type: 'thinking',
        thinking: [
          { type: 'text', text: 'a' },
          { type: 'reference', reference_ids: [1] },
        ],
      },
      { type: 'text', text: 'b' },
    ];
    expect(parts(read(framed([chunk({ content }, 'model_length')]), mistralProvider))).toEqual([
      'thinking:a',
      'text:b',
    ]);
    expect(finishes(read(framed([chunk({ content }, 'model_length')]), mistralProvider))).toEqual(['context_length']);
  });

  test('what comes before the first choice is no start of its own (Azure)', () => {
    const first = { id: '', model: '', choices: [], prompt_filter_results: [1] };
    expect(read(framed([first, chunk({ content: 'a' }, 'stop')]))[0]).toEqual({
      type: 'start',
      id: 'c1',
      model: 'm',
      createdS: 7,
      extra: { prompt_filter_results: [1] },
    });
  });

  test('usage counts on a chunk with choices, on one without, and where Groq has it', () => {
    const usage = { prompt_tokens: 3, completion_tokens: 2, prompt_tokens_details: { cached_tokens: 1 } };
    const streams = [
      [{ ...chunk({ content: 'a' }, 'stop'), usage }],
      [
        { ...chunk({ content: 'a' }, 'stop'), usage: null },
        { id: 'c1', choices: [], usage },
      ],
      [{ ...chunk({ content: 'a' }, 'stop'), x_groq: { usage } }],
    ];
    for (const chunks of streams) {
      expect(read(framed(chunks))).toContainEqual({
        type: 'usage',
        usage: { inputTokens: 3, cachedInputTokens: 1, cacheWriteTokens: 0, outputTokens: 2, reasoningTokens: 0 },
      });
    }
  });

  test('two finishes are one, and what comes between them counts', () => {
    const events = read(framed([chunk({}, 'stop'), chunk(call(0, 'a', 'one', '{}')), chunk({}, 'stop')]));
    expect(finishes(events)).toEqual(['tool_calls']);
    expect(brokenPromise(events)).toBeNull();
  });

  test('a refusal is one, though it ends with stop', () => {
    const events = read(framed([chunk({ refusal: 'No.' }), chunk({}, 'stop')]));
    expect(parts(events)).toEqual(['refusal:No.']);
    expect(finishes(events)).toEqual(['refusal']);
  });

  test('the sources of Perplexity are told of the text, once', () => {
    const citations = ['https://a.example', 'https://b.example'];
    const events = read(
      framed([
        { ...chunk({ content: 'a' }), citations },
        { ...chunk({ content: 'b' }, 'stop'), citations },
      ]),
    );
    const told = events.flatMap((event) => (event.type === 'annotation' ? [event.annotation.url] : []));
    expect(told).toEqual(citations);
  });

  test('sound that comes in pieces is one part', () => {
    const halves = ['ab', 'c'].map((text) => Buffer.from(text).toString('base64'));
    const events = read(
      framed([
        chunk({ audio: { id: 'au', transcript: 'Hel' } }),
        ...halves.map((data) => chunk({ audio: { data, transcript: 'l' } })),
        chunk({ audio: { expires_at: 9 } }, 'stop'),
      ]),
    );
    expect(events.find((event) => event.type === 'open')).toMatchObject({
      start: {
        kind: 'audio',
        source: { data: Buffer.from('abc').toString('base64') },
        extra: { id: 'au', transcript: 'Helll', expires_at: 9 },
      },
    });
  });

  test('an error is told with its status, and nothing after it', () => {
    const cases: readonly (readonly [string, number])[] = [
      [
        framed([
          chunk({ content: 'a' }),
          { error: { code: 429, message: 'slow' }, choices: [] },
          chunk({ content: 'b' }),
        ]),
        429,
      ],
      [framed([{ choices: [{ index: 0, error: { code: 502, message: 'x' } }] }]), 502],
      [framed([{ error: { type: 'rate_limit_exceeded', message: 'x' } }]), 429],
      [framed([{ object: 'error', message: 'x', type: 'service_unavailable' }]), 503],
      ['event: error\ndata: {"message":"x","type":"invalid_request_error"}\n\n', 400],
      [framed([{ error: 'broken' }]), 500],
    ];
    for (const [text, status] of cases) {
      const last = read(text).at(-1);
      expect(last).toMatchObject({ type: 'error', error: { status } });
    }
  });

  test('a stream that breaks off is incomplete, and has no end', () => {
    const events = read(framed([chunk({ content: 'a' })], false));
    expect(finishes(events)).toEqual(['incomplete']);
    expect(events.at(-1)?.type).toBe('finish');
    expect(finishes(read(framed([chunk({ content: 'a' }, 'length')], false)))).toEqual(['length']);
  });

  test('a stream of another dialect is a clean fault', () => {
    const other = 'event: message_start\ndata: {"type":"message_start","message":{}}\n\n';
    expect(() => read(other)).toThrow(AnswerFault);
    expect(() => read('data: [DONE]\n\n')).toThrow(AnswerFault);
  });

  test('whatever the pieces, the promises are kept and every call is whole', () => {
    const args = ['{"a"', ':', '[1,', '"}"', ']}'];
    const pieces = fc.array(
      fc.oneof(
        fc.record({
          kind: fc.constantFrom('content', 'reasoning_content', 'refusal'),
          text: fc.constantFrom('x', 'yz', ''),
        }),
        fc.record({ kind: fc.constant('call'), call: fc.nat(3) }),
        fc.record({ kind: fc.constant('signature'), index: fc.nat(1) }),
      ),
      { maxLength: 40 },
    );
    fc.assert(
      fc.property(
        pieces,
        fc.option(fc.constantFrom('stop', 'tool_calls', 'odd')),
        fc.boolean(),
        (list, finish, done) => {
          const sent = new Map<number, number>();
          const chunks = list.map((piece) => {
            if ('text' in piece) return chunk({ [piece.kind]: piece.text });
            if ('index' in piece)
              return chunk({ reasoning_details: [{ type: 'reasoning.text', signature: 's', index: piece.index }] });
            const at = sent.get(piece.call) ?? 0;
            sent.set(piece.call, at + 1);
            return chunk(
              call(
                piece.call,
                at === 0 ? `id${piece.call}` : undefined,
                at === 0 ? `f${piece.call}` : undefined,
                args[at] ?? '',
              ),
            );
          });
          const events = read(framed([...chunks, chunk({}, finish)], done));
          expect(brokenPromise(events)).toBeNull();
          for (const [index, count] of sent)
            expect(parts(events)).toContain(`f${index}#id${index} ${args.slice(0, count).join('')}`);
        },
      ),
      { numRuns: 500 },
    );
  });

  test('arbitrary JSON is read or is a fault of the answer', () => {
    const shaped = fc.record(
      {
        id: fc.jsonValue(),
        choices: fc.oneof(
          fc.jsonValue(),
          fc.array(
            fc.record(
              { index: fc.jsonValue(), delta: fc.oneof(fc.jsonValue(), deltas()), finish_reason: fc.jsonValue() },
              { requiredKeys: [] },
            ),
          ),
        ),
        usage: fc.jsonValue(),
        citations: fc.jsonValue(),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.jsonValue(), shaped), { maxLength: 6 }), (chunks) => {
        let events: readonly AnswerEvent[] = [];
        try {
          events = read(framed(chunks));
        } catch (error) {
          expect(error).toBeInstanceOf(AnswerFault);
        }
        expect(brokenPromise(events)).toBeNull();
      }),
      { numRuns: 500 },
    );
  });
});

function deltas(): fc.Arbitrary<JsonRecord> {
  const value = fc.jsonValue();
  return fc.record(
    {
      content: fc.oneof(
        value,
        fc.array(fc.record({ type: fc.constantFrom('text', 'thinking'), text: value, thinking: value })),
      ),
      tool_calls: fc.oneof(
        value,
        fc.array(
          fc.record(
            {
              index: value,
              id: value,
              function: fc.oneof(value, fc.record({ name: value, arguments: value })),
              custom: value,
            },
            { requiredKeys: [] },
          ),
        ),
      ),
      reasoning_details: fc.oneof(
        value,
        fc.array(
          fc.record({
            type: fc.constantFrom('reasoning.text', 'reasoning.encrypted', 'x'),
            text: value,
            signature: value,
            data: value,
            index: value,
          }),
        ),
      ),
      annotations: value,
      audio: value,
      images: value,
      function_call: value,
      refusal: value,
    },
    { requiredKeys: [] },
  );
}
