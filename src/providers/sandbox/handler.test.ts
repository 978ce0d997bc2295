/** The sandbox as the official SDKs see it: their own clients over a `fetch` that calls the handler. */
import Anthropic from '@anthropic-ai/sdk';
import { GoogleGenAI } from '@google/genai';
import OpenAI from 'openai';
import { describe, expect, test } from 'vitest';
import type { ClientDialectName, ModelOperation } from '../../llm/dialect.ts';
import { DIALECTS } from '../../llm/index.ts';
import { recordOf } from '../../llm/record.ts';
import type { AnswerStep, InProcessAnswer } from '../in-process.ts';
import { SANDBOX_MODELS } from './behaviour.ts';
import { handleSandbox } from './handler.ts';

const inProcess: typeof fetch = async (input, init) => {
  const request = new Request(input, init);
  const url = new URL(request.url);
  const path = url.pathname + url.search;
  const answer = handleSandbox({ method: request.method, path, body: new Uint8Array(await request.arrayBuffer()) });
  return new Response(bodyOf(answer.steps), { status: answer.status, headers: headersOf(answer) });
};

function bodyOf(steps: Iterable<AnswerStep>): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (const step of steps) {
        if (step.kind === 'cut') return controller.error(new Error('cut'));
        controller.enqueue(step.bytes);
      }
      controller.close();
    },
  });
}

function headersOf({ headers }: InProcessAnswer): [string, string][] {
  return headers.flatMap((name, index): [string, string][] =>
    index % 2 === 0 ? [[name, headers[index + 1] ?? '']] : [],
  );
}

const openai = new OpenAI({ apiKey: 'x', baseURL: 'http://sandbox.invalid/v1', maxRetries: 0, fetch: inProcess });
const anthropic = new Anthropic({ apiKey: 'x', baseURL: 'http://sandbox.invalid', maxRetries: 0, fetch: inProcess });
const gemini = new GoogleGenAI({ apiKey: 'x', httpOptions: { baseUrl: 'http://sandbox.invalid', fetch: inProcess } });

const TEXT = 'Grüße, how is the weather\nin Köln today?';
const MESSAGES = [{ role: 'user' as const, content: TEXT }];
const SCHEMA = {
  type: 'object' as const,
  properties: { city: { type: 'string' }, days: { type: 'integer' }, unit: { type: 'string', enum: ['c', 'f'] } },
};
const ARGS = { city: 'example city', days: 1, unit: 'c' };
const INPUT_TOKENS = Math.ceil(Buffer.byteLength(TEXT) / 4);

/** Typed, unlike the matcher itself. */
function matching(pattern: RegExp): unknown {
  return expect.stringMatching(pattern);
}

async function drained<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const events: T[] = [];
  for await (const event of stream) events.push(event);
  return events;
}

