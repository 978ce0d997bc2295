/** Why an answer ended, in Anthropic's words and in ours (https://docs.claude.com/en/api/handling-stop-reasons). */
import type { Finish, FinishReason } from '../canonical.ts';
import type { JsonRecord } from '../record.ts';
import { recordOf } from '../record.ts';

const READ: ReadonlyMap<string, FinishReason> = new Map([
  ['end_turn', 'stop'],
  ['stop_sequence', 'stop_sequence'],
  ['max_tokens', 'length'],
  ['model_context_window_exceeded', 'context_length'],
  ['tool_use', 'tool_calls'],
  ['pause_turn', 'pause'],
  ['refusal', 'refusal'],
]);

const WRITTEN: Readonly<Record<FinishReason, string>> = {
  stop: 'end_turn',
  stop_sequence: 'stop_sequence',
  length: 'max_tokens',
  context_length: 'model_context_window_exceeded',
  tool_calls: 'tool_use',
  content_filter: 'refusal',
  refusal: 'refusal',
  pause: 'pause_turn',
  // Not `tool_use`: there is no call that the client could serve.
  malformed_call: 'end_turn',
  error: 'end_turn',
  // What came may be only a part: the client's word for that.
  incomplete: 'max_tokens',
};

/** Reads `stop_reason` and what stands beside it in a message, or in a `message_delta`. */
export function readFinish(value: JsonRecord, hasCall: boolean): Finish {
  const raw = value['stop_reason'];
  const known = typeof raw === 'string' ? (READ.get(raw) ?? 'stop') : 'stop';
  const sequence = value['stop_sequence'];
  const message = recordOf(value['stop_details'])['explanation'];
  return {
    // Servers that imitate the format say `end_turn` after a call.
    reason: known === 'stop' && hasCall ? 'tool_calls' : known,
    ...(typeof sequence === 'string' ? { stopSequence: sequence } : {}),
    ...(typeof raw === 'string' ? { raw } : {}),
    ...(typeof message === 'string' ? { message } : {}),
  };
}

/** The members that tell why an answer ended. */
export function finishMembers(finish: Finish): JsonRecord {
  const reason = WRITTEN[finish.reason];
  return {
    stop_reason: reason,
    stop_sequence: finish.stopSequence ?? null,
    ...(reason === 'refusal' && finish.message !== undefined
      ? { stop_details: { type: 'refusal', category: null, explanation: finish.message } }
      : {}),
  };
}

/** Whether Anthropic's word says something else than what happened. */
export function isApproximated({ reason }: Finish): boolean {
  return reason === 'malformed_call' || reason === 'error' || reason === 'incomplete';
}
