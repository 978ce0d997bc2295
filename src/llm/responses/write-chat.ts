/** A request as OpenAI takes it (https://platform.openai.com/docs/api-reference/responses/create). */
import type { ChatRequest, OutputFormat, ReasoningRequest, Turn } from '../canonical.ts';
import type { TargetModel } from '../codec.ts';
import type { ModelTraits } from '../model-traits.ts';
import { otherMembers, recordOf, type JsonRecord } from '../record.ts';
import { fitCacheKey, fitUser } from '../openai/keys.ts';
import { reportExtra } from '../own-extra.ts';
import type { Report } from '../report.ts';
import { fitFormat } from './fit-format.ts';
import { ENCRYPTED, LOGPROBS } from './read-chat.ts';
import { writeInput } from './write-items.ts';
import { writeToolChoice, writeTools } from './write-tools.ts';

/** OpenAI refuses fewer. */
const OUTPUT_TOKENS_MIN = 16;

/** Members of OpenAI's other chat endpoint that mean the same here. */
const SHARED_WITH_CHAT: ReadonlySet<string> = new Set([
  'service_tier',
  'metadata',
  'safety_identifier',
  'prompt_cache_retention',
  'prompt_cache_options',
]);

/** Members of the extras that are written together with what canonical fields say beside them. */
const NESTED: ReadonlySet<string> = new Set(['text', 'reasoning', 'include']);

export function writeChat(request: ChatRequest, target: TargetModel, report: Report): JsonRecord {
  const isOwn = request.extraOf === 'openai-responses';
  const instructions = instructionsOf(request.turns);
  const from = instructions === null ? 0 : 1;
  const { format, instruction } = fitFormat(request, request.turns.slice(from), report);
  const extra = isOwn ? request.extra : foreignExtra(request, report);
  const tools = writeTools(request, report);
  reportUnsaid(request, report);
  return {
    ...otherMembers(extra, NESTED),
    model: target.name,
    ...(instructions !== null && { instructions }),
    input: [...instructionItems(instruction), ...writeInput(request, from, report)],
    ...(tools.length > 0 && { tools }),
    ...(request.toolChoice !== null && { tool_choice: writeToolChoice(request.toolChoice, request.tools) }),
    ...(request.parallelToolCalls !== null && { parallel_tool_calls: request.parallelToolCalls }),
    ...writeOutputTokens(request.outputTokensMax, report),
    ...writeSampling(request, target.traits, report),
    ...(request.logprobs !== null && { top_logprobs: request.logprobs.top }),
    ...writeText(format, extra['text']),
    ...writeReasoning(request, extra['reasoning'], target.traits, report),
    ...writeInclude(request, target.traits, extra['include']),
    ...(request.user !== null && { user: fitUser(request.user, report) }),
    ...(request.cacheKey !== null && { prompt_cache_key: fitCacheKey(request.cacheKey) }),
    ...(!isOwn && { store: false }),
    ...(request.stream && { stream: true }),
  };
}

/** The text that goes as `instructions`: of a first system turn that says nothing else. */
export function instructionsOf(turns: readonly Turn[]): string | null {
  const [first] = turns;
  if (first?.role !== 'system' || first.extra !== undefined || first.name !== undefined) return null;
  const [part] = first.parts;
  if (first.parts.length !== 1 || part?.kind !== 'text') return null;
  const isPlain = part.text !== '' && part.cache === undefined && part.extra === undefined;
  return isPlain && part.annotations === undefined && part.logprobs === undefined ? part.text : null;
}

function instructionItems(instruction: string | null): readonly JsonRecord[] {
  if (instruction === null) return [];
  return [{ type: 'message', role: 'developer', content: [{ type: 'input_text', text: instruction }] }];
}

function foreignExtra({ extra, extraOf }: ChatRequest, report: Report): JsonRecord {
  const isChat = extraOf === 'openai';
  const entries = Object.entries(extra).filter(([name]) => isChat && SHARED_WITH_CHAT.has(name));
  const verbosity = isChat ? extra['verbosity'] : undefined;
  const kept = new Set([...entries.map(([name]) => name), ...(verbosity === undefined ? [] : ['verbosity'])]);
  reportExtra(otherMembers(extra, kept), '', { extraOf, report });
  return { ...Object.fromEntries(entries), ...(verbosity !== undefined && { text: { verbosity } }) };
}

