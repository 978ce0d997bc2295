/** When a pool of credentials is out, if they go out of use as they did lately. */
import { LOOK_BACK_MS } from './forecast.ts';

/** A credential that went out of use. */
export interface Loss {
  readonly atMs: number;
  /** How long it rests; Infinity where nobody knows. */
  readonly restMs: number;
}

export interface PoolTrend {
  /** How many can be used now. */
  readonly usable: number;
  /** When those that are out come back, as far as it is known. */
  readonly recoveriesMs: readonly number[];
  /** The oldest first. */
  readonly losses: readonly Loss[];
}

/** Quotas are of a day or longer: so far back losses count. */
export const LOSSES_KEPT_MS = 24 * 3_600_000;
/** Fewer losses tell no rate. */
const LOSSES_MIN = 2;
/** Of the last minutes, so many have to be there to say that it has become faster, and so much. */
const RECENT_MIN = 4;
const FASTER = 1.5;
/** Nothing is foreseen beyond. */
const HORIZON_MS = 7 * 86_400_000;
/** A pool that gets back what it loses is never out: after so many rounds it is taken for one. */
const ROUNDS_MAX = 20;

/** Unix milliseconds when none can be used any more; null where it cannot be foreseen, or is so already. */
export function poolOutAtMs({ usable, recoveriesMs, losses }: PoolTrend, nowMs: number): number | null {
  const perMs = lossesPerMs(losses, nowMs);
  if (perMs === null || usable === 0) return null;
  const lastMs = losses.at(-1)?.atMs ?? nowMs;
  // The next is due one interval after the last, and at once where it is late.
  const baseMs = Math.max(lastMs, nowMs - 1 / perMs);
  const lossesMax = (usable + recoveriesMs.length) * ROUNDS_MAX;
  let left = usable;
  let back = [...recoveriesMs];
  for (let lost = 1; lost <= lossesMax; lost += 1) {
    const atMs = Math.max(nowMs, baseMs + lost / perMs);
    if (atMs > nowMs + HORIZON_MS) return null;
    left += back.filter((time) => time <= atMs).length - 1;
    back = back.filter((time) => time > atMs);
    if (left <= 0) return Math.round(atMs);
    back.push(atMs + (losses[(lost - 1) % losses.length]?.restMs ?? Infinity));
  }
  return null;
}

/** How many are lost in a millisecond; null where too few were to tell. */
export function lossesPerMs(losses: readonly Loss[], nowMs: number): number | null {
  const steady = rateOf(losses, nowMs);
  if (steady === null) return null;
  const recent = LOOK_BACK_MS.flatMap((spanMs) => {
    const within = losses.filter(({ atMs }) => atMs > nowMs - spanMs);
    return within.length < RECENT_MIN ? [] : (rateOf(within, nowMs) ?? []);
  });
  const fastest = Math.max(steady, ...recent);
  return fastest > steady * FASTER ? fastest : steady;
}

/** By the time between the first and the last; what is quiet for longer than that has slowed down. */
function rateOf(losses: readonly Loss[], nowMs: number): number | null {
  const firstMs = losses[0]?.atMs ?? nowMs;
  const lastMs = losses.at(-1)?.atMs ?? nowMs;
  if (losses.length < LOSSES_MIN || lastMs === firstMs) return null;
  return Math.min((losses.length - 1) / (lastMs - firstMs), losses.length / (nowMs - firstMs));
}
