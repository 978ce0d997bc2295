import type { Job } from '../../watch/jobs/scheduler.ts';
import type { CallContext } from '../contract.ts';
import { emitEvent } from '../events.ts';
import { durationText, iso } from '../fields.ts';
import type { RotationPolicyRow } from '../key-life-stores.ts';
import type { AdminDeps } from '../ports.ts';
import { raiseAlert } from '../raise-alert.ts';
import { isLive, readPolicies, secretSinceMs } from '../rotation-policy.ts';
import type { KeyRow } from '../stores.ts';
import { forEachKey, forEachWorkspace, resolveUnseen } from './walk.ts';

/** Tells of keys whose secret is older than their policy allows. */
export function secretAgeJob(deps: AdminDeps): Job {
  return {
    name: 'secret-age',
    everyMs: 3_600_000,
    run: (signal) => forEachWorkspace(deps, 'system:notices', signal, (ctx) => flagOld(ctx, signal)),
  };
}

async function flagOld(ctx: CallContext, signal: AbortSignal): Promise<void> {
  const book = await readPolicies(ctx.workspace);
  const ages = book.active.flatMap(({ maximumAgeMs }) => maximumAgeMs ?? []);
  if (ages.length > 0) {
    const beforeMs = ctx.nowMs - Math.min(...ages);
    await forEachKey(ctx, { kind: 'secret-older', beforeMs }, signal, async (key) => {
      const policy = book.policyFor(key);
      const maximumAgeMs = policy?.maximumAgeMs ?? null;
      if (policy === null || maximumAgeMs === null || !isLive(key, ctx.nowMs)) return;
      if (secretSinceMs(key) + maximumAgeMs <= ctx.nowMs) await tell(ctx, key, policy, maximumAgeMs);
    });
  }
  await resolveUnseen(ctx, 'key_too_old', signal);
}

async function tell(ctx: CallContext, key: KeyRow, policy: RotationPolicyRow, maximumAgeMs: number): Promise<void> {
  const since = iso(secretSinceMs(key));
  const message = `The secret of the key "${key.name}" (${key.kid}) is in use since ${since}; the policy "${policy.name}" allows ${durationText(maximumAgeMs)}. Rotate it: keys rotate ${key.kid}.`;
  await ctx.workspace.transaction(async (tx) => {
    const { isNew } = await raiseAlert(
      tx,
      { kind: 'key_too_old', severity: 'warning', subjectKind: 'key', subjectId: key.kid, message },
      ctx.nowMs,
    );
    const data = { secretSince: since, maximumAge: durationText(maximumAgeMs), policyId: policy.id };
    if (isNew) await emitEvent(tx, { type: 'key.too_old', key, data }, ctx.nowMs);
  });
}