function reportUnsaid(request: ChatRequest, report: Report): void {
  const reason = 'OpenAI Responses has no such setting';
  if (request.topK !== null) report.dropped('top_k', reason);
  if (request.stop.length > 0) report.dropped('stop', reason);
  if (request.seed !== null) report.dropped('seed', reason);
  if ((request.choices ?? 1) > 1) report.dropped('n', 'OpenAI Responses gives one answer');
  // 0 is what every model does without.
  if ((request.presencePenalty ?? 0) !== 0) report.dropped('presence_penalty', reason);
  if ((request.frequencyPenalty ?? 0) !== 0) report.dropped('frequency_penalty', reason);
  if (request.logitBias !== null) report.dropped('logit_bias', reason);
}

function writeOutputTokens(max: number | null, report: Report): JsonRecord {
  if (max === null) return {};
  if (max < OUTPUT_TOKENS_MIN)
    report.approximated('max_output_tokens', `OpenAI takes no fewer than ${OUTPUT_TOKENS_MIN}`);
  return { max_output_tokens: Math.max(max, OUTPUT_TOKENS_MIN) };
}

function writeSampling({ temperature, topP }: ChatRequest, { sampling }: ModelTraits, report: Report): JsonRecord {
  if (sampling === false) {
    if (temperature !== null) report.dropped('temperature', 'the model takes none');
    if (topP !== null) report.dropped('top_p', 'the model takes none');
    return {};
  }
  return { ...(temperature !== null && { temperature }), ...(topP !== null && { top_p: topP }) };
}

/** `text` of the extras holds what stands beside the format (`verbosity`). */
export function writeText(format: OutputFormat | null, beside: unknown): JsonRecord {
  if (format === null) return beside === undefined ? {} : { text: beside };
  return { text: { ...recordOf(beside), format: writeFormat(format) } };
}

function writeFormat(format: OutputFormat): JsonRecord {
  switch (format.kind) {
    case 'text':
      return { type: 'text' };
    case 'json':
      return { type: 'json_object' };
    case 'json_schema': {
      const { name, description, schema, strict } = format;
      return {
        type: 'json_schema',
        name,
        ...(description !== null && { description }),
        schema,
        ...(strict !== null && { strict }),
      };
    }
  }
}

function writeReasoning(
  { reasoning: asked, extraOf }: ChatRequest,
  beside: unknown,
  traits: ModelTraits,
  report: Report,
): JsonRecord {
  if (traits.reasoning === false) {
    if (asked?.enabled === true) report.dropped('reasoning', 'the model does not reason');
    return {};
  }
  if (asked === null) return beside === undefined ? {} : { reasoning: beside };
  // A model that does not reason refuses any effort: who speaks a dialect of OpenAI knows whether it does.
  const isKnown = traits.reasoning === true || extraOf === 'openai' || extraOf === 'openai-responses';
  if (!asked.enabled && !isKnown) {
    report.dropped('reasoning', 'it is not known whether the model reasons');
    return {};
  }
  const effort = effortOf(asked, report);
  const summary = asked.summary ?? (asked.show === true ? 'auto' : null);
  return {
    reasoning: {
      ...recordOf(beside),
      ...(effort !== null && { effort }),
      ...(summary !== null && { summary }),
    },
  };
}

/** Tokens as a word: OpenAI has no budgets. */
function effortOf({ enabled, effort, budgetTokens }: ReasoningRequest, report: Report): string | null {
  if (!enabled) return 'none';
  if (effort !== null || budgetTokens === null) return effort;
  report.approximated('reasoning.budget', 'OpenAI takes an effort in words');
  if (budgetTokens < 4096) return 'low';
  return budgetTokens < 16_384 ? 'medium' : 'high';
}

function writeInclude(request: ChatRequest, traits: ModelTraits, beside: unknown): JsonRecord {
  const rest: readonly unknown[] = Array.isArray(beside) ? beside : [];
  const include = [
    ...rest,
    ...(request.logprobs !== null ? [LOGPROBS] : []),
    ...(mayCarryReasoning(request, traits) ? [ENCRYPTED] : []),
  ];
  return include.length === 0 ? {} : { include: [...new Set(include)] };
}

/** Models that do not reason refuse a request that asks for encrypted reasoning. */
function mayCarryReasoning({ reasoning, turns, extraOf }: ChatRequest, traits: ModelTraits): boolean {
  if (traits.reasoning !== null) return traits.reasoning;
  if (reasoning !== null) return reasoning.enabled;
  // A caller of this dialect asks for it in their own `include`.
  if (extraOf === 'openai-responses') return false;
  return turns.some(({ parts }) =>
    parts.some((part) => part.kind === 'thinking' && part.signature?.of === 'openai-responses'),
  );
}
