import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { AnswerEvent, ChatAnswer, ChatRequest, Part } from '../canonical.ts';
import { UNKNOWN_TRAITS } from '../model-traits.ts';
import type { JsonRecord } from '../record.ts';
import { recordOf } from '../record.ts';
import { Report } from '../report.ts';
import {
  PLAIN_REQUEST,
  answerParts,
  answers,
  contextFor,
  eventsOf,
  functionCalls,
  normalForm,
  requests,
  signatures,
} from './chat-arbitraries.ts';
import { openaiClient } from './client-codec.ts';
import { openaiProvider, openaiProviderFor } from './provider-codec.ts';

const fullProvider = openaiProviderFor({ isOpenai: true, thinking: 'reasoning_details' });
const FACTS = { model: null, stream: false };

function sent(request: ChatRequest, report = new Report()): JsonRecord {
  const body = fullProvider.writeChat(request, { name: request.model, traits: UNKNOWN_TRAITS }, report);
  return recordOf(JSON.parse(JSON.stringify(body)));
}

test('a request that was written is read as it was, and nothing of it is lost', () => {
  fc.assert(
    fc.property(requests, (request) => {
      const report = new Report();
      expect(openaiClient.readChat(sent(request, report), FACTS)).toEqual(request);
      expect(report.warnings).toEqual([]);
    }),
    { numRuns: 300 },
  );
});

test('an answer that was written is read as it was', () => {
  fc.assert(
    fc.property(answers, (answer) => {
      const report = new Report();
      const body = openaiClient.writeChat(answer, contextFor(PLAIN_REQUEST), report);
      expect(openaiProvider.readChat(recordOf(JSON.parse(JSON.stringify(body))))).toEqual(answer);
      expect(report.warnings).toEqual([]);
    }),
    { numRuns: 300 },
  );
});

test('a stream that was written is read as it was, however its bytes are split', () => {
  fc.assert(
    fc.property(answers, fc.array(fc.nat(), { maxLength: 20 }), (answer, cuts) => {
      const events = eventsOf(answer);
      const read = readBack(written(events), cuts);
      expect(normalForm(read)).toEqual(normalForm(events));
    }),
    { numRuns: 300 },
  );
});

test('what a client sends back of an answer is what the model said: signatures of any maker too', () => {
  const signedCalls = fc
    .array(fc.tuple(functionCalls, fc.option(signatures)), { maxLength: 2 })
    .map((pairs) => pairs.map(([call, signature]): Part => (signature === null ? call : { ...call, signature })));
  fc.assert(
    fc.property(answerParts, signedCalls, (said, calls) => {
      const parts = [...said.filter(({ kind }) => kind !== 'tool_call').map(withoutLogprobs), ...calls];
      const answer = answerOf(parts);
      expect(sentBack(wholeMessage(answer))).toEqual(parts);
      expect(sentBack(streamedMessage(answer))).toEqual(parts);
    }),
    { numRuns: 200 },
  );
});

function answerOf(parts: readonly Part[]): ChatAnswer {
  const choices = [{ index: 0, parts, finish: { reason: 'stop' } as const }];
  return { id: 'a', model: 'as-asked', createdS: 1, choices, usage: null, extra: {} };
}

function withoutLogprobs(part: Part): Part {
  return part.kind === 'text' ? { kind: 'text', text: part.text } : part;
}

function written(events: readonly AnswerEvent[]): Buffer {
  const writer = openaiClient.streamChat(contextFor(PLAIN_REQUEST), new Report());
  return Buffer.from(events.map((event) => writer.write(event)).join(''));
}

function readBack(bytes: Buffer, cuts: readonly number[]): readonly AnswerEvent[] {
  const events: AnswerEvent[] = [];
  const reader = openaiProvider.readStream((event) => events.push(event));
  const places = [0, ...cuts.map((cut) => cut % bytes.length).sort((a, b) => a - b), bytes.length];
  for (let at = 1; at < places.length; at++) reader.push(bytes.subarray(places[at - 1], places[at]));
  reader.end();
  return events;
}

function wholeMessage(answer: ChatAnswer): JsonRecord {
  const body = openaiClient.writeChat(answer, contextFor(PLAIN_REQUEST), new Report());
  const choice: unknown = Array.isArray(body['choices']) ? body['choices'][0] : undefined;
  return recordOf(recordOf(JSON.parse(JSON.stringify(choice)))['message']);
}

/** As a client gathers it that puts pieces of one index together. */
function streamedMessage(answer: ChatAnswer): JsonRecord {
  const message = { content: '', details: new Map<number, Record<string, string>>() };
  const calls = new Map<number, { id: string; type: string; function: { name: string; arguments: string } }>();
  for (const line of written(eventsOf(answer)).toString().split('\n\n')) {
    const data = line.slice('data: '.length);
    if (data === '' || data === '[DONE]') continue;
    const { choices } = JSON.parse(data) as { choices: { delta: Delta }[] };
    const delta = choices[0]?.delta ?? {};
    message.content += delta.content ?? '';
    for (const { index, text, ...detail } of delta.reasoning_details ?? []) {
      const known = message.details.get(index) ?? {};
      const all = (known['text'] ?? '') + (text ?? '');
      message.details.set(index, { ...known, ...detail, ...(detail['type'] === 'reasoning.text' && { text: all }) });
    }
    for (const { index, id, function: called } of delta.tool_calls ?? []) {
      const known = calls.get(index) ?? { id: id ?? '', type: 'function', function: { name: '', arguments: '' } };
      known.function.name += called.name ?? '';
      known.function.arguments += called.arguments ?? '';
      calls.set(index, known);
    }
  }
  return {
    role: 'assistant',
    content: message.content || null,
    reasoning_details: [...message.details].map(([index, detail]) => ({ ...detail, index })),
    ...(calls.size > 0 && { tool_calls: [...calls.values()] }),
  };
}

interface Delta {
  readonly content?: string | null;
  readonly reasoning_details?: readonly ({ readonly index: number; readonly text?: string } & Record<string, string>)[];
  readonly tool_calls?: readonly {
    readonly index: number;
    readonly id?: string;
    readonly function: { readonly name?: string; readonly arguments?: string };
  }[];
}

function sentBack(message: JsonRecord): readonly Part[] {
  const { turns } = openaiClient.readChat({ model: 'm', messages: [message] }, FACTS);
  return turns[0]?.parts ?? [];
}
