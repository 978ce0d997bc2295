import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ChatRequest, Part } from '../canonical.ts';
import { RequestFault } from '../faults.ts';
import { UNKNOWN_TRAITS } from '../model-traits.ts';
import type { JsonRecord } from '../record.ts';
import { Report } from '../report.ts';
import { answeredParts, CONTEXT, EMPTY_REQUEST, requests, TARGET } from './arbitraries.ts';
import { responsesClient } from './client-codec.ts';
import { mayHoldForeignMarks } from '../foreign-marks.ts';
import { responsesProvider } from './provider-codec.ts';
import { refuseStateful } from './refuse-stateful.ts';

const FACTS = { model: null, stream: false };
const FOREIGN: ChatRequest = { ...EMPTY_REQUEST, extraOf: 'anthropic' };

describe('a request that is read', () => {
  test('is the same after being written', () => {
    fc.assert(
      fc.property(requests, (request) => {
        const report = new Report();
        const body = responsesProvider.writeChat(request, TARGET, report);
        expect(responsesClient.readChat(JSON.parse(JSON.stringify(body)) as JsonRecord, FACTS)).toEqual(request);
        expect(report.warnings).toEqual([]);
      }),
    );
  });

  test('takes a string for what the user says, and instructions for a first system turn', () => {
    const { turns } = read({ instructions: 'Be brief.', input: 'Hello' });
    expect(turns).toEqual([
      { role: 'system', parts: [{ kind: 'text', text: 'Be brief.' }] },
      { role: 'user', parts: [{ kind: 'text', text: 'Hello' }] },
    ]);
  });

  test('gathers what the model said, then what the tools gave', () => {
    const { turns } = read({
      input: [
        { role: 'user', content: 'Weather?' },
        { type: 'reasoning', id: 'rs_1', summary: [{ type: 'summary_text', text: 'Hm.' }], encrypted_content: 'x' },
        {
          type: 'message',
          id: 'msg_1',
          role: 'assistant',
          phase: 'commentary',
          status: 'completed',
          content: [{ type: 'output_text', text: 'Looking.', annotations: [] }],
        },
        { type: 'function_call', id: 'fc_1', call_id: 'call_1', name: 'f', arguments: '' },
        { type: 'function_call', call_id: 'call_2', name: 'g', arguments: '{"a":1}' },
        { type: 'function_call_output', call_id: 'call_1', output: 'sunny' },
        { type: 'function_call_output', call_id: 'call_2', output: [{ type: 'input_text', text: 'warm' }] },
        { role: 'user', content: [{ type: 'input_text', text: 'Thanks' }] },
      ],
    });
    expect(turns.map(({ role }) => role)).toEqual(['user', 'assistant', 'user', 'user']);
    expect(turns[1]?.parts).toEqual([
      { kind: 'thinking', text: 'Hm.', signature: { of: 'openai-responses', value: 'x' }, extra: { id: 'rs_1' } },
      { kind: 'text', text: 'Looking.', extra: { message: { id: 'msg_1', phase: 'commentary' } } },
      { kind: 'tool_call', id: 'call_1', name: 'f', arguments: '{}', extra: { id: 'fc_1' } },
      { kind: 'tool_call', id: 'call_2', name: 'g', arguments: '{"a":1}' },
    ]);
    expect(turns[2]?.parts).toMatchObject([
      { kind: 'tool_result', callId: 'call_1', parts: [{ text: 'sunny' }] },
      { kind: 'tool_result', callId: 'call_2', parts: [{ text: 'warm' }] },
    ]);
  });

  test('keeps items of hosted tools and members that it does not know for the same dialect', () => {
    const item = { type: 'web_search_call', id: 'ws_1', status: 'completed', action: { type: 'search' } };
    const body = {
      model: 'm',
      input: [
        item,
        {
          type: 'message',
          id: 'msg_1',
          role: 'assistant',
          content: [{ type: 'output_text', text: 'Found.', annotations: [] }],
        },
      ],
      tools: [{ type: 'web_search' }],
      tool_choice: { type: 'web_search' },
      reasoning: { effort: 'low', context: 'all_turns' },
      some_new_member: { a: 1 },
    };
    const again = responsesProvider.writeChat(
      responsesClient.readChat(body, FACTS),
      { ...TARGET, name: 'm' },
      new Report(),
    );
    expect(again).toMatchObject(body);
  });

  test.each<[string, JsonRecord]>([
    ['model', { input: 'x' }],
    ['input', { model: 'm', input: 5 }],
    ['input[0]', { model: 'm', input: ['x'] }],
    ['input[0].role', { model: 'm', input: [{ role: 'robot', content: 'x' }] }],
    ['input[0].content', { model: 'm', input: [{ role: 'user' }] }],
    [
      'input[0].content[1].text',
      { model: 'm', input: [{ role: 'user', content: [{ type: 'input_text', text: 'a' }, { type: 'input_text' }] }] },
    ],
    ['input[0].content[0].image_url', { model: 'm', input: [{ role: 'user', content: [{ type: 'input_image' }] }] }],
    ['input[0].content[0].type', { model: 'm', input: [{ role: 'user', content: [{ type: 'text', text: 'a' }] }] }],
    ['input[0].call_id', { model: 'm', input: [{ type: 'function_call', name: 'f', arguments: '{}' }] }],
    ['input[0].summary[0].text', { model: 'm', input: [{ type: 'reasoning', summary: [{}] }] }],
    ['tools[0].name', { model: 'm', tools: [{ type: 'function' }] }],
    ['tool_choice', { model: 'm', tool_choice: 'sometimes' }],
    ['text.format.schema', { model: 'm', text: { format: { type: 'json_schema', name: 'n' } } }],
    ['temperature', { model: 'm', temperature: 'hot' }],
    ['reasoning.effort', { model: 'm', reasoning: { effort: 5 } }],
  ])('is refused at %s where that has the wrong form', (field, body) => {
    expect(() => responsesClient.readChat(body, FACTS)).toThrow(RequestFault);
    try {
      responsesClient.readChat(body, FACTS);
    } catch (fault) {
      expect(fault).toMatchObject({ field });
    }
  });

  test('never throws anything but a fault, whatever it holds', () => {
    const part = fc.oneof(
      fc.record(
        {
          type: fc.constantFrom('input_text', 'input_image', 'input_file', 'output_text', 'refusal'),
          text: fc.jsonValue(),
          annotations: fc.jsonValue(),
          image_url: fc.jsonValue(),
        },
        { requiredKeys: ['type'] },
      ),
      fc.jsonValue(),
    );
    const item = fc.oneof(
      fc.record(
        {
          type: fc.constantFrom('message', 'reasoning', 'function_call', 'function_call_output', 'x'),
          role: fc.constantFrom('user', 'assistant'),
          content: fc.oneof(fc.array(part), fc.jsonValue()),
          summary: fc.jsonValue(),
          call_id: fc.jsonValue(),
          output: fc.jsonValue(),
        },
        { requiredKeys: ['type'] },
      ),
      fc.jsonValue(),
    );
    const body = fc.record(
      {
        model: fc.constant('m'),
        input: fc.oneof(fc.array(item), fc.jsonValue()),
        tools: fc.oneof(fc.array(fc.jsonValue()), fc.jsonValue()),
        tool_choice: fc.jsonValue(),
        text: fc.jsonValue(),
        include: fc.jsonValue(),
        reasoning: fc.jsonValue(),
        __proto__: fc.jsonValue(),
      },
      { requiredKeys: ['model'] },
    );
    fc.assert(
      fc.property(body, (value) => {
        try {
          responsesClient.readChat(value, FACTS);
        } catch (fault) {
          expect(fault).toBeInstanceOf(RequestFault);
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('what a client received', () => {
  test('comes back with every signature, and without the ids that we made', () => {
    fc.assert(
      fc.property(answeredParts, (parts) => {
        const answer = {
          id: 'a',
          model: 'm',
          createdS: 1,
          choices: [{ index: 0, parts, finish: { reason: 'stop' as const } }],
          usage: null,
          extra: {},
        };
        const { output } = responsesClient.writeChat(answer, CONTEXT, new Report());
        const { turns } = responsesClient.readChat({ model: 'm', input: output }, FACTS);
        expect(turns.flatMap((turn) => turn.parts)).toEqual(parts);
      }),
    );
  });

  test('comes back with an image that the model made', () => {
    const image: Part = { kind: 'image', source: { kind: 'base64', data: 'aGk=' }, mediaType: 'image/png' };
    const answer = {
      id: '',
      model: 'm',
      createdS: 1,
      choices: [{ index: 0, parts: [image], finish: { reason: 'stop' as const } }],
      usage: null,
      extra: {},
    };
    const { output } = responsesClient.writeChat(answer, CONTEXT, new Report());
    expect(responsesClient.readChat({ model: 'm', input: output }, FACTS).turns[0]?.parts).toEqual([image]);
  });
});

describe('a caller of this dialect who was answered by another', () => {
  test('sends OpenAI neither the reasoning nor the ids of the other', () => {
    const parts: readonly Part[] = [
      { kind: 'thinking', text: 'Hm', signature: { of: 'anthropic', value: 'proof' } },
      { kind: 'thinking', text: 'Oh', signature: null },
      { kind: 'text', text: 'Hi' },
      { kind: 'tool_call', id: 'call_1', name: 'f', arguments: '{}', signature: { of: 'gemini', value: 's' } },
    ];
    const answer = {
      id: '',
      model: 'm',
      createdS: 1,
      choices: [{ index: 0, parts, finish: { reason: 'stop' as const } }],
      usage: null,
      extra: {},
    };
    const { output } = responsesClient.writeChat(answer, CONTEXT, new Report());
    const body = { model: 'm', input: output };
    expect(mayHoldForeignMarks(Buffer.from(JSON.stringify(body)))).toBe(true);
    const { body: again, warnings } = write(read(body));
    expect(again['input']).toEqual([
      { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'Hi', annotations: [] }] },
      { type: 'function_call', call_id: 'call_1', name: 'f', arguments: '{}' },
    ]);
    expect(mayHoldForeignMarks(Buffer.from(JSON.stringify(again)))).toBe(false);
    expect(warnings.map(({ field }) => field)).toEqual(['input[0].content[0]', 'input[0].content[1]']);
  });
});

describe('a request of another dialect', () => {
  test('is not stored, and asks for encrypted reasoning where the model reasons', () => {
    const reasoning = { ...TARGET, traits: { ...UNKNOWN_TRAITS, reasoning: true } };
    expect(write(FOREIGN, reasoning).body).toMatchObject({ store: false, include: ['reasoning.encrypted_content'] });
    expect(write(FOREIGN).body).toMatchObject({ store: false });
    // A model that does not reason refuses to be asked.
    expect(write(FOREIGN).body).not.toHaveProperty('include');
  });

  test('never makes a schema strict that the caller did not', () => {
    const tool = { kind: 'function' as const, name: 'f', description: null, parameters: null, strict: null };
    expect(write({ ...FOREIGN, tools: [tool] }).body['tools']).toEqual([
      { type: 'function', name: 'f', parameters: { type: 'object', properties: {} }, strict: false },
    ]);
  });

  test('is told not to reason where the model is known to, or the caller to know', () => {
    const reasoning = { enabled: false, effort: null, budgetTokens: null, show: null };
    expect(write({ ...FOREIGN, reasoning }).body).not.toHaveProperty('reasoning');
    const reasons = { ...TARGET, traits: { ...TARGET.traits, reasoning: true } };
    expect(write({ ...FOREIGN, reasoning }, reasons).body).toMatchObject({ reasoning: { effort: 'none' } });
    expect(write({ ...FOREIGN, extraOf: 'openai', reasoning }).body).toMatchObject({ reasoning: { effort: 'none' } });
  });

  test('is strict only about schemas that OpenAI takes for strict', () => {
    const open = { type: 'object', properties: { a: {} } };
    const tool = { kind: 'function' as const, name: 'f', description: null, parameters: open, strict: true };
    const format = { kind: 'json_schema' as const, name: 'an answer', description: null, schema: open, strict: true };
    const { body, warnings } = write({ ...FOREIGN, tools: [tool], format });
    expect(body).toMatchObject({ tools: [{ strict: false }], text: { format: { name: 'an_answer', strict: false } } });
    expect(warnings.map(({ field }) => field)).toEqual(['response_format.json_schema.strict', 'tools[0].strict']);
  });

  test('asks in words for what OpenAI has no setting for, or wants said besides', () => {
    const said = (request: Partial<ChatRequest>) => write({ ...FOREIGN, ...request }).body;
    const asks = { role: 'developer', content: [{ text: expect.stringContaining('JSON') as unknown }] };
    const turns = [{ role: 'user' as const, parts: [{ kind: 'text' as const, text: 'Hi' }] }];
    expect(said({ turns, format: { kind: 'json' } })).toMatchObject({ input: [asks, { role: 'user' }] });
    const format = {
      kind: 'json_schema',
      name: '',
      description: null,
      schema: { type: 'array' },
      strict: null,
    } as const;
    const list = said({ turns, format });
    expect(list).toMatchObject({ input: [asks, { role: 'user' }] });
    expect(list).not.toHaveProperty('text');
  });

  test('answers a call with free text as such, also where the caller’s dialect does not say it', () => {
    const call = { kind: 'tool_call', id: 'call_1', name: 'f', arguments: 'x', custom: true } as const;
    const result = { kind: 'tool_result', callId: 'call_1', parts: [], isError: false } as const;
    const turns = [
      { role: 'assistant' as const, parts: [call] },
      { role: 'user' as const, parts: [result] },
    ];
    expect(write({ ...FOREIGN, extraOf: 'openai', turns }).body['input']).toMatchObject([
      { type: 'custom_tool_call' },
      { type: 'custom_tool_call_output' },
    ]);
  });

  test('gets the least number of tokens that OpenAI takes, with a word about it', () => {
    const { body, warnings } = write({ ...FOREIGN, outputTokensMax: 5 });
    expect(body['max_output_tokens']).toBe(16);
    expect(warnings).toMatchObject([{ kind: 'approximated', field: 'max_output_tokens' }]);
  });

  test('loses nothing without a word', () => {
    const { warnings } = write({
      ...FOREIGN,
      topK: 5,
      stop: ['END'],
      seed: 1,
      choices: 2,
      presencePenalty: 1,
      frequencyPenalty: 1,
      logitBias: { 50256: -100 },
      reasoning: { enabled: true, effort: null, budgetTokens: 8000, show: true },
      extra: { container: 'x' },
      tools: [{ kind: 'opaque', of: 'anthropic', label: 'bash', value: { type: 'bash_20250124' } }],
      turns: [
        {
          role: 'user',
          name: 'Ann',
          parts: [{ kind: 'text', text: 'Hi', cache: { ttl: '5m' }, extra: { citations: {} } }],
        },
        {
          role: 'assistant',
          parts: [
            { kind: 'thinking', text: 'Hm', signature: { of: 'anthropic', value: 'x' } },
            { kind: 'opaque', of: 'anthropic', value: { type: 'server_tool_use' } },
          ],
        },
        { role: 'user', parts: [{ kind: 'tool_result', callId: 'c', parts: [], isError: true }] },
      ],
    });
    expect(warnings.map(({ field }) => field).sort()).toEqual(
      [
        'top_k',
        'stop',
        'seed',
        'n',
        'presence_penalty',
        'frequency_penalty',
        'logit_bias',
        'reasoning.budget',
        'container',
        'tools[0]',
        'messages[0].name',
        'messages[0].content[0].citations',
        'cache_control',
        'messages[1].content[0]',
        'messages[1].content[1]',
        'messages[2].content[0].is_error',
      ].sort(),
    );
  });

  test('loses nothing by penalties of 0, which is no penalty', () => {
    expect(write({ ...FOREIGN, presencePenalty: 0, frequencyPenalty: 0 }).warnings).toEqual([]);
  });

  test('sends ids of calls that OpenAI takes, the same in call and result', () => {
    const id = 'x'.repeat(70);
    const { body } = write({
      ...FOREIGN,
      turns: [
        {
          role: 'assistant',
          parts: [{ kind: 'tool_call', id, name: 'f', arguments: '{}', signature: { of: 'gemini', value: 's' } }],
        },
        { role: 'user', parts: [{ kind: 'tool_result', callId: id, parts: [], isError: false }] },
      ],
    });
    const [call, result] = body['input'] as JsonRecord[];
    expect(call?.['call_id']).toMatch(/^call_[A-Za-z0-9]{24}$/);
    expect(result?.['call_id']).toBe(call?.['call_id']);
  });

  test('of the other OpenAI endpoint keeps what means the same', () => {
    const { body, warnings } = write({
      ...FOREIGN,
      extraOf: 'openai',
      extra: { service_tier: 'flex', verbosity: 'low', store: false },
    });
    expect(body).toMatchObject({ service_tier: 'flex', text: { verbosity: 'low' }, store: false });
    expect(warnings).toEqual([]);
  });

  test.each<[string, Part]>([
    ['a film', { kind: 'video', source: { kind: 'url', url: 'https://a.example/f.mp4' }, mediaType: null }],
    [
      'a file of another provider',
      { kind: 'file', source: { kind: 'id', id: 'file_1', of: 'anthropic' }, mediaType: null },
    ],
    ['sound of another format', { kind: 'audio', source: { kind: 'base64', data: 'aGk=' }, mediaType: 'audio/ogg' }],
  ])('is refused where it needs %s', (_, part) => {
    expect(() => write({ ...FOREIGN, turns: [{ role: 'user', parts: [part] }] })).toThrow(RequestFault);
  });
});

describe('refuseStateful', () => {
  test.each<[string, JsonRecord]>([
    ['previous_response_id', { previous_response_id: 'resp_1' }],
    ['conversation', { conversation: 'conv_1' }],
    ['prompt', { prompt: { id: 'pmpt_1' } }],
    ['background', { background: true }],
    ['input', { input: [{ id: 'msg_1' }] }],
    ['input', { input: [{ type: 'item_reference', id: 'msg_1' }] }],
  ])('refuses %s', (field, body) => {
    let thrown: unknown = null;
    try {
      refuseStateful(read(body));
    } catch (fault) {
      thrown = fault;
    }
    expect(thrown).toBeInstanceOf(RequestFault);
    expect(thrown).toMatchObject({ field });
  });

  test('lets a request pass that holds all it needs', () => {
    refuseStateful(read({ input: 'Hello', background: false, store: false, previous_response_id: null }));
    refuseStateful({ ...FOREIGN, extra: { conversation: 'something else' } });
    expect(read({ background: false, truncation: 'disabled' }).extra).toEqual({});
  });
});

function read(body: JsonRecord): ChatRequest {
  return responsesClient.readChat({ model: 'm', ...body }, FACTS);
}

function write(request: ChatRequest, target = TARGET): { body: JsonRecord; warnings: Report['warnings'] } {
  const report = new Report();
  return { body: responsesProvider.writeChat(request, target, report), warnings: report.warnings };
}
