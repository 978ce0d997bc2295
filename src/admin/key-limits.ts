import type { LimitLevel } from '../limits/call-limits.ts';
import type { Counters } from '../limits/counters.ts';
import { bindCallLimits } from '../limits/call-limiter.ts';
import type { Child } from '../limits/child-place.ts';
import { hasRoom, readPlaces, withPlace } from '../limits/child-place.ts';
import type { KeyLimits, KeyLimitsPort } from './ports.ts';

/** A verification is a call that uses nothing of a model. */
const NOTHING = { tokens: 0, nanoUsd: 0 };

/** Limits over the counters that the data plane counts with. */
export function createKeyLimits(counters: Counters): KeyLimitsPort {
  return {
    bind: ({ levels }, child = null) => bind(counters, levels, child),
    delegated: (kid, nowMs) => readPlaces(counters, kid, nowMs),
  };
}

function bind(counters: Counters, levels: readonly LimitLevel[], child: Child | null): KeyLimits {
  const bound = bindCallLimits(counters, levels);
  const limits = child === null ? bound : withPlace(counters, bound, child);
  return {
    read: (nowMs) => limits.read(nowMs),
    hasPlace: (nowMs) => child === null || hasRoom(counters, child, nowMs),
    take: (nowMs) => {
      const outcome = limits.take(nowMs, NOTHING);
      if (!outcome.ok) return outcome.code;
      if (outcome.reservation !== null) limits.cancel(outcome.reservation, nowMs);
      // Calls under way are the gateway's to count: a verification is over at once.
      limits.release();
      return null;
    },
  };
}