describe('echo', () => {
  test('answers with the last user text over OpenAI chat, whole and streamed, with the same usage', async () => {
    const whole = await openai.chat.completions.create({ model: 'echo', messages: MESSAGES });
    expect(whole.choices[0]?.message.content).toBe(TEXT);
    expect(whole.usage).toEqual({
      prompt_tokens: INPUT_TOKENS,
      completion_tokens: INPUT_TOKENS,
      total_tokens: 2 * INPUT_TOKENS,
    });
    const stream = openai.chat.completions.stream({
      model: 'echo',
      messages: MESSAGES,
      stream_options: { include_usage: true },
    });
    const last = await stream.finalChatCompletion();
    expect(last.choices[0]?.message.content).toBe(TEXT);
    expect(last.choices[0]?.finish_reason).toBe('stop');
    expect(last.usage).toEqual(whole.usage);
    const plain = await drained(
      await openai.chat.completions.create({ model: 'echo', messages: MESSAGES, stream: true }),
    );
    expect(plain.every((chunk) => chunk.usage === undefined)).toBe(true);
    // A word an event, and three events around them but for [DONE].
    expect(plain.length).toBe(TEXT.split(/\s/).length + 2);
  });

  test('answers over OpenAI Responses, whole and streamed, with the same usage', async () => {
    const whole = await openai.responses.create({ model: 'echo', input: TEXT });
    expect(whole.output_text).toBe(TEXT);
    const streamed = await openai.responses
      .stream({ model: 'echo', input: [{ role: 'user', content: TEXT }] })
      .finalResponse();
    expect(streamed.output_text).toBe(TEXT);
    expect(streamed.usage).toEqual(whole.usage);
    expect(whole.usage).toMatchObject({ input_tokens: INPUT_TOKENS, output_tokens: INPUT_TOKENS });
  });

  test('answers over Anthropic Messages, whole and streamed, with the same usage, and counts tokens', async () => {
    const request = { model: 'echo', max_tokens: 100, messages: MESSAGES };
    const whole = await anthropic.messages.create(request);
    expect(whole.content).toEqual([{ type: 'text', text: TEXT }]);
    const streamed = await anthropic.messages.stream(request).finalMessage();
    expect(streamed).toMatchObject({ content: whole.content, stop_reason: 'end_turn' });
    expect(streamed.usage).toMatchObject({ input_tokens: INPUT_TOKENS, output_tokens: whole.usage.output_tokens });
    expect(await anthropic.messages.countTokens({ model: 'echo', messages: MESSAGES })).toMatchObject({
      input_tokens: INPUT_TOKENS,
    });
  });

  test('answers over Gemini, whole and streamed, with the same usage, and counts tokens', async () => {
    const request = { model: 'echo', contents: TEXT };
    const whole = await gemini.models.generateContent(request);
    expect(whole.text).toBe(TEXT);
    const parts = await drained(await gemini.models.generateContentStream(request));
    expect(parts.map((part) => part.text ?? '').join('')).toBe(TEXT);
    expect(parts.at(-1)?.candidates?.[0]?.finishReason).toBe('STOP');
    expect(parts.at(-1)?.usageMetadata).toEqual(whole.usageMetadata);
    expect((await gemini.models.countTokens(request)).totalTokens).toBe(INPUT_TOKENS);
  });

  test('answers over Gemini without alt=sse as one JSON array', () => {
    const { headers, bytes } = played('/v1beta/models/echo:streamGenerateContent', {
      contents: [{ parts: [{ text: TEXT }] }],
    });
    expect(headers).toContain('application/json');
    expect(JSON.parse(bytes.toString())).toHaveLength(TEXT.split(/\s/).length + 1);
  });

  test('answers over OpenAI text completions, whole and streamed', async () => {
    expect((await openai.completions.create({ model: 'echo', prompt: TEXT })).choices[0]?.text).toBe(TEXT);
    const chunks = await drained(await openai.completions.create({ model: 'echo', prompt: TEXT, stream: true }));
    expect(chunks.map((chunk) => chunk.choices[0]?.text).join('')).toBe(TEXT);
  });
});

describe('a tool', () => {
  const chatTools = [{ type: 'function' as const, function: { name: 'get_weather', parameters: SCHEMA } }];
  const asking = [{ role: 'user' as const, content: 'Please call get_weather.' }];

  test('is called over OpenAI chat when the user names it, when it is forced, and by the model "tool"; not when its result came', async () => {
    const base = { model: 'echo', tools: chatTools };
    const named = await openai.chat.completions.create({ ...base, messages: asking });
    expect(named.choices[0]).toMatchObject({ finish_reason: 'tool_calls', message: { content: null } });
    const call = named.choices[0]?.message.tool_calls?.[0];
    expect(call?.type === 'function' && JSON.parse(call.function.arguments)).toEqual(ARGS);
    const forced = await openai.chat.completions
      .stream({ ...base, messages: MESSAGES, tool_choice: 'required' })
      .finalChatCompletion();
    expect(forced.choices[0]?.message.tool_calls?.[0]).toMatchObject({ function: { name: 'get_weather' } });
    const always = await openai.chat.completions.create({ ...base, model: 'tool', messages: MESSAGES });
    expect(always.choices[0]?.finish_reason).toBe('tool_calls');
    const plain = await openai.chat.completions.create({ ...base, messages: MESSAGES });
    expect(plain.choices[0]?.finish_reason).toBe('stop');
    const none = await openai.chat.completions.create({ ...base, messages: asking, tool_choice: 'none' });
    expect(none.choices[0]?.finish_reason).toBe('stop');
    const result = { role: 'tool' as const, tool_call_id: call?.id ?? '', content: 'sunny' };
    const after = await openai.chat.completions.create({
      ...base,
      messages: [...asking, { role: 'assistant', content: null }, result],
    });
    expect(after.choices[0]?.finish_reason).toBe('stop');
  });

  test('is called over OpenAI Responses', async () => {
    const tools = [{ type: 'function' as const, name: 'get_weather', parameters: SCHEMA, strict: false }];
    const whole = await openai.responses.create({ model: 'echo', input: 'Use the tool.', tools });
    expect(whole.output[0]).toMatchObject({
      type: 'function_call',
      name: 'get_weather',
      arguments: JSON.stringify(ARGS),
    });
    const choice = { type: 'function' as const, name: 'get_weather' };
    const streamed = await openai.responses
      .stream({ model: 'echo', input: TEXT, tools, tool_choice: choice })
      .finalResponse();
    expect(streamed.output[0]).toMatchObject({ type: 'function_call', arguments: JSON.stringify(ARGS) });
  });

  test('is called over Anthropic Messages', async () => {
    const tools = [{ name: 'get_weather', input_schema: SCHEMA }];
    const request = { model: 'echo', max_tokens: 100, messages: asking, tools };
    const whole = await anthropic.messages.create(request);
    expect(whole).toMatchObject({
      stop_reason: 'tool_use',
      content: [{ type: 'tool_use', name: 'get_weather', input: ARGS }],
    });
    const streamed = await anthropic.messages
      .stream({ ...request, messages: MESSAGES, tool_choice: { type: 'any' } })
      .finalMessage();
    expect(streamed).toMatchObject({
      stop_reason: 'tool_use',
      content: [{ type: 'tool_use', name: 'get_weather', input: ARGS }],
    });
    const result = { type: 'tool_result' as const, tool_use_id: 'toolu_1', content: 'sunny' };
    const after = await anthropic.messages.create({
      ...request,
      messages: [...asking, { role: 'user', content: [result] }],
    });
    expect(after.stop_reason).toBe('end_turn');
  });

  test('is called over Gemini', async () => {
    const config = { tools: [{ functionDeclarations: [{ name: 'get_weather', parametersJsonSchema: SCHEMA }] }] };
    const request = { model: 'echo', contents: 'Please call get_weather.', config };
    expect((await gemini.models.generateContent(request)).functionCalls?.[0]).toMatchObject({
      name: 'get_weather',
      args: ARGS,
    });
    const parts = await drained(await gemini.models.generateContentStream(request));
    expect(parts.flatMap((part) => part.functionCalls ?? [])).toMatchObject([{ name: 'get_weather', args: ARGS }]);
  });
});

