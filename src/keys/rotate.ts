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
  /** Holds the secret of now beyond the overlap while it is used, and ends it at the latest then. */
  readonly whenUnused?: WhenUnused | null;
}

/** Both counted in milliseconds; `latestMs` from the rotation on, and no shorter than the overlap. */
export interface WhenUnused {
  readonly unusedForMs: number;
  readonly latestMs: number;
}

/**
 * The secrets of a key after it was given a fresh one. Kid, scopes, limits and counters belong to
 * the key, not to the secret, and stay. Secrets that have ended are kept while there is room, so
 * that whoever still sends one can be told that it was replaced.
 */
export function rotateSecrets(
  secrets: readonly KeySecret[],
  fresh: Pick<KeySecret, 'hash' | 'pepperVersion'>,
  options: RotateOptions,
): RotateResult {
  const { nowMs } = options;
  const older = secrets.map((secret) => retire(secret, options));
  const room = SECRETS_MAX - 1;
  const accepted = older.filter((secret) => isAccepted(secret, nowMs));
  if (accepted.length > room) {
    return { ok: false, untilMs: Math.min(...accepted.map((secret) => secret.notAfterMs ?? nowMs)) };
  }
  const ended = older.filter((secret) => !isAccepted(secret, nowMs)).toSorted(latestEndFirst);
  const kept = [...accepted, ...ended].slice(0, room);
  const generation = Math.max(0, ...secrets.map(generationOf)) + 1;
  return {
    ok: true,
    secrets: [{ ...fresh, state: 'current', notAfterMs: null, generation, createdAtMs: nowMs }, ...kept],
  };
}

/** The secrets after every older one was ended now; null when none of them is accepted any more. */
export function completeRotation(secrets: readonly KeySecret[], nowMs: number): readonly KeySecret[] | null {
  if (!secrets.some((secret) => isRetiring(secret, nowMs))) return null;
  return secrets.map((secret) => (isRetiring(secret, nowMs) ? end(secret, nowMs) : secret));
}

/**
 * The secrets after the last rotation was taken back: the secret of before is current again, the
 * newer one ends. Null when the one of before is not accepted any more.
 */
export function cancelRotation(secrets: readonly KeySecret[], nowMs: number): readonly KeySecret[] | null {
  const before = secrets
    .filter((secret) => isRetiring(secret, nowMs))
    .toSorted((a, b) => generationOf(b) - generationOf(a))[0];
  if (before === undefined) return null;
  const { retiringSinceMs: _since, earlyEnd: _early, ...kept } = before;
  const rest = secrets.filter((secret) => secret !== before);
  return [
    { ...kept, state: 'current', notAfterMs: null },
    ...rest.map((secret) => (secret.state === 'current' ? end(secret, nowMs) : secret)),
  ];
}

/**
 * The secrets after those that wait to be unused were looked at; null when nothing changes. One ends
 * early once nobody sent it for long enough, and only if the secret that replaced it is in use: a
 * caller that calls rarely may simply not have called. `lastUseOf` tells when a generation was last
 * sent, in unix milliseconds.
 */
export function endUnused(
  secrets: readonly KeySecret[],
  lastUseOf: (generation: number) => number | null,
  nowMs: number,
): readonly KeySecret[] | null {
  const current = secrets.find(({ state }) => state === 'current');
  const isReplaced = current !== undefined && lastUseOf(generationOf(current)) !== null;
  const looked = secrets.map((secret) => {
    const { earlyEnd, ...kept } = secret;
    if (earlyEnd === undefined) return secret;
    if (!isAccepted(secret, nowMs)) return kept;
    const lastMs = Math.max(lastUseOf(generationOf(secret)) ?? 0, secret.retiringSinceMs ?? 0);
    const isUnused = nowMs >= earlyEnd.fromMs && nowMs - lastMs >= earlyEnd.unusedForMs;
    return isReplaced && isUnused ? end(secret, nowMs) : secret;
  });
  return looked.every((secret, i) => secret === secrets[i]) ? null : looked;
}

/** Counted from 1. */
export function generationOf(secret: KeySecret): number {
  return secret.generation ?? 1;
}

/** Until when a secret is accepted: with its key at the latest; null until it is replaced. */
export function acceptedUntilMs({ notAfterMs }: KeySecret, expiresAtMs: number | null): number | null {
  return notAfterMs === null || expiresAtMs === null ? notAfterMs : Math.min(notAfterMs, expiresAtMs);
}

/** Whether a secret was replaced and still calls. */
export function isRetiring(secret: KeySecret, nowMs: number): boolean {
  return secret.state === 'retiring' && isAccepted(secret, nowMs);
}

/** The current secret begins to retire; one that retires already never lives longer by another rotation. */
function retire(secret: KeySecret, { nowMs, overlapMs, whenUnused = null }: RotateOptions): KeySecret {
  const atOnce = overlapMs === 0 && whenUnused === null;
  if (secret.state !== 'current') return atOnce && isAccepted(secret, nowMs) ? end(secret, nowMs) : secret;
  if (atOnce) return end(secret, nowMs);
  const retiring = { ...secret, state: 'retiring', retiringSinceMs: nowMs } as const;
  if (whenUnused === null) return { ...retiring, notAfterMs: nowMs + overlapMs };
  const earlyEnd = { fromMs: nowMs + overlapMs, unusedForMs: whenUnused.unusedForMs };
  return { ...retiring, notAfterMs: nowMs + Math.max(overlapMs, whenUnused.latestMs), earlyEnd };
}

function end(secret: KeySecret, nowMs: number): KeySecret {
  const { earlyEnd: _early, ...kept } = secret;
  return { ...kept, state: 'superseded', notAfterMs: nowMs, retiringSinceMs: secret.retiringSinceMs ?? nowMs };
}

function isAccepted(secret: KeySecret, nowMs: number): boolean {
  return secret.notAfterMs === null || nowMs < secret.notAfterMs;
}

function latestEndFirst(a: KeySecret, b: KeySecret): number {
  return (b.notAfterMs ?? 0) - (a.notAfterMs ?? 0);
}
