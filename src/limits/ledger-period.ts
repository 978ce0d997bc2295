import { startOfNextPeriod, startOfPeriod } from '../lib/zoned-time.ts';
import type { BoundLedger } from './bound-limits.ts';
import { wholeMs } from './table-times.ts';

/** Tells a calendar's ledger the bounds of the present period; two comparisons while it lasts. */
export function keepPeriod({ ledger, calendar }: BoundLedger, nowMs: number): void {
  if (calendar === null || calendar.period === 'total') return;
  if (nowMs >= ledger.startsAtMs && nowMs < ledger.endsAtMs) return;
  const atMs = wholeMs(nowMs);
  if (Number.isNaN(atMs)) return; // no time at all: the ledger stays where it is
  ledger.startsAtMs = startOfPeriod(calendar.period, calendar.timeZone, atMs);
  ledger.endsAtMs = startOfNextPeriod(calendar.period, calendar.timeZone, atMs);
}
