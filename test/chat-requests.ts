/** Requests in the form between the dialects, of all that callers can say, for tests of writers. */
import { BLANK_REQUEST } from '../src/llm/request-fixture.ts';
import * as fc from 'fast-check';
import type { ChatRequest, Part, Tool, Turn } from '../src/llm/canonical.ts';
import type { ProviderCodec } from '../src/llm/codec.ts';
import type { ModelTraits } from '../src/llm/model-traits.ts';
import { UNKNOWN_TRAITS } from '../src/llm/model-traits.ts';
import type { JsonRecord } from '../src/llm/record.ts';
import { Report } from '../src/llm/report.ts';

/** A request that asks for nothing special. */
export const PLAIN_REQUEST: ChatRequest = {
  ...BLANK_REQUEST,
  wantsStreamUsage: false,
  turns: [{ role: 'user', parts: [{ kind: 'text', text: 'Hello' }] }],
};

export interface Written {
  readonly body: JsonRecord;
  /** For example `dropped seed`. */
  readonly warnings: readonly string[];
}

/** What a codec makes of a request for a model of this name. */
export function written(
  codec: ProviderCodec,
  name: string,
  request: Partial<ChatRequest>,
  traits: Partial<ModelTraits> = {},
): Written {
  const report = new Report();
  const target = { name, traits: { ...UNKNOWN_TRAITS, ...traits } };
  const body = codec.writeChat({ ...PLAIN_REQUEST, ...request }, target, report);
  return { body, warnings: report.warnings.map(({ kind, field }) => `${kind} ${field}`) };
}

const word = fc.constantFrom('', ' ', 'a', 'look', 'é😀', '__proto__', '{"a":1}');
const extra = fc.dictionary(word, fc.jsonValue({ maxDepth: 1 }), { maxKeys: 2 });
const dialect = fc.constantFrom(
  'openai' as const,
  'anthropic' as const,
  'gemini' as const,
  'bedrock' as const,
  'cohere' as const,
);
const signature = fc.record({ of: dialect, value: word });
const base = { cache: fc.record({ ttl: fc.constantFrom('5m' as const, '1h' as const) }), extra };

const source = fc.oneof(
  fc.record({
    kind: fc.constant('url' as const),
    url: fc.constantFrom('https://example.com/a.png', 's3://b/a.pdf', ''),
  }),
  fc.record({ kind: fc.constant('base64' as const), data: fc.constantFrom('iVBORw0KGgo=', 'JVBERi0=', 'AAAA', '') }),
  fc.record({ kind: fc.constant('id' as const), id: word, of: dialect }),
  fc.record({ kind: fc.constant('text' as const), text: word }),
);

const flat: fc.Arbitrary<Part> = fc.oneof(
  fc.record({ kind: fc.constant('text' as const), text: word, signature, ...base }, { requiredKeys: ['kind', 'text'] }),
  fc.record({ kind: fc.constant('refusal' as const), text: word }),
  fc.record(
    {
      kind: fc.constantFrom('image' as const, 'file' as const, 'audio' as const, 'video' as const),
      source,
      mediaType: fc.constantFrom(null, 'image/png', 'application/pdf', 'text/plain', 'video/mp4', 'audio/mpeg', 'x/y'),
      filename: fc.constantFrom('a.pdf', 'b c.txt', 'é'),
      detail: fc.constantFrom('low', 'auto'),
      ...base,
    },
    { requiredKeys: ['kind', 'source', 'mediaType'] },
  ),
  fc.record({ kind: fc.constant('thinking' as const), text: word, signature: fc.option(signature) }),
  fc.record(
    {
      kind: fc.constant('tool_call' as const),
      id: word,
      name: word,
      arguments: word,
      custom: fc.boolean(),
      signature,
      ...base,
    },
    { requiredKeys: ['kind', 'id', 'name', 'arguments'] },
  ),
  fc.record({ kind: fc.constant('opaque' as const), of: dialect, value: extra }),
);

const part: fc.Arbitrary<Part> = fc.oneof(
  { weight: 4, arbitrary: flat },
  fc.record(
    {
      kind: fc.constant('tool_result' as const),
      callId: word,
      name: word,
      parts: fc.array(flat, { maxLength: 3 }),
      isError: fc.boolean(),
      ...base,
    },
    { requiredKeys: ['kind', 'callId', 'parts', 'isError'] },
  ),
);

const turn: fc.Arbitrary<Turn> = fc.record(
  {
    role: fc.constantFrom('system' as const, 'developer' as const, 'user' as const, 'assistant' as const),
    parts: fc.array(part, { maxLength: 4 }),
    name: word,
    extra,
  },
  { requiredKeys: ['role', 'parts'] },
);

const tool: fc.Arbitrary<Tool> = fc.oneof(
  fc.record(
    {
      kind: fc.constant('function' as const),
      name: word,
      description: fc.option(word),
      parameters: fc.option(extra),
      strict: fc.option(fc.boolean()),
      ...base,
    },
    { requiredKeys: ['kind', 'name', 'description', 'parameters', 'strict'] },
  ),
  fc.record({ kind: fc.constant('custom' as const), name: word, description: fc.option(word) }),
  fc.record({ kind: fc.constant('opaque' as const), of: dialect, label: word, value: extra }),
);

const number = fc.option(fc.constantFrom(0, 0.5, 1, 2, 100));

/** Any request at all. */
export const chatRequest: fc.Arbitrary<ChatRequest> = fc.record({
  model: word,
  stream: fc.boolean(),
  wantsStreamUsage: fc.boolean(),
  turns: fc.array(turn, { maxLength: 5 }),
  tools: fc.array(tool, { maxLength: 3 }),
  toolChoice: fc.option(
    fc.oneof(
      fc.record({ kind: fc.constantFrom('auto' as const, 'none' as const, 'required' as const) }),
      fc.record({ kind: fc.constant('named' as const), name: word }),
      fc.record({
        kind: fc.constant('allowed' as const),
        names: fc.array(word, { maxLength: 2 }),
        required: fc.boolean(),
      }),
    ),
  ),
  parallelToolCalls: fc.option(fc.boolean()),
  outputTokensMax: fc.option(fc.constantFrom(1, 1024, 4096)),
  temperature: number,
  topP: number,
  topK: number,
  stop: fc.array(word, { maxLength: 2 }),
  seed: number,
  choices: fc.option(fc.integer({ min: 1, max: 3 })),
  presencePenalty: number,
  frequencyPenalty: number,
  logprobs: fc.option(fc.record({ top: fc.nat({ max: 3 }) })),
  logitBias: fc.option(fc.dictionary(word, fc.integer(), { maxKeys: 2 })),
  format: fc.option(
    fc.oneof(
      fc.record({ kind: fc.constantFrom('text' as const, 'json' as const) }),
      fc.record({
        kind: fc.constant('json_schema' as const),
        name: word,
        description: fc.option(word),
        schema: fc.oneof(extra, fc.constant({ type: 'object' })),
        strict: fc.option(fc.boolean()),
      }),
    ),
  ),
  reasoning: fc.option(
    fc.record({
      enabled: fc.boolean(),
      effort: fc.option(fc.constantFrom('minimal', 'high', 'new')),
      budgetTokens: fc.option(fc.constantFrom(0, 1024, 5000)),
      show: fc.option(fc.boolean()),
    }),
  ),
  user: fc.option(word),
  cacheKey: fc.option(word),
  extra,
  extraOf: dialect,
});
