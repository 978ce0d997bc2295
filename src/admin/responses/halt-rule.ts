import { newId } from '../new-id.ts';
import type { CallContext } from '../contract.ts';
import { raiseAlert } from '../raise-alert.ts';
import type { ResponseRuleRow } from '../response-stores.ts';
import type { RaisedTrigger } from './raise-trigger.ts';

/**
 * A rule that wants to do more in an hour than it may has either met an attack on everything or is
 * wrong itself: it stops, and a person decides.
 */
export async function haltRule(tx: CallContext, rule: ResponseRuleRow, { evidence }: RaisedTrigger): Promise<void> {
  await tx.workspace.responseRules.update(rule.id, { ...rule, state: 'halted', updatedAtMs: tx.nowMs });
  await tx.workspace.audit.append({
    id: newId('aud', tx.nowMs),
    atMs: tx.nowMs,
    actor: tx.principal.actor,
    action: 'response-rules.halt',
    targetKind: 'response-rule',
    targetId: rule.id,
    reason: `more than ${rule.limitPerHour} responses in an hour`,
    before: { state: rule.state },
    after: { state: 'halted' },
    requestId: tx.requestId,
    clientAddress: '',
  });
  const message = `The rule "${rule.name}" (${rule.id}) reacted ${rule.limitPerHour} times within an hour, and stopped before the next (${evidence}). Look at what it did (responses list), then set it going again (response-rules update ${rule.id} --state active) or disable it.`;
  await raiseAlert(
    tx.workspace,
    { kind: 'response_rule_halted', severity: 'critical', subjectKind: 'response-rule', subjectId: rule.id, message },
    tx.nowMs,
  );
}
