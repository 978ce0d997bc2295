import Anthropic from '@anthropic-ai/sdk';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { AnswerEvent, ChatAnswer, Finish, OpaquePart, Part, ThinkingPart, ToolCallPart } from '../canonical.ts';
import type { AnswerContext } from '../codec.ts';
import type { Usage } from '../dialect.ts';
import type { JsonRecord } from '../record.ts';
import { recordOf } from '../record.ts';
import { Report } from '../report.ts';
import { anthropicClient } from './client-codec.ts';
import { anthropicProvider } from './provider-codec.ts';
import { readChat } from './read-chat.ts';
import { block, collected, streamed, text } from './stream-fixture.ts';

const CONTEXT: AnswerContext = {
  requestId: 'req_1',
  model: 'claude',
  nowS: 0,
  request: readChat({ model: 'claude', messages: [] }, { model: null, stream: true }),
  inputTokensEstimate: 12,
};
const USAGE: Usage = {
  inputTokens: 30,
  cachedInputTokens: 10,
  cacheWriteTokens: 5,
  outputTokens: 7,
  reasoningTokens: 2,
  cacheWrite1hTokens: 1,
};

/** What a stream that amounts to this answer tells. */
function eventsOf(answer: ChatAnswer, usage: 'early' | 'late'): readonly AnswerEvent[] {
  const [choice] = answer.choices;
  const told: readonly AnswerEvent[] = answer.usage === null ? [] : [{ type: 'usage', usage: answer.usage }];
  const { id, model, createdS, extra } = answer;
  return [
    { type: 'start', id, model, createdS, extra },
    ...(usage === 'early' ? told : []),
    ...(choice?.parts ?? []).flatMap(partEvents),
    ...(choice === undefined ? [] : [{ type: 'finish', choice: 0, finish: choice.finish } as const]),
    ...(usage === 'late' ? told : []),
    { type: 'end' },
  ];
}

function partEvents(part: Part, index: number): readonly AnswerEvent[] {
  const events: AnswerEvent[] = [{ type: 'open', choice: 0, part: index, start: startOf(part) }];
  const signature = 'signature' in part ? (part.signature ?? null) : null;
  const redacted = part.kind === 'thinking' && part.redacted === true;
  const signed: AnswerEvent[] =
    signature === null ? [] : [{ type: 'signature', choice: 0, signature, ...(redacted ? { redacted } : {}) }];
  if (part.kind === 'tool_call') events.push(...signed, ...deltas(part.arguments));
  if (part.kind === 'thinking') events.push(...deltas(part.text), ...signed);
  if (part.kind === 'text') {
    events.push(...deltas(part.text));
    for (const annotation of part.annotations ?? []) events.push({ type: 'annotation', choice: 0, annotation });
  }
  return [...events, { type: 'close', choice: 0 }];
}

function startOf(part: Part): Extract<AnswerEvent, { type: 'open' }>['start'] {
  if (part.kind === 'tool_call') return { kind: 'tool_call', id: part.id, name: part.name };
  if (part.kind === 'text' || part.kind === 'thinking') return { kind: part.kind };
  if (part.kind === 'opaque') return part;
  throw new Error(`no stream of ${part.kind} here`);
}

function deltas(value: string): readonly AnswerEvent[] {
  const pieces = value.match(/[\s\S]{1,3}/g) ?? [];
  return pieces.map((piece) => ({ type: 'delta', choice: 0, text: piece }));
}

function written(events: readonly AnswerEvent[]): string {
  const writer = anthropicClient.streamChat(CONTEXT, new Report());
  return events.map((event) => writer.write(event)).join('');
}

function datas(stream: string): readonly JsonRecord[] {
  return stream
    .split('\n')
    .flatMap((line) => (line.startsWith('data: ') ? [JSON.parse(line.slice(6)) as JsonRecord] : []));
}

