/** Recorded answers of OpenAI, Azure and xAI (see ../recordings.test.ts for where they come from). */
import { readFileSync, readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { AnswerEvent, Part } from '../canonical.ts';
import { isRecord, parsedOrUndefined, recordOf, textOf, type JsonRecord } from '../record.ts';
import { Report } from '../report.ts';
import { CONTEXT } from './arbitraries.ts';
import { responsesClient } from './client-codec.ts';
import { foldEvents } from './fold-events.ts';
import { responsesProvider } from './provider-codec.ts';
import { throughSdk } from './through-sdk.ts';

const folder = process.env['KEYWARD_RECORDINGS'];
if (folder === undefined)
  console.warn('KEYWARD_RECORDINGS is not set: the tests that replay recorded answers are skipped.');

const PROVIDERS = ['openai', 'azure', 'xai'];

/** One response: a file may hold several, one after the other. */
interface Recording {
  readonly name: string;
  readonly events: readonly JsonRecord[];
}

describe.runIf(folder !== undefined)('recorded answers', () => {
  const streams = recordedStreams();
  const wholes = recordedWholes();

  test('are there', () => {
    expect(streams.length).toBeGreaterThan(40);
    expect(wholes.length).toBeGreaterThan(30);
  });

  test.each(streams)('of the stream $name are read as they say, however the bytes are split', ({ events }) => {
    const bytes = Buffer.from(
      events.map((event) => `event: ${String(event['type'])}\ndata: ${JSON.stringify(event)}\n\n`).join(''),
    );
    const expected = readPlainly(events);
    expect(plain(readIn(bytes, []))).toEqual(expected);
    fc.assert(
      fc.property(fc.array(fc.nat({ max: bytes.length }), { maxLength: 30 }), (cuts) => {
        expect(plain(readIn(bytes, cuts))).toEqual(expected);
      }),
      { numRuns: 10 },
    );
  });

  test.each(streams)('of the stream $name give the parts that its last event repeats', ({ events }) => {
    const response = recordOf(events.at(-1)?.['response']);
    if (response['status'] !== 'completed' || isTrimmed(events)) return;
    const bytes = Buffer.from(events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join(''));
    const whole = responsesProvider.readChat(response);
    const folded = foldEvents(readIn(bytes, []));
    expect(folded.parts.map(comparable)).toEqual(whole.choices[0]?.parts.map(comparable));
    expect(folded.finish).toEqual(whole.choices[0]?.finish);
    expect(folded.usage).toEqual(whole.usage);
  });

  test.each(streams)('of the stream $name reach a client of the official SDK', async ({ events }) => {
    const bytes = Buffer.from(events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join(''));
    const seen = readIn(bytes, []);
    if (seen.at(-1)?.type !== 'end') return;
    const writer = responsesClient.streamChat(CONTEXT, new Report());
    const text = seen.map((event) => writer.write(event)).join('');
    const response = await throughSdk(text);
    const { parts } = foldEvents(seen);
    expect(response.output_text).toBe(plainParts(parts).text);
    const calls = response.output.filter(({ type }) => type === 'function_call' || type === 'custom_tool_call');
    expect(calls.length).toBe(plainParts(parts).calls.length);
  });

  test.each(wholes)('of the whole answer $name are read as they say', ({ events: [response = {}] }) => {
    const answer = responsesProvider.readChat(response);
    const parts = answer.choices[0]?.parts ?? [];
    expect(plainParts(parts)).toEqual(plainItems(itemsOf(response)));
    expect(answer.usage?.inputTokens).toBe(recordOf(response['usage'])['input_tokens']);
    expect(answer.usage?.outputTokens).toBe(recordOf(response['usage'])['output_tokens']);
  });
});

function recordedStreams(): Recording[] {
  return files('.chunks.txt').flatMap(({ name, text }) => {
    const events = text.split('\n').map(parsedOrUndefined).filter(isRecord);
    const starts = events.flatMap((event, index) => (event['type'] === 'response.created' ? [index] : []));
    return starts.map((from, index) => ({ name: `${name}#${index}`, events: events.slice(from, starts[index + 1]) }));
  });
}

function recordedWholes(): Recording[] {
  return files('.json').flatMap(({ name, text }) => {
    const response = recordOf(parsedOrUndefined(text));
    return response['object'] === 'response' ? [{ name, events: [response] }] : [];
  });
}

function files(ending: string): { name: string; text: string }[] {
  if (folder === undefined) return [];
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith(ending) && PROVIDERS.includes(basename(dirname(file))))
    .map((file) => ({
      name: `${basename(dirname(file))}/${basename(file)}`,
      text: readFileSync(join(folder, file), 'utf8'),
    }));
}

