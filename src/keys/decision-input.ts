import type { ErrorCode } from '../errors.ts';
import type { Environment, KeySecret } from './key-record.ts';
import type { LevelKind, Standing } from './standing.ts';

/** What the caller asks for; `null` where the call has nothing of the kind. */
export interface RequestFacts {
  readonly service: string | null;
  /** Resolved `provider/name`. */
  readonly model: string | null;
  /** As the caller named it, for example an alias. */
  readonly requestedModel: string | null;
  /**
   * Unix milliseconds when the catalogue first had the model, and the name that the caller used;
   * null where there is no catalogue.
   */
  readonly modelSinceMs: number | null;
  readonly requestedModelSinceMs: number | null;
  /** Operation class. */
  readonly operation: string | null;
  readonly tool: string | null;
  /** The caller's network address; null: unknown, which no list of addresses holds. */
  readonly address: string | null;
  /** ISO 3166-1 alpha-2; null: unknown, which no list of countries holds. */
  readonly country: string | null;
  readonly method: string;
  readonly path: string;
  /** The session or transaction that the call says it belongs to. */
  readonly session: string | null;
  /** Of the body; null: none was sent, or it is not known. */
  readonly requestBytes: number | null;
}

/** A call that says nothing about itself, to start facts from. */
export const NO_FACTS: RequestFacts = {
  service: null,
  model: null,
  requestedModel: null,
  modelSinceMs: null,
  requestedModelSinceMs: null,
  operation: null,
  tool: null,
  address: null,
  country: null,
  method: 'GET',
  path: '/',
  session: null,
  requestBytes: null,
};

export type LimitKind = 'call' | 'rate' | 'concurrency' | 'tokens' | 'uses' | 'budget';

/** The state of one limit, as a limiter reads it. */
export interface LimitReading {
  readonly level: LevelKind;
  readonly levelId: string;
  /** For example `requestsPerMinute`. */
  readonly name: string;
  readonly kind: LimitKind;
  readonly limit: number;
  /** What was used, and what calls under way hold. */
  readonly used: number;
  /** What this call needs of it. */
  readonly needed: number;
  /** Milliseconds until the call fits; 0 when it fits now, null when waiting does not help. */
  readonly retryAfterMs: number | null;
  /** Exceeding it refuses nothing. */
  readonly soft: boolean;
}

/** What was found about a token that a key's holder signed. */
export interface DelegationFinding {
  /** Null: nothing stands against it. */
  readonly code: ErrorCode | null;
  readonly detail: string;
  readonly expiresAtMs: number;
}

/** What an admin call needs, and what of it the token does not hold. Who holds what is found out before. */
export interface PermissionFinding {
  readonly needed: readonly string[];
  readonly missing: readonly string[];
}

/** Everything a verdict depends on: nothing else is looked at. */
export interface DecisionInput {
  readonly standing: Standing;
  /** The secret of the key that was proven; null: none was. */
  readonly matchedSecret: KeySecret | null;
  /** The environment that the key's text named, or that this listener serves; `null`: any. */
  readonly expectedEnvironment: Environment | null;
  /** Null: the key itself was sent. */
  readonly delegation: DelegationFinding | null;
  /** Absent: the call is none of the admin API. */
  readonly permission?: PermissionFinding;
  readonly facts: RequestFacts;
  /** `null` before the limits are asked: the checks on them are skipped. */
  readonly limits: readonly LimitReading[] | null;
  /** Unix milliseconds. */
  readonly nowMs: number;
}
