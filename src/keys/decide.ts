import type { ErrorCode } from '../errors.ts';
import type { Check } from './checks/check.ts';
import { CHECKS } from './checks/index.ts';
import type { DecisionInput } from './decision-input.ts';
import type { Fix } from './fix.ts';
import { applyFix } from './fix.ts';
import type { CheckResult, Trace, Verdict } from './verdict.ts';

const ALLOWED: Verdict = Object.freeze({ allowed: true, code: null, trace: null });

/**
 * Whether a call may go on. Pure: no I/O, no clock of its own. Every check counts; the first that
 * fails gives the code. A call that passes allocates nothing; the trace is built for refusals only.
 */
export function decide(input: DecisionInput): Verdict {
  for (const check of CHECKS) {
    const outcome = check.run(input);
    if (outcome !== 'pass' && outcome !== 'skipped') return explain(input);
  }
  return ALLOWED;
}

/** {@link decide} with the trace in any case: for people who ask why a call passes or does not. */
export function explain(input: DecisionInput): Verdict {
  const checks = CHECKS.map((check) => describe(check, input));
  const failed = checks.filter((result) => result.outcome === 'fail');
  const trace: Trace = { checks, failed, atMs: input.nowMs, keyRevision: input.standing.key.record.revision };
  const code = firstCode(failed);
  return code === null ? { allowed: true, code: null, trace } : { allowed: false, code, trace };
}

function firstCode(failed: readonly CheckResult[]): ErrorCode | null {
  return failed[0]?.code ?? null;
}

function describe(check: Check, input: DecisionInput): CheckResult {
  const { name, group } = check;
  const outcome = check.run(input);
  const detail = check.detail(input);
  if (outcome === 'pass' || outcome === 'skipped') {
    return { name, group, outcome, code: null, detail, wouldPassIf: null, whoCanChange: null, fix: null };
  }
  const remedy = check.remedy(input, outcome);
  return {
    name,
    group,
    outcome: 'fail',
    code: outcome,
    detail,
    wouldPassIf: remedy.wouldPassIf,
    whoCanChange: remedy.who,
    fix: remedy.fix,
  };
}

/** Rounds of fixes that are tried: a fix may uncover what another check says of the level beneath. */
const ROUNDS_MAX = 30;

export interface WayOut {
  readonly fixes: readonly Fix[];
  /** Whether the call would pass once all of them were made. */
  readonly wouldPass: boolean;
}

/** Everything that would have to be changed for a refused call to pass, tried out on the engine itself. */
export function findWayOut(input: DecisionInput): WayOut {
  const fixes: Fix[] = [];
  let current = input;
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    const failed = explain(current).trace?.failed ?? [];
    if (failed.length === 0) return { fixes, wouldPass: true };
    const open = failed.flatMap(({ fix }) => (fix === null ? [] : [fix]));
    if (open.length === 0) break;
    fixes.push(...open);
    current = open.reduce(applyFix, current);
  }
  return { fixes, wouldPass: false };
}
