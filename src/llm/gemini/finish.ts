/** `finishReason` (https://ai.google.dev/api/generate-content#FinishReason) to and from ours. */
import type { Finish, FinishReason } from '../canonical.ts';
import type { JsonRecord } from '../record.ts';

const REASONS: ReadonlyMap<string, FinishReason> = new Map<string, FinishReason>([
  ['FINISH_REASON_UNSPECIFIED', 'stop'],
  ['STOP', 'stop'],
  ['MAX_TOKENS', 'length'],
  // The bound of one request: there would be more.
  ['CONTINUATION', 'length'],
  ['SAFETY', 'content_filter'],
  ['RECITATION', 'content_filter'],
  ['LANGUAGE', 'content_filter'],
  ['BLOCKLIST', 'content_filter'],
  ['PROHIBITED_CONTENT', 'content_filter'],
  ['SPII', 'content_filter'],
  ['IMAGE_SAFETY', 'content_filter'],
  ['IMAGE_PROHIBITED_CONTENT', 'content_filter'],
  ['IMAGE_RECITATION', 'content_filter'],
  ['MODEL_ARMOR', 'content_filter'],
  ['MALFORMED_FUNCTION_CALL', 'malformed_call'],
  ['UNEXPECTED_TOOL_CALL', 'malformed_call'],
  ['TOO_MANY_TOOL_CALLS', 'error'],
  ['MALFORMED_RESPONSE', 'error'],
  ['NO_IMAGE', 'error'],
  ['IMAGE_OTHER', 'error'],
  ['OTHER', 'error'],
]);

/** What a candidate's end means. Google says STOP also where the model waits for a function. */
export function finishOf(raw: unknown, message: unknown, hasCalls: boolean): Finish {
  const known = typeof raw === 'string' ? (REASONS.get(raw) ?? 'stop') : 'stop';
  return {
    reason: known === 'stop' && hasCalls ? 'tool_calls' : known,
    ...(typeof raw === 'string' ? { raw } : {}),
    ...(typeof message === 'string' && message !== '' ? { message } : {}),
  };
}

/** What a refused prompt means: there are no candidates then. */
export function blockedFinish(feedback: JsonRecord): Finish | null {
  const { blockReason, blockReasonMessage } = feedback;
  if (typeof blockReason !== 'string') return null;
  return {
    reason: 'content_filter',
    raw: blockReason,
    ...(typeof blockReasonMessage === 'string' ? { message: blockReasonMessage } : {}),
  };
}

const WORDS: Readonly<Record<FinishReason, string>> = {
  stop: 'STOP',
  stop_sequence: 'STOP',
  tool_calls: 'STOP',
  length: 'MAX_TOKENS',
  context_length: 'MAX_TOKENS',
  content_filter: 'SAFETY',
  refusal: 'SAFETY',
  pause: 'STOP',
  malformed_call: 'MALFORMED_FUNCTION_CALL',
  error: 'OTHER',
  incomplete: 'OTHER',
};

const MESSAGES: Readonly<Partial<Record<FinishReason, string>>> = {
  pause: 'The model paused its turn: send the conversation back as it is to let it go on.',
  incomplete: 'The stream ended before the answer did.',
};

/** The members of a candidate that tell its end; Google's own word where it gave one. */
export function finishMembers(finish: Finish): JsonRecord {
  const { reason, raw } = finish;
  const message = finish.message ?? MESSAGES[reason];
  const meant = raw === undefined ? undefined : REASONS.get(raw);
  const isOwn = meant === reason || (meant === 'stop' && reason === 'tool_calls');
  return {
    finishReason: isOwn ? raw : WORDS[reason],
    ...(message === undefined ? {} : { finishMessage: message }),
  };
}
