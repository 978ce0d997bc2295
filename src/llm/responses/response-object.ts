/** The response object, which repeats the request's settings (`Response` of openai-node names its members). */
import type { ChatAnswer, ChatRequest } from '../canonical.ts';
import type { AnswerContext } from '../codec.ts';
import type { Usage } from '../dialect.ts';
import { recordOf, textOf, type JsonRecord } from '../record.ts';
import { Report } from '../report.ts';
import { contentOf } from './answer-items.ts';
import type { Ending } from './finish.ts';
import { instructionsOf, writeText } from './write-chat.ts';
import { writeToolChoice, writeTools } from './write-tools.ts';

/** Of what a provider says beside the canonical fields, what a client of this dialect expects. */
const PASSED_ON: ReadonlySet<string> = new Set([
  'access_programs',
  'conversation',
  'moderation',
  'prompt_cache_diagnostics',
  'service_tier',
  'tool_usage',
]);

export interface ResponseFacts {
  readonly answer: Pick<ChatAnswer, 'id' | 'createdS' | 'extra'>;
  /** Null while it goes on. */
  readonly ending: Ending | null;
  readonly output: readonly JsonRecord[];
  readonly usage: Usage | null;
}

/** The members that do not change while an answer goes on: worked out once. */
export type Settings = JsonRecord;

export function settingsOf(request: ChatRequest): Settings {
  const isOwn = request.extraOf === 'openai-responses';
  const extra: JsonRecord = isOwn ? request.extra : {};
  const choice = request.toolChoice === null ? null : writeToolChoice(request.toolChoice, request.tools);
  return {
    background: false,
    instructions: instructionsOf(request.turns),
    max_output_tokens: request.outputTokensMax,
    max_tool_calls: extra['max_tool_calls'] ?? null,
    metadata: extra['metadata'] ?? {},
    parallel_tool_calls: request.parallelToolCalls ?? true,
    previous_response_id: extra['previous_response_id'] ?? null,
    prompt_cache_key: request.cacheKey,
    reasoning: { effort: effortOf(request), summary: request.reasoning?.summary ?? null },
    safety_identifier: extra['safety_identifier'] ?? null,
    store: extra['store'] === true,
    temperature: request.temperature,
    text: { format: { type: 'text' }, ...recordOf(writeText(request.format, extra['text'])['text']) },
    tool_choice: choice ?? extra['tool_choice'] ?? 'auto',
    tools: writeTools(request, new Report()),
    top_logprobs: request.logprobs?.top ?? 0,
    top_p: request.topP,
    truncation: extra['truncation'] ?? 'disabled',
    user: request.user,
  };
}

export function responseObject(context: AnswerContext, settings: Settings, facts: ResponseFacts): JsonRecord {
  const { answer, ending, output, usage } = facts;
  const passed = Object.entries(answer.extra).filter(([name]) => PASSED_ON.has(name));
  return {
    access_programs: null,
    ...Object.fromEntries(passed),
    id: responseId(answer.id, context),
    object: 'response',
    created_at: answer.createdS ?? context.nowS,
    status: ending?.status ?? 'in_progress',
    completed_at: ending?.status === 'completed' ? context.nowS : null,
    error: ending?.error ?? null,
    incomplete_details: ending?.incomplete_details ?? null,
    model: context.model,
    output,
    output_text: outputText(output),
    usage: usage === null ? null : writeUsage(usage),
    ...settings,
  };
}

function responseId(id: string, { requestId }: AnswerContext): string {
  return id === '' ? `resp_${requestId}` : id;
}

function effortOf({ reasoning }: ChatRequest): string | null {
  if (reasoning === null) return null;
  return reasoning.enabled ? reasoning.effort : 'none';
}

/** All texts of all messages: the SDK adds it to what OpenAI sends. */
function outputText(output: readonly JsonRecord[]): string {
  return output
    .filter((item) => item['type'] === 'message')
    .flatMap(contentOf)
    .map((part) => (part['type'] === 'output_text' ? textOf(part['text']) : ''))
    .join('');
}

function writeUsage(usage: Usage): JsonRecord {
  return {
    input_tokens: usage.inputTokens,
    input_tokens_details: { cached_tokens: usage.cachedInputTokens, cache_write_tokens: usage.cacheWriteTokens },
    output_tokens: usage.outputTokens,
    output_tokens_details: { reasoning_tokens: usage.reasoningTokens },
    total_tokens: usage.inputTokens + usage.outputTokens,
  };
}
