/**
 * HMAC-SHA-256 of key secrets under versioned peppers. `createHmac` costs about 25 µs a call in
 * Node 24 and a one-shot hash 0.6 µs, so the HMAC is computed by its definition (RFC 2104 §2) with
 * two one-shot hashes over buffers that are allocated once.
 */
import { hash as digest, timingSafeEqual } from 'node:crypto';
import { AppError } from '../errors.ts';
import { SECRET_LENGTH } from './format.ts';
import type { KeySecret } from './key-record.ts';

/** The key of the HMAC: kept apart from the hashes, so that a stolen database verifies nothing. */
export interface Pepper {
  readonly version: number;
  /** At least 32 bytes. */
  readonly key: Uint8Array;
}

/** The part of a {@link KeySecret} that proves a secret. */
export type HashedSecret = Pick<KeySecret, 'hash' | 'pepperVersion'>;

export interface SecretHasher {
  /** The highest version: what new hashes are made with. A match under a lower one is due for re-hashing. */
  readonly currentVersion: number;
  hash(secret: string): HashedSecret;
  /** Constant time over the hash. False, after the same work, when the pepper of that version is not there. */
  matches(secret: string, keySecret: HashedSecret): boolean;
  /** For unknown kids: the work of `matches` without its chance, so that time tells nothing. */
  matchDummy(secret: string): false;
}

const BLOCK_BYTES = 64;
const DIGEST_BYTES = 32;
const PEPPER_BYTES_MIN = 32;
const DUMMY_HASH = '\0'.repeat(DIGEST_BYTES);

/** Throws `configuration_error` when there is no pepper, or one is too short or there twice. */
export function createSecretHasher(peppers: readonly Pepper[]): SecretHasher {
  assertUsable(peppers);
  const keyed = peppers.map(keyHmac).sort((a, b) => b.version - a.version);
  const current = keyed[0];
  if (current === undefined) throw new AppError('configuration_error', { internal: 'no pepper for key secrets' });
  const computed = Buffer.alloc(DIGEST_BYTES);
  const stored = Buffer.alloc(DIGEST_BYTES);

  const matches = (secret: string, keySecret: HashedSecret): boolean => {
    const hmac = findVersion(keyed, keySecret.pepperVersion);
    const usable = hmac !== null && keySecret.hash.length === DIGEST_BYTES;
    computed.write((hmac ?? current).compute(secret), 0, DIGEST_BYTES, 'latin1');
    stored.write(usable ? keySecret.hash : DUMMY_HASH, 0, DIGEST_BYTES, 'latin1');
    return timingSafeEqual(computed, stored) && usable;
  };

  const dummy: HashedSecret = { hash: DUMMY_HASH, pepperVersion: current.version };
  return {
    currentVersion: current.version,
    hash: (secret) => ({ hash: current.compute(secret), pepperVersion: current.version }),
    matches,
    matchDummy(secret) {
      matches(secret, dummy);
      return false;
    },
  };
}

/**
 * The secret of a key that the given one proves, or `null`. A key holds at most three; one without
 * any costs the same as one with a wrong one.
 */
export function findMatchingSecret(
  hasher: SecretHasher,
  secrets: readonly KeySecret[],
  secret: string,
): KeySecret | null {
  for (const candidate of secrets) {
    if (hasher.matches(secret, candidate)) return candidate;
  }
  if (secrets.length === 0) hasher.matchDummy(secret);
  return null;
}

interface KeyedHmac {
  readonly version: number;
  /** 32 bytes as latin-1. */
  readonly compute: (secret: string) => string;
}

function keyHmac({ version, key }: Pepper): KeyedHmac {
  const block = Buffer.alloc(BLOCK_BYTES);
  block.set(key.length > BLOCK_BYTES ? digest('sha256', key, 'buffer') : key);
  const inner = Buffer.alloc(
    BLOCK_BYTES + SECRET_LENGTH,
    block.map((byte) => byte ^ 0x36),
  );
  const outer = Buffer.alloc(
    BLOCK_BYTES + DIGEST_BYTES,
    block.map((byte) => byte ^ 0x5c),
  );
  const innerPad = inner.subarray(0, BLOCK_BYTES);

  const compute = (secret: string): string => {
    const message = writeSecret(inner, secret) ? inner : Buffer.concat([innerPad, Buffer.from(secret, 'utf8')]);
    outer.write(digest('sha256', message, 'binary'), BLOCK_BYTES, DIGEST_BYTES, 'latin1');
    return digest('sha256', outer, 'binary');
  };
  return { version, compute };
}

/** Writes a secret of the usual form behind the pad; false when it is not 43 ASCII characters. */
function writeSecret(inner: Buffer, secret: string): boolean {
  if (secret.length !== SECRET_LENGTH) return false;
  for (let i = 0; i < SECRET_LENGTH; i += 1) {
    const code = secret.charCodeAt(i);
    if (code > 0x7f) return false;
    inner[BLOCK_BYTES + i] = code;
  }
  return true;
}

function findVersion(keyed: readonly KeyedHmac[], version: number): KeyedHmac | null {
  for (const hmac of keyed) {
    if (hmac.version === version) return hmac;
  }
  return null;
}

function assertUsable(peppers: readonly Pepper[]): void {
  const versions = new Set(peppers.map((pepper) => pepper.version));
  if (versions.size !== peppers.length)
    throw new AppError('configuration_error', { internal: 'two peppers of one version' });
  if (peppers.some((pepper) => pepper.key.length < PEPPER_BYTES_MIN)) {
    throw new AppError('configuration_error', { internal: `a pepper is shorter than ${PEPPER_BYTES_MIN} bytes` });
  }
}
