/**
 * The network that a caller's address stands for where callers are counted: /24 for v4, /64 for v6,
 * since whoever has one address of it usually has them all.
 */

const GROUPS_OF_64_BITS = 4;

/** Equal for addresses of one network. Takes the text of an address; another text stands for itself. */
export function networkOf(address: string): string {
  if (address.includes('.')) return address.slice(address.lastIndexOf(':') + 1, address.lastIndexOf('.'));
  const gap = address.indexOf('::');
  if (gap < 0) return groupsOf(address).slice(0, GROUPS_OF_64_BITS).join(':');
  const head = groupsOf(address.slice(0, gap));
  const tail = groupsOf(address.slice(gap + 2));
  // `::` stands for as many groups of zero as are missing from eight (RFC 4291 §2.2).
  const zeros = Array<string>(Math.max(0, 8 - head.length - tail.length)).fill('0');
  return [...head, ...zeros, ...tail].slice(0, GROUPS_OF_64_BITS).join(':');
}

/** In one spelling each. No address has more than eight. */
function groupsOf(text: string): readonly string[] {
  if (text === '') return [];
  return text.split(':', 8).map((group) => group.replace(/^0+(?=.)/, '').toLowerCase());
}
