import { z } from 'zod';
import { none, readEndpoint } from '../contract.ts';
import { iso, isoOrNull, time } from '../fields.ts';
import { poolFullAtMs } from '../forecast.ts';
import { poolsOf } from '../key-pools.ts';
import { keyRef, requireKey } from './key-view.ts';

const SPAN_MS = 3_600_000;
/** Parts of the pool in use from which on its state is told as such. */
export const POOL_WARNING = 0.8;
export const POOL_CRITICAL = 0.95;

const read = readEndpoint({
  id: 'keys.pool',
  method: 'GET',
  path: '/keys/:kid/pool',
  permission: 'keys:read',
  summary: 'Show how many temporary and delegated keys of a key are in use',
  description:
    'The gauge of the temporary keys that were minted from a key: how many may be live, how many are, when the soonest place is free again, and when the pool will be full if it goes on as in the last hour. Delegated keys that carry limits have as many places of their own, from their first call to their end.',
  cli: { verb: 'keys pool' },
  params: z.strictObject({ kid: keyRef }),
  query: none,
  response: z
    .object({
      pool: z.string().describe('The key that they are minted from.'),
      limit: z.int(),
      live: z.int(),
      free: z.int(),
      mintedLastHour: z.int(),
      endedLastHour: z.int().describe('Expired, revoked, or reclaimed.'),
      reclaimed: z.int().describe('Temporary keys that were ever taken back because nobody used them.'),
      delegated: z
        .object({
          live: z.int(),
          free: z.int(),
          soonestRecovery: time.nullable().describe('When the next place is free.'),
        })
        .describe('Delegated keys with limits of their own that were used and have not ended.'),
      state: z.enum(['ok', 'warning', 'critical', 'full']).describe('Of the fuller of both.'),
      soonestRecovery: time.nullable().describe('When the next of them ends by itself.'),
      fullAt: time.nullable().describe('When the pool will be full; null: not as it goes now.'),
      readAt: time,
    })
    .meta({ id: 'KeyPool' }),
  errors: ['not_found'],
  handler: async (ctx, { params }) => {
    const parent = await requireKey(ctx.workspace, params.kid);
    const { limit, temporary, delegated, fuller } = await poolsOf(ctx, parent);
    const { live, soonestEndMs } = temporary;
    const { minted, ended } = await ctx.workspace.keys.poolTraffic(parent.kid, ctx.nowMs - SPAN_MS, ctx.nowMs);
    const free = Math.max(0, limit - live);
    return {
      pool: parent.kid,
      limit,
      live,
      free,
      mintedLastHour: minted,
      endedLastHour: ended,
      reclaimed: await ctx.workspace.temporaryKeys.reclaimed(parent.kid),
      delegated: {
        live: delegated.live,
        free: Math.max(0, limit - delegated.live),
        soonestRecovery: isoOrNull(delegated.soonestEndMs),
      },
      state: poolState(fuller.live, limit),
      soonestRecovery: isoOrNull(soonestEndMs),
      fullAt: isoOrNull(poolFullAtMs({ free, taken: minted, ended, spanMs: SPAN_MS }, ctx.nowMs)),
      readAt: iso(ctx.nowMs),
    };
  },
});

/** How full a pool is, in words that alerts go by. */
export function poolState(live: number, limit: number): 'ok' | 'warning' | 'critical' | 'full' {
  if (live >= limit) return 'full';
  if (live >= limit * POOL_CRITICAL) return 'critical';
  return live >= limit * POOL_WARNING ? 'warning' : 'ok';
}

export const keyPool = [read] as const;
