/** Recorded answers of vendors that speak this dialect, against a plain reading of them: see ../recordings.test.ts. */
import { readFileSync, readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { AnswerEvent, ChatAnswer, Part } from '../canonical.ts';
import { mistralProvider } from '../mistral/provider-codec.ts';
import type { JsonRecord } from '../record.ts';
import { isRecord, parsedOrUndefined, recordOf, textOf } from '../record.ts';
import { openaiProvider } from './provider-codec.ts';

const folder = process.env['KEYWARD_RECORDINGS'];
if (folder === undefined)
  console.warn('KEYWARD_RECORDINGS is not set: the tests that replay recorded answers are skipped.');

const VENDORS = [
  'openai',
  'azure',
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
  readonly vendor: string;
  readonly chunks: readonly JsonRecord[];
}

/** What an answer says, of choice 0. */
interface Gist {
  readonly text: string;
  readonly thinking: string;
  readonly calls: readonly (readonly [string, unknown])[];
  readonly finish: string;
  readonly input: number;
  readonly output: number;
}

describe.runIf(folder !== undefined)('recorded answers of the chat dialect', () => {
  const streams = recordings(['.chunks.txt', '.sse']);
  const wholes = recordings(['.json']);

  test('are there', () => {
    expect(streams.length).toBeGreaterThan(17);
    expect(wholes.length).toBeGreaterThan(17);
  });

  test.each(streams)(
    '$name: the stream tells what the chunks say, however the bytes are split',
    ({ vendor, chunks }) => {
      const bytes = Buffer.from(
        chunks.map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`).join('') + 'data: [DONE]\n\n',
      );
      const expected = plainStream(chunks);
      fc.assert(
        fc.property(fc.array(fc.nat({ max: bytes.length }), { maxLength: 30 }), (cuts) => {
          expect(streamGist(read(vendor, bytes, cuts))).toEqual(expected);
        }),
        { numRuns: 10 },
      );
    },
  );

  test.each(wholes)('$name: the whole answer is read', ({ vendor, chunks: [body = {}] }) => {
    expect(answerGist(providerOf(vendor).readChat(body))).toEqual(plainAnswer(body));
  });
});

function providerOf(vendor: string): typeof openaiProvider {
  return vendor === 'mistral' ? mistralProvider : openaiProvider;
}

function read(vendor: string, bytes: Buffer, cuts: readonly number[]): readonly AnswerEvent[] {
  const events: AnswerEvent[] = [];
  const reader = providerOf(vendor).readStream((event) => events.push(event));
  const places = [0, ...[...cuts].sort((a, b) => a - b), bytes.length];
  for (let at = 1; at < places.length; at++) reader.push(bytes.subarray(places[at - 1], places[at]));
  reader.end();
  return events;
}

function streamGist(events: readonly AnswerEvent[]): Gist {
  const said = { text: '', thinking: '', refusal: '' };
  const calls: [string, string][] = [];
  let open: string = '';
  let finish = '';
  let usage = { inputTokens: 0, outputTokens: 0 };
  for (const event of events) {
    if (event.type === 'open') {
      open = event.start.kind;
      if (event.start.kind === 'tool_call') calls.push([event.start.name, '']);
    } else if (event.type === 'delta') {
      const call = calls.at(-1);
      if (open === 'tool_call' && call !== undefined) call[1] += event.text;
      else if (open === 'text' || open === 'thinking') said[open] += event.text;
    } else if (event.type === 'finish') finish = event.finish.reason;
    else if (event.type === 'usage') usage = event.usage;
  }
  expect(events[0]?.type).toBe('start');
  expect(events.at(-1)?.type).toBe('end');
  return {
    text: said.text,
    thinking: said.thinking,
    calls: calls.map(([name, args]) => [name, parsedOrUndefined(args)]),
    finish,
    input: usage.inputTokens,
    output: usage.outputTokens,
  };
}

function answerGist(answer: ChatAnswer): Gist {
  const parts = answer.choices[0]?.parts ?? [];
  return {
    text: joined(parts, 'text'),
    thinking: joined(parts, 'thinking'),
    calls: parts.flatMap((part) =>
      part.kind === 'tool_call' ? [[part.name, parsedOrUndefined(part.arguments)] as const] : [],
    ),
    finish: answer.choices[0]?.finish.reason ?? '',
    input: answer.usage?.inputTokens ?? 0,
    output: answer.usage?.outputTokens ?? 0,
  };
}

function joined(parts: readonly Part[], kind: 'text' | 'thinking'): string {
  return parts.flatMap((part) => (part.kind === kind ? [part.text] : [])).join('');
}

/** The same, read from the chunks in the plainest way. */
function plainStream(chunks: readonly JsonRecord[]): Gist {
  let text = '';
  let thinking = '';
  let finish = '';
  let usage: JsonRecord = {};
  const calls = new Map<unknown, { name: string; args: string }>();
  for (const chunk of chunks) {
    const stated = chunk['usage'] ?? recordOf(chunk['x_groq'])['usage'];
    if (isRecord(stated)) usage = stated;
    const choice = recordOf(Array.isArray(chunk['choices']) ? chunk['choices'][0] : undefined);
    const delta = recordOf(choice['delta']);
    text += plainText(delta['content'], 'text');
    thinking += plainText(delta['content'], 'thinking') + plainReasoning(delta);
    if (typeof choice['finish_reason'] === 'string') finish = choice['finish_reason'];
    for (const call of Array.isArray(delta['tool_calls']) ? delta['tool_calls'].map(recordOf) : []) {
      const key = call['index'] ?? call['id'];
      const called = recordOf(call['function']);
      const known = calls.get(key) ?? { name: '', args: '' };
      known.name ||= textOf(called['name']);
      known.args += textOf(called['arguments']);
      calls.set(key, known);
    }
  }
  const told = [...calls.values()].map(({ name, args }) => [name, parsedOrUndefined(args)] as const);
  return { text, thinking, calls: told, finish, ...plainUsage(usage) };
}

function plainAnswer(body: JsonRecord): Gist {
  const choice = recordOf(Array.isArray(body['choices']) ? body['choices'][0] : undefined);
  const message = recordOf(choice['message']);
  const calls = Array.isArray(message['tool_calls'])
    ? message['tool_calls'].map((call) => recordOf(recordOf(call)['function']))
    : [];
  return {
    text: plainText(message['content'], 'text'),
    thinking: plainText(message['content'], 'thinking') + plainReasoning(message),
    calls: calls.map(({ name, arguments: args }) => [String(name), parsedOrUndefined(String(args))]),
    finish: String(choice['finish_reason']),
    ...plainUsage(recordOf(body['usage'])),
  };
}

function plainReasoning(message: JsonRecord): string {
  const text = message['reasoning_content'] ?? message['reasoning'];
  return typeof text === 'string' ? text : '';
}

function plainText(content: unknown, kind: 'text' | 'thinking'): string {
  if (typeof content === 'string') return kind === 'text' ? content : '';
  if (!Array.isArray(content)) return '';
  return content
    .map(recordOf)
    .filter(({ type }) => type === kind)
    .map((part) =>
      kind === 'text' ? part['text'] : recordOf(Array.isArray(part['thinking']) ? part['thinking'][0] : {})['text'],
    )
    .join('');
}

/** Where the total is more than its parts, reasoning was counted beside them. */
function plainUsage(usage: JsonRecord): Pick<Gist, 'input' | 'output'> {
  const input = Number(usage['prompt_tokens'] ?? 0);
  return {
    input,
    output: Math.max(Number(usage['completion_tokens'] ?? 0), Number(usage['total_tokens'] ?? 0) - input),
  };
}

function recordings(endings: readonly string[]): readonly Recording[] {
  if (folder === undefined) return [];
  const found: Recording[] = [];
  for (const path of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    const vendor = basename(dirname(path));
    if (!VENDORS.includes(vendor) || !endings.some((ending) => path.endsWith(ending))) continue;
    const text = readFileSync(join(folder, path), 'utf8');
    const chunks = path.endsWith('.json') ? [recordOf(parsedOrUndefined(text))] : text.split('\n').flatMap(lineOf);
    const isChat = chunks.some((chunk) => Array.isArray(chunk['choices']) && !/"text_completion"/.test(text));
    if (isChat) found.push({ name: `${vendor}/${basename(path)}`, vendor, chunks });
  }
  return found;
}

function lineOf(line: string): readonly JsonRecord[] {
  const value = parsedOrUndefined(line.replace(/^data: /, ''));
  return isRecord(value) ? [value] : [];
}
