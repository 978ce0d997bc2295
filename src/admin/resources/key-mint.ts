import { z } from 'zod';
import { generateKey } from '../../keys/format.ts';
import { limitsInput, scopesInput } from '../constraint-fields.ts';
import { changeEndpoint } from '../contract.ts';
import { durationMs } from '../fields.ts';
import { mintedFields, refuseFullPool } from '../mint-key.ts';
import { strictField, warningsField, warningsOf } from '../scope-warnings.ts';
import type { KeyRow } from '../stores.ts';
import { invalidField } from '../validation.ts';
import { freshSecret } from './key-secret.ts';
import { keyRef, keyView, requireKey, viewKey } from './key-view.ts';

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
  query: z.strictObject(strictField),
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
    .extend({ key: z.string().describe('The temporary key itself. Shown this once.'), ...warningsField })
    .meta({ id: 'MintedKey' }),
  status: 201,
  errors: ['not_found', 'conflict', 'minting_denied', 'delegation_widens', 'keys_exhausted'],
  audit: { targetKind: 'key' },
  handler: async (ctx, { params, query, body }) => {
    const parent = await requireKey(ctx.workspace, params.kid);
    const generated = generateKey({ type: 'kwt', environment: parent.environment });
    const secret = freshSecret(ctx.deps.hasher, generated.secret, ctx.nowMs);
    const order = { parent, fields: body, kid: generated.kid, secret, nowMs: ctx.nowMs, actor: ctx.principal.actor };
    const fields = mintedFields(order);
    refuseFullPool(parent, await ctx.workspace.keys.livePool(parent.kid, ctx.nowMs), ctx.nowMs);
    // What was seen of the parent was seen of the parent alone.
    const { lastUsedAtMs: _lastUsed, watchedSinceMs: _watched, ...inherited } = parent;
    const row: KeyRow = { ...inherited, ...fields, ...reclaimOf(body.reclaimIfUnusedFor) };
    await ctx.workspace.keys.insert(row);
    const application = await ctx.workspace.applications.find(row.applicationId);
    const found = application === null ? [] : await warningsOf(ctx, row, application, query.strict);
    const view = viewKey(row, ctx.nowMs);
    return {
      targetId: row.kid,
      before: null,
      after: view,
      // An id that was drawn just now is known to no worker, so none has to be waited for.
      propagate: { kind: 'key', kid: row.kid, wait: false },
      answer: () => ({ ...view, key: generated.text, warnings: found }),
    };
  },
});

/** Calls are known only after a moment: a shorter time would end keys that are in use. */
const RECLAIM_MS_MIN = 30_000;

function reclaimOf(text: string | undefined): { readonly reclaimUnusedMs?: number } {
  if (text === undefined) return {};
  const reclaimUnusedMs = durationMs(text);
  if (reclaimUnusedMs < RECLAIM_MS_MIN) throw invalidField('body', 'reclaimIfUnusedFor', 'must be at least 30s');
  return { reclaimUnusedMs };
}

export const keyMint = [mint] as const;
