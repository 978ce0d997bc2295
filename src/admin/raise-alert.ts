import { emitEvent } from './events.ts';
import type { AlertRow, AlertSeverity } from './key-life-stores.ts';
import { newId } from './new-id.ts';
import type { WorkspaceStore } from './stores.ts';

/** What alerts are about. */
export const ALERT_KINDS = [
  'key_expiring',
  'key_idle',
  'key_too_old',
  'rotation_due',
  'rotation_blocked',
  'secret_waiting',
  'secret_lost',
  'webhook_failing',
  'rule_repeated_failures',
  'rule_dead_key_use',
  'rule_owner_disabled',
  'rule_idle',
  'rule_budget',
  'rule_pool',
  'rule_leak',
  'rule_policy_violation',
  'response_rule_halted',
  'response_failed',
  'unknown_keys_tried',
  'leak_reported',
  'pool_filling',
  'budget_used',
  'budget_forecast',
  'provider_pool_low',
  'provider_pool_forecast',
  'credential_rotation_failed',
] as const;

export type AlertKind = (typeof ALERT_KINDS)[number];

export interface Condition {
  readonly kind: AlertKind;
  readonly severity: AlertSeverity;
  readonly subjectKind:
    | 'provider'
    | 'credential'
    | 'key'
    | 'webhook'
    | 'network'
    | 'response-rule'
    | 'application'
    | 'team'
    | 'workspace'
    | 'admin-token';
  readonly subjectId: string;
  /** What is wrong and what to do. */
  readonly message: string;
  readonly detail?: Readonly<Record<string, unknown>>;
}

/** Alerts that are not resolved, in one workspace. Who has so many looks at none of them one by one. */
const UNRESOLVED_MAX = 10_000;

export interface Raised {
  /** Whether the condition is new. */
  readonly isNew: boolean;
  /** The alert as it was before; null for a new one. */
  readonly before: AlertRow | null;
}

/** There is one alert a condition: it is made once, and seen again for as long as the condition holds. */
export async function raiseAlert(tx: WorkspaceStore, condition: Condition, nowMs: number): Promise<Raised> {
  const { kind, severity, subjectKind, subjectId, message, detail = {} } = condition;
  const dedupeKey = `${kind}:${subjectId}`;
  const before = await tx.alerts.unresolved(dedupeKey);
  if (before !== null) {
    await tx.alerts.update(before.id, { severity, message, detail, lastSeenAtMs: nowMs });
    return { isNew: false, before };
  }
  if ((await tx.alerts.countUnresolved()) >= UNRESOLVED_MAX) return { isNew: false, before: null };
  const id = newId('alr', nowMs);
  await tx.alerts.insert({
    ...{ id, kind, severity, subjectKind, subjectId, dedupeKey, message, detail },
    state: 'open',
    firstSeenAtMs: nowMs,
    lastSeenAtMs: nowMs,
    acknowledgedAtMs: null,
    acknowledgedBy: null,
    resolvedAtMs: null,
  });
  await emitEvent(tx, { type: 'alert.raised', key: null, data: { id, kind, severity, subjectId, message } }, nowMs);
  return { isNew: true, before: null };
}

/** Ends the alert of a condition, once; without one, nothing happens. */
export async function resolveAlert(
  tx: WorkspaceStore,
  condition: { readonly kind: AlertKind; readonly subjectId: string },
  nowMs: number,
): Promise<void> {
  const alert = await tx.alerts.unresolved(`${condition.kind}:${condition.subjectId}`);
  if (alert !== null) await endAlert(tx, alert, nowMs);
}

/** Ends an alert that is not resolved. */
export async function endAlert(tx: WorkspaceStore, alert: AlertRow, nowMs: number): Promise<void> {
  await tx.alerts.update(alert.id, { state: 'resolved', resolvedAtMs: nowMs });
  const { id, kind, subjectId } = alert;
  await emitEvent(tx, { type: 'alert.resolved', key: null, data: { id, kind, subjectId } }, nowMs);
}
