import type { ErrorCode } from '../errors.ts';
import type { Check } from './checks.ts';
import { CHECKS } from './checks.ts';
import type { DecisionInput } from './decision-input.ts';
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
  const trace: Trace = { checks, failed, atMs: input.nowMs, keyRevision: input.key.record.revision };
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
    return { name, group, outcome, code: null, detail, wouldPassIf: null, whoCanChange: null };
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
  };
}
