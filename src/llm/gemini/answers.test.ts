import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ChatAnswer, ChatRequest } from '../canonical.ts';
import type { AnswerContext } from '../codec.ts';
import { AnswerFault } from '../faults.ts';
import type { JsonRecord } from '../record.ts';
import { recordOf } from '../record.ts';
import { Report } from '../report.ts';
import { geminiClient } from './client-codec.ts';
import { geminiProvider } from './provider-codec.ts';
import { bytesOfUnits, unitsOfBytes } from './text-offsets.ts';

const REQUEST: ChatRequest = geminiClient.readChat(
  { contents: [{ parts: [{ text: 'x' }] }] },
  { model: 'fast', stream: false },
);
const CONTEXT: AnswerContext = { requestId: 'req_1', model: 'fast', nowS: 1, request: REQUEST };

function candidate(parts: readonly unknown[], members: JsonRecord = { finishReason: 'STOP' }): JsonRecord {
  return { candidates: [{ content: { role: 'model', parts }, ...members }] };
}

function write(answer: Partial<ChatAnswer>): { readonly body: JsonRecord; readonly told: readonly string[] } {
  const report = new Report();
  const whole = { id: 'r1', model: 'm', createdS: null, choices: [], usage: null, extra: {}, ...answer };
  const body = geminiClient.writeChat(whole, CONTEXT, report);
  return { body, told: report.warnings.map(({ kind, field }) => `${kind} ${field}`) };
}

describe('an answer of Gemini', () => {
  test('that calls a function waits for it, although it says STOP', () => {
    const answer = geminiProvider.readChat({
      ...candidate([
        { text: 'plan', thought: true },
        { text: 'I look.' },
        { text: '', thoughtSignature: 'c2ln' },
        { functionCall: { id: 'i', name: 'f', args: { a: 1 } }, thoughtSignature: 'c2ln' },
        { functionCall: { name: 'g' } },
      ]),
      usageMetadata: {
        promptTokenCount: 10,
        cachedContentTokenCount: 4,
        toolUsePromptTokenCount: 3,
        candidatesTokenCount: 5,
        thoughtsTokenCount: 7,
        totalTokenCount: 25,
        promptTokensDetails: [{ modality: 'AUDIO', tokenCount: 2 }],
        candidatesTokensDetails: [{ modality: 'IMAGE', tokenCount: 1 }],
      },
      modelVersion: 'gemini-3-pro',
      responseId: 'r',
      createTime: '2026-01-02T03:04:05.678Z',
    });
    const signature = { of: 'gemini', value: 'c2ln' };
    expect(answer).toEqual({
      id: 'r',
      model: 'gemini-3-pro',
      createdS: 1_767_323_045,
      choices: [
        {
          index: 0,
          parts: [
            { kind: 'thinking', text: 'plan', signature: null },
            { kind: 'text', text: 'I look.', signature },
            { kind: 'tool_call', id: 'i', name: 'f', arguments: '{"a":1}', signature },
            { kind: 'tool_call', id: '', name: 'g', arguments: '{}' },
          ],
          finish: { reason: 'tool_calls', raw: 'STOP' },
        },
      ],
      usage: {
        inputTokens: 13,
        cachedInputTokens: 4,
        cacheWriteTokens: 0,
        outputTokens: 12,
        reasoningTokens: 7,
        audioInputTokens: 2,
        imageOutputTokens: 1,
      },
      extra: {},
    });
  });

  test.each([
    ['MAX_TOKENS', 'length'],
    ['SAFETY', 'content_filter'],
    ['RECITATION', 'content_filter'],
    ['MALFORMED_FUNCTION_CALL', 'malformed_call'],
    ['A_NEW_WORD', 'stop'],
  ])('that ends with %s ended by %s', (raw, reason) => {
    const { choices } = geminiProvider.readChat(candidate([], { finishReason: raw, finishMessage: 'why' }));
    expect(choices).toEqual([{ index: 0, parts: [], finish: { reason, raw, message: 'why' } }]);
  });

  test('that cut a call short is not one that waits for it', () => {
    const parts = [{ functionCall: { name: 'f', args: {} } }];
    const { choices } = geminiProvider.readChat(candidate(parts, { finishReason: 'MAX_TOKENS' }));
    expect(choices[0]?.finish.reason).toBe('length');
  });

  test('to a refused prompt is a filtered choice, and comes out as it went in', () => {
    const body = {
      promptFeedback: { blockReason: 'SAFETY', blockReasonMessage: 'no' },
      usageMetadata: { promptTokenCount: 3 },
    };
    const answer = geminiProvider.readChat(body);
    expect(answer.choices).toEqual([
      { index: 0, parts: [], finish: { reason: 'content_filter', raw: 'SAFETY', message: 'no' } },
    ]);
    expect(write(answer).body).toMatchObject({ promptFeedback: body.promptFeedback });
    expect(write(answer).body).not.toHaveProperty('candidates');
  });

  test('tells the sources of its text, in units of our strings', () => {
    const metadata = {
      webSearchQueries: ['q'],
      groundingChunks: [
        { web: { uri: 'https://a', title: 'A' } },
        { web: { uri: 'https://b' } },
        { web: { uri: 'https://c' } },
      ],
      groundingSupports: [
        { segment: { endIndex: 6, text: 'ö😀' }, groundingChunkIndices: [0, 1] },
        { segment: { startIndex: 6, endIndex: 99 }, groundingChunkIndices: [0] },
      ],
    };
    const answer = geminiProvider.readChat(candidate([{ text: 'ö😀 ok' }], { groundingMetadata: metadata }));
    const [part] = answer.choices[0]?.parts ?? [];
    expect(part).toMatchObject({
      annotations: [
        { url: 'https://a', title: 'A', from: 0, to: 3 },
        { url: 'https://b', title: null, from: 0, to: 3 },
        { url: 'https://a', from: null, to: null },
        { url: 'https://c', from: null, to: null },
      ],
    });
    expect(write(answer).body).toMatchObject({ candidates: [{ groundingMetadata: metadata }] });
  });

  test('may hold images, sound, code and what is not known yet', () => {
    const code = { executableCode: { code: '1' }, thoughtSignature: 'c2ln' };
    const { choices } = geminiProvider.readChat(
      candidate([
        { inlineData: { mimeType: 'image/png', data: 'AAAA' }, thoughtSignature: 'c2ln' },
        { inlineData: { mimeType: 'audio/pcm;rate=24000', data: 'AAAA' } },
        code,
        { inlineData: { mimeType: 'image/png', data: 'AAAA' }, thought: true },
        { functionCall: { args: {} } },
        {},
        null,
      ]),
    );
    expect(choices[0]?.parts).toMatchObject([
      { kind: 'image', source: { kind: 'base64', data: 'AAAA' }, signature: { value: 'c2ln' } },
      { kind: 'audio', mediaType: 'audio/pcm;rate=24000' },
      { kind: 'opaque', of: 'gemini', value: code },
      { kind: 'opaque', of: 'gemini' },
    ]);
  });

  test('that means nothing is a fault', () => {
    for (const body of [{}, { candidates: [] }, { error: { status: 'X', message: 'y' } }])
      expect(() => geminiProvider.readChat(body)).toThrow(AnswerFault);
  });

  test('whatever it holds throws nothing but faults', () => {
    const names = [
      'candidates',
      'content',
      'parts',
      'text',
      'functionCall',
      'inlineData',
      'fileData',
      'args',
      'mimeType',
    ];
    const more = [
      'groundingMetadata',
      'groundingChunks',
      'groundingSupports',
      'segment',
      'logprobsResult',
      '__proto__',
    ];
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof(
        { depthSize: 'medium' },
        fc.jsonValue(),
        fc.array(tie('tree'), { maxLength: 3 }),
        fc.dictionary(fc.constantFrom(...names, ...more), tie('tree'), { maxKeys: 4 }),
      ),
    }));
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...names, ...more), tree), (body) => {
        try {
          geminiProvider.readChat(body);
        } catch (error) {
          expect(error).toBeInstanceOf(AnswerFault);
        }
      }),
      { numRuns: 1000 },
    );
  });
});

