/** A caller's request (https://platform.openai.com/docs/api-reference/responses/create). */
import type { ChatRequest, OutputFormat, ReasoningRequest, Turn } from '../canonical.ts';
import type { RequestFacts } from '../codec.ts';
import { RequestFault } from '../faults.ts';
import type { JsonRecord } from '../record.ts';
import {
  booleanOrNull,
  listOrNull,
  numberOrNull,
  others,
  placeOf,
  recordOrNull,
  text,
  textOrNull,
  type Place,
} from './fields.ts';
import { readInput } from './read-items.ts';
import { readToolChoice, readTools } from './read-tools.ts';

export const LOGPROBS = 'message.output_text.logprobs';
export const ENCRYPTED = 'reasoning.encrypted_content';

const KNOWN: ReadonlySet<string> = new Set([
  'model',
  'stream',
  'input',
  'instructions',
  'tools',
  'tool_choice',
  'parallel_tool_calls',
  'max_output_tokens',
  'temperature',
  'top_p',
  'top_logprobs',
  'include',
  'text',
  'reasoning',
  'user',
  'safety_identifier',
  'prompt_cache_key',
]);
const TEXT = new Set(['format']);
const REASONING = new Set(['effort', 'summary', 'generate_summary']);

export function readChat(body: JsonRecord, facts: RequestFacts): ChatRequest {
  const place = { record: body, path: '' };
  const model = textOrNull(place, 'model') ?? facts.model;
  if (model === null) throw new RequestFault('model', 'model is required: name a model.');
  const tools = readTools(listOrNull(place, 'tools') ?? []);
  const { choice, raw } = readToolChoice(body['tool_choice']);
  const settings = recordOrNull(place, 'text') ?? {};
  const reasoning = recordOrNull(place, 'reasoning');
  const include = listOrNull(place, 'include') ?? [];
  const user = textOrNull(place, 'user');
  const safety = textOrNull(place, 'safety_identifier');
  return {
    model,
    stream: booleanOrNull(place, 'stream') ?? facts.stream,
    wantsStreamUsage: true,
    turns: [...instructionTurns(textOrNull(place, 'instructions')), ...readInput(body['input'])],
    tools,
    toolChoice: choice,
    parallelToolCalls: booleanOrNull(place, 'parallel_tool_calls'),
    outputTokensMax: numberOrNull(place, 'max_output_tokens'),
    temperature: numberOrNull(place, 'temperature'),
    topP: numberOrNull(place, 'top_p'),
    topK: null,
    stop: [],
    seed: null,
    choices: null,
    presencePenalty: null,
    frequencyPenalty: null,
    logprobs: readLogprobsWish(numberOrNull(place, 'top_logprobs'), include),
    logitBias: null,
    format: readFormat(settings),
    reasoning: reasoning === null ? null : readReasoning({ record: reasoning, path: 'reasoning' }),
    user: user ?? safety,
    cacheKey: textOrNull(place, 'prompt_cache_key'),
    extra: {
      ...unsaid(others(body, KNOWN)),
      ...membersOf('tool_choice', raw),
      ...membersOf('text', others(settings, TEXT)),
      ...membersOf('reasoning', others(reasoning ?? {}, REASONING)),
      ...includeOf(include, reasoning !== null),
      ...(user !== null && safety !== null && { safety_identifier: safety }),
    },
    extraOf: 'openai-responses',
  };
}

/** What writes `instructions` (see write-chat.ts) takes the first turn for them if it is a system turn of one text. */
function instructionTurns(instructions: string | null): readonly Turn[] {
  return instructions === null || instructions === ''
    ? []
    : [{ role: 'system', parts: [{ kind: 'text', text: instructions }] }];
}

/** Without the members that ask for what is done anyway: their loss in another dialect is none. */
function unsaid(extra: JsonRecord): JsonRecord {
  const idle = new Set<string>();
  if (extra['background'] === false) idle.add('background');
  if (extra['truncation'] === 'disabled') idle.add('truncation');
  return others(extra, idle);
}

function membersOf(name: string, value: JsonRecord | null): JsonRecord {
  return value === null || Object.keys(value).length === 0 ? {} : { [name]: value };
}

/** Log probabilities are a field of their own; encrypted reasoning is asked for wherever there is any. */
function includeOf(include: readonly unknown[], reasons: boolean): JsonRecord {
  const rest = include.filter((name) => name !== LOGPROBS && !(reasons && name === ENCRYPTED));
  return rest.length === 0 ? {} : { include: rest };
}

function readLogprobsWish(top: number | null, include: readonly unknown[]): ChatRequest['logprobs'] {
  if (!include.includes(LOGPROBS) && (top ?? 0) === 0) return null;
  return { top: top ?? 0 };
}

function readFormat(settings: JsonRecord): OutputFormat | null {
  const format = recordOrNull({ record: settings, path: 'text' }, 'format');
  if (format === null) return null;
  const place = placeOf(format, 'text.format');
  const type = text(place, 'type');
  if (type === 'text') return { kind: 'text' };
  if (type === 'json_object') return { kind: 'json' };
  if (type !== 'json_schema')
    throw new RequestFault('text.format.type', 'text.format.type must be text, json_object or json_schema.');
  const schema = recordOrNull(place, 'schema');
  if (schema === null)
    throw new RequestFault('text.format.schema', 'text.format.schema is required: give a JSON Schema.');
  return {
    kind: 'json_schema',
    name: text(place, 'name'),
    description: textOrNull(place, 'description'),
    schema,
    strict: booleanOrNull(place, 'strict'),
  };
}

function readReasoning(place: Place): ReasoningRequest {
  const effort = textOrNull(place, 'effort');
  const summary = textOrNull(place, 'summary') ?? textOrNull(place, 'generate_summary');
  return {
    enabled: effort !== 'none',
    effort: effort === 'none' ? null : effort,
    budgetTokens: null,
    show: summary === null ? null : true,
    ...(summary !== null && { summary }),
  };
}
