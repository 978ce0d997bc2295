/** A request as a provider of this dialect takes it. */
import type { ChatRequest, OutputFormat } from '../canonical.ts';
import type { TargetModel } from '../codec.ts';
import { formatInstruction, speaksOfJson } from '../format-instruction.ts';
import { isObjectSchema } from '../json-tool.ts';
import type { JsonRecord } from '../record.ts';
import { recordOf } from '../record.ts';
import type { Report } from '../report.ts';
import type { ChatVariant } from './chat-variant.ts';
import { Writing } from './chat-variant.ts';
import { fitCacheKey, fitUser } from './keys.ts';
import { fitName, strictMember } from './strict-schema.ts';
import { writeMessages } from './write-messages.ts';
import { described, writeTools } from './write-tools.ts';

export function writeChat(request: ChatRequest, target: TargetModel, variant: ChatVariant, report: Report): JsonRecord {
  const writing = new Writing(request, target, variant, report);
  const extra = writing.extras(request.extra);
  const format = writeFormat(writing);
  return {
    ...extra,
    model: target.name,
    messages: withInstruction(writeMessages(writing), format.instruction),
    ...writeStream(writing, extra),
    ...writeTools(writing),
    ...writeLimits(writing),
    ...writeSampling(writing),
    ...format.members,
    ...writeReasoning(writing),
    ...writeUser(writing),
  };
}

/** Usage is asked for always: the ledger needs it, also where the caller does not. */
function writeStream({ request, variant }: Writing, extra: JsonRecord): JsonRecord {
  if (!request.stream) return {};
  if (!variant.asksStreamUsage) return { stream: true };
  return { stream: true, stream_options: { ...recordOf(extra['stream_options']), include_usage: true } };
}

function writeLimits({ request, variant, target }: Writing): JsonRecord {
  const { outputTokensMax, stop, choices } = request;
  const byTraits = target.traits.reasoning === true ? 'max_completion_tokens' : 'max_tokens';
  return {
    ...(outputTokensMax !== null && { [variant.maxTokensField ?? byTraits]: outputTokensMax }),
    ...(stop.length > 0 && { stop }),
    ...(choices !== null && { n: choices }),
  };
}

/** Reasoning models of OpenAI refuse all of these (https://platform.openai.com/docs/guides/reasoning). */
function writeSampling(writing: Writing): JsonRecord {
  const { request, variant, target } = writing;
  const fixed = target.traits.sampling === false ? 'the model samples in its own way' : null;
  return {
    ...writeOne(writing, 'temperature', 'temperature', request.temperature, fixed),
    ...writeOne(writing, 'topP', 'top_p', request.topP, fixed),
    ...writeTopK(writing),
    ...writeOne(writing, 'presencePenalty', 'presence_penalty', request.presencePenalty, fixed),
    ...writeOne(writing, 'frequencyPenalty', 'frequency_penalty', request.frequencyPenalty, fixed),
    ...writeOne(writing, 'seed', variant.seedField, request.seed, null),
    ...writeOne(writing, 'logitBias', 'logit_bias', request.logitBias, fixed),
    ...writeLogprobs(writing, fixed),
  };
}

/** One member, or a report that it does not go. */
function writeOne(
  { variant, report }: Writing,
  field: keyof ChatRequest,
  name: string,
  value: unknown,
  refusal: string | null,
): JsonRecord {
  if (value === null) return {};
  const reason = variant.lacks.has(field) ? 'the provider has no such member' : refusal;
  if (reason === null) return { [name]: value };
  report.dropped(name === 'random_seed' ? 'seed' : name, reason);
  return {};
}

/** Not OpenAI's, but of many vendors that speak its dialect: it goes where the caller meant one of them. */
function writeTopK(writing: Writing): JsonRecord {
  const refusal = writing.isOwnDialect ? null : 'the provider has no such member';
  return writeOne(writing, 'topK', 'top_k', writing.request.topK, refusal);
}

function writeLogprobs(writing: Writing, refusal: string | null): JsonRecord {
  const { logprobs } = writing.request;
  if (logprobs === null) return {};
  const asked = writeOne(writing, 'logprobs', 'logprobs', true, refusal);
  return Object.keys(asked).length > 0 && logprobs.top > 0 ? { ...asked, top_logprobs: logprobs.top } : asked;
}

/** The format as a setting, and what stands in the instructions for what the setting cannot say. */
interface FormatPlan {
  readonly members: JsonRecord;
  readonly instruction: string | null;
}

