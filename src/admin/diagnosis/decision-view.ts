import { z } from 'zod';
import { explain, findWayOut } from '../../keys/decide.ts';
import type { DecisionInput } from '../../keys/decision-input.ts';
import type { CheckResult } from '../../keys/verdict.ts';
import { iso, time } from '../fields.ts';
import { actionOf, actionView } from './actions.ts';

const remedy = z.enum(['caller', 'key owner', 'workspace admin', 'operator', 'time']).nullable();

export const checkView = z
  .object({
    name: z.string().describe('Stable.'),
    group: z.string(),
    outcome: z.enum(['pass', 'fail', 'skipped']).describe('skipped: the call has nothing that this is about.'),
    code: z.string().nullable(),
    detail: z.string().describe('What was compared.'),
    wouldPassIf: z.string().nullable().describe('Completes "would pass if …".'),
    whoCanChange: remedy,
    action: actionView.nullable(),
  })
  .meta({ id: 'Check' });

export const decisionView = z
  .object({
    at: time.describe('The time that it was decided for.'),
    allowed: z.boolean(),
    code: z.string().describe('`ok`, or the code of the first check that fails.'),
    keyRevision: z.int(),
    checks: z.array(checkView).describe('Every check, in the order in which they block.'),
    failed: z.array(z.string()).describe('The names of those that fail, the blocking one first.'),
    wayOut: z
      .object({
        wouldPass: z.boolean().describe('Whether the call would pass once all of them were done.'),
        actions: z.array(actionView),
      })
      .describe('Everything that would have to be done for it to pass, tried out on the engine itself.'),
  })
  .meta({ id: 'Decision' });

/** The whole decision on an input, with the way out of it. */
export function viewDecision(input: DecisionInput): z.input<typeof decisionView> {
  const { allowed, code, trace } = explain(input);
  const checks = trace?.checks ?? [];
  const { fixes, wouldPass } = findWayOut(input);
  return {
    at: timeOf(input.nowMs),
    allowed,
    code: code ?? 'ok',
    keyRevision: input.standing.key.record.revision,
    checks: checks.map((check) => viewCheck(check, input)),
    failed: (trace?.failed ?? []).map(({ name }) => name),
    wayOut: { wouldPass, actions: fixes.map((fix) => actionOf(fix, input)) },
  };
}

export function viewCheck({ fix, ...check }: CheckResult, input: DecisionInput): z.input<typeof checkView> {
  return { ...check, action: fix && actionOf(fix, input, check.whoCanChange) };
}

function timeOf(atMs: number): string {
  return Number.isFinite(atMs) ? iso(atMs) : iso(0);
}
