/** `generationConfig`. */
import type { ChatRequest, OutputFormat } from '../canonical.ts';
import type { TargetModel } from '../codec.ts';
import type { JsonRecord } from '../record.ts';
import { isRecord, recordOf, within } from '../record.ts';
import type { Report } from '../report.ts';
import { googleSchemaOf } from './schema.ts';
import { writeReasoning } from './write-reasoning.ts';

/** Google's bound (https://ai.google.dev/api/generate-content#GenerationConfig). */
const STOPS_MAX = 5;

/** The members that the request asks for. */
export function writeConfig(request: ChatRequest, target: TargetModel, report: Report): JsonRecord {
  tellMissing(request, report);
  const { logprobs, format, reasoning } = request;
  return {
    ...present('maxOutputTokens', request.outputTokensMax),
    ...writeSampling(request, target, report),
    ...present('topK', request.topK),
    ...writeStops(request, report),
    ...present('seed', request.seed),
    ...present('candidateCount', request.choices),
    ...present('presencePenalty', request.presencePenalty),
    ...present('frequencyPenalty', request.frequencyPenalty),
    ...(logprobs === null ? {} : { responseLogprobs: true }),
    ...(logprobs === null || logprobs.top === 0 ? {} : { logprobs: logprobs.top }),
    ...(format === null ? {} : writeFormat(format, target, report)),
    ...within('thinkingConfig', reasoning === null ? {} : writeReasoning(reasoning, target, report)),
  };
}

function present(name: string, value: number | null): JsonRecord {
  return value === null ? {} : { [name]: value };
}

function tellMissing(request: ChatRequest, report: Report): void {
  if (request.logitBias !== null) report.dropped('logit_bias', 'the provider has no such setting');
  if (request.user !== null) report.dropped('user', 'the provider takes no end users');
  if (request.parallelToolCalls === false)
    report.dropped('parallel_tool_calls', 'the provider cannot be kept from several calls at once');
}

function writeSampling(request: ChatRequest, { traits }: TargetModel, report: Report): JsonRecord {
  const { temperature, topP } = request;
  if (traits.sampling !== false) return { ...present('temperature', temperature), ...present('topP', topP) };
  if (temperature !== null) report.dropped('temperature', 'the model takes none');
  if (topP !== null) report.dropped('top_p', 'the model takes none');
  return {};
}

function writeStops({ stop }: ChatRequest, report: Report): JsonRecord {
  if (stop.length === 0) return {};
  if (stop.length > STOPS_MAX) report.dropped('stop', `the provider takes ${STOPS_MAX} stop strings at most`);
  return { stopSequences: stop.slice(0, STOPS_MAX) };
}

/**
 * `responseJsonSchema` takes JSON Schema on every model that is still served (Gemini 2.5 and later,
 * https://ai.google.dev/gemini-api/docs/structured-output); a model that is known not to keep to
 * schemas gets the older form, which is checked less.
 */
function writeFormat(format: OutputFormat, { traits }: TargetModel, report: Report): JsonRecord {
  if (format.kind === 'text') return { responseMimeType: 'text/plain' };
  if (format.kind === 'json') return { responseMimeType: 'application/json' };
  const lost = new Set<string>();
  const described =
    format.description === null || format.schema['description'] !== undefined
      ? format.schema
      : { ...format.schema, description: format.description };
  const schema =
    traits.structuredOutput === false
      ? { responseSchema: googleSchemaOf(described, (keyword) => lost.add(keyword)) }
      : { responseJsonSchema: described };
  if (traits.structuredOutput !== false) findIgnored(described, lost);
  if (lost.size > 0)
    report.approximated('response_format.json_schema.schema', `the provider ignores ${[...lost].join(', ')}`);
  return { responseMimeType: 'application/json', ...schema };
}

/** What Google says that it reads of a `responseJsonSchema`; it takes the rest, and ignores it. */
const READ = new Set([
  ...['$id', '$defs', '$ref', '$anchor', '$schema', 'type', 'format', 'title', 'description', 'enum', 'items'],
  ...['prefixItems', 'minItems', 'maxItems', 'minimum', 'maximum', 'anyOf', 'oneOf', 'properties'],
  ...['additionalProperties', 'required', 'propertyOrdering'],
]);
const NAMED = new Set(['properties', '$defs']);

function findIgnored(schema: unknown, ignored: Set<string>): void {
  if (Array.isArray(schema)) for (const each of schema) findIgnored(each, ignored);
  if (!isRecord(schema)) return;
  for (const [name, value] of Object.entries(schema)) {
    if (!READ.has(name)) ignored.add(name);
    else if (NAMED.has(name)) findIgnored(Object.values(recordOf(value)), ignored);
    else if (name !== 'enum') findIgnored(value, ignored);
  }
}
