import { createHmac, hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto';
import { encodeBase62 } from '../keys/base62.ts';
import { crc32 } from '../keys/crc32.ts';
import { fingerprintOf } from '../keys/format.ts';
import type { TokenVerifier } from './ports.ts';
import type { Principal } from './rbac.ts';

const LOCAL_TOKEN_INFO = 'keyward local operator token v1';
const KID_LENGTH = 12;
const SECRET_LENGTH = 43;
/** Bytes from here on are skipped: 248 = 4 × 62, so what is below has no bias modulo 62. */
const UNBIASED_BYTE_END = 248;

export interface AdminToken {
  readonly text: string;
  readonly principal: Principal;
}

export interface TokenSources {
  /** KEYWARD_ADMIN_TOKEN, for automation. */
  readonly bootstrapToken?: string;
  /** Whoever can read it can read everything: the local operator's token is derived from it. */
  readonly masterKey?: Uint8Array;
}

/** The tokens that exist without any set-up; both may do everything. */
export function builtInTokens({ bootstrapToken, masterKey }: TokenSources): readonly AdminToken[] {
  const permissions: Principal['permissions'] = new Set(['*'] as const);
  const tokens: AdminToken[] = [];
  if (bootstrapToken) tokens.push({ text: bootstrapToken, principal: { actor: 'token:bootstrap', permissions } });
  if (masterKey) tokens.push({ text: deriveLocalToken(masterKey), principal: { actor: 'token:local', permissions } });
  return tokens;
}

/**
 * Compares digests under a key of this process, always all of them, so that time tells neither
 * how much of a token was right nor which one it was nearest to.
 */
export function createTokenVerifier(tokens: readonly AdminToken[]): TokenVerifier {
  const key = randomBytes(32);
  const digest = (text: string): Buffer => createHmac('sha256', key).update(text).digest();
  const known = tokens.map(({ text, principal }) => ({ digest: digest(text), principal }));
  return {
    verify: async (text) => {
      const sent = digest(text);
      const matches = known.filter((token) => timingSafeEqual(token.digest, sent));
      return matches[0]?.principal ?? null;
    },
  };
}

/** The token by which the CLI, on the same machine and able to read the master key, needs no set-up. */
export function deriveLocalToken(masterKey: Uint8Array): string {
  const bytes = new Uint8Array(hkdfSync('sha256', masterKey, new Uint8Array(), LOCAL_TOKEN_INFO, 256));
  const letters = Array.from(bytes)
    .filter((byte) => byte < UNBIASED_BYTE_END)
    .map((byte) => encodeBase62(byte % 62, 1))
    .join('');
  const kid = letters.slice(0, KID_LENGTH);
  const secret = letters.slice(KID_LENGTH, KID_LENGTH + SECRET_LENGTH);
  const body = `${fingerprintOf({ type: 'kwa', environment: 'live', kid })}_${secret}`;
  return `${body}_${encodeBase62(crc32(body), 6)}`;
}
