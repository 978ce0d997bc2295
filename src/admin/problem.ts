import { ERRORS } from '../errors.ts';
import type { ErrorCode } from '../errors.ts';

export interface ProblemOptions {
  readonly requestId: string;
  /** What is wrong in this case, where it says more than the title. */
  readonly detail?: string;
  /** Further members, for example the fields that failed validation. */
  readonly members?: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An error answer as RFC 9457 defines it; `code` is stable, `type` leads to its line in the reference. */
export function problemResponse(code: ErrorCode, options: ProblemOptions): Response {
  const { status, title } = ERRORS[code];
  const { requestId, detail = title, members = {}, headers = {} } = options;
  const body = { type: `/api/docs#error-${code}`, title, status, detail, code, requestId, ...members };
  return new Response(JSON.stringify(body), {
    status,
    headers: { 'content-type': 'application/problem+json', ...headers },
  });
}
