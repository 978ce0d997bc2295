import { findCredential } from '../gateway/find-credential.ts';
import { refusal } from '../gateway/refusal.ts';
import type { Refusal } from '../gateway/refusal.ts';
import type { RequestHead } from '../gateway/request-head.ts';
import type { OwnPrefix } from './own-prefix.ts';

/**
 * The one key that a request carries: in the headers that the product takes it from, or wherever the
 * provider's own client puts its key, because of an unknown provider nobody knows that header.
 */
export function findMaskedKey(
  head: RequestHead,
  headers: readonly string[],
  prefix: OwnPrefix,
  allowKeyInQuery: boolean,
): string | Refusal {
  const usual = findCredential(head, allowKeyInQuery);
  if (typeof usual === 'string' || usual.code !== 'missing_credential') return usual;
  let found: string | null = null;
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const value = headers[i + 1] ?? '';
    // Behind a scheme, as in `Token kwk_…`, or alone.
    const candidate = value.slice(value.lastIndexOf(' ') + 1);
    if (!prefix.startsKey(candidate) || candidate === found) continue;
    if (found !== null) return refusal('multiple_credentials');
    found = candidate;
  }
  return found ?? usual;
}
