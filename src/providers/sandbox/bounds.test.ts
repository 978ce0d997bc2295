import { expect, test } from 'vitest';
import { handleSandbox } from './handler.ts';

/** Generous: what this guards against took minutes. */
const TIME_MS_MAX = 5_000;

function play(path: string, body: unknown): { readonly status: number; readonly bytes: number; readonly ms: number } {
  const startedAt = performance.now();
  const answer = handleSandbox({ method: 'POST', path, body: Buffer.from(JSON.stringify(body)) });
  let bytes = 0;
  for (const step of answer.steps) if (step.kind === 'bytes') bytes += step.bytes.length;
  return { status: answer.status, bytes, ms: performance.now() - startedAt };
}

test('as many inputs as there may be are embedded, and as long vectors as there may be, but not both', () => {
  const inputs = Array.from({ length: 2048 }, () => 'a');
  expect(play('/embeddings', { model: 'echo', input: inputs })).toMatchObject({ status: 200 });
  expect(play('/embeddings', { model: 'echo', input: 'a', dimensions: 4096 })).toMatchObject({ status: 200 });
  const both = play('/embeddings', { model: 'echo', input: inputs, dimensions: 4096 });
  expect(both.status).toBe(400);
  expect(both.bytes).toBeLessThan(1000);
});

test('the same holds for a batch in the Gemini dialect', () => {
  const one = { content: { parts: [{ text: 'a' }] }, outputDimensionality: 4096 };
  const path = '/v1beta/models/echo:batchEmbedContents';
  expect(play(path, { requests: [one] }).status).toBe(200);
  expect(play(path, { requests: Array.from({ length: 2048 }, () => one) }).status).toBe(400);
});

test('a long text and many tools are answered soon', () => {
  const tools = Array.from({ length: 20_000 }, (_, i) => ({
    type: 'function',
    function: { name: `${'y'.repeat(20)}${i}` },
  }));
  const messages = [{ role: 'user', content: 'y'.repeat(8_000_000) }];
  const played = play('/chat/completions', { model: 'echo', messages, tools });
  expect(played.status).toBe(200);
  expect(played.ms).toBeLessThan(TIME_MS_MAX);
});
