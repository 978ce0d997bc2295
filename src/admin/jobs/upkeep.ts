import type { Job } from '../../watch/jobs/scheduler.ts';
import type { CallContext } from '../contract.ts';
import type { AdminDeps } from '../ports.ts';
import { raiseAlert, resolveAlert } from '../raise-alert.ts';
import { forEachWorkspace } from './walk.ts';

const DAY_MS = 86_400_000;
const DELIVERIES_KEPT_MS = 30 * DAY_MS;
const REVEALS_KEPT_MS = 30 * DAY_MS;
const ALERTS_KEPT_MS = 90 * DAY_MS;
const BATCH = 200;

/** Erases secrets that nobody fetched in time, and forgets what is long over. */
export function upkeepJob(deps: AdminDeps): Job {
  return {
    name: 'upkeep',
    everyMs: 10 * 60_000,
    run: (signal) => forEachWorkspace(deps, 'system:upkeep', signal, (ctx) => tidy(ctx, signal)),
  };
}

async function tidy(ctx: CallContext, signal: AbortSignal): Promise<void> {
  const { workspace, nowMs } = ctx;
  for (;;) {
    signal.throwIfAborted();
    const kids = await workspace.transaction(async (tx) => {
      const erased = await tx.reveals.eraseExpired(nowMs, BATCH);
      for (const kid of new Set(erased)) await tellLost({ ...ctx, workspace: tx }, kid);
      return erased;
    });
    if (kids.length < BATCH) break;
  }
  await workspace.outbox.prune(nowMs - DELIVERIES_KEPT_MS);
  await workspace.reveals.prune(nowMs - REVEALS_KEPT_MS);
  await workspace.alerts.prune(nowMs - ALERTS_KEPT_MS);
}

async function tellLost({ workspace, nowMs }: CallContext, kid: string): Promise<void> {
  await resolveAlert(workspace, { kind: 'secret_waiting', subjectId: kid }, nowMs);
  const key = await workspace.keys.get(kid);
  if (key === null || (key.state !== 'active' && key.state !== 'suspended')) return;
  const message = `The new secret of the key "${key.name}" (${kid}) was never fetched, and is erased. Rotate it again: keys rotate ${kid}.`;
  const condition = { kind: 'secret_lost', severity: 'critical', subjectKind: 'key', subjectId: kid } as const;
  await raiseAlert(workspace, { ...condition, message }, nowMs);
}
