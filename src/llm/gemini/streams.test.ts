import { GoogleGenAI } from '@google/genai';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { AnswerEvent, ChatRequest, PartStart } from '../canonical.ts';
import type { AnswerContext, StreamWriter } from '../codec.ts';
import type { JsonRecord } from '../record.ts';
import { Report } from '../report.ts';
import { geminiClient } from './client-codec.ts';
import { geminiProvider } from './provider-codec.ts';
import { geminiArrayStream } from './write-stream.ts';

const REQUEST: ChatRequest = geminiClient.readChat(
  { contents: [{ parts: [{ text: 'x' }] }] },
  { model: 'fast', stream: true },
);
const CONTEXT: AnswerContext = { requestId: 'req_1', model: 'fast', nowS: 1, request: REQUEST };
const USAGE = { inputTokens: 3, cachedInputTokens: 0, cacheWriteTokens: 0, outputTokens: 5, reasoningTokens: 2 };

function readBytes(bytes: Uint8Array, cuts: readonly number[] = []): AnswerEvent[] {
  const events: AnswerEvent[] = [];
  const reader = geminiProvider.readStream((event) => events.push(event));
  const places = [0, ...cuts.toSorted((a, b) => a - b), bytes.length];
  for (const [index, place] of places.entries()) {
    const before = places[index - 1];
    if (before !== undefined) reader.push(bytes.subarray(before, place));
  }
  reader.end();
  return events;
}

function sse(answers: readonly JsonRecord[]): Buffer {
  return Buffer.from(answers.map((answer) => `data: ${JSON.stringify(answer)}\r\n\r\n`).join(''));
}

function read(answers: readonly JsonRecord[]): AnswerEvent[] {
  return readBytes(sse(answers));
}

function piece(part: JsonRecord, members: JsonRecord = {}): JsonRecord {
  return { candidates: [{ content: { role: 'model', parts: [part] }, ...members }] };
}

function written(writer: StreamWriter, events: readonly AnswerEvent[]): string {
  return events.map((event) => writer.write(event)).join('');
}

/** Each part in short, then the finish reasons. */
function told(events: readonly AnswerEvent[]): readonly string[] {
  const lines: string[] = [];
  for (const event of events) {
    if (event.type === 'open') lines.push(nameOf(event.start));
    if (event.type === 'delta') lines[lines.length - 1] += event.text;
    if (event.type === 'signature') lines[lines.length - 1] += `!${event.signature.value}`;
    if (event.type === 'finish') lines.push(`${event.finish.reason}.`);
    if (event.type === 'error' || event.type === 'end') lines.push(event.type);
  }
  return lines;
}

function nameOf(start: PartStart): string {
  return start.kind === 'tool_call' ? `${start.name}#${start.id}:` : `${start.kind}:`;
}

