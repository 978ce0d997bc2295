/**
 * Minting delegated keys: offline, by whoever holds a key. What the server would refuse is refused
 * here, with the same code, because the same reader reads it. Runs in any JavaScript runtime.
 */
import { randomBase62 } from './base62.ts';
import type { Scopes } from './constraints.ts';
import { readLimits, readScopes } from './constraints.ts';
import {
  DELEGATION_TTL_HARD_MAX_MS,
  parseDelegatedKey,
  writeDelegatedKey,
  writeSigningInput,
} from './delegated-key.ts';
import type { DelegatedClaims, DelegationSyntaxCode } from './delegation-claims.ts';
import type { DelegationSigner } from './delegation-signer.ts';
import { signerOfPrivateKey, signerOfSecret, signProof } from './delegation-signer.ts';
import { parseKey } from './format.ts';
import type { SyntaxCode } from './format.ts';
import type { LimitsInput } from './minted-limits.ts';
import { limitsOfInput } from './minted-limits.ts';

/** What a delegated key is to be. */
export interface MintOptions {
  /** The id of the workspace that it is for. */
  readonly audience: string;
  /** Seconds that it lives, at most 12 hours; the parent's policy may allow less. */
  readonly ttlSeconds: number;
  /** What is absent is not narrowed beyond what the parent may do. */
  readonly scopes?: Partial<Scopes> | undefined;
  /** Money in USD or nano-USD; of a budget, `window`, `timeZone` and `kind` may be left out (calendar, UTC, hard). */
  readonly limits?: LimitsInput | undefined;
  /** Delegated keys of one group can be revoked together. */
  readonly group?: string | undefined;
  /** Random if absent. */
  readonly jti?: string | undefined;
  /** Unix milliseconds; the machine's clock if absent. */
  readonly nowMs?: number | undefined;
}

export type MintResult =
  | { readonly ok: true; readonly text: string; readonly claims: DelegatedClaims }
  | {
      readonly ok: false;
      readonly code: DelegationSyntaxCode | 'delegation_too_long';
      /** Completes "it is refused because …". */
      readonly reason: string;
    };

/** Mints children of one key. The signing key was derived once. */
export interface DelegationMinter {
  readonly kid: string;
  /** Base64url, 32 bytes: what the server keeps to check signatures with. */
  readonly publicKey: string;
  readonly mint: (options: MintOptions) => Promise<MintResult>;
  /** The signature over a challenge, base64url; null where the challenge is empty or over 512 characters. */
  readonly proofOfPossession: (challenge: string) => Promise<string | null>;
}

/** A signing key that may not have been registered yet, so that no key's id belongs to it. */
export interface OpenedPrivateKey extends Pick<DelegationMinter, 'publicKey' | 'proofOfPossession'> {
  readonly ok: true;
  /** `kid`: the id that the server gave to the key when its public half was registered. */
  readonly minterFor: (kid: string) => DelegationMinter;
}

export type OpenedKey =
  | { readonly ok: true; readonly minter: DelegationMinter }
  | { readonly ok: false; readonly code: SyntaxCode };

/** Opens an application's key (`kwk_…`) for minting; derives its signing key once. */
export async function openKey(text: string): Promise<OpenedKey> {
  const key = parseKey(text, ['kwk']);
  if (!key.ok) return { ok: false, code: key.code };
  return { ok: true, minter: createMinter(await signerOfSecret(key.secret), key.kid) };
}

/** Opens a private key that `generateDelegationKeyPair` made. */
export async function openPrivateKey(
  privateKey: string,
): Promise<OpenedPrivateKey | { readonly ok: false; readonly code: 'malformed' }> {
  const signer = await signerOfPrivateKey(privateKey);
  if (signer === null) return { ok: false, code: 'malformed' };
  return {
    ok: true,
    publicKey: signer.publicKey,
    proofOfPossession: (challenge) => signProof(signer, challenge),
    minterFor: (kid) => createMinter(signer, kid),
  };
}

function createMinter(signer: DelegationSigner, kid: string): DelegationMinter {
  return {
    kid,
    publicKey: signer.publicKey,
    mint: (options) => mint(signer, kid, options),
    proofOfPossession: (challenge) => signProof(signer, challenge),
  };
}

async function mint(signer: DelegationSigner, kid: string, options: MintOptions): Promise<MintResult> {
  const refusal = refuseOptions(options);
  if (refusal !== null) return refusal;
  const signingInput = writeSigningInput(JSON.stringify(claimsOf(kid, options)));
  // Read back before it is signed: the signature has no part in what is refused.
  const draft = parseDelegatedKey(writeDelegatedKey(kid, signingInput, UNSIGNED));
  if (!draft.ok) return refuse(draft.code, draft.reason);
  const signature = await signer.sign(new TextEncoder().encode(signingInput));
  return { ok: true, text: writeDelegatedKey(kid, signingInput, signature), claims: draft.claims };
}

const UNSIGNED = new Uint8Array(64);

/** Complete by its type: an option that is not known here would be left out of the key in silence. */
const OPTIONS: Readonly<Record<keyof MintOptions, true>> = {
  audience: true,
  ttlSeconds: true,
  scopes: true,
  limits: true,
  group: true,
  jti: true,
  nowMs: true,
};

/** What JSON could not say, or would say in other words: NaN becomes null, which is no limit at all. */
function refuseOptions(options: MintOptions): MintResult | null {
  const unknown = Object.keys(options).find((name) => !Object.hasOwn(OPTIONS, name));
  if (unknown !== undefined) return refuse('unknown_constraint', `there is no option ${JSON.stringify(unknown)}`);
  const { ttlSeconds, scopes = {}, limits = {}, nowMs = 0 } = options;
  if (!Number.isSafeInteger(ttlSeconds) || ttlSeconds < 1) {
    return refuse('malformed', 'ttlSeconds is not a whole number of at least 1');
  }
  if (ttlSeconds * 1000 > DELEGATION_TTL_HARD_MAX_MS) {
    return refuse('delegation_too_long', 'no delegated key lives longer than 12 hours');
  }
  if (!Number.isFinite(nowMs)) return refuse('malformed', 'nowMs is not a time');
  for (const read of [readScopes(scopes), readLimits(isObject(limits) ? limitsOfInput(limits) : limits)]) {
    if (!read.ok) return refuse(read.code, read.reason);
  }
  return null;
}

/** The payload. What is absent or null is not written: both mean that nothing is narrowed. */
function claimsOf(kid: string, options: MintOptions): object {
  const { audience, ttlSeconds, group, jti = randomBase62(22), nowMs = Date.now() } = options;
  const iat = Math.floor(nowMs / 1000);
  const scopes = withoutNulls(options.scopes ?? {});
  const limits = withoutNulls(limitsOfInput(options.limits ?? {}));
  const cst = { ...(scopes === null ? {} : { scopes }), ...(limits === null ? {} : { limits }) };
  return {
    iss: kid,
    aud: audience,
    jti,
    iat,
    exp: iat + ttlSeconds,
    ...(Object.keys(cst).length === 0 ? {} : { cst }),
    ...(group === undefined ? {} : { grp: group }),
  };
}

function withoutNulls(constraints: object): object | null {
  const stated = Object.entries(constraints).filter(([, value]) => value !== null && value !== undefined);
  return stated.length === 0 ? null : Object.fromEntries(stated);
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function refuse(code: DelegationSyntaxCode | 'delegation_too_long', reason: string): MintResult {
  return { ok: false, code, reason };
}
