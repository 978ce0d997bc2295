/**
 * `thinking` and `output_config.effort` of a request, and `max_tokens`, which holds the thinking
 * (https://platform.claude.com/docs/en/build-with-claude/thinking).
 */
import type { ChatRequest, ReasoningRequest } from '../canonical.ts';
import type { ModelTraits } from '../model-traits.ts';
import type { JsonRecord } from '../record.ts';
import type { Report } from '../report.ts';
import { budgetOfEffort, effortOfBudget, EFFORTS, THINKING_TOKENS_MIN } from './effort.ts';
import type { Message } from './write-messages.ts';

/** The limit for callers that tell none, of models whose own is not known. */
const OUTPUT_TOKENS_DEFAULT = 4096;

/** What is left for the answer itself where the thinking takes as much as it may. */
const THINKING_SHARE_MAX = 0.8;

export interface ThinkingPlan {
  /** `thinking`, or null to leave it out. */
  readonly thinking: JsonRecord | null;
  readonly effort: string | null;
  readonly isOn: boolean;
  /** The caller wanted it and does not get it. */
  readonly isSwitchedOff: boolean;
  readonly maxTokens: number;
}

export interface ThinkingFacts {
  readonly traits: ModelTraits;
  readonly messages: readonly Message[];
  /** Whether the model has to call a tool. */
  readonly isForced: boolean;
}

export function planThinking(request: ChatRequest, facts: ThinkingFacts, report: Report): ThinkingPlan {
  const { reasoning } = request;
  const maxTokens = outputLimit(request, facts.traits, report);
  const plain: ThinkingPlan = { thinking: null, effort: null, isOn: false, isSwitchedOff: false, maxTokens };
  if (reasoning === null) return plain;
  if (facts.traits.reasoning === false) {
    if (reasoning.enabled) report.dropped('reasoning', 'the model does not reason');
    return plain;
  }
  if (!reasoning.enabled) return { ...plain, thinking: { type: 'disabled' }, effort: effortWord(reasoning) };
  reportSummary(reasoning, report);
  if (!isManual(reasoning, facts.traits)) return adaptive(plain, reasoning, report);
  const isFree = request.outputTokensMax === null && facts.traits.outputTokensMax === null;
  const obstacle = obstacleTo(facts, isFree ? Number.POSITIVE_INFINITY : maxTokens);
  if (obstacle === null) return manual(plain, reasoning, isFree, report);
  report.dropped('reasoning', obstacle);
  return { ...plain, isSwitchedOff: true };
}

function outputLimit({ outputTokensMax }: ChatRequest, traits: ModelTraits, report: Report): number {
  const most = traits.outputTokensMax;
  if (outputTokensMax === null) return most ?? OUTPUT_TOKENS_DEFAULT;
  if (most === null || outputTokensMax <= most) return outputTokensMax;
  report.approximated('max_tokens', `the model gives at most ${most} tokens`);
  return most;
}

/** Of a model that nothing is known of, who names a budget knows that it takes one. */
function isManual({ budgetTokens }: ReasoningRequest, { reasoningStyle }: ModelTraits): boolean {
  return reasoningStyle === null ? budgetTokens !== null : reasoningStyle === 'budget';
}

function reportSummary({ summary }: ReasoningRequest, report: Report): void {
  if (summary !== undefined && summary !== 'auto')
    report.dropped('reasoning.summary', 'the provider has one kind of summary');
}

function adaptive(plain: ThinkingPlan, reasoning: ReasoningRequest, report: Report): ThinkingPlan {
  const { effort, budgetTokens } = reasoning;
  if (budgetTokens !== null)
    report.approximated('reasoning', 'the model decides how much to think: the budget goes as an effort');
  else if (effort === 'minimal') report.approximated('reasoning', 'the least effort of the provider is low');
  else if (effort !== null && !EFFORTS.has(effort))
    report.dropped('reasoning.effort', 'the provider has no such effort');
  const word = budgetTokens === null ? effortWord(reasoning) : effortOfBudget(budgetTokens);
  return { ...plain, thinking: { type: 'adaptive', ...displayMember(reasoning) }, effort: word, isOn: true };
}

function effortWord({ effort }: ReasoningRequest): string | null {
  if (effort === 'minimal') return 'low';
  return effort !== null && EFFORTS.has(effort) ? effort : null;
}

function displayMember({ show }: ReasoningRequest): JsonRecord {
  return show === null ? {} : { display: show ? 'summarized' : 'omitted' };
}

/**
 * Why the API would refuse a budget, which it does not do where the model decides itself how much to think
 * (https://platform.claude.com/docs/build-with-claude/thinking-tool-workflows).
 */
function obstacleTo({ messages, isForced }: ThinkingFacts, maxTokens: number): string | null {
  if (isForced) return 'the provider does not let a model think that has to call a tool';
  if (lacksThinking(messages)) return 'the reasoning of the answer that is continued is missing';
  // More than the caller allows would cost more than the caller allows.
  if (maxTokens <= THINKING_TOKENS_MIN)
    return `the provider asks for more output tokens than ${THINKING_TOKENS_MIN} where a model is to think`;
  return null;
}

/** An answer that called tools goes on when their results come: all its messages are one turn, which must begin with thinking. */
function lacksThinking(messages: readonly Message[]): boolean {
  let first = messages.length - 1;
  while (
    first > 0 &&
    messages[first]?.role === 'user' &&
    hasResult(messages[first]) &&
    messages[first - 1]?.role === 'assistant'
  )
    first -= 2;
  const beginning = messages.at(-1)?.role === 'assistant' ? messages.at(-1) : messages[first + 1];
  if (beginning?.role !== 'assistant') return false;
  const type = beginning.content[0]?.['type'];
  return type !== 'thinking' && type !== 'redacted_thinking';
}

function hasResult(message: Message | undefined): boolean {
  return message?.content[0]?.['type'] === 'tool_result';
}

/** `isFree`: nobody has set a limit that the budget would have to fit into. */
function manual(plain: ThinkingPlan, reasoning: ReasoningRequest, isFree: boolean, report: Report): ThinkingPlan {
  const { budgetTokens, effort } = reasoning;
  const wanted = Math.max(THINKING_TOKENS_MIN, budgetTokens ?? budgetOfEffort(effort));
  const maxTokens = isFree ? wanted + OUTPUT_TOKENS_DEFAULT : plain.maxTokens;
  const most = Math.max(THINKING_TOKENS_MIN, Math.floor(maxTokens * THINKING_SHARE_MAX));
  // A budget that fits as it is stays as the caller chose it.
  const budget = budgetTokens !== null && wanted < maxTokens ? wanted : Math.min(wanted, most);
  if (budgetTokens === null && effort !== null)
    report.approximated('reasoning', 'the effort goes as a budget of tokens');
  if (budgetTokens !== null && budget !== budgetTokens)
    report.approximated('reasoning', `the budget is ${budget}: at least ${THINKING_TOKENS_MIN}, and below max_tokens`);
  const thinking = { type: 'enabled', budget_tokens: budget, ...displayMember(reasoning) };
  return { ...plain, thinking, isOn: true, maxTokens };
}
