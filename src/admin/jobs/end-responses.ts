import type { Job } from '../../watch/jobs/scheduler.ts';
import { NOTHING_CHANGED, commitChange } from '../change.ts';
import type { CallContext } from '../contract.ts';
import type { AdminDeps } from '../ports.ts';
import { endAlert } from '../raise-alert.ts';
import type { AlertKind } from '../raise-alert.ts';
import type { ResponseRow } from '../response-stores.ts';
import { viewKey } from '../resources/key-view.ts';
import { isReversible, settledState } from '../responses/effects.ts';
import { endResponse, standingOfResponse, takeBack } from '../responses/undo-response.ts';
import type { Ending, Standing } from '../responses/undo-response.ts';
import { anyUnresolved, forEachWorkspace, inAnyWorkspace } from './walk.ts';

const PAGE = 200;
/** An alert of what happened, rather than of what is, ends when it did not happen again for so long. */
const QUIET_MS = 24 * 3_600_000;
const HAPPENINGS = [
  'rule_repeated_failures',
  'rule_dead_key_use',
  'rule_leak',
  'leak_reported',
  'unknown_keys_tried',
  'response_failed',
  'credential_rotation_failed',
] as const satisfies readonly AlertKind[];

/** Ends responses whose time is over or that somebody overruled, and asks workers again that were silent. */
export function endResponsesJob(deps: AdminDeps): Job {
  return {
    name: 'end-responses',
    everyMs: 15_000,
    isWanted: () =>
      inAnyWorkspace(
        deps,
        async (workspace, nowMs) =>
          (await workspace.responses.open('', 1)).length > 0 || anyUnresolved(workspace, HAPPENINGS, nowMs - QUIET_MS),
      ),
    run: (signal) => forEachWorkspace(deps, 'system:responses', signal, (ctx) => lookThrough(ctx, signal)),
  };
}

async function lookThrough(ctx: CallContext, signal: AbortSignal): Promise<void> {
  let after = '';
  for (;;) {
    const rows = await ctx.workspace.responses.open(after, PAGE);
    for (const row of rows) {
      signal.throwIfAborted();
      await lookAt(ctx, row);
    }
    after = rows.at(-1)?.id ?? after;
    if (rows.length < PAGE) break;
  }
  for (const kind of HAPPENINGS) await endQuiet(ctx, kind);
}

async function lookAt(ctx: CallContext, row: ResponseRow): Promise<void> {
  if (row.state === 'pending') await askAgain(ctx, row);
  else if (row.expiresAtMs !== null && row.expiresAtMs <= ctx.nowMs) await end(ctx, row.id, 'its time is over');
  else if (!(await standingOfResponse(ctx, row)).holdsSome) await end(ctx, row.id, null);
}

/** A worker that did not acknowledge in time, or a stop in between: it is done when all have it. */
async function askAgain(ctx: CallContext, row: ResponseRow): Promise<void> {
  const { complete } = row.subjectKind === 'key' ? await ctx.deps.fleet.invalidateKey(row.subjectId) : ALONE;
  if (!complete) return;
  await ctx.workspace.responses.update(row.id, { state: settledState(row), inForceAtMs: ctx.nowMs });
}

const ALONE = { complete: true } as const;

async function end(ctx: CallContext, responseId: string, why: string | null): Promise<void> {
  await commitChange(ctx, { action: 'responses.end', targetKind: 'key' }, async (tx) => {
    const row = await tx.workspace.responses.get(responseId);
    if (row?.state !== 'in-force') return NOTHING_CHANGED;
    const standing = await standingOfResponse(tx, row);
    const ending = endingOf(row, standing, why, ctx.principal.actor);
    const after = ending.state === 'expired' ? await takeBack(tx, row, standing) : standing.key;
    await endResponse(tx, row, after, ending);
    return {
      targetId: row.subjectId,
      before: standing.key && viewKey(standing.key, ctx.nowMs),
      after: after && viewKey(after, ctx.nowMs),
      reason: `response ${row.id} of the rule "${row.ruleName}": ${ending.reason ?? ending.state}`,
      propagate:
        ending.state === 'expired' ? { kind: 'key', kid: row.subjectId, wait: true } : ({ kind: 'none' } as const),
      answer: () => null,
    } as const;
  });
}

function endingOf(row: ResponseRow, standing: Standing, why: string | null, by: string): Ending {
  if (why !== null && standing.holdsSome && row.effects.some(isReversible)) {
    return { state: 'expired', by, reason: why };
  }
  return { state: 'superseded', by, reason: 'somebody changed the key since' };
}

async function endQuiet(ctx: CallContext, kind: (typeof HAPPENINGS)[number]): Promise<void> {
  const { workspace, nowMs } = ctx;
  for (const alert of await workspace.alerts.unseen(kind, nowMs - QUIET_MS, PAGE)) {
    const isOpen = (await workspace.responses.openOf(alert.subjectId)).length > 0;
    // A key that someone else has stays dangerous until it is ended, however quiet it is.
    const key = kind === 'rule_leak' ? await workspace.keys.get(alert.subjectId) : null;
    const isUsable = key?.state === 'active' || key?.state === 'suspended';
    if (isOpen || isUsable) await workspace.alerts.update(alert.id, { lastSeenAtMs: nowMs });
    else await workspace.transaction((tx) => endAlert(tx, alert, nowMs));
  }
}
