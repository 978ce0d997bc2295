/** Token counts as this dialect has them: cached input and reasoning are parts of the two sums. */
import type { Usage } from '../dialect.ts';
import type { JsonRecord } from '../record.ts';

export function writeUsage(usage: Usage): JsonRecord {
  const { inputTokens, outputTokens, cacheWriteTokens, audioInputTokens, audioOutputTokens, imageOutputTokens } = usage;
  return {
    prompt_tokens: inputTokens,
    completion_tokens: outputTokens,
    total_tokens: inputTokens + outputTokens,
    prompt_tokens_details: {
      cached_tokens: usage.cachedInputTokens,
      ...(cacheWriteTokens > 0 && { cache_write_tokens: cacheWriteTokens }),
      ...(audioInputTokens !== undefined && { audio_tokens: audioInputTokens }),
    },
    completion_tokens_details: {
      reasoning_tokens: usage.reasoningTokens,
      ...(audioOutputTokens !== undefined && { audio_tokens: audioOutputTokens }),
      ...(imageOutputTokens !== undefined && { image_tokens: imageOutputTokens }),
    },
  };
}
