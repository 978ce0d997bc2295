/**
 * The form of a key: `kwk_live_<kid>_<secret>_<crc>`, 72 characters. This file and what it imports
 * use nothing but the language and `globalThis.crypto`, so that they run in any runtime.
 */
import { decodeBase62, encodeBase62, isBase62Code, randomBase62 } from './base62.ts';
import { addToCrc32, CRC32_START, crc32, finishCrc32 } from './crc32.ts';
import { recogniseForeignCredential } from './foreign-credential.ts';
import type { Environment } from './key-record.ts';

/**
 * `kwk`: a key of an application. `kwt`: a temporary key, minted by the server. `kwa`: an admin API
 * token. `kwr`: what opens a one-time reveal link.
 */
export type KeyType = 'kwk' | 'kwt' | 'kwa' | 'kwr';

/** Reasons why a text is no key; each needs no knowledge of stored keys, so each may be told. */
export type SyntaxCode =
  | 'malformed'
  | 'bad_checksum'
  | 'truncated'
  | 'wrong_type'
  | 'placeholder_key'
  | 'provider_key_sent_to_gateway';

/** The public parts of a key. */
export interface KeyIdentity {
  readonly type: KeyType;
  readonly environment: Environment;
  /** 12 base62 characters. */
  readonly kid: string;
}

export interface ParsedKey extends KeyIdentity {
  readonly ok: true;
  /** 43 base62 characters: never to be logged or stored. */
  readonly secret: string;
}

export interface UnparsedKey {
  readonly ok: false;
  readonly code: SyntaxCode;
  /** Of the key that was probably meant, where type, environment and kid could be read. */
  readonly fingerprint: string | null;
}

export interface GeneratedKey {
  /** The whole key: shown once, never stored. */
  readonly text: string;
  readonly kid: string;
  readonly secret: string;
  readonly fingerprint: string;
}

/** Length of the secret part: 62^43 > 2^256, so 43 uniform characters hold more than 256 random bits. */
export const SECRET_LENGTH = 43;
const KID_LENGTH = 12;
const CRC_LENGTH = 6;

const KID_START = 'kwk_live_'.length;
const KID_END = KID_START + KID_LENGTH;
const SECRET_START = KID_END + 1;
const SECRET_END = SECRET_START + SECRET_LENGTH;
const CRC_START = SECRET_END + 1;
const KEY_LENGTH = CRC_START + CRC_LENGTH;

/** Longer texts are not even looked at. */
const TEXT_LENGTH_MAX = 512;
const UNDERSCORE = 0x5f;

/** A new key from the system's secure random generator. */
export function generateKey(options: { readonly type: KeyType; readonly environment: Environment }): GeneratedKey {
  return generateSecret({ ...options, kid: randomBase62(KID_LENGTH) });
}

/** A new secret for a key that keeps its id. */
export function generateSecret(identity: KeyIdentity): GeneratedKey {
  const secret = randomBase62(SECRET_LENGTH);
  const fingerprint = fingerprintOf(identity);
  const body = `${fingerprint}_${secret}`;
  return { text: `${body}_${encodeBase62(crc32(body), CRC_LENGTH)}`, kid: identity.kid, secret, fingerprint };
}

/** How people and logs name a key: `kwk_live_<kid>`. Holds no secret. */
export function fingerprintOf(key: KeyIdentity): string {
  return `${key.type}_${key.environment}_${key.kid}`;
}

/**
 * Reads a key, or says why the text is none. The checksum covers everything before its own
 * underscore; it tells a typing error from a probe and is no protection.
 */
export function parseKey(text: string, acceptedTypes: readonly KeyType[]): ParsedKey | UnparsedKey {
  if (text.length === 0 || text.length > TEXT_LENGTH_MAX) return refuse('malformed', null);
  const type = readType(text);
  if (type === null) return refuse(recogniseForeignCredential(text) ?? 'malformed', null);
  if (type === 'other' || !acceptedTypes.includes(type)) return refuse('wrong_type', readFingerprint(text, type));

  const environment = readEnvironment(text);
  if (environment === null || text.length !== KEY_LENGTH || !isSound(text)) return explainForm(text, type);
  return {
    ok: true,
    type,
    environment,
    kid: text.substring(KID_START, KID_END),
    secret: text.substring(SECRET_START, SECRET_END),
  };
}

function refuse(code: SyntaxCode, fingerprint: string | null): UnparsedKey {
  return { ok: false, code, fingerprint };
}

/** `other`: a type of ours of another form (`kwd`, delegated). */
function readType(text: string): KeyType | 'other' | null {
  if (text.charCodeAt(0) !== 0x6b || text.charCodeAt(1) !== 0x77 || text.charCodeAt(3) !== UNDERSCORE) return null;
  switch (text.charAt(2)) {
    case 'k':
      return 'kwk';
    case 'a':
      return 'kwa';
    case 't':
      return 'kwt';
    case 'r':
      return 'kwr';
    case 'd':
      return 'other';
    default:
      return null;
  }
}

function readEnvironment(text: string): Environment | null {
  if (text.startsWith('live_', 4)) return 'live';
  if (text.startsWith('test_', 4)) return 'test';
  return null;
}

/** Form and checksum of a text of the right length, behind its prefix, in one pass. */
function isSound(text: string): boolean {
  let crc = CRC32_START;
  for (let i = 0; i < SECRET_END; i += 1) {
    const code = text.charCodeAt(i);
    if (i >= KID_START && !isAllowedAt(i, code)) return false;
    crc = addToCrc32(crc, code);
  }
  return text.charCodeAt(SECRET_END) === UNDERSCORE && decodeBase62(text, CRC_START, KEY_LENGTH) === finishCrc32(crc);
}

function isAllowedAt(place: number, code: number): boolean {
  return place === KID_END || place === SECRET_END ? code === UNDERSCORE : isBase62Code(code);
}

/** Whether what there is of the text agrees with the form. */
function hasForm(text: string): boolean {
  for (let i = KID_START; i < text.length; i += 1) {
    if (!isAllowedAt(i, text.charCodeAt(i))) return false;
  }
  return true;
}

/** Why a text that begins like a key is none. */
function explainForm(text: string, type: KeyType): UnparsedKey {
  if (recogniseForeignCredential(text) === 'placeholder_key') return refuse('placeholder_key', null);
  const fingerprint = readFingerprint(text, type);
  if (fingerprint === null || text.length > KEY_LENGTH || !hasForm(text)) return refuse('malformed', fingerprint);
  return refuse(text.length < KEY_LENGTH ? 'truncated' : 'bad_checksum', fingerprint);
}

/** Only where the kid ends as it must: otherwise what stands there might be part of a secret. */
function readFingerprint(text: string, type: KeyType | 'other'): string | null {
  const environment = readEnvironment(text);
  if (type === 'other' || environment === null || text.length < KID_END) return null;
  if (text.length > KID_END && text.charCodeAt(KID_END) !== UNDERSCORE) return null;
  for (let i = KID_START; i < KID_END; i += 1) {
    if (!isBase62Code(text.charCodeAt(i))) return null;
  }
  return fingerprintOf({ type, environment, kid: text.substring(KID_START, KID_END) });
}
