import type { KeySecret } from '../keys/key-record.ts';
import { acceptedUntilMs } from '../keys/rotate.ts';

/**
 * Tells a caller that still sends an old secret that it was replaced (`Deprecation`, RFC 9745: a
 * structured date) and when it ends (`Sunset`, RFC 8594: an HTTP date), which is with the key at the latest.
 */
export function rotationHeaders(secret: KeySecret, expiresAtMs: number | null): readonly string[] {
  const { retiringSinceMs } = secret;
  const endMs = acceptedUntilMs(secret, expiresAtMs);
  const headers: string[] = [];
  if (retiringSinceMs !== undefined) headers.push('deprecation', `@${Math.floor(retiringSinceMs / 1000)}`);
  if (endMs !== null) headers.push('sunset', new Date(endMs).toUTCString());
  return headers;
}
