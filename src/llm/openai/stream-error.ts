/** An error that stands where an answer should: in a chunk, or in a body with status 200 (OpenRouter). */
import type { StreamError } from '../canonical.ts';
import type { StreamErrors } from '../dialect.ts';
import type { JsonRecord } from '../record.ts';
import { firstOf, isRecord, parsedOrUndefined, textOf } from '../record.ts';

/** Errors in streams that pass as they are. */
export const openaiStreamErrors: StreamErrors = {
  mayTell: (bytes) => bytes.includes('error'),
  read: ({ name, data }) => {
    const chunk = firstOf(parsedOrUndefined(data));
    if (!isRecord(chunk)) return null;
    const told = name === 'error' && !isRecord(chunk['error']) ? { error: chunk } : toldIn(chunk);
    const read = readStreamError(told);
    if (read === null) return null;
    const { message, type, status } = read;
    const error = isRecord(told['error']) ? told['error'] : { message, type, param: null, code: null };
    // Only that: beside it some vendors name the account.
    return { status, body: JSON.stringify({ error }) };
  },
};

/** What may tell an error of a chunk or an answer: itself, or the first choice that has one (OpenRouter). */
function toldIn(chunk: JsonRecord): JsonRecord {
  const { choices, error } = chunk;
  if (!Array.isArray(choices) || (error !== undefined && error !== null)) return chunk;
  return choices.filter(isRecord).find((choice) => isRecord(choice['error'])) ?? chunk;
}

/** Null where the chunk tells no error. */
export function readStreamError(chunk: JsonRecord): StreamError | null {
  const { error } = chunk;
  if (typeof error === 'string' && error !== '') return { message: error, type: 'error', status: 500 };
  if (isRecord(error)) return errorOf(error);
  // Mistral's error is the object itself.
  return chunk['object'] === 'error' ? errorOf(chunk) : null;
}

function errorOf(error: JsonRecord): StreamError {
  const code = error['code'];
  const type = textOf(error['type']) || textOf(code) || 'error';
  return {
    message: textOf(error['message']) || 'the provider told an error without a message',
    type,
    status:
      httpStatus(code) ?? httpStatus(error['status']) ?? httpStatus(error['raw_status_code']) ?? statusOf(type, code),
  };
}

/** OpenRouter's code is the status. */
function httpStatus(value: unknown): number | null {
  const status = typeof value === 'string' && /^\d{3}$/.test(value) ? Number(value) : value;
  return typeof status === 'number' && status >= 400 && status < 600 ? status : null;
}

const STATUSES: readonly (readonly [RegExp, number])[] = [
  [/rate_limit|quota|too_many|capacity/, 429],
  [/authentication|api_key/, 401],
  [/permission/, 403],
  [/not_found/, 404],
  [/invalid_request|context_length/, 400],
  [/overloaded|unavailable/, 503],
];

function statusOf(type: string, code: unknown): number {
  const words = `${type} ${textOf(code)}`.toLowerCase();
  return STATUSES.find(([word]) => word.test(words))?.[1] ?? 500;
}
