/** When something will be used up, if its use goes on as it went lately. */
import type { LimitReading } from '../limits/call-limits.ts';
import type { CallContext } from './contract.ts';
import type { UsageRow } from './call-stores.ts';

const MINUTE_MS = 60_000;
/** The faster of the two counts: a burn that began minutes ago, or one that comes in bursts. */
export const LOOK_BACK_MS = [10 * MINUTE_MS, 60 * MINUTE_MS] as const;
/** Beyond it a straight line says nothing. */
const HORIZON_MS = 90 * 86_400_000;

/** What was used per millisecond, as seen over one span. */
export interface Burn {
  readonly tokens: number;
  readonly nanoUsd: number;
  readonly calls: number;
}

/** Sums by group over the spans that are looked back on. */
export interface RecentUsage {
  burnOf(level: string, levelId: string): Burn | null;
}

/** What the workspace's keys and applications used lately. */
export async function readRecentUsage(ctx: CallContext): Promise<RecentUsage> {
  const spans = await Promise.all(LOOK_BACK_MS.map((spanMs) => readSpan(ctx, spanMs)));
  return {
    burnOf: (level, levelId) => {
      const burns = spans.map((span) => span.burnOf(level, levelId)).filter((burn) => burn !== null);
      return burns.length === 0 ? null : burns.reduce(faster);
    },
  };
}

async function readSpan({ deps, workspace, nowMs }: CallContext, spanMs: number): Promise<RecentUsage> {
  const span = { fromMs: nowMs - spanMs, toMs: nowMs + 1 };
  const [byKey, byApplication] = await Promise.all([
    deps.calls.usage(workspace.workspaceId, { ...span, groupBy: 'key' }),
    deps.calls.usage(workspace.workspaceId, { ...span, groupBy: 'application' }),
  ]);
  const { applications = {} } = deps.snapshotSource.current().workspaces[workspace.workspaceId] ?? {};
  const rowsOf = (level: string, levelId: string): readonly UsageRow[] => {
    switch (level) {
      case 'workspace':
        return byApplication;
      case 'team':
        return byApplication.filter(({ group }) => applications[group]?.teamId === levelId);
      case 'application':
        return byApplication.filter(({ group }) => group === levelId);
      default:
        return byKey.filter(({ group }) => group === levelId);
    }
  };
  return {
    burnOf: (level, levelId) => {
      const rows = rowsOf(level, levelId);
      if (rows.length === 0) return null;
      const sum = (pick: (row: UsageRow) => number) => rows.reduce((total, row) => total + pick(row), 0) / spanMs;
      return {
        tokens: sum((row) => row.inputTokens + row.outputTokens),
        nanoUsd: sum((row) => row.costNanoUsd),
        calls: sum((row) => row.calls - row.failedCalls),
      };
    },
  };
}

function faster(a: Burn, b: Burn): Burn {
  return {
    tokens: Math.max(a.tokens, b.tokens),
    nanoUsd: Math.max(a.nanoUsd, b.nanoUsd),
    calls: Math.max(a.calls, b.calls),
  };
}

/** Unix milliseconds when a limit will be used up; null where it will not be before it begins anew. */
export function exhaustedAtMs(reading: LimitReading, usage: RecentUsage, nowMs: number): number | null {
  const burn = usage.burnOf(reading.level, reading.levelId);
  const perMs = burn === null ? 0 : rateOf(reading, burn);
  if (perMs <= 0) return null;
  const atMs = nowMs + Math.max(0, reading.limit - reading.used) / perMs;
  const endsMs = reading.budget?.window === 'calendar' ? (reading.resetsAtMs ?? Infinity) : Infinity;
  return atMs < Math.min(endsMs, nowMs + HORIZON_MS) ? Math.round(atMs) : null;
}

/** Rolling windows forget while they count: only what never comes back, or comes back at once, runs out. */
function rateOf({ kind, budget }: LimitReading, burn: Burn): number {
  if (kind === 'uses') return burn.calls;
  return kind === 'budget' && budget?.window === 'calendar' ? burn.nanoUsd : 0;
}

/** When a pool of places is full, if they are taken and given back as in the span before; null if never. */
export function poolFullAtMs(
  pool: { readonly free: number; readonly taken: number; readonly ended: number; readonly spanMs: number },
  nowMs: number,
): number | null {
  const perMs = (pool.taken - pool.ended) / pool.spanMs;
  if (perMs <= 0) return null;
  const atMs = nowMs + pool.free / perMs;
  return atMs < nowMs + HORIZON_MS ? Math.round(atMs) : null;
}
