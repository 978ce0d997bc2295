/** Why a choice ended, in this dialect's words. */
import type { Finish, FinishReason } from '../canonical.ts';

const REASONS: ReadonlyMap<string, FinishReason> = new Map<string, FinishReason>([
  ['stop', 'stop'],
  ['length', 'length'],
  ['max_tokens', 'length'],
  // Mistral.
  ['model_length', 'context_length'],
  ['tool_calls', 'tool_calls'],
  ['function_call', 'tool_calls'],
  ['content_filter', 'content_filter'],
  // Zhipu.
  ['sensitive', 'content_filter'],
  ['network_error', 'error'],
  // DeepSeek.
  ['insufficient_system_resource', 'error'],
  ['error', 'error'],
]);

/** What else of a choice decides over its finish. */
export interface FinishFacts {
  readonly hasCall: boolean;
  readonly hasRefusal: boolean;
}

/** `raw` null or empty: the provider said nothing, and may have been cut short. */
export function readFinish(raw: string | null, { hasCall, hasRefusal }: FinishFacts): Finish {
  if (raw === null || raw === '') return { reason: 'incomplete' };
  const reason = REASONS.get(raw) ?? 'stop';
  return { reason: reason === 'stop' ? sharper(hasCall, hasRefusal) : reason, raw };
}

/** A forced call ends with `stop`, and so does a refusal (OpenAI). */
function sharper(hasCall: boolean, hasRefusal: boolean): FinishReason {
  if (hasCall) return 'tool_calls';
  return hasRefusal ? 'refusal' : 'stop';
}

/** The word for a client. What was cut short by a failure is `length`, so that nobody takes it for whole. */
export function writeFinish({ reason }: Finish, { hasCall, hasRefusal }: FinishFacts): string {
  switch (reason) {
    case 'stop':
    case 'stop_sequence':
    case 'pause':
      return 'stop';
    case 'length':
    case 'context_length':
    case 'incomplete':
    case 'error':
      return 'length';
    case 'tool_calls':
      return 'tool_calls';
    case 'content_filter':
      return 'content_filter';
    case 'refusal':
      return hasRefusal ? 'stop' : 'content_filter';
    case 'malformed_call':
      return hasCall ? 'tool_calls' : 'stop';
  }
}
