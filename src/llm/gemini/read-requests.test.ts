import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RequestFault } from '../faults.ts';
import { faultField, read, write } from './request-fixture.ts';
import { sealThoughtSignature } from './thought-signature.ts';

describe('a request of a Gemini client', () => {
  test('is read in both spellings of its members', () => {
    const camel = {
      systemInstruction: { parts: [{ text: 'short' }] },
      contents: [{ role: 'user', parts: [{ inlineData: { mimeType: 'image/png', data: 'AAAA' } }] }],
      generationConfig: {
        maxOutputTokens: 5,
        stopSequences: ['x'],
        thinkingConfig: { thinkingBudget: 0 },
        responseMimeType: 'application/json',
      },
      toolConfig: { functionCallingConfig: { mode: 'ANY', allowedFunctionNames: ['f'] } },
      tools: [{ functionDeclarations: [{ name: 'f', parametersJsonSchema: { type: 'object' } }] }],
    };
    const snake = {
      system_instruction: { parts: { text: 'short' } },
      contents: { role: 'user', parts: { inline_data: { mime_type: 'image/png', data: 'AAAA' } } },
      generation_config: {
        max_output_tokens: 5,
        stop_sequences: ['x'],
        thinking_config: { thinking_budget: 0 },
        response_mime_type: 'application/json',
      },
      tool_config: { function_calling_config: { mode: 'ANY', allowed_function_names: ['f'] } },
      tools: { function_declarations: { name: 'f', parameters_json_schema: { type: 'object' } } },
      cached_content: null,
    };
    expect(read(snake)).toEqual(read(camel));
    expect(read(camel)).toMatchObject({
      model: 'google/gemini-9',
      outputTokensMax: 5,
      reasoning: { enabled: false },
      toolChoice: { kind: 'named', name: 'f' },
      turns: [{ role: 'system' }, { role: 'user', parts: [{ kind: 'image' }] }],
    });
  });

  test('gives schemas in Google’s subset of OpenAPI as JSON Schema', () => {
    const parameters = {
      type: 'OBJECT',
      properties: {
        any_of: { type: 'STRING', nullable: true, enum: ['a'] },
        n: { type: 'ARRAY', minItems: '1', items: { type: 'INTEGER' } },
      },
      required: ['n'],
    };
    const { tools } = read({
      contents: [{ parts: [{ text: 'x' }] }],
      tools: [{ functionDeclarations: [{ name: 'f', parameters }] }],
    });
    expect(tools[0]).toMatchObject({
      parameters: {
        type: 'object',
        properties: {
          any_of: { type: ['string', 'null'], enum: ['a', null] },
          n: { type: 'array', minItems: 1, items: { type: 'integer' } },
        },
        required: ['n'],
      },
    });
  });

  test('keeps what no field stands for, by its path, and gives it back to Google only', () => {
    const body = {
      contents: [{ role: 'user', parts: [{ text: 'x', partMetadata: { a: 1 } }] }],
      safetySettings: [{ category: 'HARM', threshold: 'OFF' }],
      cachedContent: 'cachedContents/1',
      generationConfig: { responseModalities: ['TEXT'], thinkingConfig: { newMember: 1 } },
      toolConfig: { retrievalConfig: { languageCode: 'de' }, functionCallingConfig: { mode: 'VALIDATED' } },
      tools: [{ functionDeclarations: [{ name: 'f', behavior: 'BLOCKING' }], googleSearch: {} }],
    };
    const request = read(body);
    expect(Object.keys(request.extra).sort()).toEqual([
      'cachedContent',
      'generationConfig.responseModalities',
      'generationConfig.thinkingConfig.newMember',
      'safetySettings',
      'toolConfig.functionCallingConfig.mode',
      'toolConfig.retrievalConfig',
    ]);
    expect(write(request).body).toEqual({
      ...body,
      tools: [{ functionDeclarations: [{ name: 'f', behavior: 'BLOCKING' }] }, { googleSearch: {} }],
    });
    const elsewhere = write({ ...request, extraOf: 'openai' });
    expect(elsewhere.body).not.toHaveProperty('safetySettings');
    expect(elsewhere.told).toContain('dropped generationConfig.responseModalities');
  });

  test('may count tokens of a whole request', () => {
    const request = read({ generateContentRequest: { model: 'models/x', contents: [{ parts: [{ text: 'x' }] }] } });
    expect(request.turns).toHaveLength(1);
    expect(faultField(() => read({ generateContentRequest: {} }))).toBe('generateContentRequest.contents');
  });

  test('brings results before the rest of its content', () => {
    const result = { functionResponse: { name: 'f', response: { output: 'ok' } } };
    const { turns } = read({ contents: [{ role: 'user', parts: [{ text: 'and' }, result] }] });
    expect(turns[0]?.parts.map(({ kind }) => kind)).toEqual(['tool_result', 'text']);
  });

  test('opens signatures of other families, redacted ones included', () => {
    const sealed = sealThoughtSignature({ of: 'anthropic', value: 'sig' });
    const redacted = sealThoughtSignature({ of: 'anthropic', value: 'data' }, true);
    expect(sealed).toMatch(/^[A-Za-z0-9+/]+=*$/);
    const parts = [
      { text: 'a', thought: true, thoughtSignature: sealed },
      { text: '', thought: true, thoughtSignature: redacted.replaceAll('+', '-').replaceAll('/', '_') },
      { functionCall: { name: 'f' }, thoughtSignature: 'bmF0aXZl' },
    ];
    expect(read({ contents: [{ role: 'model', parts }] }).turns[0]?.parts).toEqual([
      { kind: 'thinking', text: 'a', signature: { of: 'anthropic', value: 'sig' } },
      { kind: 'thinking', text: '', signature: { of: 'anthropic', value: 'data' }, redacted: true },
      { kind: 'tool_call', id: '', name: 'f', arguments: '{}', signature: { of: 'gemini', value: 'bmF0aXZl' } },
    ]);
  });

  test.each([
    [{}, 'contents'],
    [{ contents: 'x' }, 'contents'],
    [{ contents: [1] }, 'contents[0]'],
    [{ contents: [{ role: 'system', parts: [{ text: 'x' }] }] }, 'contents[0].role'],
    [{ contents: [{ parts: [{ text: 1 }] }] }, 'contents[0].parts[0].text'],
    [{ contents: [{ parts: [{}] }] }, 'contents[0].parts[0]'],
    [{ contents: [{ parts: [{ functionCall: {} }] }] }, 'contents[0].parts[0].functionCall.name'],
    [{ contents: [{ parts: [{ inlineData: { data: 'x' } }] }] }, 'contents[0].parts[0].inlineData.mimeType'],
    [{ contents: [{ parts: [{ text: 'x' }] }], generationConfig: { topK: 'x' } }, 'generationConfig.topK'],
    [
      { contents: [{ parts: [{ text: 'x' }] }], toolConfig: { functionCallingConfig: { mode: 'X' } } },
      'toolConfig.functionCallingConfig.mode',
    ],
    [
      { contents: [{ parts: [{ text: 'x' }] }], tools: [{ functionDeclarations: [{}] }] },
      'tools[0].functionDeclarations[0].name',
    ],
  ])('is refused with the field that is wrong: %j', (body, field) => {
    expect(faultField(() => read(body))).toBe(field);
  });

  test('whatever it holds throws nothing but faults', () => {
    const names = ['contents', 'parts', 'text', 'functionCall', 'functionResponse', 'tools', 'functionDeclarations'];
    const more = ['parameters', 'properties', 'items', 'generationConfig', 'thinkingConfig', 'inlineData', '__proto__'];
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof(
        { depthSize: 'medium' },
        fc.jsonValue(),
        fc.array(tie('tree'), { maxLength: 3 }),
        fc.dictionary(fc.constantFrom(...names, ...more), tie('tree'), { maxKeys: 4 }),
      ),
    }));
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...names, ...more), tree, { maxKeys: 6 }), (body) => {
        try {
          write(read(body));
        } catch (error) {
          expect(error).toBeInstanceOf(RequestFault);
        }
      }),
      { numRuns: 1000 },
    );
  });
});
