/** What the holder of a key may pass on: keys signed offline, and temporary keys minted here. */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { AppError } from '../../errors.ts';
import {
  addPublicKey,
  createDelegationPolicy,
  DELEGATION_TTL_DEFAULT_MS,
  denyDelegatedKey,
  raiseWatermark,
} from '../../keys/delegation-policy.ts';
import type { DelegationPolicy, PolicyChange } from '../../keys/delegation-policy.ts';
import { readPublicKey, verifyProofOfPossession } from '../../keys/delegation-public-key.ts';
import type { MintingPolicy } from '../../keys/minting-policy.ts';
import { MINTING_DEFAULT } from '../../keys/minting-policy.ts';
import type { Change } from '../change.ts';
import type { CallContext } from '../contract.ts';
import { changeEndpoint, none, readEndpoint } from '../contract.ts';
import { durationMs, iso, time } from '../fields.ts';
import type { KeyRow } from '../stores.ts';
import { invalidField } from '../validation.ts';
import { publicKeysOf } from './key-secret.ts';
import { TTL_HARD_MAX_MS } from '../mint-key.ts';
import { keyRef, keyView, requireKey, viewKey } from './key-view.ts';

const params = z.strictObject({ kid: keyRef });
const duration = z.string().regex(/^[1-9]\d{0,5}[smhd]$/, 'must be a duration such as 90s, 15m or 2h');
const OFFLINE_TTL_HARD_MAX_MS = 12 * 3_600_000;
const CHALLENGE_TTL_MS = 10 * 60_000;
/** A public key that is added goes on beside the older ones for ever: whoever registers it decides what ends. */
const KEEP_OLDER_MS = 10 * 365 * 86_400_000;

const set = changeEndpoint({
  id: 'keys.delegation',
  method: 'PATCH',
  path: '/keys/:kid/delegation',
  permission: 'keys:update',
  summary: 'Set what a key may delegate',
  description:
    'Whether the holder may sign delegated keys offline (kwd_…), for how long at most, whether the key itself is accepted at all, and which temporary keys (kwt_…) may be minted from it. What is omitted stays.',
  cli: { verb: 'keys delegation' },
  params,
  query: none,
  body: z.strictObject({
    offline: z.boolean().exactOptional().describe('Whether keys may be signed offline by the holder.'),
    offlineTtlMax: duration.exactOptional().describe('Longest life of such a key; at most 12h.'),
    delegateOnly: z
      .boolean()
      .exactOptional()
      .describe('Whether the key itself is refused, and only what it signed accepted.'),
    mint: z.boolean().exactOptional().describe('Whether temporary keys may be minted from it.'),
    mintTtlMax: duration.exactOptional().describe('Longest life of a temporary key; at most 24h.'),
    mintLiveMax: z
      .int()
      .min(1)
      .max(1_000_000)
      .exactOptional()
      .describe('Temporary keys that may be live at the same time.'),
  }),
  response: keyView,
  errors: ['not_found', 'conflict'],
  audit: { targetKind: 'key' },
  handler: async (ctx, { params: { kid }, body }) => {
    const before = await requireOwnKey(ctx, kid);
    const offline = body.offline ?? before.delegation !== null;
    if (!offline && (body.delegateOnly === true || body.offlineTtlMax !== undefined)) {
      throw invalidField('body', 'offline', 'must be true for a key that delegates offline');
    }
    return change(ctx, before, {
      delegation: offline ? offlinePolicy(ctx, before, body) : null,
      minting: mintingPolicy(before.minting, body),
    });
  },
});

interface MintingInput {
  readonly mint?: boolean;
  readonly mintTtlMax?: string;
  readonly mintLiveMax?: number;
}

