import { expect, test } from 'vitest';
import * as fc from 'fast-check';
import { packCallId } from '../call-ids.ts';
import type { ChatRequest } from '../canonical.ts';
import { RequestFault } from '../faults.ts';
import type { JsonRecord } from '../record.ts';
import { isRecord } from '../record.ts';
import { sealSignature } from '../signature.ts';
import { anthropicClient } from './client-codec.ts';

const FACTS = { model: null, stream: false };

function read(body: JsonRecord): ChatRequest {
  return anthropicClient.readChat({ model: 'claude', max_tokens: 10, messages: [], ...body }, FACTS);
}

function faultOf(body: JsonRecord): string {
  try {
    read(body);
  } catch (error) {
    if (error instanceof RequestFault) return error.field;
    throw error;
  }
  return 'no fault';
}

test('instructions, messages and their blocks become turns and parts', () => {
  const { turns } = read({
    system: [{ type: 'text', text: 'Be brief.', cache_control: { type: 'ephemeral', ttl: '1h' } }],
    messages: [
      { role: 'user', content: 'Hi' },
      {
        role: 'user',
        content: [
          { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'iVBO' } },
          { type: 'document', title: 'a.pdf', source: { type: 'url', url: 'https://example.com/a.pdf' } },
          { type: 'document', source: { type: 'file', file_id: 'file_1' }, citations: { enabled: true } },
          { type: 'search_result', source: 's', title: 't', content: [] },
        ],
      },
    ],
  });
  expect(turns).toEqual([
    { role: 'system', parts: [{ kind: 'text', text: 'Be brief.', cache: { ttl: '1h' } }] },
    { role: 'user', parts: [{ kind: 'text', text: 'Hi' }] },
    {
      role: 'user',
      parts: [
        { kind: 'image', source: { kind: 'base64', data: 'iVBO' }, mediaType: 'image/png' },
        {
          kind: 'file',
          source: { kind: 'url', url: 'https://example.com/a.pdf' },
          mediaType: null,
          filename: 'a.pdf',
        },
        {
          kind: 'file',
          source: { kind: 'id', id: 'file_1', of: 'anthropic' },
          mediaType: null,
          extra: { citations: { enabled: true } },
        },
        {
          kind: 'opaque',
          of: 'anthropic',
          value: { type: 'search_result', source: 's', title: 't', content: [] },
        },
      ],
    },
  ]);
});

test('a call and its result keep to each other, whatever signature travels in the id', () => {
  const signature = { of: 'gemini', value: 'sig' } as const;
  const packed = packCallId('call_1', signature);
  const { turns } = read({
    messages: [
      { role: 'assistant', content: [{ type: 'tool_use', id: packed, name: 'f', input: { a: 1 } }] },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'and?' },
          { type: 'tool_result', tool_use_id: packed, content: 'no', is_error: true },
        ],
      },
    ],
  });
  expect(turns).toEqual([
    { role: 'assistant', parts: [{ kind: 'tool_call', id: 'call_1', name: 'f', arguments: '{"a":1}', signature }] },
    {
      role: 'user',
      parts: [
        { kind: 'tool_result', callId: 'call_1', parts: [{ kind: 'text', text: 'no' }], isError: true },
        { kind: 'text', text: 'and?' },
      ],
    },
  ]);
});

test('reasoning keeps its signature, also one of another family', () => {
  const foreign = { of: 'openai-responses', value: 'enc' } as const;
  const { turns } = read({
    messages: [
      {
        role: 'assistant',
        content: [
          { type: 'thinking', thinking: 'hm', signature: 'own' },
          { type: 'thinking', thinking: '', signature: sealSignature(foreign, 'anthropic') },
          { type: 'thinking', thinking: 'unsigned', signature: '' },
          { type: 'redacted_thinking', data: 'dark' },
        ],
      },
    ],
  });
  expect(turns[0]?.parts).toEqual([
    { kind: 'thinking', text: 'hm', signature: { of: 'anthropic', value: 'own' } },
    { kind: 'thinking', text: '', signature: foreign },
    { kind: 'thinking', text: 'unsigned', signature: null },
    { kind: 'thinking', text: '', signature: { of: 'anthropic', value: 'dark' }, redacted: true },
  ]);
});

