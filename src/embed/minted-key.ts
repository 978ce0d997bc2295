import { changedLimits, changedScopes } from '../admin/constraint-fields.ts';
import { durationMs, iso } from '../admin/fields.ts';
import type { MintingPolicy } from '../admin/stores.ts';
import { invalidField } from '../admin/validation.ts';
import { AppError } from '../errors.ts';
import { NO_LIMITS, NO_SCOPES } from '../keys/constraints.ts';
import { widens } from '../keys/delegation-widens.ts';
import type { KeySecret } from '../keys/key-record.ts';
import type { parseMint } from './key-input.ts';
import type { MaskedKeyRow } from './storage-port.ts';

const HOUR_MS = 3_600_000;
/** Longest life of a temporary key, whatever the policy of its key says. */
const TTL_HARD_MAX_MS = 24 * HOUR_MS;
/** For keys without a policy of their own. */
const MINTING_DEFAULT: MintingPolicy = { enabled: true, ttlMaxMs: 12 * HOUR_MS, liveMax: 1000 };

export interface MintOptions {
  readonly parent: MaskedKeyRow;
  readonly fields: ReturnType<typeof parseMint>;
  readonly kid: string;
  readonly secret: KeySecret;
  readonly nowMs: number;
  readonly actor: string;
}

/** A temporary key that stands for the same real one, and is no wider than its parent in anything. */
export function mintedRow({ parent, fields, kid, secret, nowMs, actor }: MintOptions): MaskedKeyRow {
  refuseUnfitParent(parent, nowMs);
  const scopes = changedScopes(NO_SCOPES, fields.scopes);
  const limits = changedLimits(NO_LIMITS, fields.limits);
  const wider = widens({ scopes, limits }, parent);
  if (wider !== null) {
    throw new AppError('delegation_widens', { message: `The temporary key would be wider: ${wider}.` });
  }
  return {
    ...parent,
    kid,
    type: 'kwt',
    parentKid: parent.kid,
    binding: fields.session ?? null,
    name: fields.name ?? `Temporary key of ${parent.name}`,
    secrets: [secret],
    notBeforeMs: null,
    expiresAtMs: Math.min(nowMs + ttlMs(fields.ttl, parent), parent.expiresAtMs ?? Number.POSITIVE_INFINITY),
    scopes,
    scopesSetAtMs: nowMs,
    limits,
    delegation: null,
    minting: null,
    tags: fields.tags,
    revision: 1,
    createdAtMs: nowMs,
    createdBy: actor,
    updatedAtMs: nowMs,
    stateReason: null,
  };
}

/** An answer to exhaustion: which pool, how full, and when the soonest place is free. */
export function refuseFullPool(
  parent: MaskedKeyRow,
  { live, soonestEndMs }: { readonly live: number; readonly soonestEndMs: number | null },
  nowMs: number,
): void {
  const { liveMax } = policyOf(parent);
  if (live < liveMax) return;
  const until = soonestEndMs === null ? '' : ` The next one ends at ${iso(soonestEndMs)}.`;
  throw new AppError('keys_exhausted', {
    message: `All ${liveMax} temporary keys that the key ${parent.kid} may have are in use.${until}`,
    details: {
      pool: parent.kid,
      live,
      limit: liveMax,
      retryAfterMs: soonestEndMs === null ? null : soonestEndMs - nowMs,
    },
  });
}

function policyOf(parent: MaskedKeyRow): MintingPolicy {
  return parent.minting ?? MINTING_DEFAULT;
}

function refuseUnfitParent(parent: MaskedKeyRow, nowMs: number): void {
  if (parent.type !== 'kwk') {
    throw new AppError('minting_denied', { message: 'From a temporary key no other key can be minted.' });
  }
  if (!policyOf(parent).enabled) throw new AppError('minting_denied');
  const isOver = parent.expiresAtMs !== null && parent.expiresAtMs <= nowMs;
  if (parent.state === 'active' && !isOver) return;
  throw new AppError('conflict', {
    message: `The key ${parent.kid} is ${isOver ? 'expired' : parent.state}: nothing can be minted from it.`,
  });
}

function ttlMs(text: string, parent: MaskedKeyRow): number {
  const asked = durationMs(text);
  const allowed = Math.min(policyOf(parent).ttlMaxMs, TTL_HARD_MAX_MS);
  if (asked <= allowed) return asked;
  throw invalidField('body', 'ttl', `is longer than the key allows (${allowed / 1000} s)`);
}
