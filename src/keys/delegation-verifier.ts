/**
 * Proves delegated keys. What costs more comes later, so that garbage in the name of a real key
 * costs little: length → prefix → known parent → failures of this network → tokens that were proven
 * before → signature → claims → policy. Synchronous, without I/O.
 */
import type { KeyObject } from 'node:crypto';
import { BoundedMap } from '../lib/bounded-map.ts';
import type { Clock } from '../lib/clock.ts';
import { readParentKid, splitDelegatedKey } from './delegated-key.ts';
import type { DelegatedKeyParts } from './delegated-key.ts';
import type { DelegatedClaims, DelegationSyntaxCode, ReadClaims } from './delegation-claims.ts';
import { readDelegatedClaims } from './delegation-claims.ts';
import type { DelegationPolicy, DelegationPolicyCode, DelegationRefusal } from './delegation-policy.ts';
import { isAcceptedPublicKey, judgeDelegation, PUBLIC_KEYS_MAX } from './delegation-policy.ts';
import { importPublicKey, isSignature } from './delegation-public-key.ts';
import { createFailureThrottle } from './failure-throttle.ts';

/** What has to be known of the key that a delegated key names. */
export interface DelegationParent {
  readonly kid: string;
  readonly policy: DelegationPolicy;
}

/**
 * Identity first: `unknown_key` and `secret_mismatch` get the generic answer, and so does
 * `wrong_deployment`. Those of the policy are only reached behind a right signature.
 */
export type DelegationCode = DelegationSyntaxCode | DelegationPolicyCode | 'unknown_key' | 'secret_mismatch';

export interface UnverifiedDelegation extends DelegationRefusal<DelegationCode> {
  /** Of a key whose signature is right; null otherwise. */
  readonly claims: DelegatedClaims | null;
  /** The signature was not looked at: too many wrong ones came from this network for this key. */
  readonly throttled: boolean;
}

export interface VerifiedDelegation {
  readonly ok: true;
  readonly claims: DelegatedClaims;
}

export interface DelegationVerifierOptions {
  readonly clock: Clock;
  /** Proven tokens remembered, of at most 2 KB each; 4096 if absent. */
  readonly cacheMax?: number;
  /** Pairs of key and network whose failures are remembered; 10,000 if absent. */
  readonly sourcesMax?: number;
  /** Wrong signatures that one network may send for one key at once; 10 if absent. */
  readonly failureBurst?: number;
  /** The same per second, for ever; 1 if absent. */
  readonly failuresPerSecond?: number;
}

export interface DelegationVerifier {
  /**
   * `parent`: the key that {@link readParentKid} names, null if there is none. `network`: where the
   * call comes from, coarse enough that one caller does not have many (/24, /64).
   */
  readonly verify: (
    text: string,
    parent: DelegationParent | null,
    network: string,
  ) => VerifiedDelegation | UnverifiedDelegation;
}

/**
 * What was found behind a right signature, also when it is a refusal: both are the same at the next
 * use. Expired tokens stay until they are pushed out, so that replaying one stays cheap; they are
 * judged at each use and never pass.
 */
interface Proven {
  readonly publicKey: string;
  readonly read: ReadClaims;
}

/** One per worker. */
export function createDelegationVerifier(options: DelegationVerifierOptions): DelegationVerifier {
  const { clock, cacheMax = 4096, sourcesMax = 10_000, failureBurst = 10, failuresPerSecond = 1 } = options;
  const proven = new BoundedMap<string, Proven>(cacheMax);
  const keys = new BoundedMap<string, KeyObject>(cacheMax);
  const failures = createFailureThrottle({ burst: failureBurst, perSecond: failuresPerSecond, sourcesMax });

  const isSignedUnder = (publicKey: string, message: Uint8Array, signature: Uint8Array): boolean => {
    const known = keys.get(publicKey);
    const key = known ?? importPublicKey(publicKey);
    if (key === null) return false;
    if (known === undefined) keys.set(publicKey, key);
    return isSignature(key, message, signature);
  };

  const findSigner = (parts: DelegatedKeyParts, accepted: readonly string[]): string | undefined => {
    const message = Buffer.from(parts.signingInput, 'latin1');
    return accepted.find((publicKey) => isSignedUnder(publicKey, message, parts.signature));
  };

  const findProven = (text: string, policy: DelegationPolicy, nowMs: number): Proven | undefined => {
    const known = proven.get(text);
    if (known === undefined) return undefined;
    const stillCounts = policy.publicKeys.some(
      (key) => key.publicKey === known.publicKey && isAcceptedPublicKey(key, nowMs),
    );
    return stillCounts ? known : undefined;
  };

  return {
    verify(text, parent, network) {
      const kid = readParentKid(text);
      if (kid === null) return fromSyntax(splitDelegatedKey(text));
      if (parent === null || parent.kid !== kid) return refuse('unknown_key', 'there is no key of that id');
      const nowMs = clock.now();
      const source = `${kid} ${network}`;
      const isThrottled = failures.isBlocked(source, nowMs);
      // A network that floods takes nothing from callers in it whose tokens were proven before.
      const known = findProven(text, parent.policy, nowMs);
      if (known !== undefined) return judge(known.read, parent.policy, nowMs);
      if (isThrottled)
        return { ...refuse('secret_mismatch', 'too many wrong signatures came before'), throttled: true };

      const parts = splitDelegatedKey(text);
      if (!parts.ok) return refuse(parts.code, parts.reason);
      const publicKey = findSigner(parts, acceptedKeys(parent.policy, nowMs));
      if (publicKey === undefined) {
        failures.recordFailure(source, nowMs);
        return refuse('secret_mismatch', 'its signature is not by this key');
      }
      const read = readDelegatedClaims(parts.payload, kid);
      proven.set(text, { publicKey, read });
      return judge(read, parent.policy, nowMs);
    },
  };
}

function acceptedKeys(policy: DelegationPolicy, nowMs: number): readonly string[] {
  return policy.publicKeys
    .slice(0, PUBLIC_KEYS_MAX)
    .filter((key) => isAcceptedPublicKey(key, nowMs))
    .map((key) => key.publicKey);
}

function judge(read: ReadClaims, policy: DelegationPolicy, nowMs: number): VerifiedDelegation | UnverifiedDelegation {
  if (!read.ok) return refuse(read.code, read.reason);
  const refusal = judgeDelegation(read.claims, policy, nowMs);
  return refusal === null ? read : { ...refusal, claims: read.claims, throttled: false };
}

/** Only for texts without a parent's id, which are never sound. */
function fromSyntax(parts: ReturnType<typeof splitDelegatedKey>): UnverifiedDelegation {
  return parts.ok ? refuse('malformed', 'it names no key') : refuse(parts.code, parts.reason);
}

function refuse(code: DelegationCode, reason: string): UnverifiedDelegation {
  return { ok: false, code, reason, claims: null, throttled: false };
}
