/** Forms of single values. A reference like `${PORT}` gives text: where a number or a switch is meant, it is read as one. */
import { z } from 'zod';

export const number = z.preprocess((value) => (isNumeral(value) ? Number(value) : value), z.number());

export const wholeNumber = (min: number, max: number) =>
  z.preprocess((value) => (isNumeral(value) ? Number(value) : value), z.int().min(min).max(max));

export const flag = z.preprocess((value) => (value === 'true' ? true : value === 'false' ? false : value), z.boolean());

export const text = z.string().min(1);

/** Milliseconds, at most a day. */
export const duration = wholeNumber(1, 86_400_000);

export const weight = number.pipe(z.number().positive().max(1_000_000));

/** Lower goes first. */
export const priority = wholeNumber(0, 1_000);

/** A model as `provider/name`, or an alias. */
export const modelName = z.string().min(1).max(256);

function isNumeral(value: unknown): boolean {
  return typeof value === 'string' && /^-?\d+(\.\d+)?$/.test(value);
}
