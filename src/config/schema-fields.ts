/** Forms of single values that several parts of `keyward.yaml` have. */
import { z } from 'zod';
import { number, wholeNumber } from './numeral-schema.ts';

export const text = z.string().min(1);

/** Milliseconds, at most a day. */
export const duration = wholeNumber(1, 86_400_000);

export const weight = number.pipe(z.number().positive().max(1_000_000));

/** Lower goes first. */
export const priority = wholeNumber(0, 1_000);

/** A model as `provider/name`, or an alias. */
export const modelName = z.string().min(1).max(256);
