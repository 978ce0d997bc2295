/** Conversations with tools, by the clients that people have, with providers of every dialect. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DialectName } from '../../src/llm/dialect.ts';
import { SPEAKERS } from '../fakes/speakers/index.ts';
import type { Said } from '../fakes/speakers/said.ts';
import { startSpeakingUpstream } from '../fakes/speaking-upstream.ts';
import type { SpeakingUpstream } from '../fakes/speaking-upstream.ts';
import { findCall, startProduct } from '../product.ts';
import type { Product } from '../product.ts';
import { AI_SDK_TALKERS } from '../talkers/ai-sdk.ts';
import { talkAnthropic } from '../talkers/anthropic.ts';
import { talkGemini } from '../talkers/gemini.ts';
import { talkMistral, talkMistralWhole } from '../talkers/mistral.ts';
import { talkOpenai, talkResponses } from '../talkers/openai.ts';
import type { Talker } from '../talkers/talk.ts';

const DIALECTS = Object.keys(SPEAKERS) as DialectName[];

const upstreams = new Map<DialectName, SpeakingUpstream>();
let product: Product;

beforeAll(async () => {
  for (const dialect of DIALECTS) upstreams.set(dialect, await startSpeakingUpstream(dialect));
  const providers = DIALECTS.map(
    (dialect) =>
      `  house-${dialect}: { dialect: ${dialect}, baseUrl: "${upstreams.get(dialect)?.baseUrl}", credentials: [{ secret: s3cret }], models: [{ id: m, price: { input: 1, output: 2, cachedInput: 0.5 } }] }\n`,
  );
  product = await startProduct({ config: `providers:\n${providers.join('')}` });
});
afterAll(async () => {
  await product.dispose();
  for (const upstream of upstreams.values()) await upstream.close();
});

const USAGE = { input: 100, cached: 40, output: 30, reasoning: 0 };
const CALLS: Said = {
  id: 'a1',
  model: 'm',
  thinking: { text: 'I need a map and a clock.', signature: 'c2lnbmVk' },
  text: 'I will look.',
  calls: [
    { id: 'call00001', name: 'get_weather', arguments: { city: 'Tromsø', days: 2 } },
    { id: 'call00002', name: 'now', arguments: {} },
  ],
  finish: 'tool_calls',
  usage: USAGE,
};
const FINAL: Said = { id: 'a2', model: 'm', text: 'It is −3 °C at noon.', finish: 'stop', usage: USAGE };

interface Client {
  readonly name: string;
  readonly talkTo: Talker;
  /** All, if none are named. */
  readonly dialects?: readonly DialectName[];
}

const CLIENTS: readonly Client[] = [
  { name: 'openai', talkTo: talkOpenai },
  { name: 'openai, Responses', talkTo: talkResponses },
  { name: '@anthropic-ai/sdk', talkTo: talkAnthropic },
  { name: '@google/genai', talkTo: talkGemini },
  // Providers that tell every call in one piece.
  { name: '@mistralai/mistralai', talkTo: talkMistral },
  { name: '@mistralai/mistralai, whole', talkTo: talkMistralWhole },
  ...Object.entries(AI_SDK_TALKERS).map(([name, talkTo]) => ({ name, talkTo })),
];

describe.each(CLIENTS)('the client $name', ({ talkTo, dialects = DIALECTS }) => {
  test.each(dialects)('talks with a provider of %s, with tools, in a stream and whole', async (dialect) => {
    const upstream = upstreams.get(dialect);
    if (upstream === undefined) throw new Error('no upstream');
    upstream.script(CALLS, FINAL);
    const talk = await talkTo({ url: product.gatewayUrl, key: product.firstKey }, `house-${dialect}/m`);

    expect(talk.firstText).toBe('I will look.');
    expect(talk.calls).toEqual(CALLS.calls?.map(({ name, arguments: values }) => ({ name, arguments: values })));
    expect(talk.lastText).toBe('It is −3 °C at noon.');

    const [, second] = upstream.heard;
    // The calls and their results reached the provider; neither the caller's key nor another provider's secret did.
    expect(JSON.stringify(second?.body)).toContain('Tromsø');
    expect(JSON.stringify(second?.body)).toContain('12:00');
    expect(JSON.stringify(second)).not.toContain(product.firstKey);
    expect(JSON.stringify(second?.headers)).toContain('s3cret');

    if (talk.requestId === '') return;
    const record = await findCall(product, talk.requestId);
    expect(record).toMatchObject({ inputTokens: 100, cachedInputTokens: 40, outputTokens: 30, complete: true });
    // 60 at 1, 40 at 0.5, 30 at 2 USD for a million tokens.
    expect(record).toMatchObject({ costNanoUsd: 140_000 });
  });
});

test('what a stream cannot tell of its sources stands in the call record', async () => {
  const upstream = upstreams.get('cohere');
  upstream?.script({ ...FINAL, document: { stretch: '−3 °C', title: 'oslo.txt' } });
  const answer = await fetch(`${product.gatewayUrl}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${product.firstKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'house-cohere/m', stream: true, messages: [{ role: 'user', content: 'Hi' }] }),
  });
  expect(await answer.text()).toContain('[DONE]');
  const record = await findCall(product, answer.headers.get('x-request-id') ?? '');
  expect(record).toMatchObject({
    warnings: expect.stringContaining('dropped choices[0].delta.annotations') as unknown,
  });
});
