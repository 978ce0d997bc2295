/** Canonical values that this dialect can say, for properties. */
import { BLANK_REQUEST } from '../request-fixture.ts';
import * as fc from 'fast-check';
import type {
  AnswerEvent,
  ChatAnswer,
  ChatRequest,
  Choice,
  MediaPart,
  Part,
  PartStart,
  Signature,
  TextPart,
  ThinkingPart,
  Tool,
  ToolCallPart,
  ToolResultPart,
  Turn,
} from '../canonical.ts';
import type { AnswerContext } from '../codec.ts';
import type { Usage } from '../dialect.ts';

const words = fc.string({ minLength: 1, maxLength: 12, unit: 'grapheme' });
const names = fc.stringMatching(/^[a-z_]{1,12}$/);
const ids = fc.stringMatching(/^call_[A-Za-z0-9]{4,20}$/);
const base64 = fc.uint8Array({ minLength: 1, maxLength: 12 }).map((bytes) => Buffer.from(bytes).toString('base64'));
const jsonObjects = fc
  .dictionary(fc.stringMatching(/^[a-z]{1,6}$/), fc.oneof(fc.integer(), words, fc.boolean()), { maxKeys: 3 })
  .map((record) => ({ ...record }));

/** Nothing that a format would take for absent. */
const extras = fc.dictionary(fc.stringMatching(/^x_[a-z]{1,6}$/), fc.oneof(fc.integer(), words), {
  minKeys: 1,
  maxKeys: 2,
  noNullPrototype: true,
});
const withExtra = <T extends object>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T> =>
  fc.tuple(arbitrary, fc.option(extras)).map(([value, extra]) => (extra === null ? value : { ...value, extra }));

export const signatures: fc.Arbitrary<Signature> = fc.record({
  of: fc.constantFrom('anthropic', 'gemini', 'openai-responses', 'openai'),
  value: fc.stringMatching(/^sig[A-Za-z0-9+/=]{1,20}$/),
});

const textParts: fc.Arbitrary<TextPart> = withExtra(fc.record({ kind: fc.constant('text' as const), text: words }));

export const thinkingParts: fc.Arbitrary<ThinkingPart> = fc.oneof(
  fc.record({ kind: fc.constant('thinking' as const), text: words, signature: fc.option(signatures) }),
  fc.record({
    kind: fc.constant('thinking' as const),
    text: fc.constant(''),
    signature: signatures,
    redacted: fc.constant(true),
  }),
);

const media: fc.Arbitrary<MediaPart> = fc.oneof(
  fc.record({
    kind: fc.constantFrom('image' as const, 'video' as const),
    source: fc.webUrl().map((url) => ({ kind: 'url' as const, url })),
    mediaType: fc.constant(null),
  }),
  fc.record({
    kind: fc.constant('image' as const),
    source: base64.map((data) => ({ kind: 'base64' as const, data })),
    mediaType: fc.constantFrom('image/png', 'image/webp'),
    detail: fc.constantFrom('low', 'high', 'auto'),
  }),
  fc.record({
    kind: fc.constant('audio' as const),
    source: base64.map((data) => ({ kind: 'base64' as const, data })),
    mediaType: fc.constantFrom('audio/wav', 'audio/mpeg', 'audio/flac'),
  }),
  fc.record({
    kind: fc.constant('file' as const),
    source: base64.map((data) => ({ kind: 'base64' as const, data })),
    mediaType: fc.constant('application/pdf'),
    filename: names,
  }),
  fc.record({
    kind: fc.constant('file' as const),
    source: ids.map((id) => ({ kind: 'id' as const, id, of: 'openai' as const })),
    mediaType: fc.constant(null),
  }),
);

export const functionCalls: fc.Arbitrary<ToolCallPart> = fc.record({
  kind: fc.constant('tool_call' as const),
  id: ids,
  name: names,
  arguments: jsonObjects.map((record) => JSON.stringify(record)),
});

const toolCalls: fc.Arbitrary<ToolCallPart> = fc.oneof(
  functionCalls,
  fc.record({
    kind: fc.constant('tool_call' as const),
    id: ids,
    name: names,
    arguments: words,
    custom: fc.constant(true),
  }),
);

const results: fc.Arbitrary<ToolResultPart> = withExtra(
  fc.record({
    kind: fc.constant('tool_result' as const),
    callId: ids,
    parts: fc.array(textParts, { maxLength: 2 }),
    isError: fc.constant(false),
  }),
);

const turns: fc.Arbitrary<Turn> = fc.oneof(
  withExtra(
    fc.record({
      role: fc.constantFrom('system' as const, 'developer' as const),
      parts: fc.array(textParts, { maxLength: 2 }),
    }),
  ),
  withExtra(
    fc.record({
      role: fc.constant('user' as const),
      parts: fc.array(fc.oneof(textParts, withExtra(media)), { maxLength: 3 }),
      name: names,
    }),
  ),
  fc
    .tuple(fc.array(thinkingParts, { maxLength: 2 }), fc.option(textParts), fc.array(toolCalls, { maxLength: 2 }))
    .map(([thinking, text, calls]) => ({
      role: 'assistant' as const,
      parts: [...thinking, ...(text === null ? [] : [text]), ...calls],
    })),
);

