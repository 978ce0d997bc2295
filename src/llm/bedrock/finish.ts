import type { Finish, FinishReason } from '../canonical.ts';
import { recordOf } from '../record.ts';

/** `StopReason` of the API, and Claude's own words, should they come through. */
const REASONS: ReadonlyMap<string, FinishReason> = new Map([
  ['end_turn', 'stop'],
  ['stop_sequence', 'stop_sequence'],
  ['max_tokens', 'length'],
  ['model_context_window_exceeded', 'context_length'],
  ['tool_use', 'tool_calls'],
  ['guardrail_intervened', 'content_filter'],
  ['content_filtered', 'content_filter'],
  ['malformed_model_output', 'error'],
  ['malformed_tool_use', 'malformed_call'],
  ['refusal', 'refusal'],
  ['pause_turn', 'pause'],
]);

/** Where Claude's answers, whole and streamed, tell the stop string that ended them. */
export const STOP_SEQUENCE_PATHS: readonly string[] = ['/stop_sequence', '/delta/stop_sequence'];

/** `additional` are the additionalModelResponseFields. */
export function bedrockFinish(stopReason: unknown, additional: unknown, hasCalls: boolean): Finish {
  if (typeof stopReason !== 'string') return { reason: hasCalls ? 'tool_calls' : 'stop' };
  const fields = recordOf(additional);
  const stopSequence = fields['stop_sequence'] ?? recordOf(fields['delta'])['stop_sequence'];
  return {
    reason: REASONS.get(stopReason) ?? 'stop',
    raw: stopReason,
    ...(typeof stopSequence === 'string' ? { stopSequence } : {}),
  };
}
