/** What is decided with where a delegated key was sent: the same for the gateway and for whoever judges a key without a call. */
import { ERRORS } from '../errors.ts';
import type { DelegationFinding } from './decision-input.ts';
import type { DelegatedClaims, DelegationSyntaxCode } from './delegation-claims.ts';
import type {
  DelegationCode,
  DelegationParent,
  UnverifiedDelegation,
  VerifiedDelegation,
} from './delegation-verifier.ts';
import type { KeyRecord, KeySecret } from './key-record.ts';

/** A delegated key whose signature is right. */
export interface ProvenDelegation {
  readonly claims: DelegatedClaims;
  readonly finding: DelegationFinding;
}

/** What its delegated keys are verified against; null where nothing is delegated from it. */
export function delegationParentOf({ kid, delegation }: KeyRecord): DelegationParent | null {
  return delegation === null ? null : { kid, policy: delegation };
}

/** Null: its signature is not right. */
export function provenDelegation(proof: VerifiedDelegation | UnverifiedDelegation): ProvenDelegation | null {
  const { claims } = proof;
  if (claims === null) return null;
  const { expiresAtMs } = claims;
  return {
    claims,
    finding: proof.ok
      ? { code: null, detail: 'signed by the holder of the key', expiresAtMs }
      : { code: proof.code, detail: proof.reason, expiresAtMs },
  };
}

/** Whether the text alone is at fault, which may be told to anybody. */
export function isFormCode(code: DelegationCode): code is DelegationSyntaxCode {
  return code === 'malformed' || code === 'unknown_constraint' || code === 'wrong_type';
}

/** A public sentence on a text that is no delegated key; titles of other kinds would not fit. */
export function formText(code: DelegationSyntaxCode, reason: string): string {
  if (code === 'unknown_constraint') return `${ERRORS[code].title} It is refused because ${reason}.`;
  return `This delegated key (kwd_…) is not accepted as it was written: ${reason}. Copy the whole key again, or sign a new one.`;
}

/** A key that was registered by its public key alone has no secret: its signature is what proves it. */
const NO_SECRET: KeySecret = { hash: '', pepperVersion: 0, state: 'current', notAfterMs: null };

/** What stands for the secret where a signature proved the key: the one in use. */
export function signingSecret({ secrets }: KeyRecord): KeySecret {
  return secrets.find(({ state }) => state === 'current') ?? NO_SECRET;
}
