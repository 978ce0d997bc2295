import { z } from 'zod';
import { none, readEndpoint } from '../contract.ts';
import { isoOrNull, iso, pageFields, pageOf, pageOfArray, pageRequest, time } from '../fields.ts';

const jobView = z
  .object({
    id: z.string(),
    dueAt: time,
    running: z.boolean(),
    startedAt: time.nullable(),
    finishedAt: time.nullable(),
    succeededAt: time.nullable(),
    failures: z.int().describe('In a row, up to now.'),
    lastError: z.string().nullable(),
  })
  .meta({ id: 'Job' });

const list = readEndpoint({
  id: 'jobs.list',
  method: 'GET',
  path: '/jobs',
  permission: 'status:read',
  summary: 'List jobs',
  description: 'What is done again and again behind the life of keys, and how it went last.',
  cli: { verb: 'jobs list', columns: ['id', 'dueAt', 'running', 'succeededAt', 'failures', 'lastError'] },
  params: none,
  query: z.strictObject(pageFields),
  response: pageOf(jobView),
  handler: async (ctx, { query }) => {
    const rows = (await ctx.deps.store.jobs.list()).map((row) => ({
      id: row.name,
      dueAt: iso(row.dueAtMs),
      running: row.leaseUntilMs !== null && row.leaseUntilMs > ctx.nowMs,
      startedAt: isoOrNull(row.startedAtMs),
      finishedAt: isoOrNull(row.finishedAtMs),
      succeededAt: isoOrNull(row.succeededAtMs),
      failures: row.failures,
      lastError: row.lastError,
    }));
    const page = pageOfArray(rows, pageRequest(query));
    return { items: [...page.items], next: page.next };
  },
});

export const jobs = [list] as const;