describe('an answer for a Gemini client', () => {
  test('seals signatures of other families in base64, and tells thoughts apart in the usage', () => {
    const { body } = write({
      choices: [
        {
          index: 0,
          parts: [{ kind: 'thinking', text: 'a', signature: { of: 'anthropic', value: 's' } }],
          finish: { reason: 'stop', raw: 'end_turn' },
        },
      ],
      usage: {
        inputTokens: 5,
        cachedInputTokens: 2,
        cacheWriteTokens: 0,
        outputTokens: 9,
        reasoningTokens: 4,
        audioOutputTokens: 1,
      },
      id: '',
    });
    expect(body).toEqual({
      candidates: [
        {
          content: {
            role: 'model',
            parts: [{ text: 'a', thought: true, thoughtSignature: Buffer.from('kw1.anthropic.cw').toString('base64') }],
          },
          finishReason: 'STOP',
          index: 0,
        },
      ],
      usageMetadata: {
        promptTokenCount: 5,
        cachedContentTokenCount: 2,
        candidatesTokenCount: 5,
        thoughtsTokenCount: 4,
        totalTokenCount: 14,
        candidatesTokensDetails: [{ modality: 'AUDIO', tokenCount: 1 }],
      },
      modelVersion: 'fast',
      responseId: 'req_1',
    });
  });

  test('holds no call that nobody can run, and tells what it left out', () => {
    const { body, told } = write({
      choices: [
        {
          index: 0,
          parts: [
            { kind: 'refusal', text: 'no' },
            { kind: 'tool_call', id: 'i', name: 'f', arguments: '{"a":' },
            { kind: 'opaque', of: 'anthropic', value: {} },
          ],
          finish: { reason: 'tool_calls', stopSequence: 'x' },
        },
      ],
      extra: { system_fingerprint: 'fp' },
    });
    expect(body).toMatchObject({
      candidates: [{ content: { parts: [{ text: 'no' }] }, finishReason: 'MALFORMED_FUNCTION_CALL' }],
    });
    expect(body).not.toHaveProperty('system_fingerprint');
    expect(told).toEqual([
      'dropped candidates[0].stopSequence',
      'approximated candidates[0].content.parts[0]',
      'dropped candidates[0].content.parts[1]',
      'dropped candidates[0].content.parts[2]',
    ]);
  });

  const word = fc.stringMatching(/^[a-z]{1,6}$/);
  const text = fc.string({ minLength: 1, unit: 'grapheme' });
  const signature = fc
    .uint8Array({ minLength: 1, maxLength: 6 })
    .map((bytes) => ({ of: 'gemini' as const, value: Buffer.from(bytes).toString('base64') }));
  const withSignature = <T extends object>(part: fc.Arbitrary<T>) =>
    fc
      .tuple(part, fc.option(signature))
      .map(([each, sign]) => ({ ...each, ...(sign === null ? {} : { signature: sign }) }));
  const textPart = withSignature(text.map((said) => ({ kind: 'text' as const, text: said })));
  const others = fc.oneof(
    fc.record({ kind: fc.constant('thinking' as const), text, signature: fc.option(signature) }),
    withSignature(
      fc.record({
        kind: fc.constant('tool_call' as const),
        id: fc.oneof(word, fc.constant('')),
        name: word,
        arguments: fc.dictionary(word, word).map((args) => JSON.stringify(args)),
      }),
    ),
    word.map((code) => ({
      kind: 'opaque' as const,
      of: 'gemini' as const,
      value: { codeExecutionResult: { output: code } },
    })),
  );
  const logprobs = fc.array(
    fc.record({
      token: word,
      logprob: fc.constant(-1),
      bytes: fc.constant(null),
      top: fc.constant([{ token: 'x', logprob: -2, bytes: null }]),
    }),
    { minLength: 1, maxLength: 2 },
  );
  const annotation = fc.record({
    url: fc.constant('https://a'),
    title: fc.constant('A'),
    from: fc.constant(0),
    to: fc.constant(1),
    raw: fc.constant({}),
    of: fc.constant('openai' as const),
  });
  const parts = fc
    .tuple(
      fc.option(fc.tuple(word, fc.option(logprobs), fc.array(annotation, { maxLength: 1 }))),
      fc.array(others, { maxLength: 3 }),
      fc.option(textPart),
    )
    .map(([first, rest, last]) => {
      const [said, probabilities, annotations] = first ?? [];
      const told = {
        ...(probabilities === null || probabilities === undefined ? {} : { logprobs: probabilities }),
        ...(annotations === undefined || annotations.length === 0 ? {} : { annotations }),
      };
      return [
        ...(said === undefined ? [] : [{ kind: 'text' as const, text: said, ...told }]),
        ...rest,
        ...(last === null ? [] : [last]),
      ];
    })
    .filter((all) => all.length > 0);
  const usage = fc.record({
    inputTokens: fc.nat({ max: 9 }),
    cachedInputTokens: fc.nat({ max: 9 }),
    cacheWriteTokens: fc.constant(0),
    outputTokens: fc.integer({ min: 9, max: 20 }),
    reasoningTokens: fc.nat({ max: 9 }),
  });

  test('is the same when it is read again', () => {
    fc.assert(
      fc.property(fc.array(parts, { minLength: 1, maxLength: 2 }), usage, (all, counts) => {
        const choices = all.map((each, index) => ({
          index,
          parts: each,
          finish: each.some(({ kind }) => kind === 'tool_call')
            ? { reason: 'tool_calls' as const, raw: 'STOP' }
            : { reason: 'length' as const, raw: 'MAX_TOKENS' },
        }));
        const answer = { id: 'r', model: 'fast', createdS: 5, choices, usage: counts, extra: {} };
        const { extra: _, ...back } = geminiProvider.readChat(recordOf(JSON.parse(JSON.stringify(write(answer).body))));
        expect(withoutRaw(back)).toEqual(withoutRaw({ ...answer, extra: undefined }));
      }),
      { numRuns: 300 },
    );
  });

  /** Where a source came from is not kept, what it says is. */
  function withoutRaw(answer: object): unknown {
    return JSON.parse(JSON.stringify(answer), (key, value: unknown) =>
      key === 'raw' || key === 'of' ? undefined : value,
    );
  }
});

test('places in a text are the same in bytes and in units', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary' }).map((each) => each.toWellFormed()),
      (text) => {
        const characters = [...text];
        const units = characters.map((_, index) => characters.slice(0, index).join('').length);
        const bytes = units.map((place) => Buffer.byteLength(text.slice(0, place)));
        expect([...unitsOfBytes(text, bytes)]).toEqual(bytes.map((place, index) => [place, units[index]]));
        expect([...bytesOfUnits(text, units)]).toEqual(units.map((place, index) => [place, bytes[index]]));
        expect(unitsOfBytes(text, [Buffer.byteLength(text) + 1]).size).toBe(0);
      },
    ),
  );
});
