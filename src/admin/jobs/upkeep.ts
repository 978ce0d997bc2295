import type { Job } from '../../watch/jobs/scheduler.ts';
import type { CallContext } from '../contract.ts';
import { tellUndelivered, tellUnfetched } from '../lost-secret.ts';
import type { AdminDeps } from '../ports.ts';
import { endAlert, resolveAlert } from '../raise-alert.ts';
import type { AlertKind } from '../raise-alert.ts';
import { forEachWorkspace } from './walk.ts';

const DAY_MS = 86_400_000;
const DELIVERIES_KEPT_MS = 30 * DAY_MS;
const REVEALS_KEPT_MS = 30 * DAY_MS;
const ALERTS_KEPT_MS = 90 * DAY_MS;
const RESPONSES_KEPT_MS = 180 * DAY_MS;
const ROTATIONS_KEPT_MS = 365 * DAY_MS;
const ACTIVITY_KEPT_MS = 180 * DAY_MS;
/** Longer than all attempts on one event take. */
const WAITING_MS_MAX = 3 * DAY_MS;
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
  await untilFew(signal, () => eraseExpired(ctx));
  await untilFew(signal, () => giveUpStale(ctx));
  await untilFew(signal, () => endOfRevoked(ctx, 'secret_waiting'));
  await untilFew(signal, () => endOfRevoked(ctx, 'secret_lost'));
  await workspace.outbox.prune(nowMs - DELIVERIES_KEPT_MS);
  await workspace.reveals.prune(nowMs - REVEALS_KEPT_MS);
  await workspace.alerts.prune(nowMs - ALERTS_KEPT_MS);
  await workspace.responses.prune(nowMs - RESPONSES_KEPT_MS);
  await workspace.credentialRotations.prune(nowMs - ROTATIONS_KEPT_MS);
  await workspace.activity.prune(nowMs - ACTIVITY_KEPT_MS);
}

/** Batch by batch, until one was not full. */
async function untilFew(signal: AbortSignal, batch: () => Promise<number>): Promise<void> {
  do signal.throwIfAborted();
  while ((await batch()) === BATCH);
}

function eraseExpired({ workspace, nowMs }: CallContext): Promise<number> {
  return workspace.transaction(async (tx) => {
    const kids = await tx.reveals.eraseExpired(nowMs, BATCH);
    for (const kid of new Set(kids)) {
      await resolveAlert(tx, { kind: 'secret_waiting', subjectId: kid }, nowMs);
      await tellUnfetched(tx, kid, nowMs);
    }
    return kids.length;
  });
}

/** Events that nobody took for days, of a webhook that fails or is disabled. */
function giveUpStale({ workspace, nowMs }: CallContext): Promise<number> {
  return workspace.transaction(async (tx) => {
    const rows = await tx.outbox.stale(nowMs - WAITING_MS_MAX, BATCH);
    for (const row of rows) {
      await tellUndelivered(tx, row, nowMs);
      await tx.outbox.update(row.id, { state: 'failed', body: '', finishedAtMs: nowMs, lastError: 'given up' });
    }
    return rows.length;
  });
}

/** A key that is revoked needs no new secret any more. */
function endOfRevoked({ workspace, nowMs }: CallContext, kind: AlertKind): Promise<number> {
  return workspace.transaction(async (tx) => {
    const alerts = await tx.alerts.unseen(kind, nowMs, BATCH);
    for (const alert of alerts) {
      const state = (await tx.keys.get(alert.subjectId))?.state;
      if (state === 'active' || state === 'suspended') await tx.alerts.update(alert.id, { lastSeenAtMs: nowMs });
      else await endAlert(tx, alert, nowMs);
    }
    return alerts.length;
  });
}
