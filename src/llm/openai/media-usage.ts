import { answerMember } from '../answer-member.ts';
import type { Usage } from '../dialect.ts';
import { countOf, isRecord, recordOf } from '../record.ts';

const durationMember = answerMember('duration');

const NO_TOKENS: Usage = {
  inputTokens: 0,
  cachedInputTokens: 0,
  cacheWriteTokens: 0,
  outputTokens: 0,
  reasoningTokens: 0,
};

/**
 * Counts as the endpoints for images and sound have them: `input_tokens` and `output_tokens`, with
 * details that are named in two ways; instead of them, or beside them, the `seconds` of a transcript.
 * Rerankers tell one number, `total_tokens`.
 */
export function mediaUsage(value: unknown): Usage | null {
  if (!isRecord(value)) return null;
  const output = countOf(value['output_tokens']) ?? 0;
  const input = countOf(value['input_tokens']) ?? (output === 0 ? countOf(value['total_tokens']) : 0);
  const audioMs = msOf(value['seconds']);
  if (input === null) return audioMs === null ? null : { ...NO_TOKENS, audioMs };
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
    ...(audioMs !== null && { audioMs }),
  };
}

/** Transcripts with all details (`verbose_json`) tell how long the sound was, also where they have no usage. */
export function withDuration(usage: Usage | null, body: Uint8Array): Usage | null {
  if (usage?.audioMs !== undefined) return usage;
  const audioMs = msOf(durationMember.read(body));
  return audioMs === null ? usage : { ...(usage ?? NO_TOKENS), audioMs };
}

/** Longer than anything that a provider takes. */
const SECONDS_MAX = 1_000_000;

/** Seconds, which some vendors write as a text. */
function msOf(value: unknown): number | null {
  const seconds = typeof value === 'string' && value !== '' ? Number(value) : value;
  return typeof seconds === 'number' && seconds >= 0 && seconds <= SECONDS_MAX ? Math.round(seconds * 1000) : null;
}
