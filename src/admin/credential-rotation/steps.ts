/** How a rotation goes from step to step, as values. */
import { ROTATION_STEPS } from '../credential-stores.ts';
import type { CredentialRotationRow, RotationStep, RotationStepName } from '../credential-stores.ts';

/** Behind every other credential: it is used only when none of them can be. */
export const LAST_PRIORITY = 1_000_000;

/** Of a rotation whose new secret has just been stored. */
export function firstSteps(nowMs: number): readonly RotationStep[] {
  const pending = ROTATION_STEPS.map((name): RotationStep => {
    return { name, state: 'pending', startedAtMs: null, endedAtMs: null, reason: null };
  });
  return pending.map((step): RotationStep => {
    if (step.name === 'store') return { ...step, state: 'done', startedAtMs: nowMs, endedAtMs: nowMs };
    return step.name === 'probe' ? { ...step, state: 'running', startedAtMs: nowMs } : step;
  });
}

export function runningStep({ steps }: CredentialRotationRow): RotationStep | null {
  return steps.find(({ state }) => state === 'running') ?? null;
}

export interface StepEnd {
  readonly state: 'done' | 'skipped' | 'failed';
  readonly reason: string | null;
}

/** Ends the step that runs. */
export function endStep(row: CredentialRotationRow, { state, reason }: StepEnd, nowMs: number): CredentialRotationRow {
  return patchStep(row, runningStep(row)?.name ?? null, { state, reason, endedAtMs: nowMs }, nowMs);
}

/** Lets the next step run, unless there is none. */
export function beginNext(row: CredentialRotationRow, nowMs: number): CredentialRotationRow {
  const next = row.steps.find(({ state }) => state === 'pending');
  return patchStep(row, next?.name ?? null, { state: 'running', startedAtMs: nowMs }, nowMs);
}

/** Says what the step that runs waits for, and when it is looked at again. */
export function waiting(
  row: CredentialRotationRow,
  reason: string | null,
  nowMs: number,
  dueAtMs: number,
): CredentialRotationRow {
  return { ...patchStep(row, runningStep(row)?.name ?? null, { reason }, nowMs), dueAtMs };
}

/** Ends the rotation; what was not begun is skipped. */
export function ended(
  row: CredentialRotationRow,
  state: 'completed' | 'rolled-back',
  reason: string | null,
  nowMs: number,
): CredentialRotationRow {
  const steps = row.steps.map((step): RotationStep =>
    step.state === 'pending' ? { ...step, state: 'skipped' } : step,
  );
  return { ...row, steps, state, endedAtMs: nowMs, endedReason: reason, updatedAtMs: nowMs };
}

/** Whether a step has been begun. */
export function hasBegun({ steps }: CredentialRotationRow, name: RotationStepName): boolean {
  return steps.some((step) => step.name === name && step.startedAtMs !== null);
}

function patchStep(
  row: CredentialRotationRow,
  name: RotationStepName | null,
  patch: Partial<RotationStep>,
  nowMs: number,
): CredentialRotationRow {
  const steps = row.steps.map((step) => (step.name === name ? { ...step, ...patch } : step));
  return { ...row, steps, updatedAtMs: nowMs, dueAtMs: nowMs };
}
