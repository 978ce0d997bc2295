/** Errors that a provider tells in mid-stream. */
import type { StreamError } from '../canonical.ts';
import type { StreamErrors } from '../dialect.ts';
import { mentionsObject } from '../mentions-object.ts';
import { firstOf, isRecord, parsedOrUndefined, recordOf, textOf, type JsonRecord } from '../record.ts';

/** Errors in streams that pass as they are. Each event of a response that is well says `"error":null`. */
export const responsesStreamErrors: StreamErrors = {
  mayTell: (bytes) => mentionsObject(bytes, '"error"') || ERROR_WORDS.some((word) => bytes.includes(word)),
  read: ({ name, data }) => {
    const event = recordOf(firstOf(parsedOrUndefined(data)));
    const type = textOf(event['type']) || name;
    const failed = type === 'response.failed' ? recordOf(event['response']) : event;
    const isError = type === 'error' || type === 'response.failed' || (type === '' && isRecord(event['error']));
    if (!isError) return null;
    const { message, type: code, status } = streamErrorOf(failed);
    return { status, body: JSON.stringify({ error: { message, type: code, param: null, code } }) };
  },
};

/** The name of the event, and its type in JSON with and without spaces. */
const ERROR_WORDS = ['event: error', 'event:error', '"error",', '"error"}', '"response.failed"'] as const;

/** Of an `error` event, which holds it flat or in a member `error`, or of a response that failed. */
export function streamErrorOf(event: JsonRecord): StreamError {
  const nested = recordOf(event['error']);
  const error = Object.keys(nested).length === 0 ? event : nested;
  const type = textOf(error['type']);
  const code = textOf(error['code']) || (type === 'error' ? '' : type);
  return {
    message: textOf(error['message']) || 'The provider told an error without words.',
    type: code || 'error',
    status: statusOf(code),
  };
}

function statusOf(code: string): number {
  if (code === 'insufficient_quota' || code.startsWith('rate_limit')) return 429;
  if (code === 'server_is_overloaded' || code === 'slow_down') return 503;
  const isCallers = code.startsWith('invalid_') || code.startsWith('image_') || CALLERS.has(code);
  return isCallers ? 400 : 500;
}

const CALLERS: ReadonlySet<string> = new Set([
  'context_length_exceeded',
  'empty_image_file',
  'failed_to_download_image',
  'unsupported_image_media_type',
  'bio_policy',
  'cyber_policy',
]);
