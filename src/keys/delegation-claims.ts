/**
 * What a delegated key says of itself. The set of claims is closed: one that this version does not
 * know might narrow the key, so it is refused and not skipped. Runs in any JavaScript runtime.
 */
import type { Limits, Scopes } from './constraints.ts';
import { readLimits, readScopes } from './constraints.ts';
import { parseStrictJson } from './strict-json.ts';

/** What narrows a child of a key. */
export interface Constraints {
  readonly scopes: Scopes;
  readonly limits: Limits;
}

/** The claims of a delegated key, read. Nothing here says that somebody signed them. */
export interface DelegatedClaims extends Constraints {
  /** `iss`: the key whose holder minted this one. */
  readonly kid: string;
  /** `aud`: the id of the workspace that it is for. */
  readonly audience: string;
  /** `jti`: unique among the delegated keys of one key. */
  readonly jti: string;
  /** `iat`, Unix milliseconds. */
  readonly issuedAtMs: number;
  /** `exp`, Unix milliseconds; from then on the key is refused. */
  readonly expiresAtMs: number;
  /** `grp`: delegated keys that can be revoked together, for example those of one session. */
  readonly group: string | null;
}

/** Why a text is no delegated key. Needs no knowledge of stored keys. */
export type DelegationSyntaxCode = 'malformed' | 'wrong_type' | 'unknown_constraint';

export interface UnreadDelegation {
  readonly ok: false;
  readonly code: DelegationSyntaxCode;
  /** Completes "it is refused because …", for people; holds no secret. */
  readonly reason: string;
}

export type ReadClaims = { readonly ok: true; readonly claims: DelegatedClaims } | UnreadDelegation;

const CLAIMS = new Set(['iss', 'aud', 'jti', 'iat', 'exp', 'cst', 'grp']);

const AUDIENCE = /^[\x21-\x7e]{1,128}$/;
const JTI = /^[A-Za-z0-9_-]{1,64}$/;
const GROUP = /^[A-Za-z0-9][A-Za-z0-9._:/@+=-]{0,127}$/;
/** The last second of the year 9999: what dates can be written of. */
const SECONDS_MAX = 253_402_300_799;

/** `ignoreBOM` keeps a byte order mark in the text, where it is refused. */
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The claims in a payload. `kid` is the id that the key's text names: `iss` must be the same. */
export function readDelegatedClaims(payload: Uint8Array, kid: string): ReadClaims {
  const fields = readObject(payload);
  if (!fields.ok) return fields;
  const { iss, aud, jti, iat, exp, cst, grp } = fields.value;
  const unknown = Object.keys(fields.value).find((name) => !CLAIMS.has(name));
  if (unknown !== undefined) return unread('malformed', `the claim ${quote(unknown)} is not known`);
  if (iss !== kid) return unread('malformed', 'iss is not the id that stands before the signed part');
  if (!isText(aud, AUDIENCE)) return unread('malformed', 'aud is not the id of a workspace');
  if (!isText(jti, JTI)) return unread('malformed', 'jti is not 1 to 64 letters, digits, _ and -');
  if (!isDate(iat) || !isDate(exp)) return unread('malformed', 'iat and exp are not whole seconds');
  if (exp <= iat) return unread('malformed', 'exp is not after iat');
  if (grp !== undefined && !isText(grp, GROUP)) return unread('malformed', 'grp is not the name of a group');
  const constraints = readConstraints(cst);
  if (!constraints.ok) return constraints;
  const { scopes, limits } = constraints;
  const dates = { issuedAtMs: iat * 1000, expiresAtMs: exp * 1000 };
  return { ok: true, claims: { kid, audience: aud, jti, ...dates, scopes, limits, group: grp ?? null } };
}

/** A JSON object out of bytes. */
export function readObject(
  bytes: Uint8Array,
): { readonly ok: true; readonly value: Readonly<Record<string, unknown>> } | UnreadDelegation {
  const text = decodeUtf8(bytes);
  if (text === null) return unread('malformed', 'it is not UTF-8');
  const parsed = parseStrictJson(text);
  if (!parsed.ok) return unread('malformed', parsed.reason);
  if (!isObject(parsed.value)) return unread('malformed', 'it is not a JSON object');
  return { ok: true, value: parsed.value };
}

/** A refusal of what was read. */
export function unread(code: DelegationSyntaxCode, reason: string): UnreadDelegation {
  return { ok: false, code, reason };
}

function readConstraints(cst: unknown): ({ readonly ok: true } & Constraints) | UnreadDelegation {
  const fields = cst === undefined ? {} : cst;
  if (!isObject(fields)) return unread('malformed', 'cst is not an object');
  const { scopes = {}, limits = {}, ...rest } = fields;
  const unknown = Object.keys(rest)[0];
  if (unknown !== undefined) return unread('unknown_constraint', `cst holds ${quote(unknown)}, which is not known`);
  const readOfScopes = readScopes(scopes);
  if (!readOfScopes.ok) return readOfScopes;
  const readOfLimits = readLimits(limits);
  if (!readOfLimits.ok) return readOfLimits;
  return { ok: true, scopes: readOfScopes.value, limits: readOfLimits.value };
}

function decodeUtf8(bytes: Uint8Array): string | null {
  try {
    return utf8.decode(bytes);
  } catch {
    return null; // what the decoder throws for bytes that are not UTF-8
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isText(value: unknown, form: RegExp): value is string {
  return typeof value === 'string' && form.test(value);
}

function isDate(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= SECONDS_MAX;
}

function quote(text: string): string {
  return JSON.stringify(text.slice(0, 80));
}
