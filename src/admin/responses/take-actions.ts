/** What the actions of a rule do to a key, inside the transaction of the response. */
import { AppError } from '../../errors.ts';
import type { CallContext } from '../contract.ts';
import { emitEvent } from '../events.ts';
import { iso } from '../fields.ts';
import { raiseAlert } from '../raise-alert.ts';
import type { AlertKind } from '../raise-alert.ts';
import type { Action, ActionKind, Effect, ResponseRuleRow, TriggerKind } from '../response-stores.ts';
import { viewKey } from '../resources/key-view.ts';
import { rotateKey } from '../rotate-key.ts';
import type { Handover } from '../rotate-key.ts';
import type { KeyRow } from '../stores.ts';
import { LOWERED_FIELDS, baselineOf } from './effects.ts';
import type { LimitsEffect } from './effects.ts';
import type { RaisedTrigger } from './raise-trigger.ts';

/** How long a secret that a rule made can be fetched after the old one has ended. */
const REVEAL_GRACE_MS = 7 * 86_400_000;
/** A key can hold no more. */
const BUDGETS_MAX = 10;

/** How each action stands in the audit log: as if a person had done it. */
export const AUDITED_AS: Readonly<Record<ActionKind, string>> = {
  notify: 'responses.notify',
  'lower-limits': 'keys.update',
  suspend: 'keys.suspend',
  revoke: 'keys.revoke',
  'mark-compromised': 'keys.revoke',
  rotate: 'keys.rotate',
};

export interface Order {
  readonly rule: ResponseRuleRow;
  /** Null: the trigger is about a network. */
  readonly key: KeyRow | null;
  readonly trigger: RaisedTrigger;
  readonly reason: string;
}

export interface Taken {
  readonly effects: readonly Effect[];
  /** The key that workers must forget; null where none was changed. */
  readonly kid: string | null;
  readonly before: unknown;
  readonly after: unknown;
}

interface Done {
  readonly effect: Effect;
  readonly key: KeyRow;
}

/** Runs the actions; null where none of them changes anything. A dry run only tells what they would do. */
export async function takeActions(tx: CallContext, order: Order): Promise<Taken | null> {
  const { rule, key: before } = order;
  let key = before;
  const effects: Effect[] = [];
  for (const action of rule.actions) {
    if (action.kind === 'notify') continue;
    const done = key === null ? null : await takeAction(tx, action, { ...order, key });
    if (done === null) continue;
    key = done.key;
    effects.push(done.effect);
  }
  const notify = rule.actions.find((action) => action.kind === 'notify');
  if (notify !== undefined) effects.push({ kind: 'notify' });
  if (effects.length === 0) return null;
  if (notify !== undefined && rule.state !== 'dry-run') await tell(tx, { ...order, key }, notify.severity, effects);
  const changed = before !== null && key !== null && key !== before && rule.state !== 'dry-run';
  return {
    effects,
    kid: changed ? before.kid : null,
    before: before && viewKey(before, tx.nowMs),
    after: key && viewKey(key, tx.nowMs),
  };
}

interface KeyOrder extends Order {
  readonly key: KeyRow;
}

async function takeAction(
  tx: CallContext,
  action: Exclude<Action, { readonly kind: 'notify' }>,
  order: KeyOrder,
): Promise<Done | null> {
  switch (action.kind) {
    case 'suspend':
      return suspend(tx, order);
    case 'revoke':
      return end(tx, order, 'revoked', ['active', 'suspended']);
    case 'mark-compromised':
      return end(tx, order, 'compromised', ['active', 'suspended', 'revoked']);
    case 'lower-limits':
      return lower(tx, order, action);
    case 'rotate':
      return rotate(tx, order, action);
  }
}

/** A key that is suspended already stays as whoever did it wanted. */
async function suspend(tx: CallContext, order: KeyOrder): Promise<Done | null> {
  const { key, rule, reason } = order;
  if (key.state !== 'active') return null;
  const untilMs = rule.undoAfterMs === null ? null : tx.nowMs + rule.undoAfterMs;
  const effect: Effect = { kind: 'suspend', untilMs };
  const after = await store(tx, order, {
    state: 'suspended',
    suspension: { automatic: true, untilMs },
    stateReason: reason,
  });
  if (rule.state !== 'dry-run') {
    await emitEvent(tx.workspace, { type: 'key.suspended', key: after, data: { reason, ruleId: rule.id } }, tx.nowMs);
  }
  return { effect, key: after };
}

async function end(
  tx: CallContext,
  order: KeyOrder,
  to: 'revoked' | 'compromised',
  from: readonly KeyRow['state'][],
): Promise<Done | null> {
  if (!from.includes(order.key.state)) return null;
  const after = await store(tx, order, {
    state: to,
    suspension: null,
    stateReason: order.reason,
    revokedAtMs: order.key.revokedAtMs ?? tx.nowMs,
  });
  return { effect: { kind: to === 'revoked' ? 'revoke' : 'mark-compromised' }, key: after };
}

