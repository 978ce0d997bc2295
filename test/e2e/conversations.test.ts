/** Conversations with tools, by the vendors' own clients, with providers of every other dialect. */
import Anthropic from '@anthropic-ai/sdk';
import { GoogleGenAI } from '@google/genai';
import type { Content } from '@google/genai';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ClientDialectName, DialectName } from '../../src/llm/dialect.ts';
import { SPEAKERS } from '../fakes/speakers/index.ts';
import type { Said } from '../fakes/speakers/said.ts';
import { startSpeakingUpstream } from '../fakes/speaking-upstream.ts';
import type { SpeakingUpstream } from '../fakes/speaking-upstream.ts';
import { findCall, startProduct } from '../product.ts';
import type { Product } from '../product.ts';

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

const SCHEMA = { type: 'object', properties: { city: { type: 'string' }, days: { type: 'integer' } } };
const TOOLS = [
  { name: 'get_weather', description: 'Weather of a city.', schema: SCHEMA },
  { name: 'now', description: 'The time.', schema: { type: 'object', properties: {} } },
];

/** What a client made of the two answers. */
interface Talk {
  readonly firstText: string;
  readonly calls: readonly { readonly name: string; readonly arguments: unknown }[];
  readonly lastText: string;
  readonly requestId: string;
}

function result(name: string): string {
  return name === 'now' ? '12:00' : '{"celsius":-3}';
}

type Talker = (model: string) => Promise<Talk>;

