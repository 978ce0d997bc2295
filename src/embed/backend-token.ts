import { AppError } from '../errors.ts';
import { fingerprintOf, generateKey, parseKey } from '../keys/format.ts';
import type { SecretHasher } from '../keys/secret-hash.ts';
import type { AuditEntry } from './audit-entry.ts';
import type { BackendTokenRow, KeywardStorage } from './storage-port.ts';

/** By what the backend proves that it is the backend. */
export interface BackendToken {
  /** In clear when it was issued just now, by this start; null otherwise: it cannot be read again. */
  readonly issued: string | null;
  /** The fingerprint of the token, or null when the text is not it. */
  prove(text: string): string | null;
  /** Issues a new one; the one of before ends at once. */
  renew(): Promise<string>;
}

export interface BackendTokenOptions {
  readonly storage: Pick<KeywardStorage, 'getBackendToken' | 'setBackendToken'>;
  readonly hasher: SecretHasher;
  readonly audit: (action: string, targetKind: string, targetId: string) => AuditEntry;
  readonly nowMs: () => number;
}

export async function openBackendToken(options: BackendTokenOptions): Promise<BackendToken> {
  const { storage, hasher, audit, nowMs } = options;
  let row: BackendTokenRow | null = await storage.getBackendToken();

  const issue = async (): Promise<string> => {
    const { text, kid, secret } = generateKey({ type: 'kwa', environment: 'live' });
    const next = { kid, ...hasher.hash(secret), createdAtMs: nowMs() };
    await storage.setBackendToken(next, audit('backend-token.issue', 'backend-token', kid));
    row = next;
    return text;
  };
  const issued = row === null ? await issue() : null;

  return {
    issued,
    prove: (text) => {
      if (row === null) throw new AppError('internal_error');
      const parsed = parseKey(text, ['kwa']);
      if (!parsed.ok) return null;
      // The work is the same whichever part is wrong.
      const isSame = hasher.matches(parsed.secret, row) && parsed.kid === row.kid;
      return isSame ? fingerprintOf(parsed) : null;
    },
    renew: issue,
  };
}
