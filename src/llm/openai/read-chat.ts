/** A caller's request for a chat completion (https://platform.openai.com/docs/api-reference/chat/create). */
import type { ChatRequest, OutputFormat, ReasoningRequest } from '../canonical.ts';
import type { RequestFacts } from '../codec.ts';
import type { JsonRecord } from '../record.ts';
import { isRecord } from '../record.ts';
import { readMessages } from './read-messages.ts';
import { readToolChoice, readTools } from './read-tools.ts';
import {
  expected,
  isAbsent,
  member,
  nestedOthers,
  optionalCount,
  optionalFlag,
  optionalList,
  optionalNumber,
  optionalRecord,
  optionalText,
  othersOf,
  requiredRecord,
  requiredText,
} from './request-fields.ts';

const KNOWN = new Set(
  (
    'model messages stream stream_options tools functions tool_choice function_call parallel_tool_calls ' +
    'max_tokens max_completion_tokens temperature top_p top_k stop seed n presence_penalty frequency_penalty ' +
    'logprobs top_logprobs logit_bias response_format reasoning_effort reasoning thinking user prompt_cache_key'
  ).split(' '),
);
const STREAM_OPTIONS = new Set(['include_usage']);

export function readChat(body: JsonRecord, facts: RequestFacts): ChatRequest {
  const options = optionalRecord(member(body, 'stream_options'));
  const format = readFormat(body);
  return {
    model: facts.model ?? requiredText(member(body, 'model')),
    stream: optionalFlag(member(body, 'stream')) ?? facts.stream,
    wantsStreamUsage: options !== null && optionalFlag(member(options, 'include_usage', 'stream_options')) === true,
    turns: readMessages(member(body, 'messages')),
    tools: readTools(body),
    toolChoice: readToolChoice(body),
    parallelToolCalls: optionalFlag(member(body, 'parallel_tool_calls')),
    // Of both names the newer counts where both stand.
    outputTokensMax: optionalCount(member(body, 'max_completion_tokens')) ?? optionalCount(member(body, 'max_tokens')),
    temperature: optionalNumber(member(body, 'temperature')),
    topP: optionalNumber(member(body, 'top_p')),
    topK: optionalCount(member(body, 'top_k')),
    stop: readStop(body),
    seed: optionalCount(member(body, 'seed')),
    choices: optionalCount(member(body, 'n')),
    presencePenalty: optionalNumber(member(body, 'presence_penalty')),
    frequencyPenalty: optionalNumber(member(body, 'frequency_penalty')),
    logprobs: readLogprobs(body),
    logitBias: readLogitBias(body),
    format,
    reasoning: readReasoningRequest(body),
    user: optionalText(member(body, 'user')),
    cacheKey: optionalText(member(body, 'prompt_cache_key')),
    extra: {
      ...othersOf(body, KNOWN),
      ...(options !== null && nestedOthers('stream_options', options, STREAM_OPTIONS)),
      // A format of another vendor, for example a grammar.
      ...(format === null && isRecord(body['response_format']) && { response_format: body['response_format'] }),
    },
    extraOf: 'openai',
    ...(isLegacy(body) && { legacyFunctions: true }),
  };
}

function isLegacy(body: JsonRecord): boolean {
  return !isAbsent(body['functions']) && isAbsent(body['tools']);
}

function readStop(body: JsonRecord): readonly string[] {
  const field = member(body, 'stop');
  if (typeof field.value === 'string') return [field.value];
  if (!isAbsent(field.value) && !Array.isArray(field.value)) throw expected('stop', 'a string or a list of strings');
  return optionalList(field).map(requiredText);
}

function readLogprobs(body: JsonRecord): ChatRequest['logprobs'] {
  const wanted = optionalFlag(member(body, 'logprobs'));
  const top = optionalCount(member(body, 'top_logprobs'));
  return wanted === true ? { top: top ?? 0 } : null;
}

function readLogitBias(body: JsonRecord): ChatRequest['logitBias'] {
  const bias = optionalRecord(member(body, 'logit_bias'));
  if (bias === null) return null;
  return Object.fromEntries(
    Object.entries(bias).map(([token, value]) => {
      if (typeof value !== 'number') throw expected('logit_bias', 'an object of numbers');
      return [token, value];
    }),
  );
}

/** Null also where the format is not one of OpenAI's: it then is among the extras. */
function readFormat(body: JsonRecord): OutputFormat | null {
  const format = optionalRecord(member(body, 'response_format'));
  if (format === null) return null;
  switch (requiredText(member(format, 'type', 'response_format'))) {
    case 'text':
      return { kind: 'text' };
    case 'json_object':
      return { kind: 'json' };
    case 'json_schema':
      return readSchemaFormat(format);
    default:
      return null;
  }
}

function readSchemaFormat(format: JsonRecord): OutputFormat {
  const path = 'response_format.json_schema';
  const schema = requiredRecord(member(format, 'json_schema', 'response_format'));
  return {
    kind: 'json_schema',
    name: requiredText(member(schema, 'name', path)),
    description: optionalText(member(schema, 'description', path)),
    schema: optionalRecord(member(schema, 'schema', path)) ?? {},
    strict: optionalFlag(member(schema, 'strict', path)),
  };
}

/** OpenAI's `reasoning_effort`, OpenRouter's `reasoning`, or `thinking` as Anthropic and DeepSeek have it. */
function readReasoningRequest(body: JsonRecord): ReasoningRequest | null {
  const effort = optionalText(member(body, 'reasoning_effort'));
  const reasoning = optionalRecord(member(body, 'reasoning'));
  const thinking = optionalRecord(member(body, 'thinking'));
  if (reasoning !== null) return readUnified(reasoning, effort);
  if (thinking !== null) return readThinking(thinking, effort);
  return effort === null ? null : byEffort(effort);
}

function byEffort(effort: string): ReasoningRequest {
  const enabled = effort !== 'none';
  return { enabled, effort: enabled ? effort : null, budgetTokens: null, show: null };
}

/** https://openrouter.ai/docs/guides/best-practices/reasoning-tokens */
function readUnified(reasoning: JsonRecord, otherEffort: string | null): ReasoningRequest {
  const effort = optionalText(member(reasoning, 'effort', 'reasoning')) ?? otherEffort;
  const budget = optionalCount(member(reasoning, 'max_tokens', 'reasoning'));
  const enabled = optionalFlag(member(reasoning, 'enabled', 'reasoning')) !== false && effort !== 'none';
  const hidden = optionalFlag(member(reasoning, 'exclude', 'reasoning')) === true;
  return {
    enabled,
    effort: enabled ? effort : null,
    budgetTokens: enabled && effort === null ? budget : null,
    show: hidden ? false : null,
  };
}

function readThinking(thinking: JsonRecord, effort: string | null): ReasoningRequest {
  const enabled = requiredText(member(thinking, 'type', 'thinking')) !== 'disabled';
  const budget = optionalCount(member(thinking, 'budget_tokens', 'thinking'));
  return {
    enabled,
    effort: enabled && effort !== 'none' ? effort : null,
    budgetTokens: enabled && effort === null ? budget : null,
    show: null,
  };
}
