import { isIPv4, isIPv6 } from 'node:net';

const AGENT_LENGTH_MAX = 48;

/**
 * The network that an address is in: enough to find a deployment by, and less than a person's
 * address. /24 of IPv4, /64 of IPv6; empty for what is no address.
 */
export function callerNetwork(address: string): string {
  const plain = address.startsWith('::ffff:') && isIPv4(address.slice(7)) ? address.slice(7) : address;
  if (isIPv4(plain)) return `${plain.slice(0, plain.lastIndexOf('.'))}.0/24`;
  if (!isIPv6(plain)) return '';
  const groups = firstGroups(plain.split('%')[0] ?? '');
  return `${groups.join(':')}::/64`;
}

/** The product that a user agent begins with, such as `OpenAI/Python` or `curl/8.5.0`. */
export function agentProduct(userAgent: string | null): string {
  const product = /^[A-Za-z0-9._/+-]+/.exec(userAgent ?? '')?.[0] ?? '';
  return product.slice(0, AGENT_LENGTH_MAX);
}

/** The four groups of the network part, without leading zeros. */
function firstGroups(address: string): readonly string[] {
  const [head = '', tail] = address.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  // An IPv4 tail stands for two groups, which are never among the first four.
  const rightLength = right.length + (right.at(-1)?.includes('.') === true ? 1 : 0);
  const zeros = tail === undefined ? 0 : 8 - left.length - rightLength;
  const all = [...left, ...Array.from({ length: Math.max(0, zeros) }, () => '0'), ...right];
  return all.slice(0, 4).map((group) => group.toLowerCase().replace(/^0+(?=.)/, ''));
}