describe('embeddings', () => {
  test('are the same in both encodings, of length 1, and as long as asked', async () => {
    // Without a format the SDK asks for base64 and decodes it.
    const decoded = await openai.embeddings.create({ model: 'echo', input: ['a', 'b'], dimensions: 8 });
    const floats = await openai.embeddings.create({
      model: 'echo',
      input: ['a', 'b'],
      dimensions: 8,
      encoding_format: 'float',
    });
    expect(decoded.data.map(({ embedding }) => [...embedding])).toEqual(floats.data.map(({ embedding }) => embedding));
    expect(floats.data[0]?.embedding).not.toEqual(floats.data[1]?.embedding);
    expect(Math.hypot(...(floats.data[0]?.embedding ?? []))).toBeCloseTo(1);
    expect(floats.usage).toEqual({ prompt_tokens: 1, total_tokens: 1 });
    expect((await openai.embeddings.create({ model: 'echo', input: [1, 2, 3] })).data).toHaveLength(1);
    await expect(openai.embeddings.create({ model: 'echo', input: 'a', dimensions: 0 })).rejects.toBeInstanceOf(
      OpenAI.BadRequestError,
    );
  });

  test('are given over Gemini, one or several', async () => {
    const answer = await gemini.models.embedContent({
      model: 'echo',
      contents: ['a', 'b'],
      config: { outputDimensionality: 8 },
    });
    expect(answer.embeddings?.map(({ values }) => values?.length)).toEqual([8, 8]);
    const { bytes } = played('/v1beta/models/echo:embedContent', {
      content: { parts: [{ text: 'a' }] },
      outputDimensionality: 8,
    });
    expect(recordOf(JSON.parse(bytes.toString()))).toEqual({ embedding: { values: answer.embeddings?.[0]?.values } });
  });
});

describe('errors', () => {
  test.each([400, 401, 403, 404, 408, 429, 500, 503, 529])(
    'error-%i raises the SDK errors of that status',
    async (status) => {
      const model = `error-${status}`;
      await expect(openai.chat.completions.create({ model, messages: MESSAGES })).rejects.toMatchObject({
        status,
        message: matching(/sandbox/),
      });
      await expect(openai.responses.create({ model, input: TEXT, stream: true })).rejects.toMatchObject({ status });
      await expect(anthropic.messages.create({ model, max_tokens: 5, messages: MESSAGES })).rejects.toMatchObject({
        status,
        type: matching(/_error$/),
      });
      await expect(gemini.models.generateContent({ model, contents: TEXT })).rejects.toMatchObject({ status });
    },
  );

  test('a rate limit tells when to come back', () => {
    const answer = handleSandbox({
      method: 'POST',
      path: '/chat/completions',
      body: Buffer.from('{"model":"error-429","messages":[]}'),
    });
    expect(headersOf(answer)).toContainEqual(['retry-after', '1']);
  });

  test('an unknown model or path is a 404 of the dialect, a body that is not valid a 400', async () => {
    for (const model of ['nope', 'error-999', 'delay-60001', 'delay-', '']) {
      await expect(openai.chat.completions.create({ model, messages: MESSAGES })).rejects.toBeInstanceOf(
        OpenAI.NotFoundError,
      );
    }
    await expect(
      anthropic.messages.create({ model: 'nope', max_tokens: 5, messages: MESSAGES }),
    ).rejects.toBeInstanceOf(Anthropic.NotFoundError);
    await expect(gemini.models.generateContent({ model: 'nope', contents: TEXT })).rejects.toMatchObject({
      status: 404,
    });
    await expect(openai.get('/nope')).rejects.toBeInstanceOf(OpenAI.NotFoundError);
    expect(played('/chat/completions', { model: 'echo' }).status).toBe(400);
    expect(played('/v1/messages', { model: 'echo', messages: 'x' }).status).toBe(400);
    expect(handleSandbox({ method: 'POST', path: '/responses', body: Buffer.from('[') }).status).toBe(400);
  });
});