test('tools of the client and of Anthropic are told apart', () => {
  const request = read({
    tools: [
      { name: 'f', input_schema: { type: 'object' }, defer_loading: true },
      { type: 'web_search_20250305', name: 'web_search', max_uses: 2 },
    ],
    tool_choice: { type: 'any', disable_parallel_tool_use: true },
  });
  expect(request.tools).toEqual([
    {
      kind: 'function',
      name: 'f',
      description: null,
      parameters: { type: 'object' },
      strict: null,
      extra: { defer_loading: true },
    },
    {
      kind: 'opaque',
      of: 'anthropic',
      label: 'web_search',
      value: { type: 'web_search_20250305', name: 'web_search', max_uses: 2 },
    },
  ]);
  expect(request).toMatchObject({ toolChoice: { kind: 'required' }, parallelToolCalls: false });
});

test.each([
  [
    { thinking: { type: 'enabled', budget_tokens: 2000 } },
    { enabled: true, effort: null, budgetTokens: 2000, show: null },
  ],
  [
    { thinking: { type: 'adaptive', display: 'omitted' }, output_config: { effort: 'low' } },
    { enabled: true, effort: 'low', budgetTokens: null, show: false },
  ],
  [{ thinking: { type: 'disabled' } }, { enabled: false, effort: null, budgetTokens: null, show: null }],
  [{ output_config: { effort: 'max' } }, { enabled: true, effort: 'max', budgetTokens: null, show: null }],
  [{ thinking: null }, null],
])('%j asks for the reasoning %j', (body, reasoning) => {
  expect(read(body).reasoning).toEqual(reasoning);
});

test('members that no field stands for are kept for Anthropic, and null counts as absent', () => {
  const request = read({
    service_tier: 'auto',
    container: null,
    metadata: { user_id: 'u', more: 1 },
    output_config: { format: { type: 'json_schema', schema: { type: 'object' } }, task: 2 },
    thinking: { type: 'between_tools' },
  });
  expect(request.extra).toEqual({
    service_tier: 'auto',
    metadata: { more: 1 },
    output_config: { task: 2 },
    thinking: { type: 'between_tools' },
  });
  expect(request).toMatchObject({ user: 'u', reasoning: null, format: { kind: 'json_schema', strict: true } });
});

test.each([
  [{ messages: 'Hi' }, 'messages'],
  [{ messages: [1] }, 'messages[0]'],
  [{ messages: [{ role: 'tool', content: '' }] }, 'messages[0].role'],
  [{ messages: [{ role: 'user' }] }, 'messages[0].content'],
  [{ messages: [{ role: 'user', content: [{ type: 'text' }] }] }, 'messages[0].content[0].text'],
  [
    { messages: [{ role: 'user', content: [{ type: 'image', source: { type: 'url' } }] }] },
    'messages[0].content[0].source.url',
  ],
  [
    { messages: [{ role: 'user', content: [{ type: 'tool_result', tool_use_id: 'a', content: [{}] }] }] },
    'messages[0].content[0].content[0].type',
  ],
  [
    { messages: [{ role: 'assistant', content: [{ type: 'tool_use', id: 'a', name: 'f', input: 'x' }] }] },
    'messages[0].content[0].input',
  ],
  [{ max_tokens: -1 }, 'max_tokens'],
  [{ temperature: '1' }, 'temperature'],
  [{ stop_sequences: ['a', 1] }, 'stop_sequences[1]'],
  [{ tools: [{}] }, 'tools[0].name'],
  [{ tool_choice: { type: 'tool' } }, 'tool_choice.name'],
  [{ model: null }, 'model'],
  [{ thinking: { type: 'enabled', budget_tokens: 'many' } }, 'thinking.budget_tokens'],
])('%j is refused at %s', (body, field) => {
  expect(faultOf(body)).toBe(field);
});

test('no JSON does anything else than be read or be refused with a field', () => {
  const members = [
    'role',
    'content',
    'type',
    'text',
    'source',
    'input',
    'tools',
    'tool_choice',
    'thinking',
    'messages',
  ];
  const json = fc.letrec((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      fc.constantFrom('user', 'text', 'image', 'tool_use', 'tool_result', 'enabled', '', null, 1, true),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom(...members, '__proto__'), tie('value'), { maxKeys: 4 }),
    ),
  })).value;
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom(...members, 'system', 'model'), json), (body) => {
      expect(isRecord(body)).toBe(true);
      expect(typeof faultOf(body)).toBe('string');
    }),
    { numRuns: 300 },
  );
});
