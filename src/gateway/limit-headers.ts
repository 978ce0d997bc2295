import type { TightestRate } from '../limits/call-limits.ts';
import type { Dialect } from '../llm/dialect.ts';

/**
 * The state of the limits on requests and on tokens in the standard's words
 * (draft-ietf-httpapi-ratelimit-headers), each an item of one list, and in the dialect's own.
 */
export function limitHeaders(
  dialect: Dialect,
  requests: TightestRate | null,
  tokens: TightestRate | null,
  nowMs: number,
): readonly string[] {
  if (requests === null) return tokens === null ? NONE : oneLimit(dialect, 'tokens', tokens, nowMs);
  if (tokens === null) return oneLimit(dialect, 'requests', requests, nowMs);
  return [
    'ratelimit-policy',
    `${policy('requests', requests)}, ${policy('tokens', tokens)}`,
    'ratelimit',
    `${state('requests', requests)}, ${state('tokens', tokens)}`,
    ...dialect.limitHeaders('requests', requests, nowMs),
    ...dialect.limitHeaders('tokens', tokens, nowMs),
  ];
}

type Unit = 'requests' | 'tokens';

const NONE: readonly string[] = [];

function oneLimit(dialect: Dialect, unit: Unit, limit: TightestRate, nowMs: number): readonly string[] {
  return [
    'ratelimit-policy',
    policy(unit, limit),
    'ratelimit',
    state(unit, limit),
    ...dialect.limitHeaders(unit, limit, nowMs),
  ];
}

function policy(unit: Unit, { limit, windowMs }: TightestRate): string {
  return `"${unit}";q=${limit};w=${Math.ceil(windowMs / 1000)}`;
}

function state(unit: Unit, { remaining, resetMs }: TightestRate): string {
  return `"${unit}";r=${remaining};t=${Math.ceil(resetMs / 1000)}`;
}
