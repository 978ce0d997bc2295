import type { Job } from '../../watch/jobs/scheduler.ts';
import { commitChange } from '../change.ts';
import type { CallContext } from '../contract.ts';
import { emitEvent } from '../events.ts';
import { durationText, iso } from '../fields.ts';
import type { AlertRow, RotationPolicyRow } from '../key-life-stores.ts';
import { isWatched, lastSignMs } from '../known-activity.ts';
import type { AdminDeps } from '../ports.ts';
import { raiseAlert } from '../raise-alert.ts';
import type { Condition } from '../raise-alert.ts';
import { viewKey } from '../resources/key-view.ts';
import { readPolicies } from '../rotation-policy.ts';
import type { KeyRow, WorkspaceStore } from '../stores.ts';
import { forEachKey, forEachWorkspace, resolveUnseen } from './walk.ts';

const DAY_MS = 86_400_000;

/** Flags keys that nobody uses, and suspends them where their policy says so. */
export function idleKeysJob(deps: AdminDeps): Job {
  return {
    name: 'idle-keys',
    everyMs: 3_600_000,
    run: (signal) => forEachWorkspace(deps, 'system:idle-keys', signal, (ctx) => flagIdle(ctx, signal)),
  };
}

async function flagIdle(ctx: CallContext, signal: AbortSignal): Promise<void> {
  const book = await readPolicies(ctx.workspace);
  const usualMs = ctx.deps.keyLife().idleAfterDays * DAY_MS;
  const shortestMs = Math.min(usualMs, ...book.active.flatMap(({ idleAfterMs }) => idleAfterMs ?? []));
  await forEachKey(ctx, { kind: 'unused-since', beforeMs: ctx.nowMs - shortestMs }, signal, async (key) => {
    const policy = book.policyFor(key);
    const idleAfterMs = policy?.idleAfterMs ?? usualMs;
    const sinceMs = lastSignMs(ctx, key);
    if (ctx.nowMs - sinceMs >= idleAfterMs && isWatched(key, ctx.nowMs)) {
      await flag(ctx, { key, policy, sinceMs, idleAfterMs });
    }
  });
  await resolveUnseen(ctx, 'key_idle', signal);
}

interface Idle {
  readonly key: KeyRow;
  readonly policy: RotationPolicyRow | null;
  readonly sinceMs: number;
  readonly idleAfterMs: number;
}

async function flag(ctx: CallContext, idle: Idle): Promise<void> {
  const { key, policy } = idle;
  const known = await ctx.workspace.alerts.unresolved(`key_idle:${key.kid}`);
  // Once for each time it falls idle: a person who resumed it has decided.
  const wasSuspended = known !== null && suspendedBefore(known);
  const suspends = policy?.suspendIdle === true && key.state === 'active' && !wasSuspended;
  const condition = conditionOf(idle, suspends || wasSuspended);
  if (suspends) await suspend(ctx, idle, condition);
  else await ctx.workspace.transaction((tx) => tell(tx, ctx.nowMs, idle, condition));
}

async function tell(tx: WorkspaceStore, nowMs: number, { key, sinceMs }: Idle, condition: Condition): Promise<void> {
  const { isNew } = await raiseAlert(tx, condition, nowMs);
  if (isNew) await emitEvent(tx, { type: 'key.idle', key, data: { unusedSince: iso(sinceMs) } }, nowMs);
}

async function suspend(ctx: CallContext, idle: Idle, condition: Condition): Promise<void> {
  const { key, sinceMs, idleAfterMs } = idle;
  const reason = `not used since ${iso(sinceMs)}; the policy suspends after ${durationText(idleAfterMs)}`;
  await commitChange(ctx, { action: 'keys.suspend', targetKind: 'key' }, async ({ workspace }) => {
    await tell(workspace, ctx.nowMs, idle, condition);
    const change = {
      state: 'suspended',
      suspension: { automatic: true, untilMs: null },
      stateReason: reason,
      updatedAtMs: ctx.nowMs,
    } as const;
    if (!(await workspace.keys.update(key.kid, key.revision, change))) {
      throw new Error(`the key ${key.kid} was changed meanwhile`);
    }
    const after = { ...key, ...change, revision: key.revision + 1 };
    const data = { reason, unusedSince: iso(sinceMs) };
    await emitEvent(workspace, { type: 'key.suspended', key: after, data }, ctx.nowMs);
    return {
      targetId: key.kid,
      before: viewKey(key, ctx.nowMs),
      after: viewKey(after, ctx.nowMs),
      reason,
      propagate: { kind: 'key', kid: key.kid, wait: true },
      answer: () => null,
    };
  });
}

function conditionOf({ key, sinceMs }: Idle, suspended: boolean): Condition {
  const since = `was not used since ${iso(sinceMs)}`;
  const advice = suspended
    ? `It is suspended by its policy unless someone resumed it since: keys resume ${key.kid}, or keys revoke ${key.kid}.`
    : `Revoke it if nobody needs it: keys revoke ${key.kid}.`;
  return {
    kind: 'key_idle',
    severity: suspended ? 'warning' : 'info',
    subjectKind: 'key',
    subjectId: key.kid,
    message: `The key "${key.name}" (${key.kid}) ${since}. ${advice}`,
    detail: { suspended },
  };
}

function suspendedBefore({ detail }: AlertRow): boolean {
  return typeof detail === 'object' && detail !== null && 'suspended' in detail && detail.suspended === true;
}
