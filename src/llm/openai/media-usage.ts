import type { Usage } from '../dialect.ts';
import { countOf, isRecord, recordOf } from '../record.ts';

/**
 * Counts as the endpoints for images and sound have them: `input_tokens` and `output_tokens`, with
 * details that are named in two ways. Where a duration is told instead, there are no tokens: null.
 * Rerankers tell one number, `total_tokens`.
 */
export function mediaUsage(value: unknown): Usage | null {
  if (!isRecord(value)) return null;
  const output = countOf(value['output_tokens']) ?? 0;
  const input = countOf(value['input_tokens']) ?? (output === 0 ? countOf(value['total_tokens']) : 0);
  if (input === null) return null;
  const ofImages = recordOf(value['input_tokens_details']);
  const details = recordOf(value['input_token_details'] ?? ofImages);
  const outputDetails = recordOf(value['output_tokens_details'] ?? value['output_token_details']);
  const audioInput = countOf(details['audio_tokens']) ?? 0;
  const audioOutput = countOf(outputDetails['audio_tokens']) ?? 0;
  // Older answers do not split the output: that of an image model is the image.
  const imageOutput = countOf(outputDetails['image_tokens']) ?? (Object.hasOwn(ofImages, 'image_tokens') ? output : 0);
  return {
    inputTokens: input,
    cachedInputTokens: countOf(details['cached_tokens']) ?? 0,
    cacheWriteTokens: 0,
    outputTokens: output,
    reasoningTokens: 0,
    ...(audioInput > 0 && { audioInputTokens: audioInput }),
    ...(audioOutput > 0 && { audioOutputTokens: audioOutput }),
    ...(imageOutput > 0 && { imageOutputTokens: imageOutput }),
  };
}
