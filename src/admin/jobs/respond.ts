import type { Job } from '../../watch/jobs/scheduler.ts';
import type { CallContext } from '../contract.ts';
import type { AdminDeps } from '../ports.ts';
import type { ResponseRuleRow, When } from '../response-stores.ts';
import { isCondition, readConditions } from '../responses/conditions.ts';
import type { ConditionKind, ConditionReader } from '../responses/conditions.ts';
import { createTriggerSink } from '../responses/raise-trigger.ts';
import { RULE_ALERTS } from '../responses/take-actions.ts';
import { anyUnresolved, forEachKey, forEachWorkspace, inAnyWorkspace, resolveUnseen } from './walk.ts';

/** Raises the triggers that are read from what is stored, each as often as it can matter. */
export function respondJobs(deps: AdminDeps): readonly Job[] {
  return [
    respondJob(deps, 'respond-to-use', 30_000, ['budget', 'pool']),
    respondJob(deps, 'respond-to-owners', 60_000, ['owner_disabled']),
    respondJob(deps, 'respond-to-age', 3_600_000, ['idle', 'policy_violation']),
  ];
}

function respondJob(deps: AdminDeps, name: string, everyMs: number, kinds: readonly ConditionKind[]): Job {
  return {
    name,
    everyMs,
    isWanted: () =>
      inAnyWorkspace(
        deps,
        async (workspace, nowMs) =>
          (await rulesFor(workspace, kinds)).length > 0 ||
          anyUnresolved(
            workspace,
            kinds.map((kind) => RULE_ALERTS[kind]),
            nowMs,
          ),
      ),
    run: (signal) => forEachWorkspace(deps, 'system:responses', signal, (ctx) => lookAt(ctx, kinds, signal)),
  };
}

async function rulesFor(
  workspace: Pick<CallContext['workspace'], 'responseRules'>,
  kinds: readonly ConditionKind[],
): Promise<readonly ResponseRuleRow[]> {
  const rules = await workspace.responseRules.all();
  return rules.filter(
    ({ state, when }) =>
      (state === 'active' || state === 'dry-run') && isCondition(when) && kinds.some((kind) => kind === when.kind),
  );
}

async function lookAt(ctx: CallContext, kinds: readonly ConditionKind[], signal: AbortSignal): Promise<void> {
  const rules = await rulesFor(ctx.workspace, kinds);
  if (rules.length > 0) {
    const reader = await readConditions(ctx);
    for (const rule of rules) await applyRule(ctx, { rule, reader }, signal);
  }
  for (const kind of kinds) await resolveUnseen(ctx, RULE_ALERTS[kind], signal);
}

interface Applied {
  readonly rule: ResponseRuleRow;
  readonly reader: ConditionReader;
}

async function applyRule(ctx: CallContext, { rule, reader }: Applied, signal: AbortSignal): Promise<void> {
  const { when } = rule;
  if (!isCondition(when)) return;
  const sink = createTriggerSink(ctx.deps);
  for (const scan of reader.scansFor(when)) {
    await forEachKey(ctx, scan, signal, async (key) => {
      const evidence = await reader.evidenceOf(when, key);
      if (evidence === null) return;
      await keepAlert(ctx, when, key.kid);
      const subject = { kind: 'key', kid: key.kid } as const;
      await sink.raiseTrigger({
        kind: when.kind,
        workspaceId: ctx.workspace.workspaceId,
        subject,
        evidence,
        ruleIds: [rule.id],
      });
    });
  }
}

/** The condition holds still, whether or not the rule has anything to do. */
async function keepAlert({ workspace, nowMs }: CallContext, when: When, kid: string): Promise<void> {
  const alert = await workspace.alerts.unresolved(`${RULE_ALERTS[when.kind]}:${kid}`);
  if (alert !== null) await workspace.alerts.update(alert.id, { lastSeenAtMs: nowMs });
}