/** Null, for the usual, until something of it is set. */
function mintingPolicy(before: MintingPolicy | null, input: MintingInput): MintingPolicy | null {
  const { mint, mintTtlMax, mintLiveMax } = input;
  if (mint === undefined && mintTtlMax === undefined && mintLiveMax === undefined) return before;
  const older = before ?? MINTING_DEFAULT;
  if (mintTtlMax !== undefined && durationMs(mintTtlMax) > TTL_HARD_MAX_MS) {
    throw invalidField('body', 'mintTtlMax', 'is longer than 24h');
  }
  return {
    enabled: mint ?? older.enabled,
    ttlMaxMs: mintTtlMax === undefined ? older.ttlMaxMs : durationMs(mintTtlMax),
    liveMax: mintLiveMax ?? older.liveMax,
  };
}

function offlinePolicy(
  ctx: CallContext,
  before: KeyRow,
  body: { readonly offlineTtlMax?: string; readonly delegateOnly?: boolean },
): DelegationPolicy {
  const policy = before.delegation ?? firstPolicy(ctx, before);
  const ttlMaxMs = body.offlineTtlMax === undefined ? policy.ttlMaxMs : durationMs(body.offlineTtlMax);
  if (ttlMaxMs > OFFLINE_TTL_HARD_MAX_MS) throw invalidField('body', 'offlineTtlMax', 'is longer than 12h');
  return { ...policy, ttlMaxMs, delegateOnly: body.delegateOnly ?? policy.delegateOnly };
}

function firstPolicy({ workspace }: CallContext, { secrets }: KeyRow): DelegationPolicy {
  return {
    ...createDelegationPolicy(workspace.workspaceId),
    publicKeys: publicKeysOf(secrets),
    ttlMaxMs: DELEGATION_TTL_DEFAULT_MS,
  };
}

const revoke = changeEndpoint({
  id: 'keys.delegation.revoke',
  method: 'POST',
  path: '/keys/:kid/delegation/revoke',
  permission: 'keys:revoke',
  summary: 'Revoke delegated keys',
  description:
    'One by its jti, those of a group, or all that were signed before a time. In force on every worker before the answer.',
  cli: { verb: 'keys revoke-delegated' },
  params,
  query: none,
  body: z.strictObject({
    jti: z.string().min(1).max(64).exactOptional().describe('One delegated key.'),
    group: z.string().min(1).max(128).exactOptional().describe('Those of this group.'),
    before: time.exactOptional().describe('Signed before this time; now, if omitted.'),
    reason: z.string().trim().min(1).max(500).exactOptional(),
  }),
  response: keyView,
  errors: ['not_found', 'conflict'],
  audit: { targetKind: 'key' },
  handler: async (ctx, { params: { kid }, body }) => {
    const before = await requireOwnKey(ctx, kid);
    const policy = requirePolicy(before);
    // What is signed within the clock's tolerance may say that it is younger than it is.
    const beforeMs = body.before === undefined ? ctx.nowMs + 30_000 : Date.parse(body.before);
    const made: PolicyChange =
      body.jti === undefined
        ? raiseWatermark(policy, { beforeMs, group: body.group ?? null }, ctx.nowMs)
        : denyDelegatedKey(policy, { jti: body.jti, expiresAtMs: ctx.nowMs + OFFLINE_TTL_HARD_MAX_MS }, ctx.nowMs);
    if (!made.ok) {
      throw new AppError('conflict', {
        message: 'So many are revoked one by one that there is no room for more. Revoke a group, or all before a time.',
      });
    }
    return change(ctx, before, { delegation: made.policy }, body.reason);
  },
});

const challenge = readEndpoint({
  id: 'keys.delegation.challenge',
  method: 'GET',
  path: '/keys/:kid/delegation/challenge',
  permission: 'keys:update',
  summary: 'Ask for a challenge',
  description: 'To be signed with a private key whose public key is to be registered for delegation.',
  params,
  query: none,
  response: z.object({ challenge: z.string(), expiresAt: time }).meta({ id: 'DelegationChallenge' }),
  errors: ['not_found'],
  handler: async (ctx, { params: { kid } }) => {
    const key = await requireOwnKey(ctx, kid);
    const expiresAtMs = ctx.nowMs + CHALLENGE_TTL_MS;
    return { challenge: challengeText(key.kid, expiresAtMs), expiresAt: iso(expiresAtMs) };
  },
});

