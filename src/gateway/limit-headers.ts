import type { Dialect, LimitState } from '../llm/dialect.ts';

/** A limit's state in the standard's words (draft-ietf-httpapi-ratelimit-headers) and in the dialect's own. */
export function limitHeaders(dialect: Dialect, limit: LimitState, windowMs: number, nowMs: number): readonly string[] {
  return [
    'ratelimit-policy',
    `"requests";q=${limit.limit};w=${Math.ceil(windowMs / 1000)}`,
    'ratelimit',
    `"requests";r=${limit.remaining};t=${Math.ceil(limit.resetMs / 1000)}`,
    ...dialect.limitHeaders(limit, nowMs),
  ];
}
