/** Providers that do not tell what a call used: it is estimated, marked so, and the same for every way of asking. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ClientDialectName } from '../../src/llm/dialect.ts';
import { isRecord } from '../../src/llm/record.ts';
import type { JsonRecord } from '../../src/llm/record.ts';
import { DIALECT_CALLS } from '../dialect-calls.ts';
import { SPEAKERS } from '../fakes/speakers/index.ts';
import type { Said } from '../fakes/speakers/said.ts';
import { startStreamingUpstream } from '../fakes/streaming-upstream.ts';
import type { StreamingUpstream } from '../fakes/streaming-upstream.ts';
import { findCall, startProduct } from '../product.ts';
import type { Product, ShownCall } from '../product.ts';

const CLIENTS = Object.keys(DIALECT_CALLS) as ClientDialectName[];
const SAID: Said = {
  id: 'a1',
  model: 'm',
  thinking: { text: 'Where is Tromsø? I need a map and a clock.', signature: 'c2lnbmVk' },
  text: 'I will look: 北極圈.',
  calls: [{ id: 'call00001', name: 'get_weather', arguments: { city: 'Tromsø', days: 2 } }],
  finish: 'tool_calls',
  usage: { input: 100, cached: 40, output: 30, reasoning: 0 },
};

const WRITTEN = [SAID.thinking?.text, SAID.text, 'get_weather', '{"city":"Tromsø","days":2}'].join('');
const OUTPUT_TOKENS = Math.ceil(Buffer.byteLength(WRITTEN) / 4);

/** Without any member that tells usage, at whatever depth. */
function untold(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(untold);
  if (!isRecord(value)) return value;
  const kept = Object.entries(value).filter(([name]) => name !== 'usage' && name !== 'usageMetadata');
  return Object.fromEntries(kept.map(([name, member]) => [name, untold(member)]));
}

function untoldEvent(event: Buffer): string {
  return event
    .toString()
    .replace(/^data: (\{.*\})$/m, (_, data: string) => `data: ${JSON.stringify(untold(JSON.parse(data)))}`);
}

let vendor: StreamingUpstream;
let product: Product;

beforeAll(async () => {
  vendor = await startStreamingUpstream();
  const providers = CLIENTS.map((dialect) => {
    const baseUrl = `${vendor.origin}${dialect.startsWith('openai') ? '/v1' : ''}`;
    return `  of-${dialect}: { dialect: ${dialect}, baseUrl: "${baseUrl}", models: [{ id: m, price: { input: 3, output: 15 } }], credentials: [{ secret: s3cret }] }`;
  });
  product = await startProduct({ config: ['providers:', ...providers, ''].join('\n'), workers: 1 });
});
afterAll(async () => {
  await product.dispose();
  await vendor.close();
});

async function recordOf(client: ClientDialectName, model: string, body: string, stream: boolean): Promise<JsonRecord> {
  const answer = await fetch(`${product.gatewayUrl}${DIALECT_CALLS[client].path(model, stream)}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${product.firstKey}`, 'content-type': 'application/json' },
    body,
  });
  expect(answer.status, await answer.text()).toBe(200);
  const { inputTokens, outputTokens, costNanoUsd, costEstimated, complete } = (await findCall(
    product,
    answer.headers.get('x-request-id') ?? '',
  )) as ShownCall & JsonRecord;
  return { inputTokens, outputTokens, costNanoUsd, costEstimated, complete };
}

describe.each(CLIENTS)('a provider that speaks %s and tells no usage', (provider) => {
  test.each(CLIENTS)('costs a caller of %s the same whole and as a stream', async (client) => {
    const model = `of-${provider}/m`;
    const body = DIALECT_CALLS[client].body(model, true);
    const plain = JSON.stringify({ ...(JSON.parse(body) as object), stream: undefined });
    const speaker = SPEAKERS[provider];
    vendor.script(
      { pieces: [JSON.stringify(untold(speaker.whole(SAID)))], type: speaker.contentType },
      { pieces: speaker.stream(SAID).map(untoldEvent) },
    );
    const whole = await recordOf(client, model, plain, false);
    const streamed = await recordOf(client, model, body, true);
    expect(whole).toMatchObject({ complete: true, costEstimated: true, outputTokens: OUTPUT_TOKENS });
    expect(streamed).toEqual(whole);
    expect(Number(whole['costNanoUsd'])).toBe(Number(whole['inputTokens']) * 3000 + OUTPUT_TOKENS * 15_000);
  });
});
