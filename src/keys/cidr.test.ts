import fc from 'fast-check';
import { BlockList, isIP } from 'node:net';
import { describe, expect, test } from 'vitest';
import type { Cidr } from './cidr.ts';
import { isAddressIn, parseCidr } from './cidr.ts';

function block(text: string): Cidr {
  const parsed = parseCidr(text);
  if (!parsed.ok) throw new Error(`${text}: ${parsed.reason}`);
  return parsed.cidr;
}
const isIn = (cidr: string, address: string): boolean | null => isAddressIn([block(cidr)], address);

describe('an address', () => {
  test('v4 is in the blocks that Node says it is in', () => {
    fc.assert(
      fc.property(fc.ipV4(), fc.ipV4(), fc.nat(32), (base, address, bits) => {
        const list = new BlockList();
        list.addSubnet(base, bits);
        const network = networkOf(base, bits);
        expect(isIn(`${network}/${bits}`, address)).toBe(list.check(address));
        expect(isIn(`${network}/${bits}`, base)).toBe(true);
        expect(isIn(`${network}/${bits}`, `::ffff:${base}`)).toBe(true);
      }),
    );
  });

  test('v6 in any way of writing it is in its own block of one, and has the prefix that Node gives it', () => {
    fc.assert(
      fc.property(fc.ipV6(), fc.ipV6(), (mine, other) => {
        const list = new BlockList();
        list.addAddress(mine, 'ipv6');
        expect(isIn(mine, mine)).toBe(true);
        expect(isIn(mine, mine.toUpperCase())).toBe(true);
        expect(isIn(mine, other)).toBe(list.check(other, 'ipv6'));
      }),
    );
  });

  test.each([
    ['2001:db8::/32', '2001:db8:ffff::1', true],
    ['2001:db8::/32', '2001:db9::1', false],
    ['2001:db8:0:4000::/50', '2001:db8:0:7fff::1', true],
    ['2001:db8:0:4000::/50', '2001:db8:0:8000::1', false],
    ['::1', '0:0:0:0:0:0:0:1', true],
    ['fe80::/10', 'fe80::1%eth0', true],
    ['10.0.0.0/8', '::ffff:10.1.2.3', true],
    ['10.0.0.0/8', '::FFFF:10.1.2.3', true],
    ['10.0.0.0/8', '0:0:0:0:0:ffff:a01:203', true],
    ['10.0.0.0/8', '::10.1.2.3', false],
    ['::ffff:10.0.0.0/104', '10.1.2.3', true],
    ['::/0', '10.1.2.3', false],
    ['::/0', '::ffff:10.1.2.3', false],
    ['::/0', '2001:db8::1', true],
    ['0.0.0.0/0', '255.255.255.255', true],
    ['0.0.0.0/0', '::1', false],
    ['64:ff9b::/96', '64:ff9b::192.0.2.33', true],
  ])('%s holds %s: %s', (cidr, address, expected) => {
    expect(isIn(cidr, address)).toBe(expected);
  });

  test('is read exactly where Node reads one', () => {
    const text = fc.oneof(
      fc.ipV4(),
      fc.ipV6(),
      fc.string({ unit: fc.constantFrom('0', '1', 'f', '255', ':', '::', '.', 'g', 'ffff'), maxLength: 16 }),
    );
    fc.assert(
      fc.property(text, (address) => {
        expect(isAddressIn([], address) !== null).toBe(isIP(address) !== 0);
      }),
      { numRuns: 5000 },
    );
  });
});

test.each([
  '',
  '/',
  '10.0.0.0/',
  '10.0.0.0/33',
  '10.0.0.0/08',
  '10.0.0.0/-1',
  '10.0.0/8',
  '010.0.0.0/8',
  '10.0.0.1/8',
  '1.2.3.4/0',
  '2001:db8::1/32',
  '::/129',
  ':::',
  '1::2::3',
  '::ffff:10.0.0.1/104',
  'fe80::1%eth0',
  'localhost',
  '10.0.0.0/8/8',
  ' 10.0.0.0/8',
])('the block %j is refused', (text) => {
  const parsed = parseCidr(text);
  expect(parsed.ok ? null : parsed.reason).toBeTypeOf('string');
});

function networkOf(base: string, bits: number): string {
  const value = base.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  const kept = bits === 0 ? 0 : Math.floor(value / 2 ** (32 - bits)) * 2 ** (32 - bits);
  return [24, 16, 8, 0].map((shift) => Math.floor(kept / 2 ** shift) % 256).join('.');
}
