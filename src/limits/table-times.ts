/** A lock is held for less than a microsecond; waiting longer means a preempted or dead holder. */
export const TAKE_PATIENCE_MS = 250;
/** Giving back must not be lost: it waits until the main thread has broken a dead worker's lock. */
export const RELEASE_PATIENCE_MS = 5_000;
/** Beyond it (the year 5138) bucket numbers are not exact any more. */
const TIME_MS_MAX = 1e14;

/** A time that is none becomes NaN, for which a window's time stands still. */
export function wholeMs(nowMs: number): number {
  return nowMs >= 0 && nowMs <= TIME_MS_MAX ? Math.floor(nowMs) : Number.NaN;
}
