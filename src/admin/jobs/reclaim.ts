import { setImmediate } from 'node:timers/promises';
import type { Job } from '../../watch/jobs/scheduler.ts';
import { commitChange } from '../change.ts';
import type { CallContext } from '../contract.ts';
import { durationText } from '../fields.ts';
import type { AdminDeps } from '../ports.ts';
import type { KeyRow } from '../stores.ts';
import { forEachWorkspace, inAnyWorkspace } from './walk.ts';

const DAY_MS = 86_400_000;
const BATCH = 200;

/** Gives places of pools back: temporary keys that nobody uses are ended, and those that ended long ago deleted. */
export function reclaimJobs(deps: AdminDeps): readonly Job[] {
  return [
    {
      name: 'reclaim-unused',
      everyMs: 15_000,
      isWanted: () =>
        inAnyWorkspace(deps, async ({ temporaryKeys }, nowMs) => (await temporaryKeys.unused(nowMs, '', 1)).length > 0),
      run: (signal) => forEachWorkspace(deps, 'system:reclaim', signal, (ctx) => reclaim(ctx, signal)),
    },
    {
      name: 'delete-ended',
      everyMs: 3_600_000,
      run: (signal) => forEachWorkspace(deps, 'system:reclaim', signal, (ctx) => deleteAllEnded(ctx, signal)),
    },
  ];
}

async function reclaim(ctx: CallContext, signal: AbortSignal): Promise<void> {
  let after = '';
  for (;;) {
    signal.throwIfAborted();
    const rows = await ctx.workspace.temporaryKeys.unused(ctx.nowMs, after, BATCH);
    await endUnused(ctx, rows);
    after = rows.at(-1)?.kid ?? after;
    if (rows.length < BATCH) return;
  }
}

async function deleteAllEnded(ctx: CallContext, signal: AbortSignal): Promise<void> {
  const beforeMs = ctx.nowMs - ctx.deps.keyLife().temporaryKeptDays * DAY_MS;
  do {
    signal.throwIfAborted();
    // The store works synchronously: others get their turn between batches.
    await setImmediate();
  } while ((await deleteEnded(ctx, beforeMs)) === BATCH);
}

/** What was used a moment ago may not be stored yet: then the key is left to its holder. */
async function endUnused(ctx: CallContext, found: readonly KeyRow[]): Promise<void> {
  const { workspaceId } = ctx.workspace;
  const rows = found.filter(({ kid }) => ctx.deps.activity.pending(workspaceId, kid) === null);
  if (rows.length === 0) return;
  await commitChange(ctx, { action: 'keys.reclaim', targetKind: 'key' }, async ({ workspace }) => {
    const ended: KeyRow[] = [];
    for (const row of rows) {
      const reason = `not used within ${durationText(row.reclaimUnusedMs ?? 0)} after it was minted`;
      const change = { state: 'revoked', stateReason: reason, revokedAtMs: ctx.nowMs, updatedAtMs: ctx.nowMs } as const;
      // Whoever changed it meanwhile has decided.
      if (await workspace.keys.update(row.kid, row.revision, change)) ended.push(row);
    }
    await workspace.temporaryKeys.countReclaimed(ended.flatMap(({ parentKid }) => parentKid ?? []));
    const kids = ended.map(({ kid }) => kid);
    return {
      targetId: '',
      before: null,
      after: null,
      targets: ended.map(({ kid, state }) => ({ targetId: kid, before: { state }, after: { state: 'revoked' } })),
      reason: 'never used: its place is given back',
      propagate: kids.length === 0 ? { kind: 'none' } : { kind: 'keys', kids, wait: true },
      answer: () => null,
    } as const;
  });
}

/** What they did stays in the call records, and that they were minted in the audit log. */
function deleteEnded({ workspace }: CallContext, beforeMs: number): Promise<number> {
  return workspace.transaction((tx) => tx.temporaryKeys.deleteEnded(beforeMs, BATCH));
}
