import { randomBytes } from 'node:crypto';

/** A new id such as `app_…`: 48 bits of time, so that ids sort by age, and 80 random bits, in hex. */
export function newId(prefix: string, nowMs: number): string {
  return `${prefix}_${nowMs.toString(16).padStart(12, '0')}${randomBytes(10).toString('hex')}`;
}
