/**
 * What a Keyward credential says of itself: read from its text alone, without a call. Nothing here
 * proves that it was issued, is in force, or was signed. Runs in any JavaScript runtime.
 */
import { decodeBase62 } from './base62.ts';
import { crc32 } from './crc32.ts';
import { parseDelegatedKey, readParentKid } from './delegated-key.ts';
import type { DelegatedClaims, DelegationSyntaxCode } from './delegation-claims.ts';
import { parseKey } from './format.ts';
import type { SyntaxCode } from './format.ts';
import type { Environment } from './key-record.ts';

/** A credential that holds a secret: of an application, temporary, of an admin, for one reveal. */
export interface InspectedSecretKey {
  readonly ok: true;
  readonly type: 'kwk' | 'kwt' | 'kwa' | 'kwr';
  readonly environment: Environment;
  readonly kid: string;
  /** How people and logs name it; holds no secret. */
  readonly fingerprint: string;
}

export interface InspectedDelegatedKey {
  readonly ok: true;
  readonly type: 'kwd';
  /** Of its parent. */
  readonly kid: string;
  readonly fingerprint: string;
  /** As they are written. Who wrote them is not known here. */
  readonly claims: DelegatedClaims;
}

export interface UninspectedKey {
  readonly ok: false;
  readonly code: SyntaxCode | DelegationSyntaxCode;
  /** Of the credential that was probably meant, where it could be read. */
  readonly fingerprint: string | null;
}

const SECRET_KEY = /^(kw[katr])_(live|test)_([0-9A-Za-z]{12})_[0-9A-Za-z]{43}_[0-9A-Za-z]{6}$/;
const CRC_LENGTH = 6;
/** Longer texts are not matched against anything. */
const SECRET_KEY_LENGTH = 72;

/** Tells what a text is, or why it is no credential of Keyward. The answer never holds a secret. */
export function inspectKey(text: string): InspectedSecretKey | InspectedDelegatedKey | UninspectedKey {
  if (text.startsWith('kwd_')) return inspectDelegatedKey(text);
  const [, type, environment, kid] = (text.length === SECRET_KEY_LENGTH ? SECRET_KEY.exec(text) : null) ?? [];
  if (!isSecretType(type) || !isEnvironment(environment) || kid === undefined) return explain(text);
  const fingerprint = `${type}_${environment}_${kid}`;
  const crcStart = text.length - CRC_LENGTH;
  const isSound = decodeBase62(text, crcStart, text.length) === crc32(text.slice(0, crcStart - 1));
  return isSound ? { ok: true, type, environment, kid, fingerprint } : { ok: false, code: 'bad_checksum', fingerprint };
}

function inspectDelegatedKey(text: string): InspectedDelegatedKey | UninspectedKey {
  const kid = readParentKid(text);
  const fingerprint = kid === null ? null : `kwd_${kid}`;
  const parsed = parseDelegatedKey(text);
  if (!parsed.ok || fingerprint === null) {
    return { ok: false, code: parsed.ok ? 'malformed' : parsed.code, fingerprint };
  }
  return { ok: true, type: 'kwd', kid: parsed.kid, fingerprint, claims: parsed.claims };
}

/** The gateway's own words for what is no key; a kind of ours that cannot be read is just malformed. */
function explain(text: string): UninspectedKey {
  const parsed = parseKey(text, ['kwk', 'kwa']);
  const code = parsed.ok || parsed.code === 'wrong_type' ? 'malformed' : parsed.code;
  return { ok: false, code, fingerprint: parsed.ok ? null : parsed.fingerprint };
}

function isSecretType(type: string | undefined): type is InspectedSecretKey['type'] {
  return type === 'kwk' || type === 'kwt' || type === 'kwa' || type === 'kwr';
}

function isEnvironment(text: string | undefined): text is Environment {
  return text === 'live' || text === 'test';
}
