import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ModelOperation, RequestReading } from '../dialect.ts';
import { openai } from './dialect.ts';

const TYPE = 'multipart/form-data; boundary=edge';

function form(fields: Readonly<Record<string, string>>, file = 'RIFF'): Buffer {
  const parts = Object.entries(fields).map(
    ([name, value]) => `--edge\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
  );
  const sound = `--edge\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n${file}\r\n`;
  return Buffer.from(`${parts.join('')}${sound}--edge--\r\n`);
}

function reading(body: Buffer | string, operation: ModelOperation, type: string | null = null): RequestReading {
  const result = openai.readRequest(Buffer.from(body), operation, type);
  if (!result.ok) throw new Error(result.message);
  return result.reading;
}

function refusal(body: Buffer | string, operation: ModelOperation, type: string | null = null): string {
  const result = openai.readRequest(Buffer.from(body), operation, type);
  return result.ok ? 'accepted' : `${result.code}: ${result.message}`;
}

describe('a form', () => {
  test('is read for its model, whether it streams, and how many images it asks for', () => {
    expect(reading(form({ model: 'a/b', stream: 'True' }), 'transcription', TYPE)).toMatchObject({
      model: 'a/b',
      stream: true,
      isForm: true,
      media: { images: 0 },
    });
    expect(reading(form({ model: 'a/b', n: '3' }), 'image_edit', TYPE)).toMatchObject({
      stream: false,
      media: { images: 3, answerTypes: null },
    });
    expect(reading(form({}), 'image_variation', TYPE)).toMatchObject({ model: null, media: { images: 1 } });
  });

  test.each([
    [{ model: '' }, /^model_missing/],
    [{ model: 'a\nb' }, /^invalid_body: "model" holds a control character/],
    [{ model: 'x'.repeat(300) }, /^invalid_body: "model" is too long/],
    [{ model: 'a', Model: 'b' }, /^invalid_body: "model" stands in the body twice/],
    [{ model: 'a', stream: 'yes' }, /^invalid_body: "stream"/],
    [{ model: 'a', 'stream[]': 'true', stream: 'false' }, /^invalid_body: "stream" stands/],
    [{ model: 'a', n: 'two' }, /^invalid_body: "n"/],
  ])('%j is refused with a sentence', (fields, reason) => {
    expect(refusal(form(fields), 'transcription', TYPE)).toMatch(reason);
  });

  test('whose model is a file, or no UTF-8, is refused', () => {
    const file = Buffer.from(form({ x: 'y' }).toString().replace('name="file"', 'name="model"'));
    expect(refusal(file, 'transcription', TYPE)).toMatch(/not a file/);
    const bytes = Buffer.from(form({ model: 'a~' }).toString('latin1').replace('a~', 'a\u00ff'), 'latin1');
    expect(refusal(bytes, 'transcription', TYPE)).toMatch(/^invalid_body: "model"/);
    expect(refusal('{}', 'transcription', TYPE)).toMatch(/^invalid_body: The body is not a valid form: .+\.$/);
  });

  test('goes on byte for byte but for the name of the model', () => {
    fc.assert(
      fc.property(
        fc.stringMatching(/^[\w./-]{1,40}$/),
        fc.stringMatching(/^[\w./:"'ü-]{1,40}$/),
        fc.string(),
        (model, upstream, file) => {
          const body = form({ prompt: 'p', model, stream: 'false' }, file.replaceAll('--edge', ''));
          const sent = openai.writeRequest(reading(body, 'transcription', TYPE), upstream);
          const wanted = form({ prompt: 'p', model: upstream, stream: 'false' }, file.replaceAll('--edge', ''));
          expect(Buffer.from(sent.body).equals(wanted)).toBe(true);
          expect(sent.hideUsage).toBe(false);
        },
      ),
    );
  });
});

describe('JSON', () => {
  test('is read as for every other operation', () => {
    const body = '{"model":"a/b","n":2,"prompt":"x","stream":true}';
    const read = reading(body, 'image_generation');
    expect(read).toMatchObject({ model: 'a/b', stream: true, media: { images: 2 }, askUsage: null });
    expect(Buffer.from(openai.writeRequest(read, 'b').body).toString()).toBe(body.replace('a/b', 'b'));
    expect(reading('{"model":"a/b","stream_format":"sse"}', 'speech')).toMatchObject({ stream: true });
    expect(reading('{"input":"x"}', 'moderation')).toMatchObject({ model: null, modelSpans: [] });
    expect(reading('{"model":"a","query":"q","documents":[]}', 'rerank').media).toBeUndefined();
  });

  test('may ask for any number of images, of which a bound is reserved', () => {
    expect(reading('{"model":"a","n":900000000000}', 'image_generation').media?.images).toBe(1000);
    expect(refusal('{"model":"a","n":-5}', 'image_generation')).toMatch(/"n" must be 1 or more/);
  });

  test('is refused where a member that decides stands twice', () => {
    expect(refusal('{"model":"a","stream_format":"sse","stream_format":"audio"}', 'speech')).toMatch(/twice/);
  });
});

test('whether an answer can tell its tokens is known from what is asked', () => {
  const tells = (operation: ModelOperation, body: string): boolean | undefined =>
    reading(body, operation).media?.mayTellUsage;
  expect(tells('speech', '{"model":"a"}')).toBe(false);
  expect(tells('speech', '{"model":"a","stream_format":"sse"}')).toBe(true);
  expect(tells('transcription', '{"model":"a","response_format":"vtt"}')).toBe(false);
  expect(tells('transcription', '{"model":"a"}')).toBe(true);
  expect(tells('image_edit', '{"model":"a"}')).toBe(true);
  const plain = reading(form({ model: 'a', response_format: 'srt' }), 'transcription', TYPE);
  expect(plain.media?.mayTellUsage).toBe(false);
});

test('what is to be spoken is counted in characters as Unicode has them, and sound by its length', () => {
  const characters = (input: string, operation: ModelOperation = 'speech'): number | undefined =>
    reading(`{"model":"a","input":${input}}`, operation).media?.characters;
  expect(characters('"Hello."')).toBe(6);
  expect(characters(String.raw`"gr\u00fcn \ud83e\udd8a\n"`)).toBe(7);
  expect(characters('"🦊🦊 日本"')).toBe(5);
  expect(characters('"👩‍🚀"')).toBe(3);
  expect(characters('["a"]')).toBe(0);
  expect(characters('"x"', 'moderation')).toBe(0);
  expect(refusal('{"model":"a","input":"x","Input":"y"}', 'speech')).toMatch(/"input" stands in the body twice/);

  const sound = form({ model: 'a' }, '0'.repeat(16_000));
  expect(reading(sound, 'transcription', TYPE).media).toMatchObject({ audioMs: 2000, characters: 0 });
  expect(reading(sound, 'translation', TYPE).media?.audioMs).toBe(2000);
  expect(reading(sound, 'image_edit', TYPE).media?.audioMs).toBe(0);
  expect(reading('{"model":"a"}', 'transcription').media?.audioMs).toBe(0);
});

test('each endpoint has its path, and answers of sound or text where it makes such', () => {
  const paths = (['rerank', 'moderation', 'image_edit', 'speech'] as const).map((operation) =>
    openai.upstreamPath(operation, 'm', false, ''),
  );
  expect(paths).toEqual(['/rerank', '/moderations', '/images/edits', '/audio/speech']);
  const types = (operation: ModelOperation): RegExp | null =>
    reading('{"model":"a"}', operation).media?.answerTypes ?? null;
  expect(types('speech')?.test('audio/mpeg')).toBe(true);
  expect(types('speech')?.test('text/html')).toBe(false);
  expect(types('transcription')?.test('text/vtt; charset=utf-8')).toBe(true);
  expect(types('transcription')?.test('text/html')).toBe(false);
  expect(types('image_generation')).toBeNull();
});
