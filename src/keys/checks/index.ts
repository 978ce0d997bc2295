import type { DecisionInput } from '../decision-input.ts';
import type { Check } from './check.ts';
import { identityChecks } from './identity.ts';
import { lifeCycleChecks } from './life-cycle.ts';
import { ownerChecks } from './owner.ts';
import { quotaChecks } from './quota.ts';
import { modelScope, scopeChecks } from './scope.ts';
import { modelSubscription, subscriptionChecks } from './subscription.ts';

/** Whether the application is subscribed to the model of the call, and every scope holds it. */
export function mayCallModel(input: DecisionInput): boolean {
  return modelSubscription.run(input) === 'pass' && modelScope.run(input) === 'pass';
}

/** Every check of a call, in the order in which they block. A new constraint is a new row. */
export const CHECKS: readonly Check[] = [
  ...identityChecks,
  ...lifeCycleChecks,
  ...ownerChecks,
  ...subscriptionChecks,
  ...scopeChecks,
  ...quotaChecks,
];
