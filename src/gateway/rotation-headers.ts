import type { KeySecret } from '../keys/key-record.ts';

/**
 * Tells a caller that still sends an old secret that it was replaced (`Deprecation`, RFC 9745: a
 * structured date) and when it ends (`Sunset`, RFC 8594: an HTTP date).
 */
export function rotationHeaders({ retiringSinceMs, notAfterMs }: KeySecret): readonly string[] {
  const headers: string[] = [];
  if (retiringSinceMs !== undefined) headers.push('deprecation', `@${Math.floor(retiringSinceMs / 1000)}`);
  if (notAfterMs !== null) headers.push('sunset', new Date(notAfterMs).toUTCString());
  return headers;
}
