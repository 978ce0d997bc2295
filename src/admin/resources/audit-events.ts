import { z } from 'zod';
import { none, readEndpoint } from '../contract.ts';
import { iso, mapPage, pageFields, pageOf, pageRequest, time } from '../fields.ts';
import type { AuditRow } from '../stores.ts';

const auditView = z
  .object({
    id: z.string(),
    at: time,
    actor: z.string(),
    action: z.string(),
    targetKind: z.string(),
    targetId: z.string(),
    reason: z.string().nullable(),
    before: z.unknown().describe('What it was; null when it did not exist.'),
    after: z.unknown().describe('What it became; null when it no longer exists.'),
    requestId: z.string(),
    clientAddress: z.string(),
  })
  .meta({ id: 'AuditEvent' });

const list = readEndpoint({
  id: 'audit-events.list',
  method: 'GET',
  path: '/audit-events',
  permission: 'audit-events:read',
  summary: 'List audit events',
  description: 'One for every change made through this API, newest first. They never hold a secret.',
  cli: { verb: 'audit list', columns: ['at', 'actor', 'action', 'targetKind', 'targetId', 'reason'] },
  params: none,
  query: z.strictObject({
    action: z.string().max(60).exactOptional().describe('For example keys.revoke.'),
    targetId: z.string().max(100).exactOptional(),
    actor: z.string().max(200).exactOptional(),
    ...pageFields,
  }),
  response: pageOf(auditView),
  handler: async (ctx, { query: { cursor, limit, ...filter } }) =>
    mapPage(
      await ctx.workspace.audit.list(pageRequest({ limit, ...(cursor === undefined ? {} : { cursor }) }), filter),
      view,
    ),
});

function view({ atMs, ...row }: AuditRow): z.input<typeof auditView> {
  return { ...row, at: iso(atMs) };
}

export const auditEvents = [list] as const;
