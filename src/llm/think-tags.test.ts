import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { AnswerEvent, Part } from './canonical.ts';
import { mistralProvider } from './mistral/provider-codec.ts';
import type { JsonRecord } from './record.ts';
import type { ContentPiece } from './openai/answer-content.ts';
import { openaiProvider } from './openai/provider-codec.ts';
import { brokenPromise } from './openai/stream-promises.ts';
import { ThinkTags } from './think-tags.ts';

function told(texts: readonly string[]): readonly string[] {
  const tags = new ThinkTags();
  const pieces = [...texts.flatMap((text) => tags.read([{ kind: 'text', text }])), ...tags.end()];
  return joined(pieces);
}

/** As `kind:text`, neighbours of one kind as one. */
function joined(pieces: readonly ContentPiece[]): readonly string[] {
  const parts: { kind: string; text: string }[] = [];
  for (const { kind, text } of pieces) {
    const last = parts.at(-1);
    if (last?.kind === kind) last.text += text;
    else parts.push({ kind, text });
  }
  return parts.map(({ kind, text }) => `${kind}:${text}`);
}

/** Texts out of tags, pieces of them and white space. */
const taggedText = fc
  .array(
    fc.oneof(
      fc.constantFrom('<think>', '</think>', '<', '</', 'th', 'ink>', ' ', '\n\n', 'Hm.', '−3 °C'),
      fc.integer({ min: 60, max: 68 }).map((length) => ' '.repeat(length)),
      fc.string({ maxLength: 8 }),
    ),
    { maxLength: 12 },
  )
  .map((words) => words.join(''));

function cut(text: string, places: readonly number[]): readonly string[] {
  const cuts = [0, ...places.map((place) => place % (text.length + 1)).toSorted((a, b) => a - b), text.length];
  return cuts.slice(1).map((to, i) => text.slice(cuts[i], to));
}

describe('reasoning that a model wrote into its text', () => {
  test.each([
    ['<think>Hm.</think>Yes.', ['thinking:Hm.', 'text:Yes.']],
    ['\n <think>\nHm.\n</think>\n\nYes. ', ['thinking:Hm.\n', 'text:Yes. ']],
    ['<think>\n\n</think>\n\nYes.', ['text:Yes.']],
    ['<think>Hm.', ['thinking:Hm.']],
    ['<think>Hm.</thi', ['thinking:Hm.</thi']],
    ['<think>a < b</ think></think>', ['thinking:a < b</ think>']],
    ['<think>a</think><think>b</think>', ['thinking:a', 'text:<think>b</think>']],
    ['Use <think>x</think>.', ['text:Use <think>x</think>.']],
    ['<thinking>x</thinking>', ['text:<thinking>x</thinking>']],
    ['Hm.</think>Yes.', ['text:Hm.</think>Yes.']],
    ['<thi', ['text:<thi']],
    [' \n', ['text: \n']],
    [`${' '.repeat(65)}<think>x`, [`text:${' '.repeat(65)}<think>x`]],
  ])('%j', (text, parts) => {
    expect(told([text])).toEqual(parts);
  });

  test('any split tells the same, and loses nothing but tags and the white space around them', () => {
    fc.assert(
      fc.property(taggedText, fc.array(fc.nat()), (text, places) => {
        const whole = told([text]);
        expect(told(cut(text, places))).toEqual(whole);
        const said = whole.map((part) => part.slice(part.indexOf(':') + 1)).join('');
        const bare = (one: string): string => one.replaceAll(/<\/?think>|\s/g, '');
        expect(bare(said)).toBe(bare(text));
      }),
      { numRuns: 2000 },
    );
  });

  test('never more is held back than may still be a tag', () => {
    fc.assert(
      fc.property(taggedText, (text) => {
        const tags = new ThinkTags();
        let said = 0;
        for (const [at, char] of [...text].entries()) {
          for (const piece of tags.read([{ kind: 'text', text: char }])) said += piece.text.length;
          const passed = [...text].slice(0, at + 1).join('');
          if (tags.isAtStart) expect(passed).toMatch(/^\s{0,64}(<|<t|<th|<thi|<thin|<think)?$/);
          else expect(passed.length - tags.removed - said).toBeLessThan('</think>'.length);
        }
      }),
    );
  });
});

function chunk(delta: JsonRecord, finish: string | null = null, more: JsonRecord = {}): JsonRecord {
  return { id: 'c', model: 'm', created: 7, choices: [{ index: 0, delta, finish_reason: finish, ...more }] };
}

function streamed(chunks: readonly JsonRecord[], split?: readonly number[], provider = openaiProvider): AnswerEvent[] {
  const bytes = Buffer.from(`${chunks.map((one) => `data: ${JSON.stringify(one)}\n\n`).join('')}data: [DONE]\n\n`);
  const events: AnswerEvent[] = [];
  const reader = provider.readStream((event) => events.push(event));
  const cuts = [0, ...(split ?? []).map((place) => place % bytes.length).toSorted((a, b) => a - b), bytes.length];
  for (const [i, to] of cuts.slice(1).entries()) reader.push(bytes.subarray(cuts[i], to));
  reader.end();
  return events;
}

