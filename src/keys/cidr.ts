/**
 * Network addresses and blocks, v4 and v6, in the text forms of RFC 4632 §3.1 and RFC 4291 §2.2 and
 * §2.3. A v4-mapped v6 address (`::ffff:192.0.2.1`, what a dual-stack socket reports) is its v4 address.
 */

/** A block of addresses. `::/0` holds every v6 address and no v4 one. */
export interface Cidr {
  readonly isV4: boolean;
  /** The block's address as four 32-bit words; a v4 address stands in its mapped form. */
  readonly words: readonly [number, number, number, number];
  /** Length of the prefix in the 128-bit form: for v4 at least 96. */
  readonly prefixBits: number;
}

export type ParsedCidr = { readonly ok: true; readonly cidr: Cidr } | { readonly ok: false; readonly reason: string };

/** `192.0.2.0/24`, `2001:db8::/32`, or one address. Bits set behind the prefix are refused: they hide a mistake. */
export function parseCidr(text: string): ParsedCidr {
  const slash = text.indexOf('/');
  const address = slash < 0 ? text : text.slice(0, slash);
  if (!readAddress(address))
    return { ok: false, reason: 'not an IPv4 or IPv6 address or block, such as 192.0.2.0/24 or 2001:db8::/32' };
  const dotted = !address.includes(':');
  const bitsMax = dotted ? 32 : 128;
  const bits = slash < 0 ? bitsMax : readPrefixLength(text.slice(slash + 1), bitsMax);
  if (bits === null) return { ok: false, reason: `the prefix length must be a number from 0 to ${bitsMax}` };

  const prefixBits = dotted ? bits + 96 : bits;
  const words = [word(0), word(1), word(2), word(3)] as const;
  if (words.some((value, i) => (value & ~maskOf(prefixBits, i)) !== 0)) {
    return { ok: false, reason: 'there are bits set behind the prefix: write the first address of the block' };
  }
  return { ok: true, cidr: { isV4: isMapped() && prefixBits >= 96, words, prefixBits } };
}

/** Whether an address is in any of the blocks; `null` when the text is no address. Allocates nothing. */
export function isAddressIn(blocks: readonly Cidr[], address: string): boolean | null {
  const zone = address.indexOf('%'); // RFC 4007 §11: the zone says which interface, not who
  if (!readAddress(address, zone < 0 ? address.length : zone)) return null;
  const isV4 = isMapped();
  for (const block of blocks) {
    if (block.isV4 === isV4 && holdsScratch(block)) return true;
  }
  return false;
}

/** The address read last. One thread reads one address at a time, to its end. */
const scratch = new Uint32Array(4);
const V4_MAPPED_WORD = 0xffff;

function word(i: number): number {
  return scratch[i] ?? 0;
}

function isMapped(): boolean {
  return word(0) === 0 && word(1) === 0 && word(2) === V4_MAPPED_WORD;
}

function holdsScratch(block: Cidr): boolean {
  for (let i = 0; i < 4; i += 1) {
    if (((word(i) ^ (block.words[i] ?? 0)) & maskOf(block.prefixBits, i)) !== 0) return false;
  }
  return true;
}

/** The mask of one of the four words. */
function maskOf(prefixBits: number, i: number): number {
  const bits = prefixBits - i * 32;
  if (bits <= 0) return 0;
  return bits >= 32 ? -1 : -1 << (32 - bits);
}

function readPrefixLength(text: string, max: number): number | null {
  if (!/^(0|[1-9][0-9]{0,2})$/.test(text)) return null;
  const bits = Number(text);
  return bits <= max ? bits : null;
}

const ADDRESS_LENGTH_MAX = 45;
/** The form in which dual-stack sockets report v4 callers: read by the short way. */
const MAPPED_PREFIX = '::ffff:';

/** Reads the first `end` characters into {@link scratch}. */
function readAddress(text: string, end: number = text.length): boolean {
  if (end === 0 || end > ADDRESS_LENGTH_MAX) return false;
  scratch.fill(0);
  const colon = text.indexOf(':');
  const isMappedText = text.startsWith(MAPPED_PREFIX) && hasDot(text, MAPPED_PREFIX.length, end);
  if (colon >= 0 && colon < end && !isMappedText) return readV6(text, end);
  scratch[2] = V4_MAPPED_WORD;
  return readV4(text, isMappedText ? MAPPED_PREFIX.length : 0, end);
}

/** Four decimal parts without leading zeros, which some readers take as octal. Writes the last word. */
function readV4(text: string, start: number, end: number): boolean {
  let address = 0;
  let parts = 0;
  let part = -1;
  for (let i = start; i <= end; i += 1) {
    const code = i === end ? DOT : text.charCodeAt(i);
    if (code === DOT) {
      if (part < 0) return false;
      address = address * 256 + part;
      parts += 1;
      part = -1;
    } else {
      if (code < 0x30 || code > 0x39 || part === 0) return false;
      part = Math.max(part, 0) * 10 + (code - 0x30);
      if (part > 255) return false;
    }
  }
  if (parts !== 4) return false;
  scratch[3] = address;
  return true;
}

const DOT = 0x2e;
const COLON = 0x3a;

/** The groups before `::` go to the front as they come, those behind it are moved to the end at last. */
function readV6(text: string, end: number): boolean {
  let groups = 0;
  let gapAt = -1;
  let i = 0;
  if (text.charCodeAt(0) === COLON) {
    if (text.charCodeAt(1) !== COLON || end < 2) return false;
    gapAt = 0;
    i = 2;
  }
  while (i < end) {
    const groupEnd = indexOfColon(text, i, end);
    if (groupEnd === end && hasDot(text, i, end))
      return groups <= 6 && readV4(text, i, end) && placeGroups(groups, gapAt, 6);
    if (groups === 8 || !readGroup(text, i, groupEnd, groups)) return false;
    groups += 1;
    if (groupEnd === end) break;
    i = groupEnd + 1;
    if (i === end) return false;
    if (text.charCodeAt(i) === COLON) {
      if (gapAt >= 0) return false;
      gapAt = groups;
      i += 1;
    }
  }
  return placeGroups(groups, gapAt, 8);
}

/** The groups read so far, 16 bits each. */
const groupScratch = new Uint16Array(8);

function readGroup(text: string, start: number, end: number, group: number): boolean {
  if (end === start || end - start > 4) return false;
  let value = 0;
  for (let i = start; i < end; i += 1) {
    const digit = hexDigit(text.charCodeAt(i));
    if (digit < 0) return false;
    value = value * 16 + digit;
  }
  groupScratch[group] = value;
  return true;
}

/** Lays the groups out over `room` groups, with zeros in the gap, which stands for at least one (RFC 4291 §2.2). */
function placeGroups(groups: number, gapAt: number, room: number): boolean {
  if (gapAt < 0 ? groups !== room : groups >= room) return false;
  for (let group = 0; group < groups; group += 1) {
    const place = gapAt >= 0 && group >= gapAt ? room - groups + group : group;
    const shift = place % 2 === 0 ? 16 : 0;
    scratch[place >> 1] = word(place >> 1) | ((groupScratch[group] ?? 0) << shift);
  }
  return true;
}

function indexOfColon(text: string, start: number, end: number): number {
  const at = text.indexOf(':', start);
  return at < 0 || at > end ? end : at;
}

function hasDot(text: string, start: number, end: number): boolean {
  const at = text.indexOf('.', start);
  return at >= 0 && at < end;
}

function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}