/** Answers that the format can say. */
const words = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 });
const textPart = fc.tuple(words, fc.boolean()).map(([value, isCited]): Part => {
  const raw = { type: 'char_location', cited_text: 'c', document_title: 'D' };
  const annotation = { url: null, title: 'D', from: 0, to: value.length, quote: 'c', raw, of: 'anthropic' } as const;
  return { kind: 'text', text: value, ...(isCited ? { annotations: [annotation] } : {}) };
});
const callPart = fc
  .record({
    id: fc.stringMatching(/^[\w-]{1,12}$/),
    name: fc.stringMatching(/^\w{1,8}$/),
    input: fc.dictionary(words, fc.jsonValue()),
  })
  .map(({ id, name, input }): ToolCallPart => {
    // As a parser gives it back: without negative zeros, for example.
    return { kind: 'tool_call', id, name, arguments: JSON.stringify(JSON.parse(JSON.stringify(input))) };
  });
const thinkingPart = fc.tuple(words, words).map(([value, signed]): ThinkingPart => {
  return { kind: 'thinking', text: value, signature: { of: 'anthropic', value: signed } };
});
const redactedPart = words.map((value): ThinkingPart => {
  return { kind: 'thinking', text: '', signature: { of: 'anthropic', value }, redacted: true };
});
const opaquePart = fc.constantFrom<OpaquePart>(
  { kind: 'opaque', of: 'anthropic', value: { type: 'server_tool_use', id: 's', name: 'web_search', input: { q: 1 } } },
  { kind: 'opaque', of: 'anthropic', value: { type: 'web_search_tool_result', tool_use_id: 's', content: [] } },
);
const answers = fc
  .record({
    parts: fc.array(fc.oneof(textPart, callPart, thinkingPart, redactedPart, opaquePart), { maxLength: 5 }),
    finish: fc.constantFrom<Finish>(
      { reason: 'length', raw: 'max_tokens' },
      { reason: 'stop_sequence', raw: 'stop_sequence', stopSequence: 'END' },
      { reason: 'tool_calls', raw: 'tool_use' },
      { reason: 'refusal', raw: 'refusal', message: 'no' },
      { reason: 'pause', raw: 'pause_turn' },
    ),
    usage: fc.constantFrom(USAGE, { ...USAGE, cacheWriteTokens: 20, cacheWrite1hTokens: 20 }),
  })
  .map(({ parts, finish, usage }): ChatAnswer => {
    const choices = [{ index: 0, parts, finish }];
    return { id: 'msg_1', model: 'claude', createdS: null, choices, usage, extra: {} };
  });

test('an answer that the format can say survives writing and reading, whole and as a stream', () => {
  fc.assert(
    fc.property(answers, fc.constantFrom('early', 'late'), fc.array(fc.nat({ max: 3000 })), (answer, usage, cuts) => {
      const report = new Report();
      const body = JSON.parse(JSON.stringify(anthropicClient.writeChat(answer, CONTEXT, report))) as JsonRecord;
      expect(anthropicProvider.readChat(body)).toEqual(answer);
      expect(report.warnings).toEqual([]);
      const bytes = Buffer.from(written(eventsOf(answer, usage)));
      expect(
        collected(
          streamed(
            bytes,
            cuts.filter((cut) => cut <= bytes.length),
          ),
        ),
      ).toEqual(answer);
    }),
    { numRuns: 200 },
  );
});

