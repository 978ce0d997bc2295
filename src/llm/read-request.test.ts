import { describe, expect, test } from 'vitest';
import * as fc from 'fast-check';
import type { Dialect, ModelOperation, PreparedBody, RequestReading } from './dialect.ts';
import { DIALECTS } from './index.ts';

const { openai, anthropic, gemini, 'openai-responses': responses } = DIALECTS;

function reading(dialect: Dialect, text: string, operation: ModelOperation = 'chat'): RequestReading {
  const result = dialect.readRequest(Buffer.from(text), operation);
  if (!result.ok) throw new Error(result.message);
  return result.reading;
}

function refusal(dialect: Dialect, text: string, operation: ModelOperation = 'chat'): string {
  const result = dialect.readRequest(Buffer.from(text), operation);
  return result.ok ? 'accepted' : `${result.code}: ${result.message}`;
}

function written(dialect: Dialect, text: string, operation: ModelOperation = 'chat', model = 'up'): string {
  return bodyText(dialect.writeRequest(reading(dialect, text, operation), model));
}

function bodyText(prepared: PreparedBody): string {
  return Buffer.from(prepared.body).toString();
}

describe('a request is read', () => {
  test('for its model and whether it streams', () => {
    expect(reading(openai, '{"stream":true,"\\u006dodel":"a\\/b"}')).toMatchObject({ model: 'a/b', stream: true });
    expect(reading(openai, '{"model":"x","stream":null}')).toMatchObject({ stream: false });
    expect(reading(openai, '{"model":"x","input":"","stream":true}', 'embeddings')).toMatchObject({ stream: false });
    expect(reading(anthropic, '{"model":"x","stream":true}')).toMatchObject({ model: 'x', stream: true });
    expect(reading(anthropic, '{"model":"x"}', 'count_tokens')).toMatchObject({ model: 'x', stream: false });
    expect(reading(gemini, '{"contents":[]}')).toMatchObject({ model: null, stream: false });
  });

  test.each([openai, responses, anthropic])(
    'and refused without a model, or with one that is not a plain name ($name)',
    (dialect) => {
      expect(refusal(dialect, '{"messages":[]}')).toMatch(/^model_missing: The body has no "model"/);
      for (const value of [
        'null',
        '1',
        '["x"]',
        '{"a":1}',
        '""',
        '"a\\nb"',
        '"\\ud800"',
        `"${'x'.repeat(300)}"`,
        `"${'x'.repeat(30_000)}"`,
      ]) {
        expect(refusal(dialect, `{"model":${value}}`)).toMatch(/^invalid_body: "model"/);
      }
    },
  );

  test('and refused where a member that decides stands twice', () => {
    for (const name of ['model', 'stream', 'stream_options', 'max_tokens', 'max_completion_tokens', 'n']) {
      expect(refusal(openai, `{"model":"x","${name}":null,"${name}":null}`)).toMatch(
        /^invalid_body: "[a-z_]+" (stands|must)/,
      );
    }
    expect(refusal(openai, '{"model":"x","\\u006dodel":"y"}')).toMatch(/twice/);
    expect(refusal(anthropic, '{"model":"x","max_tokens":1,"max_tokens":2}')).toMatch(/twice/);
    expect(refusal(responses, '{"model":"x","max_output_tokens":1,"max_output_tokens":2}')).toMatch(/twice/);
    expect(refusal(gemini, '{"generationConfig":{},"generationConfig":{}}')).toMatch(/twice/);
    expect(
      refusal(openai, '{"model":"x","stream":true,"stream_options":{"include_usage":true,"include_usage":false}}'),
    ).toMatch(/twice/);
    expect(refusal(openai, '{"model":"x","metadata":1,"metadata":2}')).toBe('accepted');
  });

  test('and refused where a member that decides has another type', () => {
    for (const stream of ['"true"', '1', '[]', '{}'])
      expect(refusal(openai, `{"model":"x","stream":${stream}}`)).toMatch(/^invalid_body: "stream"/);
    for (const number of ['1e999', '9007199254740993', '1.5', '"5"', '{}']) {
      expect(refusal(openai, `{"model":"x","max_tokens":${number}}`)).toMatch(/^invalid_body: "max_tokens"/);
    }
    for (const options of ['true', '[]', '"x"', '{"include_usage":1}']) {
      expect(refusal(openai, `{"model":"x","stream":true,"stream_options":${options}}`)).toMatch(
        /^invalid_body: "stream_options/,
      );
    }
    expect(refusal(openai, '["model"]')).toMatch(/^invalid_body/);
  });

  test('and bad JSON is refused with the position', () => {
    expect(refusal(openai, '{"model":"x",}')).toBe(
      'invalid_json: The body is not valid JSON: unexpected "}" (at byte 13). Correct it and send it again.',
    );
    expect(refusal(gemini, '')).toMatch(/^invalid_json: .*empty/);
    expect(refusal(anthropic, `{"model":"x","messages":${'['.repeat(100)}`)).toMatch(/^invalid_json: .*deeper than 64/);
  });
});

