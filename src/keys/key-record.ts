/**
 * What the data plane knows of a key: the whole state that a verdict needs, and nothing that could
 * be used to call with it. Plain data, so that it travels between threads.
 */
import type { Limits, Scopes } from './constraints.ts';
import type { DelegationPolicy } from './delegation-policy.ts';
import type { MintingPolicy } from './minting-policy.ts';

export type Environment = 'live' | 'test';
export type KeyState = 'active' | 'suspended' | 'revoked' | 'compromised';

/** `kwk`: a key of an application. `kwt`: a temporary key, minted by the server from another key. */
export type StoredKeyType = 'kwk' | 'kwt';

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
  /** Counts the secrets of the key, from 1; absent: 1. */
  readonly generation?: number;
  /** Unix milliseconds when it was made; absent where that was not written down. */
  readonly createdAtMs?: number;
  /** Of the key pair that its holder signs delegated keys with; absent in secrets older than those. */
  readonly delegationPublicKey?: string;
  /** Set on a secret that may end before `notAfterMs`, once nobody sends it any more. */
  readonly earlyEnd?: EarlyEnd;
}

/** From when on, and after how long without a call, a retiring secret ends before its time. */
export interface EarlyEnd {
  /** Unix milliseconds. */
  readonly fromMs: number;
  readonly unusedForMs: number;
}

/** How long a suspension lasts, and who decided it. */
export interface Suspension {
  /** By a rule, not by a person. */
  readonly automatic: boolean;
  /** Unix milliseconds from which on the key is active again; null: until it is resumed. */
  readonly untilMs: number | null;
}

/** `kwa`: a token of the admin API. The same engine decides on it; it calls no model, and belongs to no application. */
export type CredentialType = StoredKeyType | 'kwa';

export interface KeyRecord {
  /** Public id, 12 base62 characters, unique in the deployment. */
  readonly kid: string;
  readonly type: CredentialType;
  /** The key that a temporary key was minted from; null for a key of its own standing. */
  readonly parentKid: string | null;
  /** Id of the session or transaction that a temporary key is bound to, which the call must name. */
  readonly binding: string | null;
  readonly workspaceId: string;
  /** Empty for a token of the admin API. */
  readonly applicationId: string;
  /** The person who answers for it besides the application's owner; null: that one alone. */
  readonly ownerId: string | null;
  readonly environment: Environment;
  readonly state: KeyState;
  /** Set while the state is `suspended`. */
  readonly suspension: Suspension | null;
  readonly secrets: readonly KeySecret[];
  /** Unix milliseconds, `null` for no bound. */
  readonly notBeforeMs: number | null;
  readonly expiresAtMs: number | null;
  readonly scopes: Scopes;
  /** Unix milliseconds when the scopes were set: what was added to the catalogue later, a pattern of theirs does not reach. */
  readonly scopesSetAtMs: number;
  readonly limits: Limits;
  /** What its holder may delegate; null: nothing. */
  readonly delegation: DelegationPolicy | null;
  /** What may be minted from it, and how many at a time; null: the usual. */
  readonly minting: MintingPolicy | null;
  /** Rises with every change of the key. */
  readonly revision: number;
}
