/** Keys that nobody was given, yet well-formed, so that only knowledge of stored keys tells them from real ones. */
import { encodeBase62 } from '../src/keys/base62.ts';
import { crc32 } from '../src/keys/crc32.ts';
import { generateKey } from '../src/keys/format.ts';

/** A well-formed key whose id does not exist. */
export function unknownKey(): string {
  return generateKey({ type: 'kwk', environment: 'live' }).text;
}

/** The id of a real key with a secret of one's own and a right checksum. */
export function withWrongSecret(kid: string, environment: 'live' | 'test' = 'live'): string {
  const { secret } = generateKey({ type: 'kwk', environment });
  const body = `kwk_${environment}_${kid}_${secret}`;
  return `${body}_${encodeBase62(crc32(body), 6)}`;
}

/** A real key's id and secret under another environment, with a right checksum. */
export function inOtherEnvironment(key: string): string {
  const body = key.slice(0, key.lastIndexOf('_')).replace('kwk_live_', 'kwk_test_');
  return `${body}_${encodeBase62(crc32(body), 6)}`;
}
