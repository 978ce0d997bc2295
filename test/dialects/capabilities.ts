/** One request for each thing that a caller may ask, in the canonical form. */
import { BLANK_REQUEST } from '../../src/llm/request-fixture.ts';
import type { ChatRequest, FunctionTool, Part, Turn } from '../../src/llm/canonical.ts';

/** A red square of one pixel. */
export const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==';
const PDF = Buffer.from('%PDF-1.4 a page').toString('base64');
const WAV = Buffer.from('RIFF....WAVEfmt ').toString('base64');

const EMPTY: ChatRequest = {
  ...BLANK_REQUEST,
  outputTokensMax: 1_000,
};

function says(role: Turn['role'], ...parts: readonly (string | Part)[]): Turn {
  return { role, parts: parts.map((part) => (typeof part === 'string' ? { kind: 'text', text: part } : part)) };
}

function ask(more: Partial<ChatRequest>, ...turns: readonly Turn[]): ChatRequest {
  return { ...EMPTY, turns: turns.length === 0 ? [says('user', 'What is the weather?')] : turns, ...more };
}

const WEATHER: FunctionTool = {
  kind: 'function',
  name: 'get_weather',
  description: 'Tells the weather of a city.',
  parameters: {
    type: 'object',
    properties: { city: { type: 'string' }, days: { type: 'integer', minimum: 1 } },
    required: ['city'],
    additionalProperties: false,
  },
  strict: null,
};
const NOW: FunctionTool = {
  kind: 'function',
  name: 'now',
  description: null,
  parameters: { type: 'object', properties: {} },
  strict: null,
};
const TOOLS = [WEATHER, NOW];

const ANSWER_SCHEMA = {
  type: 'object',
  properties: { city: { type: 'string' }, celsius: { type: 'number' } },
  required: ['city', 'celsius'],
  additionalProperties: false,
};

const LOOSE_SCHEMA = {
  type: 'object',
  properties: { city: { type: 'string', minLength: 2 }, days: { type: 'integer', minimum: 1 } },
  required: ['city'],
};

const CALLED = says(
  'assistant',
  'I will look.',
  { kind: 'tool_call', id: 'call_weather_1', name: 'get_weather', arguments: '{"city":"Oslo"}' },
  { kind: 'tool_call', id: 'call_now_2', name: 'now', arguments: '{}' },
);
const COLD: Part = {
  kind: 'tool_result',
  callId: 'call_weather_1',
  name: 'get_weather',
  parts: [{ kind: 'text', text: '{"celsius":-3}' }],
  isError: false,
};
const NOON: Part = {
  kind: 'tool_result',
  callId: 'call_now_2',
  name: 'now',
  parts: [{ kind: 'text', text: '12:00' }],
  isError: false,
};
const RESULTS = says('user', COLD, { ...NOON, parts: [{ kind: 'text', text: 'no clock' }], isError: true });

