import { z } from 'zod';
import {
  displayName,
  duration,
  durationMs,
  durationText,
  durationTextOrNull,
  id,
  iso,
  overlapField,
  time,
} from '../fields.ts';
import { budgetInput, storedBudget, viewBudget } from '../constraint-fields.ts';
import type { Action, ResponseRuleRow, When } from '../response-stores.ts';
import { invalidField } from '../validation.ts';

const ids = z.array(id).min(1).max(200).nullable();
const count = z.int().min(1).max(200);
/** What is held in memory of failures is held no longer. */
const WITHIN_MS_MAX = 86_400_000;
const within = duration.refine(
  (text) => durationMs(text) >= 1000 && durationMs(text) <= WITHIN_MS_MAX,
  'must be from 1s to 24h',
);
const aMinute = duration.refine((text) => durationMs(text) >= 60_000, 'must be at least 1m');
const anHour = duration.refine((text) => durationMs(text) >= 3_600_000, 'must be at least 1h');

const when = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('repeated_failures'),
    per: z.enum(['key', 'network']).default('key'),
    count,
    within,
  }),
  z.strictObject({ kind: z.literal('dead_key_use'), count, within }),
  z.strictObject({ kind: z.literal('owner_disabled') }),
  z.strictObject({ kind: z.literal('idle'), after: anHour }),
  z.strictObject({
    kind: z.literal('budget'),
    percent: z.int().min(1).max(100),
    levels: z
      .array(z.enum(['key', 'application', 'team', 'workspace']))
      .min(1)
      .max(4)
      .default(['key'])
      .describe('Whose budgets: of the key, or of what it stands on, which it shares with others.'),
  }),
  z.strictObject({ kind: z.literal('pool'), state: z.enum(['warning', 'critical', 'full']) }),
  z.strictObject({ kind: z.literal('leak') }),
  z.strictObject({
    kind: z.literal('policy_violation'),
    violations: z.array(z.enum(['too-old', 'no-expiry'])).min(1),
  }),
]);

const limit = z.int().min(1).max(1_000_000_000_000).nullable().default(null);

const action = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('notify'), severity: z.enum(['info', 'warning', 'critical']).default('warning') }),
  z.strictObject({
    kind: z.literal('lower-limits'),
    requestsPerMinute: limit,
    concurrency: limit,
    budget: budgetInput.nullable().default(null),
  }),
  z.strictObject({ kind: z.literal('suspend') }),
  z.strictObject({ kind: z.literal('revoke') }),
  z.strictObject({ kind: z.literal('mark-compromised') }),
  z.strictObject({
    kind: z.literal('rotate'),
    overlap: overlapField.default('24h'),
    delivery: z.enum(['reveal-link', 'webhook']),
    webhookId: id.exactOptional(),
  }),
]);

/** What can be set on a rule; omitted leaves. */
export const ruleFields = {
  name: displayName.exactOptional(),
  position: z.int().min(0).max(1_000_000).exactOptional().describe('Every rule that fits acts, in this order.'),
  state: z
    .enum(['active', 'dry-run', 'disabled'])
    .describe('dry-run: writes down what it would do, and does nothing. Setting it also sets a halted rule going.')
    .exactOptional(),
  selector: z
    .strictObject({
      applicationIds: ids.exactOptional(),
      teamIds: ids.exactOptional(),
      tags: z.array(z.string().min(1).max(60)).min(1).max(50).nullable().exactOptional(),
      environment: z.enum(['live', 'test']).nullable().exactOptional(),
    })
    .exactOptional()
    .describe('Which keys it is for; of several conditions all must hold. Without any: all keys.'),
  when: when
    .describe(
      'What it reacts to: {"kind":"repeated_failures","per":"key","count":20,"within":"10m"}, dead_key_use (count, within), owner_disabled, idle (after), budget (percent, levels), pool (state), leak, policy_violation (violations).',
    )
    .exactOptional(),
  actions: z
    .array(action)
    .min(1)
    .max(6)
    .describe(
      'What it does: [{"kind":"notify"}], and lower-limits (requestsPerMinute, concurrency, budget), suspend, revoke, mark-compromised or rotate (delivery, overlap).',
    )
    .exactOptional(),
  cooldown: aMinute
    .exactOptional()
    .describe('For so long after a response, and after its end, the same key is left alone by the rule.'),
  undoAfter: aMinute
    .nullable()
    .exactOptional()
    .describe('When suspensions and lowered limits are undone by themselves; null: not before a person does it.'),
  limitPerHour: z
    .int()
    .min(1)
    .max(1000)
    .exactOptional()
    .describe('Responses in an hour. Before the next one the rule halts, raises an alert and waits for a person.'),
  note: z.string().trim().max(1000).nullable().exactOptional(),
};

type RuleInput = z.output<z.ZodObject<typeof ruleFields>>;

export const ruleView = z
  .object({
    id: z.string(),
    name: z.string(),
    position: z.int(),
    state: z.enum(['active', 'dry-run', 'disabled', 'halted']),
    selector: z.object({
      applicationIds: z.array(z.string()).nullable(),
      teamIds: z.array(z.string()).nullable(),
      tags: z.array(z.string()).nullable(),
      environment: z.enum(['live', 'test']).nullable(),
    }),
    when,
    actions: z.array(action),
    cooldown: z.string(),
    undoAfter: z.string().nullable(),
    limitPerHour: z.int(),
    note: z.string().nullable(),
    createdAt: time,
    updatedAt: time,
  })
  .meta({ id: 'ResponseRule' });

