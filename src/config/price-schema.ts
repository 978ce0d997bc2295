/** The form in which prices are stated, in `keyward.yaml` and in catalogues. */
import { z } from 'zod';
import type { StatedPrice } from '../llm/stated-price.ts';
import { number, wholeNumber } from './numeral-schema.ts';

/** USD, or USD per million tokens: far above what anything costs. */
const USD_MAX = 1_000_000;

const usd = number.pipe(z.number().min(0).max(USD_MAX));

const extraRates = {
  cachedInput: usd.optional(),
  cacheWrite: usd.optional(),
  cacheWrite1h: usd.optional(),
  audioInput: usd.optional(),
  audioOutput: usd.optional(),
  imageOutput: usd.optional(),
};

const tier = z.strictObject({
  above: wholeNumber(1, 1_000_000_000),
  input: usd.optional(),
  output: usd.optional(),
  ...extraRates,
});

const terms = {
  input: usd,
  output: usd,
  ...extraRates,
  tiers: z.array(tier).max(10).optional(),
  perRequest: usd.optional(),
  perImage: usd.optional(),
  perMillionCharacters: usd.optional(),
  perAudioHour: usd.optional(),
  audioSecondsMin: number.pipe(z.number().min(0).max(3600)).optional(),
  perSearchUnit: usd.optional(),
  batch: number.pipe(z.number().min(0).max(1)).optional(),
};

const clock = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'must be a time of day in UTC, as 08:30');

const change = z
  .strictObject({
    ...terms,
    from: z.iso.date({ error: 'must be a day, as 2026-12-01' }).optional(),
    daily: z.strictObject({ from: clock, to: clock }).optional(),
  })
  .refine(({ from, daily }) => from !== undefined || daily !== undefined, 'must have "from", "daily" or both');

export const statedPrice: z.ZodType<StatedPrice> = z.strictObject({
  ...terms,
  changes: z.array(change).max(100).optional(),
});
