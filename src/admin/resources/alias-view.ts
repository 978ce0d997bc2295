/** How an alias chooses among its targets, as the admin API takes and shows it: the same as in the file. */
import { z } from 'zod';
import { alias, aliasId } from '../../config/alias-schema.ts';
import type { AliasConfig } from '../../config/alias-schema.ts';
import type { AliasSnapshot } from '../../config/snapshot.ts';
import { STRATEGIES } from '../../routing/balance.ts';
import { FALLBACK_CLASSES } from '../../routing/retry.ts';

const { shape } = alias;

export const aliasName = aliasId.describe(
  'What callers write in place of a model, for example fast; or a pattern with one *, such as openai/*.',
);

export const targetList = shape.targets.describe(
  'Models as provider/name, or other aliases, in order; each a name, or an object with model, weight, priority and when.',
);

/** Beside its targets; null: what holds for all. */
export const aliasSettings = {
  strategy: shape.strategy
    .unwrap()
    .nullable()
    .exactOptional()
    .describe('How it chooses among targets of one priority.'),
  fallback: shape.fallback.unwrap().nullable().exactOptional().describe('What sends a call on to the next target.'),
  retries: shape.retries
    .unwrap()
    .nullable()
    .exactOptional()
    .describe('More attempts at a provider that fails, where no other target is left.'),
  attemptsMax: shape.attemptsMax.unwrap().nullable().exactOptional().describe('All attempts of a call together.'),
  hedge: shape.hedge
    .unwrap()
    .nullable()
    .exactOptional()
    .describe('A second target starts when the first is late; the first to begin wins.'),
  affinity: shape.affinity.unwrap().nullable().exactOptional().describe('What keeps a conversation at its target.'),
  timeouts: shape.timeouts.unwrap().nullable().exactOptional().describe('In milliseconds.'),
};

const settingsSchema = z.strictObject(aliasSettings);
export type AliasSettings = z.output<typeof settingsSchema>;

/** What is given replaces what was; null takes it back. */
export function withSettings(before: AliasConfig, given: AliasSettings): AliasConfig {
  const all = { ...before, ...given };
  const said = Object.entries(all).filter(([, value]) => value !== null && value !== undefined);
  return { ...alias.parse(Object.fromEntries(said)) };
}

const timeMs = z.int().nullable();

export const routingView = z
  .object({
    strategy: z.enum(STRATEGIES),
    targets: z.array(
      z.object({
        model: z.string(),
        weight: z.number(),
        priority: z.int(),
        when: z.record(z.string(), z.unknown()).nullable().describe('Which calls it is for; null: all.'),
      }),
    ),
    fallback: z.array(z.enum(FALLBACK_CLASSES)),
    retries: z.int().nullable().describe('Null: as often as the gateway does.'),
    attemptsMax: z.int(),
    hedge: z.object({ afterMs: z.int() }).nullable(),
    affinity: z.enum(['off', 'session', 'conversation']),
    timeouts: z
      .object({ firstByteMs: timeMs, idleMs: timeMs, totalMs: timeMs })
      .describe('Null: those of the gateway.'),
  })
  .meta({ id: 'Routing' });

export function viewRouting(snapshot: AliasSnapshot): z.input<typeof routingView> {
  const { strategy, targets, fallback, retries, attemptsMax, hedgeAfterMs, affinity, timeouts } = snapshot;
  return {
    ...{ strategy, retries, attemptsMax, affinity },
    targets: targets.map(({ model, weight, priority, when }) => ({
      model,
      weight,
      priority,
      when: when && { ...when },
    })),
    fallback: [...fallback],
    hedge: hedgeAfterMs === null ? null : { afterMs: hedgeAfterMs },
    timeouts: { ...timeouts },
  };
}
