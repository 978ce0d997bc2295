/** Why an answer ended: a response's `status`, and what of it is told beside. */
import type { Finish, FinishReason, Part } from '../canonical.ts';
import { recordOf, type JsonRecord } from '../record.ts';

/** `callsTool`: the model waits for a tool of the caller's. */
export function readFinish(response: JsonRecord, status: unknown, callsTool: boolean): Finish {
  switch (status) {
    case 'incomplete':
      return readIncomplete(recordOf(response['incomplete_details'])['reason']);
    case 'failed':
    case 'cancelled':
      return readFailed(recordOf(response['error']), status);
    case 'queued':
    case 'in_progress':
      return { reason: 'incomplete', raw: status };
    default:
      return { reason: callsTool ? 'tool_calls' : 'stop', raw: typeof status === 'string' ? status : 'completed' };
  }
}

function readIncomplete(reason: unknown): Finish {
  if (reason === 'max_output_tokens') return { reason: 'length', raw: reason };
  if (reason === 'content_filter') return { reason: 'content_filter', raw: reason };
  return { reason: 'stop', raw: typeof reason === 'string' ? reason : 'incomplete' };
}

function readFailed(error: JsonRecord, status: string): Finish {
  const { code, message } = error;
  return {
    reason: 'error',
    raw: typeof code === 'string' ? code : status,
    ...(typeof message === 'string' && { message }),
  };
}

/** The members of a response that say its end. */
export interface Ending {
  readonly status: 'completed' | 'incomplete' | 'failed';
  readonly incomplete_details: { readonly reason: string } | null;
  readonly error: { readonly code: string; readonly message: string } | null;
}

export function writeFinish(finish: Finish, parts: readonly Pick<Part, 'kind'>[]): Ending {
  const status = STATUSES[finish.reason];
  if (status === 'failed')
    return {
      status,
      incomplete_details: null,
      error: { code: 'server_error', message: FAILURES.get(finish.reason) ?? 'The model failed.' },
    };
  // A refusal in words is an answer; without them nothing else would tell it.
  const isTold = finish.reason === 'refusal' && parts.some(({ kind }) => kind === 'refusal');
  if (status === 'completed' || isTold) return { status: 'completed', incomplete_details: null, error: null };
  return { status: 'incomplete', incomplete_details: { reason: status }, error: null };
}

const STATUSES: Readonly<Record<FinishReason, 'completed' | 'failed' | 'max_output_tokens' | 'content_filter'>> = {
  stop: 'completed',
  stop_sequence: 'completed',
  tool_calls: 'completed',
  pause: 'completed',
  length: 'max_output_tokens',
  context_length: 'max_output_tokens',
  content_filter: 'content_filter',
  refusal: 'content_filter',
  malformed_call: 'failed',
  error: 'failed',
  incomplete: 'failed',
};

const FAILURES: ReadonlyMap<FinishReason, string> = new Map([
  ['malformed_call', 'The model made a tool call that is not valid.'],
  ['incomplete', "The provider's answer broke off."],
]);
