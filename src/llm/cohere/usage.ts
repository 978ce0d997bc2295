import type { Usage } from '../dialect.ts';
import { countOf, recordOf } from '../record.ts';

/**
 * Counts of a `usage` member. Cohere bills `billed_units`, which leave out its own prompt around the
 * caller's; `cached_tokens` are of all `tokens`. A cache holds the beginning of what was sent, and that
 * prompt stands first: what is cached beyond it was billed.
 */
export function cohereUsage(value: unknown): Usage | null {
  const usage = recordOf(value);
  const billed = recordOf(usage['billed_units']);
  const tokens = recordOf(usage['tokens']);
  const all = countOf(tokens['input_tokens']);
  const input = countOf(billed['input_tokens']) ?? all;
  const output = countOf(billed['output_tokens']) ?? countOf(tokens['output_tokens']);
  if (input === null && output === null) return null;
  const inputTokens = input ?? 0;
  const unbilled = Math.max(0, (all ?? inputTokens) - inputTokens);
  const cached = (countOf(usage['cached_tokens']) ?? 0) - unbilled;
  return {
    inputTokens,
    cachedInputTokens: Math.min(Math.max(0, cached), inputTokens),
    cacheWriteTokens: 0,
    outputTokens: output ?? 0,
    reasoningTokens: 0,
  };
}
