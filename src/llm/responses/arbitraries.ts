/** For tests: what OpenAI Responses can say, in the canonical form. */
import { BLANK_REQUEST } from '../request-fixture.ts';
import * as fc from 'fast-check';
import type { AnswerEvent, ChatAnswer, ChatRequest, Part, PartStart, Tool, ToolChoice, Turn } from '../canonical.ts';
import type { AnswerContext } from '../codec.ts';
import { UNKNOWN_TRAITS } from '../model-traits.ts';
import type { JsonRecord } from '../record.ts';

export const TARGET = { name: 'upstream-model', traits: UNKNOWN_TRAITS };

export const EMPTY_REQUEST: ChatRequest = {
  ...BLANK_REQUEST,
  model: 'openai/some-model',
  extraOf: 'openai-responses',
};

export const CONTEXT: AnswerContext = {
  requestId: 'req_1',
  model: 'openai/some-model',
  nowS: 1_790_000_000,
  request: EMPTY_REQUEST,
};

const words = fc.string({ unit: 'grapheme', maxLength: 12 });
const someWords = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 });
const id = fc.stringMatching(/^[A-Za-z0-9_-]{1,20}$/);
const name = fc.stringMatching(/^[a-z_]{1,12}$/);
const json: fc.Arbitrary<JsonRecord> = fc.dictionary(
  name.filter((key) => key !== '__proto__'),
  fc.oneof(fc.integer(), words, fc.boolean()),
  { maxKeys: 3 },
);
const base64 = fc.uint8Array({ minLength: 1, maxLength: 9 }).map((bytes) => Buffer.from(bytes).toString('base64'));

const cache = fc.option(fc.constantFrom<'5m' | '1h'>('5m', '1h'), { nil: undefined });
const cached = <T extends object>(part: fc.Arbitrary<T>) =>
  fc.tuple(part, cache).map(([value, ttl]) => (ttl === undefined ? value : { ...value, cache: { ttl } }));

const inputText: fc.Arbitrary<Part> = cached(fc.record({ kind: fc.constant('text' as const), text: someWords }));

const image: fc.Arbitrary<Part> = cached(
  fc.oneof(
    fc.record({
      kind: fc.constant('image' as const),
      source: fc.record({ kind: fc.constant('base64' as const), data: base64 }),
      mediaType: fc.constantFrom('image/png', 'image/jpeg'),
      detail: fc.constantFrom('low', 'high', 'auto'),
    }),
    fc.record({
      kind: fc.constant('image' as const),
      source: fc.oneof(
        fc.record({ kind: fc.constant('url' as const), url: fc.webUrl() }),
        fc.record({ kind: fc.constant('id' as const), id, of: fc.constant('openai-responses' as const) }),
      ),
      mediaType: fc.constant(null),
      detail: fc.constantFrom('low', 'high', 'auto'),
    }),
  ),
);

const file: fc.Arbitrary<Part> = cached(
  fc.oneof(
    fc.record({
      kind: fc.constant('file' as const),
      source: fc.record({ kind: fc.constant('base64' as const), data: base64 }),
      mediaType: fc.constantFrom('application/pdf', 'text/csv', null),
      filename: someWords,
    }),
    fc.record({
      kind: fc.constant('file' as const),
      source: fc.record({ kind: fc.constant('url' as const), url: fc.webUrl() }),
      mediaType: fc.constant(null),
    }),
  ),
);

const logprobs = fc.array(
  fc.record({
    token: words,
    logprob: fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value || 0),
    bytes: fc.array(fc.nat({ max: 255 }), { maxLength: 3 }),
    top: fc.constant([]),
  }),
  { minLength: 1, maxLength: 2 },
);
const annotations = fc.array(
  fc.record({ url: fc.webUrl(), title: words, from: fc.nat(), to: fc.nat() }).map((source) => ({
    ...source,
    raw: { type: 'url_citation', url: source.url, title: source.title, start_index: source.from, end_index: source.to },
    of: 'openai-responses' as const,
  })),
  { minLength: 1, maxLength: 2 },
);

const outputText: fc.Arbitrary<Part> = fc.record(
  { kind: fc.constant('text' as const), text: someWords, annotations, logprobs },
  { requiredKeys: ['kind', 'text'] },
);
const refusal: fc.Arbitrary<Part> = fc.record({ kind: fc.constant('refusal' as const), text: someWords });

const signature = fc.record({
  of: fc.constantFrom('openai-responses' as const, 'anthropic' as const, 'gemini' as const),
  value: fc.stringMatching(/^[A-Za-z0-9+/=]{1,30}$/),
});
const ownSignature = signature.map(({ value }) => ({ of: 'openai-responses' as const, value }));