async function lower(
  tx: CallContext,
  order: KeyOrder,
  action: Extract<Action, { readonly kind: 'lower-limits' }>,
): Promise<Done | null> {
  const { key } = order;
  if (key.state === 'revoked' || key.state === 'compromised') return null;
  const open = await tx.workspace.responses.openOf(key.kid);
  const loweredTo = (field: (typeof LOWERED_FIELDS)[number]) => {
    const [wish, now] = [action[field], key.limits[field]];
    if (wish === null || (now !== null && now <= wish)) return null;
    return { before: baselineOf(field, now, open), after: wish };
  };
  const budgets = key.limits.budgets ?? [];
  if (action.budget !== null && budgets.length >= BUDGETS_MAX) {
    throw new AppError('conflict', { message: `The key ${key.kid} has ${BUDGETS_MAX} budgets already.` });
  }
  const effect: LimitsEffect = {
    kind: 'lower-limits',
    requestsPerMinute: loweredTo('requestsPerMinute'),
    concurrency: loweredTo('concurrency'),
    budget: action.budget,
  };
  if (effect.budget === null && LOWERED_FIELDS.every((field) => effect[field] === null)) return null;
  const limits = {
    ...key.limits,
    requestsPerMinute: effect.requestsPerMinute?.after ?? key.limits.requestsPerMinute,
    concurrency: effect.concurrency?.after ?? key.limits.concurrency,
    budgets: action.budget === null ? key.limits.budgets : [...budgets, action.budget],
  };
  return { effect, key: await store(tx, order, { limits }) };
}

async function rotate(
  tx: CallContext,
  { key, rule }: KeyOrder,
  action: Extract<Action, { readonly kind: 'rotate' }>,
): Promise<Done | null> {
  const { overlapMs, delivery } = action;
  if (key.state !== 'active' && key.state !== 'suspended') return null;
  const effect: Effect = { kind: 'rotate', delivery: delivery.kind };
  if (rule.state === 'dry-run') return { effect, key };
  const handover: Handover =
    delivery.kind === 'webhook' ? delivery : { kind: 'reveal-link', expiresInMs: overlapMs + REVEAL_GRACE_MS };
  const { after } = await rotateKey(tx, { key, overlapMs, whenUnused: null, handover, policyId: null });
  if (handover.kind === 'reveal-link') {
    const message = `The key "${key.name}" (${key.kid}) has a new secret, made by the rule "${rule.name}", that nobody has fetched yet. Get its link: keys reveal-link ${key.kid}.`;
    const subject = { subjectKind: 'key', subjectId: key.kid } as const;
    await raiseAlert(tx.workspace, { kind: 'secret_waiting', severity: 'warning', ...subject, message }, tx.nowMs);
  }
  return { effect, key: after };
}

async function store(
  tx: CallContext,
  { key, rule }: KeyOrder,
  patch: Partial<Pick<KeyRow, 'state' | 'suspension' | 'stateReason' | 'revokedAtMs' | 'limits'>>,
): Promise<KeyRow> {
  const change = { ...patch, updatedAtMs: tx.nowMs };
  if (rule.state === 'dry-run') return { ...key, ...change };
  if (!(await tx.workspace.keys.update(key.kid, key.revision, change))) {
    throw new AppError('conflict', { message: `The key ${key.kid} was changed meanwhile.` });
  }
  return { ...key, ...change, revision: key.revision + 1 };
}

/** The alert of a rule is about one kind of trigger and one subject, whichever rules react to it. */
export const RULE_ALERTS: Readonly<Record<TriggerKind, AlertKind>> = {
  repeated_failures: 'rule_repeated_failures',
  dead_key_use: 'rule_dead_key_use',
  owner_disabled: 'rule_owner_disabled',
  idle: 'rule_idle',
  budget: 'rule_budget',
  pool: 'rule_pool',
  leak: 'rule_leak',
  policy_violation: 'rule_policy_violation',
};

async function tell(
  tx: CallContext,
  { rule, key, trigger }: Order,
  severity: Extract<Action, { readonly kind: 'notify' }>['severity'],
  effects: readonly Effect[],
): Promise<void> {
  const { subject } = trigger;
  const subjectId = subject.kind === 'key' ? subject.kid : subject.network;
  const whose = key === null ? `Out of the network ${subjectId}` : `At the key "${key.name}" (${key.kid})`;
  const did = effects.flatMap((effect) => (effect.kind === 'notify' ? [] : [describeEffect(effect)]));
  const done = did.length === 0 ? 'Nothing was changed' : did.join(', ');
  const message = `${whose}: ${trigger.evidence}. By the rule "${rule.name}" (${rule.id}): ${done}. See responses list, and responses undo.`;
  const kind = RULE_ALERTS[trigger.kind];
  await raiseAlert(tx.workspace, { kind, severity, subjectKind: subject.kind, subjectId, message }, tx.nowMs);
  const data = { ruleId: rule.id, trigger: trigger.kind, subjectId, evidence: trigger.evidence, actions: did };
  await emitEvent(tx.workspace, { type: 'response.taken', key, data }, tx.nowMs);
}

/** In the words of alerts and of the audit log. */
export function describeEffect(effect: Effect): string {
  switch (effect.kind) {
    case 'notify':
      return 'told';
    case 'suspend':
      return effect.untilMs === null ? 'suspended until it is resumed' : `suspended until ${iso(effect.untilMs)}`;
    case 'lower-limits':
      return 'limits lowered';
    case 'revoke':
      return 'revoked';
    case 'mark-compromised':
      return 'marked as compromised';
    case 'rotate':
      return `rotated, the new secret by ${effect.delivery}`;
  }
}
