/**
 * Requests for a prediction (https://replicate.com/docs/reference/http#models.predictions.create). Each
 * model has inputs of its own, and Replicate passes over those that a model does not know
 * (https://github.com/replicate/cog/pull/2943): what goes by several names is told by all of them, and
 * what not every model has is told with a warning.
 */
import { requireAbilities } from '../abilities.ts';
import type { ChatRequest } from '../canonical.ts';
import type { TargetModel } from '../codec.ts';
import { UNKNOWN_TRAITS } from '../model-traits.ts';
import { ownExtra } from '../own-extra.ts';
import type { JsonRecord } from '../record.ts';
import type { Report } from '../report.ts';
import { versionMember } from './model-names.ts';
import { reportOptional, writePrompt } from './write-prompt.ts';

/** Images are inputs of some models, each by another name. */
const TEXT_ONLY = {
  ...UNKNOWN_TRAITS,
  tools: false,
  structuredOutput: false,
  images: false,
  audio: false,
  files: false,
};

/** Of Llama 3 and most, of older models, of OpenAI's, of Google's. */
const LIMIT_NAMES = ['max_tokens', 'max_new_tokens', 'max_completion_tokens', 'max_output_tokens'] as const;
/** Of most models, of Google's. */
const SYSTEM_NAMES = ['system_prompt', 'system_instruction'] as const;

export function writeChat(request: ChatRequest, target: TargetModel, report: Report): JsonRecord {
  requireAbilities(request, { name: target.name, traits: TEXT_ONLY }, request.extraOf);
  ownExtra(request.extra, '', { extraOf: request.extraOf, dialect: 'replicate', report });
  reportUnsaid(request, report);
  const { prompt, system } = writePrompt(request, report);
  return {
    ...versionMember(target.name),
    input: {
      prompt,
      ...byAllNames(SYSTEM_NAMES, system),
      ...byAllNames(LIMIT_NAMES, request.outputTokensMax),
      ...optionalInputs(request, report),
    },
  };
}

function byAllNames(names: readonly string[], value: string | number | null): JsonRecord {
  return value === null ? {} : Object.fromEntries(names.map((name) => [name, value]));
}

function optionalInputs(request: ChatRequest, report: Report): JsonRecord {
  const { temperature, topP, topK, seed, presencePenalty, frequencyPenalty } = request;
  const inputs = {
    temperature,
    top_p: topP,
    top_k: topK,
    seed,
    presence_penalty: presencePenalty,
    frequency_penalty: frequencyPenalty,
  };
  const asked = Object.entries(inputs).filter(([, value]) => value !== null);
  for (const [field] of asked) reportOptional(field, report);
  return { ...Object.fromEntries(asked), ...stopInput(request.stop, report) };
}

/** One text, with commas between the strings. */
function stopInput(stop: readonly string[], report: Report): JsonRecord {
  const plain = stop.filter((text) => !text.includes(','));
  if (plain.length < stop.length) report.dropped('stop', 'Replicate tells stop strings apart by commas');
  if (plain.length === 0) return {};
  reportOptional('stop', report);
  return { stop_sequences: plain.join(',') };
}

function reportUnsaid(request: ChatRequest, report: Report): void {
  if (request.stream)
    report.approximated('stream', 'Replicate is asked for the whole answer, which is played as a stream');
  const unsaid: readonly (readonly [field: string, asked: boolean])[] = [
    ['n', request.choices !== null && request.choices > 1],
    ['logprobs', request.logprobs !== null],
    ['logit_bias', request.logitBias !== null && Object.keys(request.logitBias).length > 0],
    ['reasoning', request.reasoning?.enabled === true],
    ['user', request.user !== null],
    ['prompt_cache_key', request.cacheKey !== null],
  ];
  for (const [field, asked] of unsaid) if (asked) report.dropped(field, 'Replicate has no such input');
}
