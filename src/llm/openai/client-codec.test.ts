import * as fc from 'fast-check';
import OpenAI from 'openai';
import { describe, expect, test } from 'vitest';
import { packCallId } from '../call-ids.ts';
import type { AnswerEvent, ChatAnswer, ChatRequest, Part } from '../canonical.ts';
import { RequestFault } from '../faults.ts';
import type { JsonRecord } from '../record.ts';
import { recordOf } from '../record.ts';
import { Report } from '../report.ts';
import { PLAIN_REQUEST, contextFor, eventsOf } from './chat-arbitraries.ts';
import { openaiClient } from './client-codec.ts';

const FACTS = { model: null, stream: false };

function read(body: JsonRecord): ChatRequest {
  return openaiClient.readChat({ model: 'm', messages: [], ...body }, FACTS);
}

function turnParts(...messages: readonly JsonRecord[]): readonly (readonly Part[])[] {
  return read({ messages }).turns.map(({ parts }) => parts);
}

function faultOf(body: JsonRecord): string {
  try {
    read(body);
  } catch (error) {
    if (error instanceof RequestFault) return error.field;
    throw error;
  }
  return 'none';
}

function answerOf(
  parts: readonly Part[],
  finish: ChatAnswer['choices'][number]['finish'] = { reason: 'stop' },
): ChatAnswer {
  const choices = [{ index: 0, parts, finish }];
  const usage = { inputTokens: 9, cachedInputTokens: 4, cacheWriteTokens: 2, outputTokens: 5, reasoningTokens: 1 };
  return { id: '', model: 'x', createdS: null, choices, usage, extra: { stop_details: {}, service_tier: 'flex' } };
}

function message(body: JsonRecord): JsonRecord {
  const choice: unknown = Array.isArray(body['choices']) ? body['choices'][0] : undefined;
  return recordOf(recordOf(choice)['message']);
}

