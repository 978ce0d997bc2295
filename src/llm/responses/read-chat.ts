/** A caller's request (https://platform.openai.com/docs/api-reference/responses/create). */
import type { ChatRequest, OutputFormat, ReasoningRequest, Turn } from '../canonical.ts';
import type { RequestFacts } from '../codec.ts';
import { otherMembers, within, type JsonRecord } from '../record.ts';
import {
  booleanMember,
  expected,
  listMember,
  numberMember,
  recordMember,
  requiredRecord,
  requiredText,
  textMember,
  type Place,
} from '../request-members.ts';
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
  const place: Place = { value: body, path: '' };
  const model = textMember(place, 'model') ?? facts.model;
  if (model === null) throw expected('model', 'the name of a model');
  const tools = readTools(place);
  const { choice, raw } = readToolChoice(body['tool_choice']);
  const settings = recordMember(place, 'text');
  const reasoning = recordMember(place, 'reasoning');
  const include = listMember(place, 'include') ?? [];
  const user = textMember(place, 'user');
  const safety = textMember(place, 'safety_identifier');
  return {
    model,
    stream: booleanMember(place, 'stream') ?? facts.stream,
    wantsStreamUsage: true,
    turns: [...instructionTurns(textMember(place, 'instructions')), ...readInput(body['input'])],
    tools,
    toolChoice: choice,
    parallelToolCalls: booleanMember(place, 'parallel_tool_calls'),
    outputTokensMax: numberMember(place, 'max_output_tokens'),
    temperature: numberMember(place, 'temperature'),
    topP: numberMember(place, 'top_p'),
    topK: null,
    stop: [],
    seed: null,
    choices: null,
    presencePenalty: null,
    frequencyPenalty: null,
    logprobs: readLogprobsWish(numberMember(place, 'top_logprobs'), include),
    logitBias: null,
    format: settings === null ? null : readFormat(settings),
    reasoning: reasoning === null ? null : readReasoning(reasoning),
    user: user ?? safety,
    cacheKey: textMember(place, 'prompt_cache_key'),
    extra: {
      ...unsaid(otherMembers(body, KNOWN)),
      ...within('tool_choice', raw ?? {}),
      ...within('text', otherMembers(settings?.value ?? {}, TEXT)),
      ...within('reasoning', otherMembers(reasoning?.value ?? {}, REASONING)),
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
  return otherMembers(extra, idle);
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

function readFormat(settings: Place): OutputFormat | null {
  const format = recordMember(settings, 'format');
  if (format === null) return null;
  const type = requiredText(format, 'type');
  if (type === 'text') return { kind: 'text' };
  if (type === 'json_object') return { kind: 'json' };
  if (type !== 'json_schema') throw expected('text.format.type', 'text, json_object or json_schema');
  const schema = requiredRecord(format, 'schema').value;
  return {
    kind: 'json_schema',
    name: requiredText(format, 'name'),
    description: textMember(format, 'description'),
    schema,
    strict: booleanMember(format, 'strict'),
  };
}

function readReasoning(place: Place): ReasoningRequest {
  const effort = textMember(place, 'effort');
  const summary = textMember(place, 'summary') ?? textMember(place, 'generate_summary');
  return {
    enabled: effort !== 'none',
    effort: effort === 'none' ? null : effort,
    budgetTokens: null,
    show: summary === null ? null : true,
    ...(summary !== null && { summary }),
  };
}
