import { describe, expect, test } from 'vitest';
import * as fc from 'fast-check';
import type { Dialect, Usage } from './dialect.ts';
import { DIALECTS } from './index.ts';

interface Observed {
  readonly out: string;
  readonly usage: Usage | null;
  readonly complete: boolean;
}

function observe(dialect: Dialect, stream: string, cuts: readonly number[] = [], hideUsage = false): Observed {
  const bytes = Buffer.from(stream);
  const observer = dialect.observeStream(hideUsage);
  const out: Uint8Array[] = [];
  const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  for (let index = 1; index < places.length; index++) {
    const passed = observer.push(bytes.subarray(places[index - 1], places[index]));
    if (passed !== null) out.push(passed);
  }
  const rest = observer.flush();
  if (rest !== null) out.push(rest);
  return { out: Buffer.concat(out).toString(), usage: observer.usage(), complete: observer.complete() };
}

/** Asserts the same result for one read and for any other split. */
function expectObserved(dialect: Dialect, stream: string, expected: Partial<Observed>, hideUsage = false): void {
  expect(observe(dialect, stream, [], hideUsage)).toMatchObject(expected);
  fc.assert(
    fc.property(fc.array(fc.nat(), { maxLength: 20 }), (cuts) => {
      expect(observe(dialect, stream, cuts, hideUsage)).toMatchObject(expected);
    }),
  );
  const everyByte = Array.from({ length: Buffer.byteLength(stream) }, (_, index) => index);
  expect(observe(dialect, stream, everyByte, hideUsage)).toMatchObject(expected);
}

function data(...values: readonly unknown[]): string {
  return values.map((value) => `data: ${typeof value === 'string' ? value : JSON.stringify(value)}\n\n`).join('');
}

function named(...values: readonly { readonly type: string; readonly [member: string]: unknown }[]): string {
  return values.map((value) => `event: ${value.type}\ndata: ${JSON.stringify(value)}\n\n`).join('');
}

const NO_DETAIL = { cachedInputTokens: 0, cacheWriteTokens: 0, reasoningTokens: 0 };

describe('an OpenAI chat stream', () => {
  const word = { choices: [{ index: 0, delta: { content: 'é "usage": {' } }], usage: null };
  const last = { choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] };
  const counts = {
    prompt_tokens: 7,
    completion_tokens: 3,
    total_tokens: 10,
    prompt_tokens_details: { cached_tokens: 4 },
  };
  const usageOnly = { choices: [], usage: counts };
  const usage = { ...NO_DETAIL, inputTokens: 7, outputTokens: 3, cachedInputTokens: 4 };

  test('tells usage and its end, and passes byte for byte', () => {
    const stream = data(word, word, usageOnly, last, '[DONE]');
    expectObserved(DIALECTS.openai, stream, { out: stream, usage, complete: true });
  });

  test('loses the usage chunk, and only that, when the client did not ask for it', () => {
    expectObserved(
      DIALECTS.openai,
      data(word, usageOnly, last, '[DONE]'),
      { out: data(word, last, '[DONE]'), usage, complete: true },
      true,
    );
  });

  test('keeps a chunk with choices that tells usage, too', () => {
    const stream = data({ ...word, usage: counts }, last, '[DONE]');
    expectObserved(DIALECTS.openai, stream, { out: stream, usage }, true);
  });

  test('keeps a first chunk without choices and usage', () => {
    const stream = data({ choices: [], prompt_filter_results: [] }, word, last, '[DONE]');
    expectObserved(DIALECTS.openai, stream, { out: stream, usage: null }, true);
  });

  test('with running usage counts the last', () => {
    expectObserved(DIALECTS.openai, data({ ...word, usage: { ...counts, completion_tokens: 1 } }, usageOnly), {
      usage,
      complete: false,
    });
  });

  test('tells usage in x_groq, and with the names of DeepSeek', () => {
    expectObserved(DIALECTS.openai, data({ ...word, x_groq: { id: 'x', usage: counts } }), { usage });
    const deepseek = {
      prompt_tokens: 7,
      completion_tokens: 3,
      prompt_cache_hit_tokens: 4,
      prompt_cache_miss_tokens: 3,
    };
    expectObserved(DIALECTS.openai, data({ ...word, usage: deepseek }), { usage });
  });

  test('counts reasoning once, also where a vendor counts it beside the completion', () => {
    const inside = {
      prompt_tokens: 10,
      completion_tokens: 8,
      total_tokens: 18,
      completion_tokens_details: { reasoning_tokens: 5 },
    };
    const beside = { ...inside, completion_tokens: 3 };
    const expected = { ...NO_DETAIL, inputTokens: 10, outputTokens: 8, reasoningTokens: 5 };
    expectObserved(DIALECTS.openai, data({ choices: [], usage: inside }), { usage: expected });
    expectObserved(DIALECTS.openai, data({ choices: [], usage: beside }), { usage: expected });
  });

  test('without usage has none, and without [DONE] is not complete', () => {
    expectObserved(DIALECTS.openai, data(word, { ...word, usage: {} }), { usage: null, complete: false });
  });

  test('with CRLF, comments, no space and no blank line at its end is read the same', () => {
    const stream = `: hello\r\n\r\ndata:${JSON.stringify(word)}\r\n\r\ndata:${JSON.stringify(usageOnly)}\r\n\r\ndata:${JSON.stringify(last)}\r\n\r\ndata:[DONE]`;
    expectObserved(DIALECTS.openai, stream, { out: stream, usage, complete: true });
  });
});

