import { describe, expect, test } from 'vitest';
import type { Part, Turn } from '../canonical.ts';
import { UNKNOWN_TRAITS } from '../model-traits.ts';
import { Report } from '../report.ts';
import { geminiClient } from './client-codec.ts';
import { geminiProvider } from './provider-codec.ts';
import { BLANK, faultField, GEMINI_2, GEMINI_3, USER, write } from './request-fixture.ts';

describe('a request to Gemini', () => {
  test('has leading instructions apart, later ones as user text', () => {
    const { body, told } = write({
      extraOf: 'openai',
      turns: [
        { role: 'system', parts: [{ kind: 'text', text: 'a' }] },
        { role: 'developer', parts: [{ kind: 'text', text: 'b' }] },
        USER,
        { role: 'system', parts: [{ kind: 'text', text: 'c' }] },
      ],
    });
    expect(body).toEqual({
      systemInstruction: { parts: [{ text: 'a' }, { text: 'b' }] },
      contents: [{ role: 'user', parts: [{ text: 'hi' }, { text: 'c' }] }],
    });
    expect(told).toEqual(['approximated messages[3].role']);
  });

  test('of instructions only asks the last one', () => {
    const { body } = write({ extraOf: 'openai', turns: [{ role: 'system', parts: [{ kind: 'text', text: 'a' }] }] });
    expect(body).toEqual({ contents: [{ role: 'user', parts: [{ text: 'a' }] }] });
    expect(faultField(() => write({ extraOf: 'openai', turns: [] }))).toBe('messages');
  });

  const CALL: Part = { kind: 'tool_call', id: 'c1', name: 'f', arguments: '{"a":1}' };
  const OTHER: Part = { kind: 'tool_call', id: 'c2', name: 'g', arguments: 'not json' };
  const IMAGE: Part = { kind: 'image', source: { kind: 'base64', data: 'iVBORw0K' }, mediaType: null };

  test('names results by their calls, and joins the results of parallel calls', () => {
    const { body, told } = write({
      extraOf: 'openai',
      turns: [
        USER,
        { role: 'assistant', parts: [CALL, OTHER] },
        {
          role: 'user',
          parts: [{ kind: 'tool_result', callId: 'c1', isError: false, parts: [{ kind: 'text', text: '[1]' }, IMAGE] }],
        },
        {
          role: 'user',
          parts: [{ kind: 'tool_result', callId: 'c2', isError: true, parts: [{ kind: 'text', text: 'no' }] }],
        },
      ],
    });
    expect(body['contents']).toEqual([
      { role: 'user', parts: [{ text: 'hi' }] },
      {
        role: 'model',
        parts: [
          {
            functionCall: { id: 'c1', name: 'f', args: { a: 1 } },
            thoughtSignature: 'skip_thought_signature_validator',
          },
          { functionCall: { id: 'c2', name: 'g', args: { input: 'not json' } } },
        ],
      },
      {
        role: 'user',
        parts: [
          {
            functionResponse: {
              id: 'c1',
              name: 'f',
              response: { output: '[1]' },
              parts: [{ inlineData: { mimeType: 'image/png', data: 'iVBORw0K' } }],
            },
          },
          { functionResponse: { id: 'c2', name: 'g', response: { error: 'no' } } },
        ],
      },
    ]);
    expect(told).toEqual(['approximated messages[1].content[1].arguments', 'approximated thought_signature']);
  });

  test('puts media of results beside them, and no mark on calls, before Gemini 3', () => {
    const turns: Turn[] = [
      USER,
      { role: 'assistant', parts: [CALL] },
      { role: 'user', parts: [{ kind: 'tool_result', callId: 'c1', isError: false, parts: [IMAGE] }] },
    ];
    expect(write({ turns }, GEMINI_2).body['contents']).toMatchObject([
      {},
      { parts: [{ functionCall: { id: 'c1', name: 'f', args: { a: 1 } } }] },
      { parts: [{ functionResponse: { id: 'c1', name: 'f', response: {} } }, { inlineData: {} }] },
    ]);
    expect(JSON.stringify(write({ turns }, GEMINI_2).body)).not.toContain('skip_thought');
  });

  test('marks the first unsigned call of every step of the turn that goes on, and no other', () => {
    const result = (callId: string): Turn => ({
      role: 'user',
      parts: [{ kind: 'tool_result', callId, isError: false, parts: [] }],
    });
    const signed: Part = { ...CALL, signature: { of: 'gemini', value: 'own' } };
    const { body } = write({
      extraOf: 'anthropic',
      turns: [
        USER,
        { role: 'assistant', parts: [CALL] },
        result('c1'),
        USER,
        { role: 'assistant', parts: [signed] },
        result('c1'),
        { role: 'assistant', parts: [{ ...CALL, signature: { of: 'anthropic', value: 'x' } }, CALL] },
        result('c1'),
      ],
    });
    const signatures = JSON.stringify(body).match(/"thoughtSignature":"[^"]*"/g);
    expect(signatures).toEqual(['"thoughtSignature":"own"', '"thoughtSignature":"skip_thought_signature_validator"']);
  });

  test('drops reasoning of other families, and says so', () => {
    const { body, told } = write({
      extraOf: 'anthropic',
      turns: [
        USER,
        {
          role: 'assistant',
          parts: [
            { kind: 'thinking', text: 'a', signature: { of: 'anthropic', value: 's' } },
            { kind: 'thinking', text: 'b', signature: null },
            { kind: 'thinking', text: 'c', signature: { of: 'gemini', value: 's' } },
          ],
        },
      ],
    });
    expect(body['contents']).toMatchObject([{}, { parts: [{ text: 'c', thought: true, thoughtSignature: 's' }] }]);
    expect(told).toEqual(['dropped messages[1].content[0]', 'dropped messages[1].content[1]']);
  });

  test('is refused where going on would be a lie', () => {
    const file: Part = { kind: 'file', source: { kind: 'id', id: 'file-1', of: 'openai' }, mediaType: null };
    const unknown: Part = { ...IMAGE, source: { kind: 'base64', data: 'AAAA' } };
    const lost: Part = { kind: 'tool_result', callId: 'x', isError: false, parts: [] };
    for (const part of [file, unknown, lost])
      expect(faultField(() => write({ extraOf: 'openai', turns: [{ role: 'user', parts: [part] }] }))).toBe(
        'messages[0].content[0]',
      );
  });

  test('tells everything that it cannot say', () => {
    const { body, told } = write({
      extraOf: 'openai',
      extra: { store: true },
      stop: ['1', '2', '3', '4', '5', '6'],
      logitBias: { '1': 1 },
      user: 'u',
      cacheKey: 'k',
      parallelToolCalls: false,
      tools: [
        { kind: 'function', name: 'f', description: null, parameters: null, strict: true },
        { kind: 'custom', name: 'c', description: null },
        { kind: 'opaque', of: 'openai', label: 'web_search', value: {} },
      ],
    });
    expect(body).toMatchObject({ generationConfig: { stopSequences: ['1', '2', '3', '4', '5'] } });
    expect(told.sort()).toEqual([
      'approximated tools[1]',
      'dropped logit_bias',
      'dropped parallel_tool_calls',
      'dropped stop',
      'dropped store',
      'dropped tools[0].strict',
      'dropped tools[2]',
      'dropped user',
    ]);
  });

  test.each([
    [GEMINI_3, { effort: 'xhigh' }, { thinkingLevel: 'HIGH' }],
    [GEMINI_3, { effort: 'medium' }, { thinkingLevel: 'MEDIUM' }],
    [GEMINI_3, { budgetTokens: 2000, show: true }, { includeThoughts: true, thinkingLevel: 'MEDIUM' }],
    [GEMINI_3, { enabled: false }, { thinkingLevel: 'LOW' }],
    [GEMINI_2, { effort: 'high' }, { thinkingBudget: 24_576 }],
    [GEMINI_2, { budgetTokens: 2000 }, { thinkingBudget: 2000 }],
    [GEMINI_2, { enabled: false }, { thinkingBudget: 0 }],
    [GEMINI_2, { effort: 'none' }, { thinkingBudget: 0 }],
    [GEMINI_2, {}, { thinkingBudget: -1 }],
  ])('asks for reasoning as the model takes it: %#', (target, asked, expected) => {
    const reasoning = { enabled: true, effort: null, budgetTokens: null, show: null, ...asked };
    expect(write({ reasoning }, target).body['generationConfig']).toEqual({ thinkingConfig: expected });
  });

  test('says no word of reasoning to a model that does not reason', () => {
    const target = { name: 'gemma', traits: { ...UNKNOWN_TRAITS, reasoning: false } };
    const reasoning = { enabled: true, effort: 'high', budgetTokens: null, show: null };
    expect(write({ reasoning }, target)).toMatchObject({ told: ['dropped reasoning'] });
    expect(write({ reasoning }, target).body).not.toHaveProperty('generationConfig');
  });

  const SCHEMA = {
    type: 'object',
    properties: { a: { type: ['string', 'null'], pattern: '^x' }, b: { $ref: '#/$defs/B' }, pattern: { const: 1 } },
    $defs: { B: { anyOf: [{ type: 'integer', exclusiveMinimum: 0 }, { type: 'null' }] } },
    additionalProperties: false,
  };
  const FORMAT = { kind: 'json_schema', name: 'r', description: null, schema: SCHEMA, strict: true } as const;

  test('gives a JSON schema as it is, and tells what is ignored of it', () => {
    const { body, told } = write({ format: FORMAT });
    expect(body['generationConfig']).toEqual({ responseMimeType: 'application/json', responseJsonSchema: SCHEMA });
    expect(told).toEqual(['approximated response_format.json_schema.schema']);
  });

  test('gives it in Google’s older subset to a model that is known to keep to no schema', () => {
    const target = { ...GEMINI_2, traits: { ...UNKNOWN_TRAITS, structuredOutput: false } };
    expect(write({ format: FORMAT }, target).body['generationConfig']).toEqual({
      responseMimeType: 'application/json',
      responseSchema: {
        type: 'OBJECT',
        properties: {
          a: { type: 'STRING', nullable: true, pattern: '^x' },
          b: { anyOf: [{ type: 'INTEGER' }], nullable: true },
          pattern: { enum: ['1'] },
        },
      },
    });
    const loop = { type: 'object', properties: { next: { $ref: '#' }, self: { $ref: '#/properties/self' } } };
    expect(write({ format: { ...FORMAT, schema: loop } }, target).told).toEqual([
      'approximated response_format.json_schema.schema',
    ]);
  });

  test('leaves out a choice of tools where there is no function', () => {
    expect(write({ toolChoice: { kind: 'required' } })).toMatchObject({ told: ['dropped tool_choice'] });
    expect(write({ toolChoice: { kind: 'auto' } }).body).not.toHaveProperty('toolConfig');
  });

  test('for a count of tokens is whole where it has more than contents', () => {
    const count = geminiProvider.tokenCount;
    expect(count?.write(BLANK, GEMINI_3, new Report())).toEqual({
      contents: [{ role: 'user', parts: [{ text: 'hi' }] }],
    });
    const tools = [{ kind: 'function', name: 'f', description: null, parameters: null, strict: null } as const];
    expect(count?.write({ ...BLANK, tools }, GEMINI_3, new Report())).toMatchObject({
      generateContentRequest: { model: 'models/gemini-3-pro', tools: [{}] },
    });
    expect(count?.read({ totalTokens: 7 })).toBe(7);
    expect(() => count?.read({})).toThrow('totalTokens');
    expect(geminiClient.writeTokenCount?.(7)).toEqual({ totalTokens: 7 });
  });
});
