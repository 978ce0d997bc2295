/**
 * Leaked tokens of the admin API. There is no rule to choose: whoever has one holds the installation,
 * so it is revoked before the report is answered.
 */
import type { FoundAdminToken } from '../access-stores.ts';
import { findAdminCredential } from '../admin-credential.ts';
import type { AdminCredential } from '../admin-credential.ts';
import { NOTHING_CHANGED, commitChange } from '../change.ts';
import type { CallContext } from '../contract.ts';
import { newId } from '../new-id.ts';
import type { AdminDeps } from '../ports.ts';
import { raiseAlert } from '../raise-alert.ts';
import { view } from '../resources/admin-tokens.ts';
import type { WorkspaceStore } from '../stores.ts';

/** False: the text proves no admin token. `where`: the place, for people. */
export async function takeAdminToken(deps: AdminDeps, text: string, where: string): Promise<boolean> {
  const credential = await findAdminCredential(deps, text);
  if (credential === null) return false;
  const { row, workspaceId } = credential;
  if (row === null) await tellOperator(deps, credential, where);
  else await revoke(deps, { row, workspaceId }, where);
  return true;
}

async function revoke(deps: AdminDeps, { row: { kid }, workspaceId }: FoundAdminToken, where: string): Promise<void> {
  const nowMs = deps.clock.now();
  const ctx: CallContext = {
    workspace: deps.store.workspace(workspaceId),
    principal: { actor: 'system:leaks', permissions: new Set() },
    ...{ deps, nowMs, requestId: newId('lek', nowMs), clientAddress: '' },
  };
  const reason = `the whole token was found ${where}`;
  await commitChange(ctx, { action: 'admin-tokens.revoke', targetKind: 'admin-token' }, async (tx) => {
    const before = await tx.workspace.adminTokens.get(kid);
    // Found again, or revoked meanwhile: there is nothing left to do.
    if (before === null || before.state === 'revoked') return NOTHING_CHANGED;
    const after = { ...before, state: 'revoked', stateReason: reason, revokedAtMs: nowMs, updatedAtMs: nowMs } as const;
    if (!(await tx.workspace.adminTokens.update(after)))
      throw new Error(`the admin token ${kid} was changed meanwhile`);
    const message = `Of the admin token "${before.name}" (${kid}) ${reason}. It was revoked. See what was done with it: audit list --actor token:${kid}.`;
    await tell(tx.workspace, kid, message, nowMs);
    return {
      targetId: kid,
      before: view(before, nowMs),
      after: view(after, nowMs),
      reason,
      propagate: { kind: 'none' },
      answer: () => null,
    } as const;
  });
}

/** What the environment or the master key makes cannot be revoked from here. */
async function tellOperator(deps: AdminDeps, { principal }: AdminCredential, where: string): Promise<void> {
  const message = `The operator's own admin token (${principal.actor}) was found ${where}. It cannot be revoked here: replace KEYWARD_ADMIN_TOKEN or, where it is the token of this machine, the master key, and start again. Look at the audit log for what was done with it.`;
  const workspace = deps.store.workspace(deps.defaultWorkspaceId);
  await workspace.transaction((tx) => tell(tx, principal.actor, message, deps.clock.now()));
}

async function tell(tx: WorkspaceStore, subjectId: string, message: string, nowMs: number): Promise<void> {
  const subject = { subjectKind: 'admin-token', subjectId } as const;
  await raiseAlert(tx, { kind: 'leak_reported', severity: 'critical', ...subject, message }, nowMs);
}