function writeFormat(writing: Writing): FormatPlan {
  const { request, target, report } = writing;
  const { format } = request;
  if (format === null) return { members: {}, instruction: null };
  if (format.kind === 'text') return plain({ type: 'text' });
  const inWords = (members: JsonRecord, reason: string): FormatPlan => {
    report.approximated('response_format', reason);
    return { members, instruction: formatInstruction(format) };
  };
  const json = { response_format: { type: 'json_object' } };
  if (format.kind === 'json')
    return writing.isOwnDialect || speaksOfJson(request.turns)
      ? plain({ type: 'json_object' })
      : inWords(json, 'the format is asked for in the instructions, too');
  const isObject = isObjectSchema(format.schema);
  if (target.traits.structuredOutput === false)
    return inWords(isObject ? json : {}, 'the model is told the schema, but not held to it');
  // OpenAI takes no other; who speaks its dialect is told so by it.
  if (!isObject && request.extraOf !== 'openai' && request.extraOf !== 'openai-responses')
    return inWords({}, 'the provider takes schemas of objects only: this one stands in the instructions');
  return plain({ type: 'json_schema', json_schema: writeSchema(format, writing) });
}

function plain(response_format: JsonRecord): FormatPlan {
  return { members: { response_format }, instruction: null };
}

function writeSchema({ name, description, schema, strict }: SchemaFormat, writing: Writing): JsonRecord {
  const path = 'response_format.json_schema.strict';
  return {
    name: fitName(name),
    ...described(description),
    schema,
    ...strictMember(strict, schema, writing.isOwnDialect, path, writing.report),
  };
}

type SchemaFormat = Extract<OutputFormat, { readonly kind: 'json_schema' }>;

/** After the instructions that lead. */
function withInstruction(messages: readonly JsonRecord[], instruction: string | null): readonly JsonRecord[] {
  if (instruction === null) return messages;
  const first = messages.findIndex(({ role }) => role !== 'system' && role !== 'developer');
  const at = first < 0 ? messages.length : first;
  return messages.toSpliced(at, 0, { role: 'system', content: instruction });
}

function writeReasoning(writing: Writing): JsonRecord {
  const { reasoning } = writing.request;
  const { traits } = writing.target;
  const { variant, report } = writing;
  if (reasoning === null) return {};
  const takesEffort = variant.effortUnasked ? traits.reasoning !== false : traits.reasoningStyle === 'effort';
  if (!reasoning.enabled) return writeReasoningOff(writing, takesEffort);
  if (!takesEffort) {
    // A model that reasons anyway does what was asked, though not how much.
    if (traits.reasoning === true)
      report.approximated('reasoning_effort', 'the model decides itself how much it reasons');
    else report.dropped('reasoning_effort', 'the model is not known to reason');
    return {};
  }
  if (reasoning.summary !== undefined) report.dropped('reasoning.summary', 'this format has no summaries');
  if (reasoning.effort !== null) return { reasoning_effort: reasoning.effort };
  if (reasoning.budgetTokens === null) return { reasoning_effort: 'medium' };
  report.approximated('reasoning.max_tokens', 'the provider takes an effort, not a number of tokens');
  return { reasoning_effort: effortFor(reasoning.budgetTokens) };
}

/** Models that do not reason refuse any effort, `none` too: it goes to those that are known to, or as the caller wrote it. */
function writeReasoningOff({ target: { traits }, report, isOwnDialect }: Writing, takesEffort: boolean): JsonRecord {
  if (takesEffort && (traits.reasoning === true || isOwnDialect)) return { reasoning_effort: 'none' };
  if (traits.reasoning !== false) report.dropped('reasoning', 'that this model is not to reason cannot be told');
  return {};
}

/** 1,024 is the least that budgets begin with, 4,096 and 16,384 the steps that coding agents ask for. */
function effortFor(budgetTokens: number): string {
  if (budgetTokens < 4096) return 'low';
  return budgetTokens < 16_384 ? 'medium' : 'high';
}

/** The key says nothing to vendors that keep no prompts by it, and some of them refuse what they do not know. */
function writeUser(writing: Writing): JsonRecord {
  const { request, variant, report, isOwnDialect } = writing;
  const user = request.user === null || isOwnDialect ? request.user : fitUser(request.user, report);
  return {
    ...writeOne(writing, 'user', 'user', user, null),
    ...(request.cacheKey !== null &&
      (isOwnDialect || variant.cacheKeys) && { prompt_cache_key: fitCacheKey(request.cacheKey) }),
  };
}
