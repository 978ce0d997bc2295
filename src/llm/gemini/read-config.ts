/** `generationConfig` of a caller. */
import type { ChatRequest, OutputFormat, ReasoningRequest } from '../canonical.ts';
import type { JsonRecord } from '../record.ts';
import { isRecord } from '../record.ts';
import {
  memberCount,
  memberFlag,
  memberNumber,
  memberObject,
  memberText,
  memberTexts,
  membersOf,
  restOf,
} from './members.ts';
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
export function readConfig(members: JsonRecord, path: string): ConfigFields {
  const config = membersOf(memberObject(members, 'generationConfig', path) ?? {});
  const at = path + PATH;
  const format = readFormat(config, at);
  const thinking = membersOf(memberObject(config, 'thinkingConfig', at) ?? {});
  return {
    outputTokensMax: memberCount(config, 'maxOutputTokens', at),
    temperature: memberNumber(config, 'temperature', at),
    topP: memberNumber(config, 'topP', at),
    topK: memberNumber(config, 'topK', at),
    stop: memberTexts(config, 'stopSequences', at),
    seed: memberNumber(config, 'seed', at),
    choices: memberCount(config, 'candidateCount', at),
    presencePenalty: memberNumber(config, 'presencePenalty', at),
    frequencyPenalty: memberNumber(config, 'frequencyPenalty', at),
    logprobs: readLogprobs(config, at),
    format: format === 'other' ? null : format,
    reasoning: readThinking(thinking, `${at}thinkingConfig.`),
    extra: {
      ...prefixed(PATH, restOf(config, format === 'other' ? KNOWN : KNOWN_WITH_FORMAT)),
      ...prefixed(`${PATH}thinkingConfig.`, restOf(thinking, THINKING)),
    },
  };
}

function readLogprobs(config: JsonRecord, path: string): ChatRequest['logprobs'] {
  const top = memberCount(config, 'logprobs', path);
  const asked = memberFlag(config, 'responseLogprobs', path) ?? top !== null;
  return asked ? { top: top ?? 0 } : null;
}

/** `other` is a form that only Google has, such as `text/x.enum`: it goes on as it came. */
function readFormat(config: JsonRecord, path: string): OutputFormat | null | 'other' {
  const mimeType = memberText(config, 'responseMimeType', path);
  const { responseSchema, responseJsonSchema } = config;
  if (mimeType === 'text/plain') return { kind: 'text' };
  if (mimeType !== null && mimeType !== 'application/json') return 'other';
  if (isRecord(responseJsonSchema)) return schemaFormat(responseJsonSchema);
  if (responseSchema !== undefined) return schemaFormat(jsonSchemaOf(responseSchema, `${path}responseSchema`));
  return mimeType === null ? null : { kind: 'json' };
}

function schemaFormat(schema: JsonRecord): OutputFormat {
  return { kind: 'json_schema', name: 'response', description: null, schema, strict: null };
}

const THINKING = new Set(['thinkingBudget', 'thinkingLevel', 'includeThoughts']);

/** A budget of 0 switches thinking off, -1 leaves it to the model (https://ai.google.dev/gemini-api/docs/thinking). */
function readThinking(thinking: JsonRecord, path: string): ReasoningRequest | null {
  const budget = memberCount(thinking, 'thinkingBudget', path);
  const level = memberText(thinking, 'thinkingLevel', path);
  const show = memberFlag(thinking, 'includeThoughts', path);
  if (budget === null && level === null && show === null) return null;
  const effort = level === null || level === 'THINKING_LEVEL_UNSPECIFIED' ? null : level.toLowerCase();
  return { enabled: budget !== 0, effort, budgetTokens: budget !== null && budget > 0 ? budget : null, show };
}
