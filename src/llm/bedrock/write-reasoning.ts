/** How a model's reasoning is asked for: in `additionalModelRequestFields`, in the words of its maker. */
import type { ReasoningRequest } from '../canonical.ts';
import type { TargetModel } from '../codec.ts';
import type { JsonRecord } from '../record.ts';
import type { Report } from '../report.ts';
import { mayBeClaude } from './model-vendor.ts';

/** Claude's least (docs.claude.com, extended thinking). */
const BUDGET_MIN = 1024;
const BUDGETS: ReadonlyMap<string, number> = new Map([
  ['minimal', 1024],
  ['low', 2048],
  ['medium', 8192],
  ['high', 16_384],
  ['xhigh', 32_768],
  ['max', 49_152],
]);
const FIELD = 'reasoning';

export interface ReasoningFields {
  readonly fields: JsonRecord;
  /** Claude reasons: it then takes no sampling parameters. */
  readonly isClaudeThinking: boolean;
}

const NONE: ReasoningFields = { fields: {}, isClaudeThinking: false };

export interface ReasoningLimits {
  readonly outputTokensMax: number | null;
  /** The model must call a tool. */
  readonly isForced: boolean;
}

export function writeReasoning(
  reasoning: ReasoningRequest | null,
  { traits }: TargetModel,
  vendor: string | null,
  limits: ReasoningLimits,
  report: Report,
): ReasoningFields {
  if (reasoning === null) return NONE;
  if (mayBeClaude(vendor)) return claudeThinking(reasoning, traits, limits, report);
  if (!reasoning.enabled) return vendor === 'amazon' ? only({ reasoningConfig: { type: 'disabled' } }) : off(report);
  const effort = reasoning.effort ?? effortOf(reasoning.budgetTokens);
  if (reasoning.effort === null && reasoning.budgetTokens !== null)
    report.approximated(FIELD, 'the model is told an effort, not a number of tokens');
  if (vendor === 'amazon')
    return only({ reasoningConfig: { type: 'enabled', maxReasoningEffort: novaEffort(effort) } });
  if (vendor === 'openai') return only({ reasoning_effort: effort });
  report.dropped(FIELD, 'how this model is asked to reason on Amazon Bedrock is not known');
  return NONE;
}

function only(fields: JsonRecord): ReasoningFields {
  return { fields, isClaudeThinking: false };
}

function off(report: Report): ReasoningFields {
  report.dropped(FIELD, 'that this model is not to reason cannot be told on Amazon Bedrock');
  return NONE;
}

/** https://docs.aws.amazon.com/nova/latest/nova2-userguide/: low, medium or high. */
function novaEffort(effort: string): string {
  if (effort === 'minimal') return 'low';
  return effort === 'xhigh' || effort === 'max' ? 'high' : effort;
}

function effortOf(budgetTokens: number | null): string {
  if (budgetTokens === null) return 'medium';
  if (budgetTokens <= 2048) return 'low';
  return budgetTokens <= 8192 ? 'medium' : 'high';
}

function claudeThinking(
  reasoning: ReasoningRequest,
  traits: TargetModel['traits'],
  limits: ReasoningLimits,
  report: Report,
): ReasoningFields {
  // A model that cannot reason refuses the field.
  if (!reasoning.enabled) return traits.reasoning === true ? only({ thinking: { type: 'disabled' } }) : NONE;
  if (traits.reasoning === false) return refused('the model does not reason', report);
  if (limits.isForced) return refused('Claude cannot reason where it is forced to call a tool', report);
  if (traits.reasoningStyle === 'adaptive') return adaptive(reasoning, report);
  if (reasoning.show === false) report.dropped(`${FIELD}.show`, 'Claude shows its reasoning');
  const budget = budgetOf(reasoning, limits.outputTokensMax ?? traits.outputTokensMax, report);
  if (budget === null) return refused(`reasoning needs more than ${BUDGET_MIN} output tokens`, report);
  return { fields: { thinking: { type: 'enabled', budget_tokens: budget } }, isClaudeThinking: true };
}

function refused(reason: string, report: Report): ReasoningFields {
  report.dropped(FIELD, reason);
  return NONE;
}

function adaptive({ effort, budgetTokens, show }: ReasoningRequest, report: Report): ReasoningFields {
  if (budgetTokens !== null)
    report.approximated(FIELD, 'the model decides how long it reasons: it is told an effort, not a number of tokens');
  const wanted = effort ?? (budgetTokens === null ? null : effortOf(budgetTokens));
  const display = show === null ? {} : { display: show ? 'summarized' : 'omitted' };
  const effortFields = wanted === null ? {} : { output_config: { effort: wanted === 'minimal' ? 'low' : wanted } };
  return { fields: { thinking: { type: 'adaptive', ...display }, ...effortFields }, isClaudeThinking: true };
}

/** At least 1,024 and less than all output; null where both cannot be. */
function budgetOf(
  { effort, budgetTokens }: ReasoningRequest,
  outputTokensMax: number | null,
  report: Report,
): number | null {
  const wanted = budgetTokens ?? BUDGETS.get(effort ?? 'medium') ?? 8192;
  const most = outputTokensMax === null ? Infinity : outputTokensMax - 1;
  if (most < BUDGET_MIN) return null;
  const budget = Math.min(Math.max(wanted, BUDGET_MIN), most);
  if (budget !== budgetTokens) report.approximated(FIELD, `the model may use ${budget} tokens to reason`);
  return budget;
}
