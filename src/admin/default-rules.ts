import { newId } from './new-id.ts';
import type { Action, ResponseRuleRow, When } from './response-stores.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

interface Default {
  readonly name: string;
  readonly state: 'active' | 'dry-run';
  readonly when: When;
  readonly actions: readonly Action[];
  readonly undoAfterMs?: number;
  readonly limitPerHour?: number;
  readonly note: string;
}

const NOTIFY: Action = { kind: 'notify', severity: 'warning' };

/** What a workspace begins with. Only what nobody can cause from outside, a whole key in public, stops a key by itself. */
const DEFAULTS: readonly Default[] = [
  {
    name: 'Leaked keys are suspended',
    state: 'active',
    when: { kind: 'leak' },
    actions: [{ kind: 'suspend' }, { kind: 'notify', severity: 'critical' }],
    limitPerHour: 100,
    note: 'A signed report with the whole key: someone else has it. Put revoke or rotate in the place of suspend where that is better.',
  },
  {
    name: 'Repeated failures are told',
    state: 'active',
    when: { kind: 'repeated_failures', per: 'key', count: 20, withinMs: 10 * MINUTE_MS },
    actions: [NOTIFY],
    note: 'Tells only: whoever knows the public part of a key can cause failures that name it.',
  },
  {
    name: 'Guessing of keys is stopped (dry run)',
    state: 'dry-run',
    when: { kind: 'repeated_failures', per: 'key', count: 100, withinMs: 10 * MINUTE_MS },
    actions: [{ kind: 'suspend' }, NOTIFY],
    undoAfterMs: HOUR_MS,
    note: 'A dry run, because suspending a key for the failures of a stranger lets strangers suspend keys. See what it would have done before you set it to active.',
  },
  {
    name: 'Use of ended keys is told',
    state: 'active',
    when: { kind: 'dead_key_use', count: 10, withinMs: DAY_MS },
    actions: [NOTIFY],
    note: 'Something still holds a key that was revoked, is compromised or has expired: a forgotten deployment, or a thief.',
  },
  {
    name: 'Keys of disabled owners are told',
    state: 'active',
    when: { kind: 'owner_disabled' },
    actions: [NOTIFY],
    note: 'Their calls are refused already, and pass again when the owner is back: reassign or revoke them.',
  },
];

/** The rules of a new workspace. */
export function defaultRules(nowMs: number): readonly ResponseRuleRow[] {
  return DEFAULTS.map(({ undoAfterMs = null, limitPerHour = 50, ...rule }, index) => ({
    ...rule,
    id: newId('rul', nowMs),
    position: index + 1,
    selector: { applicationIds: null, teamIds: null, tags: null, environment: null },
    cooldownMs: rule.when.kind === 'leak' ? HOUR_MS : DAY_MS,
    undoAfterMs,
    limitPerHour,
    countedFromMs: 0,
    createdAtMs: nowMs,
    updatedAtMs: nowMs,
  }));
}
