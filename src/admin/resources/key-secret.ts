import { delegationPublicKeyOf } from '../../keys/delegation-public-key.ts';
import type { KeySecret } from '../../keys/key-record.ts';
import type { IssuingHasher } from '../ports.ts';

/** What is stored of a secret that was just generated: nothing that it could be found out from. */
export function freshSecret(hasher: IssuingHasher, secret: string, nowMs: number, generation = 1): KeySecret {
  return {
    ...hasher.hash(secret),
    state: 'current',
    notAfterMs: null,
    generation,
    createdAtMs: nowMs,
    delegationPublicKey: delegationPublicKeyOf(secret),
  };
}