describe('a request is written', () => {
  test('with only the model changed', () => {
    const text = ' {"a" : [ {"model":"inner"} ],\n"model" : "openai\\/gpt" , "z":1.50}';
    for (const dialect of [openai, responses, anthropic]) {
      expect(written(dialect, text)).toBe(text.replace('"openai\\/gpt"', '"up"'));
    }
    expect(written(openai, '{"model":"x"}', 'chat', 'quote"é')).toBe('{"model":"quote\\"é"}');
  });

  test.each([
    ['{"model":"x","stream":true}', '{"model":"up","stream_options":{"include_usage":true},"stream":true}'],
    [
      '{"model":"x","stream":true,"stream_options":null}',
      '{"model":"up","stream":true,"stream_options":{"include_usage":true}}',
    ],
    [
      '{"stream_options":{},"model":"x","stream":true}',
      '{"stream_options":{"include_usage":true},"model":"up","stream":true}',
    ],
    [
      '{"model":"x","stream":true,"stream_options":{ "include_obfuscation":false}}',
      '{"model":"up","stream":true,"stream_options":{"include_usage":true, "include_obfuscation":false}}',
    ],
    [
      '{"model":"x","stream":true,"stream_options":{"include_usage" : false}}',
      '{"model":"up","stream":true,"stream_options":{"include_usage" : true}}',
    ],
  ])('and asks for usage when the caller streams without asking: %s', (text, expected) => {
    const prepared = openai.writeRequest(reading(openai, text), 'up');
    expect(bodyText(prepared)).toBe(expected);
    expect(prepared.hideUsage).toBe(true);
  });

  test('and leaves the usage option alone where the caller asked, does not stream, or the vendor need not be asked', () => {
    const asked = '{"model":"x","stream":true,"stream_options":{"include_usage":true}}';
    expect(openai.writeRequest(reading(openai, asked), 'x')).toEqual({ body: Buffer.from(asked), hideUsage: false });
    expect(openai.writeRequest(reading(openai, '{"model":"x"}'), 'x').hideUsage).toBe(false);
    expect(openai.writeRequest(reading(openai, '{"model":"x","stream":true}'), 'x', false)).toEqual({
      body: Buffer.from('{"model":"x","stream":true}'),
      hideUsage: false,
    });
    expect(written(responses, '{"model":"x","stream":true}')).toBe('{"model":"up","stream":true}');
    expect(written(anthropic, '{"model":"x","stream":true}')).toBe('{"model":"up","stream":true}');
  });

  test('and stays the same value but for the model and the usage option, whatever else is in it', () => {
    const options = fc.option(
      fc.record({ include_usage: fc.constantFrom(true, false, null), other: fc.jsonValue() }, { requiredKeys: [] }),
    );
    const body = fc.record({
      before: fc.jsonValue(),
      stream_options: options,
      model: fc.constantFrom('a', 'é/b'),
      after: fc.jsonValue(),
    });
    fc.assert(
      fc.property(body, fc.constantFrom(undefined, 2), (value, indent) => {
        const text = JSON.stringify({ ...value, stream: true }, null, indent);
        const expected: unknown = JSON.parse(
          JSON.stringify({
            ...value,
            stream: true,
            model: 'up',
            stream_options: { ...value.stream_options, include_usage: true },
          }),
        );
        expect(JSON.parse(written(openai, text))).toEqual(expected);
      }),
    );
  });

  test('for Gemini unchanged, but where the body repeats the model', () => {
    const text = '{"contents":[{"parts":[{"text":"model"}]}]}';
    expect(gemini.writeRequest(reading(gemini, text), 'up').body.toString()).toBe(text);
    expect(written(gemini, '{"model":"models/sandbox/x","content":{}}', 'embeddings')).toBe(
      '{"model":"models/up","content":{}}',
    );
    expect(
      written(gemini, '{"requests":[{"model":"models/a/b","c":1}, {"c":2},{"model":"z"}]}', 'batch_embeddings'),
    ).toBe('{"requests":[{"model":"models/up","c":1}, {"c":2},{"model":"models/up"}]}');
    expect(written(gemini, '{"generateContentRequest":{"model":"models/a"}}', 'count_tokens')).toBe(
      '{"generateContentRequest":{"model":"models/up"}}',
    );
    expect(refusal(gemini, '{"requests":[{"model":"a","model":"b"}]}', 'batch_embeddings')).toMatch(
      /^invalid_body: "requests"/,
    );
    expect(refusal(gemini, '{"requests":{}}', 'batch_embeddings')).toMatch(/^invalid_body: "requests"/);
    expect(refusal(gemini, '{}', 'batch_embeddings')).toMatch(/^invalid_body: "requests"/);
  });
});

