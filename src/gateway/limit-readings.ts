import type { LimitReading } from '../keys/decision-input.ts';
import type { CallAmounts, CallLimits, CallRefused, LimitReading as KeptReading } from '../limits/call-limits.ts';

/** In the order in which they refuse. */
const KINDS: readonly LimitReading['kind'][] = ['call', 'rate', 'concurrency', 'tokens', 'uses', 'budget'];

/**
 * The limits as the engine reads them, at the moment when one of them refused. Other workers go on
 * meanwhile: what refused is told as it refused, what comes before it as it let by.
 */
export function readLimits(
  limits: CallLimits,
  { by }: CallRefused,
  need: CallAmounts,
  nowMs: number,
): readonly LimitReading[] {
  const readings = limits.read(nowMs, need);
  if (by === null) return readings;
  const refusing = KINDS.indexOf(by.kind);
  return readings.map((reading) => {
    const { limit, needed } = reading;
    if (isSame(reading, by)) return { ...reading, used: Math.max(reading.used, limit - needed + 1) };
    if (KINDS.indexOf(reading.kind) >= refusing || reading.soft) return reading;
    return { ...reading, used: Math.min(reading.used, limit - needed), retryAfterMs: 0 };
  });
}

function isSame(a: KeptReading, b: KeptReading): boolean {
  return a.level === b.level && a.levelId === b.levelId && a.name === b.name && a.budget === b.budget;
}
