import { describe, expect, test } from 'vitest';
import type { MediaPart, MediaSource, Part } from '../canonical.ts';
import { RequestFault } from '../faults.ts';
import { UNKNOWN_TRAITS } from '../model-traits.ts';
import type { JsonRecord } from '../record.ts';
import { Report } from '../report.ts';
import { anthropicProvider } from './provider-codec.ts';
import { call, EMPTY, result, say, thinking, tool, write } from './request-fixture.ts';

describe('messages', () => {
  test('instructions that lead stand apart, later ones become words of the user', () => {
    const { body, warnings } = write({
      turns: [
        say('system', 'A'),
        say('developer', 'B'),
        say('user', 'Hi'),
        say('system', 'C'),
        say('assistant', 'Yes'),
      ],
    });
    expect(body).toMatchObject({
      system: [
        { type: 'text', text: 'A' },
        { type: 'text', text: 'B' },
      ],
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'Hi' },
            { type: 'text', text: 'C' },
          ],
        },
        { role: 'assistant', content: 'Yes' },
      ],
    });
    expect(warnings).toEqual(['approximated messages[3]']);
  });

  test('one instruction is a string, one that is marked for the cache an array', () => {
    expect(write({ turns: [say('system', 'A')] }).body['system']).toBe('A');
    const marked = say('system', { kind: 'text', text: 'A', cache: { ttl: '1h' } });
    expect(write({ turns: [marked] }).body['system']).toEqual([
      { type: 'text', text: 'A', cache_control: { type: 'ephemeral', ttl: '1h' } },
    ]);
  });

  test('empty texts are left out, and messages of nothing else with them', () => {
    const { body } = write({ turns: [say('user', 'a', ' '), say('assistant', ''), say('user', 'b')] });
    expect(body['messages']).toEqual([
      {
        role: 'user',
        content: [
          { type: 'text', text: 'a' },
          { type: 'text', text: 'b' },
        ],
      },
    ]);
  });

  test('all results stand first in one message right after the calls', () => {
    const { body } = write({
      turns: [
        say('assistant', 'Let me see.', call('a', '{"x":1}'), call('call b!')),
        say('user', result('a', '1')),
        say('user', 'Go on.', { ...result('call b!', '2'), isError: true } as Part),
      ],
    });
    const [assistant, user] = body['messages'] as readonly { content: readonly JsonRecord[] }[];
    const fitted = assistant?.content[2]?.['id'];
    expect(fitted).toMatch(/^toolu_\w{24}$/);
    expect(assistant?.content[1]).toEqual({ type: 'tool_use', id: 'a', name: 'f', input: { x: 1 } });
    expect(user?.content).toEqual([
      { type: 'tool_result', tool_use_id: 'a', content: '1' },
      { type: 'tool_result', tool_use_id: fitted, content: '2', is_error: true },
      { type: 'text', text: 'Go on.' },
    ]);
  });

  test('reasoning goes back as it came, and that of others is dropped with a word', () => {
    const redacted: Part = { kind: 'thinking', text: '', signature: { of: 'anthropic', value: 'd' }, redacted: true };
    const { body, warnings } = write({
      turns: [say('assistant', thinking('anthropic'), redacted, thinking('gemini'), 'x')],
    });
    expect(body['messages']).toMatchObject([
      {
        content: [
          { type: 'thinking', thinking: 'hm', signature: 's' },
          { type: 'redacted_thinking', data: 'd' },
          { type: 'text', text: 'x' },
        ],
      },
    ]);
    expect(warnings).toEqual(['dropped messages[0].content[2]']);
  });

  test('images and documents take the form that their source allows', () => {
    const media = (kind: MediaPart['kind'], source: MediaSource, mediaType: string | null): Part => ({
      kind,
      source,
      mediaType,
    });
    const { body } = write({
      turns: [
        say(
          'user',
          media('image', { kind: 'url', url: 'https://example.com/a.png' }, null),
          media('image', { kind: 'base64', data: '/9j/AAAA' }, null),
          media('file', { kind: 'base64', data: 'JVBERi0x' }, 'application/pdf'),
          media('file', { kind: 'base64', data: 'aMOk' }, 'text/markdown'),
          media('file', { kind: 'id', id: 'file_1', of: 'anthropic' }, null),
        ),
      ],
    });
    const [message] = body['messages'] as readonly { content: readonly JsonRecord[] }[];
    expect(message?.content.map((block) => block['source'])).toEqual([
      { type: 'url', url: 'https://example.com/a.png' },
      { type: 'base64', media_type: 'image/jpeg', data: '/9j/AAAA' },
      { type: 'base64', media_type: 'application/pdf', data: 'JVBERi0x' },
      { type: 'text', media_type: 'text/plain', data: 'hä' },
      { type: 'file', file_id: 'file_1' },
    ]);
  });

  test.each<Part>([
    { kind: 'audio', source: { kind: 'base64', data: '' }, mediaType: 'audio/wav' },
    { kind: 'file', source: { kind: 'id', id: 'x', of: 'openai' }, mediaType: null },
    { kind: 'file', source: { kind: 'base64', data: 'UEsD' }, mediaType: 'application/zip' },
  ])('what the model needs and cannot get is refused: %j', (part) => {
    expect(() => write({ turns: [say('user', part)] })).toThrow(RequestFault);
  });

  test('white space at the end of what the model is to continue is left out', () => {
    const { body, warnings } = write({ turns: [say('user', 'a'), say('assistant', 'The answer is \n')] });
    expect(body['messages']).toMatchObject([{}, { content: 'The answer is' }]);
    expect(warnings).toEqual(['approximated messages']);
  });
});

