import { expect, test } from 'vitest';
import { networkOf } from './client-network.ts';

test.each([
  ['192.0.2.1', '192.0.2.254'],
  ['::ffff:192.0.2.1', '192.0.2.7'],
  ['2001:db8::1', '2001:db8::ffff:1'],
  ['2001:db8::1', '2001:db8:0:0:5:6:7:8'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::9'],
  ['2001:db8:0:0:1::', '2001:0DB8::1'],
  ['fe80::1', 'fe80::2'],
  ['::1', '::2'],
])('%s and %s are of one network', (one, other) => {
  expect(networkOf(one)).toBe(networkOf(other));
});

test.each([
  ['192.0.2.1', '192.0.3.1'],
  ['2001:db8::1', '2001:db8:0:1::1'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:3:3:4:5:6'],
  ['::1', '0:0:0:1::1'],
])('%s and %s are not', (one, other) => {
  expect(networkOf(one)).not.toBe(networkOf(other));
});

test('any text is taken', () => {
  for (const text of ['', ':', '::', ':::', '.', 'unknown', 'a'.repeat(1000)])
    expect(typeof networkOf(text)).toBe('string');
});