describe('a request of an OpenAI client', () => {
  test('names the field that is wrong', () => {
    const cases: readonly (readonly [JsonRecord, string])[] = [
      [{ model: 7 }, 'model'],
      [{ messages: 'hi' }, 'messages'],
      [
        {
          messages: [
            { role: 'user', content: 'a' },
            { role: 'robot', content: 'a' },
          ],
        },
        'messages[1].role',
      ],
      [{ messages: [{ role: 'user', content: 7 }] }, 'messages[0].content'],
      [{ messages: [{ role: 'user', content: [{ text: 'a' }] }] }, 'messages[0].content[0].type'],
      [
        { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: {} }] }] },
        'messages[0].content[0].image_url.url',
      ],
      [{ messages: [{ role: 'tool', content: 'a' }] }, 'messages[0].tool_call_id'],
      [
        { messages: [{ role: 'assistant', tool_calls: [{ id: 'a', type: 'function', function: { arguments: '' } }] }] },
        'messages[0].tool_calls[0].function.name',
      ],
      [{ temperature: 'warm' }, 'temperature'],
      [{ stop: [1] }, 'stop[0]'],
      [{ tools: [{ type: 'function' }] }, 'tools[0].function'],
      [{ tool_choice: 'maybe' }, 'tool_choice'],
      [{ response_format: { type: 'json_schema', json_schema: {} } }, 'response_format.json_schema.name'],
      [{ stream_options: { include_usage: 'yes' } }, 'stream_options.include_usage'],
    ];
    for (const [body, field] of cases) expect(faultOf(body)).toBe(field);
  });

  test('takes null for absent', () => {
    expect(read({ temperature: null, tools: null, stop: null, store: null, reasoning_effort: null })).toEqual(read({}));
  });

  test('of both bounds of the output the newer counts', () => {
    expect(read({ max_tokens: 5, max_completion_tokens: 6 }).outputTokensMax).toBe(6);
    expect(read({ max_tokens: 5 }).outputTokensMax).toBe(5);
  });

  test('what no field stands for is kept under its name, also a name that objects have', () => {
    const body = recordOf(
      JSON.parse('{"model":"m","messages":[],"web_search_options":{},"store":true,"__proto__":{"a":1}}'),
    );
    const { extra } = openaiClient.readChat(body, FACTS);
    expect(Object.entries(extra)).toEqual([
      ['web_search_options', {}],
      ['store', true],
      ['__proto__', { a: 1 }],
    ]);
  });

  test('results of tools that follow each other are one turn', () => {
    const result = (id: string) => ({ role: 'tool', tool_call_id: id, content: 'r' });
    const { turns } = read({ messages: [result('a'), result('b'), { role: 'user', content: 'go' }, result('c')] });
    expect(turns.map(({ parts }) => parts.length)).toEqual([2, 1, 1]);
  });

  test('functions of 2023 are tools, and the answer is told in their form', async () => {
    const request = read({
      functions: [{ name: 'f', parameters: { type: 'object' } }],
      function_call: { name: 'f' },
      messages: [
        { role: 'assistant', content: null, function_call: { name: 'f', arguments: '{}' } },
        { role: 'function', name: 'f', content: 'done' },
      ],
    });
    expect(request.tools).toMatchObject([{ kind: 'function', name: 'f' }]);
    expect(request.toolChoice).toEqual({ kind: 'named', name: 'f' });
    expect(request.turns.map(({ parts }) => parts[0]?.kind)).toEqual(['tool_call', 'tool_result']);
    const answer = answerOf([{ kind: 'tool_call', id: 'a', name: 'f', arguments: '{"x":1}' }], {
      reason: 'tool_calls',
    });
    const body = openaiClient.writeChat(answer, contextFor(request), new Report());
    expect(message(body)['function_call']).toEqual({ name: 'f', arguments: '{"x":1}' });
    expect(JSON.stringify(body)).toContain('"finish_reason":"function_call"');
    const final = await completed(eventsOf(answer), request);
    expect(final.choices[0]).toMatchObject({
      finish_reason: 'function_call',
      message: { function_call: { name: 'f', arguments: '{"x":1}' } },
    });
  });

  test('marks of the prompt cache are read of parts, messages and tools', () => {
    const cache_control = { type: 'ephemeral', ttl: '1h' };
    const [system, user] = turnParts(
      { role: 'system', content: [{ type: 'text', text: 'a', cache_control: { type: 'ephemeral' } }] },
      { role: 'user', content: 'b', cache_control },
    );
    expect(system).toEqual([{ kind: 'text', text: 'a', cache: { ttl: '5m' } }]);
    expect(user).toEqual([{ kind: 'text', text: 'b', cache: { ttl: '1h' } }]);
    expect(read({ tools: [{ type: 'function', function: { name: 'f' }, cache_control }] }).tools[0]).toMatchObject({
      cache: { ttl: '1h' },
    });
  });

  test('a data URL is taken apart, whatever its case and encoding', () => {
    const part = (url: string) => turnParts({ role: 'user', content: [{ type: 'image_url', image_url: { url } }] })[0];
    expect(part('DATA:image/png;BASE64,QUJD')).toMatchObject([
      { source: { kind: 'base64', data: 'QUJD' }, mediaType: 'image/png' },
    ]);
    expect(part('data:text/plain,a%20b')).toMatchObject([{ source: { data: 'YSBi' }, mediaType: 'text/plain' }]);
    expect(
      faultOf({ messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'data:,%' } }] }] }),
    ).toBe('messages[0].content[0].image_url.url');
  });

  test('how much to reason is read in each form', () => {
    const asked = (body: JsonRecord) => read(body).reasoning;
    expect(asked({ reasoning_effort: 'none' })).toMatchObject({ enabled: false, effort: null });
    expect(asked({ reasoning: { max_tokens: 2000, exclude: true } })).toMatchObject({
      budgetTokens: 2000,
      show: false,
    });
    expect(asked({ reasoning: { enabled: false } })).toMatchObject({ enabled: false });
    expect(asked({ thinking: { type: 'enabled', budget_tokens: 1024 } })).toMatchObject({ budgetTokens: 1024 });
    expect(asked({ thinking: { type: 'disabled' } })).toMatchObject({ enabled: false });
  });

  test('is read or refused, whatever JSON it is', () => {
    const messages = fc.array(
      fc.record(
        {
          role: fc.constantFrom('system', 'user', 'assistant', 'tool', 'function', 'x'),
          content: fc.oneof(
            fc.jsonValue(),
            fc.array(
              fc.record({
                type: fc.constantFrom('text', 'image_url', 'file', 'input_audio', 'z'),
                text: fc.jsonValue(),
                image_url: fc.jsonValue(),
                file: fc.jsonValue(),
                input_audio: fc.jsonValue(),
              }),
            ),
          ),
          tool_calls: fc.jsonValue(),
          tool_call_id: fc.jsonValue(),
          reasoning_details: fc.jsonValue(),
          audio: fc.jsonValue(),
        },
        { requiredKeys: ['role'] },
      ),
      { maxLength: 3 },
    );
    const body = fc.record(
      {
        model: fc.constant('m'),
        messages,
        tools: fc.jsonValue(),
        tool_choice: fc.jsonValue(),
        response_format: fc.jsonValue(),
        reasoning: fc.jsonValue(),
        logit_bias: fc.jsonValue(),
      },
      { requiredKeys: ['model', 'messages'] },
    );
    fc.assert(
      fc.property(fc.oneof(body, fc.dictionary(fc.string(), fc.jsonValue())), (request) => {
        try {
          openaiClient.readChat(request, FACTS);
        } catch (error) {
          expect(error).toBeInstanceOf(RequestFault);
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('an answer to an OpenAI client', () => {
  test('counts cached input and reasoning within the sums, and keeps out what is of another dialect', () => {
    const body = openaiClient.writeChat(
      answerOf([{ kind: 'text', text: 'a' }]),
      contextFor(PLAIN_REQUEST),
      new Report(),
    );
    expect(body).toMatchObject({
      id: 'chatcmpl-req-1',
      created: 1_700_000_000,
      model: 'as-asked',
      service_tier: 'flex',
      usage: {
        prompt_tokens: 9,
        completion_tokens: 5,
        total_tokens: 14,
        prompt_tokens_details: { cached_tokens: 4, cache_write_tokens: 2 },
        completion_tokens_details: { reasoning_tokens: 1 },
      },
    });
    expect(body).not.toHaveProperty('stop_details');
  });

  test('tells positions of sources in the whole text', () => {
    const annotation = { url: 'https://a.example', title: 'A', from: 1, to: 2, raw: {}, of: 'anthropic' as const };
    const parts: Part[] = [
      { kind: 'text', text: 'four' },
      { kind: 'text', text: 'more', annotations: [annotation] },
    ];
    const body = openaiClient.writeChat(answerOf(parts), contextFor(PLAIN_REQUEST), new Report());
    expect(message(body)).toMatchObject({
      content: 'fourmore',
      annotations: [{ url_citation: { url: 'https://a.example', start_index: 5, end_index: 6 } }],
    });
  });

  test('takes what was cut short for no whole answer', () => {
    const reasons = (['error', 'incomplete', 'context_length', 'refusal', 'pause', 'malformed_call'] as const).map(
      (reason) => {
        const body = openaiClient.writeChat(answerOf([], { reason }), contextFor(PLAIN_REQUEST), new Report());
        return recordOf(Array.isArray(body['choices']) ? body['choices'][0] : null)['finish_reason'];
      },
    );
    expect(reasons).toEqual(['length', 'length', 'length', 'content_filter', 'stop', 'stop']);
  });
});

describe('a stream to an OpenAI client', () => {
  const parts: readonly Part[] = [
    { kind: 'thinking', text: 'Hm.', signature: { of: 'anthropic', value: 'sig' } },
    { kind: 'text', text: 'Both:' },
    { kind: 'tool_call', id: 'call_a', name: 'one', arguments: '{"x":1}' },
    { kind: 'tool_call', id: 'call_b', name: 'two', arguments: '{}', signature: { of: 'gemini', value: 'g' } },
  ];

  test('is read by the official client: text, parallel calls, reasoning, usage', async () => {
    const final = await completed(eventsOf(answerOf(parts, { reason: 'tool_calls' })), PLAIN_REQUEST);
    expect(final.choices[0]?.finish_reason).toBe('tool_calls');
    expect(final.choices[0]?.message.content).toBe('Both:');
    expect(final.choices[0]?.message.tool_calls).toMatchObject([
      { id: 'call_a', type: 'function', function: { name: 'one', arguments: '{"x":1}' } },
      { id: packCallId('call_b', { of: 'gemini', value: 'g' }), function: { name: 'two', arguments: '{}' } },
    ]);
    expect(final.usage).toMatchObject({ prompt_tokens: 9, completion_tokens: 5 });
    const chunks = await chunksOf(eventsOf(answerOf(parts, { reason: 'tool_calls' })), PLAIN_REQUEST);
    const thoughts = chunks.map((chunk) => recordOf(chunk.choices[0]?.delta)['reasoning_content']);
    expect(thoughts.filter((thought) => thought !== undefined)).toEqual(['Hm.']);
  });

  test('is valid for several choices, a choice without parts, and usage at any place', async () => {
    const events = eventsOf(answerOf([]));
    const usage = events.filter(({ type }) => type === 'usage');
    const early = [...events.slice(0, 1), ...usage, ...events.slice(1).filter(({ type }) => type !== 'usage')];
    for (const order of [events, early]) {
      const final = await completed(order, PLAIN_REQUEST);
      expect(final.choices[0]?.message.content).toBe('');
      expect(final.usage?.prompt_tokens).toBe(9);
    }
    const two = [0, 1].map((index) => ({ index, parts: parts.slice(0, 2), finish: { reason: 'length' as const } }));
    const final = await completed(eventsOf({ ...answerOf([]), choices: two }), PLAIN_REQUEST);
    expect(final.choices.map(({ index, message: { content } }) => [index, content])).toEqual([
      [0, 'Both:'],
      [1, 'Both:'],
    ]);
  });

  test('carries the signature of a call also where it comes after the arguments', () => {
    const signature = { of: 'gemini', value: 'g' } as const;
    const text = streamText(
      [
        { type: 'start', id: 'a', model: 'm', createdS: 1, extra: {} },
        { type: 'open', choice: 0, part: 0, start: { kind: 'tool_call', id: 'c', name: 'f' } },
        { type: 'delta', choice: 0, text: '{"x":1}' },
        { type: 'signature', choice: 0, signature },
        { type: 'close', choice: 0 },
      ],
      PLAIN_REQUEST,
    );
    expect(text).toContain(packCallId('c', signature));
    expect(text).toContain(JSON.stringify('{"x":1}'));
  });

  test('tells no usage to who did not ask', async () => {
    const chunks = await chunksOf(eventsOf(answerOf(parts)), { ...PLAIN_REQUEST, wantsStreamUsage: false });
    expect(chunks.every((chunk) => chunk.choices.length === 1 && chunk.usage === undefined)).toBe(true);
  });

  test('hides reasoning that was not wanted, but not its signature', async () => {
    const reasoning = { enabled: true, effort: null, budgetTokens: null, show: false };
    const text = streamText(eventsOf(answerOf(parts)), { ...PLAIN_REQUEST, reasoning });
    expect(text).not.toContain('reasoning_content');
    expect(text).toContain('reasoning_details');
  });

  test('ends with an error that the official client raises, and says nothing after it', async () => {
    const writer = openaiClient.streamChat(contextFor(PLAIN_REQUEST), new Report());
    const begun = eventsOf(answerOf(parts))
      .slice(0, 3)
      .map((event) => writer.write(event))
      .join('');
    const failed = writer.fail({ status: 502, code: 'upstream_failed', message: 'It broke.', requestId: 'r' });
    expect(writer.fail({ status: 500, code: 'x', message: 'y', requestId: 'r' }) + writer.write({ type: 'end' })).toBe(
      '',
    );
    await expect(final(begun + failed)).rejects.toThrow('It broke.');
    const other = openaiClient.streamChat(contextFor(PLAIN_REQUEST), new Report());
    const told = other.write({ type: 'error', error: { message: 'Overloaded.', type: 'overloaded', status: 529 } });
    await expect(final(begun + told)).rejects.toThrow('Overloaded.');
  });
});

function streamText(events: readonly AnswerEvent[], request: ChatRequest): string {
  const writer = openaiClient.streamChat(contextFor(request), new Report());
  return events.map((event) => writer.write(event)).join('');
}

function clientOf(text: string): OpenAI {
  const headers = { 'content-type': 'text/event-stream' };
  return new OpenAI({
    apiKey: 'none',
    maxRetries: 0,
    fetch: () => Promise.resolve(new Response(text, { headers })),
  });
}

function final(text: string): Promise<OpenAI.ChatCompletion> {
  return clientOf(text).chat.completions.stream({ model: 'm', messages: [] }).finalChatCompletion();
}

function completed(events: readonly AnswerEvent[], request: ChatRequest): Promise<OpenAI.ChatCompletion> {
  return final(streamText(events, request));
}

async function chunksOf(events: readonly AnswerEvent[], request: ChatRequest): Promise<OpenAI.ChatCompletionChunk[]> {
  const stream = await clientOf(streamText(events, request)).chat.completions.create({
    model: 'm',
    messages: [],
    stream: true,
  });
  const chunks: OpenAI.ChatCompletionChunk[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
}
