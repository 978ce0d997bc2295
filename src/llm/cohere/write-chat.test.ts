import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { chatRequest, written } from '../../../test/chat-requests.ts';
import type { Written } from '../../../test/chat-requests.ts';
import type { ChatRequest, EmbeddingRequest, FunctionTool, Part, Turn } from '../canonical.ts';
import { RequestFault } from '../faults.ts';
import type { ModelTraits } from '../model-traits.ts';
import { UNKNOWN_TRAITS } from '../model-traits.ts';
import { Report } from '../report.ts';
import { cohereProvider } from './provider-codec.ts';

const LOOK: FunctionTool = { kind: 'function', name: 'look', description: 'Looks.', parameters: null, strict: null };

function write(request: Partial<ChatRequest>, traits: Partial<ModelTraits> = {}): Written {
  return written(cohereProvider, 'command-a', request, traits);
}

function text(content: string): Part {
  return { kind: 'text', text: content };
}

function user(...parts: Part[]): Turn {
  return { role: 'user', parts };
}

describe('the conversation', () => {
  test('has instructions as system, results as messages of the tool', () => {
    const { body, warnings } = write({
      stream: true,
      turns: [
        { role: 'developer', parts: [text('Be brief.')] },
        user(text('Where'), text('is it?')),
        { role: 'assistant', parts: [{ kind: 'tool_call', id: 'look_1', name: 'look', arguments: '{"at":1}' }] },
        user({ kind: 'tool_result', callId: 'look_1', parts: [text('Here')], isError: true }, text('So?')),
        { role: 'assistant', parts: [text('Here.')] },
      ],
    });
    expect(body).toEqual({
      model: 'command-a',
      stream: true,
      messages: [
        { role: 'system', content: 'Be brief.' },
        {
          role: 'user',
          content: [
            { type: 'text', text: 'Where' },
            { type: 'text', text: 'is it?' },
          ],
        },
        {
          role: 'assistant',
          tool_calls: [{ id: 'look_1', type: 'function', function: { name: 'look', arguments: '{"at":1}' } }],
        },
        { role: 'tool', tool_call_id: 'look_1', content: 'Here' },
        { role: 'user', content: 'So?' },
        { role: 'assistant', content: 'Here.' },
      ],
    });
    expect(warnings).toEqual(['approximated messages[3].content[0].is_error']);
  });

  test('never has text beside calls: it is the plan, or reasoning where the model reasons', () => {
    const turns: Turn[] = [
      {
        role: 'assistant',
        parts: [
          { kind: 'thinking', text: 'Hm.', signature: null },
          text('I look.'),
          { kind: 'tool_call', id: 'a', name: 'look', arguments: '{}' },
        ],
      },
    ];
    const plain = write({ turns });
    expect(plain.body['messages']).toMatchObject([{ tool_plan: 'Hm.\nI look.' }]);
    expect(plain.warnings).toEqual(['approximated messages[0].content']);
    const reasoning = write({ turns }, { reasoning: true });
    expect(reasoning.body['messages']).toMatchObject([{ content: [{ type: 'thinking', thinking: 'Hm.\nI look.' }] }]);
    expect(JSON.stringify(reasoning.body)).not.toContain('tool_plan');
  });

  test('has no reasoning of others, nor reasoning that led to no call', () => {
    const turns: Turn[] = [
      {
        role: 'assistant',
        parts: [
          { kind: 'thinking', text: 'Hm.', signature: { of: 'anthropic', value: 'x' } },
          { kind: 'thinking', text: 'Ho.', signature: null },
          text('Here.'),
        ],
      },
    ];
    const { body, warnings } = write({ turns });
    expect(body['messages']).toEqual([{ role: 'assistant', content: 'Here.' }]);
    expect(warnings).toEqual(['dropped messages[0].content[0]', 'dropped messages[0].content[1]']);
  });

  test('has images in it, and documents of text beside it', () => {
    const { body, warnings } = write({
      turns: [
        user(
          text('See:'),
          { kind: 'image', source: { kind: 'base64', data: 'AAAA' }, mediaType: 'image/png', detail: 'low' },
          { kind: 'image', source: { kind: 'url', url: 'https://example.com/a.png' }, mediaType: null },
          { kind: 'file', source: { kind: 'text', text: 'Facts.' }, mediaType: 'text/plain', filename: 'f.txt' },
          { kind: 'file', source: { kind: 'base64', data: 'TW9yZS4=' }, mediaType: 'text/markdown' },
        ),
      ],
    });
    expect(body['messages']).toEqual([
      {
        role: 'user',
        content: [
          { type: 'text', text: 'See:' },
          { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA', detail: 'low' } },
          { type: 'image_url', image_url: { url: 'https://example.com/a.png' } },
        ],
      },
    ]);
    expect(body['documents']).toEqual([
      { id: 'doc:0', data: { text: 'Facts.', title: 'f.txt' } },
      { id: 'doc:1', data: { text: 'More.' } },
    ]);
    expect(warnings).toEqual(['approximated messages[0].content[3]', 'approximated messages[0].content[4]']);
  });

  test.each([
    ['a PDF', { kind: 'file', source: { kind: 'base64', data: 'JVBERi0=' }, mediaType: 'application/pdf' }],
    ['sound', { kind: 'audio', source: { kind: 'base64', data: 'AA==' }, mediaType: 'audio/mpeg' }],
    ['an image at another provider', { kind: 'image', source: { kind: 'id', id: 'f', of: 'openai' }, mediaType: null }],
  ] as const)('with %s is refused with the field named', (_what, part) => {
    const turns = [user(text('See:'), part)];
    expect(() => write({ turns })).toThrow(RequestFault);
    expect(() => write({ turns })).toThrow(expect.objectContaining({ field: 'messages[0].content[1]' }));
  });
});

describe('tools', () => {
  const tools = [LOOK, { ...LOOK, name: 'other', description: null, strict: true }];

  test('are declared, strict for all or none', () => {
    const { body, warnings } = write({ tools });
    expect(body['tools']).toEqual([
      {
        type: 'function',
        function: { name: 'look', description: 'Looks.', parameters: { type: 'object', properties: {} } },
      },
      { type: 'function', function: { name: 'other', parameters: { type: 'object', properties: {} } } },
    ]);
    expect(body['strict_tools']).toBe(true);
    expect(warnings).toEqual(['approximated tools.strict']);
  });

  test.each([
    [{ kind: 'auto' }, undefined, 2],
    [{ kind: 'none' }, 'NONE', 2],
    [{ kind: 'required' }, 'REQUIRED', 2],
    [{ kind: 'named', name: 'look' }, 'REQUIRED', 1],
    [{ kind: 'allowed', names: ['look'], required: true }, 'REQUIRED', 1],
    [{ kind: 'allowed', names: ['look'], required: false }, undefined, 1],
  ] as const)('are chosen from: %j', (toolChoice, word, count) => {
    const { body, warnings } = write({ tools, toolChoice });
    expect(body['tool_choice']).toBe(word);
    expect(body['tools']).toHaveLength(count);
    expect(warnings.includes('approximated tool_choice')).toBe(
      toolChoice.kind === 'named' || toolChoice.kind === 'allowed',
    );
  });

  test('that are chosen but not offered are refused', () => {
    expect(() => write({ tools, toolChoice: { kind: 'named', name: 'gone' } })).toThrow(
      expect.objectContaining({ field: 'tool_choice' }),
    );
  });

  test('with free text take an object; those of others are reported', () => {
    const web = { kind: 'opaque', of: 'openai', label: 'web_search', value: {} } as const;
    const { body, warnings } = write({ tools: [{ kind: 'custom', name: 'patch', description: null }, web] });
    expect(body['tools']).toMatchObject([{ function: { name: 'patch', parameters: { required: ['input'] } } }]);
    expect(warnings).toEqual(['approximated tools[0]', 'dropped tools[1]']);
  });
});

test('JSON is asked for in words, too', () => {
  const { body, warnings } = write({ turns: [user(text('Hi'))], format: { kind: 'json' } });
  expect(body).toMatchObject({ messages: [{ role: 'system' }, { role: 'user' }], response_format: {} });
  expect(warnings).toEqual(['approximated response_format']);
  expect(write({ turns: [user(text('As JSON.'))], format: { kind: 'json' } }).warnings).toEqual([]);
});

describe('parameters', () => {
  test('have Cohere’s names, and stay within its bounds', () => {
    const { body, warnings } = write({
      outputTokensMax: 9,
      temperature: 0.5,
      topP: 1,
      topK: 40,
      stop: ['END'],
      seed: 7,
      frequencyPenalty: 2,
      presencePenalty: -1,
      logprobs: { top: 3 },
    });
    expect(body).toMatchObject({
      max_tokens: 9,
      temperature: 0.5,
      p: 0.99,
      k: 40,
      stop_sequences: ['END'],
      seed: 7,
      frequency_penalty: 1,
      presence_penalty: 0,
      logprobs: true,
    });
    expect(warnings).toEqual(
      ['top_logprobs', 'frequency_penalty', 'presence_penalty', 'top_p'].map((field) => `approximated ${field}`),
    );
  });

  test('without a place are reported', () => {
    const { warnings } = write({ choices: 2, logitBias: { 5: 1 }, user: 'u', cacheKey: 'k', extra: { store: true } });
    expect(warnings).toEqual(['store', 'n', 'logit_bias', 'user'].map((field) => `dropped ${field}`));
  });

  test('of Cohere’s own go out as they came, without overriding', () => {
    const { body } = write({ extra: { safety_mode: 'STRICT', model: 'other' }, extraOf: 'cohere' });
    expect(body).toMatchObject({ safety_mode: 'STRICT', model: 'command-a' });
  });

  test('ask for JSON, with a schema or without', () => {
    expect(write({ format: { kind: 'json' } }).body['response_format']).toEqual({ type: 'json_object' });
    const schema = { type: 'object' };
    const format = { kind: 'json_schema', name: 'n', description: null, schema, strict: true } as const;
    expect(write({ format }).body['response_format']).toEqual({ type: 'json_object', json_schema: schema });
  });

  test('ask for reasoning within a bound, or for none', () => {
    const asked = { enabled: true, effort: null, budgetTokens: 500, show: null };
    expect(write({ reasoning: asked })).toMatchObject({
      body: { thinking: { type: 'enabled', token_budget: 500 } },
      warnings: [],
    });
    const off = { reasoning: { ...asked, enabled: false } };
    expect(write(off, { reasoning: true }).body['thinking']).toEqual({ type: 'disabled' });
    expect(write(off)).toMatchObject({ warnings: ['dropped reasoning'] });
    expect(write({ reasoning: { ...asked, budgetTokens: null, effort: 'low' } }).warnings).toEqual([
      'approximated reasoning',
    ]);
    const without = write({ reasoning: asked }, { reasoning: false });
    expect(without.body).not.toHaveProperty('thinking');
    expect(without.warnings).toEqual(['dropped reasoning']);
  });
});

test('any request is written, or refused with a field', () => {
  const traits = fc.record({
    ...Object.fromEntries(Object.keys(UNKNOWN_TRAITS).map((key) => [key, fc.option(fc.boolean())])),
    reasoningStyle: fc.constant(null),
  }) as fc.Arbitrary<ModelTraits>;
  fc.assert(
    fc.property(chatRequest, traits, (request, known) => {
      try {
        const body = cohereProvider.writeChat(request, { name: 'm', traits: known }, new Report());
        // As text: JSON has no -0.
        expect(JSON.stringify(JSON.parse(JSON.stringify(body)))).toBe(JSON.stringify(body));
      } catch (fault) {
        if (!(fault instanceof RequestFault)) throw fault;
        expect(fault.field).toMatch(/^(?:(?:messages|input|contents)\[\d+\]|system|instructions|tool_choice)/);
      }
    }),
    { numRuns: 500 },
  );
});

describe('texts to embed', () => {
  const request: EmbeddingRequest = {
    model: 'house/embed',
    inputs: ['a', 'b'],
    dimensions: 256,
    encoding: 'base64',
    purpose: 'query',
    user: null,
    extra: {},
    extraOf: 'openai',
  };
  const target = { name: 'embed-v4.0', traits: UNKNOWN_TRAITS };

  test('are sent with what they are for', () => {
    const report = new Report();
    expect(cohereProvider.embeddings?.write(request, target, report)).toEqual({
      model: 'embed-v4.0',
      texts: ['a', 'b'],
      input_type: 'search_query',
      embedding_types: ['float'],
      output_dimension: 256,
    });
    expect(report.warnings).toEqual([]);
    cohereProvider.embeddings?.write({ ...request, purpose: null }, target, report);
    expect(report.warnings.map(({ field }) => field)).toEqual(['input_type']);
  });

  test('as numbers of tokens are refused', () => {
    expect(() => cohereProvider.embeddings?.write({ ...request, inputs: ['a', [1, 2]] }, target, new Report())).toThrow(
      expect.objectContaining({ field: 'input[1]' }),
    );
  });
});