describe('an OpenAI Responses stream', () => {
  const counts = {
    input_tokens: 7,
    input_tokens_details: { cached_tokens: 4 },
    output_tokens: 3,
    output_tokens_details: { reasoning_tokens: 2 },
  };
  const usage = { ...NO_DETAIL, inputTokens: 7, cachedInputTokens: 4, outputTokens: 3, reasoningTokens: 2 };
  const created = { type: 'response.created', response: { usage: null } };
  const text = { type: 'response.output_text.delta', delta: 'response.completed "usage"' };

  test.each(['response.completed', 'response.incomplete', 'response.failed'])('tells usage with %s', (type) => {
    const stream = named(created, text, { type, response: { output: [{ usage: {} }], usage: counts, user: null } });
    expectObserved(DIALECTS['openai-responses'], stream, { out: stream, usage, complete: type !== 'response.failed' });
  });

  test('is not complete because a text names the last event', () => {
    expectObserved(DIALECTS['openai-responses'], named(created, text), { usage: null, complete: false });
  });

  test('may end with an event of several hundred kilobytes', () => {
    const last = { type: 'response.completed', response: { output: ['x'.repeat(300_000)], usage: counts } };
    const stream = named(created, last);
    const cuts = Array.from({ length: 300 }, (_, index) => index * 1000);
    expect(observe(DIALECTS['openai-responses'], stream, cuts)).toEqual({ out: stream, usage, complete: true });
  });
});

describe('an Anthropic stream', () => {
  const start = (usage: unknown) => ({ type: 'message_start', message: { usage } });
  const delta = (usage: unknown) => ({ type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage });
  const stop = { type: 'message_stop' };

  test('adds cache reads and writes to its input, and takes the last output', () => {
    const counts = { input_tokens: 5, cache_read_input_tokens: 100, cache_creation_input_tokens: 20, output_tokens: 1 };
    const stream = named(start(counts), { type: 'ping' }, delta({ output_tokens: 9 }), stop);
    const usage = {
      inputTokens: 125,
      cachedInputTokens: 100,
      cacheWriteTokens: 20,
      outputTokens: 9,
      reasoningTokens: 0,
    };
    expectObserved(DIALECTS.anthropic, stream, { out: stream, usage, complete: true });
  });

  test('merges counts field by field: the last value of each wins, null is none', () => {
    const stream = named(
      start({ input_tokens: 34_824, output_tokens: 1, cache_read_input_tokens: 0 }),
      delta({
        input_tokens: 3883,
        cache_read_input_tokens: 30_464,
        cache_creation_input_tokens: null,
        output_tokens: 2,
      }),
    );
    const usage = {
      inputTokens: 34_347,
      cachedInputTokens: 30_464,
      cacheWriteTokens: 0,
      outputTokens: 2,
      reasoningTokens: 0,
    };
    expectObserved(DIALECTS.anthropic, stream, { usage, complete: false });
  });

  test('is not complete because a text says message_stop', () => {
    const stream = named({ type: 'content_block_delta' }).replace(
      '}',
      ',"delta":{"text":"message_stop \\"usage\\":{"}}',
    );
    expectObserved(DIALECTS.anthropic, stream, { out: stream, usage: null, complete: false });
  });
});

describe('a Gemini stream', () => {
  const part = (text: string, counts: unknown) => ({
    candidates: [{ content: { parts: [{ text }] } }],
    usageMetadata: counts,
  });
  const first = part('a', { promptTokenCount: 37, totalTokenCount: 37 });
  const last = {
    candidates: [{ content: { parts: [{ text: '"]}' }] }, finishReason: 'STOP' }],
    usageMetadata: { promptTokenCount: 37, candidatesTokenCount: 340, thoughtsTokenCount: 584, totalTokenCount: 961 },
  };
  const usage = { ...NO_DETAIL, inputTokens: 37, outputTokens: 924, reasoningTokens: 584 };

  test('tells usage so far with every event: the last counts, thoughts included', () => {
    const stream = data(first, first, last).replaceAll('\n', '\r\n');
    expectObserved(DIALECTS.gemini, stream, { out: stream, usage, complete: true });
  });

  test('may also be one JSON array', () => {
    const stream = ` [${JSON.stringify(first, null, 2)}\n,\r\n${JSON.stringify(last)}]`;
    expectObserved(DIALECTS.gemini, stream, { out: stream, usage, complete: true });
  });

  test('is complete when the prompt was refused, and not for a name in a tool call', () => {
    const refused = { promptFeedback: { blockReason: 'SAFETY' }, usageMetadata: { promptTokenCount: 3 } };
    expectObserved(DIALECTS.gemini, data(refused), {
      complete: true,
      usage: { ...NO_DETAIL, inputTokens: 3, outputTokens: 0 },
    });
    const call = { candidates: [{ content: { parts: [{ functionCall: { args: { finishReason: 'x' } } }] } }] };
    expectObserved(DIALECTS.gemini, data(call), { complete: false, usage: null });
  });
});

test('bytes are never delayed where nothing is hidden', () => {
  for (const dialect of Object.values(DIALECTS)) {
    const observer = dialect.observeStream(false);
    for (const text of ['da', 'ta: {"usage":', '{"prompt_', 'tokens":1}}\n', '\n', '\n', 'x']) {
      const chunk = Buffer.from(text);
      expect(observer.push(chunk)).toBe(chunk);
    }
    expect(observer.flush()).toBeNull();
  }
});
