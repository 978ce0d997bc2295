import { z } from 'zod';
import { AppError } from '../../errors.ts';
import { NO_LIMITS, NO_SCOPES } from '../../keys/constraints.ts';
import { widens } from '../../keys/delegation-widens.ts';
import { generateKey } from '../../keys/format.ts';
import { changedLimits, changedScopes, limitsInput, scopesInput } from '../constraint-fields.ts';
import type { CallContext } from '../contract.ts';
import { changeEndpoint, none } from '../contract.ts';
import { durationMs, iso } from '../fields.ts';
import type { KeyRow, MintingPolicy } from '../stores.ts';
import { invalidField } from '../validation.ts';
import { freshSecret } from './key-secret.ts';
import { keyRef, keyView, requireKey, viewKey } from './key-view.ts';

const HOUR_MS = 3_600_000;
/** Longest life of a temporary key, whatever the policy of its key says. */
export const MINT_TTL_HARD_MAX_MS = 24 * HOUR_MS;

/** For keys without a policy of their own. */
export const MINTING_DEFAULT: MintingPolicy = { enabled: true, ttlMaxMs: 12 * HOUR_MS, liveMax: 1000 };

const mint = changeEndpoint({
  id: 'keys.mint',
  method: 'POST',
  path: '/keys/:kid/mint',
  permission: 'keys:mint',
  summary: 'Mint a temporary key',
  description:
    'A key that ends by itself, minted from another: it may do at most what that one may at the moment of each call, and all that it spends is spent of that one too. Its text is answered once.',
  cli: { verb: 'keys mint' },
  params: z.strictObject({ kid: keyRef }),
  query: none,
  body: z.strictObject({
    ttl: z
      .string()
      .regex(/^[1-9]\d{0,5}[smhd]$/, 'must be a duration such as 90s, 15m or 2h')
      .default('15m')
      .describe('How long it lives: such as 90s, 15m, 2h.'),
    session: z
      .string()
      .regex(/^[\x21-\x7e]{1,200}$/, 'must be up to 200 visible ASCII characters')
      .exactOptional()
      .describe('Binds it to a session or transaction, which each call must name in x-keyward-session.'),
    reclaimIfUnusedFor: z
      .string()
      .regex(/^[1-9]\d{0,5}[smhd]$/, 'must be a duration such as 60s or 5m')
      .exactOptional()
      .describe(
        'Ends it, and gives its place back, when it was not used for so long after it was minted; at least 30s.',
      ),
    name: z.string().trim().min(1).max(200).exactOptional(),
    scopes: scopesInput.exactOptional(),
    limits: limitsInput.exactOptional(),
    tags: z.array(z.string().trim().min(1).max(60)).max(50).default([]),
  }),
  response: keyView
    .extend({ key: z.string().describe('The temporary key itself. Shown this once.') })
    .meta({ id: 'MintedKey' }),
  status: 201,
  errors: ['not_found', 'conflict', 'minting_denied', 'delegation_widens', 'keys_exhausted'],
  audit: { targetKind: 'key' },
  handler: async (ctx, { params, body }) => {
    const parent = await requireKey(ctx.workspace, params.kid);
    const policy = parent.minting ?? MINTING_DEFAULT;
    refuseUnfitParent(parent, policy, ctx.nowMs);
    const scopes = changedScopes(NO_SCOPES, body.scopes);
    const limits = changedLimits(NO_LIMITS, body.limits);
    const wider = widens({ scopes, limits }, parent);
    if (wider !== null)
      throw new AppError('delegation_widens', { message: `The temporary key would be wider: ${wider}.` });
    await refuseFullPool(ctx, parent, policy);

    const generated = generateKey({ type: 'kwt', environment: parent.environment });
    const expiresAtMs = Math.min(ctx.nowMs + ttlMs(body.ttl, policy), parent.expiresAtMs ?? Number.POSITIVE_INFINITY);
    // What was seen of the parent was seen of the parent alone.
    const { lastUsedAtMs: _lastUsed, watchedSinceMs: _watched, ...inherited } = parent;
    const row: KeyRow = {
      ...inherited,
      kid: generated.kid,
      type: 'kwt',
      parentKid: parent.kid,
      binding: body.session ?? null,
      name: body.name ?? `Temporary key of ${parent.name}`,
      secrets: [freshSecret(ctx.deps.hasher, generated.secret, ctx.nowMs)],
      notBeforeMs: null,
      expiresAtMs,
      scopes,
      scopesSetAtMs: ctx.nowMs,
      limits,
      delegation: null,
      minting: null,
      ...reclaimOf(body.reclaimIfUnusedFor),
      tags: body.tags,
      revision: 1,
      createdAtMs: ctx.nowMs,
      createdBy: ctx.principal.actor,
      updatedAtMs: ctx.nowMs,
      stateReason: null,
    };
    await ctx.workspace.keys.insert(row);
    const view = viewKey(row, ctx.nowMs);
    return {
      targetId: row.kid,
      before: null,
      after: view,
      // An id that was drawn just now is known to no worker, so none has to be waited for.
      propagate: { kind: 'key', kid: row.kid, wait: false },
      answer: () => ({ ...view, key: generated.text }),
    };
  },
});

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
  const allowed = Math.min(policy.ttlMaxMs, MINT_TTL_HARD_MAX_MS);
  if (asked <= allowed) return asked;
  throw invalidField('body', 'ttl', `is longer than mintTtlMax of the key allows (${allowed / 1000} s)`);
}

/** Calls are known only after a moment: a shorter time would end keys that are in use. */
const RECLAIM_MS_MIN = 30_000;

function reclaimOf(text: string | undefined): { readonly reclaimUnusedMs?: number } {
  if (text === undefined) return {};
  const reclaimUnusedMs = durationMs(text);
  if (reclaimUnusedMs < RECLAIM_MS_MIN) throw invalidField('body', 'reclaimIfUnusedFor', 'must be at least 30s');
  return { reclaimUnusedMs };
}

/** An answer to exhaustion: which pool, how full, and when the soonest place is free. */
async function refuseFullPool({ workspace, nowMs }: CallContext, parent: KeyRow, policy: MintingPolicy): Promise<void> {
  const { live, soonestEndMs } = await workspace.keys.livePool(parent.kid, nowMs);
  if (live < policy.liveMax) return;
  const until = soonestEndMs === null ? '' : ` The next one ends at ${iso(soonestEndMs)}.`;
  throw new AppError('keys_exhausted', {
    message: `All ${policy.liveMax} temporary keys that the key ${parent.kid} may have are in use.${until}`,
    details: {
      pool: parent.kid,
      live,
      limit: policy.liveMax,
      ...(soonestEndMs === null ? {} : { soonestRecovery: iso(soonestEndMs), retryAfterMs: soonestEndMs - nowMs }),
    },
  });
}

export const keyMint = [mint] as const;