function partsOf(events: readonly AnswerEvent[]): readonly string[] {
  const parts: string[] = [];
  for (const event of events) {
    if (event.type === 'open') parts.push(`${event.start.kind}:`);
    if (event.type === 'delta') parts[parts.length - 1] += event.text;
  }
  return parts;
}

function wholeParts(message: JsonRecord, more: JsonRecord = {}, provider = openaiProvider): readonly Part[] {
  const body = { id: 'c', model: 'm', choices: [{ index: 0, message, finish_reason: 'stop', ...more }] };
  return provider.readChat(body).choices[0]?.parts ?? [];
}

function names(parts: readonly Part[]): readonly string[] {
  return parts.map(
    (part) => `${part.kind}:${part.kind === 'tool_call' ? part.arguments : 'text' in part ? part.text : ''}`,
  );
}

describe('in an answer of the chat dialect', () => {
  test('it is the same whole and as a stream, however text and bytes are cut', () => {
    fc.assert(
      fc.property(taggedText, fc.array(fc.nat()), fc.array(fc.nat(), { maxLength: 8 }), (text, places, bytes) => {
        const chunks = [...cut(text, places).map((content) => chunk({ content })), chunk({}, 'stop')];
        const events = streamed(chunks);
        expect(streamed(chunks, bytes)).toEqual(events);
        expect(brokenPromise(events)).toBeNull();
        expect(partsOf(events)).toEqual(names(wholeParts({ content: text })));
      }),
    );
  });

  test.each([openaiProvider, mistralProvider])('it is unsigned', (provider) => {
    const content = '<think>Hm.</think>Yes.';
    expect(wholeParts({ content }, {}, provider)).toEqual([
      { kind: 'thinking', text: 'Hm.', signature: null },
      { kind: 'text', text: 'Yes.' },
    ]);
    const events = streamed([chunk({ content }), chunk({}, 'stop')], [], provider);
    expect(events.some(({ type }) => type === 'signature')).toBe(false);
  });

  test('what looks like a tag comes before the call that follows it', () => {
    const call = { tool_calls: [{ index: 0, id: 'a', function: { name: 'f', arguments: '{}' } }] };
    expect(partsOf(streamed([chunk({ content: '<th' }), chunk(call, 'tool_calls')]))).toEqual([
      'text:<th',
      'tool_call:{}',
    ]);
    const thinking = [chunk({ content: '<think>Hm</' }), chunk(call, 'tool_calls')];
    expect(partsOf(streamed(thinking))).toEqual(['thinking:Hm</', 'tool_call:{}']);
    expect(names(wholeParts({ content: '<think>Hm</', ...call }))).toEqual(['thinking:Hm</', 'tool_call:{}']);
  });

  test('tags are text where the vendor tells reasoning in a member of its own', () => {
    const content = '<think>x</think>';
    expect(names(wholeParts({ reasoning_content: 'Hm.', content }))).toEqual(['thinking:Hm.', `text:${content}`]);
    const chunks = [chunk({ reasoning_content: 'Hm.' }), chunk({ content }), chunk({}, 'stop')];
    expect(partsOf(streamed(chunks))).toEqual(['thinking:Hm.', `text:${content}`]);
  });

  test('what is told of the text is told of what is left of it', () => {
    const content = '<think>Hm.</think>\nYes.';
    const logprob = (token: string): JsonRecord => ({ token, logprob: -1, bytes: null, top_logprobs: [] });
    const tokens = ['<think>', 'Hm.', '</think>\n', 'Yes', '.'];
    const url_citation = { url: 'https://a.example', title: 'A', start_index: 19, end_index: 22 };
    const annotations = [{ type: 'url_citation', url_citation }];
    const [, text] = wholeParts({ content, annotations }, { logprobs: { content: tokens.map(logprob) } });
    expect(text).toMatchObject({
      text: 'Yes.',
      logprobs: [{ token: 'Yes' }, { token: '.' }],
      annotations: [{ from: 0, to: 3, raw: { url_citation: { start_index: 0, end_index: 3 } } }],
    });
    const events = streamed([
      ...tokens.map((token) => chunk({ content: token }, null, { logprobs: { content: [logprob(token)] } })),
      chunk({ annotations }, 'stop'),
    ]);
    const streamedTokens = events.flatMap((event) => (event.type === 'logprobs' ? event.logprobs : []));
    expect(streamedTokens.map(({ token }) => token)).toEqual(['Yes', '.']);
    expect(events.find(({ type }) => type === 'annotation')).toMatchObject({ annotation: { from: 0, to: 3 } });
    const html = ['<', 'b>'].map((token) =>
      chunk({ content: token }, null, { logprobs: { content: [logprob(token)] } }),
    );
    const kept = streamed([...html, chunk({}, 'stop')]).flatMap((event) =>
      event.type === 'logprobs' ? event.logprobs : [],
    );
    expect(kept.map(({ token }) => token)).toEqual(['<', 'b>']);
  });
});
