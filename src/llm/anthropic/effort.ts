/**
 * How much Claude is to think. Newer models take a word (`output_config.effort`), older ones a number
 * of tokens (`thinking.budget_tokens`, at least 1,024); this table turns one into the other:
 *
 * | word | tokens |
 * |---|---|
 * | minimal | 1,024 |
 * | low | 4,096 |
 * | medium | 8,192 |
 * | high | 16,384 |
 * | xhigh | 32,768 |
 * | max | 65,536 |
 */
const BUDGETS: ReadonlyMap<string, number> = new Map([
  ['minimal', 1024],
  ['low', 4096],
  ['medium', 8192],
  ['high', 16_384],
  ['xhigh', 32_768],
  ['max', 65_536],
]);

/** The least budget that the API takes. */
export const THINKING_TOKENS_MIN = 1024;

/** The words that `output_config.effort` takes. */
export const EFFORTS: ReadonlySet<string> = new Set(['low', 'medium', 'high', 'xhigh', 'max']);

/** The tokens that a word stands for; a word that is not known, or none, stands for `medium`. */
export function budgetOfEffort(effort: string | null): number {
  return BUDGETS.get(effort ?? 'medium') ?? 8192;
}

/** The strongest word whose tokens are within the budget: `low` to `high`, which every such model takes. */
export function effortOfBudget(tokens: number): string {
  if (tokens < budgetOfEffort('medium')) return 'low';
  return tokens < budgetOfEffort('high') ? 'medium' : 'high';
}
