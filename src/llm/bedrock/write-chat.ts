/** Requests to Converse and ConverseStream, which have one form (API_runtime_Converse). */
import type { ChatRequest } from '../canonical.ts';
import type { TargetModel } from '../codec.ts';
import { formatInstruction } from '../format-instruction.ts';
import { usesJsonTool } from '../json-tool.ts';
import type { ModelTraits } from '../model-traits.ts';
import { ownExtra } from '../own-extra.ts';
import type { JsonRecord } from '../record.ts';
import type { Report } from '../report.ts';
import { STOP_SEQUENCE_PATHS } from './finish.ts';
import { mayBeClaude, modelVendor } from './model-vendor.ts';
import { outputConfig } from './output-config.ts';
import { writeConversation } from './write-messages.ts';
import { writeReasoning } from './write-reasoning.ts';
import type { ReasoningFields } from './write-reasoning.ts';
import { writeToolConfig } from './write-tools.ts';

/** The model and whether to stream stand in the path: see `conversePath`. */
export function writeChat(request: ChatRequest, target: TargetModel, report: Report): JsonRecord {
  const vendor = modelVendor(target.name);
  const extra = ownExtra(request.extra, '', { extraOf: request.extraOf, dialect: 'bedrock', report });
  const { isForced, ...input } = writeInput(request, target, vendor, report);
  const limits = { outputTokensMax: request.outputTokensMax, isForced };
  const reasoning = writeReasoning(request.reasoning, target, vendor, limits, report);
  const inference = inferenceConfig(request, target, reasoning, report);
  const additional = {
    ...additionalOf(extra),
    ...reasoning.fields,
    ...topKFields(request, target, vendor, reasoning, report),
  };
  const output = outputConfig(request, target.traits, report);
  reportUnsaid(request, report);
  return {
    ...extra,
    ...input,
    ...(isEmpty(inference) ? {} : { inferenceConfig: inference }),
    ...(isEmpty(additional) ? {} : { additionalModelRequestFields: additional }),
    ...(output === null ? {} : { outputConfig: output }),
    // Else nobody is told which of the strings it was; only Claude tells.
    ...(vendor === 'anthropic' && request.stop.length > 0
      ? { additionalModelResponseFieldPaths: STOP_SEQUENCE_PATHS }
      : {}),
  };
}

/** A question for the number of input tokens (API_runtime_CountTokens). */
export function writeTokenCount(request: ChatRequest, target: TargetModel, report: Report): JsonRecord {
  const { isForced: _, ...converse } = writeInput(request, target, modelVendor(target.name), report);
  return { input: { converse } };
}

function writeInput(
  request: ChatRequest,
  { traits }: TargetModel,
  vendor: string | null,
  report: Report,
): JsonRecord & { readonly isForced: boolean } {
  const caches = mayBeClaude(vendor) || vendor === 'amazon';
  const conversation = writeConversation(request, caches, report);
  const system = [...conversation.system, ...formatBlocks(request, traits, report)];
  const { config, isForced } = writeToolConfig(request, traits, caches, report);
  return {
    messages: conversation.messages,
    ...(system.length === 0 ? {} : { system }),
    ...(config === null ? {} : { toolConfig: config }),
    isForced,
  };
}

function isEmpty(record: JsonRecord): boolean {
  return Object.keys(record).length === 0;
}

function additionalOf(extra: JsonRecord): JsonRecord {
  const value = extra['additionalModelRequestFields'];
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

/** Temperature ends at 1 here, other formats go to 2. */
function inferenceConfig(
  request: ChatRequest,
  { traits }: TargetModel,
  reasoning: ReasoningFields,
  report: Report,
): JsonRecord {
  const { outputTokensMax, stop } = request;
  const sampling = samplingOf(request);
  const takesSampling = traits.sampling !== false && !reasoning.isClaudeThinking;
  if (!takesSampling)
    for (const name of Object.keys(sampling)) report.dropped(SAMPLING_FIELDS.get(name) ?? name, SAMPLING_REASON);
  if (takesSampling && request.temperature !== null && request.temperature > 1)
    report.approximated('temperature', 'Amazon Bedrock takes at most 1');
  return {
    ...(outputTokensMax === null ? {} : { maxTokens: outputTokensMax }),
    ...(takesSampling ? sampling : {}),
    ...(stop.length === 0 ? {} : { stopSequences: stop }),
  };
}

const SAMPLING_REASON = 'the model takes no sampling parameters, at least not while it reasons';
const SAMPLING_FIELDS: ReadonlyMap<string, string> = new Map([['topP', 'top_p']]);

function samplingOf({ temperature, topP }: ChatRequest): JsonRecord {
  return {
    ...(temperature === null ? {} : { temperature: Math.min(temperature, 1) }),
    ...(topP === null ? {} : { topP }),
  };
}

/** `topK` has no place of its own; each maker names it differently. */
function topKFields(
  { topK }: ChatRequest,
  { traits }: TargetModel,
  vendor: string | null,
  reasoning: ReasoningFields,
  report: Report,
): JsonRecord {
  if (topK === null) return {};
  if (traits.sampling === false || reasoning.isClaudeThinking) {
    report.dropped('top_k', SAMPLING_REASON);
    return {};
  }
  if (vendor === 'amazon') return { inferenceConfig: { topK } };
  return vendor === 'cohere' ? { k: topK } : { top_k: topK };
}

/** What Converse has no word for. */
function reportUnsaid(request: ChatRequest, report: Report): void {
  const unsaid: readonly (readonly [field: string, asked: boolean])[] = [
    ['n', request.choices !== null && request.choices > 1],
    ['seed', request.seed !== null],
    ['presence_penalty', isNumberBut0(request.presencePenalty)],
    ['frequency_penalty', isNumberBut0(request.frequencyPenalty)],
    ['logprobs', request.logprobs !== null],
    ['logit_bias', request.logitBias !== null && !isEmpty(request.logitBias)],
    ['parallel_tool_calls', request.parallelToolCalls === false && request.tools.length > 0],
    ['user', request.user !== null],
  ];
  for (const [field, asked] of unsaid) if (asked) report.dropped(field, 'Converse of Amazon Bedrock has no such field');
}

/** Bedrock has no JSON mode without a schema, and only a schema of an object can be a tool's: else words ask for it. */
function formatBlocks(request: ChatRequest, traits: ModelTraits, report: Report): readonly JsonRecord[] {
  const { format } = request;
  const isKept = format?.kind === 'json_schema' && traits.structuredOutput === true;
  if (isKept || usesJsonTool(request, traits, 'bedrock')) return [];
  const instruction = formatInstruction(format);
  if (instruction === null) return [];
  report.approximated('response_format', 'the format is asked for in the instructions');
  return [{ text: instruction }];
}

/** Zero is what nobody saying it means. */
function isNumberBut0(value: number | null): boolean {
  return value !== null && value !== 0;
}
