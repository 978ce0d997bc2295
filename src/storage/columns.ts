/**
 * Checked readers for what columns hold as text. A value that does not fit means that the database
 * was changed by something else: a broken system, told with the place and never with the value.
 */
import type { MintingPolicy } from '../keys/minting-policy.ts';
import { NO_LIMITS, NO_SCOPES } from '../keys/constraints.ts';
import type { Limits, Scopes } from '../keys/constraints.ts';
import { readDelegationPolicy } from '../keys/delegation-policy.ts';
import type { DelegationPolicy } from '../keys/delegation-policy.ts';
import type { TeamRole } from '../keys/owners.ts';
import type { EarlyEnd, Environment, KeySecret, KeyState, StoredKeyType, Suspension } from '../keys/key-record.ts';

type Fields = Readonly<Record<string, unknown>>;

/** A column holds what this program would never have written. */
export class CorruptColumnError extends Error {
  override readonly name = 'CorruptColumnError';

  constructor(place: string) {
    super(`The database holds an unexpected value in ${place}.`);
  }
}

export function readState(text: string, place: string): 'active' | 'disabled' {
  if (text === 'active' || text === 'disabled') return text;
  throw new CorruptColumnError(place);
}

export function readRole(text: string): TeamRole {
  if (text === 'admin' || text === 'member' || text === 'viewer') return text;
  throw new CorruptColumnError('memberships.role');
}

export function readKeyState(text: string): KeyState {
  switch (text) {
    case 'active':
    case 'suspended':
    case 'revoked':
    case 'compromised':
      return text;
    default:
      throw new CorruptColumnError('keys.state');
  }
}

export function readEnvironment(text: string): Environment {
  if (text === 'live' || text === 'test') return text;
  throw new CorruptColumnError('keys.environment');
}

export function readStrings(json: string, place: string): readonly string[] {
  return strings(parse(json, place), place);
}

/** Any JSON value. */
export function readJson(json: string, place: string): unknown {
  return parse(json, place);
}

/** The elements of a JSON list. */
export function readList(json: string, place: string): readonly unknown[] {
  const list = parse(json, place);
  if (Array.isArray(list)) return list;
  throw new CorruptColumnError(place);
}

/** A value that was read from JSON, as an object. */
export function readFields(value: unknown, place: string): Fields {
  return fields(value, place);
}

/** Hashes are bytes: in the column as base64, in the record as latin-1. */
export function writeSecrets(secrets: readonly KeySecret[]): string {
  return JSON.stringify(
    secrets.map((secret) => ({ ...secret, hash: Buffer.from(secret.hash, 'latin1').toString('base64') })),
  );
}

export function readSecrets(json: string): readonly KeySecret[] {
  const place = 'keys.secrets';
  const list = parse(json, place);
  if (!Array.isArray(list)) throw new CorruptColumnError(place);
  return list.map((item: unknown) => readSecret(fields(item, place), place));
}

function readSecret(secret: Fields, place: string): KeySecret {
  const { hash, state, pepperVersion, retiringSinceMs, generation, createdAtMs, delegationPublicKey, earlyEnd } =
    secret;
  if (typeof hash !== 'string') throw new CorruptColumnError(place);
  if (state !== 'current' && state !== 'retiring' && state !== 'superseded') throw new CorruptColumnError(place);
  if (typeof pepperVersion !== 'number') throw new CorruptColumnError(place);
  return {
    hash: Buffer.from(hash, 'base64').toString('latin1'),
    pepperVersion,
    state,
    notAfterMs: numberOrNull(secret['notAfterMs'], place),
    ...(typeof retiringSinceMs === 'number' ? { retiringSinceMs } : {}),
    ...(typeof generation === 'number' ? { generation } : {}),
    ...(typeof createdAtMs === 'number' ? { createdAtMs } : {}),
    ...(typeof delegationPublicKey === 'string' ? { delegationPublicKey } : {}),
    ...(earlyEnd === undefined ? {} : { earlyEnd: readEarlyEnd(fields(earlyEnd, place), place) }),
  };
}

function readEarlyEnd({ fromMs, unusedForMs }: Fields, place: string): EarlyEnd {
  if (typeof fromMs !== 'number' || typeof unusedForMs !== 'number') throw new CorruptColumnError(place);
  return { fromMs, unusedForMs };
}

/**
 * As stored: members that this version does not know stay, so that whoever reads them can refuse.
 * What is no JSON becomes such a member: it closes what it narrows, and breaks nothing else.
 */
export function readStoredScopes(json: string, place: string): Scopes {
  return { ...NO_SCOPES, ...constraintFields(json, place) };
}

/** As stored, like {@link readStoredScopes}. */
export function readStoredLimits(json: string, place: string): Limits {
  return { ...NO_LIMITS, ...constraintFields(json, place) };
}

function constraintFields(json: string, place: string): Fields {
  try {
    return fields(parse(json, place), place);
  } catch {
    return { unreadable: true };
  }
}

/** Without the members that narrow nothing. */
export function writeConstraints(constraints: Scopes | Limits): string {
  return JSON.stringify(Object.fromEntries(Object.entries(constraints).filter(([, value]) => value !== null)));
}

export function readDelegation(json: string | null): DelegationPolicy | null {
  if (json === null) return null;
  const policy = readDelegationPolicy(parse(json, 'keys.delegation'));
  if (policy === null) throw new CorruptColumnError('keys.delegation');
  return policy;
}

export function readMinting(json: string | null): MintingPolicy | null {
  if (json === null) return null;
  const place = 'keys.minting';
  const { enabled, ttlMaxMs, liveMax } = fields(parse(json, place), place);
  if (typeof enabled !== 'boolean' || typeof ttlMaxMs !== 'number' || typeof liveMax !== 'number') {
    throw new CorruptColumnError(place);
  }
  return { enabled, ttlMaxMs, liveMax };
}

export function readStoredType(text: string): StoredKeyType {
  if (text === 'kwk' || text === 'kwt') return text;
  throw new CorruptColumnError('keys.type');
}

export function readSuspension(json: string | null): Suspension | null {
  if (json === null) return null;
  const place = 'keys.suspension';
  const { automatic, untilMs } = fields(parse(json, place), place);
  if (typeof automatic !== 'boolean') throw new CorruptColumnError(place);
  return { automatic, untilMs: numberOrNull(untilMs, place) };
}

/**
 * Tags as JSON with one element a line, so that {@link tagNeedle} finds exactly a whole element:
 * inside a JSON string a line break is always escaped.
 */
export function writeTags(tags: readonly string[]): string {
  return JSON.stringify(tags, null, 1);
}

/** The text by which a tag is found in a column written by {@link writeTags}. */
export function tagNeedle(tag: string): string {
  return `\n ${JSON.stringify(tag)}`;
}

function parse(json: string, place: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    throw new CorruptColumnError(place);
  }
}

function fields(value: unknown, place: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new CorruptColumnError(place);
  return value as Fields;
}

function strings(value: unknown, place: string): readonly string[] {
  if (!Array.isArray(value) || !value.every((item) => typeof item === 'string')) throw new CorruptColumnError(place);
  return value;
}

function numberOrNull(value: unknown, place: string): number | null {
  if (value === null || typeof value === 'number') return value;
  throw new CorruptColumnError(place);
}
