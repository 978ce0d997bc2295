import type { Job } from '../../watch/jobs/scheduler.ts';
import type { CallContext } from '../contract.ts';
import { iso } from '../fields.ts';
import { isOut } from '../pool-history.ts';
import type { AdminDeps, ProviderPoolState } from '../ports.ts';
import { raiseAlert } from '../raise-alert.ts';
import { poolStateOf } from '../resources/provider-pools.ts';
import { anyUnresolved, forEachWorkspace, inAnyWorkspace, resolveUnseen } from './walk.ts';

/** What is foreseen later than that may come otherwise. */
const FORECAST_AHEAD_MS = 24 * 3_600_000;
/** A forecast follows the last losses: one that is not made for so long is off. */
const FORECAST_HELD_MS = 30 * 60_000;

/** Tells of pools of credentials that have run low, or soon will: one alert for each, and its end. */
export function providerPoolJobs(deps: AdminDeps): readonly Job[] {
  return [watchJob(deps), forecastJob(deps)];
}

function watchJob(deps: AdminDeps): Job {
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

function forecastJob(deps: AdminDeps): Job {
  return {
    name: 'forecast-provider-pools',
    everyMs: 60_000,
    isWanted: () =>
      inAnyWorkspace(
        deps,
        async (workspace, nowMs) =>
          endingPools(deps, workspace.workspaceId, nowMs).length > 0 ||
          anyUnresolved(workspace, ['provider_pool_forecast'], nowMs - FORECAST_HELD_MS),
      ),
    run: (signal) =>
      forEachWorkspace(deps, 'system:provider-pools', signal, async (ctx) => {
        for (const pool of endingPools(deps, ctx.workspace.workspaceId, ctx.nowMs)) await tellForecast(ctx, pool);
        await resolveUnseen(ctx, 'provider_pool_forecast', signal, ctx.nowMs - FORECAST_HELD_MS);
      }),
  };
}

interface EndingPool {
  readonly pool: ProviderPoolState;
  readonly outAtMs: number;
}

function endingPools({ providerPools }: AdminDeps, workspaceId: string, nowMs: number): readonly EndingPool[] {
  return providerPools.read(workspaceId, nowMs).flatMap((pool) => {
    const { outAtMs } = pool;
    return outAtMs !== null && outAtMs <= nowMs + FORECAST_AHEAD_MS ? [{ pool, outAtMs }] : [];
  });
}

async function tellForecast({ workspace, nowMs }: CallContext, { pool, outAtMs }: EndingPool): Promise<void> {
  const { providerId, usable, all } = pool;
  const condition = {
    kind: 'provider_pool_forecast',
    severity: 'warning',
    subjectKind: 'provider',
    subjectId: providerId,
    message: `If credentials of the provider ${providerId} go out of use as they did lately, none can be used at ${iso(outAtMs)}; ${usable} of ${all} can be now. Find out what uses them up (usage --group-by model), pay where a quota is used up, or add others.`,
    detail: { exhaustedAt: iso(outAtMs), usable, all },
  } as const;
  await workspace.transaction((tx) => raiseAlert(tx, condition, nowMs));
}

/** Each with only those counted as out that are so for longer. */
function lowPools({ providerPools }: AdminDeps, workspaceId: string, nowMs: number): readonly ProviderPoolState[] {
  return providerPools
    .read(workspaceId, nowMs)
    .map((pool) => ({ ...pool, usable: pool.all - pool.members.filter((one) => isOut(one, nowMs)).length }))
    .filter((pool) => poolStateOf(pool) !== 'ok');
}

async function tell({ workspace, nowMs }: CallContext, pool: ProviderPoolState): Promise<void> {
  const { providerId, usable, all, members } = pool;
  const out = members.filter((one) => isOut(one, nowMs));
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
