import { z } from 'zod';
import { AppError } from '../../errors.ts';
import { changeEndpoint, none, readEndpoint } from '../contract.ts';
import { id, iso, isoOrNull, mapPage, pageFields, pageOf, pageRequest, time } from '../fields.ts';
import type { ResponseRow } from '../response-stores.ts';
import { endResponse, standingOfResponse, takeBack } from '../responses/undo-response.ts';
import { describeEffect } from '../responses/take-actions.ts';
import { isReversible } from '../responses/effects.ts';
import type { WorkspaceStore } from '../stores.ts';
import { viewKey } from './key-view.ts';

const params = z.strictObject({ id });
const responseState = z.enum(['pending', 'in-force', 'done', 'undone', 'expired', 'superseded', 'dry-run', 'failed']);
const trigger = z.enum([
  'repeated_failures',
  'dead_key_use',
  'owner_disabled',
  'idle',
  'budget',
  'pool',
  'leak',
  'policy_violation',
]);

const responseView = z
  .object({
    id: z.string(),
    ruleId: z.string(),
    ruleName: z.string(),
    trigger,
    subjectKind: z.enum(['key', 'network']),
    subjectId: z.string().describe('Key id, or network.'),
    state: responseState.describe(
      'pending: not on every worker yet; in-force: can be undone; done: cannot be undone; superseded: somebody changed the key since; dry-run: nothing was done; failed: nothing could be done.',
    ),
    evidence: z.string(),
    actions: z.array(z.object({ kind: z.string(), text: z.string(), reversible: z.boolean() })),
    createdAt: time,
    inForceAt: time.nullable().describe('When every worker had it.'),
    expiresAt: time.nullable().describe('When it is undone by itself.'),
    endedAt: time.nullable(),
    endedBy: z.string().nullable(),
    endedReason: z.string().nullable(),
  })
  .meta({ id: 'Response' });

const list = readEndpoint({
  id: 'responses.list',
  method: 'GET',
  path: '/responses',
  permission: 'response-rules:read',
  summary: 'List what rules did',
  description: 'Newest first: which rule did what to which key, why, and whether it is in force. Kept for 180 days.',
  cli: {
    verb: 'responses list',
    columns: ['id', 'createdAt', 'ruleName', 'trigger', 'subjectId', 'state', 'actions', 'evidence'],
  },
  params: none,
  query: z.strictObject({
    ruleId: id.exactOptional(),
    state: responseState.exactOptional(),
    subjectId: id.exactOptional(),
    trigger: trigger.exactOptional(),
    ...pageFields,
  }),
  response: pageOf(responseView),
  handler: async (ctx, { query }) => {
    const { cursor: _cursor, limit: _limit, ...filter } = query;
    return mapPage(await ctx.workspace.responses.list(pageRequest(query), filter), view);
  },
});

const get = readEndpoint({
  id: 'responses.get',
  method: 'GET',
  path: '/responses/:id',
  permission: 'response-rules:read',
  summary: 'Show what a rule did',
  description: 'With what it saw.',
  cli: { verb: 'responses show' },
  params,
  query: none,
  response: responseView,
  errors: ['not_found'],
  handler: async (ctx, input) => view(await requireResponse(ctx.workspace, input.params.id)),
});

const undo = changeEndpoint({
  id: 'responses.undo',
  method: 'POST',
  path: '/responses/:id/undo',
  permission: 'responses:undo',
  summary: 'Undo what a rule did',
  description:
    'Resumes the key and gives it back its limits. Refused where somebody changed the key since. Answers 200 when it is in force on every worker, 202 before.',
  cli: { verb: 'responses undo' },
  params,
  query: none,
  body: z.strictObject({ reason: z.string().trim().min(1).max(500).exactOptional() }),
  response: responseView,
  errors: ['not_found', 'conflict'],
  statusWhilePending: 202,
  audit: { targetKind: 'key' },
  handler: async (ctx, { params: target, body: { reason = null } }) => {
    const before = await requireResponse(ctx.workspace, target.id);
    refuseFinal(before);
    const standing = await standingOfResponse(ctx, before);
    if (standing.key === null || !standing.holdsAll) {
      throw new AppError('conflict', {
        message: `The key ${before.subjectId} was changed since this response, or is gone: what is there now was set by somebody. Look at it (keys show ${before.subjectId}) and change it by hand.`,
      });
    }
    const key = await takeBack(ctx, before, standing);
    const after = await endResponse(ctx, before, key, { state: 'undone', by: ctx.principal.actor, reason });
    const why = `response ${before.id} of the rule "${before.ruleName}" undone`;
    return {
      targetId: standing.key.kid,
      before: viewKey(standing.key, ctx.nowMs),
      after: key && viewKey(key, ctx.nowMs),
      reason: reason === null ? why : `${why}: ${reason}`,
      propagate: { kind: 'key', kid: standing.key.kid, wait: true },
      answer: () => view(after),
    };
  },
});

function refuseFinal({ state, effects, id: responseId }: ResponseRow): void {
  if ((state === 'in-force' || state === 'pending') && effects.some(isReversible)) return;
  const why = state === 'done' || state === 'pending' ? 'what it did cannot be taken back' : `it is ${state}`;
  throw new AppError('conflict', { message: `The response ${responseId} cannot be undone: ${why}.` });
}

async function requireResponse(workspace: WorkspaceStore, responseId: string): Promise<ResponseRow> {
  const row = await workspace.responses.get(responseId);
  if (row === null) throw new AppError('not_found', { message: `There is no response ${responseId}.` });
  return row;
}

function view(row: ResponseRow): z.input<typeof responseView> {
  return {
    id: row.id,
    ruleId: row.ruleId,
    ruleName: row.ruleName,
    trigger: row.trigger,
    subjectKind: row.subjectKind,
    subjectId: row.subjectId,
    state: row.state,
    evidence: row.evidence,
    actions: row.effects.map((effect) => ({
      kind: effect.kind,
      text: describeEffect(effect),
      reversible: isReversible(effect),
    })),
    createdAt: iso(row.createdAtMs),
    inForceAt: isoOrNull(row.inForceAtMs),
    expiresAt: isoOrNull(row.expiresAtMs),
    endedAt: isoOrNull(row.endedAtMs),
    endedBy: row.endedBy,
    endedReason: row.endedReason,
  };
}

export const responses = [list, get, undo] as const;
