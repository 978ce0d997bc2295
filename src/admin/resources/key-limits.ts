import { z } from 'zod';
import { prepareKey } from '../../keys/prepare.ts';
import type { PreparedKey } from '../../keys/prepare.ts';
import { standingOf } from '../../keys/standing.ts';
import type { Standing } from '../../keys/standing.ts';
import type { LimitReading } from '../../limits/call-limits.ts';
import type { CallContext } from '../contract.ts';
import { none, readEndpoint } from '../contract.ts';
import { exhaustedAtMs, readRecentUsage } from '../forecast.ts';
import { isoOrNull, time } from '../fields.ts';
import type { KeyRow } from '../stores.ts';
import { keyRef, requireKey } from './key-view.ts';

const limitView = z
  .object({
    level: z
      .string()
      .describe('What sets the limit: key, application, team or workspace; for a temporary key its parent too.'),
    levelId: z.string(),
    name: z.string(),
    kind: z.string(),
    period: z.string().nullable().describe('Of a budget: hour, day, week, month or total.'),
    soft: z.boolean(),
    limit: z.number().describe('Money in billionths of a USD.'),
    used: z.number().describe('What calls under way hold included.'),
    held: z.number().describe('Reserved by calls under way.'),
    left: z.number(),
    resetsAt: time.nullable().describe('When the whole limit is free again, as far as time alone decides it.'),
    exhaustedAt: time
      .nullable()
      .describe('When it will be used up, if its use goes on as in the last minutes; null: not before it begins anew.'),
  })
  .meta({ id: 'KeyLimit' });

const read = readEndpoint({
  id: 'keys.limits',
  method: 'GET',
  path: '/keys/:kid/limits',
  permission: 'keys:read',
  summary: 'Show what is used of the limits of a key',
  description:
    'Every limit that a call with this key must fit into, its own and those of what it stands on, as they stand now.',
  cli: {
    verb: 'keys limits',
    columns: ['level', 'name', 'period', 'limit', 'used', 'held', 'left', 'resetsAt', 'exhaustedAt'],
  },
  params: z.strictObject({ kid: keyRef }),
  query: none,
  response: z.object({ items: z.array(limitView), next: z.null() }).meta({ id: 'KeyLimits' }),
  errors: ['not_found'],
  handler: async (ctx, { params }) => {
    const standing = await standingOfRow(ctx, await requireKey(ctx.workspace, params.kid));
    const usage = await readRecentUsage(ctx);
    const readings = ctx.deps.keyLimits.bind(standing).read(ctx.nowMs);
    return { items: readings.map((reading) => view(reading, exhaustedAtMs(reading, usage, ctx.nowMs))), next: null };
  },
});

/** Where a key stands at this moment, as the gateway sees it. */
export async function standingOfRow(ctx: CallContext, row: KeyRow): Promise<Standing> {
  const { workspaceId } = ctx.workspace;
  const ancestors: PreparedKey[] = [];
  let { parentKid } = row;
  while (parentKid !== null && ancestors.length < 4) {
    const parent = await ctx.workspace.keys.get(parentKid);
    if (parent === null) break;
    ancestors.push(prepareKey({ ...parent, workspaceId }));
    parentKid = parent.parentKid;
  }
  const workspace = ctx.deps.snapshotSource.current().workspaces[workspaceId] ?? null;
  return standingOf(prepareKey({ ...row, workspaceId }), ancestors, workspace);
}

function view(reading: LimitReading, exhaustedMs: number | null): z.input<typeof limitView> {
  const { level, levelId, name, kind, budget, soft, limit, used, held, resetsAtMs } = reading;
  const left = Math.max(0, limit - used);
  return {
    level,
    levelId,
    name,
    kind,
    period: budget?.period ?? null,
    soft,
    limit,
    used,
    held,
    left,
    resetsAt: isoOrNull(resetsAtMs),
    exhaustedAt: isoOrNull(exhaustedMs),
  };
}

export const keyLimits = [read] as const;
