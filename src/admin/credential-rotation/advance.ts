/**
 * Takes a rotation on, step by step. Each step is one transaction with its audit entries, and what
 * is stored says all: whoever looks next, after a crash or on another node, goes on from there.
 */
import { NOTHING_CHANGED, commitChange } from '../change.ts';
import type { Change } from '../change.ts';
import type { CallContext } from '../contract.ts';
import type { CredentialRotationRow } from '../credential-stores.ts';
import { raiseAlert, resolveAlert } from '../raise-alert.ts';
import { viewRotation } from '../resources/credential-rotation-view.ts';
import { beginEffect, deleteCredential, replaceGone, undo } from './effects.ts';
import { lookAt } from './look.ts';
import type { Look } from './look.ts';
import { beginNext, ended, endStep, runningStep, waiting } from './steps.ts';

/** More than there are steps: one that takes none on ends the loop. */
const TURNS_MAX = 10;

/** Takes it as far as it goes now. */
export async function advanceRotation(ctx: CallContext, id: string): Promise<void> {
  for (let turn = 0; turn < TURNS_MAX; turn += 1) {
    const now = { ...ctx, nowMs: ctx.deps.clock.now() };
    const row = await now.workspace.credentialRotations.get(id);
    const step = row && runningStep(row);
    if (row === null || step === null || row.state !== 'running' || row.dueAtMs > now.nowMs) return;
    const look = await lookAt(now, row, step);
    if (look.kind === 'wait') return wait(now, row, look);
    await commitChange(now, { action: 'credential-rotations.advance', targetKind: 'credential-rotation' }, (tx) =>
      take(tx, row, look),
    );
  }
}

async function wait(
  ctx: CallContext,
  row: CredentialRotationRow,
  look: Extract<Look, { kind: 'wait' }>,
): Promise<void> {
  const next = { ...waiting(row, look.reason, ctx.nowMs, look.dueAtMs), ...look.canary };
  await ctx.workspace.credentialRotations.update(next);
}

async function take(
  tx: CallContext,
  row: CredentialRotationRow,
  look: Exclude<Look, { kind: 'wait' }>,
): Promise<Change<null>> {
  // Somebody took it back in the meantime: their change stands.
  if ((await tx.workspace.credentialRotations.get(row.id))?.revision !== row.revision) return NOTHING_CHANGED;
  switch (look.kind) {
    case 'end':
      return store(tx, row, await goOn(tx, { ...row, ...look.canary }, look), look.reason);
    case 'gone': {
      const why = 'the old credential was deleted';
      await replaceGone(tx, row, `rotation ${row.id}: ${why}`);
      const skipped = endStep(row, { state: 'skipped', reason: why }, tx.nowMs);
      return store(tx, row, ended(skipped, 'completed', why, tx.nowMs), why);
    }
    case 'roll-back':
      await tellRolledBack(tx, row, look.reason);
      return rollBack(tx, row, look.reason);
  }
}

async function goOn(
  tx: CallContext,
  row: CredentialRotationRow,
  { state, reason }: Extract<Look, { kind: 'end' }>,
): Promise<CredentialRotationRow> {
  if (runningStep(row)?.name === 'delete') return finish(tx, endStep(row, { state, reason }, tx.nowMs));
  let next = beginNext(endStep(row, { state, reason }, tx.nowMs), tx.nowMs);
  if (runningStep(next)?.name === 'canary' && next.plan.canaryCalls === 0) {
    const skipped = endStep(next, { state: 'skipped', reason: 'none was asked for' }, tx.nowMs);
    next = beginNext(skipped, tx.nowMs);
  }
  const begun = runningStep(next);
  return begun === null ? next : beginEffect(tx, next, begun.name);
}

async function finish(tx: CallContext, row: CredentialRotationRow): Promise<CredentialRotationRow> {
  await deleteCredential(tx, row.credentialId, `rotation ${row.id}: delete`);
  await resolveAlert(tx.workspace, { kind: 'credential_rotation_failed', subjectId: row.credentialId }, tx.nowMs);
  return ended(row, 'completed', null, tx.nowMs);
}

/** Puts the old credential back in its place, and deletes the new one. */
export async function rollBack(tx: CallContext, row: CredentialRotationRow, reason: string): Promise<Change<null>> {
  await undo(tx, row, `rotation ${row.id}: ${reason}`);
  const failed = endStep(row, { state: 'failed', reason }, tx.nowMs);
  const change = await store(tx, row, ended(failed, 'rolled-back', reason, tx.nowMs), reason);
  return { ...change, action: 'credential-rotations.roll-back' };
}

async function store(
  tx: CallContext,
  before: CredentialRotationRow,
  after: CredentialRotationRow,
  reason: string | null,
): Promise<Change<null>> {
  if (!(await tx.workspace.credentialRotations.update(after))) throw new Error(`rotation ${before.id} was changed`);
  return {
    targetId: before.id,
    before: viewRotation(before),
    after: viewRotation(after),
    reason,
    propagate: { kind: 'snapshot' },
    answer: () => null,
  };
}

async function tellRolledBack(tx: CallContext, row: CredentialRotationRow, reason: string): Promise<void> {
  const message = `The rotation ${row.id} of the credential ${row.credentialId} of the provider ${row.providerId} was rolled back: ${reason}. The old one is in use as before. Get another secret, and rotate again: credentials rotate ${row.credentialId}.`;
  await raiseAlert(
    tx.workspace,
    {
      ...{ kind: 'credential_rotation_failed', severity: 'warning', message },
      ...{ subjectKind: 'credential', subjectId: row.credentialId },
    },
    tx.nowMs,
  );
}