describe('a stream of Gemini', () => {
  test('ends when its bytes do, with the last finish reason', () => {
    const events = read([
      piece({ text: 'think', thought: true }),
      piece({ text: 'Hel' }, { finishReason: 'STOP' }),
      { ...piece({ text: 'lo' }, { finishReason: 'STOP' }), usageMetadata: { promptTokenCount: 1 } },
      piece({ text: '', thoughtSignature: 's1' }, { finishReason: 'STOP' }),
      {
        ...piece({ text: '' }, { finishReason: 'MAX_TOKENS' }),
        usageMetadata: { promptTokenCount: 2, candidatesTokenCount: 4 },
      },
    ]);
    expect(told(events)).toEqual(['thinking:think', 'text:Hello!s1', 'length.', 'end']);
    expect(events.filter(({ type }) => type === 'usage').at(-1)).toMatchObject({
      usage: { inputTokens: 2, outputTokens: 4 },
    });
    expect(events[0]).toMatchObject({ type: 'start' });
  });

  test('without a finish reason is incomplete', () => {
    expect(told(read([piece({ text: 'Hel' })]))).toEqual(['text:Hel', 'incomplete.']);
    expect(told(read([]))).toEqual([]);
  });

  test('puts calls together that come in pieces, also where the end of one was forgotten', () => {
    const part = (functionCall: JsonRecord, more: JsonRecord = {}): JsonRecord => piece({ functionCall, ...more });
    const partial = (jsonPath: string, value: JsonRecord): JsonRecord =>
      part({ partialArgs: [{ jsonPath, ...value }], willContinue: true });
    const events = read([
      part({ name: 'f', id: 'i', willContinue: true }, { thoughtSignature: 's1' }),
      partial('$.a.list[0].name', { stringValue: 'x"', willContinue: true }),
      partial('$.a.list[0].name', { stringValue: 'y', willContinue: true }),
      partial('$.a.list[0].name', { stringValue: '' }),
      part({ willContinue: true }),
      partial("$['__proto__'].n", { numberValue: 1.5 }),
      partial('$.a.list[1]', { boolValue: false }),
      partial('$.a["it\'s"]', { nullValue: 'NULL_VALUE' }),
      partial('$..bad[', { stringValue: 'lost' }),
      part({}),
      part({ name: 'g' }),
      part({ name: 'h', willContinue: true }),
      partial('$.q', { stringValue: 'cut' }),
      piece({ text: 'done' }, { finishReason: 'STOP' }),
    ]);
    expect(told(events)).toEqual([
      'f#i:!s1{"a":{"list":[{"name":"x\\"y"},false],"it\'s":null},"__proto__":{"n":1.5}}',
      'g#:{}',
      'h#:{"q":"cut"}',
      'text:done',
      'tool_calls.',
      'end',
    ]);
  });

  test('of a refused prompt is one filtered choice', () => {
    const events = read([{ promptFeedback: { blockReason: 'SAFETY' }, usageMetadata: { promptTokenCount: 3 } }]);
    expect(told(events)).toEqual(['content_filter.', 'end']);
    expect(written(geminiClient.streamChat(CONTEXT, new Report()), events)).toContain(
      '"promptFeedback":{"blockReason":"SAFETY"}',
    );
  });

  test('may break off with an error, after which nothing counts', () => {
    const error = { error: { code: 503, message: 'overloaded', status: 'UNAVAILABLE' } };
    const events = read([piece({ text: 'a' }), error, piece({ text: 'b' }, { finishReason: 'STOP' })]);
    expect(told(events)).toEqual(['text:a', 'error']);
    expect(events.at(-1)).toEqual({
      type: 'error',
      error: { message: 'overloaded', type: 'UNAVAILABLE', status: 503 },
    });
  });

  test('tells sources and probabilities while their text is open', () => {
    const events = read([
      piece({ text: 'öl ' }),
      piece(
        { text: 'ok' },
        {
          finishReason: 'STOP',
          logprobsResult: { chosenCandidates: [{ token: 'ok', logProbability: -1 }] },
          groundingMetadata: {
            groundingChunks: [{ web: { uri: 'https://a' } }],
            groundingSupports: [{ segment: { startIndex: 4, endIndex: 6, partIndex: 3 }, groundingChunkIndices: [0] }],
          },
        },
      ),
    ]);
    expect(events.slice(-6).map(({ type }) => type)).toEqual([
      'delta',
      'logprobs',
      'annotation',
      'close',
      'finish',
      'end',
    ]);
    expect(events.find(({ type }) => type === 'annotation')).toMatchObject({
      annotation: { url: 'https://a', from: 3, to: 5 },
    });
    const text = written(geminiClient.streamChat(CONTEXT, new Report()), events);
    expect(text).toContain('"segment":{"startIndex":4,"endIndex":6,"text":"ok"},"groundingChunkIndices":[0]');
    expect(text).toContain('"chosenCandidates":[{"token":"ok","logProbability":-1}]');
  });

  test('is the same however its bytes are split, in both framings, whatever it holds', () => {
    const names = ['candidates', 'content', 'parts', 'text', 'functionCall', 'partialArgs', 'jsonPath', 'stringValue'];
    const more = ['name', 'willContinue', 'finishReason', 'index', 'promptFeedback', 'blockReason', '__proto__'];
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof(
        { depthSize: 'medium' },
        fc.jsonValue(),
        fc.constantFrom('$.a[0]', 'ü😀'),
        fc.array(tie('tree'), { maxLength: 3 }),
        fc.dictionary(fc.constantFrom(...names, ...more), tie('tree'), { maxKeys: 4 }),
      ),
    }));
    const answer = fc.dictionary(fc.constantFrom(...names, ...more), tree);
    fc.assert(
      fc.property(fc.array(answer, { maxLength: 4 }), fc.array(fc.nat(), { maxLength: 20 }), (answers, cuts) => {
        const events = sse(answers);
        const array = Buffer.from(JSON.stringify(answers, null, 1));
        const whole = readBytes(events);
        expect(
          readBytes(
            events,
            cuts.map((cut) => cut % (events.length + 1)),
          ),
        ).toEqual(whole);
        expect(
          readBytes(
            array,
            cuts.map((cut) => cut % (array.length + 1)),
          ),
        ).toEqual(whole);
      }),
      { numRuns: 200 },
    );
  });
});

