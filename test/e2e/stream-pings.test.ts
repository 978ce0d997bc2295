/** Signs of life to callers of streams while the provider is silent. */
import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ClientDialectName } from '../../src/llm/dialect.ts';
import { DIALECT_CALLS } from '../dialect-calls.ts';
import { startStreamingUpstream } from '../fakes/streaming-upstream.ts';
import type { StreamingUpstream } from '../fakes/streaming-upstream.ts';
import { streamEvents } from '../fakes/vendor-answers.ts';
import { findCall, startProduct } from '../product.ts';
import type { Product } from '../product.ts';
import { rawExchange, rawRequest } from '../raw-http.ts';
import type { RawAnswer } from '../raw-http.ts';

const CLIENTS = Object.keys(DIALECT_CALLS) as ClientDialectName[];
const PING_MS = 200;
/** Two pings fall into it, or one where the machine is busy; no fourth. */
const SILENCE_MS = 500;

let vendor: StreamingUpstream;
let product: Product;

beforeAll(async () => {
  vendor = await startStreamingUpstream();
  const providers = CLIENTS.map(
    (dialect) =>
      `  house-${dialect}: { dialect: ${dialect}, baseUrl: "${vendor.origin}${dialect.startsWith('openai') ? '/v1' : ''}", credentials: [{ secret: s }] }`,
  );
  const config = [`gateway: { streamPingMs: ${PING_MS} }`, 'providers:', ...providers, ''].join('\n');
  product = await startProduct({ config, workers: 1 });
});
afterAll(async () => {
  await product.dispose();
  await vendor.close();
});

function ask(client: ClientDialectName, model: string): Promise<RawAnswer> {
  const call = DIALECT_CALLS[client];
  const bytes = rawRequest(call.path(model, true), call.body(model, true), { key: product.firstKey });
  return rawExchange(product.gatewayUrl, bytes, 10_000);
}

function eventsOf(dialect: ClientDialectName): readonly string[] {
  const asked = { dialect, operation: 'chat', model: 'm', stream: true, includeUsage: true, base64: false } as const;
  return streamEvents(asked);
}

/** A stream that falls silent behind its first events. */
function pausing(dialect: ClientDialectName): readonly (string | number)[] {
  const events = eventsOf(dialect);
  return [...events.slice(0, 4), SILENCE_MS, ...events.slice(4)];
}

const PINGS: Readonly<Record<ClientDialectName, string | null>> = {
  openai: ': ping\n\n',
  'openai-responses': ': ping\n\n',
  anthropic: 'event: ping\ndata: {"type": "ping"}\n\n',
  gemini: null,
};

function countOf(text: string, part: string | null): number {
  return part === null ? 0 : text.split(part).length - 1;
}

describe.each(CLIENTS)('a client of %s', (client) => {
  test.each(CLIENTS)(
    'gets them in its own form while a provider of %s is silent, and the same answer',
    async (dialect) => {
      const ping = PINGS[client];
      vendor.script({ pieces: eventsOf(dialect) });
      const prompt = await ask(client, `house-${dialect}/m`);
      vendor.script({ pieces: pausing(dialect) });
      const answer = await ask(client, `house-${dialect}/m`);
      expect(answer.status, answer.text).toBe(200);
      expect(countOf(prompt.body, ping)).toBe(0);
      if (ping === null) expect(answer.body).not.toContain('ping');
      else expect([1, 2, 3]).toContain(countOf(answer.body, ping));
      const records = await Promise.all(
        [prompt, answer].map(({ headers }) => findCall(product, headers['x-request-id'] ?? '')),
      );
      expect(records[1]).toMatchObject({ complete: true, outputTokens: records[0]?.outputTokens });
      if (client === dialect) expect(ping === null ? answer.body : answer.body.replaceAll(ping, '')).toBe(prompt.body);
    },
  );
});

test('none stands in the midst of an event', async () => {
  const [first = '', second = '', ...rest] = eventsOf('anthropic');
  for (const cut of [1, 10, second.length - 1]) {
    vendor.script({ pieces: [first, second.slice(0, cut), SILENCE_MS, second.slice(cut), ...rest] });
    const answer = await ask('anthropic', 'house-anthropic/m');
    expect(answer.body.replaceAll(PINGS.anthropic ?? '', '')).toBe([first, second, ...rest].join(''));
    expect(answer.body).toContain(second);
  }
});

test('one stands behind an event whose last line end came alone', async () => {
  const [first = '', second = '', ...rest] = eventsOf('anthropic');
  vendor.script({ pieces: [first, second.slice(0, -1), 20, '\n', SILENCE_MS, ...rest] });
  const answer = await ask('anthropic', 'house-anthropic/m');
  expect(answer.body.replaceAll(PINGS.anthropic ?? '', '')).toBe([first, second, ...rest].join(''));
  expect(answer.body).toContain(`${second}${PINGS.anthropic}`);
});

test('an answer that is no stream gets none', async () => {
  vendor.script({ pieces: ['{"object":"list",', SILENCE_MS, '"data":[]}'], type: 'application/json' });
  const body = JSON.stringify({ model: 'house-openai/m', input: 'x' });
  const answer = await rawExchange(product.gatewayUrl, rawRequest('/v1/embeddings', body, { key: product.firstKey }));
  expect(answer.body).toBe('{"object":"list","data":[]}');
});

test('the official clients pass over them', async () => {
  vendor.script({ pieces: pausing('openai') });
  const openai = new OpenAI({ apiKey: product.firstKey, baseURL: `${product.gatewayUrl}/v1` });
  const chunks = await openai.chat.completions.create({
    model: 'house-openai/m',
    messages: [{ role: 'user', content: 'hi' }],
    stream: true,
  });
  let text = '';
  for await (const chunk of chunks) text += chunk.choices[0]?.delta.content ?? '';
  expect(text).toMatch(/\w/);

  vendor.script({ pieces: pausing('openai-responses') });
  const events = await openai.responses.create({ model: 'house-openai-responses/m', input: 'hi', stream: true });
  const types: string[] = [];
  for await (const event of events) types.push(event.type);
  expect(types.at(-1)).toBe('response.completed');

  vendor.script({ pieces: pausing('anthropic') });
  const anthropic = new Anthropic({ apiKey: product.firstKey, baseURL: product.gatewayUrl });
  const message = await anthropic.messages
    .stream({ model: 'house-anthropic/m', max_tokens: 64, messages: [{ role: 'user', content: 'hi' }] })
    .finalMessage();
  expect(message.content).toHaveLength(1);
});
