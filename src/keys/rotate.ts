import type { KeySecret } from './key-record.ts';

/** A key holds at most this many secrets: the one in use, and older ones. */
export const SECRETS_MAX = 3;

export type RotateResult =
  | { readonly ok: true; readonly secrets: readonly KeySecret[] }
  /** Every place is taken by a secret that is still accepted; the first of them ends at `untilMs`. */
  | { readonly ok: false; readonly untilMs: number };

export interface RotateOptions {
  readonly nowMs: number;
  /** How long the secrets of now are still accepted; 0 ends them at once. */
  readonly overlapMs: number;
}

/**
 * The secrets of a key after it was given a fresh one. Kid, scopes, limits and counters belong to
 * the key, not to the secret, and stay. Secrets that have ended are kept while there is room, so
 * that whoever still sends one can be told that it was replaced.
 */
export function rotateSecrets(
  secrets: readonly KeySecret[],
  fresh: Pick<KeySecret, 'hash' | 'pepperVersion'>,
  { nowMs, overlapMs }: RotateOptions,
): RotateResult {
  const older = secrets.map((secret) => retire(secret, nowMs, overlapMs));
  const room = SECRETS_MAX - 1;
  const accepted = older.filter((secret) => isAccepted(secret, nowMs));
  if (accepted.length > room) {
    return { ok: false, untilMs: Math.min(...accepted.map((secret) => secret.notAfterMs ?? nowMs)) };
  }
  const ended = older.filter((secret) => !isAccepted(secret, nowMs)).toSorted(latestEndFirst);
  const kept = [...accepted, ...ended].slice(0, room);
  return { ok: true, secrets: [{ ...fresh, state: 'current', notAfterMs: null }, ...kept] };
}

/** The current secret begins to retire; one that retires already never lives longer by another rotation. */
function retire(secret: KeySecret, nowMs: number, overlapMs: number): KeySecret {
  if (secret.state !== 'current') return overlapMs === 0 && isAccepted(secret, nowMs) ? end(secret, nowMs) : secret;
  if (overlapMs === 0) return end(secret, nowMs);
  return { ...secret, state: 'retiring', notAfterMs: nowMs + overlapMs, retiringSinceMs: nowMs };
}

function end(secret: KeySecret, nowMs: number): KeySecret {
  return { ...secret, state: 'superseded', notAfterMs: nowMs, retiringSinceMs: secret.retiringSinceMs ?? nowMs };
}

function isAccepted(secret: KeySecret, nowMs: number): boolean {
  return secret.notAfterMs === null || nowMs < secret.notAfterMs;
}

function latestEndFirst(a: KeySecret, b: KeySecret): number {
  return (b.notAfterMs ?? 0) - (a.notAfterMs ?? 0);
}
