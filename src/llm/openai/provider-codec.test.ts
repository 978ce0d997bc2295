import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ChatRequest, Part, Turn } from '../canonical.ts';
import { AnswerFault, RequestFault } from '../faults.ts';
import type { ModelTraits } from '../model-traits.ts';
import { UNKNOWN_TRAITS } from '../model-traits.ts';
import type { JsonRecord } from '../record.ts';
import { Report } from '../report.ts';
import { PLAIN_REQUEST } from './chat-arbitraries.ts';
import type { OpenaiProviderOptions } from './provider-codec.ts';
import { openaiProvider, openaiProviderFor } from './provider-codec.ts';

interface Written {
  readonly body: JsonRecord;
  readonly lost: readonly string[];
}

/** As written for a caller of Anthropic's dialect, unless the request says otherwise. */
function write(
  request: Partial<ChatRequest>,
  traits: Partial<ModelTraits> = {},
  options: OpenaiProviderOptions = {},
): Written {
  const report = new Report();
  const asked: ChatRequest = { ...PLAIN_REQUEST, stream: false, extraOf: 'anthropic', ...request };
  const target = { name: 'gpt', traits: { ...UNKNOWN_TRAITS, ...traits } };
  const body = openaiProviderFor(options).writeChat(asked, target, report);
  return { body, lost: report.warnings.map(({ kind, field }) => `${kind} ${field}`) };
}

function user(...parts: readonly Part[]): Turn {
  return { role: 'user', parts };
}

function messages(...turns: readonly Turn[]): unknown {
  return write({ turns }).body['messages'];
}

