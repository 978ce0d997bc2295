/** `generationConfig` of a caller. */
import type { ChatRequest, OutputFormat, ReasoningRequest } from '../canonical.ts';
import type { JsonRecord } from '../record.ts';
import { isRecord, otherMembers } from '../record.ts';
import type { Place } from '../request-members.ts';
import { booleanMember, numberMember, pathOf, textMember, wholeMember } from '../request-members.ts';
import { placeMember, textsMember } from './members.ts';
import { prefixed } from './read-tools.ts';
import { jsonSchemaOf } from './schema.ts';

type ConfigFields = Pick<
  ChatRequest,
  | 'outputTokensMax'
  | 'temperature'
  | 'topP'
  | 'topK'
  | 'stop'
  | 'seed'
  | 'choices'
  | 'presencePenalty'
  | 'frequencyPenalty'
  | 'logprobs'
  | 'format'
  | 'reasoning'
  | 'extra'
>;

const PATH = 'generationConfig.';
const KNOWN = new Set([
  ...['maxOutputTokens', 'temperature', 'topP', 'topK', 'stopSequences', 'seed', 'candidateCount', 'presencePenalty'],
  ...['frequencyPenalty', 'responseLogprobs', 'logprobs', 'thinkingConfig'],
]);
const FORMAT = ['responseMimeType', 'responseSchema', 'responseJsonSchema'];
const KNOWN_WITH_FORMAT = new Set([...KNOWN, ...FORMAT]);

/** What no field stands for is in `extra`, by its path. */
export function readConfig(place: Place): ConfigFields {
  const config = placeMember(place, 'generationConfig');
  const format = readFormat(config);
  const thinking = placeMember(config, 'thinkingConfig');
  return {
    outputTokensMax: wholeMember(config, 'maxOutputTokens'),
    temperature: numberMember(config, 'temperature'),
    topP: numberMember(config, 'topP'),
    topK: numberMember(config, 'topK'),
    stop: textsMember(config, 'stopSequences'),
    seed: numberMember(config, 'seed'),
    choices: wholeMember(config, 'candidateCount'),
    presencePenalty: numberMember(config, 'presencePenalty'),
    frequencyPenalty: numberMember(config, 'frequencyPenalty'),
    logprobs: readLogprobs(config),
    format: format === 'other' ? null : format,
    reasoning: readThinking(thinking),
    extra: {
      ...prefixed(PATH, otherMembers(config.value, format === 'other' ? KNOWN : KNOWN_WITH_FORMAT)),
      ...prefixed(`${PATH}thinkingConfig.`, otherMembers(thinking.value, THINKING)),
    },
  };
}

function readLogprobs(config: Place): ChatRequest['logprobs'] {
  const top = wholeMember(config, 'logprobs');
  const asked = booleanMember(config, 'responseLogprobs') ?? top !== null;
  return asked ? { top: top ?? 0 } : null;
}

/** `other` is a form that only Google has, such as `text/x.enum`: it goes on as it came. */
function readFormat(config: Place): OutputFormat | null | 'other' {
  const mimeType = textMember(config, 'responseMimeType');
  const { responseSchema, responseJsonSchema } = config.value;
  if (mimeType === 'text/plain') return { kind: 'text' };
  if (mimeType !== null && mimeType !== 'application/json') return 'other';
  if (isRecord(responseJsonSchema)) return schemaFormat(responseJsonSchema);
  if (responseSchema !== undefined) return schemaFormat(jsonSchemaOf(responseSchema, pathOf(config, 'responseSchema')));
  return mimeType === null ? null : { kind: 'json' };
}

function schemaFormat(schema: JsonRecord): OutputFormat {
  return { kind: 'json_schema', name: 'response', description: null, schema, strict: null };
}

const THINKING = new Set(['thinkingBudget', 'thinkingLevel', 'includeThoughts']);

/** A budget of 0 switches thinking off, -1 leaves it to the model (https://ai.google.dev/gemini-api/docs/thinking). */
function readThinking(thinking: Place): ReasoningRequest | null {
  const budget = wholeMember(thinking, 'thinkingBudget');
  const level = textMember(thinking, 'thinkingLevel');
  const show = booleanMember(thinking, 'includeThoughts');
  if (budget === null && level === null && show === null) return null;
  const effort = level === null || level === 'THINKING_LEVEL_UNSPECIFIED' ? null : level.toLowerCase();
  return { enabled: budget !== 0, effort, budgetTokens: budget !== null && budget > 0 ? budget : null, show };
}
