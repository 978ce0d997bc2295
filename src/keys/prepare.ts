import { NO_LIMITS, NO_SCOPES, readLimits, readScopes } from './constraints.ts';
import type { Limits, Scopes } from './constraints.ts';
import type { KeyRecord } from './key-record.ts';

/** A key record whose constraints were read: made once per record, used on every call. */
export interface PreparedKey {
  readonly record: KeyRecord;
  readonly scopes: Scopes;
  readonly limits: Limits;
  /**
   * What in the record could not be understood, for operators, or `null`. Such a key is refused
   * whole: leaving a constraint out would widen it.
   */
  readonly problem: string | null;
}

/** Reads the constraints of a record. Never throws: what cannot be understood is told in `problem`. */
export function prepareKey(record: KeyRecord): PreparedKey {
  const scopes = readScopes(record.scopes);
  const limits = readLimits(record.limits);
  return {
    record,
    scopes: scopes.ok ? scopes.value : NO_SCOPES,
    limits: limits.ok ? limits.value : NO_LIMITS,
    problem: scopes.ok ? (limits.ok ? null : limits.reason) : scopes.reason,
  };
}