describe('limits and sampling', () => {
  test.each([
    [{ outputTokensMax: null }, {}, 4096, []],
    [{ outputTokensMax: null }, { outputTokensMax: 64_000 }, 64_000, []],
    [{ outputTokensMax: 90_000 }, { outputTokensMax: 64_000 }, 64_000, ['approximated max_tokens']],
    [{ outputTokensMax: 7 }, { outputTokensMax: 64_000 }, 7, []],
  ])('%j of a model of %j gives max_tokens %i', (request, traits, expected, told) => {
    const { body, warnings } = write(request, traits);
    expect(body['max_tokens']).toBe(expected);
    expect(warnings).toEqual(told);
  });

  test('a temperature above 1 is 1, and what the format has no place for is reported', () => {
    const { body, warnings } = write({
      temperature: 1.5,
      topP: 0.5,
      stop: ['END'],
      user: 'u',
      seed: 1,
      choices: 2,
      presencePenalty: 1,
      logitBias: { 1: 2 },
      extra: { store: true },
    });
    expect(body).toMatchObject({ temperature: 1, top_p: 0.5, stop_sequences: ['END'], metadata: { user_id: 'u' } });
    expect(warnings).toEqual([
      'dropped store',
      'dropped seed',
      'dropped n',
      'dropped presence_penalty',
      'dropped logit_bias',
      'approximated temperature',
    ]);
  });

  test('sampling is left out where the model takes none', () => {
    const { body, warnings } = write({ temperature: 0.5, topK: 3 }, { sampling: false });
    expect(body).not.toHaveProperty('temperature');
    expect(warnings).toEqual(['dropped temperature', 'dropped top_k']);
  });
});

describe('tools', () => {
  test.each([
    [{ kind: 'auto' }, null, { type: 'auto' }],
    [{ kind: 'none' }, false, { type: 'none' }],
    [{ kind: 'required' }, false, { type: 'any', disable_parallel_tool_use: true }],
    [{ kind: 'named', name: 'f' }, null, { type: 'tool', name: 'f' }],
    [null, false, { type: 'auto', disable_parallel_tool_use: true }],
    [null, true, undefined],
  ] as const)('the choice %j with parallel calls %s is %j', (toolChoice, parallelToolCalls, member) => {
    expect(write({ tools: [tool('f')], toolChoice, parallelToolCalls }).body['tool_choice']).toEqual(member);
  });

  test('only the allowed tools go, those of another provider are dropped, free text goes in a member', () => {
    const { body, warnings } = write({
      tools: [
        tool('f'),
        tool('g'),
        { kind: 'custom', name: 'c', description: 'd' },
        { kind: 'opaque', of: 'openai', label: 'web_search', value: {} },
      ],
      toolChoice: { kind: 'allowed', names: ['g', 'c', 'web_search'], required: true },
    });
    expect(body).toMatchObject({
      tools: [{ name: 'g' }, { name: 'c', input_schema: { required: ['input'] } }],
      tool_choice: { type: 'any' },
    });
    expect(warnings).toEqual(['approximated tool_choice', 'approximated tools[2]', 'dropped tools[3]']);
  });
});

