/**
 * Failures per source as token buckets: each costs a token, tokens come back with time, and without
 * one nothing expensive is done for that source. What is remembered is bounded; the sources that
 * failed longest ago are forgotten first.
 */
import { BoundedMap } from '../lib/bounded-map.ts';

/** Wrong keys from one network, beyond which ids that are not known are not looked up any more. */
export const WRONG_KEYS = { burst: 100, perSecond: 10, sourcesMax: 10_000 } as const;

export interface FailureThrottleOptions {
  /** Failures at once. */
  readonly burst: number;
  /** Failures per second that are borne for ever. */
  readonly perSecond: number;
  /** Sources remembered. */
  readonly sourcesMax: number;
}

export interface FailureThrottle {
  readonly isBlocked: (source: string, nowMs: number) => boolean;
  readonly recordFailure: (source: string, nowMs: number) => void;
}

interface Bucket {
  tokens: number;
  atMs: number;
}

export function createFailureThrottle({ burst, perSecond, sourcesMax }: FailureThrottleOptions): FailureThrottle {
  const buckets = new BoundedMap<string, Bucket>(sourcesMax);

  const refill = (bucket: Bucket, nowMs: number): Bucket => {
    // A clock that steps back takes nothing away.
    const elapsedMs = Math.max(0, nowMs - bucket.atMs);
    bucket.tokens = Math.min(burst, bucket.tokens + (elapsedMs / 1000) * perSecond);
    bucket.atMs = nowMs;
    return bucket;
  };

  return {
    isBlocked(source, nowMs) {
      const bucket = buckets.get(source);
      return bucket !== undefined && refill(bucket, nowMs).tokens < 1;
    },
    recordFailure(source, nowMs) {
      const known = buckets.get(source);
      const bucket = known === undefined ? { tokens: burst, atMs: nowMs } : refill(known, nowMs);
      bucket.tokens = Math.max(0, bucket.tokens - 1);
      if (known === undefined) buckets.set(source, bucket);
    },
  };
}
