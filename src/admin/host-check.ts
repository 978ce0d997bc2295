import { isIP } from 'node:net';

/**
 * Whether a host name may be used for this server. A page of a stranger can make its own name point
 * to this machine (DNS rebinding), never an address: so plain addresses and `localhost` are taken,
 * other names only when an operator named them.
 */
export function isOwnHost(hostname: string, allowedNames: ReadonlySet<string>): boolean {
  const name = hostname.toLowerCase();
  const address = name.startsWith('[') ? name.slice(1, -1) : name;
  return isIP(address) !== 0 || name === 'localhost' || allowedNames.has(name);
}
