import { z } from 'zod';
import {
  displayName,
  durationUpTo,
  durationMs,
  durationText,
  durationTextOrNull,
  id,
  iso,
  overlapField,
  state,
  time,
} from '../fields.ts';
import type { Delivery, RotationPolicyRow } from '../key-life-stores.ts';
import { invalidField } from '../validation.ts';
import { rotationFields, whenUnusedOf } from './rotation-fields.ts';

/** What is shorter would come before anybody could act: a new secret has to be fetched and put in place. */
const POLICY_MS_MIN = 3_600_000;

const ids = z.array(id).min(1).max(200).nullable();
const atLeastAnHour = (field: z.ZodString) =>
  field.refine((text) => durationMs(text) >= POLICY_MS_MIN, 'must be at least 1h');
const anHour = atLeastAnHour(durationUpTo('3650d'));

/** What can be set on a policy; omitted leaves, null clears. */
export const policyFields = {
  name: displayName.exactOptional(),
  position: z.int().min(0).max(1_000_000).exactOptional().describe('The policy with the lowest that fits applies.'),
  state: state.exactOptional(),
  selector: z
    .strictObject({
      applicationIds: ids.exactOptional(),
      teamIds: ids.exactOptional(),
      tags: z.array(z.string().min(1).max(60)).min(1).max(50).nullable().exactOptional(),
      environment: z.enum(['live', 'test']).nullable().exactOptional(),
    })
    .exactOptional()
    .describe('Which keys it is for; of several conditions all must hold. Without any: all keys.'),
  interval: anHour.nullable().exactOptional().describe('A secret of this age is replaced.'),
  maximumAge: anHour.nullable().exactOptional().describe('A secret older than this raises an alert and is reported.'),
  overlap: atLeastAnHour(overlapField).exactOptional().describe('How long the old secret is accepted at least.'),
  completion: rotationFields.completion.unwrap().exactOptional().describe('When the old secret ends.'),
  unusedFor: rotationFields.unusedFor.unwrap().exactOptional().describe('With when-unused: how long nobody sent it.'),
  latest: rotationFields.latest.unwrap().exactOptional().describe('With when-unused: its end in any case.'),
  delivery: z
    .enum(['none', 'reveal-link', 'webhook'])
    .exactOptional()
    .describe(
      'Who gets the new secret. none: nobody, so a rotation that is due only raises an alert; reveal-link: whoever asks for the link of the key; webhook: sealed to its receiver.',
    ),
  webhookId: id.exactOptional().describe('With webhook: which one; it needs a public key.'),
  idleAfter: anHour.nullable().exactOptional().describe('A key that was not used for so long is flagged.'),
  suspendIdle: z.boolean().exactOptional().describe('Suspends keys that are idle.'),
};

type PolicyInput = z.output<z.ZodObject<typeof policyFields>>;

export const policyView = z
  .object({
    id: z.string(),
    name: z.string(),
    position: z.int(),
    state,
    selector: z.object({
      applicationIds: z.array(z.string()).nullable(),
      teamIds: z.array(z.string()).nullable(),
      tags: z.array(z.string()).nullable(),
      environment: z.enum(['live', 'test']).nullable(),
    }),
    interval: z.string().nullable(),
    maximumAge: z.string().nullable(),
    overlap: z.string(),
    completion: z.enum(['at-end', 'when-unused']),
    unusedFor: z.string().nullable(),
    latest: z.string().nullable(),
    delivery: z.enum(['none', 'reveal-link', 'webhook']),
    webhookId: z.string().nullable(),
    idleAfter: z.string().nullable(),
    suspendIdle: z.boolean(),
    createdAt: time,
    updatedAt: time,
  })
  .meta({ id: 'RotationPolicy' });

export function viewPolicy(row: RotationPolicyRow): z.input<typeof policyView> {
  const { selector, whenUnused, delivery } = row;
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
    interval: durationTextOrNull(row.intervalMs),
    maximumAge: durationTextOrNull(row.maximumAgeMs),
    overlap: durationText(row.overlapMs),
    completion: whenUnused === null ? 'at-end' : 'when-unused',
    unusedFor: durationTextOrNull(whenUnused?.unusedForMs ?? null),
    latest: durationTextOrNull(whenUnused?.latestMs ?? null),
    delivery: delivery.kind,
    webhookId: delivery.kind === 'webhook' ? delivery.webhookId : null,
    idleAfter: durationTextOrNull(row.idleAfterMs),
    suspendIdle: row.suspendIdle,
    createdAt: iso(row.createdAtMs),
    updatedAt: iso(row.updatedAtMs),
  };
}

/** A policy after a change: what the input omits stays. */
export function changedPolicy(before: RotationPolicyRow, input: PolicyInput): RotationPolicyRow {
  const { whenUnused } = before;
  const completion = {
    overlap: input.overlap ?? durationText(before.overlapMs),
    completion: input.completion ?? (whenUnused === null ? 'at-end' : 'when-unused'),
    unusedFor: input.unusedFor ?? durationText(whenUnused?.unusedForMs ?? durationMs('24h')),
    latest: input.latest ?? durationText(whenUnused?.latestMs ?? durationMs('30d')),
  };
  const intervalMs = msOf(input.interval, before.intervalMs);
  // What was stored as equal can be changed in any other way: disabled, for example.
  const isChanged = input.interval !== undefined || input.overlap !== undefined;
  if (isChanged && intervalMs !== null && durationMs(completion.overlap) >= intervalMs) {
    throw invalidField('body', 'interval', `must be longer than the overlap, which is ${completion.overlap}`);
  }
  return {
    ...before,
    name: input.name ?? before.name,
    position: input.position ?? before.position,
    state: input.state ?? before.state,
    selector: { ...before.selector, ...input.selector },
    intervalMs,
    maximumAgeMs: msOf(input.maximumAge, before.maximumAgeMs),
    overlapMs: durationMs(completion.overlap),
    whenUnused: whenUnusedOf(completion),
    delivery: changedDelivery(before.delivery, input),
    idleAfterMs: msOf(input.idleAfter, before.idleAfterMs),
    suspendIdle: input.suspendIdle ?? before.suspendIdle,
  };
}

function msOf(text: string | null | undefined, before: number | null): number | null {
  if (text === undefined) return before;
  return text === null ? null : durationMs(text);
}

function changedDelivery(before: Delivery, { delivery, webhookId }: PolicyInput): Delivery {
  const kind = delivery ?? before.kind;
  if (kind !== 'webhook') {
    if (webhookId !== undefined) throw invalidField('body', 'webhookId', 'needs delivery to be webhook');
    return { kind };
  }
  const chosen = webhookId ?? (before.kind === 'webhook' ? before.webhookId : undefined);
  if (chosen === undefined) throw invalidField('body', 'webhookId', 'is required to deliver by webhook');
  return { kind, webhookId: chosen };
}
