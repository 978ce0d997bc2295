/**
 * How a credential or an endpoint comes back. What the provider named a moment for is in use again
 * from that moment on. For anything else the moment was a guess: then one call goes first, the
 * probe, and the others wait for what becomes of it. A probe of which nothing is heard is given up
 * after a while and another one goes, so that nothing stays out for ever.
 */
import type { HealthPlace, HealthTable } from './health-table.ts';
import type { Health } from './health-word.ts';
import { WELL } from './health-word.ts';

/** How long a probe may take until another one goes. */
export const PROBE_LEASE_MS = 30_000;

/** Whether it may be used now: as one that is well, as the one that finds out, or not at all. */
export type Availability = 'free' | 'probe-due' | 'out';

export function availabilityOf({ state, untilMs, isTimed }: Health, nowMs: number): Availability {
  if (state === 'healthy') return 'free';
  if (untilMs > nowMs) return 'out';
  return isTimed ? 'free' : 'probe-due';
}

/** Makes the caller the one that finds out. False when another one is. */
export function takeProbe(table: HealthTable, place: HealthPlace, nowMs: number): boolean {
  let taken = false;
  table.update(place, nowMs, (health) => {
    taken = availabilityOf(health, nowMs) === 'probe-due';
    return taken ? { ...health, isProbed: true, untilMs: nowMs + PROBE_LEASE_MS } : null;
  });
  return taken;
}

/** The probe ended without an outcome, as when its caller left: another may go at once. */
export function giveProbeBack(table: HealthTable, place: HealthPlace, nowMs: number): void {
  table.update(place, nowMs, (health) => (health.isProbed ? { ...health, isProbed: false, untilMs: nowMs } : null));
}

/** It works. Only a call that began after the failure can tell: the probe, or one that was let through since. */
export function markWell(table: HealthTable, place: HealthPlace, wasProbe: boolean, nowMs: number): void {
  table.update(place, nowMs, (health) => {
    if (health === WELL) return null;
    return health.state === 'healthy' || health.untilMs <= nowMs || (wasProbe && health.isProbed) ? WELL : null;
  });
}
