import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { StreamObserver } from '../dialect.ts';
import { openai } from './dialect.ts';

function observed(text: string, cuts: readonly number[] = []): StreamObserver {
  const observer = openai.observeStream(false, true);
  const bytes = Buffer.from(text);
  const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  for (const [i, from] of places.entries()) {
    const chunk = bytes.subarray(from, places[i + 1] ?? from);
    expect(observer.push(chunk)).toBe(chunk);
  }
  expect(observer.flush()).toBeNull();
  return observer;
}

const IMAGE_USAGE = {
  input_tokens: 50,
  input_tokens_details: { text_tokens: 10, image_tokens: 40 },
  output_tokens: 4160,
  total_tokens: 4210,
};

function image(bytes: number): string {
  const data = { type: 'image_generation.completed', b64_json: 'A'.repeat(bytes), usage: IMAGE_USAGE };
  return `event: image_generation.completed\r\ndata: ${JSON.stringify(data)}\r\n\r\n`;
}

const SPEECH =
  'data: {"type":"speech.audio.delta","audio":"AAAA"}\n\ndata: {"type":"speech.audio.done","usage":{"input_tokens":3,"output_tokens":9,"total_tokens":12}}\n\n';

const TRANSCRIPT =
  'data: {"type":"transcript.text.delta","delta":"\\"type\\":\\"transcript.text.done\\""}\n\n' +
  'data: {"type":"transcript.text.done","text":"hi","usage":{"type":"tokens","input_tokens":14,"input_token_details":{"text_tokens":4,"audio_tokens":10},"output_tokens":2,"total_tokens":16}}\n\n';

describe('a stream of images or sound', () => {
  test('of megabytes in one event is read for its usage and its end', () => {
    const observer = observed(image(6_000_000), [100, 3_000_000, 5_999_990]);
    expect(observer.usage()).toEqual({
      inputTokens: 50,
      cachedInputTokens: 0,
      cacheWriteTokens: 0,
      outputTokens: 4160,
      reasoningTokens: 0,
      imageOutputTokens: 4160,
    });
    expect(observer.complete()).toBe(true);
  });

  test.each([
    [image(10), { inputTokens: 50, outputTokens: 4160 }],
    [SPEECH, { inputTokens: 3, outputTokens: 9 }],
    [TRANSCRIPT, { inputTokens: 14, audioInputTokens: 10, outputTokens: 2 }],
    ['data: {"x":1}\n\ndata: [DONE]\n\n', null],
    ['data: {"type":"transcript.text.done","text":"no blank line"}', null],
  ])('gives the same however its bytes are split', (text, usage) => {
    fc.assert(
      fc.property(fc.array(fc.nat(10_000), { maxLength: 12 }), (cuts) => {
        const observer = observed(text, cuts);
        expect(observer.complete()).toBe(true);
        if (usage === null) expect(observer.usage()).toBeNull();
        else expect(observer.usage()).toMatchObject(usage);
      }),
      { numRuns: 30 },
    );
  });

  test('is not complete before its end, whatever a text in it says', () => {
    expect(observed(TRANSCRIPT.slice(0, TRANSCRIPT.indexOf('\n\n') + 2)).complete()).toBe(false);
    expect(observed('data: {"type":"image_generation.partial_image","b64_json":"AA"}\n\n').complete()).toBe(false);
  });

  test('of anything throws nothing', () => {
    fc.assert(fc.property(fc.string(), (text) => void observed(`data: {"usage":${text}`)));
  });
});

describe('the usage of a whole answer', () => {
  const usageOf = (usage: unknown): unknown => openai.readUsage(Buffer.from(JSON.stringify({ text: 'x', usage })));

  test('is read where it is told in tokens', () => {
    expect(usageOf({ type: 'tokens', input_tokens: 5, output_tokens: 6, total_tokens: 11 })).toMatchObject({
      inputTokens: 5,
      outputTokens: 6,
    });
    expect(usageOf({ ...IMAGE_USAGE, output_tokens_details: { image_tokens: 4000, text_tokens: 160 } })).toMatchObject({
      outputTokens: 4160,
      imageOutputTokens: 4000,
    });
    expect(usageOf({ total_tokens: 7 })).toMatchObject({ inputTokens: 7, outputTokens: 0 });
  });

  test('is a duration where that is told, and no token', () => {
    expect(usageOf({ type: 'duration', seconds: 9 })).toMatchObject({ audioMs: 9000, inputTokens: 0, outputTokens: 0 });
    expect(usageOf({ seconds: 0.0714, input_tokens: 3, output_tokens: 1, total_tokens: 4 })).toMatchObject({
      audioMs: 71,
      inputTokens: 3,
    });
    expect(usageOf({ type: 'duration', seconds: -1 })).toBeNull();
    expect(usageOf({ type: 'duration', seconds: '' })).toBeNull();
    expect(usageOf(undefined)).toBeNull();
  });

  test('is read from the details of a transcript, where it stands nowhere else', () => {
    const heard = (answer: unknown, isMedia = true): unknown =>
      openai.readUsage(Buffer.from(JSON.stringify(answer)), isMedia);
    expect(heard({ task: 'transcribe', duration: 8.470000267028809, text: 'hi' })).toMatchObject({ audioMs: 8470 });
    expect(heard({ duration: '8.47', text: 'hi' })).toMatchObject({ audioMs: 8470 });
    expect(heard({ duration: 8.47, text: 'hi', usage: { type: 'duration', seconds: 9 } })).toMatchObject({
      audioMs: 9000,
    });
    expect(heard({ duration: 2, usage: { input_tokens: 5, output_tokens: 1 } })).toMatchObject({
      audioMs: 2000,
      inputTokens: 5,
    });
    expect(heard({ text: 'hi', segments: [{ duration: 3 }] })).toBeNull();
    expect(heard({ duration: 2, choices: [] }, false)).toBeNull();
  });
});
