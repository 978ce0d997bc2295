import { z } from 'zod';
import type { WhenUnused } from '../../keys/rotate.ts';
import { durationMs, durationUpTo, overlapField } from '../fields.ts';
import { invalidField } from '../validation.ts';

const UNUSED_FOR_MS_MIN = 60_000;

/** How the old secret ends: of a rotation, and of a policy. */
export const rotationFields = {
  overlap: overlapField
    .default('24h')
    .describe(
      'How long the old secret is accepted at least: such as 7d, 24h, 30m, at most 90d; 0s ends every older one at once.',
    ),
  completion: z
    .enum(['at-end', 'when-unused'])
    .default('at-end')
    .describe('at-end: the old secret ends with the overlap; when-unused: only once nobody sends it any more.'),
  unusedFor: durationUpTo('365d')
    .default('24h')
    .describe('With when-unused: how long nobody must have sent it; at least 1m.'),
  latest: durationUpTo('365d')
    .default('30d')
    .describe('With when-unused: it ends so long after the rotation in any case; at most 365d.'),
};

export interface CompletionInput {
  readonly overlap: string;
  readonly completion: 'at-end' | 'when-unused';
  readonly unusedFor: string;
  readonly latest: string;
}

/** Null: the old secret ends with the overlap. */
export function whenUnusedOf({ overlap, completion, unusedFor, latest }: CompletionInput): WhenUnused | null {
  if (completion === 'at-end') return null;
  const [unusedForMs, latestMs] = [durationMs(unusedFor), durationMs(latest)];
  // Calls are known only after a moment: a shorter time would end a secret that is in use.
  if (unusedForMs < UNUSED_FOR_MS_MIN) throw invalidField('body', 'unusedFor', 'must be at least 1m');
  if (latestMs < durationMs(overlap)) throw invalidField('body', 'latest', 'must not be shorter than the overlap');
  return { unusedForMs, latestMs };
}
