import type { LimitReading } from '../keys/decision-input.ts';
import type { LimitRefused } from '../limits/key-limiter.ts';
import type { CachedKey } from './key-cache.ts';

/**
 * The limits of a key as the engine reads them, at the moment when one of them refused. Other
 * workers go on meanwhile: what refused is told as it refused, what comes before it as it let by.
 */
export function readLimits(
  { prepared, limiter }: CachedKey,
  refused: LimitRefused,
  nowMs: number,
): readonly LimitReading[] {
  return limiter.read(nowMs).map(({ name, kind, limit, used, windowMs, retryAfterMs }) => {
    const reading = { level: 'key', levelId: prepared.record.kid, name, kind, limit, needed: 1, soft: false } as const;
    const isRate = kind === 'rate';
    if (isRate && refused.code === 'concurrency_limited') {
      return { ...reading, used: Math.min(used, limit - 1), retryAfterMs: 0 };
    }
    // A rate limit is known by its window, the one on calls under way has none.
    const isRefusing = windowMs === refused.windowMs;
    if (!isRefusing) return { ...reading, used, retryAfterMs };
    return { ...reading, used: Math.max(used, limit), retryAfterMs: refused.retryAfterMs };
  });
}
