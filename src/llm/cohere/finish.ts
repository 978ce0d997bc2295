import type { Finish, FinishReason } from '../canonical.ts';

/** `finish_reason` of v2, and the words of other versions. */
const REASONS: ReadonlyMap<string, FinishReason> = new Map([
  ['COMPLETE', 'stop'],
  ['STOP_SEQUENCE', 'stop_sequence'],
  ['MAX_TOKENS', 'length'],
  ['TOOL_CALL', 'tool_calls'],
  ['ERROR', 'error'],
  ['TIMEOUT', 'error'],
  ['ERROR_TOXIC', 'content_filter'],
  ['ERROR_LIMIT', 'context_length'],
]);

export function cohereFinish(word: unknown, hasCalls: boolean): Finish {
  if (typeof word !== 'string') return { reason: hasCalls ? 'tool_calls' : 'stop' };
  return { reason: REASONS.get(word) ?? 'stop', raw: word };
}
