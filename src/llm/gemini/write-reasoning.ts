/** `thinkingConfig` (https://ai.google.dev/gemini-api/docs/thinking): a level since Gemini 3, a budget before. */
import type { ReasoningRequest } from '../canonical.ts';
import type { TargetModel } from '../codec.ts';
import type { JsonRecord } from '../record.ts';
import type { Report } from '../report.ts';
import { isBeforeGemini3, isGemini3 } from './model-names.ts';

/** The members of `thinkingConfig`, empty where nothing is to be said. */
export function writeReasoning(reasoning: ReasoningRequest, target: TargetModel, report: Report): JsonRecord {
  if (target.traits.reasoning === false) {
    // Google refuses thinkingConfig for models that do not think.
    if (reasoning.enabled) report.dropped('reasoning', 'the model does not reason');
    return {};
  }
  const shown = reasoning.show === null ? {} : { includeThoughts: reasoning.show };
  const isOff = !reasoning.enabled || reasoning.effort === 'none';
  return { ...shown, ...(isOff ? writeOff(target, report) : writeAmount(reasoning, target, report)) };
}

function styleOf({ name, traits }: TargetModel): 'effort' | 'budget' | null {
  if (traits.reasoningStyle === 'effort' || traits.reasoningStyle === 'budget') return traits.reasoningStyle;
  if (isBeforeGemini3(name)) return 'budget';
  return isGemini3(name) ? 'effort' : null;
}

function writeOff(target: TargetModel, report: Report): JsonRecord {
  if (styleOf(target) !== 'effort') return { thinkingBudget: 0 };
  report.approximated('reasoning', 'the model cannot be kept from reasoning: it reasons as little as it can');
  return { thinkingLevel: lowestLevel(target) };
}

/** The models that are not small ones refuse `MINIMAL`. */
function lowestLevel({ name }: TargetModel): string {
  return name.includes('flash') ? 'MINIMAL' : 'LOW';
}

function writeAmount(reasoning: ReasoningRequest, target: TargetModel, report: Report): JsonRecord {
  const { effort, budgetTokens } = reasoning;
  const style = styleOf(target);
  if (budgetTokens !== null) {
    if (style !== 'effort') return { thinkingBudget: budgetTokens };
    report.approximated('reasoning', 'the model takes an effort, not a budget');
    return { thinkingLevel: levelOf(budgetTokens) };
  }
  // -1 leaves the amount to the model, also where it would not think unasked.
  if (effort === null) return style === 'budget' ? { thinkingBudget: -1 } : {};
  const known = EFFORTS.get(effort);
  if (known === undefined) {
    report.dropped('reasoning', 'the provider does not know this effort');
    return {};
  }
  const [level, budget] = known;
  if (style !== 'budget') {
    const taken = level === 'MINIMAL' ? lowestLevel(target) : level;
    if (taken.toLowerCase() !== effort) report.approximated('reasoning', `the model takes the effort "${taken}"`);
    return { thinkingLevel: taken };
  }
  report.approximated('reasoning', 'the model takes a budget, not an effort');
  return { thinkingBudget: budget };
}

/** The budgets are those that Google itself gives for an effort (https://ai.google.dev/gemini-api/docs/openai). */
const EFFORTS: ReadonlyMap<string, readonly [level: string, budget: number]> = new Map([
  ['minimal', ['MINIMAL', 1024]],
  ['low', ['LOW', 1024]],
  ['medium', ['MEDIUM', 8192]],
  ['high', ['HIGH', 24_576]],
  ['xhigh', ['HIGH', 24_576]],
  ['max', ['HIGH', 24_576]],
]);

function levelOf(budget: number): string {
  if (budget <= 1024) return 'LOW';
  return budget <= 8192 ? 'MEDIUM' : 'HIGH';
}