describe('a request for a provider of the chat dialect', () => {
  test('has of all members only those that the caller set', () => {
    expect(write({ turns: [user({ kind: 'text', text: 'Hi' })] }).body).toEqual({
      model: 'gpt',
      messages: [{ role: 'user', content: 'Hi' }],
    });
  });

  test('asks for usage in every stream, where the vendor must be asked', () => {
    expect(write({ stream: true, wantsStreamUsage: false }).body).toMatchObject({
      stream: true,
      stream_options: { include_usage: true },
    });
    const unasked = write({ stream: true }, {}, { asksStreamUsage: false });
    expect(unasked.body).not.toHaveProperty('stream_options');
  });

  test('bounds the output as the model knows it', () => {
    const field = (traits: Partial<ModelTraits>, options: OpenaiProviderOptions = {}) =>
      Object.keys(write({ outputTokensMax: 5 }, traits, options).body).filter((name) => name.startsWith('max'));
    expect(field({})).toEqual(['max_tokens']);
    expect(field({ reasoning: true })).toEqual(['max_completion_tokens']);
    expect(field({ reasoning: true }, { maxTokensField: 'max_tokens' })).toEqual(['max_tokens']);
    expect(field({}, { maxTokensField: 'max_completion_tokens' })).toEqual(['max_completion_tokens']);
  });

  test('has what only OpenAI knows for OpenAI, or for a caller of this dialect', () => {
    const asked: Partial<ChatRequest> = {
      tools: [
        { kind: 'custom', name: 'sql', description: null },
        { kind: 'function', name: 'f', description: null, parameters: null, strict: null },
      ],
      toolChoice: { kind: 'allowed', names: ['sql'], required: true },
      cacheKey: 'k',
    };
    const own = {
      tools: [
        { type: 'custom', custom: { name: 'sql' } },
        { type: 'function', function: { name: 'f' } },
      ],
      tool_choice: { type: 'allowed_tools' },
      prompt_cache_key: 'k',
    };
    expect(write(asked, {}, { isOpenai: true })).toMatchObject({ body: own, lost: [] });
    expect(write({ ...asked, extraOf: 'openai' })).toMatchObject({ body: own, lost: [] });
    const { body, lost } = write(asked);
    expect(body).toMatchObject({
      tools: [{ type: 'function', function: { name: 'sql', parameters: { required: ['input'] } } }],
      tool_choice: 'required',
    });
    expect(body).not.toHaveProperty('prompt_cache_key');
    expect(lost).toEqual(['approximated tool_choice', 'approximated tools[0]']);
  });

  test('names a user as shortly as vendors take it', () => {
    const long = write({ user: 'u'.repeat(65) });
    expect(String(long.body['user'])).toHaveLength(40);
    expect(long.lost).toEqual(['approximated user']);
    expect(write({ user: 'u'.repeat(64) }).body['user']).toBe('u'.repeat(64));
  });

  test('keeps marks for the cache where the caller knows the vendor to have them', () => {
    const cache = { ttl: '1h' } as const;
    const turns = [user({ kind: 'text', text: 'a', cache })];
    expect(write({ turns, extraOf: 'openai' }).body['messages']).toEqual([
      { role: 'user', content: [{ type: 'text', text: 'a', cache_control: { type: 'ephemeral', ttl: '1h' } }] },
    ]);
    expect(write({ turns })).toMatchObject({
      body: { messages: [{ content: 'a' }] },
      lost: ['approximated cache_control'],
    });
  });

  test('leaves out how to sample where the model decides it, and says so', () => {
    const asked = { temperature: 0.5, topP: 0.9, presencePenalty: 1, logprobs: { top: 2 }, seed: 7 };
    const { body, lost } = write(asked, { sampling: false });
    expect(body).not.toHaveProperty('temperature');
    expect(body).toMatchObject({ seed: 7 });
    expect(lost).toEqual(['dropped temperature', 'dropped top_p', 'dropped presence_penalty', 'dropped logprobs']);
    expect(write(asked).lost).toEqual([]);
  });

  test('reports what only the caller’s dialect understands, and sends on what its own does', () => {
    const turns = [user({ kind: 'text', text: 'a', extra: { citations: { enabled: true } } })];
    const foreign = write({ turns, extra: { container: 'c' }, topK: 4 });
    expect(foreign.lost).toEqual(['dropped container', 'dropped messages[0].content[0].citations', 'dropped top_k']);
    expect(JSON.stringify(foreign.body)).not.toContain('citations');
    const own = write({ turns, extra: { store: true }, topK: 4, extraOf: 'openai' });
    expect(own.body).toMatchObject({
      store: true,
      top_k: 4,
      messages: [{ content: [{ citations: { enabled: true } }] }],
    });
    expect(own.lost).toEqual([]);
  });

  test('never lets a caller’s unknown member take the place of what was written', () => {
    const { body } = write({ extra: { model: 'other', messages: [] }, extraOf: 'openai' });
    expect(body).toMatchObject({ model: 'gpt' });
  });

  test('puts results right after their calls, then their media, then what the user says', () => {
    const image: Part = { kind: 'image', source: { kind: 'url', url: 'https://a.example/i' }, mediaType: null };
    const result = (callId: string, ...parts: readonly Part[]): Part => ({
      kind: 'tool_result',
      callId,
      parts,
      isError: false,
    });
    const calls = ['a', 'b'].map((id): Part => ({ kind: 'tool_call', id, name: 'f', arguments: '{}' }));
    const written = messages(
      { role: 'assistant', parts: calls },
      user(result('a', { kind: 'text', text: 'see' }, image)),
      user(result('b', { kind: 'text', text: 'ok' }), { kind: 'text', text: 'and?' }),
    );
    expect(written).toMatchObject([
      { role: 'assistant', content: null, tool_calls: [{ id: 'a' }, { id: 'b' }] },
      { role: 'tool', tool_call_id: 'a', content: 'see' },
      { role: 'tool', tool_call_id: 'b', content: 'ok' },
      { role: 'user', content: [{ type: 'image_url' }, { type: 'text', text: 'and?' }] },
    ]);
  });

  test('keeps the ids of a call and its result the same, also where one is too long', () => {
    const id = `toolu_${'x'.repeat(60)}`;
    const call: Part = { kind: 'tool_call', id, name: 'f', arguments: '{}' };
    const text = JSON.stringify(
      messages(
        { role: 'assistant', parts: [call] },
        user({ kind: 'tool_result', callId: id, parts: [], isError: false }),
      ),
    );
    const ids = [...text.matchAll(/"(?:id|tool_call_id)":"([^"]+)"/g)].map(([, found]) => found);
    expect(new Set(ids).size).toBe(1);
    expect(ids[0]?.length).toBeLessThanOrEqual(40);
  });

  test('never sends a signature of another maker, nor reasoning to a vendor that takes none', () => {
    const parts: readonly Part[] = [
      { kind: 'thinking', text: 'Hm.', signature: { of: 'anthropic', value: 'SECRET' } },
      { kind: 'text', text: 'Yes.' },
      { kind: 'tool_call', id: 'a', name: 'f', arguments: '{}', signature: { of: 'gemini', value: 'SECRET' } },
    ];
    const turns: Turn[] = [{ role: 'assistant', parts }];
    const plain = write({ turns });
    expect(JSON.stringify(plain.body)).not.toMatch(/SECRET|Hm/);
    expect(plain.lost).toEqual(['dropped messages[0].reasoning_content']);
    const deepseek = write({ turns }, {}, { thinking: 'reasoning_content' });
    expect(deepseek.body['messages']).toMatchObject([{ reasoning_content: 'Hm.', content: 'Yes.' }]);
    expect(JSON.stringify(deepseek.body)).not.toContain('SECRET');
  });

  test('gives instructions as system where developer is not known, and text as a string', () => {
    const texts = ['a', 'b'].map((text): Part => ({ kind: 'text', text }));
    const turn: Turn = { role: 'developer', parts: texts };
    expect(messages(turn)).toEqual([{ role: 'system', content: 'a\n\nb' }]);
    expect(write({ turns: [turn] }, {}, { isOpenai: true }).body['messages']).toMatchObject([
      { role: 'developer', content: [{ text: 'a' }, { text: 'b' }] },
    ]);
  });

  test('refuses media that the format has no place for, and says what to do', () => {
    const cases: readonly Part[] = [
      { kind: 'audio', source: { kind: 'url', url: 'https://a.example' }, mediaType: null },
      { kind: 'file', source: { kind: 'url', url: 'https://a.example' }, mediaType: null },
      { kind: 'file', source: { kind: 'id', id: 'f', of: 'anthropic' }, mediaType: null },
      { kind: 'image', source: { kind: 'id', id: 'f', of: 'gemini' }, mediaType: null },
    ];
    for (const part of cases) expect(() => messages(user(part))).toThrow(RequestFault);
    const document: Part = { kind: 'file', source: { kind: 'text', text: 'plain' }, mediaType: 'text/plain' };
    expect(messages(user(document))).toEqual([{ role: 'user', content: 'plain' }]);
  });

  test('says how much to reason by a word, and nothing to a model that does not', () => {
    const ask = { enabled: true, effort: null, budgetTokens: 2000, show: null };
    expect(write({ reasoning: ask })).toMatchObject({
      body: { reasoning_effort: 'low' },
      lost: ['approximated reasoning.max_tokens'],
    });
    expect(write({ reasoning: { ...ask, effort: 'xhigh', budgetTokens: null } }).body).toMatchObject({
      reasoning_effort: 'xhigh',
    });
    const off = { reasoning: { ...ask, enabled: false } };
    expect(write(off, { reasoning: true }).body).toMatchObject({ reasoning_effort: 'none' });
    expect(write({ ...off, extraOf: 'openai' }).body).toMatchObject({ reasoning_effort: 'none' });
    expect(write(off).body).not.toHaveProperty('reasoning_effort');
    expect(write(off).lost).toEqual(['dropped reasoning']);
    expect(write({ reasoning: { ...ask, enabled: false } }, { reasoning: false })).toMatchObject({ lost: [] });
    expect(write({ reasoning: ask }, { reasoning: false }).lost).toEqual(['dropped reasoning_effort']);
  });

  test('asks strictly only for a schema that strict ones can have', () => {
    const open = { type: 'object', properties: { a: {}, b: {} }, required: ['a'], additionalProperties: false };
    const format = { kind: 'json_schema' as const, name: 'my answer', description: null, schema: open, strict: true };
    expect(write({ format })).toMatchObject({
      body: { response_format: { json_schema: { name: 'my_answer', strict: false } } },
      lost: ['approximated response_format.json_schema.strict'],
    });
    const closed = { ...open, required: ['a', 'b'] };
    expect(write({ format: { ...format, schema: closed } }).body).toMatchObject({
      response_format: { json_schema: { strict: true } },
    });
  });

  test('asks in words, after the instructions, for a format that no setting can say', () => {
    const turns: Turn[] = [{ role: 'system', parts: [{ kind: 'text', text: 'Be brief.' }] }];
    const schema = { type: 'object', properties: { a: {} } };
    const format = { kind: 'json_schema' as const, name: 'a', description: null, schema, strict: null };
    const words = (text: string) => [{ content: 'Be brief.' }, { content: expect.stringContaining(text) as unknown }];
    expect(write({ turns, format }, { structuredOutput: false })).toMatchObject({
      body: { messages: words('"properties":{"a":{}}'), response_format: { type: 'json_object' } },
      lost: ['approximated response_format'],
    });
    const list = write({ turns, format: { ...format, schema: { type: 'array' } } });
    expect(list.body).toMatchObject({ messages: words('{"type":"array"}') });
    expect(list.body).not.toHaveProperty('response_format');
  });

  test('says the word JSON, without which OpenAI refuses its JSON mode', () => {
    const asking = (text: string) => write({ turns: [user({ kind: 'text', text })], format: { kind: 'json' } });
    expect(asking('As JSON.')).toMatchObject({ body: { messages: [{ role: 'user' }] }, lost: [] });
    expect(asking('Hi')).toMatchObject({
      body: { messages: [{ role: 'system' }, { role: 'user' }], response_format: { type: 'json_object' } },
      lost: ['approximated response_format'],
    });
  });

  test('makes no choice among tools that are not there', () => {
    const tools = [{ kind: 'opaque', of: 'anthropic', label: 'web_search', value: {} }] as const;
    const written = write({ tools, toolChoice: { kind: 'required' }, parallelToolCalls: true });
    expect(Object.keys(written.body)).toEqual(['model', 'messages']);
    expect(written.lost).toEqual(['dropped tools[0]', 'dropped tool_choice']);
  });
});