const thinking: fc.Arbitrary<Part> = fc.oneof(
  fc.record({ kind: fc.constant('thinking' as const), text: someWords, signature: fc.option(signature) }),
  fc.record({ kind: fc.constant('thinking' as const), text: fc.constant(''), signature }),
  signature
    .filter(({ of }) => of === 'anthropic')
    .map((redacted) => ({ kind: 'thinking' as const, text: '', signature: redacted, redacted: true })),
);
const ownThinking: fc.Arbitrary<Part> = fc.record({
  kind: fc.constant('thinking' as const),
  text: words,
  signature: ownSignature,
});

const call: fc.Arbitrary<Part> = fc.oneof(
  fc.record({
    kind: fc.constant('tool_call' as const),
    id,
    name,
    arguments: json.map((value) => JSON.stringify(value)),
  }),
  fc.record({ kind: fc.constant('tool_call' as const), id, name, arguments: words, custom: fc.constant(true) }),
);
const signedCall: fc.Arbitrary<Part> = fc.tuple(id, name, json, signature).map(([id, name, input, signature]) => ({
  kind: 'tool_call' as const,
  id,
  name,
  arguments: JSON.stringify(input),
  signature,
}));
const result: fc.Arbitrary<Part> = fc
  .tuple(id, fc.array(fc.oneof(inputText, image, file), { maxLength: 3 }), fc.boolean())
  .map(([callId, parts, custom]) => ({
    kind: 'tool_result' as const,
    callId,
    parts,
    isError: false,
    ...(custom && { custom }),
  }));
const hosted: fc.Arbitrary<Part> = fc.tuple(fc.uuid(), json).map(([id, action]) => ({
  kind: 'opaque' as const,
  of: 'openai-responses' as const,
  value: { type: 'web_search_call', id: `ws_${id}`, status: 'completed', action },
}));

const said = fc.array(fc.oneof(outputText, refusal, ownThinking, call, hosted), { minLength: 1, maxLength: 5 });
const inputs: fc.Arbitrary<Turn> = fc.record({
  role: fc.constantFrom<Turn['role']>('system', 'developer', 'user'),
  parts: fc.array(fc.oneof(inputText, image, file), { minLength: 1, maxLength: 3 }),
});
const exchange: fc.Arbitrary<readonly Turn[]> = fc.tuple(
  said.map((parts) => ({ role: 'assistant' as const, parts })),
  fc.array(result, { minLength: 1, maxLength: 3 }).map((parts) => ({ role: 'user' as const, parts })),
);
const turns = fc
  .array(
    fc.oneof(
      inputs.map((turn) => [turn]),
      exchange,
    ),
    { maxLength: 4 },
  )
  .map((groups) => groups.flat());

const tool: fc.Arbitrary<Tool> = fc.oneof(
  fc.record({
    kind: fc.constant('function' as const),
    name,
    description: fc.option(words),
    parameters: fc.option(json),
    strict: fc.option(fc.boolean()),
  }),
  fc.record({
    kind: fc.constant('custom' as const),
    name: name.map((word) => `c_${word}`),
    description: fc.option(words),
  }),
  json.map((settings) => ({
    kind: 'opaque' as const,
    of: 'openai-responses' as const,
    label: 'web_search',
    value: { ...settings, type: 'web_search' },
  })),
);
const choice: fc.Arbitrary<ToolChoice> = fc.oneof(
  fc.record({ kind: fc.constantFrom('auto' as const, 'none' as const, 'required' as const) }),
  fc.record({ kind: fc.constant('named' as const), name }),
  fc.record({ kind: fc.constant('allowed' as const), names: fc.array(name, { maxLength: 3 }), required: fc.boolean() }),
);

/** Requests that survive being written and read; the model's name does not (the provider has its own). */
export const requests: fc.Arbitrary<ChatRequest> = fc.record({
  model: fc.constant(TARGET.name),
  stream: fc.boolean(),
  wantsStreamUsage: fc.constant(true),
  turns,
  tools: fc.array(tool, { maxLength: 3 }),
  toolChoice: fc.option(choice),
  parallelToolCalls: fc.option(fc.boolean()),
  outputTokensMax: fc.option(fc.integer({ min: 16, max: 1e6 })),
  temperature: fc.option(fc.constantFrom(0, 0.5, 2)),
  topP: fc.option(fc.constantFrom(0.1, 1)),
  topK: fc.constant(null),
  stop: fc.constant([]),
  seed: fc.constant(null),
  choices: fc.constant(null),
  presencePenalty: fc.constant(null),
  frequencyPenalty: fc.constant(null),
  logprobs: fc.option(fc.record({ top: fc.nat({ max: 20 }) })),
  logitBias: fc.constant(null),
  format: fc.option(
    fc.oneof(
      fc.record({ kind: fc.constantFrom('text' as const, 'json' as const) }),
      fc.record({
        kind: fc.constant('json_schema' as const),
        name,
        description: fc.option(words),
        schema: json,
        strict: fc.option(fc.boolean()),
      }),
    ),
  ),
  reasoning: fc.option(
    fc.oneof(
      fc.constant({ enabled: false, effort: null, budgetTokens: null, show: null }),
      fc.record({
        enabled: fc.constant(true),
        effort: fc.constantFrom('minimal', 'low', 'high', null),
        budgetTokens: fc.constant(null),
        show: fc.constant(true),
        summary: fc.constantFrom('auto', 'detailed'),
      }),
    ),
  ),
  user: fc.option(someWords),
  cacheKey: fc.option(someWords),
  extra: fc.record(
    {
      store: fc.boolean(),
      previous_response_id: id,
      service_tier: fc.constantFrom('auto', 'flex'),
      include: fc.constant(['file_search_call.results']),
      text: fc.record({ verbosity: fc.constantFrom('low', 'high') }),
      metadata: json,
    },
    { requiredKeys: [] },
  ),
  extraOf: fc.constant('openai-responses' as const),
});

