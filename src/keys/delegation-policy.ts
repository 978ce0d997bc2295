/**
 * What a key allows its holder to delegate, and how what was delegated is taken back. Plain data
 * that is stored with the key, and pure functions over it; every list in it is bounded.
 */
import { DELEGATION_TTL_HARD_MAX_MS } from './delegated-key.ts';
import type { DelegatedClaims } from './delegation-claims.ts';

/** A public key under which delegated keys are accepted. */
export interface DelegationPublicKey {
  /** Base64url, 32 bytes. */
  readonly publicKey: string;
  /** Unix milliseconds from which on it is not accepted; null: without an end. */
  readonly untilMs: number | null;
}

export interface DelegationPolicy {
  /** At most {@link PUBLIC_KEYS_MAX}; none: nothing can be delegated. */
  readonly publicKeys: readonly DelegationPublicKey[];
  /** The key itself is never accepted as a bearer, only what was delegated from it. */
  readonly delegateOnly: boolean;
  /** The id of the deployment, which `aud` must name. */
  readonly audience: string;
  /** Longest life of a delegated key; 12 hours count if it is more. */
  readonly ttlMaxMs: number;
  /** Unix milliseconds: what was minted before is refused. */
  readonly mintedBeforeMs: number | null;
  /** The same by group. */
  readonly groupWatermarks: Readonly<Record<string, number>>;
  /** By `jti`: Unix milliseconds when the delegated key ends by itself, from which on the entry is useless. */
  readonly deniedJti: Readonly<Record<string, number>>;
}

/** Why a delegated key whose signature is right is refused. */
export type DelegationPolicyCode =
  | 'delegation_expired'
  | 'delegation_too_long'
  | 'minted_before_watermark'
  | 'not_yet_active'
  | 'revoked'
  | 'wrong_deployment';

export interface DelegationRefusal<Code extends string = DelegationPolicyCode> {
  readonly ok: false;
  readonly code: Code;
  /** Completes "it is refused because …", for people; holds no secret. */
  readonly reason: string;
}

/** The outcome of a change: `full` where a bound is reached and a wider watermark is the way out. */
export type PolicyChange =
  | { readonly ok: true; readonly policy: DelegationPolicy }
  | { readonly ok: false; readonly code: 'full' };

export const DELEGATION_TTL_DEFAULT_MS = 15 * 60 * 1000;
export const PUBLIC_KEYS_MAX = 4;
export const GROUP_WATERMARKS_MAX = 1000;
export const DENIED_JTI_MAX = 1000;

/** How far the holder's clock may be ahead of ours. */
const SKEW_MAX_MS = 30_000;

/** A policy with nothing taken back. */
export function createDelegationPolicy(audience: string, publicKey: string | null = null): DelegationPolicy {
  return {
    publicKeys: publicKey === null ? [] : [{ publicKey, untilMs: null }],
    delegateOnly: false,
    audience,
    ttlMaxMs: DELEGATION_TTL_DEFAULT_MS,
    mintedBeforeMs: null,
    groupWatermarks: {},
    deniedJti: {},
  };
}

/** A policy out of parsed JSON, as it was stored; null for anything else. */
export function readDelegationPolicy(input: unknown): DelegationPolicy | null {
  if (typeof input !== 'object' || input === null) return null;
  const { publicKeys, delegateOnly, audience, ttlMaxMs, mintedBeforeMs, groupWatermarks, deniedJti } = {
    ...(input as Partial<Record<keyof DelegationPolicy, unknown>>),
  };
  if (typeof delegateOnly !== 'boolean' || typeof audience !== 'string' || typeof ttlMaxMs !== 'number') return null;
  if (!Array.isArray(publicKeys) || !publicKeys.every(isPublicKeyEntry)) return null;
  if (mintedBeforeMs !== null && typeof mintedBeforeMs !== 'number') return null;
  if (!isNumberRecord(groupWatermarks) || !isNumberRecord(deniedJti)) return null;
  return { publicKeys, delegateOnly, audience, ttlMaxMs, mintedBeforeMs, groupWatermarks, deniedJti };
}

function isPublicKeyEntry(value: unknown): value is DelegationPublicKey {
  if (typeof value !== 'object' || value === null || !('publicKey' in value) || !('untilMs' in value)) return false;
  return typeof value.publicKey === 'string' && (value.untilMs === null || typeof value.untilMs === 'number');
}

function isNumberRecord(value: unknown): value is Readonly<Record<string, number>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return Object.values(value).every((each) => typeof each === 'number');
}

/**
 * Whether the policy accepts a delegated key now, by the server's clock. To be asked at every use:
 * the answer changes with time and with the policy.
 */