describe('a whole answer of a provider of the chat dialect', () => {
  test('is read in all its parts', () => {
    const answer = openaiProvider.readChat({
      id: 'c',
      model: 'm',
      created: 5,
      system_fingerprint: 'fp',
      choices: [
        {
          message: {
            content: 'a',
            refusal: null,
            reasoning_details: [
              { type: 'reasoning.text', text: 'x', signature: 's', format: 'anthropic-claude-v1', index: 0 },
              { type: 'reasoning.encrypted', data: 'd', format: 'google-gemini-v1', index: 1 },
            ],
            annotations: [
              { type: 'url_citation', url_citation: { url: 'u', title: 't', start_index: 0, end_index: 1 } },
            ],
            audio: { id: 'au', data: 'QUJD', transcript: 'abc', expires_at: 3 },
            images: [{ image_url: { url: 'data:image/png;base64,QUJD' } }],
            tool_calls: [{ id: 'k', type: 'custom', custom: { name: 'sql', input: 'select' } }],
          },
          finish_reason: 'stop',
        },
      ],
    });
    expect(answer).toMatchObject({
      createdS: 5,
      extra: { system_fingerprint: 'fp' },
      choices: [
        {
          index: 0,
          finish: { reason: 'tool_calls', raw: 'stop' },
          parts: [
            { kind: 'thinking', text: 'x', signature: { of: 'anthropic', value: 's' } },
            { kind: 'thinking', text: '', signature: { of: 'gemini', value: 'd' }, redacted: true },
            { kind: 'text', text: 'a', annotations: [{ url: 'u', from: 0, to: 1 }] },
            { kind: 'audio', source: { kind: 'base64', data: 'QUJD' }, extra: { id: 'au', transcript: 'abc' } },
            { kind: 'image', mediaType: 'image/png', source: { data: 'QUJD' } },
            { kind: 'tool_call', id: 'k', name: 'sql', arguments: 'select', custom: true },
          ],
        },
      ],
    });
  });

  test('without choices is a fault, with the provider’s words where it has any', () => {
    expect(() => openaiProvider.readChat({})).toThrow(AnswerFault);
    expect(() => openaiProvider.readChat({ error: { message: 'No credit.' } })).toThrow('No credit.');
  });

  test('is read or is a fault, whatever JSON it is', () => {
    const choice = fc.record(
      {
        index: fc.jsonValue(),
        message: fc.dictionary(
          fc.constantFrom('content', 'tool_calls', 'audio', 'images', 'annotations', 'reasoning_details'),
          fc.jsonValue(),
        ),
        finish_reason: fc.jsonValue(),
        logprobs: fc.jsonValue(),
      },
      { requiredKeys: [] },
    );
    const body = fc.record({
      choices: fc.oneof(fc.jsonValue(), fc.array(choice)),
      usage: fc.jsonValue(),
      citations: fc.jsonValue(),
    });
    fc.assert(
      fc.property(body, (answer) => {
        try {
          openaiProvider.readChat(answer);
        } catch (error) {
          expect(error).toBeInstanceOf(AnswerFault);
        }
      }),
      { numRuns: 300 },
    );
  });
});
