/** A caller's request for a chat completion (https://platform.openai.com/docs/api-reference/chat/create). */
import type { ChatRequest, OutputFormat, ReasoningRequest } from '../canonical.ts';
import type { RequestFacts } from '../codec.ts';
import type { JsonRecord } from '../record.ts';
import { isRecord, otherMembers, within } from '../record.ts';
import type { Place } from '../request-members.ts';
import {
  anyMember,
  booleanMember,
  expected,
  numberMember,
  recordMember,
  requiredRecord,
  requiredText,
  textMember,
  textsMember,
  wholeMember,
} from '../request-members.ts';
import { readMessages } from './read-messages.ts';
import { readToolChoice, readTools } from './read-tools.ts';

const KNOWN = new Set(
  (
    'model messages stream stream_options tools functions tool_choice function_call parallel_tool_calls ' +
    'max_tokens max_completion_tokens temperature top_p top_k stop seed n presence_penalty frequency_penalty ' +
    'logprobs top_logprobs logit_bias response_format reasoning_effort reasoning thinking user prompt_cache_key'
  ).split(' '),
);
const STREAM_OPTIONS = new Set(['include_usage']);

export function readChat(body: JsonRecord, facts: RequestFacts): ChatRequest {
  const place: Place = { value: body, path: '' };
  const options = recordMember(place, 'stream_options');
  const format = readFormat(place);
  return {
    model: facts.model ?? requiredText(place, 'model'),
    stream: booleanMember(place, 'stream') ?? facts.stream,
    wantsStreamUsage: options !== null && booleanMember(options, 'include_usage') === true,
    turns: readMessages(place),
    tools: readTools(place),
    toolChoice: readToolChoice(place),
    parallelToolCalls: booleanMember(place, 'parallel_tool_calls'),
    // Of both names the newer counts where both stand.
    outputTokensMax: wholeMember(place, 'max_completion_tokens') ?? wholeMember(place, 'max_tokens'),
    temperature: numberMember(place, 'temperature'),
    topP: numberMember(place, 'top_p'),
    topK: wholeMember(place, 'top_k'),
    stop: readStop(place),
    seed: wholeMember(place, 'seed'),
    choices: wholeMember(place, 'n'),
    presencePenalty: numberMember(place, 'presence_penalty'),
    frequencyPenalty: numberMember(place, 'frequency_penalty'),
    logprobs: readLogprobs(place),
    logitBias: readLogitBias(place),
    format,
    reasoning: readReasoningRequest(place),
    user: textMember(place, 'user'),
    cacheKey: textMember(place, 'prompt_cache_key'),
    extra: {
      ...otherMembers(body, KNOWN),
      ...within('stream_options', otherMembers(options?.value ?? {}, STREAM_OPTIONS)),
      // A format of another vendor, for example a grammar.
      ...(format === null && isRecord(body['response_format']) && { response_format: body['response_format'] }),
    },
    extraOf: 'openai',
    ...(isLegacy(place) && { legacyFunctions: true }),
  };
}

function isLegacy(place: Place): boolean {
  return anyMember(place, 'functions') !== undefined && anyMember(place, 'tools') === undefined;
}

function readStop(place: Place): readonly string[] {
  const stop = anyMember(place, 'stop');
  if (typeof stop === 'string') return [stop];
  if (stop !== undefined && !Array.isArray(stop)) throw expected('stop', 'a string or a list of strings');
  return textsMember(place, 'stop');
}

function readLogprobs(place: Place): ChatRequest['logprobs'] {
  const wanted = booleanMember(place, 'logprobs');
  const top = wholeMember(place, 'top_logprobs');
  return wanted === true ? { top: top ?? 0 } : null;
}

function readLogitBias(place: Place): ChatRequest['logitBias'] {
  const bias = recordMember(place, 'logit_bias');
  if (bias === null) return null;
  return Object.fromEntries(
    Object.entries(bias.value).map(([token, value]) => {
      if (typeof value !== 'number') throw expected('logit_bias', 'an object of numbers');
      return [token, value];
    }),
  );
}

/** Null also where the format is not one of OpenAI's: it then is among the extras. */
function readFormat(place: Place): OutputFormat | null {
  const format = recordMember(place, 'response_format');
  if (format === null) return null;
  switch (requiredText(format, 'type')) {
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

function readSchemaFormat(format: Place): OutputFormat {
  const schema = requiredRecord(format, 'json_schema');
  return {
    kind: 'json_schema',
    name: requiredText(schema, 'name'),
    description: textMember(schema, 'description'),
    schema: recordMember(schema, 'schema')?.value ?? {},
    strict: booleanMember(schema, 'strict'),
  };
}

/** OpenAI's `reasoning_effort`, OpenRouter's `reasoning`, or `thinking` as Anthropic and DeepSeek have it. */
function readReasoningRequest(place: Place): ReasoningRequest | null {
  const effort = textMember(place, 'reasoning_effort');
  const reasoning = recordMember(place, 'reasoning');
  const thinking = recordMember(place, 'thinking');
  if (reasoning !== null) return readUnified(reasoning, effort);
  if (thinking !== null) return readThinking(thinking, effort);
  return effort === null ? null : byEffort(effort);
}

function byEffort(effort: string): ReasoningRequest {
  const enabled = effort !== 'none';
  return { enabled, effort: enabled ? effort : null, budgetTokens: null, show: null };
}

/** https://openrouter.ai/docs/guides/best-practices/reasoning-tokens */
function readUnified(reasoning: Place, otherEffort: string | null): ReasoningRequest {
  const effort = textMember(reasoning, 'effort') ?? otherEffort;
  const budget = wholeMember(reasoning, 'max_tokens');
  const enabled = booleanMember(reasoning, 'enabled') !== false && effort !== 'none';
  const hidden = booleanMember(reasoning, 'exclude') === true;
  return {
    enabled,
    effort: enabled ? effort : null,
    budgetTokens: enabled && effort === null ? budget : null,
    show: hidden ? false : null,
  };
}

function readThinking(thinking: Place, effort: string | null): ReasoningRequest {
  const enabled = requiredText(thinking, 'type') !== 'disabled';
  const budget = wholeMember(thinking, 'budget_tokens');
  return {
    enabled,
    effort: enabled && effort !== 'none' ? effort : null,
    budgetTokens: enabled && effort === null ? budget : null,
    show: null,
  };
}
