import type { ToldError } from '../llm/dialect.ts';
import { firstOf, parsedOrUndefined, recordOf } from '../llm/record.ts';
import { readProviderError } from '../routing/provider-error.ts';
import type { Call } from './call.ts';
import { contentEncoding, headerValue } from './header-text.ts';
import { passableError, passableOwnError } from './passable-error.ts';
import { failureOf, refusal } from './refusal.ts';
import type { ProviderAnswer, Refusal } from './refusal.ts';
import type { UpstreamFailure } from './upstream.ts';
import { sentCredential } from './seat.ts';
import { upstreamHeaders } from './upstream-headers.ts';
import { withoutAccounts } from './without-secrets.ts';

/**
 * What an error answer of a provider means for the caller. A provider's 401 never becomes the
 * caller's: their key is right, ours is wrong. Errors about the request itself pass on with the
 * provider's own words, since the dialect is the same on both sides; all others are told in ours,
 * because they may name accounts and hosts that are no business of the caller's.
 */
export function classifyAnswer(call: Call, status: number, headers: readonly string[], body: Buffer): Refusal {
  const model = call.target?.model ?? null;
  const failure = { status, ...readProviderError({ status, headers, body, model, nowMs: call.startedAtMs }) };
  const { kind, retryAfterMs } = failure;
  call.upstreamCode = failure.code ?? failure.type;
  const upstream = { failure, headers: upstreamHeaders(call, status) };
  if (status < 400) {
    const message = 'The provider answered with a redirect, which is not followed.';
    return refusal('provider_answer_invalid', { message, ...upstream });
  }
  switch (kind) {
    case 'rejected_credential':
      return refusal('credential_rejected', upstream);
    case 'rate_limited':
    case 'quota_exhausted':
      return refusal('provider_quota', { retryAfterMs, ...upstream });
    case 'timeout':
      return refusal('provider_timeout', upstream);
    case 'overloaded':
      return refusal('provider_unavailable', { status: 503, retryAfterMs, ...upstream });
    case 'unavailable':
      return refusal('provider_unavailable', { status: 502, retryAfterMs, ...upstream });
    case 'forbidden':
    case 'not_found':
    case 'bad_request':
    case 'context_too_long':
    case 'content_filtered':
      break;
  }
  if (call.target?.native === null && call.reading !== null) {
    const message = providerMessage(call, body);
    return refusal('provider_refused', { status, ...upstream, ...(message !== null && { message }) });
  }
  return refusal('provider_refused', { status, ...upstream, answer: passable(call, headers, body) });
}

/** An error that a stream began with: as if the answer had come with its status. */
export function classifyTold(call: Call, { status, body }: ToldError, headers: readonly string[]): Refusal {
  call.upstreamStatus = status;
  return classifyAnswer(call, status, ['content-type', 'application/json', ...headers], Buffer.from(body));
}

const MESSAGE_LENGTH_MAX = 1000;

/** The provider's own sentence, wherever its dialect keeps it: the caller gets it in theirs. */
function providerMessage(call: Call, body: Buffer): string | null {
  const answer = recordOf(firstOf(parsedOrUndefined(body.toString('utf8'))));
  const found = [recordOf(answer['error'])['message'], answer['message'], answer['detail'], answer['error']];
  const text = found.find((each) => typeof each === 'string' && each !== '');
  return typeof text === 'string' ? withoutAccounts(text, sentCredential(call)).slice(0, MESSAGE_LENGTH_MAX) : null;
}

export function classifyFailure(failure: UpstreamFailure): Refusal {
  switch (failure.kind) {
    case 'connect_failed':
    case 'closed_early':
      return refusal('provider_unavailable', { failure: failureOf('unavailable') });
    case 'connect_timeout':
    case 'first_byte_timeout':
    case 'idle_timeout':
      return refusal('provider_timeout', { failure: failureOf('timeout') });
    case 'invalid_answer':
    case 'answer_too_large':
    case 'headers_too_large':
      return refusal('provider_answer_invalid', { failure: failureOf('unavailable') });
    case 'too_many_connections':
      return refusal('overloaded', { retryAfterMs: 1000 });
  }
}

/**
 * A provider's own error body: of a model call what its dialect says, where it is plain JSON, for an
 * error page of something in between is not passed on; of its own API any text, without what is to be
 * cleaned. What a masked call gets is its provider's business: nobody here knows it.
 */
function passable(call: Call, headers: readonly string[], body: Buffer): ProviderAnswer | null {
  if (body.length === 0) return null;
  const type = headerValue(headers, 'content-type') ?? '';
  const encoding = contentEncoding(headers);
  if (call.reading === null && call.seat === null) {
    return { headers: ['content-type', type, ...(encoding === null ? [] : ['content-encoding', encoding])], body };
  }
  if (encoding !== null) return null;
  const isJson = /^application\/(?:[\w.-]+\+)?json/i.test(type);
  let told: Buffer | null = null;
  if (call.reading === null) told = passableOwnError(body, isJson, sentCredential(call));
  else if (isJson) told = passableError(body, sentCredential(call));
  return told === null ? null : { headers: ['content-type', type], body: told };
}
