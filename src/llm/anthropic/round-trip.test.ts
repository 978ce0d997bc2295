import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { CacheMark, ChatRequest, Part, ReasoningRequest, Tool, ToolChoice, Turn } from '../canonical.ts';
import { UNKNOWN_TRAITS } from '../model-traits.ts';
import type { JsonRecord } from '../record.ts';
import { Report } from '../report.ts';
import { anthropicClient } from './client-codec.ts';
import { anthropicProvider } from './provider-codec.ts';
import { EMPTY } from './request-fixture.ts';

const words = fc.string({ unit: 'grapheme', maxLength: 8 }).map((value) => `a${value}z`);
const cache = fc.constantFrom<{ cache?: CacheMark }>({}, {}, { cache: { ttl: '5m' } }, { cache: { ttl: '1h' } });
const callId = fc.stringMatching(/^[\w-]{1,10}$/);
const records = fc
  .dictionary(words, fc.jsonValue(), { maxKeys: 3 })
  .map((value) => JSON.parse(JSON.stringify(value)) as JsonRecord);

const text = fc.tuple(words, cache).map(([value, mark]): Part => ({ kind: 'text', text: value, ...mark }));
const media = fc.constantFrom<Part>(
  { kind: 'image', source: { kind: 'url', url: 'https://example.com/a.png' }, mediaType: null },
  { kind: 'image', source: { kind: 'base64', data: 'iVBO' }, mediaType: 'image/png', extra: { transformations: {} } },
  { kind: 'image', source: { kind: 'id', id: 'file_1', of: 'anthropic' }, mediaType: null },
  { kind: 'file', source: { kind: 'base64', data: 'JVBE' }, mediaType: 'application/pdf', filename: 'a.pdf' },
  { kind: 'file', source: { kind: 'text', text: 'plain' }, mediaType: 'text/plain', cache: { ttl: '5m' } },
  { kind: 'file', source: { kind: 'url', url: 'https://example.com/a.pdf' }, mediaType: null },
);
const opaque = fc.constant<Part>({ kind: 'opaque', of: 'anthropic', value: { type: 'search_result', source: 's' } });
const result = fc
  .tuple(callId, fc.array(fc.oneof(text, media, opaque), { maxLength: 2 }), fc.boolean(), cache)
  .map(([id, parts, isError, mark]): Part => ({ kind: 'tool_result', callId: id, parts, isError, ...mark }));
const call = fc
  .tuple(callId, callId, records, cache)
  .map(([id, name, input, mark]): Part => ({ kind: 'tool_call', id, name, arguments: JSON.stringify(input), ...mark }));
const thinking = fc.tuple(words, words, fc.boolean()).map(([value, signed, isRedacted]): Part => {
  const signature = { of: 'anthropic', value: signed } as const;
  if (isRedacted) return { kind: 'thinking', text: '', signature, redacted: true };
  return { kind: 'thinking', text: value, signature };
});

const user = fc
  .tuple(fc.array(result, { maxLength: 2 }), fc.array(fc.oneof(text, media, opaque), { minLength: 1, maxLength: 3 }))
  .map(([results, parts]): Turn => ({ role: 'user', parts: [...results, ...parts] }));
const assistant = fc
  .array(fc.oneof(text, call, thinking, opaque), { minLength: 1, maxLength: 3 })
  .map((parts): Turn => ({ role: 'assistant', parts }));
const system = fc
  .array(text, { minLength: 1, maxLength: 2 })
  .map((parts): readonly Turn[] => [{ role: 'system', parts }]);
const turns = fc
  .tuple(fc.option(system, { nil: [] }), fc.array(fc.tuple(user, assistant), { minLength: 1, maxLength: 3 }))
  .map(([first, pairs]): readonly Turn[] => [...first, ...pairs.flat()]);

const tools = fc.array(
  fc.oneof(
    fc
      .record({
        name: callId,
        description: fc.option(words),
        parameters: records.map((properties) => ({ type: 'object', properties })),
        strict: fc.option(fc.boolean()),
      })
      .map((tool): Tool => ({ kind: 'function', ...tool })),
    fc.constant<Tool>({
      kind: 'opaque',
      of: 'anthropic',
      label: 'bash',
      value: { type: 'bash_20250124', name: 'bash' },
    }),
  ),
  { minLength: 1, maxLength: 3 },
);
const choices = fc.constantFrom<ToolChoice>({ kind: 'auto' }, { kind: 'required' }, { kind: 'named', name: 'f' });
const reasonings = fc.constantFrom<ReasoningRequest | null>(
  null,
  { enabled: true, effort: 'high', budgetTokens: null, show: false },
  { enabled: true, effort: null, budgetTokens: null, show: null },
  { enabled: false, effort: null, budgetTokens: null, show: null },
);
const schema = {
  kind: 'json_schema',
  name: 'response',
  description: null,
  schema: { type: 'object' },
  strict: true,
} as const;

const requests = fc
  .record({
    turns,
    tooling: fc.option(fc.record({ tools, toolChoice: choices, parallelToolCalls: fc.option(fc.boolean()) })),
    reasoning: reasonings,
    stream: fc.boolean(),
    outputTokensMax: fc.nat({ max: 100_000 }),
    stop: fc.array(words, { maxLength: 2 }),
    user: fc.option(words),
    format: fc.constantFrom(null, schema),
    topP: fc.constantFrom(null, 0.97),
    extra: fc.constantFrom({}, { service_tier: 'auto', output_config: { task: 1 }, metadata: { more: 1 } }),
  })
  .map(({ tooling, ...rest }): ChatRequest => ({ ...NOTHING, ...rest, ...tooling }));

const NOTHING: ChatRequest = {
  ...EMPTY,
  model: 'claude',
  wantsStreamUsage: true,
  outputTokensMax: null,
  extraOf: 'anthropic',
};

function back(request: ChatRequest, report: Report): ChatRequest {
  const body = anthropicProvider.writeChat(request, { name: request.model, traits: UNKNOWN_TRAITS }, report);
  const wire = JSON.parse(JSON.stringify(body)) as JsonRecord;
  return anthropicClient.readChat(wire, { model: null, stream: false });
}

test('a request that the format can say survives writing and reading, without a warning', () => {
  fc.assert(
    fc.property(requests, (request) => {
      const report = new Report();
      expect(back(request, report)).toEqual(request);
      expect(report.warnings).toEqual([]);
    }),
    { numRuns: 300 },
  );
});

test('a budget of thinking survives where it fits', () => {
  const reasoning = { enabled: true, effort: null, budgetTokens: 2000, show: true };
  const request = { ...NOTHING, outputTokensMax: 3000, reasoning, temperature: 1 };
  expect(back(request, new Report())).toEqual(request);
});
