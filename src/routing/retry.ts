import { backOffMs } from './back-off.ts';
import type { BackOff } from './back-off.ts';
import type { FailureKind } from './provider-error.ts';

/** What may send a call on to the next target. */
export const FALLBACK_CLASSES = ['unavailable', 'rate_limited', 'context_too_long', 'content_filtered'] as const;

export type FallbackClass = (typeof FALLBACK_CLASSES)[number];

export interface RetryPolicy {
  /** All attempts of a call together. */
  readonly attemptsMax: number;
  /** More attempts at the same target where there is no other. */
  readonly retries: number;
  readonly fallback: readonly FallbackClass[];
  /** For all attempts together; null: no bound but each attempt's own. */
  readonly deadlineMs: number | null;
}

/** A failed attempt, and where the call stands. */
export interface Failed {
  readonly kind: FailureKind;
  readonly retryAfterMs: number | null;
  /** Attempts so far, this one included. */
  readonly attempts: number;
  /** Those at this target that failed because the provider did. */
  readonly failuresHere: number;
  readonly elapsedMs: number;
  /** Whether this target's pool has another credential to use now. */
  readonly hasCredential: boolean;
  readonly hasTarget: boolean;
}

export type NextStep =
  | { readonly kind: 'here'; readonly waitMs: number }
  | { readonly kind: 'next-target' }
  | { readonly kind: 'fail' };

const BETWEEN: BackOff = { firstMs: 200, longestMs: 5_000 };
/** A caller is not kept waiting for a provider that wants longer than this. */
const RETRY_AFTER_MS_MAX = 5_000;

const FAIL: NextStep = { kind: 'fail' };
const NEXT_TARGET: NextStep = { kind: 'next-target' };

/**
 * What to do after a failed attempt of which nothing has reached the caller. A credential that is
 * out is replaced at once by another of the pool. A provider that fails is left for the next
 * target; only the last one is tried again, after a pause and within the budget. What the caller
 * did wrong is told.
 */
export function nextStep(policy: RetryPolicy, failed: Failed, budget: RetryBudget, random: () => number): NextStep {
  const { kind, attempts, elapsedMs, hasCredential, hasTarget } = failed;
  if (attempts >= policy.attemptsMax) return FAIL;
  if (policy.deadlineMs !== null && elapsedMs >= policy.deadlineMs) return FAIL;
  const isOut = kind === 'rejected_credential' || kind === 'rate_limited' || kind === 'quota_exhausted';
  if (isOut && hasCredential) return { kind: 'here', waitMs: 0 };
  if (hasTarget && allows(policy.fallback, kind)) return NEXT_TARGET;
  if (kind !== 'unavailable' && kind !== 'overloaded') return FAIL;
  return again(policy, failed, budget, random);
}

function again(policy: RetryPolicy, failed: Failed, budget: RetryBudget, random: () => number): NextStep {
  const { retryAfterMs, failuresHere, elapsedMs } = failed;
  if (failuresHere > policy.retries) return FAIL;
  if (retryAfterMs !== null && retryAfterMs > RETRY_AFTER_MS_MAX) return FAIL;
  const waitMs = Math.max(retryAfterMs ?? 0, backOffMs(BETWEEN, failuresHere, random()));
  if (policy.deadlineMs !== null && elapsedMs + waitMs >= policy.deadlineMs) return FAIL;
  return budget.take() ? { kind: 'here', waitMs } : FAIL;
}

function allows(fallback: readonly FallbackClass[], kind: FailureKind): boolean {
  const wanted = FALLBACK_CLASS[kind];
  return wanted !== null && fallback.includes(wanted);
}

/** A model that its provider does not know, or a credential that it refuses, is a fault of the set-up and not of the call. */
const FALLBACK_CLASS: Readonly<Record<FailureKind, FallbackClass | null>> = {
  rejected_credential: 'unavailable',
  forbidden: null,
  rate_limited: 'rate_limited',
  quota_exhausted: 'rate_limited',
  overloaded: 'unavailable',
  unavailable: 'unavailable',
  timeout: 'unavailable',
  context_too_long: 'context_too_long',
  content_filtered: 'content_filtered',
  bad_request: null,
  not_found: 'unavailable',
};

/** Each call pays in a part of a retry, so that repeats stay a share of the calls when everything fails. */
const SHARE = 0.2;
/** What may be saved up: a quiet gateway can retry too. */
const SAVED_MAX = 20;

/** Keeps retries from multiplying the load on a provider that is down; of one worker and one endpoint. */
export class RetryBudget {
  #saved = SAVED_MAX;

  /** For each call's first attempt. */
  deposit(): void {
    this.#saved = Math.min(SAVED_MAX, this.#saved + SHARE);
  }

  /** Takes a retry, if there is one left. */
  take(): boolean {
    if (this.#saved < 1) return false;
    this.#saved -= 1;
    return true;
  }
}
