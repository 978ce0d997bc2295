import * as fc from 'fast-check';
import type { Response as OpenAIResponse } from 'openai/resources/responses/responses';
import { describe, expect, test } from 'vitest';
import type { ChatAnswer, Finish, Part } from '../canonical.ts';
import { AnswerFault } from '../faults.ts';
import { isRecord, type JsonRecord } from '../record.ts';
import { Report } from '../report.ts';
import { answers, CONTEXT, EMPTY_REQUEST } from './arbitraries.ts';
import { responsesClient } from './client-codec.ts';
import { responsesProvider } from './provider-codec.ts';

type Required<T> = { [K in keyof T]-?: undefined extends T[K] ? never : K }[keyof T];

/** The compiler fails where the SDK's type requires another member. */
const REQUIRED: Readonly<Record<Required<OpenAIResponse>, true>> = {
  id: true,
  access_programs: true,
  output_text: true,
  created_at: true,
  error: true,
  incomplete_details: true,
  instructions: true,
  metadata: true,
  model: true,
  object: true,
  output: true,
  parallel_tool_calls: true,
  temperature: true,
  tool_choice: true,
  tools: true,
  top_p: true,
};

describe('a whole answer', () => {
  test('may tell any time, or none', () => {
    const readAt = (created_at: unknown) => responsesProvider.readChat({ output: [], created_at }).createdS;
    expect([5.7, '5', null, { toString: 1 }].map(readAt)).toEqual([5, null, null, null]);
  });

  test('is the same after being written and read', () => {
    fc.assert(
      fc.property(answers, (answer) => {
        const report = new Report();
        const body = responsesClient.writeChat(answer, CONTEXT, report);
        expect(responsesProvider.readChat(JSON.parse(JSON.stringify(body)) as JsonRecord)).toEqual(answer);
        expect(report.warnings).toEqual([]);
      }),
    );
  });

  test('has every member that the SDK requires', () => {
    const body = write([]);
    expect(Object.keys(body)).toEqual(expect.arrayContaining(Object.keys(REQUIRED)));
  });

  test("repeats the request's settings", () => {
    const request = responsesClient.readChat(
      {
        model: 'm',
        instructions: 'Be brief.',
        input: 'Hi',
        tools: [{ type: 'function', name: 'f', parameters: null, strict: true }, { type: 'web_search' }],
        tool_choice: { type: 'function', name: 'f' },
        temperature: 0.5,
        max_output_tokens: 100,
        reasoning: { effort: 'low', summary: 'auto' },
        text: { format: { type: 'json_object' }, verbosity: 'low' },
        metadata: { a: 'b' },
        user: 'ann',
      },
      { model: null, stream: false },
    );
    expect(write([], { ...CONTEXT, request })).toMatchObject({
      model: CONTEXT.model,
      instructions: 'Be brief.',
      tools: [{ type: 'function', name: 'f', parameters: null, strict: true }, { type: 'web_search' }],
      tool_choice: { type: 'function', name: 'f' },
      parallel_tool_calls: true,
      temperature: 0.5,
      top_p: null,
      max_output_tokens: 100,
      reasoning: { effort: 'low', summary: 'auto' },
      text: { format: { type: 'json_object' }, verbosity: 'low' },
      metadata: { a: 'b' },
      user: 'ann',
    });
  });

  test.each<[Finish['reason'], JsonRecord]>([
    ['stop', { status: 'completed', incomplete_details: null, error: null }],
    ['stop_sequence', { status: 'completed' }],
    ['tool_calls', { status: 'completed' }],
    ['length', { status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } }],
    ['context_length', { status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } }],
    ['content_filter', { status: 'incomplete', incomplete_details: { reason: 'content_filter' } }],
    ['refusal', { status: 'incomplete', incomplete_details: { reason: 'content_filter' } }],
    ['malformed_call', { status: 'failed', error: { code: 'server_error' } }],
    ['incomplete', { status: 'failed', error: { code: 'server_error' } }],
  ])('that ended for %s says so', (reason, said) => {
    expect(responsesClient.writeChat(answerOf([], { reason }), CONTEXT, new Report())).toMatchObject(said);
  });

  test.each<[JsonRecord, Finish]>([
    [
      { status: 'completed', output: [] },
      { reason: 'stop', raw: 'completed' },
    ],
    [
      { status: 'completed', output: [{ type: 'function_call', call_id: 'c', name: 'f', arguments: '' }] },
      { reason: 'tool_calls', raw: 'completed' },
    ],
    [
      {
        status: 'incomplete',
        incomplete_details: { reason: 'max_output_tokens' },
        output: [{ type: 'function_call', call_id: 'c', name: 'f', arguments: '{"a' }],
      },
      { reason: 'length', raw: 'max_output_tokens' },
    ],
    [
      { status: 'incomplete', incomplete_details: { reason: 'new' }, output: [] },
      { reason: 'stop', raw: 'new' },
    ],
    [
      { status: 'failed', error: { code: 'server_error', message: 'Oh.' }, output: [] },
      { reason: 'error', raw: 'server_error', message: 'Oh.' },
    ],
  ])('is read with its reason to end: %o', (body, finish) => {
    expect(responsesProvider.readChat(body).choices[0]?.finish).toEqual(finish);
  });

  test("keeps OpenAI's ids of items, and gives others ids of our own", () => {
    const output = itemsOf([
      { kind: 'text', text: 'a', extra: { message: { id: 'msg_1', phase: 'final_answer' } } },
      { kind: 'tool_call', id: 'call_1', name: 'f', arguments: '{}', extra: { id: 'fc_1', namespace: 'n' } },
      { kind: 'tool_call', id: 'call_2', name: 'f', arguments: '{}' },
    ]);
    expect(output).toMatchObject([
      { id: 'msg_1', phase: 'final_answer' },
      { id: 'fc_1', call_id: 'call_1', namespace: 'n' },
      { call_id: 'call_2' },
    ]);
    expect(output[2]?.['id']).toMatch(/^fc_kw/);
  });

  test('says what it cannot carry', () => {
    const report = new Report();
    const parts: readonly Part[] = [
      {
        kind: 'text',
        text: 'a',
        annotations: [{ url: null, title: 't', from: null, to: null, raw: {}, of: 'anthropic' }],
      },
      { kind: 'audio', source: { kind: 'base64', data: 'aGk=' }, mediaType: 'audio/wav' },
      { kind: 'opaque', of: 'anthropic', value: { type: 'server_tool_use' } },
    ];
    const answer = answerOf(parts, { reason: 'pause' });
    responsesClient.writeChat({ ...answer, choices: [...answer.choices, ...answer.choices] }, CONTEXT, report);
    expect(report.warnings.map(({ field }) => field)).toEqual(['n', 'status', 'annotations', 'output']);
  });

  test('without an output and a status is none', () => {
    expect(() => responsesProvider.readChat({ choices: [] })).toThrow(AnswerFault);
  });

  test('never makes reading throw anything but a fault, whatever it holds', () => {
    const item = fc.oneof(
      fc.record(
        {
          type: fc.constantFrom('message', 'reasoning', 'function_call', 'custom_tool_call', 'x'),
          content: fc.oneof(fc.array(fc.jsonValue()), fc.jsonValue()),
          summary: fc.jsonValue(),
          call_id: fc.jsonValue(),
          arguments: fc.jsonValue(),
        },
        { requiredKeys: ['type'] },
      ),
      fc.jsonValue(),
    );
    const body = fc.record(
      {
        id: fc.jsonValue(),
        created_at: fc.jsonValue(),
        status: fc.jsonValue(),
        output: fc.oneof(fc.array(item), fc.jsonValue()),
        usage: fc.jsonValue(),
        error: fc.jsonValue(),
        incomplete_details: fc.jsonValue(),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(body, (value) => {
        try {
          responsesProvider.readChat(value);
        } catch (fault) {
          expect(fault).toBeInstanceOf(AnswerFault);
        }
      }),
      { numRuns: 500 },
    );
  });
});

function write(parts: readonly Part[], context = { ...CONTEXT, request: EMPTY_REQUEST }): JsonRecord {
  return responsesClient.writeChat(answerOf(parts, { reason: 'stop' }), context, new Report());
}

function itemsOf(parts: readonly Part[]): readonly JsonRecord[] {
  const { output } = write(parts);
  return Array.isArray(output) ? output.filter(isRecord) : [];
}

function answerOf(parts: readonly Part[], finish: Finish): ChatAnswer {
  return { id: 'resp_1', model: 'm', createdS: 1, choices: [{ index: 0, parts, finish }], usage: null, extra: {} };
}