const TALKERS: Readonly<Record<ClientDialectName, Talker>> = {
  openai: async (model) => {
    const client = new OpenAI({ apiKey: product.firstKey, baseURL: `${product.gatewayUrl}/v1`, maxRetries: 0 });
    const tools = TOOLS.map(({ name, description, schema }) => ({
      type: 'function' as const,
      function: { name, description, parameters: schema },
    }));
    const messages: OpenAI.ChatCompletionMessageParam[] = [{ role: 'user', content: 'Weather and time?' }];
    const ask = () =>
      client.chat.completions.stream({ model, tools, messages, stream_options: { include_usage: true } });
    const first = await ask().finalChatCompletion();
    const message = first.choices[0]?.message;
    if (message === undefined) throw new Error('no message');
    expect(first.choices[0]?.finish_reason).toBe('tool_calls');
    expect(first.usage).toMatchObject({ prompt_tokens: 100, completion_tokens: 30 });
    const calls = (message.tool_calls ?? []).filter((call) => call.type === 'function');
    messages.push({ role: 'assistant', content: message.content, tool_calls: calls });
    for (const call of calls)
      messages.push({ role: 'tool', tool_call_id: call.id, content: result(call.function.name) });
    const { data, response } = await client.chat.completions.create({ model, tools, messages }).withResponse();
    return {
      firstText: message.content ?? '',
      calls: calls.map((call) => ({
        name: call.function.name,
        arguments: JSON.parse(call.function.arguments) as unknown,
      })),
      lastText: data.choices[0]?.message.content ?? '',
      requestId: response.headers.get('x-request-id') ?? '',
    };
  },

  'openai-responses': async (model) => {
    const client = new OpenAI({ apiKey: product.firstKey, baseURL: `${product.gatewayUrl}/v1`, maxRetries: 0 });
    const tools = TOOLS.map(({ name, description, schema }) => ({
      type: 'function' as const,
      name,
      description,
      parameters: schema,
      strict: false,
    }));
    const input: OpenAI.Responses.ResponseInput = [{ role: 'user', content: 'Weather and time?' }];
    const first = await client.responses.stream({ model, tools, input, store: false }).finalResponse();
    expect(first.usage).toMatchObject({ input_tokens: 100, output_tokens: 30 });
    const calls = first.output.filter((item) => item.type === 'function_call');
    for (const item of first.output)
      if (item.type === 'function_call' || item.type === 'message' || item.type === 'reasoning') input.push(item);
    for (const call of calls)
      input.push({ type: 'function_call_output', call_id: call.call_id, output: result(call.name) });
    const { data, response } = await client.responses.create({ model, tools, input, store: false }).withResponse();
    return {
      firstText: first.output_text,
      calls: calls.map(({ name, arguments: text }) => ({ name, arguments: JSON.parse(text) as unknown })),
      lastText: data.output_text,
      requestId: response.headers.get('x-request-id') ?? '',
    };
  },

  anthropic: async (model) => {
    const client = new Anthropic({ apiKey: product.firstKey, baseURL: product.gatewayUrl, maxRetries: 0 });
    const tools = TOOLS.map(({ name, description, schema }) => ({
      name,
      description,
      input_schema: { ...schema, type: 'object' as const },
    }));
    const messages: Anthropic.MessageParam[] = [{ role: 'user', content: 'Weather and time?' }];
    const common = { model, max_tokens: 4_096, tools, messages };
    const first = await client.messages.stream(common).finalMessage();
    expect(first.stop_reason).toBe('tool_use');
    expect(first.usage).toMatchObject({ input_tokens: 60, cache_read_input_tokens: 40, output_tokens: 30 });
    const calls = first.content.filter((block) => block.type === 'tool_use');
    messages.push({ role: 'assistant', content: first.content });
    messages.push({
      role: 'user',
      content: calls.map(({ id, name }) => ({ type: 'tool_result', tool_use_id: id, content: result(name) })),
    });
    const { data, response } = await client.messages.create(common).withResponse();
    const textOf = (content: readonly Anthropic.ContentBlock[]) =>
      content.map((block) => (block.type === 'text' ? block.text : '')).join('');
    return {
      firstText: textOf(first.content),
      calls: calls.map(({ name, input }) => ({ name, arguments: input })),
      lastText: textOf(data.content),
      requestId: response.headers.get('x-request-id') ?? '',
    };
  },

  gemini: async (model) => {
    const client = new GoogleGenAI({ apiKey: product.firstKey, httpOptions: { baseUrl: product.gatewayUrl } });
    const functionDeclarations = TOOLS.map(({ name, description, schema }) => ({
      name,
      description,
      parametersJsonSchema: schema,
    }));
    const config = { tools: [{ functionDeclarations }] };
    const contents: Content[] = [{ role: 'user', parts: [{ text: 'Weather and time?' }] }];
    const parts: NonNullable<Content['parts']> = [];
    for await (const chunk of await client.models.generateContentStream({ model, contents, config }))
      parts.push(...(chunk.candidates?.[0]?.content?.parts ?? []));
    const calls = parts.flatMap(({ functionCall }) => (functionCall === undefined ? [] : [functionCall]));
    contents.push({ role: 'model', parts });
    contents.push({
      role: 'user',
      parts: calls.map(({ id, name = '' }) => ({
        functionResponse: { ...(id !== undefined && { id }), name, response: { output: result(name) } },
      })),
    });
    const last = await client.models.generateContent({ model, contents, config });
    return {
      firstText: parts.map(({ text, thought }) => (thought === true ? '' : (text ?? ''))).join(''),
      calls: calls.map(({ name = '', args }) => ({ name, arguments: args })),
      lastText: last.text ?? '',
      requestId: last.sdkHttpResponse?.headers?.['x-request-id'] ?? '',
    };
  },
};

describe.each(Object.keys(TALKERS) as ClientDialectName[])('a client of %s', (client) => {
  test.each(DIALECTS)('talks with a provider of %s, with tools, in a stream and whole', async (dialect) => {
    const upstream = upstreams.get(dialect);
    if (upstream === undefined) throw new Error('no upstream');
    upstream.script(CALLS, FINAL);
    const talk = await TALKERS[client](`house-${dialect}/m`);

    expect(talk.firstText).toBe('I will look.');
    expect(talk.calls).toEqual(CALLS.calls?.map(({ name, arguments: values }) => ({ name, arguments: values })));
    expect(talk.lastText).toBe('It is −3 °C at noon.');

    const [, second] = upstream.heard;
    // The results reached the provider; neither the caller's key nor another provider's secret did.
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
