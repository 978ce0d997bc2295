import { levelOf } from '../../keys/standing.ts';
import type { LimitLevel, LimitReading } from '../../limits/call-limits.ts';
import type { Job } from '../../watch/jobs/scheduler.ts';
import type { CallContext } from '../contract.ts';
import { iso } from '../fields.ts';
import { exhaustedAtMs, readRecentUsage } from '../forecast.ts';
import type { RecentUsage } from '../forecast.ts';
import type { AlertSeverity } from '../key-life-stores.ts';
import type { AdminDeps } from '../ports.ts';
import { poolsOf } from '../key-pools.ts';
import { endAlert, raiseAlert } from '../raise-alert.ts';
import type { Condition } from '../raise-alert.ts';
import { ownersWithBudgets } from '../owners-with-budgets.ts';
import { POOL_WARNING, poolState } from '../resources/key-pool.ts';
import type { KeyRow } from '../stores.ts';
import { anyUnresolved, forEachKey, forEachWorkspace, inAnyWorkspace, resolveUnseen } from './walk.ts';

const ACTOR = 'system:exhaustion';
/** An alert of a pool ends only clearly below its threshold: around it, it would come and go. */
const POOL_CALM = POOL_WARNING - 0.05;
/** A forecast looks at the last minutes: one that is not made for so long is off. */
const FORECAST_HELD_MS = 30 * 60_000;
/** What has no period is foreseen so far ahead. */
const FORECAST_AHEAD_MS = 7 * 86_400_000;

/** Tells of pools and budgets that are about to be used up: one alert each, and its end. */
export function exhaustionJobs(deps: AdminDeps): readonly Job[] {
  return [
    {
      name: 'watch-pools',
      everyMs: 15_000,
      isWanted: () =>
        inAnyWorkspace(
          deps,
          async (workspace, nowMs) =>
            (await workspace.scans.keys({ kind: 'with-pool', nowMs }, '', 1)).length > 0 ||
            anyUnresolved(workspace, ['pool_filling'], nowMs),
        ),
      run: (signal) => forEachWorkspace(deps, ACTOR, signal, (ctx) => watchPools(ctx, signal)),
    },
    {
      name: 'watch-budgets',
      everyMs: 30_000,
      isWanted: () => anyBudget(deps, 'budget_used'),
      run: (signal) => forEachWorkspace(deps, ACTOR, signal, (ctx) => watchBudgets(ctx, signal)),
    },
    {
      // It sums up calls, so it comes less often.
      name: 'forecast-budgets',
      everyMs: 10 * 60_000,
      isWanted: () => anyBudget(deps, 'budget_forecast'),
      run: (signal) => forEachWorkspace(deps, ACTOR, signal, (ctx) => forecastBudgets(ctx, signal)),
    },
  ];
}

function anyBudget(deps: AdminDeps, alert: 'budget_used' | 'budget_forecast'): Promise<boolean> {
  return inAnyWorkspace(
    deps,
    async (workspace, nowMs) =>
      ownersWithBudgets(deps, workspace.workspaceId).length > 0 ||
      (await workspace.scans.keys({ kind: 'with-budgets' }, '', 1)).length > 0 ||
      anyUnresolved(workspace, [alert], nowMs),
  );
}

async function watchPools(ctx: CallContext, signal: AbortSignal): Promise<void> {
  await forEachKey(ctx, { kind: 'with-pool', nowMs: ctx.nowMs }, signal, (key) => watchPool(ctx, key));
  await resolveUnseen(ctx, 'pool_filling', signal);
}

async function watchPool(ctx: CallContext, key: KeyRow): Promise<void> {
  const { limit, fuller } = await poolsOf(ctx, key);
  const { what, live, soonestEndMs } = fuller;
  const state = poolState(live, limit);
  if (state === 'ok' && live < limit * POOL_CALM) return;
  if (state === 'ok') {
    await keepAlert(ctx, `pool_filling:${key.kid}`);
    return;
  }
  const next = soonestEndMs === null ? '' : ` The next place is free at ${iso(soonestEndMs)}.`;
  const way =
    what === 'temporary keys'
      ? ', or end some (reports temporary-keys lists them).'
      : ', or sign keys with shorter lives.';
  await raise(ctx, {
    kind: 'pool_filling',
    severity: state === 'warning' ? 'warning' : 'critical',
    subjectKind: 'key',
    subjectId: key.kid,
    message: `${live} of ${limit} ${what} that the key "${key.name}" (${key.kid}) may have are in use.${next} Raise the limit (keys delegation ${key.kid} --mint-live-max ${limit * 2})${way}`,
    detail: { live, limit, state },
  });
}

async function keepAlert({ workspace, nowMs }: CallContext, dedupeKey: string): Promise<void> {
  const alert = await workspace.alerts.unresolved(dedupeKey);
  if (alert !== null) await workspace.alerts.update(alert.id, { lastSeenAtMs: nowMs });
}

