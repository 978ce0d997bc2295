/**
 * Limits as whoever mints may write them: as the admin API takes them, with money in USD and with
 * budgets whose members have defaults. The claims of a delegated key hold whole nano-USD and every
 * member. What cannot be rewritten is left as it is, for the reader of limits to refuse.
 */
import type { Budget, Limits } from './constraints.ts';

export interface BudgetInput extends Partial<Pick<Budget, 'window' | 'timeZone' | 'kind'>> {
  readonly period: Budget['period'];
  /** At most nine decimals; or `nanoUsd` in its place. */
  readonly usd?: number;
  readonly nanoUsd?: number;
}

export interface LimitsInput extends Partial<Omit<Limits, 'budgets'>> {
  readonly budgets?: readonly BudgetInput[] | null;
  /** In place of `costPerCallMax`. */
  readonly usdPerCallMax?: number | null;
}

/** The same limits as claims hold them. */
export function limitsOfInput({ usdPerCallMax, budgets, ...rest }: LimitsInput): object {
  return {
    ...rest,
    ...(budgets === undefined ? {} : { budgets: Array.isArray(budgets) ? budgets.map(budgetOfInput) : budgets }),
    ...moneyOf('costPerCallMax', rest.costPerCallMax, 'usdPerCallMax', usdPerCallMax),
  };
}

function budgetOfInput(budget: unknown): unknown {
  if (typeof budget !== 'object' || budget === null || Array.isArray(budget)) return budget;
  const { usd, nanoUsd, ...rest } = { usd: undefined, nanoUsd: undefined, ...budget };
  return { window: 'calendar', timeZone: 'UTC', kind: 'hard', ...rest, ...moneyOf('nanoUsd', nanoUsd, 'usd', usd) };
}

/** An amount under the name that claims have for it; both of them, or one that is not exact, stay to be refused. */
function moneyOf(name: string, nanoUsd: unknown, usdName: string, usd: unknown): object {
  if (usd === undefined) return nanoUsd === undefined ? {} : { [name]: nanoUsd };
  if (nanoUsd !== undefined) return { [name]: nanoUsd, [usdName]: usd };
  return { [name]: typeof usd === 'number' ? nanoUsdOf(usd) : usd };
}

/** Exact by the decimals, where a product would be rounded twice; what has more than nine is no whole number. */
function nanoUsdOf(usd: number): number {
  const decimals = usd.toFixed(9);
  return Number(decimals) === usd ? Number(decimals.replace('.', '')) : usd * 1e9;
}
