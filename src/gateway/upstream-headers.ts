import type { Call } from './call.ts';
import { sentCredential } from './seat.ts';
import { withoutAccounts } from './without-secrets.ts';

/** Words, each further one with a capital: `Throttling.RateQuota` is one, a host is not. */
const CODE = /^(?=.{1,64}$)\w[\w-]*(?:\.[A-Z][\w-]*)*$/;
const REQUEST_ID = /^[\w-]{1,128}$/;

/**
 * What the provider itself said, beside an error in the form and the words of the caller's dialect.
 * Headers, for these every client tolerates. What has not the form of a code or an id is left out.
 */
export function upstreamHeaders(call: Call, status: number): readonly string[] {
  const { upstreamCode: code, upstreamRequestId: id } = call;
  const credential = sentCredential(call);
  const headers = ['x-keyward-upstream-status', String(status)];
  if (isTellable(code, CODE, credential)) headers.push('x-keyward-upstream-code', code);
  if (isTellable(id, REQUEST_ID, credential)) headers.push('x-keyward-upstream-request-id', id);
  return headers;
}

function isTellable(text: string | null, form: RegExp, credential: string): text is string {
  return text !== null && form.test(text) && withoutAccounts(text, credential) === text;
}
