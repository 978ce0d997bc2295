import { z } from 'zod';
import type { CallContext } from '../contract.ts';
import { none, readEndpoint } from '../contract.ts';
import { count, iso, pageFields, pageOf, pageRequest, time } from '../fields.ts';
import type { UsageRow } from '../call-stores.ts';
import type { AuditRow } from '../stores.ts';

const line = z
  .object({
    kid: z.string(),
    name: z.string(),
    parentKid: z.string().describe('The key that it was minted from.'),
    applicationId: z.string(),
    mintedBy: z.string(),
    mintedAt: time,
    expiresAt: time.nullable(),
    calls: count,
    failedCalls: count,
    inputTokens: count,
    outputTokens: count,
    costNanoUsd: count.describe('In billionths of a USD.'),
    usedFor: z.array(z.string()).describe('Models that it called, with the calls of each.'),
  })
  .meta({ id: 'TemporaryKeyUse' });

const COLUMNS = [
  'mintedAt',
  'mintedBy',
  'kid',
  'name',
  'parentKid',
  'applicationId',
  'expiresAt',
  'calls',
  'failedCalls',
  'inputTokens',
  'outputTokens',
  'costNanoUsd',
  'usedFor',
] as const;

const report = readEndpoint({
  id: 'reports.temporary-keys',
  method: 'GET',
  path: '/reports/temporary-keys',
  permission: 'reports:read',
  summary: 'Report temporary keys and what they were used for',
  description:
    'Every temporary key that was minted, newest first: by whom, from which key, and what was called and spent with it. Read from the audit log and the call records, so that it also tells of keys that are gone. As CSV with ?format=csv or Accept: text/csv.',
  cli: {
    verb: 'reports temporary-keys',
    columns: ['mintedAt', 'mintedBy', 'kid', 'parentKid', 'calls', 'costNanoUsd', 'usedFor'],
  },
  params: none,
  query: z.strictObject({ format: z.enum(['json', 'csv']).default('json'), ...pageFields }),
  response: pageOf(line),
  csvColumns: COLUMNS,
  handler: async (ctx, { query }) => {
    const page = await ctx.workspace.audit.list(pageRequest(query), { action: 'keys.mint' });
    const minted = page.items.flatMap((row) => mintedOf(row) ?? []);
    const usage = await usageOf(ctx, minted);
    return { items: minted.map((key) => lineOf(key, usage.get(key.kid) ?? [])), next: page.next };
  },
});

/** What of a key stands in the audit log, besides much else. */
const mintedKey = z.object({
  kid: z.string(),
  name: z.string(),
  parentKid: z.string(),
  applicationId: z.string(),
  expiresAt: z.string().nullable(),
});

type Minted = z.output<typeof mintedKey> & { readonly mintedBy: string; readonly mintedAtMs: number };

function mintedOf({ after, actor, atMs }: AuditRow): Minted | null {
  const read = mintedKey.safeParse(after);
  return read.success ? { ...read.data, mintedBy: actor, mintedAtMs: atMs } : null;
}

/** Sums by key and model. */
async function usageOf(ctx: CallContext, minted: readonly Minted[]): Promise<ReadonlyMap<string, readonly UsageRow[]>> {
  if (minted.length === 0) return new Map();
  const rows = await ctx.deps.calls.usage(ctx.workspace.workspaceId, {
    fromMs: Math.min(...minted.map(({ mintedAtMs }) => mintedAtMs)),
    toMs: ctx.nowMs + 1,
    groupBy: 'key and model',
    kids: minted.map(({ kid }) => kid),
  });
  return Map.groupBy(rows, ({ group }) => group.split(' ')[0] ?? '');
}

function lineOf({ mintedAtMs, ...key }: Minted, rows: readonly UsageRow[]): z.input<typeof line> {
  const sum = (pick: (row: UsageRow) => number) => rows.reduce((total, row) => total + pick(row), 0);
  return {
    ...key,
    mintedAt: iso(mintedAtMs),
    calls: sum((row) => row.calls),
    failedCalls: sum((row) => row.failedCalls),
    inputTokens: sum((row) => row.inputTokens),
    outputTokens: sum((row) => row.outputTokens),
    costNanoUsd: sum((row) => row.costNanoUsd),
    usedFor: rows.flatMap(({ group, calls }) => {
      const model = group.split(' ').slice(1).join(' ');
      return model === '' ? [] : [`${model} ×${calls}`];
    }),
  };
}

export const temporaryKeyReport = [report] as const;
