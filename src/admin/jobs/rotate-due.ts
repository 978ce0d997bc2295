import { AppError } from '../../errors.ts';
import { acceptedUntilMs } from '../../keys/rotate.ts';
import type { Job } from '../../watch/jobs/scheduler.ts';
import { commitChange } from '../change.ts';
import type { CallContext } from '../contract.ts';
import { iso } from '../fields.ts';
import type { RotationPolicyRow } from '../key-life-stores.ts';
import type { AdminDeps } from '../ports.ts';
import { raiseAlert } from '../raise-alert.ts';
import { viewKey } from '../resources/key-view.ts';
import { rotateKey } from '../rotate-key.ts';
import type { Handover } from '../rotate-key.ts';
import { isLive, readPolicies, rotationDueMs } from '../rotation-policy.ts';
import type { KeyRow } from '../stores.ts';
import { forEachKey, forEachWorkspace, resolveUnseen } from './walk.ts';

/** How long a secret that a policy made can be fetched after the old one has ended. */
const REVEAL_GRACE_MS = 7 * 86_400_000;

/**
 * Rotates keys whose policy wants it. Whether one is due is read from the key itself, so that a run
 * that is repeated, after a crash or on another node, finds it done.
 */
export function rotateDueJob(deps: AdminDeps): Job {
  return {
    name: 'rotate-due',
    everyMs: 60_000,
    run: (signal) => forEachWorkspace(deps, 'system:rotation', signal, (ctx) => rotateDue(ctx, signal)),
  };
}

async function rotateDue(ctx: CallContext, signal: AbortSignal): Promise<void> {
  const book = await readPolicies(ctx.workspace);
  const intervals = book.active.flatMap(({ intervalMs }) => intervalMs ?? []);
  if (intervals.length > 0) {
    const beforeMs = ctx.nowMs - Math.min(...intervals);
    await forEachKey(ctx, { kind: 'secret-older', beforeMs }, signal, async ({ kid }) => {
      // Read again: the page may be older than a rotation by hand.
      const key = await ctx.workspace.keys.get(kid);
      const policy = key && book.policyFor(key);
      const dueMs = key && policy && rotationDueMs(policy, key);
      if (key === null || policy === null || dueMs === null || dueMs > ctx.nowMs || !isLive(key, ctx.nowMs)) return;
      if (policy.delivery.kind === 'none') await tellDue(ctx, key, policy, dueMs);
      else await rotateByPolicy(ctx, key, policy);
    });
  }
  await resolveUnseen(ctx, 'rotation_due', signal);
  await resolveUnseen(ctx, 'rotation_blocked', signal);
}

/** Without anybody to give the new secret to, a rotation would only stop the key. */
async function tellDue(ctx: CallContext, key: KeyRow, policy: RotationPolicyRow, dueMs: number): Promise<void> {
  const message = `By the policy "${policy.name}" the key "${key.name}" (${key.kid}) is to be rotated since ${iso(dueMs)}. Nobody is named to get the new secret, so do it by hand: keys rotate ${key.kid}.`;
  await ctx.workspace.transaction((tx) =>
    raiseAlert(
      tx,
      { kind: 'rotation_due', severity: 'warning', subjectKind: 'key', subjectId: key.kid, message },
      ctx.nowMs,
    ),
  );
}

async function rotateByPolicy(ctx: CallContext, key: KeyRow, policy: RotationPolicyRow): Promise<void> {
  try {
    await commitChange(ctx, { action: 'keys.rotate', targetKind: 'key' }, async (tx) => {
      const handover = handoverOf(policy);
      const { overlapMs, whenUnused, id: policyId } = policy;
      const { after } = await rotateKey(tx, { key, overlapMs, whenUnused, handover, policyId });
      if (handover.kind === 'reveal-link') await tellWaiting(tx, after);
      return {
        targetId: key.kid,
        before: viewKey(key, ctx.nowMs),
        after: viewKey(after, ctx.nowMs),
        reason: `due by the rotation policy "${policy.name}" (${policyId})`,
        propagate: { kind: 'key', kid: key.kid, wait: true },
        answer: () => null,
      };
    });
    ctx.deps.log.info({ kid: key.kid, policyId: policy.id }, 'a key was rotated by its policy');
  } catch (error) {
    if (!(error instanceof AppError && error.code === 'conflict')) throw error;
    await tellBlocked(ctx, key, policy, error);
  }
}

function handoverOf({ delivery, overlapMs, whenUnused }: RotationPolicyRow): Handover {
  if (delivery.kind === 'webhook') return delivery;
  return { kind: 'reveal-link', expiresInMs: Math.max(overlapMs, whenUnused?.latestMs ?? 0) + REVEAL_GRACE_MS };
}

async function tellWaiting(tx: CallContext, key: KeyRow): Promise<void> {
  const old = key.secrets.find(({ state }) => state === 'retiring');
  const endMs = old === undefined ? null : acceptedUntilMs(old, key.expiresAtMs);
  const end = endMs !== null ? `; the old one ends at ${iso(endMs)} at the latest` : '';
  const message = `The key "${key.name}" (${key.kid}) has a new secret that nobody has fetched yet${end}. Get its link: keys reveal-link ${key.kid}.`;
  await raiseAlert(
    tx.workspace,
    { kind: 'secret_waiting', severity: 'warning', subjectKind: 'key', subjectId: key.kid, message },
    tx.nowMs,
  );
}

async function tellBlocked(ctx: CallContext, key: KeyRow, policy: RotationPolicyRow, error: AppError): Promise<void> {
  const message = `By the policy "${policy.name}" the key "${key.name}" (${key.kid}) is to be rotated, but cannot be: ${error.message}`;
  await ctx.workspace.transaction((tx) =>
    raiseAlert(
      tx,
      { kind: 'rotation_blocked', severity: 'critical', subjectKind: 'key', subjectId: key.kid, message },
      ctx.nowMs,
    ),
  );
}
