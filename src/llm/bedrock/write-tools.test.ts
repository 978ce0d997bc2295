import { describe, expect, test } from 'vitest';
import { written } from '../../../test/chat-requests.ts';
import type { Written } from '../../../test/chat-requests.ts';
import type { ChatRequest, FunctionTool, Part, Turn } from '../canonical.ts';
import type { ModelTraits } from '../model-traits.ts';
import type { JsonRecord } from '../record.ts';
import { bedrockProvider } from './provider-codec.ts';

const CLAUDE = 'us.anthropic.claude-sonnet-4-5-20250929-v1:0';
const LOOK: FunctionTool = {
  kind: 'function',
  name: 'look',
  description: 'Looks.',
  parameters: { type: 'object', properties: { at: { type: 'string' } }, additionalProperties: false },
  strict: null,
};
const SCHEMA = { type: 'object', properties: { a: { type: 'number' } } };
const JSON_FORMAT = { kind: 'json_schema', name: 'out', description: null, schema: SCHEMA, strict: true } as const;

function write(request: Partial<ChatRequest>, traits: Partial<ModelTraits> = {}, name: string = CLAUDE): Written {
  return written(bedrockProvider, name, request, traits);
}

function user(...parts: Part[]): Turn {
  return { role: 'user', parts };
}

function text(content: string): Part {
  return { kind: 'text', text: content };
}

const CALL: Turn = {
  role: 'assistant',
  parts: [{ kind: 'tool_call', id: 'call_1', name: 'look', arguments: '{"at":"Rome"}' }],
};
const RESULT: Part = { kind: 'tool_result', callId: 'call_1', parts: [text('Sun')], isError: false };

describe('tools', () => {
  const TURNS = [user(text('Where?')), CALL, user(RESULT)];

  test('are declared with their schema, description and cache point', () => {
    const { body } = write({
      tools: [
        { ...LOOK, cache: { ttl: '5m' } },
        { ...LOOK, name: 'b', description: '', parameters: null },
      ],
    });
    expect(body['toolConfig']).toEqual({
      tools: [
        { toolSpec: { name: 'look', description: 'Looks.', inputSchema: { json: LOOK.parameters } } },
        { cachePoint: { type: 'default' } },
        { toolSpec: { name: 'b', inputSchema: { json: { type: 'object', properties: {} } } } },
      ],
    });
  });

  test('of the history are declared where the request has none', () => {
    const { body } = write({ turns: TURNS });
    expect(body['toolConfig']).toEqual({
      tools: [{ toolSpec: { name: 'look', inputSchema: { json: { type: 'object', properties: {} } } } }],
    });
  });

  test.each([
    [{ kind: 'auto' }, undefined],
    [{ kind: 'required' }, { any: {} }],
    [{ kind: 'named', name: 'look' }, { tool: { name: 'look' } }],
    [{ kind: 'allowed', names: ['look'], required: true }, { any: {} }],
    [{ kind: 'allowed', names: ['look'], required: false }, undefined],
  ] as const)('are chosen from: %j', (toolChoice, expected) => {
    const { body } = write({ tools: [LOOK, { ...LOOK, name: 'other' }], toolChoice });
    expect((body['toolConfig'] as JsonRecord)['toolChoice']).toEqual(expected);
    const tools = JSON.stringify(body['toolConfig']);
    expect(tools.includes('other')).toBe(toolChoice.kind !== 'allowed');
  });

  test('are left out where none may be called, but kept for a history of calls', () => {
    expect(write({ tools: [LOOK], toolChoice: { kind: 'none' } })).toEqual({
      body: { messages: [{ role: 'user', content: [{ text: 'Hello' }] }] },
      warnings: [],
    });
    const { body, warnings } = write({ turns: TURNS, tools: [LOOK], toolChoice: { kind: 'none' } });
    expect(Object.keys(body['toolConfig'] as JsonRecord)).toEqual(['tools']);
    expect(warnings).toEqual(['dropped tool_choice']);
  });

  test('with free text take an object; those of others are reported', () => {
    const { body, warnings } = write({
      tools: [
        { kind: 'custom', name: 'patch', description: null },
        { kind: 'opaque', of: 'openai', label: 'web_search', value: {} },
      ],
    });
    expect(body['toolConfig']).toMatchObject({
      tools: [{ toolSpec: { name: 'patch', inputSchema: { json: { required: ['input'] } } } }],
    });
    expect(warnings).toEqual(['approximated tools[0]', 'dropped tools[1]']);
  });

  test('are strict only where the model is known to keep to schemas', () => {
    const tools = [{ ...LOOK, strict: true }];
    expect(write({ tools }).warnings).toEqual(['dropped tools[0].strict']);
    const open = [{ ...LOOK, strict: true, parameters: SCHEMA }];
    expect(write({ tools: open }, { structuredOutput: true }).warnings).toEqual(['dropped tools[0].strict']);
    expect(JSON.stringify(write({ tools }, { structuredOutput: true }).body)).toContain('"strict":true');
  });
});

describe('a wanted schema', () => {
  test('is the input of a tool that the model must call', () => {
    expect(write({ format: JSON_FORMAT }).body['toolConfig']).toEqual({
      tools: [
        {
          toolSpec: {
            name: 'keyward_json',
            description: 'Give the final answer in this form.',
            inputSchema: { json: SCHEMA },
          },
        },
      ],
      toolChoice: { tool: { name: 'keyward_json' } },
    });
  });

  test('leaves the model free to call another tool first, where the caller does', () => {
    const choiceOf = (toolChoice: ChatRequest['toolChoice']): unknown =>
      (write({ tools: [LOOK], format: JSON_FORMAT, toolChoice }).body['toolConfig'] as JsonRecord)['toolChoice'];
    expect(choiceOf(null)).toEqual({ any: {} });
    expect(choiceOf({ kind: 'none' })).toEqual({ tool: { name: 'keyward_json' } });
    expect(choiceOf({ kind: 'named', name: 'look' })).toEqual({ tool: { name: 'look' } });
  });

  test('is told to a model that keeps to schemas, with its objects closed', () => {
    const { body } = write({ format: JSON_FORMAT }, { structuredOutput: true });
    expect(body).not.toHaveProperty('toolConfig');
    expect(body['outputConfig']).toEqual({
      textFormat: {
        type: 'json_schema',
        structure: { jsonSchema: { name: 'out', schema: JSON.stringify({ ...SCHEMA, additionalProperties: false }) } },
      },
    });
  });

  test('that is of no object cannot be a tool’s input: words ask for it, as for JSON without a schema', () => {
    const list = write({ format: { ...JSON_FORMAT, schema: { type: 'array' } } });
    expect(JSON.stringify(list.body['system'])).toContain('array');
    expect(list.warnings).toEqual(['approximated response_format']);
    const any = write({ format: { kind: 'json' } });
    expect(JSON.stringify(any.body['system'])).toContain('JSON object');
    expect(any.warnings).toEqual(['approximated response_format']);
  });
});
