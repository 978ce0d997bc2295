import { isDelegatedText, readParentKid } from '../keys/delegated-key.ts';
import type { UnverifiedDelegation } from '../keys/delegation-verifier.ts';
import {
  delegationParentOf,
  formText,
  isFormCode,
  provenDelegation,
  signingSecret,
} from '../keys/proven-delegation.ts';
import { networkOf } from '../keys/client-network.ts';
import type { Call } from './call.ts';
import type { Gateway } from './gateway.ts';
import type { CachedKey } from './key-cache.ts';
import { refusal } from './refusal.ts';
import type { Refusal } from './refusal.ts';

/** What a key's holder signed, as a call brought it. */
export interface DelegatedCredential {
  readonly text: string;
  readonly parentKid: string;
}

/** The delegated key in a credential, null for another kind, or why it is none. */
export function readDelegated(gateway: Gateway, credential: string): DelegatedCredential | Refusal | null {
  if (!isDelegatedText(credential)) return null;
  const parentKid = readParentKid(credential);
  if (parentKid !== null) return { text: credential, parentKid };
  const unread = gateway.delegations.verify(credential, null, '');
  return unread.ok ? refusal('malformed') : refuseUnproven(unread);
}

/** Proves a delegated key against the key it comes from: null where there is none. */
export function proveDelegated(
  gateway: Gateway,
  call: Call,
  delegated: DelegatedCredential,
  key: CachedKey | null,
): Refusal | null {
  const parent = key === null ? null : delegationParentOf(key.prepared.record);
  const proof = gateway.delegations.verify(delegated.text, parent, networkOf(call.clientAddress));
  if (!proof.ok && proof.claims === null) return refuseUnproven(proof);
  const proven = provenDelegation(proof);
  if (key === null || proven === null) return refusal('unknown_key');
  call.key = key;
  call.matchedSecret = signingSecret(key.prepared.record);
  call.claims = proven.claims;
  call.delegation = proven.finding;
  return null;
}

/** Without a right signature only the form is told, as the reason why; all else is one and the same. */
function refuseUnproven({ code, reason }: UnverifiedDelegation): Refusal {
  return isFormCode(code) ? refusal(code, { message: formText(code, reason) }) : refusal(code);
}
