/** What the signature of a delegated key says about it, to who looks after the key that it comes from. */
import type { UnverifiedDelegation, VerifiedDelegation } from '../../keys/delegation-verifier.ts';
import { delegationParentOf } from '../../keys/proven-delegation.ts';
import type { CallContext } from '../contract.ts';
import { recordOf } from '../known-keys.ts';
import type { KeyRow } from '../stores.ts';

export const SIGNED_RIGHT = 'It is signed by the holder of the key.';

export function verifySigned(
  { deps, workspace }: CallContext,
  row: KeyRow,
  text: string,
): VerifiedDelegation | UnverifiedDelegation {
  return deps.delegations.verify(text, delegationParentOf(recordOf(row, workspace.workspaceId)), '');
}

/** Why a signature proves nothing. */
export function unsignedText(
  row: KeyRow,
  proof: VerifiedDelegation | UnverifiedDelegation,
): { readonly code: string; readonly text: string } {
  if (row.delegation === null) {
    const text = `Nothing may be delegated from the key ${row.kid}: allow it with keys delegation ${row.kid} --offline.`;
    return { code: 'secret_mismatch', text };
  }
  const { code, reason } = proof.ok ? { code: 'secret_mismatch', reason: 'it names another key' } : proof;
  return { code, text: `It is refused because ${reason}. Sign it with the key as it is now, and send the whole text.` };
}
