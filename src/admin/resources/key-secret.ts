import { PUBLIC_KEYS_MAX } from '../../keys/delegation-policy.ts';
import type { DelegationPolicy, DelegationPublicKey } from '../../keys/delegation-policy.ts';
import { delegationPublicKeyOf } from '../../keys/delegation-public-key.ts';
import type { KeySecret } from '../../keys/key-record.ts';
import type { IssuingHasher } from '../ports.ts';
import type { KeyRow } from '../stores.ts';

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

/** The public keys of secrets that count: a secret older than delegation has none until it is rotated. */
export function publicKeysOf(secrets: readonly KeySecret[]): readonly DelegationPublicKey[] {
  return secrets.flatMap(({ delegationPublicKey: publicKey, notAfterMs: untilMs, state }) =>
    publicKey === undefined || state === 'superseded' ? [] : [{ publicKey, untilMs }],
  );
}

/** What a key delegates once its secrets changed. Public keys that were registered on their own stay. */
export function delegationAfter(before: KeyRow, secrets: readonly KeySecret[]): DelegationPolicy | null {
  if (before.delegation === null) return null;
  const ofSecrets = new Set(before.secrets.map(({ delegationPublicKey }) => delegationPublicKey));
  const registered = before.delegation.publicKeys.filter(({ publicKey }) => !ofSecrets.has(publicKey));
  return { ...before.delegation, publicKeys: [...publicKeysOf(secrets), ...registered].slice(0, PUBLIC_KEYS_MAX) };
}
