/**
 * How a credential or an endpoint stands, in one word of 64 bits: a change of it is one atomic
 * exchange, so that there is no lock that a dying worker could leave behind.
 */
import { FAILURE_KINDS } from './provider-error.ts';
import type { FailureKind } from './provider-error.ts';

/** `healthy` with strikes: it has failed lately, not often enough. */
export type HealthState = 'healthy' | 'cooling' | 'exhausted' | 'rejected' | 'open';

export interface Health {
  readonly state: HealthState;
  /** Unix milliseconds: out of use until then. */
  readonly untilMs: number;
  /** Whether the provider itself named that moment: then it needs no probe. */
  readonly isTimed: boolean;
  /** Whether one call is out to see how it stands; `untilMs` is then when it is given up. */
  readonly isProbed: boolean;
  /** Failures in a row, at most 255. */
  readonly strikes: number;
  /** Why it is so; null while it is well. */
  readonly kind: FailureKind | null;
}

const STATES: readonly HealthState[] = ['healthy', 'cooling', 'exhausted', 'rejected', 'open'];

export const STRIKES_MAX = 255;

export const WELL: Health = Object.freeze({
  state: 'healthy',
  untilMs: 0,
  isTimed: false,
  isProbed: false,
  strikes: 0,
  kind: null,
});

// From the lowest bit: 44 of the moment (to the year 2527), 3 of the state, timed, probed, 8 of the strikes, 5 of the kind.
const UNTIL_BITS = 44n;
const UNTIL_MAX = 2 ** 44 - 1;

/** 0 for one that is well. */
export function packHealth({ state, untilMs, isTimed, isProbed, strikes, kind }: Health): bigint {
  const flags =
    STATES.indexOf(state) +
    (isTimed ? 8 : 0) +
    (isProbed ? 16 : 0) +
    Math.min(strikes, STRIKES_MAX) * 32 +
    (kind === null ? 0 : FAILURE_KINDS.indexOf(kind) + 1) * 8192;
  const until = Math.min(UNTIL_MAX, Math.max(0, Math.ceil(untilMs)));
  return (BigInt(flags) << UNTIL_BITS) | BigInt(until);
}

export function unpackHealth(word: bigint): Health {
  if (word === 0n) return WELL;
  const flags = Number(word >> UNTIL_BITS);
  return {
    state: STATES[flags & 7] ?? 'healthy',
    untilMs: Number(BigInt.asUintN(44, word)),
    isTimed: (flags & 8) !== 0,
    isProbed: (flags & 16) !== 0,
    strikes: (flags >> 5) & STRIKES_MAX,
    kind: FAILURE_KINDS[(flags >> 13) - 1] ?? null,
  };
}
