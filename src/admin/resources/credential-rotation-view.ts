import { z } from 'zod';
import { ROTATION_STEPS } from '../credential-stores.ts';
import type { CredentialRotationRow } from '../credential-stores.ts';
import { runningStep } from '../credential-rotation/steps.ts';
import { iso, isoOrNull, time } from '../fields.ts';

const stepName = z.enum(ROTATION_STEPS);

export const rotationView = z
  .object({
    id: z.string(),
    providerId: z.string(),
    credentialId: z.string().describe('The old one.'),
    newCredentialId: z.string().describe('The one that takes its place.'),
    state: z.enum(['running', 'completed', 'rolled-back']),
    step: stepName.nullable().describe('The one that runs; null when it has ended.'),
    progress: z.object({ done: z.int(), of: z.int() }).describe('Steps that are over, done or skipped.'),
    canary: z.object({ percent: z.number(), calls: z.int(), passed: z.int(), seconds: z.int() }),
    drainSeconds: z.int(),
    deleteAfterDays: z.number(),
    steps: z.array(
      z.object({
        name: stepName,
        state: z.enum(['pending', 'running', 'done', 'skipped', 'failed']),
        startedAt: time.nullable(),
        endedAt: time.nullable(),
        reason: z.string().nullable().describe('What was found, or what is waited for.'),
      }),
    ),
    createdBy: z.string(),
    createdAt: time,
    endedAt: time.nullable(),
    reason: z.string().nullable().describe('Why it ended as it did.'),
  })
  .meta({ id: 'CredentialRotation' });

export const DAY_MS = 86_400_000;

export function viewRotation(row: CredentialRotationRow): z.input<typeof rotationView> {
  const { plan, steps } = row;
  return {
    id: row.id,
    providerId: row.providerId,
    credentialId: row.credentialId,
    newCredentialId: row.newCredentialId,
    state: row.state,
    step: row.state === 'running' ? (runningStep(row)?.name ?? null) : null,
    progress: {
      done: steps.filter(({ state }) => state === 'done' || state === 'skipped').length,
      of: steps.length,
    },
    canary: {
      percent: plan.canaryPercent,
      calls: plan.canaryCalls,
      passed: row.canaryPassed,
      seconds: plan.canaryMs / 1000,
    },
    drainSeconds: plan.drainMs / 1000,
    deleteAfterDays: plan.deleteAfterMs / DAY_MS,
    steps: steps.map(({ name, state, startedAtMs, endedAtMs, reason }) => {
      return { name, state, startedAt: isoOrNull(startedAtMs), endedAt: isoOrNull(endedAtMs), reason };
    }),
    createdBy: row.createdBy,
    createdAt: iso(row.createdAtMs),
    endedAt: isoOrNull(row.endedAtMs),
    reason: row.endedReason,
  };
}
