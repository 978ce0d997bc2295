import { readParentKid } from '../keys/delegated-key.ts';
import type { UnverifiedDelegation } from '../keys/delegation-verifier.ts';
import type { KeySecret } from '../keys/key-record.ts';
import { networkOf } from '../keys/client-network.ts';
import { ERRORS } from '../errors.ts';
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

/** How a delegated key begins. */
const PREFIX = 'kwd_';

/** The delegated key in a credential, null for another kind, or why it is none. */
export function readDelegated(gateway: Gateway, credential: string): DelegatedCredential | Refusal | null {
  if (!credential.startsWith(PREFIX)) return null;
  const parentKid = readParentKid(credential);
  if (parentKid !== null) return { text: credential, parentKid };
  const unread = gateway.delegations.verify(credential, null, '');
  return refusal(unread.ok ? 'malformed' : unread.code);
}

/** Proves a delegated key against the key it comes from: null where there is none. */
export function proveDelegated(
  gateway: Gateway,
  call: Call,
  delegated: DelegatedCredential,
  key: CachedKey | null,
): Refusal | null {
  const policy = key?.prepared.record.delegation ?? null;
  const parent = policy === null ? null : { kid: delegated.parentKid, policy };
  const proof = gateway.delegations.verify(delegated.text, parent, networkOf(call.clientAddress));
  if (!proof.ok && proof.claims === null) return refuseUnproven(proof);
  if (key === null || proof.claims === null) return refusal('unknown_key');
  call.key = key;
  call.matchedSecret = currentSecret(key);
  call.claims = proof.claims;
  call.delegation = {
    code: proof.ok ? null : proof.code,
    detail: proof.ok ? 'signed by the holder of the key' : proof.reason,
    expiresAtMs: proof.claims.expiresAtMs,
  };
  return null;
}

/** Without a right signature only the form is told, as the reason why; all else is one and the same. */
function refuseUnproven({ code, reason }: UnverifiedDelegation): Refusal {
  const isSyntax = code === 'malformed' || code === 'unknown_constraint' || code === 'wrong_type';
  return isSyntax
    ? refusal(code, { message: `${ERRORS[code].title} It is refused because ${reason}.` })
    : refusal(code);
}

/** A key that was registered by its public key alone has no secret: its signature is what proves it. */
const NO_SECRET: KeySecret = { hash: '', pepperVersion: 0, state: 'current', notAfterMs: null };

function currentSecret({ prepared }: CachedKey): KeySecret {
  return prepared.record.secrets.find(({ state }) => state === 'current') ?? NO_SECRET;
}
