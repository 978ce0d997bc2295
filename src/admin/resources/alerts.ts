import { z } from 'zod';
import { AppError } from '../../errors.ts';
import { changeEndpoint, none, readEndpoint } from '../contract.ts';
import { id, iso, isoOrNull, mapPage, pageFields, pageOf, pageRequest, time } from '../fields.ts';
import type { AlertRow } from '../key-life-stores.ts';
import { ALERT_KINDS } from '../raise-alert.ts';
import type { WorkspaceStore } from '../stores.ts';

const params = z.strictObject({ id });
const severity = z.enum(['info', 'warning', 'critical']);
const alertState = z.enum(['open', 'acknowledged', 'resolved']);

const alertView = z
  .object({
    id: z.string(),
    kind: z.string(),
    severity,
    subjectKind: z.string(),
    subjectId: z.string(),
    message: z.string().describe('What is wrong and what to do.'),
    state: alertState,
    firstSeenAt: time,
    lastSeenAt: time,
    acknowledgedAt: time.nullable(),
    acknowledgedBy: z.string().nullable(),
    resolvedAt: time.nullable(),
  })
  .meta({ id: 'Alert' });

const list = readEndpoint({
  id: 'alerts.list',
  method: 'GET',
  path: '/alerts',
  permission: 'alerts:read',
  summary: 'List alerts',
  description:
    'What people should look at, newest first. There is one alert a condition; it is resolved by itself when the condition is gone.',
  cli: { verb: 'alerts list', columns: ['id', 'severity', 'kind', 'subjectId', 'state', 'lastSeenAt', 'message'] },
  params: none,
  query: z.strictObject({
    kind: z.enum(ALERT_KINDS).exactOptional(),
    state: alertState.exactOptional(),
    severity: severity.exactOptional(),
    subjectId: id.exactOptional(),
    ...pageFields,
  }),
  response: pageOf(alertView),
  handler: async (ctx, { query }) => {
    const { cursor: _cursor, limit: _limit, ...filter } = query;
    return mapPage(await ctx.workspace.alerts.list(pageRequest(query), filter), view);
  },
});

const get = readEndpoint({
  id: 'alerts.get',
  method: 'GET',
  path: '/alerts/:id',
  permission: 'alerts:read',
  summary: 'Show an alert',
  description: 'With what to do.',
  cli: { verb: 'alerts show' },
  params,
  query: none,
  response: alertView,
  errors: ['not_found'],
  handler: async (ctx, input) => view(await requireAlert(ctx.workspace, input.params.id)),
});

const acknowledge = changeEndpoint({
  id: 'alerts.acknowledge',
  method: 'POST',
  path: '/alerts/:id/acknowledge',
  permission: 'alerts:write',
  summary: 'Acknowledge an alert',
  description: 'Says that somebody looks after it. It is resolved by itself when the condition is gone.',
  cli: { verb: 'alerts acknowledge' },
  params,
  query: none,
  body: none,
  response: alertView,
  errors: ['not_found', 'conflict'],
  audit: { targetKind: 'alert' },
  handler: async (ctx, input) => {
    const before = await requireAlert(ctx.workspace, input.params.id);
    if (before.state === 'resolved') throw new AppError('conflict', { message: 'This alert is resolved already.' });
    const acknowledgedBy = ctx.principal.actor;
    await ctx.workspace.alerts.update(before.id, {
      state: 'acknowledged',
      acknowledgedAtMs: ctx.nowMs,
      acknowledgedBy,
    });
    const after = view(await requireAlert(ctx.workspace, before.id));
    return {
      targetId: before.id,
      before: view(before),
      after,
      propagate: { kind: 'none' },
      answer: () => after,
    };
  },
});

async function requireAlert(workspace: WorkspaceStore, alertId: string): Promise<AlertRow> {
  const row = await workspace.alerts.get(alertId);
  if (row === null) throw new AppError('not_found', { message: `There is no alert ${alertId}.` });
  return row;
}

function view(row: AlertRow): z.input<typeof alertView> {
  return {
    id: row.id,
    kind: row.kind,
    severity: row.severity,
    subjectKind: row.subjectKind,
    subjectId: row.subjectId,
    message: row.message,
    state: row.state,
    firstSeenAt: iso(row.firstSeenAtMs),
    lastSeenAt: iso(row.lastSeenAtMs),
    acknowledgedAt: isoOrNull(row.acknowledgedAtMs),
    acknowledgedBy: row.acknowledgedBy,
    resolvedAt: isoOrNull(row.resolvedAtMs),
  };
}

export const alerts = [list, get, acknowledge] as const;
