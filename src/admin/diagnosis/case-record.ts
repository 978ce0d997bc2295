import { AppError } from '../../errors.ts';
import type { CallContext } from '../contract.ts';
import type { CaseRow, CaseStep, CaseStepName } from '../stores.ts';

export const CASE_STEPS = [
  'identify',
  'verify-owner',
  'update-owner',
  'reissue',
  'test',
] as const satisfies readonly CaseStepName[];

export interface StepOutcome {
  readonly state: Exclude<CaseStep['state'], 'pending'>;
  /** What was found or done; never a secret. */
  readonly evidence: Readonly<Record<string, unknown>>;
}

export function pendingSteps(): readonly CaseStep[] {
  return CASE_STEPS.map((name) => ({ name, state: 'pending', actor: null, atMs: null, attempts: 0, evidence: null }));
}

/** The steps with one of them done once more. */
export function withStep(
  ctx: CallContext,
  steps: readonly CaseStep[],
  name: CaseStepName,
  outcome: StepOutcome,
): readonly CaseStep[] {
  return steps.map((step) =>
    step.name === name
      ? { name, ...outcome, actor: ctx.principal.actor, atMs: ctx.nowMs, attempts: step.attempts + 1 }
      : step,
  );
}

/** The step that comes next; null when none is left. */
export function nextStep({ state, steps }: CaseRow): CaseStepName | null {
  if (state !== 'open') return null;
  return steps.find((step) => step.state === 'pending' || step.state === 'failed')?.name ?? null;
}

export async function requireCase(ctx: CallContext, id: string): Promise<CaseRow> {
  const row = await ctx.workspace.cases.get(id);
  if (row === null) throw new AppError('not_found', { message: `There is no case ${id}.` });
  return row;
}

export async function requireOpenCase(ctx: CallContext, id: string): Promise<CaseRow> {
  const row = await requireCase(ctx, id);
  if (row.state !== 'closed') return row;
  throw new AppError('conflict', { message: `The case ${id} is closed: open a new one.` });
}

/** Stores what became of a case; refused where somebody else was faster. */
export async function saveCase(ctx: CallContext, row: CaseRow): Promise<CaseRow> {
  const changed = { ...row, updatedAtMs: ctx.nowMs };
  if (await ctx.workspace.cases.update(changed)) return { ...changed, revision: row.revision + 1 };
  throw new AppError('conflict', {
    message: `The case ${row.id} was changed meanwhile. Read it again and repeat the step.`,
  });
}
