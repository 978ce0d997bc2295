/** What the steps of a rotation do to the two credentials: inside of a transaction, each change audited. */
import { recordChange } from '../change.ts';
import type { CallContext } from '../contract.ts';
import type { CredentialRotationRow, RotationPlan, RotationStepName } from '../credential-stores.ts';
import { viewCredential } from '../resources/credentials.ts';
import type { CredentialRow } from '../stores.ts';
import { hasBegun, LAST_PRIORITY } from './steps.ts';

/** Does what a step begins with; the rotation as it is then. */
export async function beginEffect(
  tx: CallContext,
  row: CredentialRotationRow,
  step: RotationStepName,
): Promise<CredentialRotationRow> {
  const why = `rotation ${row.id}: ${step}`;
  switch (step) {
    case 'canary': {
      const { priority } = row.plan;
      await changeCredential(
        tx,
        row.newCredentialId,
        { state: 'active', weight: canaryWeight(row.plan), priority },
        why,
      );
      return row;
    }
    case 'shift':
      return shift(tx, row, why);
    case 'disable':
      await changeCredential(tx, row.credentialId, { state: 'disabled' }, why);
      return row;
    case 'store':
    case 'probe':
    case 'drain':
    case 'delete':
      return row;
  }
}

/** The new one gets that part of the calls that the two have together. */
export function canaryWeight({ weight, canaryPercent }: RotationPlan): number {
  return (weight * canaryPercent) / (100 - canaryPercent);
}

/** The new one takes the place of the old one, which stays behind all others until its calls have ended. */
async function shift(tx: CallContext, row: CredentialRotationRow, why: string): Promise<CredentialRotationRow> {
  const old = await tx.workspace.credentials.get(row.credentialId);
  if (old === null) return row;
  // As they are now: somebody may have changed them since the rotation began.
  const { weight, priority, models } = old;
  await changeCredential(tx, row.newCredentialId, { state: 'active', weight, priority, models }, why);
  await changeCredential(tx, row.credentialId, { priority: LAST_PRIORITY }, why);
  return { ...row, plan: { ...row.plan, weight, priority } };
}

/** The old one is gone already: the new one takes its place at once. */
export async function replaceGone(tx: CallContext, row: CredentialRotationRow, why: string): Promise<void> {
  const { weight, priority } = row.plan;
  await changeCredential(tx, row.newCredentialId, { state: 'active', weight, priority }, why);
}

/** As it was before the rotation; the new secret is deleted. */
export async function undo(tx: CallContext, row: CredentialRotationRow, why: string): Promise<void> {
  if (hasBegun(row, 'shift')) {
    const { priority } = row.plan;
    const wasDisabled = hasBegun(row, 'disable');
    await changeCredential(tx, row.credentialId, { priority, ...(wasDisabled && { state: 'active' as const }) }, why);
  }
  await deleteCredential(tx, row.newCredentialId, why);
}

export async function deleteCredential(tx: CallContext, id: string, why: string): Promise<void> {
  const before = await tx.workspace.credentials.get(id);
  if (before === null) return;
  await recordChange(tx, { action: 'credentials.delete', targetKind: 'credential' }, async () => {
    await tx.workspace.credentials.delete(id);
    return { ...changed(before, before, why), after: null };
  });
}

async function changeCredential(
  tx: CallContext,
  id: string,
  patch: Partial<Pick<CredentialRow, 'state' | 'weight' | 'priority' | 'models'>>,
  why: string,
): Promise<void> {
  const before = await tx.workspace.credentials.get(id);
  if (before === null) return;
  const after = { ...before, ...patch, updatedAtMs: tx.nowMs };
  await recordChange(tx, { action: 'credentials.update', targetKind: 'credential' }, async () => {
    await tx.workspace.credentials.update(id, { ...patch, updatedAtMs: tx.nowMs });
    return changed(before, after, why);
  });
}

/** Part of a larger change, which tells the workers. */
function changed(before: CredentialRow, after: CredentialRow, reason: string) {
  const views = { before: viewCredential(before), after: viewCredential(after) };
  return { targetId: before.id, ...views, reason, propagate: { kind: 'none' }, answer: () => null } as const;
}
