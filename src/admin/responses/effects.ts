/** What of a response can be undone, and whether it still holds. Pure. */
import type { Budget, Limits } from '../../keys/constraints.ts';
import type { Effect, Lowered, ResponseRow } from '../response-stores.ts';
import type { KeyRow } from '../stores.ts';

export type SuspendEffect = Extract<Effect, { readonly kind: 'suspend' }>;
export type LimitsEffect = Extract<Effect, { readonly kind: 'lower-limits' }>;
type Reversible = SuspendEffect | LimitsEffect;
type LoweredField = 'requestsPerMinute' | 'concurrency';

export const LOWERED_FIELDS: readonly LoweredField[] = ['requestsPerMinute', 'concurrency'];

export function isReversible(effect: Effect): effect is Reversible {
  return effect.kind === 'suspend' || effect.kind === 'lower-limits';
}

/** What a response becomes once every worker has it. */
export function settledState({ effects }: ResponseRow): 'in-force' | 'done' {
  return effects.some(isReversible) ? 'in-force' : 'done';
}

/** Whether the key still is as the effect made it; `others`: what else is in force on it. */
export function holds(effect: Reversible, key: KeyRow, others: readonly ResponseRow[]): boolean {
  if (key.state === 'revoked' || key.state === 'compromised') return false;
  if (effect.kind === 'suspend') {
    const { state, suspension } = key;
    return state === 'suspended' && suspension?.automatic === true && suspension.untilMs === effect.untilMs;
  }
  const { budget } = effect;
  if (budget !== null && indexOfBudget(key.limits.budgets, budget) === -1) return false;
  return LOWERED_FIELDS.every((field) => {
    const lowered = effect[field];
    if (lowered === null) return true;
    return key.limits[field] === lowest([lowered.after, ...valuesOf(others, field)]);
  });
}

/** The limits of a key without what an effect lowered; other responses keep what they lowered. */
export function restoredLimits(effect: LimitsEffect, limits: Limits, others: readonly ResponseRow[]): Limits {
  const restored = (field: LoweredField): number | null => {
    const lowered = effect[field];
    if (lowered === null) return limits[field];
    const values = valuesOf(others, field);
    return values.length === 0 ? lowered.before : lowest(values);
  };
  const at = effect.budget === null ? -1 : indexOfBudget(limits.budgets, effect.budget);
  const budgets = at === -1 ? limits.budgets : (limits.budgets ?? []).toSpliced(at, 1);
  return {
    ...limits,
    requestsPerMinute: restored('requestsPerMinute'),
    concurrency: restored('concurrency'),
    budgets: budgets?.length === 0 ? null : budgets,
  };
}

/** What a count was before any rule that is in force lowered it. */
export function baselineOf(field: LoweredField, now: number | null, open: readonly ResponseRow[]): number | null {
  const first = open.flatMap((row) => loweredBy(row, field) ?? []).at(0);
  return first === undefined ? now : first.before;
}

/** The effects of a response that touched the limits and the state of the key. */
export function effectOf<Kind extends Effect['kind']>(
  row: ResponseRow,
  kind: Kind,
): Extract<Effect, { readonly kind: Kind }> | null {
  const isSuch = (effect: Effect): effect is Extract<Effect, { readonly kind: Kind }> => effect.kind === kind;
  return row.effects.find(isSuch) ?? null;
}

function valuesOf(rows: readonly ResponseRow[], field: LoweredField): readonly number[] {
  return rows.flatMap((row) => loweredBy(row, field)?.after ?? []);
}

function loweredBy(row: ResponseRow, field: LoweredField): Lowered | null {
  return effectOf(row, 'lower-limits')?.[field] ?? null;
}

function lowest(values: readonly number[]): number {
  return Math.min(...values);
}

/** The last of those that are alike: a rule adds at the end. */
function indexOfBudget(budgets: readonly Budget[] | null, { nanoUsd, period, window, timeZone, kind }: Budget): number {
  return (budgets ?? []).findLastIndex(
    (other) =>
      other.nanoUsd === nanoUsd &&
      other.period === period &&
      other.window === window &&
      other.timeZone === timeZone &&
      other.kind === kind,
  );
}
