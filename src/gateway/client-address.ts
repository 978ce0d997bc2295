import type { IncomingMessage } from 'node:http';

/**
 * The caller's address: the socket's, or, behind proxies that the operator vouches for, the entry
 * that the outermost of them wrote into `X-Forwarded-For` (counted from the right: entries further
 * left are the caller's own words).
 */
export function clientAddress(req: IncomingMessage, trustedProxyHops: number): string {
  const own = plainAddress(req.socket.remoteAddress ?? '');
  if (trustedProxyHops === 0) return own;
  const forwarded = req.headers['x-forwarded-for'];
  const entries = (Array.isArray(forwarded) ? forwarded.join(',') : (forwarded ?? '')).split(',');
  const entry = entries.at(-trustedProxyHops)?.trim() ?? '';
  return entry === '' ? own : plainAddress(entry);
}

/** An IPv4 address that arrived through an IPv6 socket is the IPv4 address. */
function plainAddress(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;
}
