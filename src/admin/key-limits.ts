import type { LimitReading } from '../keys/decision-input.ts';
import type { Standing } from '../keys/standing.ts';
import type { Counters } from '../limits/counters.ts';
import { bindLimits } from '../limits/key-limiter.ts';
import type { KeyLimits, KeyLimitsPort } from './ports.ts';

/** Limits over the counters that the data plane counts with. */
export function createKeyLimits(counters: Counters): KeyLimitsPort {
  return { bind: (standing) => bindKey(counters, standing) };
}

function bindKey(counters: Counters, { key }: Standing): KeyLimits {
  const { kid } = key.record;
  const limiter = bindLimits(counters, kid, key.limits);
  return {
    read: (nowMs) =>
      limiter.read(nowMs).map(({ name, kind, limit, used, retryAfterMs }): LimitReading => {
        // Calls under way are the gateway's to count: here they are shown only.
        const needed = kind === 'rate' ? 1 : 0;
        return { level: 'key', levelId: kid, name, kind, limit, used, needed, retryAfterMs, soft: false };
      }),
    take: (nowMs) => {
      const outcome = limiter.take(nowMs);
      if (!outcome.ok) return outcome.code;
      limiter.release();
      return null;
    },
  };
}
