/** A request to Anthropic (https://docs.claude.com/en/api/messages). */
import type { ChatRequest } from '../canonical.ts';
import type { TargetModel } from '../codec.ts';
import { formatInstruction } from '../format-instruction.ts';
import { usesJsonTool } from '../json-tool.ts';
import type { ModelTraits } from '../model-traits.ts';
import type { JsonRecord } from '../record.ts';
import { recordOf } from '../record.ts';
import type { Report } from '../report.ts';
import { keptSchema } from './kept-schema.ts';
import { extraMembers } from './write-members.ts';
import type { Message } from './write-messages.ts';
import { contentMember, writeConversation } from './write-messages.ts';
import type { ThinkingPlan } from './write-thinking.ts';
import { planThinking } from './write-thinking.ts';
import { writeTools } from './write-tools.ts';

export function writeChat(request: ChatRequest, target: TargetModel, report: Report): JsonRecord {
  const { traits } = target;
  const { system, messages } = writeConversation({ request, report });
  const { members: tools, isForced } = writeTools(request, traits, report);
  const plan = planThinking(request, { traits, messages, isForced }, report);
  const extra = extraMembers(request.extra, '', request, report);
  const format = writeFormat(request, traits, report);
  reportForeign(request, report);
  return {
    ...extra,
    model: target.name,
    max_tokens: plan.maxTokens,
    ...systemMember(format.instruction === null ? system : [...system, { type: 'text', text: format.instruction }]),
    messages: messagesMember(messages, plan, report),
    ...tools,
    ...(plan.thinking === null ? {} : { thinking: plan.thinking }),
    ...outputConfig(recordOf(extra['output_config']), plan.effort, format.member),
    ...samplingMembers(request, traits, plan.isOn, report),
    ...(request.stop.length === 0 ? {} : { stop_sequences: request.stop }),
    ...(request.user === null ? {} : { metadata: { ...recordOf(extra['metadata']), user_id: request.user } }),
    ...(request.stream ? { stream: true } : {}),
  };
}

const COUNTED = [
  'model',
  'system',
  'messages',
  'tools',
  'tool_choice',
  'thinking',
  'output_config',
  'cache_control',
  'context_management',
  'mcp_servers',
  'speed',
];

/** The question for the number of input tokens: what of a request is input. */
export function writeTokenCount(request: ChatRequest, target: TargetModel, report: Report): JsonRecord {
  const body = writeChat({ ...request, temperature: null, topP: null, topK: null, stop: [] }, target, report);
  return Object.fromEntries(COUNTED.filter((name) => Object.hasOwn(body, name)).map((name) => [name, body[name]]));
}

function systemMember(system: readonly JsonRecord[]): JsonRecord {
  return system.length === 0 ? {} : { system: contentMember(system) };
}

function messagesMember(messages: readonly Message[], plan: ThinkingPlan, report: Report): readonly JsonRecord[] {
  const sent = plan.isSwitchedOff ? withoutLastThinking(messages, report) : messages;
  return sent.map(({ role, content, extra }) => ({ ...extra, role, content: contentMember(content) }));
}

/** Without thinking, an answer that is continued may hold none either. */
function withoutLastThinking(messages: readonly Message[], report: Report): readonly Message[] {
  const last = messages.at(-1);
  if (last?.role !== 'assistant') return messages;
  const content = last.content.filter(({ type }) => type !== 'thinking' && type !== 'redacted_thinking');
  if (content.length === last.content.length) return messages;
  report.dropped('messages', 'reasoning in the last message does not go where the model is not to reason');
  return content.length === 0 ? messages.slice(0, -1) : [...messages.slice(0, -1), { ...last, content }];
}

interface FormatPlan {
  /** `output_config.format`. */
  readonly member: JsonRecord | null;
  /** Words that stand in for it. */
  readonly instruction: string | null;
}

function writeFormat(request: ChatRequest, traits: ModelTraits, report: Report): FormatPlan {
  const { format } = request;
  if (format?.kind === 'json_schema') {
    if (usesJsonTool(request, traits)) return { member: null, instruction: null };
    if (takesSchema(request, traits)) {
      if (format.description !== null)
        report.dropped('response_format.description', 'the provider takes the schema alone');
      return { member: { type: 'json_schema', schema: schemaFor(request, format.schema, report) }, instruction: null };
    }
  }
  const instruction = formatInstruction(format);
  if (instruction !== null) report.approximated('response_format', 'the format is asked for in the instructions');
  return { member: null, instruction };
}

/** Who asks in this format has made the schema fit. */
function schemaFor({ extraOf }: ChatRequest, schema: JsonRecord, report: Report): JsonRecord {
  if (extraOf === 'anthropic') return schema;
  const { schema: fitting, told } = keptSchema(schema);
  if (told.size > 0)
    report.approximated(
      'response_format.json_schema.schema',
      `the model is told, not held to, ${[...told].join(', ')}`,
    );
  return fitting;
}

function takesSchema({ extraOf }: ChatRequest, { structuredOutput }: ModelTraits): boolean {
  return structuredOutput === true || (structuredOutput === null && extraOf === 'anthropic');
}

function outputConfig(extra: JsonRecord, effort: string | null, format: JsonRecord | null): JsonRecord {
  const config = { ...extra, ...(effort === null ? {} : { effort }), ...(format === null ? {} : { format }) };
  return Object.keys(config).length === 0 ? {} : { output_config: config };
}

/** The least `top_p` that goes with thinking. */
const TOP_P_THINKING_MIN = 0.95;

function samplingMembers(
  { temperature, topP, topK }: ChatRequest,
  { sampling }: ModelTraits,
  isThinking: boolean,
  report: Report,
): JsonRecord {
  const kept = (name: string, value: number | null, fitsThinking: (value: number) => boolean): JsonRecord => {
    if (value === null) return {};
    if (sampling !== false && (!isThinking || fitsThinking(value))) return { [name]: value };
    report.dropped(name, sampling === false ? 'the model does not take it' : 'it does not go together with reasoning');
    return {};
  };
  return {
    ...kept('temperature', clampedTemperature(temperature, report), (value) => value === 1),
    ...kept('top_p', topP, (value) => value >= TOP_P_THINKING_MIN),
    ...kept('top_k', topK, () => false),
  };
}

/** Other providers count up to 2. */
function clampedTemperature(temperature: number | null, report: Report): number | null {
  if (temperature === null || temperature <= 1) return temperature;
  report.approximated('temperature', 'the provider takes at most 1');
  return 1;
}

/** What the format has no member for. */
function reportForeign(request: ChatRequest, report: Report): void {
  const asked: readonly (readonly [string, unknown])[] = [
    ['seed', request.seed],
    ['n', request.choices === 1 ? null : request.choices],
    ['presence_penalty', request.presencePenalty || null],
    ['frequency_penalty', request.frequencyPenalty || null],
    ['logprobs', request.logprobs],
    ['logit_bias', request.logitBias],
  ];
  for (const [field, value] of asked) if (value !== null) report.dropped(field, 'the provider has nothing like it');
}
