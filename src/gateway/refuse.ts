import { ERRORS } from '../errors.ts';
import type { Call } from './call.ts';
import { publicForm } from './refusal.ts';
import type { Refusal } from './refusal.ts';

/** Answers a call with an error in the caller's dialect, or breaks the answer off when it has begun. */
export function refuse(call: Call, refused: Refusal): void {
  const { inbound } = call;
  call.code = refused.code;
  if (refused.code === 'client_closed' || inbound.gone) {
    call.status = ERRORS.client_closed.status;
    inbound.destroy();
  } else if (inbound.answered) {
    breakOff(call, refused);
  } else {
    answer(call, refused);
  }
}

const OUR_TYPE = ['content-type', 'application/json'] as const;

function answer(call: Call, refused: Refusal): void {
  const told = publicForm(refused);
  const body = refused.answer?.body ?? Buffer.from(call.dialect.errorBody({ ...told, requestId: call.requestId }));
  const headers = [...(refused.answer?.headers ?? OUR_TYPE), 'x-request-id', call.requestId];
  if (told.status === 401) headers.push('www-authenticate', 'Bearer'); // RFC 9110 §11.6.1
  if (refused.retryAfterMs !== null) pushRetryAfter(headers, refused.retryAfterMs);
  if (!isWorthRetrying(call, refused)) headers.push('x-should-retry', 'false');
  if (call.attempts > 0) headers.push('x-keyward-attempts', String(call.attempts));
  for (const text of refused.headers) headers.push(text);
  for (const text of call.keyHeaders) headers.push(text);
  for (const text of call.target?.answerHeaders ?? []) headers.push(text);
  call.status = told.status;
  call.firstByteAt = performance.now();
  call.responseBytes = body.length;
  call.inbound.respond(told.status, headers, body);
}

/**
 * The official SDKs try 408, 409, 429 and 5xx again unless this header forbids it: in vain where a
 * limit is one that no waiting lifts, and as a multiple of the load where we have tried again already.
 */
function isWorthRetrying(call: Call, refused: Refusal): boolean {
  if (call.attempts > 1) return false;
  return refused.retryAfterMs !== null || ERRORS[refused.code].group !== 'quota';
}

/**
 * Tells seconds rounded up, so that nobody comes back too early (RFC 9110 §10.2.3), and the exact
 * milliseconds in the header that the official SDKs of two vendors read first.
 */
function pushRetryAfter(headers: string[], retryAfterMs: number): void {
  headers.push(
    'retry-after',
    String(Math.ceil(retryAfterMs / 1000)),
    'retry-after-ms',
    String(Math.ceil(retryAfterMs)),
  );
}

/** An event stream can still say what happened, in its dialect's form; anything else can only be cut. */
function breakOff(call: Call, refused: Refusal): void {
  const { inbound } = call;
  if (!call.eventStream) {
    inbound.destroy();
    return;
  }
  const told = publicForm(refused);
  const error = { ...told, requestId: call.requestId };
  const text = call.failStream?.(error) ?? call.dialect.errorEvent(error);
  if (text !== '') inbound.write(Buffer.from(text));
  inbound.end();
}
