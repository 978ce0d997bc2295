import type { LimitReading as DecidedReading } from '../keys/decision-input.ts';
import type { CallAmounts, LimitReading } from '../limits/call-limits.ts';

/** A limiter's reading in the words of the engine, with what a call needs of it. */
export function neededBy(reading: LimitReading, need: CallAmounts): DecidedReading {
  const { level, levelId, name, kind, soft, limit, used, held, retryAfterMs } = reading;
  return {
    level,
    levelId,
    name,
    kind: kind === 'maximum' ? 'call' : kind,
    limit,
    used: used + held,
    needed: neededAmount(reading, need),
    retryAfterMs,
    soft,
  };
}

function neededAmount({ kind, name }: LimitReading, { tokens, nanoUsd }: CallAmounts): number {
  switch (kind) {
    case 'rate':
    case 'concurrency':
    case 'uses':
      return 1;
    case 'tokens':
      return tokens;
    case 'budget':
      return nanoUsd;
    case 'maximum':
      return name === 'costPerCallMax' ? nanoUsd : tokens;
  }
}