describe('the path upstream', () => {
  test("is the dialect's own, or null where it has none", () => {
    expect(openai.upstreamPath('chat', 'x', true, '')).toBe('/chat/completions');
    expect(openai.upstreamPath('completions', 'x', false, '')).toBe('/completions');
    expect(openai.upstreamPath('embeddings', 'x', false, '')).toBe('/embeddings');
    expect(openai.upstreamPath('count_tokens', 'x', false, '')).toBeNull();
    expect(responses.upstreamPath('chat', 'x', true, '')).toBe('/responses');
    expect(responses.upstreamPath('embeddings', 'x', false, '')).toBeNull();
    expect(anthropic.upstreamPath('chat', 'x', true, 'beta=true')).toBe('/v1/messages?beta=true');
    expect(anthropic.upstreamPath('count_tokens', 'x', false, '')).toBe('/v1/messages/count_tokens');
    expect(gemini.upstreamPath('chat', 'g', false, '')).toBe('/v1beta/models/g:generateContent');
    expect(gemini.upstreamPath('chat', 'g', true, 'alt=sse')).toBe('/v1beta/models/g:streamGenerateContent?alt=sse');
    expect(gemini.upstreamPath('chat', 'tunedModels/a b/../c', true, '')).toBe(
      '/v1beta/tunedModels/a%20b%2F..%2Fc:streamGenerateContent',
    );
    expect(gemini.upstreamPath('embeddings', 'models/g', false, '')).toBe('/v1beta/models/g:embedContent');
    expect(gemini.upstreamPath('batch_embeddings', 'g', false, '')).toBe('/v1beta/models/g:batchEmbedContents');
    expect(gemini.upstreamPath('count_tokens', 'g', false, '')).toBe('/v1beta/models/g:countTokens');
    expect(gemini.upstreamPath('completions', 'g', false, '')).toBeNull();
  });

  test("keeps the caller's query but for their key, however it is spelled", () => {
    for (const key of ['key=s', 'KEY=s', '%6bey=s', 'k%65y=s', 'key', '%zz=s']) {
      expect(gemini.upstreamPath('chat', 'g', true, `a=1&${key}&alt=sse`)).toBe(
        '/v1beta/models/g:streamGenerateContent?a=1&alt=sse',
      );
    }
    expect(openai.upstreamPath('chat', 'x', false, 'key=s')).toBe('/chat/completions');
  });
});

describe('usage of a whole answer', () => {
  const counts = { prompt_tokens: 5, completion_tokens: 2, total_tokens: 7 };
  const usage = { inputTokens: 5, outputTokens: 2, cachedInputTokens: 0, cacheWriteTokens: 0, reasoningTokens: 0 };
  const read = (dialect: Dialect, value: unknown) => dialect.readUsage(Buffer.from(JSON.stringify(value, null, 1)));

  test('is found wherever the outermost member stands', () => {
    expect(read(openai, { choices: [{ usage: { prompt_tokens: 99 } }], usage: counts })).toEqual(usage);
    expect(read(openai, { usage: counts, choices: [{ usage: { prompt_tokens: 99 } }] })).toEqual(usage);
    expect(read(openai, { usage: counts, text: '"usage": {}', other: 'usage' })).toEqual(usage);
    expect(read(openai, { choices: [{ usage: counts }] })).toBeNull();
    expect(read(openai, { usage: null })).toBeNull();
    expect(openai.readUsage(Buffer.from('not json'))).toBeNull();
    expect(openai.readUsage(Buffer.alloc(0))).toBeNull();
  });

  test('has the meaning of each dialect', () => {
    expect(read(openai, { data: [], usage: { prompt_tokens: 5, total_tokens: 5 } })).toEqual({
      ...usage,
      outputTokens: 0,
    });
    expect(read(responses, { usage: { input_tokens: 5, output_tokens: 2 }, user: null })).toEqual(usage);
    expect(
      read(anthropic, {
        usage: { input_tokens: 1, cache_read_input_tokens: 3, cache_creation_input_tokens: 1, output_tokens: 2 },
      }),
    ).toEqual({
      ...usage,
      cachedInputTokens: 3,
      cacheWriteTokens: 1,
    });
    expect(read(anthropic, { input_tokens: 5 })).toBeNull();
    expect(
      read(gemini, {
        usageMetadata: {
          promptTokenCount: 5,
          cachedContentTokenCount: 4,
          candidatesTokenCount: 1,
          thoughtsTokenCount: 1,
        },
      }),
    ).toEqual({
      ...usage,
      cachedInputTokens: 4,
      reasoningTokens: 1,
    });
    expect(read(gemini, { usageMetadata: { promptTokenCount: 5 } })).toEqual({ ...usage, outputTokens: 0 });
    expect(read(gemini, { totalTokens: 5 })).toBeNull();
  });

  test('at the end of an answer is read without reading what stands before it', () => {
    const body = Buffer.from(
      '{ "data": 100 KB of numbers that nobody parses, "usage": {"prompt_tokens": 5, "total_tokens": 5} }',
    );
    expect(openai.readUsage(body)).toEqual({ ...usage, outputTokens: 0 });
  });
});