export const CAPABILITIES: Readonly<Record<string, ChatRequest>> = {
  text: ask({}),
  'a stream': ask({ stream: true }),
  'without a limit': ask({ outputTokensMax: null }),
  instructions: ask({}, says('system', 'Be brief.'), says('user', 'Hello.')),
  'developer instructions': ask({}, says('developer', 'Be brief.'), says('user', 'Hello.')),
  'instructions in between': ask(
    {},
    says('user', 'Hello.'),
    says('assistant', 'Hi.'),
    says('system', 'Now in French.'),
    says('user', 'Go on.'),
  ),
  'several turns': ask({}, says('user', 'Hello.'), says('assistant', 'Hi.'), says('user', 'How are you?')),
  'neighbours of one role': ask({}, says('user', 'Hello.'), says('user', 'Are you there?')),
  prefill: ask({}, says('user', 'Name a colour.'), says('assistant', 'The colour is')),
  sampling: ask({ temperature: 0.5, topP: 0.9 }),
  'high temperature': ask({ temperature: 1.5 }),
  'top k': ask({ topK: 40 }),
  'stop strings': ask({ stop: ['END', 'STOP'] }),
  seed: ask({ seed: 7 }),
  penalties: ask({ presencePenalty: 0.5, frequencyPenalty: -0.5 }),
  'several choices': ask({ choices: 2 }),
  'log probabilities': ask({ logprobs: { top: 3 } }),
  user: ask({ user: 'user-42' }),
  'image by url': ask(
    {},
    says('user', 'What is this?', {
      kind: 'image',
      source: { kind: 'url', url: 'https://example.com/a.png' },
      mediaType: null,
    }),
  ),
  'image in base64': ask(
    {},
    says('user', 'What is this?', { kind: 'image', source: { kind: 'base64', data: PNG }, mediaType: 'image/png' }),
  ),
  document: ask(
    {},
    says('user', 'Sum up.', {
      kind: 'file',
      source: { kind: 'base64', data: PDF },
      mediaType: 'application/pdf',
      filename: 'a.pdf',
    }),
  ),
  audio: ask(
    {},
    says('user', 'What is said?', { kind: 'audio', source: { kind: 'base64', data: WAV }, mediaType: 'audio/wav' }),
  ),
  tools: ask({ tools: TOOLS }),
  'tools, one required': ask({ tools: TOOLS, toolChoice: { kind: 'required' } }),
  'tools, a named one': ask({ tools: TOOLS, toolChoice: { kind: 'named', name: 'now' } }),
  'tools, none': ask({ tools: TOOLS, toolChoice: { kind: 'none' } }),
  'tools, one at a time': ask({ tools: TOOLS, parallelToolCalls: false }),
  'a conversation with tools': ask({ tools: TOOLS }, says('user', 'Weather and time?'), CALLED, RESULTS),
  'a history of tools without tools': ask(
    {},
    says('user', 'Weather and time?'),
    CALLED,
    RESULTS,
    says('user', 'Thanks.'),
  ),
  'results of parallel calls': ask(
    { tools: TOOLS },
    says('user', 'Weather and time?'),
    CALLED,
    says('user', COLD, NOON),
  ),
  'a text after the results of parallel calls': ask(
    { tools: TOOLS },
    says('user', 'Weather and time?'),
    CALLED,
    says('user', COLD, NOON),
    says('user', 'Be brief.'),
  ),
  'a tool result with an image': ask(
    { tools: TOOLS },
    says('user', 'How does it look?'),
    says('assistant', { kind: 'tool_call', id: 'call_weather_1', name: 'get_weather', arguments: '{"city":"Oslo"}' }),
    says('user', {
      ...COLD,
      parts: [
        { kind: 'text', text: 'See:' },
        { kind: 'image', source: { kind: 'base64', data: PNG }, mediaType: 'image/png' },
      ],
    }),
  ),
  'a custom tool': ask(
    { tools: [{ kind: 'custom', name: 'patch', description: 'Changes files.' }, NOW] },
    says('user', 'Fix it.'),
    says('assistant', { kind: 'tool_call', id: 'call_patch_1', name: 'patch', arguments: '*** Begin', custom: true }),
    says('user', {
      kind: 'tool_result',
      callId: 'call_patch_1',
      parts: [{ kind: 'text', text: 'Done.' }],
      isError: false,
      custom: true,
    }),
  ),
  'tools, one allowed': ask({ tools: TOOLS, toolChoice: { kind: 'allowed', names: ['now'], required: false } }),
  'tools, one of the allowed required': ask({
    tools: TOOLS,
    toolChoice: { kind: 'allowed', names: ['now'], required: true },
  }),
  'strict tools': ask({
    tools: [
      { ...WEATHER, parameters: ANSWER_SCHEMA, strict: true },
      { ...NOW, parameters: LOOSE_SCHEMA, strict: true },
    ],
  }),
  'a tool without parameters': ask({ tools: [{ ...NOW, parameters: null }] }),
  'cache marks on tools': ask({ tools: [WEATHER, { ...NOW, cache: { ttl: '5m' } }] }),
  'a refusal in the history': ask(
    {},
    says('user', 'Hello.'),
    says('assistant', { kind: 'refusal', text: 'I will not.' }),
    says('user', 'Why?'),
  ),
  'several texts': ask(
    {},
    says('system', 'Be brief.', 'Be kind.'),
    says('user', 'Hello.', 'Are you there?'),
    says('assistant', 'Yes,', ' I am.'),
    says('user', 'Good.'),
  ),
  'an empty text': ask({}, says('user', ''), says('assistant', ''), says('user', 'Hello.', '')),
  'logit bias': ask({ logitBias: { '50256': -100 } }),
  'a long user': ask({ user: `user_${'0123456789abcdef'.repeat(6)}` }),
  'cache key': ask({ cacheKey: 'conversation-42' }),
  json: ask({ format: { kind: 'json' } }),
  'json by schema': ask({
    format: { kind: 'json_schema', name: 'answer', description: null, schema: ANSWER_SCHEMA, strict: true },
  }),
  'json by a loose schema': ask({
    format: { kind: 'json_schema', name: 'an answer', description: 'Where.', schema: LOOSE_SCHEMA, strict: true },
  }),
  'json by the schema of a list': ask({
    format: {
      kind: 'json_schema',
      name: 'answer',
      description: null,
      schema: { type: 'array', items: { type: 'string' } },
      strict: null,
    },
  }),
  'reasoning switched off': ask({ reasoning: { enabled: false, effort: null, budgetTokens: null, show: null } }),
  'reasoning by effort': ask({
    outputTokensMax: 8_000,
    reasoning: { enabled: true, effort: 'low', budgetTokens: null, show: null },
  }),
  'reasoning by budget': ask({
    outputTokensMax: 8_000,
    reasoning: { enabled: true, effort: null, budgetTokens: 2_048, show: null },
  }),
  'signed reasoning in a conversation': ask(
    {
      outputTokensMax: 8_000,
      tools: TOOLS,
      reasoning: { enabled: true, effort: null, budgetTokens: 2_048, show: null },
    },
    says('user', 'What time is it?'),
    says(
      'assistant',
      { kind: 'thinking', text: 'I need the clock.', signature: { of: 'anthropic', value: 'c2lnbmVk' } },
      { kind: 'tool_call', id: 'call_now_2', name: 'now', arguments: '{}' },
    ),
    says('user', {
      kind: 'tool_result',
      callId: 'call_now_2',
      name: 'now',
      parts: [{ kind: 'text', text: '12:00' }],
      isError: false,
    }),
  ),
  'a signed call': ask(
    { tools: TOOLS },
    says('user', 'What time is it?'),
    says('assistant', {
      kind: 'tool_call',
      id: 'call_now_2',
      name: 'now',
      arguments: '{}',
      signature: { of: 'gemini', value: 'c2lnbmVk' },
    }),
    says('user', {
      kind: 'tool_result',
      callId: 'call_now_2',
      name: 'now',
      parts: [{ kind: 'text', text: '12:00' }],
      isError: false,
    }),
  ),
  'cache marks': ask(
    {},
    says('system', { kind: 'text', text: 'A long text.', cache: { ttl: '5m' } }),
    says('user', { kind: 'text', text: 'Hello.', cache: { ttl: '1h' } }),
  ),
};
