/**
 * HMAC-SHA-256 of key secrets under versioned peppers. Secrets of the usual form, which every call
 * brings, are computed by hmac-sha256.ts; anything else goes through the slower `createHmac`.
 */
import { createHash, createHmac, randomBytes } from 'node:crypto';
import { AppError } from '../errors.ts';
import { SECRET_LENGTH } from './format.ts';
import { createHmacSha256 } from './hmac-sha256.ts';
import type { KeySecret } from './key-record.ts';
import { SECRETS_MAX } from './rotate.ts';

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
  /**
   * The place of the one that the secret proves, or -1. A miss takes as long whatever there is: one
   * HMAC for every pepper, and as many comparisons as a key holds secrets at most.
   */
  find(secret: string, candidates: readonly HashedSecret[]): number;
  /** For unknown kids: the work of `find` without its chance, so that time tells nothing. */
  matchDummy(secret: string): false;
}

const BLOCK_BYTES = 64;
const DIGEST_BYTES = 32;
const PEPPER_BYTES_MIN = 32;
const NOTHING: readonly HashedSecret[] = [];
/** Of no pepper. */
const NO_VERSION = -1;
const DUMMY_HASH = '\0'.repeat(DIGEST_BYTES);

/** Throws `configuration_error` when there is no pepper, or one is too short or there twice. */
export function createSecretHasher(peppers: readonly Pepper[]): SecretHasher {
  assertUsable(peppers);
  const keyed = peppers.map(keyHmac).sort((a, b) => b.version - a.version);
  const current = keyed[0];
  if (current === undefined) throw new AppError('configuration_error', { internal: 'no pepper for key secrets' });

  const matches = (secret: string, keySecret: HashedSecret): boolean => {
    const hmac = findVersion(keyed, keySecret.pepperVersion);
    const usable = hmac !== null && keySecret.hash.length === DIGEST_BYTES;
    return (hmac ?? current).difference(secret, usable ? keySecret.hash : DUMMY_HASH) === 0 && usable;
  };

  const find = (secret: string, candidates: readonly HashedSecret[]): number => {
    for (const hmac of keyed) {
      const found = hmac.find(secret, candidates);
      if (found !== -1) return found;
    }
    return -1;
  };

  return {
    currentVersion: current.version,
    hash: (secret) => ({ hash: current.hash(secret), pepperVersion: current.version }),
    matches,
    find,
    matchDummy(secret) {
      find(secret, NOTHING);
      return false;
    },
  };
}

/** The secret of a key that the given one proves, or `null`. A miss costs the same for every key, and for none. */
export function findMatchingSecret(
  hasher: SecretHasher,
  secrets: readonly KeySecret[],
  secret: string,
): KeySecret | null {
  return secrets[hasher.find(secret, secrets)] ?? null;
}

interface KeyedHmac {
  readonly version: number;
  /** 32 bytes as latin-1. */
  readonly hash: (secret: string) => string;
  /** 0 when the secret has this hash; takes as long when it has not. */
  readonly difference: (secret: string, hash: string) => number;
  /** The place of the one of this pepper that the secret proves, or -1. */
  readonly find: (secret: string, candidates: readonly HashedSecret[]) => number;
}

function keyHmac({ version, key }: Pepper): KeyedHmac {
  const short = key.length > BLOCK_BYTES ? createHash('sha256').update(key).digest() : key;
  const usual = createHmacSha256(short);
  const hash = (secret: string): string => createHmac('sha256', key).update(secret, 'utf8').digest('binary');
  const difference = (secret: string, expected: string): number =>
    isUsual(secret) ? differenceOfWords(usual.compute(secret), expected) : differenceOfTexts(hash(secret), expected);
  const find = (secret: string, candidates: readonly HashedSecret[]): number => {
    const words = isUsual(secret) ? usual.compute(secret) : null;
    const text = words === null ? hash(secret) : '';
    const slots = slotsOf(candidates, secret);
    for (let i = 0; i < slots.length; i += 1) {
      const slot = slots[i] ?? NO_SECRET;
      const difference = words === null ? differenceOfTexts(text, slot.hash) : differenceOfWords(words, slot.hash);
      if (difference === 0 && slot.pepperVersion === version) return i;
    }
    return -1;
  };
  return { version, hash, difference, find };
}

/** The hashes of a key in one form for every key, filled up with hashes of nothing. */
type Slots = readonly HashedSecret[];

const NO_SECRET: HashedSecret = { hash: DUMMY_HASH, pepperVersion: NO_VERSION };
const slotsOfKeys = new WeakMap<readonly HashedSecret[], Slots>();
/** For keys that are not there: as many as keep what is compared from being always at hand. */
const SLOTS_OF_NONE: readonly Slots[] = Array.from({ length: 256 }, () => fillUp(NOTHING));

/** Objects of one shape, made together: how a key is stored must not show in how long it is compared. */
function slotsOf(candidates: readonly HashedSecret[], secret: string): Slots {
  const known = slotsOfKeys.get(candidates);
  if (known !== undefined) return known;
  if (candidates.length === 0) {
    const at = secret.charCodeAt(0) * 5 + secret.charCodeAt(1);
    return SLOTS_OF_NONE[at % SLOTS_OF_NONE.length] ?? NOTHING;
  }
  const slots = fillUp(candidates);
  slotsOfKeys.set(candidates, slots);
  return slots;
}

function fillUp(candidates: readonly HashedSecret[]): Slots {
  const length = Math.max(candidates.length, SECRETS_MAX);
  return Array.from({ length }, (_, i) => slotOf(candidates[i]));
}

function slotOf(candidate: HashedSecret | undefined): HashedSecret {
  const usable = candidate !== undefined && candidate.hash.length === DIGEST_BYTES;
  const hash = usable ? Buffer.from(candidate.hash, 'latin1') : randomBytes(DIGEST_BYTES);
  return { hash: hash.toString('latin1'), pepperVersion: usable ? candidate.pepperVersion : NO_VERSION };
}

/** 43 ASCII characters. */
function isUsual(secret: string): boolean {
  if (secret.length !== SECRET_LENGTH) return false;
  let bits = 0;
  for (let i = 0; i < SECRET_LENGTH; i += 1) bits |= secret.charCodeAt(i);
  return bits <= 0x7f;
}

/** Every byte is looked at, whatever the ones before it were. */
function differenceOfWords(words: Int32Array, hash: string): number {
  let difference = 0;
  for (let i = 0; i < DIGEST_BYTES; i += 1) {
    difference |= (((words[i >> 2] ?? 0) >>> (24 - (i & 3) * 8)) & 0xff) ^ hash.charCodeAt(i);
  }
  return difference;
}

function differenceOfTexts(mine: string, hash: string): number {
  let difference = mine.length ^ hash.length;
  for (let i = 0; i < DIGEST_BYTES; i += 1) difference |= mine.charCodeAt(i) ^ hash.charCodeAt(i);
  return difference;
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