describe('a stream for a Gemini client', () => {
  const EVENTS: readonly AnswerEvent[] = [
    { type: 'start', id: 'r', model: 'm', createdS: null, extra: { x: 1 } },
    { type: 'open', choice: 0, part: 0, start: { kind: 'thinking' } },
    { type: 'delta', choice: 0, text: 'hm' },
    { type: 'signature', choice: 0, signature: { of: 'anthropic', value: 's' } },
    { type: 'close', choice: 0 },
    { type: 'open', choice: 0, part: 1, start: { kind: 'text' } },
    { type: 'delta', choice: 0, text: 'Hel' },
    { type: 'delta', choice: 0, text: 'lo' },
    { type: 'close', choice: 0 },
    { type: 'open', choice: 0, part: 2, start: { kind: 'tool_call', id: 'c1', name: 'f' } },
    { type: 'delta', choice: 0, text: '{"a"' },
    { type: 'delta', choice: 0, text: ':1}' },
    { type: 'signature', choice: 0, signature: { of: 'gemini', value: 'c2ln' } },
    { type: 'close', choice: 0 },
    { type: 'open', choice: 0, part: 3, start: { kind: 'tool_call', id: 'c2', name: 'g' } },
    { type: 'close', choice: 0 },
    { type: 'finish', choice: 0, finish: { reason: 'tool_calls' } },
    { type: 'usage', usage: USAGE },
    { type: 'end' },
  ];

  function answering(body: string): GoogleGenAI {
    const fetch = (): Promise<Response> =>
      Promise.resolve(new Response(body, { headers: { 'content-type': 'text/event-stream' } }));
    return new GoogleGenAI({ apiKey: 'kwk', httpOptions: { baseUrl: 'http://gateway.invalid', fetch } });
  }

  async function drained<T>(stream: AsyncIterable<T>): Promise<T[]> {
    const chunks: T[] = [];
    for await (const chunk of stream) chunks.push(chunk);
    return chunks;
  }

  test('is understood by the official client, whose chat goes on with it', async () => {
    const chat = answering(written(geminiClient.streamChat(CONTEXT, new Report()), EVENTS)).chats.create({
      model: 'fast',
    });
    const chunks = await drained(await chat.sendMessageStream({ message: 'x' }));
    const parts = chunks.flatMap(({ candidates }) => candidates?.[0]?.content?.parts ?? []);
    expect(chunks.map(({ candidates }) => candidates?.[0]?.finishReason).filter(Boolean)).toEqual(['STOP']);
    expect(chunks.at(-1)).toMatchObject({
      usageMetadata: { promptTokenCount: 3, candidatesTokenCount: 3, thoughtsTokenCount: 2, totalTokenCount: 8 },
      modelVersion: 'fast',
      responseId: 'r',
    });
    expect(parts).toEqual([
      { text: 'hm', thought: true },
      { text: '', thought: true, thoughtSignature: Buffer.from('kw1.anthropic.cw').toString('base64') },
      { text: 'Hel' },
      { text: 'lo' },
      { functionCall: { id: 'c1', name: 'f', args: { a: 1 } }, thoughtSignature: 'c2ln' },
      { functionCall: { id: 'c2', name: 'g', args: {} } },
      { text: '' },
    ]);
    // A piece that the client finds invalid would have cost the whole turn.
    expect(chat.getHistory(true).length).toBeGreaterThan(1);
  });

  test('that has no part at all is understood, too', async () => {
    const events: AnswerEvent[] = [
      { type: 'start', id: '', model: '', createdS: null, extra: {} },
      { type: 'usage', usage: USAGE },
      { type: 'finish', choice: 0, finish: { reason: 'length' } },
      { type: 'end' },
    ];
    const client = answering(written(geminiClient.streamChat(CONTEXT, new Report()), events));
    const chunks = await drained(await client.models.generateContentStream({ model: 'fast', contents: 'x' }));
    expect(chunks).toMatchObject([
      { candidates: [{ finishReason: 'MAX_TOKENS' }], usageMetadata: { totalTokenCount: 8 }, responseId: 'req_1' },
    ]);
  });

  test('raises the client’s own error where it breaks off', async () => {
    const writer = geminiClient.streamChat(CONTEXT, new Report());
    const fault = { status: 503, code: 'upstream_failed', message: 'gone', requestId: 'req_1' };
    const client = answering(written(writer, EVENTS.slice(0, 8)) + writer.fail(fault));
    expect(writer.write({ type: 'end' }) + writer.fail(fault)).toBe('');
    const stream = await client.models.generateContentStream({ model: 'fast', contents: 'x' });
    await expect(drained(stream)).rejects.toMatchObject({ status: 503 });
    const error = { message: 'busy', type: 'overloaded_error', status: 529 };
    const told529 = geminiClient.streamChat(CONTEXT, new Report()).write({ type: 'error', error });
    expect(told529).toBe('data: {"error":{"code":529,"message":"busy","status":"UNAVAILABLE"}}\n\n');
  });

  test('is one JSON array where events were not asked for', () => {
    const array: unknown = JSON.parse(written(geminiArrayStream(CONTEXT, new Report()), EVENTS));
    const events = written(geminiClient.streamChat(CONTEXT, new Report()), EVENTS)
      .split('\n\n')
      .filter((line) => line !== '')
      .map((line): unknown => JSON.parse(line.slice('data: '.length)));
    expect(array).toEqual(events);
    const empty = geminiArrayStream(CONTEXT, new Report());
    expect(empty.write({ type: 'end' })).toBe('[]');
    const broken = geminiArrayStream(CONTEXT, new Report());
    const text =
      written(broken, EVENTS.slice(0, 3)) + broken.fail({ status: 500, code: 'c', message: 'm', requestId: 'r' });
    expect(JSON.parse(text)).toMatchObject([{ candidates: [{}] }, { error: { code: 500 } }]);
  });

  test('that broke off tells every finish at once, as no end follows', () => {
    const writer = geminiClient.streamChat(CONTEXT, new Report());
    const text = written(writer, [
      { type: 'start', id: 'r', model: 'm', createdS: null, extra: {} },
      { type: 'finish', choice: 0, finish: { reason: 'stop' } },
      { type: 'finish', choice: 1, finish: { reason: 'incomplete' } },
    ]);
    expect(text.match(/"finishReason":"\w+"/g)).toEqual(['"finishReason":"STOP"', '"finishReason":"OTHER"']);
  });

  test('leaves out a call that nobody can run', () => {
    const text = written(geminiClient.streamChat(CONTEXT, new Report()), [
      { type: 'open', choice: 0, part: 0, start: { kind: 'tool_call', id: 'c', name: 'f' } },
      { type: 'delta', choice: 0, text: '{"a' },
      { type: 'close', choice: 0 },
      { type: 'finish', choice: 0, finish: { reason: 'tool_calls' } },
      { type: 'end' },
    ]);
    expect(text).toContain('MALFORMED_FUNCTION_CALL');
    expect(text).not.toContain('functionCall');
  });

  const word = fc.stringMatching(/^[a-zü😀]{1,5}$/u);
  const signature = fc.option(word);
  const part = fc.oneof(
    fc.record({
      kind: fc.constantFrom('text' as const, 'thinking' as const),
      pieces: fc.array(word, { minLength: 1, maxLength: 3 }),
      signature,
    }),
    fc.record({
      kind: fc.constant('tool_call' as const),
      id: word,
      name: word,
      args: fc.dictionary(word, word),
      signature,
    }),
    fc.record({ kind: fc.constant('image' as const), data: fc.constant('AAAA') }),
    fc.record({ kind: fc.constant('opaque' as const), code: word }),
  );

  function eventsOf(
    choice: number,
    position: number,
    each: typeof part extends fc.Arbitrary<infer T> ? T : never,
  ): AnswerEvent[] {
    const open = (start: PartStart): AnswerEvent => ({ type: 'open', choice, part: position, start });
    const close: AnswerEvent = { type: 'close', choice };
    if (each.kind === 'image')
      return [open({ kind: 'image', source: { kind: 'base64', data: each.data }, mediaType: 'image/png' }), close];
    if (each.kind === 'opaque')
      return [open({ kind: 'opaque', of: 'gemini', value: { executableCode: { code: each.code } } }), close];
    const sign: AnswerEvent[] =
      each.signature === null
        ? []
        : [{ type: 'signature', choice, signature: { of: 'gemini', value: each.signature } }];
    if (each.kind === 'tool_call') {
      const { id, name, args } = each;
      return [
        open({ kind: 'tool_call', id, name }),
        ...sign,
        { type: 'delta', choice, text: JSON.stringify(args) },
        close,
      ];
    }
    const deltas = each.pieces.map((text): AnswerEvent => ({ type: 'delta', choice, text }));
    return [open({ kind: each.kind }), ...deltas, ...sign, close];
  }

  /** Usage may come at any time, and choices are told side by side. */
  function byChoice(events: readonly AnswerEvent[]): unknown {
    expect(events.find(({ type }) => type === 'usage')).toEqual({ type: 'usage', usage: USAGE });
    const ofChoice = (choice: number): unknown =>
      events.filter((event) => 'choice' in event && event.choice === choice);
    return [events[0], ofChoice(0), ofChoice(1), events.at(-1)];
  }

  test('is the same when it is read again, in both framings', () => {
    fc.assert(
      fc.property(fc.array(part, { maxLength: 5 }), fc.array(part, { maxLength: 2 }), (first, second) => {
        const parts = [first, second].map((all, choice) => {
          // Neighbours of one kind are one part, unless a signature stands between them.
          const apart = all.filter((each, index) => {
            const before = all[index - 1];
            return index === 0 || each.kind !== before?.kind || (each.kind !== 'text' && each.kind !== 'thinking');
          });
          const hasCalls = apart.some(({ kind }) => kind === 'tool_call');
          return [
            ...apart.flatMap((each, position) => eventsOf(choice, position, each)),
            {
              type: 'finish' as const,
              choice,
              finish: { reason: hasCalls ? ('tool_calls' as const) : ('stop' as const), raw: 'STOP' },
            },
          ];
        });
        const isFinish = ({ type }: AnswerEvent): boolean => type === 'finish';
        const finishes = parts.flat().filter(isFinish);
        const events: AnswerEvent[] = [
          { type: 'start', id: 'r', model: 'fast', createdS: null, extra: {} },
          ...parts.flat().filter((event) => !isFinish(event)),
          { type: 'usage', usage: USAGE },
          ...finishes,
          { type: 'end' },
        ];
        for (const writer of [geminiClient.streamChat(CONTEXT, new Report()), geminiArrayStream(CONTEXT, new Report())])
          expect(byChoice(readBytes(Buffer.from(written(writer, events))))).toEqual(byChoice(events));
      }),
      { numRuns: 300 },
    );
  });
});