/** Results in a turn of their own, never two such turns in a row: reading joins them. */
const conversations: fc.Arbitrary<readonly Turn[]> = fc
  .array(fc.tuple(turns, fc.option(fc.array(results, { minLength: 1, maxLength: 2 }))), { maxLength: 4 })
  .map((pairs) =>
    pairs.flatMap(([turn, parts]) => (parts === null ? [turn] : [turn, { role: 'user' as const, parts }])),
  );

const tools: fc.Arbitrary<Tool> = fc.oneof(
  withExtra(
    fc.record({
      kind: fc.constant('function' as const),
      name: names,
      description: fc.option(words),
      parameters: fc.option(jsonObjects),
      strict: fc.option(fc.boolean()),
    }),
  ),
  withExtra(fc.record({ kind: fc.constant('custom' as const), name: names, description: fc.option(words) })),
  fc.constant({ kind: 'opaque', of: 'openai', label: 'browser', value: { type: 'browser', depth: 2 } } as const),
);

const numbers = fc.option(fc.integer({ min: 0, max: 2000 }));

export const requests: fc.Arbitrary<ChatRequest> = fc.record({
  model: names,
  stream: fc.constant(true),
  wantsStreamUsage: fc.constant(true),
  turns: conversations,
  tools: fc.array(tools, { minLength: 1, maxLength: 3 }),
  toolChoice: fc.option(
    fc.oneof(
      fc.record({ kind: fc.constantFrom('auto' as const, 'none' as const, 'required' as const) }),
      fc.record({ kind: fc.constant('named' as const), name: names }),
      fc.record({
        kind: fc.constant('allowed' as const),
        names: fc.array(names, { minLength: 1, maxLength: 2 }),
        required: fc.boolean(),
      }),
    ),
  ),
  parallelToolCalls: fc.option(fc.boolean()),
  outputTokensMax: numbers,
  temperature: fc.option(fc.double({ min: 0, max: 2, noNaN: true }).map((value) => value + 0)),
  topP: fc.option(fc.double({ min: 0.1, max: 1, noNaN: true })),
  topK: numbers,
  stop: fc.array(words, { maxLength: 2 }),
  seed: numbers,
  choices: fc.option(fc.integer({ min: 1, max: 4 })),
  presencePenalty: numbers,
  frequencyPenalty: numbers,
  logprobs: fc.option(fc.record({ top: fc.nat({ max: 20 }) })),
  logitBias: fc.option(fc.dictionary(fc.stringMatching(/^\d{1,5}$/), fc.integer(), { noNullPrototype: true })),
  format: fc.option(
    fc.oneof(
      fc.record({ kind: fc.constantFrom('text' as const, 'json' as const) }),
      fc.record({
        kind: fc.constant('json_schema' as const),
        name: names,
        description: fc.option(words),
        schema: jsonObjects,
        strict: fc.option(fc.boolean()),
      }),
    ),
  ),
  reasoning: fc.option(
    fc
      .option(fc.constantFrom('minimal', 'low', 'medium', 'high', 'xhigh'))
      .map((effort) => ({ enabled: effort !== null, effort, budgetTokens: null, show: null })),
  ),
  user: fc.option(names),
  cacheKey: fc.option(names),
  extra: fc.dictionary(fc.stringMatching(/^x_[a-z]{1,6}$/), fc.oneof(fc.integer(), words), { noNullPrototype: true }),
  extraOf: fc.constant('openai' as const),
});

const usages: fc.Arbitrary<Usage> = fc
  .tuple(fc.nat(1000), fc.nat(100), fc.nat(100), fc.nat(1000), fc.nat(100))
  .map(([fresh, cached, written, said, reasoned]) => ({
    inputTokens: fresh + cached + written,
    cachedInputTokens: cached,
    cacheWriteTokens: written,
    outputTokens: said + reasoned,
    reasoningTokens: reasoned,
  }));

const logprobs = fc.array(
  fc.record({
    token: words,
    logprob: fc.integer({ min: -20, max: 0 }).map((value) => value + 0),
    bytes: fc.option(fc.array(fc.nat(255), { maxLength: 3 })),
    top: fc.constant([]),
  }),
  { minLength: 1, maxLength: 2 },
);

const answerText: fc.Arbitrary<TextPart> = fc.oneof(
  fc.record({ kind: fc.constant('text' as const), text: words }),
  fc.record({ kind: fc.constant('text' as const), text: words, logprobs }),
);

/** Parts in the order in which the format tells them. */
export const answerParts: fc.Arbitrary<readonly Part[]> = fc
  .tuple(fc.array(thinkingParts, { maxLength: 2 }), fc.option(answerText), fc.array(toolCalls, { maxLength: 3 }))
  .map(([thinking, text, calls]) => [...thinking, ...(text === null ? [] : [text]), ...calls]);