describe('structured output', () => {
  const format = {
    kind: 'json_schema',
    name: 'r',
    description: null,
    schema: { type: 'object', properties: {} },
    strict: true,
  } as const;

  test('goes as a format where the model keeps to it', () => {
    const { body, warnings } = write({ format }, { structuredOutput: true });
    const schema = { ...format.schema, additionalProperties: false };
    expect(body['output_config']).toEqual({ format: { type: 'json_schema', schema } });
    expect(body).not.toHaveProperty('tools');
    expect(warnings).toEqual(['approximated response_format.json_schema.schema']);
  });

  test('goes without the keywords that Claude refuses, unless a caller of its own wrote them', () => {
    const asked = { ...format, schema: { type: 'object', properties: { a: { type: 'string', minLength: 2 } } } };
    const foreign = write({ format: asked }, { structuredOutput: true });
    expect(JSON.stringify(foreign.body['output_config'])).toContain('"description":"minLength: 2"');
    expect(foreign.warnings).toEqual(['approximated response_format.json_schema.schema']);
    const own = write({ format: asked, extraOf: 'anthropic' }, { structuredOutput: true });
    expect(own.body['output_config']).toEqual({ format: { type: 'json_schema', schema: asked.schema } });
  });

  test('of a tool is strict where Claude is known to keep to it as it is', () => {
    const parameters = { type: 'object', properties: { a: { type: 'string' } }, additionalProperties: false };
    const strict = { ...tool('f'), strict: true, parameters };
    expect(write({ tools: [strict] }, { structuredOutput: true }).body['tools']).toMatchObject([{ strict: true }]);
    expect(write({ tools: [strict] }).warnings).toEqual(['dropped tools[0].strict']);
    const open = { ...strict, parameters: { ...parameters, additionalProperties: true } };
    expect(write({ tools: [open] }, { structuredOutput: true }).warnings).toEqual(['dropped tools[0].strict']);
    expect(write({ tools: [open], extraOf: 'anthropic' }).body['tools']).toMatchObject([{ strict: true }]);
  });

  test('is the input of a tool that must be called where it does not', () => {
    expect(write({ format }).body).toMatchObject({
      tools: [{ name: 'keyward_json', input_schema: format.schema }],
      tool_choice: { type: 'tool', name: 'keyward_json' },
    });
    expect(write({ format, tools: [tool('f')] }).body).toMatchObject({
      tools: [{ name: 'f' }, { name: 'keyward_json' }],
      tool_choice: { type: 'any' },
    });
  });

  test('is asked for in words where there is no schema, or none of an object', () => {
    const { body, warnings } = write({ format: { kind: 'json' }, turns: [say('system', 'A')] });
    expect(body['system']).toMatchObject([{ text: 'A' }, { text: expect.stringContaining('JSON') as string }]);
    expect(warnings).toEqual(['approximated response_format']);
    const list = write({ format: { ...format, schema: { type: 'array' } } });
    expect(list.body['system']).toContain('{"type":"array"}');
  });
});

test('a question for the number of tokens holds the input alone', () => {
  const body = anthropicProvider.tokenCount?.write(
    { ...EMPTY, turns: [say('user', 'Hi')], tools: [tool('f')], temperature: 0.2, stream: true, stop: ['x'] },
    { name: 'claude', traits: UNKNOWN_TRAITS },
    new Report(),
  );
  expect(body).toEqual({
    model: 'claude',
    messages: [{ role: 'user', content: 'Hi' }],
    tools: [{ name: 'f', input_schema: { type: 'object' } }],
  });
  expect(anthropicProvider.tokenCount?.read({ input_tokens: 7 })).toBe(7);
});
