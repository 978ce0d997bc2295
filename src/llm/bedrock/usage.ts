import type { Usage } from '../dialect.ts';
import { countOf, isRecord, recordOf } from '../record.ts';

/**
 * Counts of a `usage` member (API_runtime_TokenUsage): `inputTokens` leaves out what was read from or
 * written to the cache. The cache's counts are also seen with the ending `Count`.
 */
export function bedrockUsage(value: unknown): Usage | null {
  const usage = recordOf(value);
  const input = countOf(usage['inputTokens']);
  const output = countOf(usage['outputTokens']);
  if (input === null && output === null) return null;
  const cachedInputTokens = countOf(usage['cacheReadInputTokens'] ?? usage['cacheReadInputTokenCount']) ?? 0;
  const cacheWriteTokens = countOf(usage['cacheWriteInputTokens'] ?? usage['cacheWriteInputTokenCount']) ?? 0;
  const cacheWrite1hTokens = Math.min(writtenForAnHour(usage['cacheDetails']), cacheWriteTokens);
  return {
    inputTokens: (input ?? 0) + cachedInputTokens + cacheWriteTokens,
    cachedInputTokens,
    cacheWriteTokens,
    outputTokens: output ?? 0,
    reasoningTokens: 0,
    ...(cacheWrite1hTokens > 0 ? { cacheWrite1hTokens } : {}),
  };
}

function writtenForAnHour(details: unknown): number {
  if (!Array.isArray(details)) return 0;
  return details
    .filter(isRecord)
    .filter((detail) => detail['ttl'] === '1h')
    .reduce((sum, detail) => sum + (countOf(detail['inputTokens']) ?? 0), 0);
}