const refusals: fc.Arbitrary<Omit<Choice, 'index'>> = words.map((text) => ({
  parts: [{ kind: 'refusal', text }],
  finish: { reason: 'refusal', raw: 'stop' },
}));

const saidChoices: fc.Arbitrary<Omit<Choice, 'index'>> = answerParts.map((parts) => {
  const hasCall = parts.some(({ kind }) => kind === 'tool_call');
  return { parts, finish: hasCall ? { reason: 'tool_calls', raw: 'tool_calls' } : { reason: 'stop', raw: 'stop' } };
});

export const answers: fc.Arbitrary<ChatAnswer> = fc.record({
  id: ids,
  model: fc.constant('as-asked'),
  createdS: fc.nat(),
  choices: fc
    .array(fc.oneof({ weight: 9, arbitrary: saidChoices }, { weight: 1, arbitrary: refusals }), {
      minLength: 1,
      maxLength: 3,
    })
    .map((list) => list.map((choice, index) => ({ ...choice, index }))),
  usage: fc.option(usages),
  extra: fc.constantFrom({}, { system_fingerprint: 'fp_1' }),
});

/** The stream that tells an answer: choices in turn, each delta of at most three characters. */
export function eventsOf(answer: ChatAnswer): readonly AnswerEvent[] {
  const { id, model, createdS, extra } = answer;
  return [
    { type: 'start', id, model, createdS, extra },
    ...answer.choices.flatMap(partEvents),
    ...answer.choices.map(({ index, finish }): AnswerEvent => ({ type: 'finish', choice: index, finish })),
    ...(answer.usage === null ? [] : [{ type: 'usage', usage: answer.usage } as const]),
    { type: 'end' },
  ];
}

function partEvents({ index: choice, parts }: Choice): readonly AnswerEvent[] {
  return parts.flatMap((part, at): readonly AnswerEvent[] => {
    const start = startOf(part);
    if (start === null) return [];
    return [
      { type: 'open', choice, part: at, start },
      // A call's signature comes before its arguments, that of a thought after it.
      ...(part.kind === 'tool_call' ? signatureEvents(choice, part) : []),
      ...pieces(part).map((text): AnswerEvent => ({ type: 'delta', choice, text })),
      ...(part.kind === 'text' && part.logprobs !== undefined
        ? [{ type: 'logprobs', choice, logprobs: part.logprobs } as const]
        : []),
      ...(part.kind === 'thinking' ? signatureEvents(choice, part) : []),
      { type: 'close', choice },
    ];
  });
}

function startOf(part: Part): PartStart | null {
  switch (part.kind) {
    case 'tool_call':
      return {
        kind: 'tool_call',
        id: part.id,
        name: part.name,
        ...(part.custom === true && { custom: true }),
      };
    case 'text':
    case 'thinking':
    case 'refusal':
      return { kind: part.kind };
    default:
      return null;
  }
}

function signatureEvents(choice: number, part: ThinkingPart | ToolCallPart): readonly AnswerEvent[] {
  const { signature } = part;
  if (signature === undefined || signature === null) return [];
  const redacted = part.kind === 'thinking' && part.redacted === true;
  return [{ type: 'signature', choice, signature, ...(redacted && { redacted }) }];
}

function pieces(part: Part): readonly string[] {
  if (part.kind === 'tool_call') return inThrees(part.arguments);
  return 'text' in part && typeof part.text === 'string' ? inThrees(part.text) : [];
}

function inThrees(text: string): readonly string[] {
  return [...text.matchAll(/[\s\S]{1,3}/gu)].map(([piece]) => piece);
}

/**
 * One form for streams that say the same: the deltas of a part joined, choices one after the other
 * (how they are interleaved has no meaning), then the usage.
 */
export function normalForm(events: readonly AnswerEvent[]): readonly AnswerEvent[] {
  const choices = new Map<number, AnswerEvent[]>();
  for (const event of events) {
    if (!('choice' in event)) continue;
    const own = choices.get(event.choice) ?? [];
    choices.set(event.choice, own);
    const last = own.at(-1);
    if (event.type === 'delta' && last?.type === 'delta')
      own[own.length - 1] = { ...last, text: last.text + event.text };
    else own.push(event);
  }
  return [
    ...events.filter(({ type }) => type === 'start'),
    ...[...choices.values()].flat(),
    ...events.filter(({ type }) => type === 'usage').slice(-1),
    ...events.filter(({ type }) => type === 'error' || type === 'end'),
  ];
}

export function contextFor(request: ChatRequest): AnswerContext {
  return { requestId: 'req-1', model: 'as-asked', nowS: 1_700_000_000, request };
}

export const PLAIN_REQUEST: ChatRequest = {
  ...BLANK_REQUEST,
  model: 'as-asked',
  stream: true,
};
