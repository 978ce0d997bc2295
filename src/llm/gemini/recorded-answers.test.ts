/** Recorded answers of Google, see ../recordings.test.ts: KEYWARD_RECORDINGS names their folder. */
import { readFileSync, readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { AnswerEvent, Part } from '../canonical.ts';
import type { JsonRecord } from '../record.ts';
import { parsedOrUndefined, recordOf } from '../record.ts';
import { geminiProvider } from './provider-codec.ts';

const folder = process.env['KEYWARD_RECORDINGS'];
if (folder === undefined)
  console.warn('KEYWARD_RECORDINGS is not set: the tests that replay recorded answers of Google are skipped.');

/** What an answer says, told apart from how it was cut. */
interface Said {
  text: string;
  thoughts: string;
  readonly calls: { readonly name: string; args: unknown }[];
  readonly signatures: string[];
  finish: string;
  usage: unknown;
}

describe.runIf(folder !== undefined)('recorded answers of Google', () => {
  const streams = recordings('.chunks.txt');
  const wholes = recordings('.json');

  test('are there', () => {
    expect(streams.length).toBeGreaterThan(7);
    expect(wholes.length).toBeGreaterThan(3);
  });

  test.each(streams)('of the stream $name say the same, however the bytes are split', ({ answers }) => {
    const bytes = Buffer.from(answers.map((answer) => `data: ${JSON.stringify(answer)}\r\n\r\n`).join(''));
    const expected = plainlyRead(answers);
    fc.assert(
      fc.property(fc.array(fc.nat({ max: bytes.length }), { maxLength: 40 }), (cuts) => {
        const events: AnswerEvent[] = [];
        const reader = geminiProvider.readStream((event) => events.push(event));
        const places = [0, ...cuts.sort((a, b) => a - b), bytes.length];
        for (let index = 1; index < places.length; index++)
          reader.push(bytes.subarray(places[index - 1], places[index]));
        reader.end();
        expect(ofEvents(events)).toEqual(expected);
        expect(events.at(-1)).toEqual({ type: 'end' });
      }),
      { numRuns: 15 },
    );
  });

  test.each(wholes)('of the whole answer $name say the same', ({ answers }) => {
    const { choices, usage } = geminiProvider.readChat(answers[0] ?? {});
    const said = nothing();
    for (const part of choices[0]?.parts ?? []) addPart(said, part);
    expect({ ...said, finish: choices[0]?.finish.reason, usage }).toEqual(plainlyRead(answers));
  });
});

function nothing(): Said {
  return { text: '', thoughts: '', calls: [], signatures: [], finish: '', usage: null };
}

function addPart(said: Said, part: Part): void {
  if (part.kind === 'text') said.text += part.text;
  if (part.kind === 'thinking') said.thoughts += part.text;
  if (part.kind === 'tool_call') said.calls.push({ name: part.name, args: parsedOrUndefined(part.arguments) });
  const signature = 'signature' in part ? part.signature?.value : undefined;
  if (signature !== undefined) said.signatures.push(signature);
}

function ofEvents(events: readonly AnswerEvent[]): Said {
  const said = nothing();
  let kind = '';
  let args = '';
  for (const event of events) {
    if (event.type === 'open') {
      kind = event.start.kind;
      args = '';
      if (event.start.kind === 'tool_call') said.calls.push({ name: event.start.name, args: null });
    } else if (event.type === 'delta') {
      if (kind === 'text') said.text += event.text;
      else if (kind === 'thinking') said.thoughts += event.text;
      else args += event.text;
    } else if (event.type === 'close') {
      const call = kind === 'tool_call' ? said.calls.at(-1) : undefined;
      if (call !== undefined) call.args = parsedOrUndefined(args);
    } else if (event.type === 'signature') said.signatures.push(event.signature.value);
    else if (event.type === 'finish') said.finish = event.finish.reason;
    else if (event.type === 'usage') said.usage = event.usage;
  }
  return said;
}

/** A second, plain reading: pieces of arguments are set one after the other by a path of names and numbers. */
function plainlyRead(answers: readonly JsonRecord[]): Said {
  const said = nothing();
  for (const answer of answers) {
    const [candidate] = listOf(answer['candidates']);
    const { content, finishReason } = recordOf(candidate);
    for (const part of listOf(recordOf(content)['parts'])) addPlainly(said, recordOf(part));
    if (typeof finishReason === 'string') said.finish = finishReason === 'STOP' ? 'stop' : finishReason;
    const {
      promptTokenCount: input,
      candidatesTokenCount: output,
      thoughtsTokenCount: thoughts = 0,
    } = recordOf(answer['usageMetadata']);
    if (typeof input === 'number')
      said.usage = {
        inputTokens: input,
        cachedInputTokens: 0,
        cacheWriteTokens: 0,
        outputTokens: Number(output) + Number(thoughts),
        reasoningTokens: thoughts,
      };
  }
  if (said.calls.length > 0 && said.finish === 'stop') said.finish = 'tool_calls';
  return said;
}

function addPlainly(said: Said, { text, thought, thoughtSignature, functionCall }: JsonRecord): void {
  if (typeof text === 'string' && thought === true) said.thoughts += text;
  else if (typeof text === 'string') said.text += text;
  if (typeof thoughtSignature === 'string') said.signatures.push(thoughtSignature);
  if (functionCall === undefined) return;
  const { name, args, partialArgs } = recordOf(functionCall);
  if (typeof name === 'string') said.calls.push({ name, args: recordOf(args) });
  const call = said.calls.at(-1);
  for (const piece of listOf(partialArgs)) {
    const { jsonPath, stringValue, numberValue } = recordOf(piece);
    const steps = String(jsonPath).match(/[^$.[\]]+/g) ?? [];
    if (call !== undefined) call.args = withPlace(call.args, steps, stringValue ?? numberValue);
  }
}

function withPlace(value: unknown, steps: readonly string[], more: unknown): unknown {
  const [step, ...rest] = steps;
  if (step === undefined) return typeof value === 'string' ? value + String(more) : more;
  if (/^\d+$/.test(step)) {
    const list = [...listOf(value)];
    list[Number(step)] = withPlace(list[Number(step)], rest, more);
    return list;
  }
  return { ...recordOf(value), [step]: withPlace(recordOf(value)[step], rest, more) };
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function recordings(ending: string): { readonly name: string; readonly answers: readonly JsonRecord[] }[] {
  if (folder === undefined) return [];
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return (
    files
      .filter((file) => file.endsWith(ending) && basename(dirname(file)) === 'google')
      .map((file) => {
        const text = readFileSync(join(folder, file), 'utf8');
        const texts = ending === '.json' ? [text] : text.split('\n').filter((line) => line.trim() !== '');
        return { name: basename(file), answers: texts.map((line) => recordOf(parsedOrUndefined(line))) };
      })
      // Other interfaces of Google (Interactions, Live) have no candidates.
      .filter(({ answers }) => answers.some(({ candidates }) => candidates !== undefined))
  );
}
