/** Types of errors and the HTTP status of each (https://docs.claude.com/en/api/errors). */
const STATUSES: ReadonlyMap<string, number> = new Map([
  ['invalid_request_error', 400],
  ['authentication_error', 401],
  ['billing_error', 402],
  ['permission_error', 403],
  ['not_found_error', 404],
  ['conflict_error', 409],
  ['request_too_large', 413],
  ['rate_limit_error', 429],
  ['timeout_error', 504],
  ['overloaded_error', 529],
]);

/** The status that an error of this type has. */
export function errorStatus(type: string): number {
  return STATUSES.get(type) ?? 500;
}
