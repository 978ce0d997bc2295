/** A client's request (https://docs.claude.com/en/api/messages). */
import type { ChatRequest, OutputFormat, ReasoningRequest, Turn } from '../canonical.ts';
import type { RequestFacts } from '../codec.ts';
import { RequestFault } from '../faults.ts';
import type { JsonRecord } from '../record.ts';
import { otherMembers, within } from '../record.ts';
import type { Place } from '../request-members.ts';
import {
  anyMember,
  booleanMember,
  countMember,
  expected,
  extraMember,
  numberMember,
  recordMember,
  requiredRecord,
  requiredRecords,
  requiredText,
  textMember,
  textsMember,
} from '../request-members.ts';
import { readContent } from './read-blocks.ts';
import { readToolChoice, readTools } from './read-tools.ts';

const KNOWN = new Set([
  'model',
  'max_tokens',
  'messages',
  'system',
  'stream',
  'stop_sequences',
  'temperature',
  'top_p',
  'top_k',
  'tools',
  'tool_choice',
  'thinking',
  'output_config',
  'metadata',
]);
const MESSAGE = new Set(['role', 'content']);
const METADATA = new Set(['user_id']);

/** `max_tokens` may be missing: a question for the number of tokens has none. */
export function readChat(body: JsonRecord, facts: RequestFacts): ChatRequest {
  const place: Place = { value: body, path: '' };
  const config = recordMember(place, 'output_config');
  const thinking = recordMember(place, 'thinking');
  const metadata = recordMember(place, 'metadata');
  return {
    model: facts.model ?? requiredText(place, 'model'),
    stream: facts.stream || booleanMember(place, 'stream') === true,
    wantsStreamUsage: true,
    turns: [...readSystem(place), ...requiredRecords(place, 'messages', readMessage)],
    tools: readTools(place),
    ...readToolChoice(place),
    outputTokensMax: countMember(place, 'max_tokens'),
    temperature: numberMember(place, 'temperature'),
    topP: numberMember(place, 'top_p'),
    topK: numberMember(place, 'top_k'),
    stop: textsMember(place, 'stop_sequences'),
    seed: null,
    choices: null,
    presencePenalty: null,
    frequencyPenalty: null,
    logprobs: null,
    logitBias: null,
    format: config === null ? null : readFormat(config),
    reasoning: readReasoning(thinking, config),
    user: metadata === null ? null : textMember(metadata, 'user_id'),
    cacheKey: null,
    extra: readExtra(place, { config, thinking, metadata }),
    extraOf: 'anthropic',
  };
}

function readSystem(place: Place): readonly Turn[] {
  if (anyMember(place, 'system') === undefined) return [];
  return [{ role: 'system', parts: readContent(place, 'system') }];
}

function readMessage(place: Place): Turn {
  const role = textMember(place, 'role');
  if (role !== 'user' && role !== 'assistant' && role !== 'system')
    throw expected(`${place.path}.role`, 'user, assistant or system');
  const parts = readContent(place);
  const isResult = (kind: string): boolean => kind === 'tool_result';
  if (role !== 'user' && parts.some(({ kind }) => isResult(kind)))
    throw new RequestFault(`${place.path}.content`, 'A tool_result block belongs into a user message.');
  return {
    role,
    // Results stand first in every turn; the API asks clients for the same.
    parts: [...parts.filter(({ kind }) => isResult(kind)), ...parts.filter(({ kind }) => !isResult(kind))],
    ...extraMember(otherMembers(place.value, MESSAGE)),
  };
}

/** `output_config.format`. */
function readFormat(config: Place): OutputFormat | null {
  const format = recordMember(config, 'format');
  if (format === null) return null;
  if (format.value['type'] !== 'json_schema') throw expected(`${format.path}.type`, 'json_schema');
  const schema = requiredRecord(format, 'schema').value;
  // The format has no name for it, and always keeps to the schema.
  return { kind: 'json_schema', name: 'response', description: null, schema, strict: true };
}

const THINKING_TYPES: ReadonlySet<unknown> = new Set(['enabled', 'adaptive', 'disabled']);

/** An effort without `thinking` is a wish for reasoning as well: models think by default by now. */
function readReasoning(thinking: Place | null, config: Place | null): ReasoningRequest | null {
  const effort = config === null ? null : textMember(config, 'effort');
  const type = thinking?.value['type'];
  if (thinking === null || !THINKING_TYPES.has(type))
    return effort === null ? null : { enabled: true, effort, budgetTokens: null, show: null };
  const display = textMember(thinking, 'display');
  const budgetTokens = type === 'enabled' ? countMember(thinking, 'budget_tokens') : null;
  return {
    enabled: type !== 'disabled',
    // At most one of both: the budget is what the caller said more exactly.
    effort: budgetTokens === null ? effort : null,
    budgetTokens,
    show: display === null ? null : display !== 'omitted',
  };
}

interface Nested {
  readonly config: Place | null;
  readonly thinking: Place | null;
  readonly metadata: Place | null;
}

/** What no field stands for, members of members included. */
function readExtra(place: Place, { config, thinking, metadata }: Nested): JsonRecord {
  const effortIsKept = thinking?.value['type'] === 'enabled' && typeof thinking.value['budget_tokens'] === 'number';
  const ofConfig = otherMembers(config?.value ?? {}, new Set(effortIsKept ? ['format'] : ['format', 'effort']));
  const isKnownThinking = thinking === null || THINKING_TYPES.has(thinking.value['type']);
  return {
    ...otherMembers(place.value, KNOWN),
    ...within('output_config', ofConfig),
    ...within('metadata', otherMembers(metadata?.value ?? {}, METADATA)),
    ...(isKnownThinking ? {} : { thinking: thinking.value }),
  };
}