async function watchBudgets(ctx: CallContext, signal: AbortSignal): Promise<void> {
  const percents = ctx.deps.keyLife().budgetAlertPercents;
  await forEachLevel(ctx, signal, async (level) => {
    const fullest = budgetsOf(ctx, level).toSorted((a, b) => partUsed(b) - partUsed(a))[0];
    if (fullest === undefined) return;
    const percent = Math.floor(partUsed(fullest) * 100);
    const reached = percents.findLast((threshold) => percent >= threshold);
    if (reached !== undefined || percent >= 100) await tellUsed(ctx, fullest, percent, percents.at(-1) ?? 100);
  });
  await resolveUnseen(ctx, 'budget_used', signal);
}

async function tellUsed(ctx: CallContext, reading: LimitReading, percent: number, last: number): Promise<void> {
  const { level, levelId, limit, budget, resetsAtMs } = reading;
  const severity: AlertSeverity = percent >= last ? 'critical' : 'warning';
  const anew = resetsAtMs === null ? '' : ` It begins anew at ${iso(resetsAtMs)}.`;
  const what = percent >= 100 ? 'is exhausted' : `is used to ${percent} %`;
  await raise(ctx, {
    kind: 'budget_used',
    severity,
    ...subjectOf(reading),
    message: `The budget of ${limit / 1e9} USD (${budget?.period ?? 'total'}) of the ${level} ${levelId} ${what}.${anew} Raise it, or find out what spends it: usage --group-by model.`,
    detail: { percent, limitNanoUsd: limit },
  });
}

async function forecastBudgets(ctx: CallContext, signal: AbortSignal): Promise<void> {
  let usage: RecentUsage | null = null;
  await forEachLevel(ctx, signal, async (level) => {
    let soonest: { readonly reading: LimitReading; readonly atMs: number } | null = null;
    for (const reading of budgetsOf(ctx, level)) {
      usage ??= await readRecentUsage(ctx);
      const atMs = partUsed(reading) < 1 ? exhaustedAtMs(reading, usage, ctx.nowMs) : null;
      if (atMs !== null && atMs < (soonest?.atMs ?? ctx.nowMs + FORECAST_AHEAD_MS)) soonest = { reading, atMs };
    }
    if (soonest === null) await endPastForecast(ctx, level.id);
    else await tellForecast(ctx, soonest.reading, soonest.atMs);
  });
  await resolveUnseen(ctx, 'budget_forecast', signal, ctx.nowMs - FORECAST_HELD_MS);
}

/** What an alert of the kind `budget_forecast` keeps. */
type ForecastDetail = Readonly<{ exhaustedAt: string }>;

/** A forecast whose moment has come says nothing any more, whether it came true or not. */
async function endPastForecast({ workspace, nowMs }: CallContext, levelId: string): Promise<void> {
  const alert = await workspace.alerts.unresolved(`budget_forecast:${levelId}`);
  if (alert === null || Date.parse((alert.detail as ForecastDetail).exhaustedAt) > nowMs) return;
  await workspace.transaction((tx) => endAlert(tx, alert, nowMs));
}

async function tellForecast(ctx: CallContext, reading: LimitReading, atMs: number): Promise<void> {
  const { level, levelId, limit, budget, resetsAtMs } = reading;
  const before = resetsAtMs === null ? '' : `, before it begins anew at ${iso(resetsAtMs)}`;
  await raise(ctx, {
    kind: 'budget_forecast',
    severity: 'warning',
    ...subjectOf(reading),
    message: `If its use goes on as in the last hour, the budget of ${limit / 1e9} USD (${budget?.period ?? 'total'}) of the ${level} ${levelId} will be used up at ${iso(atMs)}${before}. Raise it, or find out what spends it: usage --group-by model.`,
    detail: { exhaustedAt: iso(atMs) } satisfies ForecastDetail,
  });
}

/** Everything of a workspace that has a budget of its own. */
async function forEachLevel(
  ctx: CallContext,
  signal: AbortSignal,
  work: (level: LimitLevel) => Promise<void>,
): Promise<void> {
  for (const level of ownersWithBudgets(ctx.deps, ctx.workspace.workspaceId)) {
    signal.throwIfAborted();
    await work(level);
  }
  await forEachKey(ctx, { kind: 'with-budgets' }, signal, (key) => work(levelOf('key', key.kid, key)));
}

function budgetsOf(ctx: CallContext, level: LimitLevel): readonly LimitReading[] {
  if ((level.limits.budgets ?? []).length === 0) return [];
  return ctx.deps.keyLimits
    .bind({ levels: [level] })
    .read(ctx.nowMs)
    .filter(({ kind }) => kind === 'budget');
}

/** Spent: what calls under way hold comes back in part. */
function partUsed({ used, held, limit }: LimitReading): number {
  return (used - held) / limit;
}

function subjectOf({ level, levelId }: LimitReading): Pick<Condition, 'subjectKind' | 'subjectId'> {
  const subjectKind = level === 'application' || level === 'team' || level === 'workspace' ? level : 'key';
  return { subjectKind, subjectId: levelId };
}

async function raise(ctx: CallContext, condition: Condition): Promise<void> {
  await ctx.workspace.transaction((tx) => raiseAlert(tx, condition, ctx.nowMs));
}