interface Played {
  readonly status: number;
  readonly headers: readonly string[];
  readonly afterMs: number;
  readonly bytes: Buffer;
  readonly steps: readonly AnswerStep[];
}

function played(path: string, body: unknown): Played {
  const answer = handleSandbox({ method: 'POST', path, body: Buffer.from(JSON.stringify(body)) });
  const steps = [...answer.steps];
  return {
    ...answer,
    steps,
    bytes: Buffer.concat(steps.map((step) => (step.kind === 'bytes' ? step.bytes : Buffer.alloc(0)))),
  };
}

const STREAMS: readonly [ClientDialectName, object][] = [
  ['openai', { messages: MESSAGES, stream: true }],
  ['openai-responses', { input: TEXT, stream: true }],
  ['anthropic', { messages: MESSAGES, stream: true }],
  ['gemini', { contents: [{ parts: [{ text: TEXT }] }] }],
];

/** As the gateway would call it: through the dialect's own path. */
function playedStream(dialect: ClientDialectName, body: object, model: string): Played {
  const operation: ModelOperation = 'chat';
  return played(DIALECTS[dialect].upstreamPath(operation, model, true, dialect === 'gemini' ? 'alt=sse' : '') ?? '', {
    ...body,
    model,
  });
}

describe.each(STREAMS)('a stream of %s', (dialect, body) => {
  test('is complete and tells usage to the gateway', () => {
    const observer = DIALECTS[dialect].observeStream(false);
    observer.push(playedStream(dialect, { ...body, stream_options: { include_usage: true } }, 'echo').bytes);
    observer.flush();
    expect(observer.complete()).toBe(true);
    expect(observer.usage()).toMatchObject({ inputTokens: INPUT_TOKENS, outputTokens: INPUT_TOKENS });
  });

  test('breaks off in its middle from "cut"', () => {
    const { steps, bytes } = playedStream(dialect, body, 'cut');
    expect(steps.at(-1)?.kind).toBe('cut');
    expect(steps.length).toBeGreaterThan(2);
    const observer = DIALECTS[dialect].observeStream(false);
    observer.push(bytes);
    expect(observer.complete()).toBe(false);
  });

  test('has exactly 50 events from "fast50", and no pauses', () => {
    for (const include_usage of [false, true]) {
      const { steps, bytes } = playedStream(dialect, { ...body, stream_options: { include_usage } }, 'fast50');
      expect(bytes.toString().match(/^data: /gm)).toHaveLength(50);
      expect(steps.every(({ afterMs }) => afterMs === 0)).toBe(true);
    }
  });

  test('pauses from "slow", begins late from "delay-<ms>", goes on and on from "long"', () => {
    const slow = playedStream(dialect, body, 'slow');
    expect(slow.afterMs).toBe(2000);
    expect(slow.steps.map(({ afterMs }) => afterMs)).toEqual([
      0,
      ...Array.from({ length: slow.steps.length - 1 }, () => 200),
    ]);
    expect(playedStream(dialect, body, 'delay-1234').afterMs).toBe(1234);
    expect(playedStream(dialect, body, 'long').steps.length).toBeGreaterThan(2000);
  });

  test('is laid out only as it is read', () => {
    const request = { ...body, model: 'long' };
    const path = DIALECTS[dialect].upstreamPath('chat', 'long', true, 'alt=sse') ?? '';
    const answer = handleSandbox({ method: 'POST', path, body: Buffer.from(JSON.stringify(request)) });
    const first = answer.steps[Symbol.iterator]().next();
    expect(first.done).toBe(false);
  });
});

test('the same request gets the same answer, byte for byte', () => {
  for (const model of SANDBOX_MODELS) {
    for (const [dialect, body] of STREAMS)
      expect(playedStream(dialect, body, model)).toEqual(playedStream(dialect, body, model));
  }
});

test('a whole answer that is cut ends before its stated length', () => {
  const { headers, bytes, steps } = played('/chat/completions', { model: 'cut', messages: MESSAGES });
  expect(Number(headers[headers.indexOf('content-length') + 1])).toBeGreaterThan(bytes.length);
  expect(steps.at(-1)?.kind).toBe('cut');
});
