/**
 * Recorded answers of real providers, read under random splits. They are not part of this
 * repository: KEYWARD_RECORDINGS names a folder that holds, at any depth, a folder per provider, in
 * each `*.json` (a whole answer) and `*.chunks.txt` (a stream, one event's data a line).
 */
import { readFileSync, readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Dialect, Usage } from './dialect.ts';
import { DIALECTS } from './index.ts';
import { parsedOrUndefined, recordOf } from './record.ts';

const folder = process.env['KEYWARD_RECORDINGS'];
if (folder === undefined)
  console.warn('KEYWARD_RECORDINGS is not set: the tests that replay recorded answers are skipped.');

const PROVIDERS = [
  'openai',
  'azure',
  'anthropic',
  'google',
  'groq',
  'deepseek',
  'xai',
  'mistral',
  'moonshotai',
  'perplexity',
  'openai-compatible',
];

interface Recording {
  readonly name: string;
  readonly dialect: Dialect;
  readonly answers: readonly Readonly<Record<string, unknown>>[];
}

describe.runIf(folder !== undefined)('recorded answers', () => {
  const streams = recordings('.chunks.txt');
  const wholes = recordings('.json');

  test('are there', () => {
    expect(streams.length).toBeGreaterThan(50);
    expect(wholes.length).toBeGreaterThan(50);
  });

  test.each(streams)(
    'of the stream $name tell the stated usage, however the bytes are split',
    ({ dialect, answers }) => {
      const bytes = Buffer.from(
        answers.map((answer) => framed(dialect, answer)).join('') +
          (dialect.name === 'openai' ? 'data: [DONE]\n\n' : ''),
      );
      const expected = statedUsage(dialect, answers);
      fc.assert(
        fc.property(fc.array(fc.nat({ max: bytes.length }), { maxLength: 40 }), (cuts) => {
          const observer = dialect.observeStream(false);
          const places = [0, ...cuts.sort((a, b) => a - b), bytes.length];
          for (let index = 1; index < places.length; index++) {
            const chunk = bytes.subarray(places[index - 1], places[index]);
            expect(observer.push(chunk)).toBe(chunk);
          }
          observer.flush();
          expect(observer.usage()).toEqual(expected);
        }),
        { numRuns: 15 },
      );
    },
  );

  test.each(wholes)('of the whole answer $name tell the stated usage', ({ dialect, answers }) => {
    expect(dialect.readUsage(Buffer.from(JSON.stringify(answers[0])))).toEqual(statedUsage(dialect, answers));
  });
});

function recordings(ending: string): Recording[] {
  if (folder === undefined) return [];
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return files
    .filter((file) => file.endsWith(ending) && PROVIDERS.includes(basename(dirname(file))))
    .flatMap((file) => {
      const answers = answersOf(readFileSync(join(folder, file), 'utf8'), ending);
      const dialect = dialectOf(answers);
      return dialect === null ? [] : [{ name: `${basename(dirname(file))}/${basename(file)}`, dialect, answers }];
    });
}

function answersOf(text: string, ending: string): Recording['answers'] {
  const texts = ending === '.json' ? [text] : text.split('\n').filter((line) => line.trim() !== '');
  return texts.map((line) => recordOf(parsedOrUndefined(line)));
}

/** By the form of the answers: other forms (images, speech, errors) are left out. */
function dialectOf(answers: Recording['answers']): Dialect | null {
  const has = (test: (answer: Readonly<Record<string, unknown>>) => boolean) => answers.some(test);
  if (has(({ type }) => type === 'message_start' || type === 'message')) return DIALECTS.anthropic;
  if (has(({ type, object }) => type === 'response.created' || object === 'response'))
    return DIALECTS['openai-responses'];
  if (has(({ candidates }) => candidates !== undefined)) return DIALECTS.gemini;
  if (has(({ choices, object }) => choices !== undefined || object === 'list')) return DIALECTS.openai;
  return null;
}

function framed(dialect: Dialect, answer: Readonly<Record<string, unknown>>): string {
  const json = JSON.stringify(answer);
  if (dialect.name === 'gemini') return `data: ${json}\r\n\r\n`;
  return dialect.name === 'openai' ? `data: ${json}\n\n` : `event: ${String(answer['type'])}\ndata: ${json}\n\n`;
}

/** A second, plain reading of the recording: the last value that it states for each count. */
function statedUsage(dialect: Dialect, answers: Recording['answers']): Usage | null {
  const stated: Record<string, number> = {};
  for (const answer of answers) {
    const usage = usageMember(dialect, answer);
    if (dialect.name !== 'anthropic' && Object.keys(usage).length > 0)
      for (const name of Object.keys(stated)) delete stated[name];
    for (const [name, value] of Object.entries(usage)) if (typeof value === 'number') stated[name] = value;
    for (const details of [
      'prompt_tokens_details',
      'completion_tokens_details',
      'input_tokens_details',
      'output_tokens_details',
    ]) {
      for (const [name, value] of Object.entries(recordOf(usage[details])))
        if (typeof value === 'number') stated[name] = value;
    }
  }
  if (Object.keys(stated).length === 0) return null;
  const count = (...names: string[]) => names.map((name) => stated[name]).find((value) => value !== undefined) ?? 0;
  const cached = count('cached_tokens', 'cache_read_input_tokens', 'cachedContentTokenCount', 'num_cached_tokens');
  const written = count('cache_creation_input_tokens', 'cache_write_tokens');
  const input = count('prompt_tokens', 'input_tokens', 'promptTokenCount') + count('toolUsePromptTokenCount');
  return {
    inputTokens: dialect.name === 'anthropic' ? input + cached + written : input,
    cachedInputTokens: cached,
    cacheWriteTokens: written,
    outputTokens: statedOutput(dialect, count, input),
    reasoningTokens: count('reasoning_tokens', 'thoughtsTokenCount', 'thinking_tokens'),
  };
}

/** Where a total is stated, the output is what it has beyond the input. */
function statedOutput(dialect: Dialect, count: (...names: string[]) => number, input: number): number {
  const total = count('total_tokens', 'totalTokenCount');
  return dialect.name === 'anthropic' || total === 0 ? count('output_tokens', 'completion_tokens') : total - input;
}

function usageMember(dialect: Dialect, answer: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  switch (dialect.name) {
    case 'gemini':
      return recordOf(answer['usageMetadata']);
    case 'anthropic':
      return recordOf(answer['usage'] ?? recordOf(answer['message'])['usage']);
    case 'openai-responses':
      return recordOf(answer['usage'] ?? recordOf(answer['response'])['usage']);
    case 'openai':
      return recordOf(answer['usage'] ?? recordOf(answer['x_groq'])['usage']);
  }
}
