/** What a temporary key is, whoever mints it: no wider than its parent, and with an end. */
import { AppError } from '../errors.ts';
import { NO_LIMITS, NO_SCOPES } from '../keys/constraints.ts';
import type { Constraints } from '../keys/delegation-claims.ts';
import { widens } from '../keys/delegation-widens.ts';
import type { KeySecret } from '../keys/key-record.ts';
import type { MintingPolicy } from '../keys/minting-policy.ts';
import { MINTING_DEFAULT } from '../keys/minting-policy.ts';
import { limitName } from '../keys/limit-words.ts';
import { changedLimits, changedScopes } from './constraint-fields.ts';
import { durationMs, iso } from './fields.ts';
import type { KeyRow } from './stores.ts';
import { invalidField } from './validation.ts';

const HOUR_MS = 3_600_000;
/** Longest life of a temporary key, whatever the policy of its key says. */
export const TTL_HARD_MAX_MS = 24 * HOUR_MS;

export interface MintOrder {
  readonly parent: KeyRow;
  readonly fields: {
    readonly ttl: string;
    readonly session?: string;
    readonly name?: string;
    readonly scopes?: Parameters<typeof changedScopes>[1];
    readonly limits?: Parameters<typeof changedLimits>[1];
    readonly tags: readonly string[];
  };
  readonly kid: string;
  readonly secret: KeySecret;
  readonly nowMs: number;
  readonly actor: string;
}

/** What a temporary key has that its parent has not; everything else it shares with it. */
export function mintedFields({ parent, fields, kid, secret, nowMs, actor }: MintOrder) {
  const policy = parent.minting ?? MINTING_DEFAULT;
  refuseUnfitParent(parent, policy, nowMs);
  const scopes = changedScopes(NO_SCOPES, fields.scopes);
  const limits = changedLimits(NO_LIMITS, fields.limits);
  refuseWider({ scopes, limits }, parent);
  return {
    ...{ kid, scopes, limits },
    type: 'kwt',
    parentKid: parent.kid,
    binding: fields.session ?? null,
    name: fields.name ?? `Temporary key of ${parent.name}`,
    secrets: [secret],
    notBeforeMs: null,
    expiresAtMs: Math.min(nowMs + ttlMs(fields.ttl, policy), parent.expiresAtMs ?? Number.POSITIVE_INFINITY),
    scopesSetAtMs: nowMs,
    delegation: null,
    minting: null,
    tags: fields.tags,
    revision: 1,
    createdAtMs: nowMs,
    createdBy: actor,
    updatedAtMs: nowMs,
    stateReason: null,
  } as const;
}

/** When it is minted, and when it is changed. */
export function refuseWider(child: Constraints, parent: Constraints): void {
  const wider = widens(child, parent);
  if (wider === null) return;
  throw new AppError('delegation_widens', {
    message: `The temporary key would be wider than its parent: ${limitName(wider)}. Ask for the same or less.`,
  });
}

function refuseUnfitParent(parent: KeyRow, policy: MintingPolicy, nowMs: number): void {
  if (parent.type !== 'kwk') {
    throw new AppError('minting_denied', { message: 'From a temporary key no other key can be minted.' });
  }
  if (!policy.enabled) throw new AppError('minting_denied');
  const isOver = parent.expiresAtMs !== null && parent.expiresAtMs <= nowMs;
  if (parent.state === 'active' && !isOver) return;
  throw new AppError('conflict', {
    message: `The key ${parent.kid} is ${isOver ? 'expired' : parent.state}: nothing can be minted from it.`,
  });
}

function ttlMs(text: string, policy: MintingPolicy): number {
  const asked = durationMs(text);
  const allowed = Math.min(policy.ttlMaxMs, TTL_HARD_MAX_MS);
  if (asked <= allowed) return asked;
  throw invalidField('body', 'ttl', `is longer than the key allows (${allowed / 1000} s)`);
}

/** An answer to exhaustion: which pool, how full, and when the soonest place is free. */
export function refuseFullPool(
  { kid, minting }: KeyRow,
  { live, soonestEndMs }: { readonly live: number; readonly soonestEndMs: number | null },
  nowMs: number,
): void {
  const { liveMax } = minting ?? MINTING_DEFAULT;
  if (live < liveMax) return;
  const until = soonestEndMs === null ? '' : ` The next one ends at ${iso(soonestEndMs)}.`;
  throw new AppError('keys_exhausted', {
    message: `All ${liveMax} temporary keys that the key ${kid} may have are in use.${until}`,
    details: {
      ...{ pool: kid, live, limit: liveMax },
      ...(soonestEndMs === null ? {} : { soonestRecovery: iso(soonestEndMs), retryAfterMs: soonestEndMs - nowMs }),
    },
  });
}
