/** The form of `models` in `keyward.yaml`: names of one's own for models, and how they choose among them. */
import { z } from 'zod';
import { STRATEGIES } from '../routing/balance.ts';
import { FALLBACK_CLASSES } from '../routing/retry.ts';
import { flag, wholeNumber } from './numeral-schema.ts';
import { duration, modelName, priority, text, weight } from './schema-fields.ts';

const ONE_STAR = /^[^*]*\*?[^*]*$/;

/** A slash only beside a star: `openai/*` stands for all models of a vendor, `openai/x` is a model of its own. */
export const aliasId = z
  .string()
  .max(128)
  .regex(
    /^(?:[A-Za-z0-9][A-Za-z0-9._:-]*|(?=[^*]*\*[^*]*$)[A-Za-z0-9*][A-Za-z0-9._:/*-]*)$/,
    'must be letters, digits, ".", "_", ":" or "-", without a slash; or a pattern with one "*", such as fast-* or openai/*',
  );

const names = z.array(text.max(256)).min(1).max(100);

const condition = z.strictObject({
  tags: names.optional(),
  headers: z
    .record(
      z
        .string()
        .regex(/^[A-Za-z0-9-]{1,64}$/, 'must be the name of a header')
        .transform((name) => name.toLowerCase()),
      text.max(256).regex(ONE_STAR, 'must hold at most one "*"'),
    )
    .optional(),
  keys: names.optional(),
  applications: names.optional(),
  promptTokensMin: wholeNumber(0, 100_000_000).optional(),
  promptTokensMax: wholeNumber(0, 100_000_000).optional(),
  stream: flag.optional(),
});

const targetName = modelName.regex(ONE_STAR, 'must hold at most one "*"');

const target = z.union([
  targetName,
  z.strictObject({
    model: targetName,
    weight: weight.optional(),
    priority: priority.optional(),
    when: condition.optional(),
  }),
]);

export const alias = z.strictObject({
  strategy: z.enum(STRATEGIES).optional(),
  targets: z.array(target).min(1).max(100),
  fallback: z.array(z.enum(FALLBACK_CLASSES)).max(FALLBACK_CLASSES.length).optional(),
  retries: wholeNumber(0, 10).optional(),
  attemptsMax: wholeNumber(1, 20).optional(),
  hedge: z.strictObject({ afterMs: duration.describe('When a second target starts.') }).optional(),
  affinity: z.enum(['off', 'session', 'conversation']).optional(),
  timeouts: z
    .strictObject({
      firstByteMs: duration.describe('Of one attempt, until its answer begins.').optional(),
      idleMs: duration.describe('Between two pieces of an answer.').optional(),
      totalMs: duration.describe('Until an answer begins, over all attempts.').optional(),
    })
    .optional(),
});

export type AliasConfig = z.output<typeof alias>;
