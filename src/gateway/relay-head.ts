import { warningText } from '../llm/warning-text.ts';
import type { Call } from './call.ts';
import { contentEncoding, headerValue } from './header-text.ts';
import type { Target } from './targets.ts';

/**
 * The head of a relayed answer: what the dialect allows of the provider's headers, and ours.
 * The call notes that its answer begins.
 * A provider's own rate-limit headers stay here: they speak of its credential, not of the caller's key.
 */
export function relayHead(call: Call, target: Target, status: number, upstreamHeaders: readonly string[]): string[] {
  call.status = status;
  call.firstByteAt = performance.now();
  const isTranslated = target.native === null && call.reading !== null;
  const told = isTranslated ? null : headerValue(upstreamHeaders, 'content-type');
  const headers = ['content-type', told ?? (call.eventStream ? 'text/event-stream' : 'application/json')];
  const encoding = contentEncoding(upstreamHeaders);
  if (encoding !== null) headers.push('content-encoding', encoding);
  headers.push('x-request-id', call.requestId);
  for (const text of target.answerHeaders) headers.push(text);
  headers.push('x-keyward-attempts', String(call.attempts));
  if (call.cache !== null) headers.push('x-keyward-cache', 'miss');
  // A stream tells its usage at its end, when its head is gone.
  if (call.costNanoUsd !== null) headers.push('x-keyward-cost-usd', usdText(call.costNanoUsd));
  for (const text of call.keyHeaders) headers.push(text);
  if (call.warnings.length > 0) headers.push('x-keyward-warnings', warningText(call.warnings));
  const allowed = isTranslated ? NONE : target.dialect.responseHeaders;
  for (let i = 0; i + 1 < upstreamHeaders.length; i += 2) {
    const name = upstreamHeaders[i] ?? '';
    if (allowed.includes(name)) headers.push(name, upstreamHeaders[i + 1] ?? '');
  }
  if (call.eventStream) headers.push('cache-control', 'no-cache');
  return headers;
}

const NONE: readonly string[] = [];

/** In plain digits: no exponent, which not every reader of a header knows. */
function usdText(nanoUsd: number): string {
  return (nanoUsd / 1e9).toFixed(9).replace(/\.?0+$/, '');
}