export function viewRule(row: ResponseRuleRow): z.input<typeof ruleView> {
  const { selector } = row;
  return {
    id: row.id,
    name: row.name,
    position: row.position,
    state: row.state,
    selector: {
      applicationIds: selector.applicationIds && [...selector.applicationIds],
      teamIds: selector.teamIds && [...selector.teamIds],
      tags: selector.tags && [...selector.tags],
      environment: selector.environment,
    },
    when: viewWhen(row.when),
    actions: row.actions.map(viewAction),
    cooldown: durationText(row.cooldownMs),
    undoAfter: durationTextOrNull(row.undoAfterMs),
    limitPerHour: row.limitPerHour,
    note: row.note,
    createdAt: iso(row.createdAtMs),
    updatedAt: iso(row.updatedAtMs),
  };
}

/** A rule after a change: what the input omits stays. */
export function changedRule(before: ResponseRuleRow, input: RuleInput, nowMs: number): ResponseRuleRow {
  const actions = input.actions?.map(storedAction) ?? before.actions;
  refuseContradiction(actions);
  return {
    ...before,
    name: input.name ?? before.name,
    position: input.position ?? before.position,
    state: input.state ?? before.state,
    selector: { ...before.selector, ...input.selector },
    when: input.when === undefined ? before.when : storedWhen(input.when),
    actions,
    cooldownMs: input.cooldown === undefined ? before.cooldownMs : durationMs(input.cooldown),
    undoAfterMs: undoAfterOf(before, input.undoAfter),
    limitPerHour: input.limitPerHour ?? before.limitPerHour,
    // Whoever sets a halted rule going has seen what it did.
    countedFromMs: input.state !== undefined && before.state === 'halted' ? nowMs : before.countedFromMs,
    note: input.note === undefined ? before.note : input.note,
    updatedAtMs: nowMs,
  };
}

function undoAfterOf(before: ResponseRuleRow, text: string | null | undefined): number | null {
  if (text === undefined) return before.undoAfterMs;
  return text === null ? null : durationMs(text);
}

const ENDS_OR_CHANGES: ReadonlySet<string> = new Set(['suspend', 'revoke', 'mark-compromised', 'rotate']);

function refuseContradiction(actions: readonly Action[]): void {
  const kinds = actions.map(({ kind }) => kind);
  if (new Set(kinds).size !== kinds.length) throw invalidField('body', 'actions', 'names an action twice');
  if (kinds.filter((kind) => ENDS_OR_CHANGES.has(kind)).length > 1) {
    throw invalidField('body', 'actions', 'may hold only one of suspend, revoke, mark-compromised and rotate');
  }
  const lowers = actions.find((given) => given.kind === 'lower-limits');
  if (lowers === undefined || lowers.requestsPerMinute !== null || lowers.concurrency !== null) return;
  if (lowers.budget === null) {
    throw invalidField('body', 'actions', 'lowers no limit: give requestsPerMinute, concurrency or budget');
  }
}

function storedWhen(input: z.output<typeof when>): When {
  switch (input.kind) {
    case 'repeated_failures': {
      const { within: text, ...rest } = input;
      return { ...rest, withinMs: durationMs(text) };
    }
    case 'dead_key_use': {
      const { within: text, ...rest } = input;
      return { ...rest, withinMs: durationMs(text) };
    }
    case 'idle':
      return { kind: 'idle', afterMs: durationMs(input.after) };
    default:
      return input;
  }
}

function viewWhen(row: When): z.input<typeof when> {
  switch (row.kind) {
    case 'repeated_failures': {
      const { withinMs, ...rest } = row;
      return { ...rest, within: durationText(withinMs) };
    }
    case 'dead_key_use': {
      const { withinMs, ...rest } = row;
      return { ...rest, within: durationText(withinMs) };
    }
    case 'idle':
      return { kind: 'idle', after: durationText(row.afterMs) };
    case 'budget':
      return { ...row, levels: [...(row.levels ?? (['key'] as const))] };
    case 'policy_violation':
      return { ...row, violations: [...row.violations] };
    default:
      return row;
  }
}

function storedAction(input: z.output<typeof action>): Action {
  if (input.kind === 'lower-limits') return { ...input, budget: input.budget && storedBudget(input.budget) };
  if (input.kind !== 'rotate') return input;
  const { delivery, webhookId, overlap } = input;
  const overlapMs = durationMs(overlap);
  if (delivery === 'reveal-link') {
    if (webhookId !== undefined) throw invalidField('body', 'actions', 'webhookId needs delivery to be webhook');
    return { kind: 'rotate', overlapMs, delivery: { kind: 'reveal-link' } };
  }
  if (webhookId === undefined) throw invalidField('body', 'actions', 'webhookId is required to deliver by webhook');
  return { kind: 'rotate', overlapMs, delivery: { kind: 'webhook', webhookId } };
}

function viewAction(row: Action): z.input<typeof action> {
  if (row.kind === 'lower-limits') return { ...row, budget: row.budget && viewBudget(row.budget) };
  if (row.kind !== 'rotate') return row;
  const { overlapMs, delivery } = row;
  return {
    kind: 'rotate',
    overlap: durationText(overlapMs),
    delivery: delivery.kind,
    ...(delivery.kind === 'webhook' ? { webhookId: delivery.webhookId } : {}),
  };
}
