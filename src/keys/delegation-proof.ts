/**
 * What the holder of a delegation key signs to prove that it is theirs, for keys registered by
 * their public half alone. Runs in any JavaScript runtime.
 */

/** Longer challenges are refused. */
export const CHALLENGE_LENGTH_MAX = 512;

/**
 * No signing input of a token can begin like this one, which holds spaces and a line feed: neither
 * signature can ever be passed off as the other. The public key is named, so that the proof of one
 * key is none of another.
 */
const DOMAIN = 'keyward delegation key, proof of possession, version 1';

/** The bytes to sign; null for a challenge that is empty, too long or no Unicode text. */
export function proofMessage(publicKey: string, challenge: string): Uint8Array<ArrayBuffer> | null {
  if (challenge.length === 0 || challenge.length > CHALLENGE_LENGTH_MAX || !challenge.isWellFormed()) return null;
  return new TextEncoder().encode(`${DOMAIN}\n${publicKey}\n${challenge}`);
}