describe('the writer', () => {
  const answer: ChatAnswer = {
    id: 'chatcmpl-1',
    model: 'gpt',
    createdS: 1,
    choices: [
      {
        index: 0,
        parts: [
          { kind: 'thinking', text: 'Let me think.', signature: { of: 'gemini', value: 'sig' } },
          { kind: 'text', text: 'I ask both.' },
          { kind: 'tool_call', id: 'a', name: 'f', arguments: '{"x":1}' },
          { kind: 'tool_call', id: 'b', name: 'g', arguments: '{}', signature: { of: 'gemini', value: 's' } },
        ],
        finish: { reason: 'tool_calls', raw: 'tool_calls' },
      },
    ],
    usage: USAGE,
    extra: { system_fingerprint: 'fp' },
  };

  test('writes streams that the official client reads', async () => {
    const client = new Anthropic({
      apiKey: 'k',
      fetch: () =>
        Promise.resolve(
          new Response(written(eventsOf(answer, 'late')), { headers: { 'content-type': 'text/event-stream' } }),
        ),
    });
    const message = await client.messages
      .stream({ model: 'claude', max_tokens: 10, messages: [{ role: 'user', content: 'Hi' }] })
      .finalMessage();
    expect(JSON.parse(JSON.stringify(message))).toMatchObject(
      JSON.parse(
        JSON.stringify({
          ...anthropicClient.writeChat(answer, CONTEXT, new Report()),
          usage: { input_tokens: 15, cache_read_input_tokens: 10, cache_creation_input_tokens: 5, output_tokens: 7 },
        }),
      ) as JsonRecord,
    );
    expect(message).toMatchObject({ id: 'chatcmpl-1', stop_reason: 'tool_use', content: { length: 4 } });
  });

  test('fills the first event with the usage that is known by then, or estimated', () => {
    expect(datas(written(eventsOf(answer, 'early')))[0]).toMatchObject({ message: { usage: { input_tokens: 15 } } });
    const late = datas(written(eventsOf(answer, 'late')));
    expect(late[0]).toMatchObject({ message: { usage: { input_tokens: 12, output_tokens: 0 } } });
    expect(late.at(-2)).toMatchObject({ usage: { input_tokens: 15, cache_read_input_tokens: 10, output_tokens: 7 } });
  });

  test('writes a whole message where there is nothing to say', () => {
    expect(datas(written([{ type: 'end' }])).map(({ type }) => type)).toEqual([
      'message_start',
      'message_delta',
      'message_stop',
    ]);
  });

  test('leaves out empty texts, media and other choices, and numbers the blocks without gaps', () => {
    const open = (part: number, kind: 'text' | 'refusal', choice = 0): AnswerEvent => ({
      type: 'open',
      choice,
      part,
      start: { kind },
    });
    const close = (choice = 0): AnswerEvent => ({ type: 'close', choice });
    const image = { kind: 'image', source: { kind: 'base64', data: '' }, mediaType: 'image/png' } as const;
    const stream = datas(
      written([
        open(0, 'text'),
        close(),
        { type: 'open', choice: 0, part: 1, start: image },
        close(),
        open(0, 'text', 1),
        { type: 'delta', choice: 1, text: 'other' },
        open(2, 'refusal'),
        { type: 'delta', choice: 0, text: 'No.' },
        close(),
        { type: 'finish', choice: 0, finish: { reason: 'refusal' } },
        { type: 'end' },
      ]),
    );
    expect(stream.filter(({ type }) => type === 'content_block_start')).toEqual([block(0, { type: 'text', text: '' })]);
    expect(stream).toContainEqual(text(0, 'No.'));
    expect(stream).not.toContainEqual(text(0, 'other'));
  });

  test('puts the free text of a custom call into its input', () => {
    const stream = datas(
      written([
        { type: 'open', choice: 0, part: 0, start: { kind: 'tool_call', id: 'a', name: 'c', custom: true } },
        { type: 'delta', choice: 0, text: 'say "' },
        { type: 'delta', choice: 0, text: '\n' },
        { type: 'close', choice: 0 },
        { type: 'end' },
      ]),
    );
    const pieces = stream.flatMap((event) => {
      const piece = recordOf(event['delta'])['partial_json'];
      return typeof piece === 'string' ? [piece] : [];
    });
    expect(JSON.parse(pieces.join(''))).toEqual({ input: 'say "\n' });
  });

  test('tells a failure under the name that the client selects on, and nothing after it', () => {
    const writer = anthropicClient.streamChat(CONTEXT, new Report());
    const error = { status: 529, code: 'upstream_overloaded', message: 'Later.', requestId: 'req_1' };
    expect(writer.fail(error)).toMatch(/^event: error\ndata: \{"type":"error","error":\{"type":"overloaded_error"/);
    expect(writer.write({ type: 'end' }) + writer.fail(error)).toBe('');
  });
});
