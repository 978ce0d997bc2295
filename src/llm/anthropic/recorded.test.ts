/** Recorded answers of Anthropic, read by the codec under random splits; see ../recordings.test.ts. */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { AnswerEvent, ChatAnswer, Part } from '../canonical.ts';
import type { JsonRecord } from '../record.ts';
import { isRecord, parsedOrUndefined, recordOf } from '../record.ts';
import { anthropicProvider } from './provider-codec.ts';
import { collected, streamed, typesOf } from './stream-fixture.ts';

const folder = process.env['KEYWARD_RECORDINGS'];
if (folder === undefined || !existsSync(folder))
  console.warn('KEYWARD_RECORDINGS is not set: recorded answers of Anthropic are not read.');

describe.runIf(folder !== undefined && existsSync(folder))('recorded answers', () => {
  const streams = files('.chunks.txt').flatMap(messagesOf);
  const wholes = files('.json').filter(({ lines }) => lines[0]?.['type'] === 'message');

  test('are there', () => {
    expect(streams.length).toBeGreaterThan(25);
    expect(wholes.length).toBeGreaterThan(20);
  });

  test.each(streams)('$name: the stream tells what it holds, however its bytes are split', ({ name, lines }) => {
    const bytes = Buffer.from(
      lines.map((line) => `event: ${String(line['type'])}\ndata: ${JSON.stringify(line)}\n\n`).join(''),
    );
    const plain = isSpliced(name) ? null : plainReading(lines);
    fc.assert(
      fc.property(fc.array(fc.nat({ max: bytes.length }), { maxLength: 30 }), (cuts) => {
        const events = streamed(bytes, cuts);
        if (plain === null) return expectBrokenOff(events);
        expect(typesOf(events).at(-1)).toBe('end');
        expect(essence(collected(events))).toEqual(plain);
      }),
      { numRuns: 10 },
    );
  });

  test.each(wholes)('$name: the whole answer tells what it holds', ({ lines: [body = {}] }) => {
    const answer = anthropicProvider.readChat(body);
    const blocks = Array.isArray(body['content']) ? body['content'].filter(isRecord) : [];
    expect(essence(answer)).toEqual(essenceOf(blocks, body, recordOf(body['usage'])));
  });
});

function isSpliced(name: string): boolean {
  return name.startsWith('spliced');
}

/** Two generations in one stream: the second is not taken for more of the first. */
function expectBrokenOff(events: readonly AnswerEvent[]): void {
  expect(typesOf(events).filter((type) => type === 'start')).toHaveLength(1);
  expect(events.at(-1)).toMatchObject({ type: 'error', error: { status: 500 } });
}

interface Recording {
  readonly name: string;
  readonly lines: readonly JsonRecord[];
}

function files(ending: string): readonly Recording[] {
  if (folder === undefined || !existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith(ending) && basename(dirname(file)) === 'anthropic')
    .map((file) => {
      const text = readFileSync(join(folder, file), 'utf8');
      const texts = ending === '.json' ? [text] : text.split('\n').filter((line) => line.trim() !== '');
      return { name: basename(file), lines: texts.map((line) => recordOf(parsedOrUndefined(line))) };
    });
}

/** A file may hold the answers of several steps one after the other. */
function messagesOf({ name, lines }: Recording): readonly Recording[] {
  const messages: JsonRecord[][] = [[]];
  for (const line of lines) {
    messages.at(-1)?.push(line);
    if (line['type'] === 'message_stop') messages.push([]);
  }
  return messages.filter(({ length }) => length > 0).map((lines, index) => ({ name: `${name} ${index + 1}`, lines }));
}

interface Essence {
  readonly text: string;
  readonly thinking: string;
  readonly calls: readonly unknown[];
  readonly signatures: readonly unknown[];
  readonly opaque: readonly unknown[];
  readonly citations: number;
  readonly reason: string | undefined;
  readonly usage: readonly number[];
}

function essence(answer: ChatAnswer): Essence {
  const [choice] = answer.choices;
  const parts = choice?.parts ?? [];
  const all = <Kind extends Part['kind']>(kind: Kind) =>
    parts.filter((part): part is Extract<Part, { kind: Kind }> => part.kind === kind);
  const { usage } = answer;
  return {
    text: all('text')
      .map(({ text }) => text)
      .join(''),
    thinking: all('thinking')
      .map(({ text }) => text)
      .join(''),
    calls: all('tool_call').map(({ id, name, arguments: text }) => ({ id, name, input: JSON.parse(text) as unknown })),
    signatures: all('thinking').map(({ signature }) => signature?.value ?? ''),
    opaque: all('opaque').map(({ value }) => value),
    citations: all('text').reduce((sum, { annotations }) => sum + (annotations?.length ?? 0), 0),
    reason: choice?.finish.raw,
    usage: [usage?.inputTokens ?? 0, usage?.outputTokens ?? 0],
  };
}

/** The content of a recorded stream, put together block by block without the reader. */
function plainReading(lines: readonly JsonRecord[]): Essence {
  const head = recordOf(lines.find(({ type }) => type === 'message_start')?.['message']);
  const blocks: JsonRecord[] = Array.isArray(head['content']) ? head['content'].filter(isRecord) : [];
  for (const start of lines.filter(({ type }) => type === 'content_block_start')) {
    const deltas = lines.filter(({ type, index }) => type === 'content_block_delta' && index === start['index']);
    blocks.push(
      plainBlock(
        recordOf(start['content_block']),
        deltas.map(({ delta }) => recordOf(delta)),
      ),
    );
  }
  const ends = lines.filter(({ type }) => type === 'message_delta');
  const usage = Object.assign({}, head['usage'], ...ends.map((end) => end['usage'])) as JsonRecord;
  return essenceOf(blocks, recordOf(ends.at(-1)?.['delta'] ?? head), usage);
}

function plainBlock(start: JsonRecord, deltas: readonly JsonRecord[]): JsonRecord {
  const sum = (name: string): string => deltas.map((delta) => wordOf(delta[name])).join('');
  const block: Record<string, unknown> = { ...start };
  for (const name of ['text', 'thinking', 'signature', 'content']) if (sum(name) !== '') block[name] = sum(name);
  if (sum('partial_json') !== '') block['input'] = JSON.parse(sum('partial_json'));
  const citations = deltas.flatMap(({ citation }) => (citation === undefined ? [] : [citation]));
  return citations.length === 0 ? block : { ...block, citations };
}

function wordOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function essenceOf(blocks: readonly JsonRecord[], end: JsonRecord, usage: JsonRecord): Essence {
  const of = (...types: readonly string[]) => blocks.filter(({ type }) => types.includes(String(type)));
  const count = (...names: readonly string[]): number => names.reduce((sum, name) => sum + Number(usage[name] ?? 0), 0);
  return {
    text: of('text')
      .map(({ text }) => text)
      .join(''),
    thinking: of('thinking')
      .map(({ thinking }) => thinking)
      .join(''),
    calls: of('tool_use').map(({ id, name, input }) => ({ id, name, input })),
    signatures: of('thinking', 'redacted_thinking').map(({ signature, data }) => signature ?? data ?? ''),
    opaque: blocks.filter((block) => !of('text', 'thinking', 'redacted_thinking', 'tool_use').includes(block)),
    citations: of('text').reduce((sum, { citations }) => sum + (Array.isArray(citations) ? citations.length : 0), 0),
    reason: end['stop_reason'] as string | undefined,
    usage: [count('input_tokens', 'cache_read_input_tokens', 'cache_creation_input_tokens'), count('output_tokens')],
  };
}
