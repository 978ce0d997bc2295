/**
 * What the data plane knows of a key: the whole state that a verdict needs, and nothing that could
 * be used to call with it. Plain data, so that it travels between threads.
 */

export type Environment = 'live' | 'test';
export type KeyState = 'active' | 'suspended' | 'revoked' | 'compromised';

/** One secret of a key, as HMAC-SHA-256 under a versioned pepper. */
export interface KeySecret {
  /** 32 bytes as a latin-1 string (one char a byte): the cheapest form to compare. */
  readonly hash: string;
  readonly pepperVersion: number;
  /** `retiring`: replaced, accepted until `notAfterMs`; `superseded`: replaced without an overlap. */
  readonly state: 'current' | 'retiring' | 'superseded';
  /** Unix milliseconds from which on the secret is refused. */
  readonly notAfterMs: number | null;
  /** Unix milliseconds when it was replaced. */
  readonly retiringSinceMs?: number;
}

/** `null` means "not narrowed"; an empty list allows nothing. */
export interface KeyScopes {
  /** Patterns over `provider/name` and aliases, `*` matches any run of characters. */
  readonly models: readonly string[] | null;
  /** Operation classes, for example `chat`, `embeddings`. */
  readonly operations: readonly string[] | null;
  /** CIDR blocks, v4 or v6. */
  readonly addresses: readonly string[] | null;
}

/** `null` means "no limit". All counts are whole numbers ≥ 1. */
export interface KeyLimits {
  readonly requestsPerSecond: number | null;
  readonly requestsPerMinute: number | null;
  readonly requestsPerHour: number | null;
  readonly requestsPerDay: number | null;
  /** Calls in flight at the same time. */
  readonly concurrency: number | null;
}

export interface KeyRecord {
  /** Public id, 12 base62 characters, unique in the deployment. */
  readonly kid: string;
  readonly workspaceId: string;
  readonly applicationId: string;
  readonly environment: Environment;
  readonly state: KeyState;
  readonly secrets: readonly KeySecret[];
  /** Unix milliseconds, `null` for no bound. */
  readonly notBeforeMs: number | null;
  readonly expiresAtMs: number | null;
  readonly scopes: KeyScopes;
  readonly limits: KeyLimits;
  /** Rises with every change of the key. */
  readonly revision: number;
}

/** A key that nothing narrows. */
export const NO_SCOPES: KeyScopes = { models: null, operations: null, addresses: null };

/** A key without limits of its own. */
export const NO_LIMITS: KeyLimits = {
  requestsPerSecond: null,
  requestsPerMinute: null,
  requestsPerHour: null,
  requestsPerDay: null,
  concurrency: null,
};
