import type { Job } from '../../watch/jobs/scheduler.ts';
import type { CallContext } from '../contract.ts';
import { emitEvent } from '../events.ts';
import { iso } from '../fields.ts';
import type { AlertRow, AlertSeverity } from '../key-life-stores.ts';
import type { AdminDeps } from '../ports.ts';
import { endAlert, raiseAlert } from '../raise-alert.ts';
import { isLive } from '../rotation-policy.ts';
import type { KeyRow } from '../stores.ts';
import { forEachKey, forEachWorkspace } from './walk.ts';

const DAY_MS = 86_400_000;
const PAGE_ALERTS = 200;

/** Tells of keys that will expire, on the days that the operator set, and of those that have. */
export function expiryNoticesJob(deps: AdminDeps): Job {
  return {
    name: 'expiry-notices',
    everyMs: 15 * 60_000,
    run: (signal) => forEachWorkspace(deps, 'system:notices', signal, (ctx) => notices(ctx, signal)),
  };
}

async function notices(ctx: CallContext, signal: AbortSignal): Promise<void> {
  const days = ctx.deps.keyLife().expiryNoticeDays;
  const toMs = ctx.nowMs + Math.max(0, ...days) * DAY_MS;
  await forEachKey(ctx, { kind: 'expiring', fromMs: ctx.nowMs, toMs }, signal, (key) => notice(ctx, key, days));
  await endNotices(ctx, signal);
}

async function notice(ctx: CallContext, key: KeyRow, days: readonly number[]): Promise<void> {
  const { expiresAtMs } = key;
  if (expiresAtMs === null || !isLive(key, ctx.nowMs)) return;
  // A key that was made to live for a week is no news on its first day.
  const step = days.findLast(
    (day) => expiresAtMs - ctx.nowMs <= day * DAY_MS && expiresAtMs - day * DAY_MS >= key.createdAtMs,
  );
  if (step === undefined) return;
  const message = `The key "${key.name}" (${key.kid}) expires at ${iso(expiresAtMs)}. Move its expiry (keys update ${key.kid} --expires-in 90d), or put another in its place.`;
  await ctx.workspace.transaction(async (tx) => {
    const { isNew, before } = await raiseAlert(
      tx,
      {
        kind: 'key_expiring',
        severity: severityOf(step),
        subjectKind: 'key',
        subjectId: key.kid,
        message,
        detail: { step },
      },
      ctx.nowMs,
    );
    if (!isNew && (before === null || stepOf(before) <= step)) return;
    const data = { expiresAt: iso(expiresAtMs), noticeDays: step };
    await emitEvent(tx, { type: 'key.expiring', key, data }, ctx.nowMs);
  });
}

/** The condition is gone: the expiry was moved, the key is not in use any more, or it has expired. */
async function endNotices(ctx: CallContext, signal: AbortSignal): Promise<void> {
  for (;;) {
    signal.throwIfAborted();
    const gone = await ctx.workspace.alerts.unseen('key_expiring', ctx.nowMs, PAGE_ALERTS);
    for (const alert of gone) await endNotice(ctx, alert);
    if (gone.length < PAGE_ALERTS) return;
  }
}

async function endNotice(ctx: CallContext, alert: AlertRow): Promise<void> {
  await ctx.workspace.transaction(async (tx) => {
    await endAlert(tx, alert, ctx.nowMs);
    const key = await tx.keys.get(alert.subjectId);
    if (key?.state !== 'active' || key.expiresAtMs === null || key.expiresAtMs > ctx.nowMs) return;
    await emitEvent(tx, { type: 'key.expired', key, data: { expiredAt: iso(key.expiresAtMs) } }, ctx.nowMs);
  });
}

function severityOf(days: number): AlertSeverity {
  if (days <= 1) return 'critical';
  return days <= 7 ? 'warning' : 'info';
}

/** The day of the last notice, out of what this job wrote. */
function stepOf({ detail }: AlertRow): number {
  const isObject = typeof detail === 'object' && detail !== null;
  return isObject && 'step' in detail && typeof detail.step === 'number' ? detail.step : Number.POSITIVE_INFINITY;
}
