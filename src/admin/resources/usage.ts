import { z } from 'zod';
import { none, readEndpoint } from '../contract.ts';
import { count, iso, time } from '../fields.ts';
import { invalidField } from '../validation.ts';

const DAY_MS = 86_400_000;
/** Call records are kept in a file a day: more days than this would be read for one answer. */
const DAYS_MAX = 400;

const usageRow = z
  .object({
    group: z.string(),
    calls: count,
    failedCalls: count,
    inputTokens: count,
    cachedInputTokens: count.describe('Part of inputTokens.'),
    outputTokens: count,
    reasoningTokens: count.describe('Part of outputTokens.'),
    requestBytes: count,
    responseBytes: count,
    costNanoUsd: count.describe('In billionths of a USD.'),
  })
  .meta({ id: 'UsageRow' });

const read = readEndpoint({
  id: 'usage.read',
  method: 'GET',
  path: '/usage',
  permission: 'usage:read',
  summary: 'Read usage',
  description:
    'Totals of calls, tokens and bytes in a span of time, by one property. Without dates: the last 24 hours.',
  cli: {
    verb: 'usage',
    columns: [
      'group',
      'calls',
      'failedCalls',
      'inputTokens',
      'cachedInputTokens',
      'outputTokens',
      'reasoningTokens',
      'costNanoUsd',
    ],
  },
  params: none,
  query: z.strictObject({
    from: time.exactOptional().describe('Inclusive.'),
    to: time.exactOptional().describe('Exclusive.'),
    groupBy: z.enum(['key', 'owner', 'application', 'model', 'provider', 'day', 'code']).default('key'),
    tag: z.string().max(200).exactOptional().describe('Only of calls with this label.'),
  }),
  response: z.object({ from: time, to: time, groupBy: z.string(), items: z.array(usageRow) }).meta({ id: 'Usage' }),
  handler: async (ctx, { query }) => {
    const toMs = query.to === undefined ? ctx.nowMs : Date.parse(query.to);
    const fromMs = query.from === undefined ? toMs - DAY_MS : Date.parse(query.from);
    if (fromMs >= toMs) throw invalidField('query', 'from', 'must lie before to');
    if (toMs - fromMs > DAYS_MAX * DAY_MS)
      throw invalidField('query', 'from', `must lie at most ${DAYS_MAX} days before to`);
    const { groupBy, tag } = query;
    const rows = await ctx.deps.calls.usage(ctx.workspace.workspaceId, {
      fromMs,
      toMs,
      groupBy,
      ...(tag !== undefined && { tag }),
    });
    return { from: iso(fromMs), to: iso(toMs), groupBy, items: [...rows] };
  },
});

export const usage = [read] as const;
