/** Token counts as Anthropic tells them (https://docs.claude.com/en/api/messages, `usage`). */
import type { AnswerContext } from '../codec.ts';
import type { Usage } from '../dialect.ts';
import type { JsonRecord } from '../record.ts';
import { countOf, recordOf } from '../record.ts';

/** Counts of a `usage` member: its `input_tokens` leave out what was read from or written to the cache. */
export function anthropicUsage(value: JsonRecord): Usage | null {
  const input = countOf(value['input_tokens']);
  const output = countOf(value['output_tokens']);
  if (input === null && output === null) return null;
  const cachedInputTokens = countOf(value['cache_read_input_tokens']) ?? 0;
  const cacheWriteTokens = countOf(value['cache_creation_input_tokens']) ?? 0;
  const cacheWrite1hTokens = countOf(recordOf(value['cache_creation'])['ephemeral_1h_input_tokens']) ?? 0;
  return {
    inputTokens: (input ?? 0) + cachedInputTokens + cacheWriteTokens,
    cachedInputTokens,
    cacheWriteTokens,
    outputTokens: output ?? 0,
    reasoningTokens: countOf(recordOf(value['output_tokens_details'])['thinking_tokens']) ?? 0,
    ...(cacheWrite1hTokens > 0 ? { cacheWrite1hTokens } : {}),
  };
}

const COUNTS = ['input_tokens', 'output_tokens', 'cache_read_input_tokens', 'cache_creation_input_tokens'] as const;
const DETAILS = {
  cache_creation: 'ephemeral_1h_input_tokens',
  output_tokens_details: 'thinking_tokens',
} as const;

/**
 * The counts of a stream so far and those of a later event as one: an event tells totals, and not
 * always all of them, so the last value of each wins.
 */
export function mergedCounts(counts: JsonRecord, usage: unknown): JsonRecord {
  const later = recordOf(usage);
  const plain = COUNTS.map((name) => [name, countOf(later[name]) ?? counts[name]] as const);
  const details = Object.entries(DETAILS).map(([name, count]) => {
    const told = countOf(recordOf(later[name])[count]) !== null;
    return [name, told ? later[name] : counts[name]] as const;
  });
  return Object.fromEntries([...plain, ...details]);
}

/**
 * The `usage` member of an answer. Where the provider tells none, or none yet, its input is the estimate:
 * clients show the count that comes first, and take none for nothing.
 */
export function usageMember(usage: Usage | null, { inputTokensEstimate }: AnswerContext): JsonRecord {
  if (usage !== null) return toldMember(usage);
  if (inputTokensEstimate === undefined) return { input_tokens: 0, output_tokens: 0 };
  return toldMember({
    inputTokens: inputTokensEstimate,
    cachedInputTokens: 0,
    cacheWriteTokens: 0,
    outputTokens: 0,
    reasoningTokens: 0,
  });
}

function toldMember(usage: Usage): JsonRecord {
  const { inputTokens, cachedInputTokens, cacheWriteTokens, outputTokens, reasoningTokens } = usage;
  const oneHour = Math.min(usage.cacheWrite1hTokens ?? 0, cacheWriteTokens);
  return {
    input_tokens: Math.max(0, inputTokens - cachedInputTokens - cacheWriteTokens),
    cache_creation_input_tokens: cacheWriteTokens,
    cache_read_input_tokens: cachedInputTokens,
    ...(cacheWriteTokens > 0
      ? {
          cache_creation: {
            ephemeral_5m_input_tokens: cacheWriteTokens - oneHour,
            ephemeral_1h_input_tokens: oneHour,
          },
        }
      : {}),
    output_tokens: outputTokens,
    ...(reasoningTokens > 0 ? { output_tokens_details: { thinking_tokens: reasoningTokens } } : {}),
  };
}
