/** What the limits of every level say, as far as they were asked. */
import type { ErrorCode } from '../../errors.ts';
import type { DecisionInput, LimitKind, LimitReading } from '../decision-input.ts';
import { limitAmount, limitName } from '../limit-words.ts';
import type { CheckGroup } from '../verdict.ts';
import type { Check } from './check.ts';
import { requestSize } from './request-size.ts';
import { formatTime } from './wording.ts';

function limitCheck(name: LimitKind, group: CheckGroup, code: ErrorCode): Check {
  const refusing = ({ limits, standing }: DecisionInput): LimitReading | undefined =>
    limits?.find((reading) => reading.kind === name && refuses(reading) && standing.levels.length > 0);
  return {
    name,
    group,
    run(input) {
      const { limits } = input;
      if (limits === null) return 'skipped';
      for (const reading of limits) {
        if (reading.kind === name && refuses(reading)) return isAncestors(input, reading) ? 'ancestor_exhausted' : code;
      }
      return 'pass';
    },
    detail({ limits }) {
      if (limits === null) return 'not asked';
      return (
        limits
          .filter(({ kind }) => kind === name)
          .map(describe)
          .join(', ') || 'no limit'
      );
    },
    remedy(input) {
      const reading = refusing(input);
      if (reading === undefined) return { wouldPassIf: 'the limit were higher', who: 'key owner', fix: null };
      return remedyOf(reading, input.nowMs);
    },
  };
}

function refuses({ used, needed, limit, soft }: LimitReading): boolean {
  // Written so that a NaN refuses.
  return !soft && !(used + needed <= limit);
}

/** Of what a key that something was minted from has left; only amounts are shared that way. */
function isAncestors({ standing }: DecisionInput, { level, levelId, kind }: LimitReading): boolean {
  const isCredential = level === 'key' || level === 'temporary';
  const isAmount = kind === 'tokens' || kind === 'uses' || kind === 'budget';
  return isAmount && isCredential && standing.levels[0]?.id !== levelId;
}

function describe({ level, levelId, name, used, needed, limit, soft }: LimitReading): string {
  const [usedText, neededText, limitText] = [used, needed, limit].map((amount) => limitAmount(name, amount));
  const bound = soft ? 'aimed at' : 'allowed';
  return `${level} ${levelId} ${limitName(name)}: ${usedText} used, ${neededText} needed, ${limitText} ${bound}`;
}

function remedyOf(reading: LimitReading, nowMs: number): ReturnType<Check['remedy']> {
  const { level, levelId, name, kind, used, needed, retryAfterMs } = reading;
  const raise = { kind: 'raise-limit', level, levelId, name, to: used + needed } as const;
  if (kind === 'concurrency') {
    return { wouldPassIf: 'a call that is under way had ended', who: 'caller', fix: raise };
  }
  if (retryAfterMs === null) {
    const who = level === 'key' || level === 'temporary' || level === 'delegated' ? 'key owner' : 'workspace admin';
    return {
      wouldPassIf: `the limit ${limitName(name)} of the ${level} ${levelId} were at least ${limitAmount(name, used + needed)}`,
      who,
      fix: raise,
    };
  }
  const untilMs = nowMs + retryAfterMs;
  return {
    wouldPassIf: `the call came at ${formatTime(untilMs, '')} or later`,
    who: 'time',
    fix: { kind: 'wait', untilMs },
  };
}

export const quotaChecks: readonly Check[] = [
  requestSize,
  limitCheck('call', 'quota', 'call_too_expensive'),
  limitCheck('rate', 'rate', 'rate_limited'),
  limitCheck('concurrency', 'concurrency', 'concurrency_limited'),
  limitCheck('tokens', 'quota', 'tokens_limited'),
  limitCheck('uses', 'quota', 'uses_exhausted'),
  limitCheck('budget', 'budget', 'budget_exhausted'),
];