const register = changeEndpoint({
  id: 'keys.delegation.register',
  method: 'POST',
  path: '/keys/:kid/delegation/public-keys',
  permission: 'keys:update',
  summary: 'Register a public key',
  description:
    'An Ed25519 public key under which delegated keys are accepted, beside those of the secrets of the key. Whoever registers it proves that they hold the private key by a signature over a challenge.',
  params,
  query: none,
  body: z.strictObject({
    publicKey: z.string().max(64).describe('Base64url, 32 bytes.'),
    challenge: z.string().max(300),
    proof: z.string().max(200).describe('Base64url: the signature over the challenge.'),
  }),
  response: keyView,
  errors: ['not_found', 'conflict'],
  audit: { targetKind: 'key' },
  handler: async (ctx, { params: { kid }, body }) => {
    const before = await requireOwnKey(ctx, kid);
    const policy = requirePolicy(before);
    const read = readPublicKey(body.publicKey);
    if (!read.ok) throw invalidField('body', 'publicKey', `is refused: ${read.reason}`);
    if (!isOwnChallenge(body.challenge, before.kid, ctx.nowMs)) {
      throw invalidField(
        'body',
        'challenge',
        'is none that was asked for here for this key, or has expired: ask for a new one',
      );
    }
    if (!verifyProofOfPossession(body.publicKey, body.challenge, body.proof)) {
      throw invalidField('body', 'proof', 'does not prove that the private key is held: sign the challenge with it');
    }
    const dates = { nowMs: ctx.nowMs, overlapMs: KEEP_OLDER_MS };
    return change(ctx, before, { delegation: addPublicKey(policy, body.publicKey, dates) });
  },
});

/** Of this process: a challenge is answered within minutes, or asked for again. */
const challengeKey = randomBytes(32);

function challengeText(kid: string, expiresAtMs: number): string {
  const text = `${kid}.${expiresAtMs}`;
  return `${text}.${createHmac('sha256', challengeKey).update(text).digest('base64url')}`;
}

function isOwnChallenge(text: string, kid: string, nowMs: number): boolean {
  const expiresAtMs = Number(text.split('.')[1]);
  if (!Number.isSafeInteger(expiresAtMs) || expiresAtMs <= nowMs) return false;
  const expected = Buffer.from(challengeText(kid, expiresAtMs));
  const given = Buffer.from(text);
  return given.length === expected.length && timingSafeEqual(given, expected);
}

async function requireOwnKey(ctx: CallContext, ref: string): Promise<KeyRow> {
  const row = await requireKey(ctx.workspace, ref);
  if (row.type === 'kwk' && (row.state === 'active' || row.state === 'suspended')) return row;
  throw new AppError('conflict', {
    message:
      row.type === 'kwk'
        ? `The key ${row.kid} is ${row.state}.`
        : 'A temporary key delegates nothing: use the key it was minted from.',
  });
}

function requirePolicy({ kid, delegation }: KeyRow): DelegationPolicy {
  if (delegation !== null) return delegation;
  throw new AppError('conflict', {
    message: `The key ${kid} delegates nothing offline. Allow it first: PATCH /keys/${kid}/delegation with "offline": true.`,
  });
}

async function change(
  ctx: CallContext,
  before: KeyRow,
  patch: Partial<Pick<KeyRow, 'delegation' | 'minting'>>,
  reason?: string,
): Promise<Change<z.input<typeof keyView>>> {
  const updated = await ctx.workspace.keys.update(before.kid, before.revision, { ...patch, updatedAtMs: ctx.nowMs });
  if (!updated) {
    throw new AppError('conflict', { message: `The key ${before.kid} was changed meanwhile. Repeat the request.` });
  }
  const after = viewKey(await requireKey(ctx.workspace, before.kid), ctx.nowMs);
  return {
    targetId: before.kid,
    before: viewKey(before, ctx.nowMs),
    after,
    reason: reason ?? null,
    propagate: { kind: 'key', kid: before.kid, wait: true },
    answer: () => after,
  };
}

export const keyDelegation = [set, revoke, challenge, register] as const;
