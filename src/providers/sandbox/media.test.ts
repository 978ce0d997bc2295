import { inflateSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import type { InProcessAnswer } from '../in-process.ts';
import { handleSandbox } from './handler.ts';

interface Played {
  readonly status: number;
  readonly type: string;
  readonly bytes: Buffer;
  readonly json: unknown;
}

function played({ status, headers, steps }: InProcessAnswer): Played {
  const pieces = [...steps].flatMap((step) => (step.kind === 'bytes' ? [step.bytes] : []));
  const bytes = Buffer.concat(pieces);
  const type = headers[headers.indexOf('content-type') + 1] ?? '';
  return { status, type, bytes, json: type === 'application/json' ? JSON.parse(bytes.toString()) : undefined };
}

function ask(path: string, body: Readonly<Record<string, unknown>>): Played {
  const bytes = Buffer.from(JSON.stringify({ model: 'echo', ...body }));
  return played(handleSandbox({ method: 'POST', path, body: bytes }));
}

async function send(path: string, fields: Readonly<Record<string, string>>, file: string | null): Promise<Played> {
  const form = new FormData();
  for (const [name, value] of Object.entries({ model: 'echo', ...fields })) form.append(name, value);
  if (file !== null) form.append(file, new Blob([Buffer.alloc(4800)]), 'file');
  const request = new Request('http://sandbox', { method: 'POST', body: form });
  const contentType = request.headers.get('content-type');
  return played(
    handleSandbox({ method: 'POST', path, body: new Uint8Array(await request.arrayBuffer()), contentType }),
  );
}

describe('the sandbox', () => {
  test('puts documents in the order of the words they share with the query', () => {
    const documents = ['a cat', { text: 'The quick brown fox' }, 'a quick cat'];
    expect(ask('/rerank', { query: 'quick fox', documents, top_n: 2, return_documents: true }).json).toMatchObject({
      results: [
        { index: 1, relevance_score: 1, document: { text: 'The quick brown fox' } },
        { index: 2, relevance_score: 0.5 },
      ],
    });
    expect(ask('/rerank', { query: 'q', documents: [1] }).status).toBe(400);
    expect(ask('/rerank', { query: 'q', documents: Array.from({ length: 1001 }, () => '') }).status).toBe(400);
  });

  test('flags a text that has the words of a category, each text by itself', () => {
    expect(ask('/moderations', { input: ['A walk.', 'Graphic violence!'] }).json).toMatchObject({
      results: [
        { flagged: false, categories: { violence: false } },
        { flagged: true, categories: { violence: true, 'violence/graphic': true, hate: false } },
      ],
    });
    const parts = [
      { type: 'text', text: 'self harm' },
      { type: 'image_url', image_url: { url: 'x' } },
    ];
    expect(ask('/moderations', { input: parts }).json).toMatchObject({ results: [{ flagged: true }] });
    expect(ask('/moderations', {}).status).toBe(400);
    expect(ask('/moderations', { input: Array.from({ length: 300 }, () => '') }).status).toBe(400);
  });

  test('makes images of one pixel, the same for the same prompt', () => {
    const first = ask('/images/generations', { prompt: 'a fox', n: 2 });
    expect(first.json).toMatchObject({ data: [{}, {}], usage: { output_tokens: 2 } });
    expect(ask('/images/generations', { prompt: 'a fox', n: 2 }).bytes).toEqual(first.bytes);
    const { data } = first.json as { readonly data: readonly { readonly b64_json: string }[] };
    const png = Buffer.from(data[0]?.b64_json ?? '', 'base64');
    expect(png.subarray(1, 4).toString()).toBe('PNG');
    const at = png.indexOf('IDAT');
    expect(inflateSync(png.subarray(at + 4, at + 4 + png.readUInt32BE(at - 4)))).toHaveLength(4);
    const url = ask('/images/generations', { prompt: 'a fox', response_format: 'url' });
    expect(url.bytes.toString()).toContain('"url":"data:image/png;base64,');
  });

  test('changes images that a form sends, also as a stream', async () => {
    expect((await send('/images/edits', { prompt: 'x' }, 'image[]')).status).toBe(200);
    expect((await send('/images/variations', { n: '2' }, 'image')).json).toMatchObject({ data: [{}, {}] });
    expect((await send('/images/edits', { prompt: 'x' }, null)).status).toBe(400);
    expect((await send('/images/edits', { prompt: 'x', n: '11' }, 'image')).status).toBe(400);
    const stream = await send('/images/edits', { prompt: 'x', stream: 'true' }, 'image');
    expect(stream.bytes.toString()).toMatch(/^event: image_edit\.completed\ndata: \{.*\}\n\n$/);
  });

  test('speaks a short tone as WAV, as samples or as events', () => {
    const wav = ask('/audio/speech', { input: 'hello' });
    expect([wav.type, wav.bytes.toString('latin1', 0, 4), wav.bytes.readUInt32LE(4)]).toEqual([
      'audio/wav',
      'RIFF',
      wav.bytes.length - 8,
    ]);
    const pcm = ask('/audio/speech', { input: 'hello', response_format: 'pcm' });
    expect(pcm.bytes).toEqual(wav.bytes.subarray(44));
    const events = ask('/audio/speech', { input: 'hello', stream_format: 'sse' }).bytes.toString();
    expect(events).toMatch(/^data: \{"type":"speech\.audio\.delta".*\n\ndata: \{"type":"speech\.audio\.done"/);
    expect(ask('/audio/speech', {}).status).toBe(400);
  });

  test.each([
    ['json', 'application/json', /^\{"text":"The sandbox received 4800 bytes of sound\.","usage":\{"type":"tokens"/],
    ['verbose_json', 'application/json', /"duration":0\.1,.*"type":"duration"/],
    ['text', 'text/plain; charset=utf-8', /^The sandbox received 4800 bytes of sound\.\n$/],
    ['srt', 'text/plain; charset=utf-8', /^1\n00:00:00,000 --> 00:00:00,100\n/],
    ['vtt', 'text/vtt; charset=utf-8', /^WEBVTT\n\n00:00:00\.000 --> 00:00:00\.100\n/],
  ])('writes a transcript as %s', async (format, type, text) => {
    const heard = await send('/audio/transcriptions', { response_format: format }, 'file');
    expect(heard.type).toBe(type);
    expect(heard.bytes.toString()).toMatch(text);
  });

  test('streams a transcript, and refuses a form without a file', async () => {
    const events = await send('/audio/transcriptions', { stream: 'true' }, 'file');
    expect(events.bytes.toString()).toMatch(/"transcript\.text\.delta","delta":"The"[^]*"transcript\.text\.done"/);
    expect((await send('/audio/translations', {}, null)).status).toBe(400);
    expect((await send('/audio/translations', { model: 'error-429' }, 'file')).status).toBe(429);
  });
});
