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

/** An IPv4 address that arrived through an IPv6 socket is the IPv4 address. */
function withoutMapping(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;
}