function readIn(bytes: Buffer, cuts: readonly number[]): AnswerEvent[] {
  const events: AnswerEvent[] = [];
  const reader = responsesProvider.readStream((event) => events.push(event));
  const places = [0, ...[...cuts].sort((a, b) => a - b), bytes.length];
  for (const [index, from] of places.entries()) reader.push(bytes.subarray(from, places[index + 1] ?? bytes.length));
  reader.end();
  return events;
}

/** What a caller of another dialect gets of an answer. */
function plain(events: readonly AnswerEvent[]): unknown {
  const { parts, finish, usage, error, hasEnd } = foldEvents(events);
  return {
    ...plainParts(parts),
    finish: finish?.reason ?? null,
    input: usage?.inputTokens ?? null,
    output: usage?.outputTokens ?? null,
    failed: error !== null,
    hasEnd,
  };
}

function plainParts(parts: readonly Part[]): { text: string; calls: unknown[] } {
  return {
    text: parts.map((part) => (part.kind === 'text' ? part.text : '')).join(''),
    calls: parts.flatMap((part) =>
      part.kind === 'tool_call'
        ? [[part.name, part.id, part.custom ? part.arguments : JSON.parse(part.arguments)]]
        : [],
    ),
  };
}

/** A second, plain reading of the recorded events. */
function readPlainly(events: readonly JsonRecord[]): unknown {
  const done = events.filter(({ type }) => type === 'response.output_item.done').map(({ item }) => recordOf(item));
  const last = events.at(-1) ?? {};
  const usage = recordOf(recordOf(last['response'])['usage']);
  const { calls } = plainItems(done);
  const failed = events.some(({ type }) => type === 'error' || type === 'response.failed');
  const isWhole = last['type'] === 'response.completed';
  return {
    text: plainText(events, done),
    calls,
    finish: failed ? null : !isWhole ? 'incomplete' : calls.length > 0 ? 'tool_calls' : 'stop',
    input: usage['input_tokens'] ?? null,
    output: usage['output_tokens'] ?? null,
    failed,
    hasEnd: isWhole,
  };
}

/** Some recordings were shortened by hand: their items go on where their deltas end. */
function plainText(events: readonly JsonRecord[], done: readonly JsonRecord[]): string {
  const deltas = events.map(({ type, delta }) => (type === 'response.output_text.delta' ? String(delta) : '')).join('');
  const { text } = plainItems(done);
  return done.filter(({ type }) => type === 'message').length > 1 || text.startsWith(deltas) ? text : deltas;
}

function plainItems(items: readonly JsonRecord[]): { text: string; calls: unknown[] } {
  const contents = items.flatMap(
    ({ type, content }) => (type === 'message' && Array.isArray(content) ? content : []) as unknown[],
  );
  return {
    text: contents.map((part) => textOf(recordOf(part)['text'])).join(''),
    calls: items.flatMap(({ type, name, call_id, arguments: args, input }) => {
      if (type === 'custom_tool_call') return [[name, call_id, input]];
      return type === 'function_call' ? [[name, call_id, JSON.parse(String(args))]] : [];
    }),
  };
}

function itemsOf(response: JsonRecord): readonly JsonRecord[] {
  return Array.isArray(response['output']) ? response['output'].filter(isRecord) : [];
}

/** Their last event then repeats more than they tell. */
function isTrimmed(events: readonly JsonRecord[]): boolean {
  const done = events.filter(({ type }) => type === 'response.output_item.done');
  const items = done.map(({ item }) => recordOf(item));
  const repeated = plainItems(itemsOf(recordOf(events.at(-1)?.['response'])));
  return done.some((event, place) => event['output_index'] !== place) || plainText(events, items) !== repeated.text;
}

/** Ids and encrypted contents change from event to event, and streams tell nothing beside the parts. */
function comparable(part: Part): unknown {
  const { extra: _extra, ...rest } = part;
  if (rest.kind === 'opaque') return rest.value['type'];
  return rest.kind === 'thinking' ? { ...rest, signature: rest.signature?.of } : rest;
}
