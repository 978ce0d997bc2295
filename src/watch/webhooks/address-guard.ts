import { isIP } from 'node:net';
import { hostOf, isPublicAddress } from '../../lib/public-address.ts';

/** Says why a URL cannot be a webhook's, as the end of a sentence; null when it can. Names are judged when they are looked up. */
export function urlProblem(text: string, allowPrivate: boolean): string | null {
  const url = URL.parse(text);
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:')) return 'must be an https URL';
  if (url.username !== '' || url.password !== '') return 'must not hold a user name or a password';
  if (url.hash !== '') return 'must not hold a fragment';
  if (allowPrivate) return null;
  if (url.protocol !== 'https:') return 'must be an https URL, unless webhooks.allowPrivate is set in keyward.yaml';
  const host = hostOf(url);
  if (isIP(host) === 0 || isPublicAddress(host)) return null;
  return 'names an address that is not of the public internet; an operator can allow it: webhooks.allowPrivate in keyward.yaml';
}
