import type { Usage } from './dialect.ts';

/** The usage of what has no output but vectors or an order; null where nobody counted. */
export function inputUsage(inputTokens: number | null): Usage | null {
  if (inputTokens === null) return null;
  return { inputTokens, cachedInputTokens: 0, cacheWriteTokens: 0, outputTokens: 0, reasoningTokens: 0 };
}
