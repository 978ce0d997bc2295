/** A reference like `${PORT}` gives text: where a number or a switch is meant, its text is read as one. */
import { z } from 'zod';

export const number = z.preprocess((value) => (isNumeral(value) ? Number(value) : value), z.number());

export const wholeNumber = (min: number, max: number) =>
  z.preprocess((value) => (isNumeral(value) ? Number(value) : value), z.int().min(min).max(max));

export const flag = z.preprocess((value) => (value === 'true' ? true : value === 'false' ? false : value), z.boolean());

function isNumeral(value: unknown): boolean {
  return typeof value === 'string' && /^-?\d+(\.\d+)?$/.test(value);
}
