import type { RequestHead } from './request-head.ts';

/**
 * The caller's address: the socket's, or, behind proxies that the operator vouches for, the entry
 * that the outermost of them wrote into `X-Forwarded-For` (counted from the right: entries further
 * left are the caller's own words).
 */
export function clientAddress(socketAddress: string, head: RequestHead, trustedProxyHops: number): string {
  if (trustedProxyHops === 0 || head.forwardedFor === null) return socketAddress;
  const entry = head.forwardedFor.split(',').at(-trustedProxyHops)?.trim() ?? '';
  return entry === '' ? socketAddress : withoutMapping(entry);
}

/** Two letters, as proxies tell a country (ISO 3166-1); codes such as `XX` and `T1` mean that they do not know. */
const COUNTRY = /^[A-Z]{2}$/;

/** The caller's country, where a proxy that the operator vouches for tells it; null: unknown. */
export function clientCountry(headers: readonly string[], settings: CountrySettings): string | null {
  const { countryHeader, trustedProxyHops } = settings;
  if (countryHeader === null || trustedProxyHops === 0) return null;
  let found: string | null = null;
  for (let i = 0; i + 1 < headers.length; i += 2) {
    // Proxies append: of two lines the last one is theirs.
    if (headers[i] === countryHeader) found = headers[i + 1] ?? null;
  }
  const country = found?.trim().toUpperCase() ?? '';
  return COUNTRY.test(country) && country !== 'XX' ? country : null;
}

interface CountrySettings {
  readonly countryHeader: string | null;
  readonly trustedProxyHops: number;
}

/** An IPv4 address that arrived through an IPv6 socket is the IPv4 address. */
function withoutMapping(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;
}
