/** A request as a provider of this dialect takes it. */
import type { ChatRequest, OutputFormat } from '../canonical.ts';
import type { TargetModel } from '../codec.ts';
import type { JsonRecord } from '../record.ts';
import { recordOf } from '../record.ts';
import type { Report } from '../report.ts';
import type { ChatVariant } from './chat-variant.ts';
import { Writing } from './chat-variant.ts';
import { fitCacheKey, fitUser } from './keys.ts';
import { writeMessages } from './write-messages.ts';
import { described, writeStrict, writeTools } from './write-tools.ts';

export function writeChat(request: ChatRequest, target: TargetModel, variant: ChatVariant, report: Report): JsonRecord {
  const writing = new Writing(request, target, variant, report);
  const extra = writing.extras(request.extra);
  return {
    ...extra,
    model: target.name,
    messages: writeMessages(writing),
    ...writeStream(writing, extra),
    ...writeTools(writing),
    ...writeLimits(writing),
    ...writeSampling(writing),
    ...writeFormat(request.format, writing),
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

function writeFormat(format: OutputFormat | null, writing: Writing): JsonRecord {
  if (format === null) return {};
  switch (format.kind) {
    case 'text':
      return { response_format: { type: 'text' } };
    case 'json':
      return { response_format: { type: 'json_object' } };
    case 'json_schema':
      if (writing.target.traits.structuredOutput === false) {
        writing.report.approximated('response_format', 'the model answers in JSON, but is held to no schema');
        return { response_format: { type: 'json_object' } };
      }
      return {
        response_format: {
          type: 'json_schema',
          json_schema: {
            name: fitName(format.name),
            ...described(format.description),
            schema: format.schema,
            ...writeStrict(format.strict, format.schema, writing, 'response_format.json_schema.strict'),
          },
        },
      };
  }
}

/** Letters, digits, `_` and `-`, at most 64. */
function fitName(name: string): string {
  return name.replaceAll(/[^\w-]/g, '_').slice(0, 64) || 'answer';
}

function writeReasoning({ request: { reasoning }, target: { traits }, variant, report }: Writing): JsonRecord {
  if (reasoning === null) return {};
  const takesEffort = variant.effortUnasked ? traits.reasoning !== false : traits.reasoningStyle === 'effort';
  if (!reasoning.enabled) return takesEffort ? { reasoning_effort: 'none' } : {};
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