const usage = fc
  .tuple(fc.nat({ max: 9999 }), fc.nat({ max: 99 }), fc.nat({ max: 9999 }), fc.nat({ max: 99 }))
  .map(([input, cached, output, reasoning]) => ({
    inputTokens: input + cached,
    cachedInputTokens: cached,
    cacheWriteTokens: 0,
    outputTokens: output + reasoning,
    reasoningTokens: reasoning,
  }));

/** Parts as a client of this dialect can receive and send back. */
export const answeredParts: fc.Arbitrary<readonly Part[]> = fc.array(
  fc.oneof(outputText, refusal, thinking, call, signedCall, hosted),
  { maxLength: 6 },
);

/** Parts as a provider of this dialect gives them. */
const providedParts = fc.array(fc.oneof(outputText, refusal, ownThinking, call, hosted), { maxLength: 6 });

/** Answers that survive being written and read. */
export const answers: fc.Arbitrary<ChatAnswer> = fc
  .tuple(someWords, providedParts, fc.constantFrom('stop', 'length', 'content_filter'), fc.option(usage), fc.nat())
  .map(([id, parts, reason, usage, createdS]) => ({
    id,
    model: CONTEXT.model,
    createdS,
    choices: [{ index: 0, parts: uniqueCalls(parts), finish: finishOf(reason, parts) }],
    usage,
    extra: {},
  }));

function finishOf(reason: string, parts: readonly Part[]): ChatAnswer['choices'][number]['finish'] {
  if (reason === 'length') return { reason, raw: 'max_output_tokens' };
  if (reason === 'content_filter') return { reason, raw: reason };
  const calls = parts.some(({ kind }) => kind === 'tool_call');
  return { reason: calls ? 'tool_calls' : 'stop', raw: 'completed' };
}

/** openai-node refuses two calls of one id. */
function uniqueCalls(parts: readonly Part[]): readonly Part[] {
  return parts.map((part, index) => (part.kind === 'tool_call' ? { ...part, id: `${part.id}-${index}` } : part));
}

/** The answer as a stream, its texts in pieces. */
export function eventsOf(answer: ChatAnswer): readonly AnswerEvent[] {
  const [choice] = answer.choices;
  if (choice === undefined) return [];
  const { id, model, createdS, extra, usage } = answer;
  return [
    { type: 'start', id, model, createdS, extra },
    ...choice.parts.flatMap(eventsOfPart),
    { type: 'finish', choice: 0, finish: choice.finish },
    ...(usage === null ? [] : [{ type: 'usage' as const, usage }]),
    { type: 'end' },
  ];
}

function eventsOfPart(part: Part, index: number): readonly AnswerEvent[] {
  if (part.kind === 'tool_result') return [];
  const inner: AnswerEvent[] = [];
  const signature = 'signature' in part ? (part.signature ?? null) : null;
  const signed = signature === null ? [] : [{ type: 'signature' as const, choice: 0, signature }];
  if (part.kind === 'tool_call') inner.push(...signed, ...deltas(part.arguments));
  else if (part.kind === 'thinking') inner.push(...deltas(part.text), ...signed);
  else if ('text' in part) inner.push(...deltas(part.text));
  if (part.kind === 'text') {
    for (const annotation of part.annotations ?? []) inner.push({ type: 'annotation', choice: 0, annotation });
    if (part.logprobs !== undefined) inner.push({ type: 'logprobs', choice: 0, logprobs: part.logprobs });
  }
  return [{ type: 'open', choice: 0, part: index, start: startOf(part) }, ...inner, { type: 'close', choice: 0 }];
}

function startOf(part: Exclude<Part, { kind: 'tool_result' }>): PartStart {
  if (part.kind === 'tool_call') {
    const { kind, id, name, custom } = part;
    return { kind, id, name, ...(custom !== undefined && { custom }) };
  }
  return 'source' in part || part.kind === 'opaque' ? part : { kind: part.kind };
}

function deltas(text: string): readonly AnswerEvent[] {
  const half = Math.ceil(text.length / 2);
  return [text.slice(0, half), text.slice(half)]
    .filter((piece) => piece !== '')
    .map((piece) => ({ type: 'delta' as const, choice: 0, text: piece }));
}
