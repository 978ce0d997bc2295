import { refusal } from './refusal.ts';
import type { Refusal } from './refusal.ts';
import type { RequestHead } from './request-head.ts';

/**
 * The one credential that a request carries. The same key sent in two headers is fine (some SDKs
 * do that); two different ones are refused, since programs would differ about which counts.
 */
export function findCredential(head: RequestHead, allowKeyInQuery: boolean): string | Refusal {
  let found = bearer(head.authorization);
  for (const candidate of [head.xApiKey, head.apiKey, head.xGoogApiKey]) {
    if (candidate === null || candidate === '' || candidate === found) continue;
    if (found !== null) return refusal('multiple_credentials');
    found = candidate;
  }
  const inQuery = head.query === '' ? null : queryKey(head.query);
  if (inQuery !== null) {
    if (!allowKeyInQuery) return refusal('credential_in_query');
    if (found !== null && found !== inQuery) return refusal('multiple_credentials');
    found = inQuery;
  }
  return found ?? refusal('missing_credential');
}

/** RFC 6750 §2.1; the scheme's case does not matter (RFC 9110 §11.1). */
function bearer(authorization: string | null): string | null {
  if (authorization === null || authorization.length < 8) return null;
  if (authorization.startsWith('Bearer ')) return authorization.slice(7).trim();
  return authorization.slice(0, 7).toLowerCase() === 'bearer ' ? authorization.slice(7).trim() : null;
}

function queryKey(query: string): string | null {
  if (!query.includes('key=')) return null;
  for (const pair of query.split('&')) {
    if (pair.startsWith('key=')) return pair.slice(4);
  }
  return null;
}