export function judgeDelegation(
  claims: DelegatedClaims,
  policy: DelegationPolicy,
  nowMs: number,
): DelegationRefusal | null {
  const { issuedAtMs, expiresAtMs } = claims;
  if (claims.audience !== policy.audience) return refuse('wrong_deployment', 'it was minted for another deployment');
  if (expiresAtMs <= nowMs) return refuse('delegation_expired', 'its exp has passed');
  const ttlMaxMs = Math.min(policy.ttlMaxMs, DELEGATION_TTL_HARD_MAX_MS);
  // Both, so that neither a clock that is ahead nor an old token can stretch the time.
  if (expiresAtMs - nowMs > ttlMaxMs || expiresAtMs - issuedAtMs > ttlMaxMs) {
    return refuse('delegation_too_long', `it lives longer than the ${ttlMaxMs / 1000} s that its key allows`);
  }
  if (issuedAtMs > nowMs + SKEW_MAX_MS) return refuse('not_yet_active', 'its iat is in the future');
  return judgeWithdrawal(claims, policy);
}

function judgeWithdrawal(claims: DelegatedClaims, policy: DelegationPolicy): DelegationRefusal | null {
  const { issuedAtMs, group, jti } = claims;
  if (policy.mintedBeforeMs !== null && issuedAtMs < policy.mintedBeforeMs) {
    return refuse('minted_before_watermark', 'what was minted from its key before a certain time is revoked');
  }
  if (group !== null && issuedAtMs < ownNumber(policy.groupWatermarks, group)) {
    return refuse('minted_before_watermark', 'what was minted for its group before a certain time is revoked');
  }
  return Object.hasOwn(policy.deniedJti, jti) ? refuse('revoked', 'it was revoked by its jti') : null;
}

/** Whether signatures under a public key count now. */
export function isAcceptedPublicKey(key: DelegationPublicKey, nowMs: number): boolean {
  return key.untilMs === null || nowMs < key.untilMs;
}

/**
 * The policy after its key got another secret: the new public key counts at once, those of now for
 * the overlap. With more than {@link PUBLIC_KEYS_MAX} the oldest go.
 */
export function addPublicKey(
  policy: DelegationPolicy,
  publicKey: string,
  { nowMs, overlapMs }: { readonly nowMs: number; readonly overlapMs: number },
): DelegationPolicy {
  const untilMs = nowMs + overlapMs;
  const older = policy.publicKeys
    .filter((key) => key.publicKey !== publicKey)
    .map((key) => ({ ...key, untilMs: Math.min(key.untilMs ?? untilMs, untilMs) }))
    .filter((key) => isAcceptedPublicKey(key, nowMs));
  return { ...policy, publicKeys: [{ publicKey, untilMs: null }, ...older].slice(0, PUBLIC_KEYS_MAX) };
}

/**
 * Revokes what was minted before a time, from the key or for one of its groups. `iat` is in whole
 * seconds, so what is minted in the rest of that second is refused, too. A watermark is never lowered.
 */
export function raiseWatermark(
  policy: DelegationPolicy,
  { beforeMs, group }: { readonly beforeMs: number; readonly group: string | null },
  nowMs: number,
): PolicyChange {
  if (group === null) {
    return { ok: true, policy: { ...policy, mintedBeforeMs: Math.max(policy.mintedBeforeMs ?? 0, beforeMs) } };
  }
  // What was minted before it has expired by then, whatever policy it was minted under.
  const useful = Object.entries(policy.groupWatermarks).filter(([, ms]) => ms + DELEGATION_TTL_HARD_MAX_MS > nowMs);
  const raised = Math.max(ownNumber(policy.groupWatermarks, group), beforeMs);
  const groupWatermarks = Object.fromEntries([...useful, [group, raised]]);
  if (Object.keys(groupWatermarks).length > GROUP_WATERMARKS_MAX) return { ok: false, code: 'full' };
  return { ok: true, policy: { ...policy, groupWatermarks } };
}

/** Revokes one delegated key. Entries are kept until what they refuse has ended by itself. */
export function denyDelegatedKey(
  policy: DelegationPolicy,
  denied: Pick<DelegatedClaims, 'jti' | 'expiresAtMs'>,
  nowMs: number,
): PolicyChange {
  const useful = Object.entries(policy.deniedJti).filter(([, endMs]) => endMs > nowMs);
  const deniedJti = Object.fromEntries([...useful, [denied.jti, denied.expiresAtMs]]);
  if (Object.keys(deniedJti).length > DENIED_JTI_MAX) return { ok: false, code: 'full' };
  return { ok: true, policy: { ...policy, deniedJti } };
}

/** Names come from strangers: `constructor` must find nothing. */
function ownNumber(record: Readonly<Record<string, number>>, name: string): number {
  return Object.hasOwn(record, name) ? (record[name] ?? 0) : 0;
}

function refuse(code: DelegationPolicyCode, reason: string): DelegationRefusal {
  return { ok: false, code, reason };
}
