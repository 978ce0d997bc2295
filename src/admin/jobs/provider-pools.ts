import type { Job } from '../../watch/jobs/scheduler.ts';
import type { CallContext } from '../contract.ts';
import { iso } from '../fields.ts';
import type { AdminDeps, ProviderPoolState } from '../ports.ts';
import { raiseAlert } from '../raise-alert.ts';
import { poolStateOf } from '../resources/provider-pools.ts';
import { anyUnresolved, forEachWorkspace, inAnyWorkspace, resolveUnseen } from './walk.ts';

/** Who is back sooner is no loss: rate limits come and go. */
const LASTING_MS = 30_000;

/** Tells of pools of credentials that have run low: one alert for each, and its end. */
export function watchProviderPoolsJob(deps: AdminDeps): Job {
  return {
    name: 'watch-provider-pools',
    everyMs: 15_000,
    isWanted: () =>
      inAnyWorkspace(
        deps,
        async (workspace, nowMs) =>
          lowPools(deps, workspace.workspaceId, nowMs).length > 0 ||
          anyUnresolved(workspace, ['provider_pool_low'], nowMs),
      ),
    run: (signal) =>
      forEachWorkspace(deps, 'system:provider-pools', signal, async (ctx) => {
        for (const pool of lowPools(deps, ctx.workspace.workspaceId, ctx.nowMs)) await tell(ctx, pool);
        await resolveUnseen(ctx, 'provider_pool_low', signal);
      }),
  };
}

/** Each with only those counted as out that are so for longer. */
function lowPools({ providerPools }: AdminDeps, workspaceId: string, nowMs: number): readonly ProviderPoolState[] {
  return providerPools
    .read(workspaceId, nowMs)
    .map((pool) => ({ ...pool, usable: pool.all - pool.members.filter((one) => isOut(one.untilMs, nowMs)).length }))
    .filter((pool) => poolStateOf(pool) !== 'ok');
}

function isOut(untilMs: number | null, nowMs: number): boolean {
  return untilMs !== null && untilMs > nowMs + LASTING_MS;
}

async function tell({ workspace, nowMs }: CallContext, pool: ProviderPoolState): Promise<void> {
  const { providerId, usable, all, members } = pool;
  const out = members.filter(({ untilMs }) => isOut(untilMs, nowMs));
  const list = out
    .slice(0, 10)
    .map(({ id, state, untilMs }) => `${id} (${state}, until ${iso(untilMs ?? nowMs)})`)
    .join(', ');
  const condition = {
    kind: 'provider_pool_low',
    severity: poolStateOf(pool) === 'critical' ? 'critical' : 'warning',
    subjectKind: 'provider',
    subjectId: providerId,
    message: `${usable} of ${all} credentials of the provider ${providerId} can be used. Out: ${list}. Test them (credentials test), replace those that are rejected, pay where a quota is used up, or add others.`,
    detail: { usable, all },
  } as const;
  await workspace.transaction((tx) => raiseAlert(tx, condition, nowMs));
}
