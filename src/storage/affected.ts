import { AppError } from '../errors.ts';

/** Refuses a change that met no row: what it named is not there, or not in this workspace. */
export function requireRow(changed: bigint): void {
  if (changed === 0n) throw new AppError('not_found');
}
