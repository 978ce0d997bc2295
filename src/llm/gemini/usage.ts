/** `usageMetadata` for a Gemini client: candidates leave out thoughts, the total holds all. */
import type { Usage } from '../dialect.ts';
import type { JsonRecord } from '../record.ts';

/** The counts; those that are zero are left out where Google does. */
export function usageMetadata(usage: Usage): JsonRecord {
  const { inputTokens, outputTokens, reasoningTokens, cachedInputTokens } = usage;
  return {
    promptTokenCount: inputTokens,
    ...(cachedInputTokens === 0 ? {} : { cachedContentTokenCount: cachedInputTokens }),
    candidatesTokenCount: Math.max(0, outputTokens - reasoningTokens),
    ...(reasoningTokens === 0 ? {} : { thoughtsTokenCount: reasoningTokens }),
    totalTokenCount: inputTokens + outputTokens,
    ...details('promptTokensDetails', { AUDIO: usage.audioInputTokens }),
    ...details('candidatesTokensDetails', { AUDIO: usage.audioOutputTokens, IMAGE: usage.imageOutputTokens }),
  };
}

function details(name: string, counts: Readonly<Record<string, number | undefined>>): JsonRecord {
  const told = Object.entries(counts).filter(([, tokenCount]) => tokenCount !== undefined && tokenCount > 0);
  return told.length === 0 ? {} : { [name]: told.map(([modality, tokenCount]) => ({ modality, tokenCount })) };
}
