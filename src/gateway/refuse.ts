import { ERRORS } from '../errors.ts';
import type { Call } from './call.ts';
import type { Gateway } from './gateway.ts';
import { publicForm } from './refusal.ts';
import type { Refusal } from './refusal.ts';

/** How long a refused caller may go on sending before the connection is closed on them. */
const LINGER_MS = 1000;
/** A body that is announced to be no longer than this is read to its end, and the connection kept. */
const DISCARDED_BYTES_MAX = 1_048_576;

/** Answers a call with an error in the caller's dialect, or breaks the answer off when it has begun. */
export function refuse(gateway: Gateway, call: Call, refused: Refusal): void {
  call.code = refused.code;
  const { res } = call;
  if (refused.code === 'client_closed' || call.clientGone || res.destroyed) {
    call.status = ERRORS.client_closed.status;
    res.destroy();
    return;
  }
  if (res.headersSent) {
    breakOff(call, refused);
    return;
  }
  answer(gateway, call, refused);
}

function answer(gateway: Gateway, call: Call, refused: Refusal): void {
  const { res } = call;
  const told = publicForm(refused);
  const body = refused.answer?.body ?? Buffer.from(call.dialect.errorBody({ ...told, requestId: call.requestId }));
  const contentType = refused.answer?.contentType ?? 'application/json';
  const headers = ['content-type', contentType, 'content-length', String(body.length), 'x-request-id', call.requestId];
  if (told.status === 401) headers.push('www-authenticate', 'Bearer'); // RFC 9110 §11.6.1
  if (refused.retryAfterMs !== null) pushRetryAfter(headers, refused.retryAfterMs);
  for (const text of refused.headers) headers.push(text);
  for (const text of call.limitHeaders) headers.push(text);
  for (const text of call.target?.answerHeaders ?? []) headers.push(text);
  call.status = told.status;
  call.firstByteAt = performance.now();
  call.responseBytes = body.length;
  const keep = call.bodyEnded || bodyIsShort(call);
  if (!keep || gateway.draining) headers.push('connection', 'close');
  res.writeHead(told.status, headers);
  if (keep) res.end(body);
  else endAfterReading(call, body);
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

function bodyIsShort(call: Call): boolean {
  const { head } = call;
  return head !== null && !head.chunked && head.contentLength <= DISCARDED_BYTES_MAX;
}

/**
 * The caller is still sending. Closing now could reset the connection before they have read the
 * answer (RFC 9112 §9.6), so what they send is read and dropped for a while first.
 */
function endAfterReading(call: Call, body: Buffer): void {
  const { req, res } = call;
  res.write(body);
  const timer = setTimeout(() => {
    res.end();
    req.destroy();
  }, LINGER_MS);
  const end = () => {
    clearTimeout(timer);
    res.end();
  };
  req.once('end', end);
  req.once('close', end);
  req.resume();
}

/** An event stream can still say what happened, in its dialect's form; anything else can only be cut. */
function breakOff(call: Call, refused: Refusal): void {
  const { res } = call;
  if (call.eventStream) {
    const told = publicForm(refused);
    res.end(call.dialect.errorEvent({ ...told, requestId: call.requestId }));
  } else {
    res.destroy();
  }
}
