import type { MemberView } from '../routing/pool.ts';
import { LOSSES_KEPT_MS, poolOutAtMs } from './pool-forecast.ts';
import type { Loss } from './pool-forecast.ts';

/** Who is back sooner is no loss: rate limits come and go. */
export const LASTING_MS = 30_000;
/** Of a pool; older ones are forgotten. */
const LOSSES_MAX = 500;

/** Whether a credential is out of use for longer than a moment. */
export function isOut({ state, untilMs, isTimed }: MemberView, nowMs: number): boolean {
  if (untilMs === null) return false;
  // Nobody knows when it comes back: until a probe has passed, it is out.
  if (!isTimed && (state === 'exhausted' || state === 'rejected')) return true;
  return untilMs > nowMs + LASTING_MS;
}

interface Watched {
  /** Ids of those that were out at the last look; null before the first. */
  out: ReadonlySet<string> | null;
  losses: readonly Loss[];
}

/** What was seen of pools since the start, in memory: when credentials went out of use, and for how long. */
export class PoolHistory {
  #pools = new Map<string, Watched>();

  /** Looks at all pools, by name; of those that are gone nothing is kept. */
  observe(pools: ReadonlyMap<string, readonly MemberView[]>, nowMs: number): void {
    const next = [...pools].map(([name, members]) => [name, look(this.#pools.get(name), members, nowMs)] as const);
    this.#pools = new Map(next);
  }

  /** When a pool is out at the present rate; null where that cannot be foreseen, or is so already. */
  outAtMs(name: string, members: readonly MemberView[], nowMs: number): number | null {
    const out = members.filter((member) => isOut(member, nowMs));
    const recoveriesMs = out.map((member) => nowMs + restMs(member, nowMs)).filter(Number.isFinite);
    const losses = this.#pools.get(name)?.losses ?? [];
    return poolOutAtMs({ usable: members.length - out.length, recoveriesMs, losses }, nowMs);
  }
}

function look(before: Watched | undefined, members: readonly MemberView[], nowMs: number): Watched {
  const known = before?.out ?? null;
  const out = members.filter((member) => isOut(member, nowMs));
  // A pool that is whole again begins anew.
  if (out.length === 0) return { out: new Set(), losses: [] };
  // What was out when it was seen first may be so for long.
  const lost = known === null ? [] : out.filter(({ id }) => !known.has(id));
  const losses = [
    ...(before?.losses ?? []).filter(({ atMs }) => atMs > nowMs - LOSSES_KEPT_MS),
    ...lost.map((member): Loss => ({ atMs: nowMs, restMs: restMs(member, nowMs) })),
  ];
  return { out: new Set(out.map(({ id }) => id)), losses: losses.slice(-LOSSES_MAX) };
}

function restMs({ state, untilMs, isTimed }: MemberView, nowMs: number): number {
  return !isTimed && state !== 'cooling' ? Infinity : Math.max(0, (untilMs ?? nowMs) - nowMs);
}
