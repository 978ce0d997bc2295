import { z } from 'zod';
import { AppError } from '../../errors.ts';
import { NO_LIMITS, NO_SCOPES } from '../../keys/constraints.ts';
import {
  changedLimits,
  changedScopes,
  limitsInput,
  limitsView,
  scopesInput,
  scopesView,
  viewLimits,
  viewScopes,
} from '../constraint-fields.ts';
import type { CallContext } from '../contract.ts';
import { changeEndpoint, none, readEndpoint } from '../contract.ts';
import {
  deletedField,
  displayName,
  id,
  iso,
  isoOrNull,
  mapPage,
  pageFields,
  pageOf,
  pageRequest,
  state,
  time,
} from '../fields.ts';
import { impactQuery, impactView } from '../impact.ts';
import type { ImpactQuery } from '../impact.ts';
import { newId } from '../new-id.ts';
import { keysBeneath, standingChange } from '../ownership.ts';
import type { TeamRow } from '../owner-stores.ts';
import { groupWarnings, strictField, warningsField, withWarnings } from '../scope-warnings.ts';
import type { WorkspaceStore } from '../stores.ts';

const params = z.strictObject({ id });
const query = z.strictObject(impactQuery);
const strictQuery = z.strictObject(strictField);

const teamView = z
  .object({
    id: z.string(),
    name: z.string(),
    state,
    scopes: scopesView,
    limits: limitsView,
    createdAt: time,
    updatedAt: time,
    deletedAt: time.nullable(),
  })
  .meta({ id: 'Team' });

const changedTeam = teamView.extend({ impact: impactView }).meta({ id: 'ChangedTeam' });

const createdTeam = teamView.extend(warningsField).meta({ id: 'CreatedTeam' });
const updatedTeam = changedTeam.extend(warningsField).meta({ id: 'UpdatedTeam' });

const create = changeEndpoint({
  id: 'teams.create',
  method: 'POST',
  path: '/teams',
  permission: 'teams:write',
  summary: 'Create a team',
  description: 'Applications may belong to a team. Its scopes and limits narrow all of their keys, together.',
  cli: { verb: 'teams create' },
  params: none,
  query: strictQuery,
  body: z.strictObject({
    name: displayName,
    state: state.default('active'),
    scopes: scopesInput.exactOptional(),
    limits: limitsInput.exactOptional(),
  }),
  response: createdTeam,
  status: 201,
  audit: { targetKind: 'team' },
  handler: async (ctx, { query: { strict }, body }) => {
    const row: TeamRow = {
      id: newId('team', ctx.nowMs),
      name: body.name,
      state: body.state,
      scopes: changedScopes(NO_SCOPES, body.scopes),
      scopesSetAtMs: ctx.nowMs,
      limits: changedLimits(NO_LIMITS, body.limits),
      createdAtMs: ctx.nowMs,
      updatedAtMs: ctx.nowMs,
      deletedAtMs: null,
    };
    const warnings = groupWarnings(ctx, row.scopes, ctx.workspace.workspaceId, strict);
    await ctx.workspace.teams.insert(row);
    const after = view(row);
    return {
      ...{ targetId: row.id, before: null, after, propagate: { kind: 'snapshot' } },
      answer: () => ({ ...after, warnings }),
    };
  },
});

const list = readEndpoint({
  id: 'teams.list',
  method: 'GET',
  path: '/teams',
  permission: 'teams:read',
  summary: 'List teams',
  description: 'Newest first.',
  cli: { verb: 'teams list', columns: ['id', 'name', 'state'] },
  params: none,
  query: z.strictObject({ ...deletedField, ...pageFields }),
  response: pageOf(teamView),
  handler: async (ctx, input) =>
    mapPage(await ctx.workspace.teams.list(pageRequest(input.query), { deleted: input.query.deleted }), view),
});

const get = readEndpoint({
  id: 'teams.get',
  method: 'GET',
  path: '/teams/:id',
  permission: 'teams:read',
  summary: 'Show a team',
  description: 'With its scopes and limits.',
  cli: { verb: 'teams show' },
  params,
  query: none,
  response: teamView,
  errors: ['not_found'],
  handler: async (ctx, input) => view(await requireTeam(ctx.workspace, input.params.id)),
});

const update = changeEndpoint({
  id: 'teams.update',
  method: 'PATCH',
  path: '/teams/:id',
  permission: 'teams:write',
  summary: 'Change a team',
  description: 'What is omitted stays, null clears. Disabling a team stops the keys of all of its applications.',
  cli: { verb: 'teams update' },
  params,
  query: query.extend(strictField),
  body: z.strictObject({
    name: displayName.exactOptional(),
    state: state.exactOptional(),
    scopes: scopesInput.exactOptional(),
    limits: limitsInput.exactOptional(),
  }),
  response: updatedTeam,
  errors: ['not_found'],
  audit: { targetKind: 'team' },
  handler: async (ctx, input) => {
    const before = await requireTeam(ctx.workspace, input.params.id);
    const { scopes, limits, ...same } = input.body;
    const patch = {
      ...same,
      ...(scopes === undefined ? {} : { scopes: changedScopes(before.scopes, scopes), scopesSetAtMs: ctx.nowMs }),
      ...(limits === undefined ? {} : { limits: changedLimits(before.limits, limits) }),
    };
    const { strict, ...impact } = input.query;
    const warnings = groupWarnings(ctx, patch.scopes ?? before.scopes, ctx.workspace.workspaceId, strict);
    return withWarnings(await change(ctx, before, patch, impact), warnings);
  },
});

const remove = changeEndpoint({
  id: 'teams.delete',
  method: 'DELETE',
  path: '/teams/:id',
  permission: 'teams:write',
  summary: 'Delete a team',
  description: 'Stops the keys of all of its applications. The record stays, and can be restored.',
  cli: { verb: 'teams delete' },
  params,
  query,
  body: none,
  response: changedTeam,
  errors: ['not_found'],
  audit: { targetKind: 'team' },
  handler: async (ctx, input) => {
    const before = await requireTeam(ctx.workspace, input.params.id);
    return change(ctx, before, { deletedAtMs: ctx.nowMs }, input.query);
  },
});

const restore = changeEndpoint({
  id: 'teams.restore',
  method: 'POST',
  path: '/teams/:id/restore',
  permission: 'teams:write',
  summary: 'Restore a team',
  description: 'Brings a deleted team back, with its members; the keys of its applications can be used again.',
  cli: { verb: 'teams restore' },
  params,
  query,
  body: none,
  response: changedTeam,
  errors: ['not_found'],
  audit: { targetKind: 'team' },
  handler: async (ctx, input) => {
    const before = await ctx.workspace.teams.find(input.params.id);
    if (before === null) throw notFound(input.params.id);
    return change(ctx, before, { deletedAtMs: null }, input.query);
  },
});

type TeamPatch = Parameters<WorkspaceStore['teams']['update']>[1];

async function change(ctx: CallContext, before: TeamRow, patch: TeamPatch, impact: ImpactQuery) {
  const { teams: store } = ctx.workspace;
  const { name: _name, ...mattering } = patch;
  return standingChange(ctx, {
    targetId: before.id,
    before,
    beneath:
      Object.keys(mattering).length === 0
        ? null
        : await keysBeneath(ctx.workspace, ({ teamId }) => teamId === before.id),
    query: impact,
    view,
    make: async () => {
      await store.update(before.id, { ...patch, updatedAtMs: ctx.nowMs });
      return (await store.find(before.id)) ?? before;
    },
  });
}

/** The team of that id; refuses when there is none. */
export async function requireTeam(workspace: WorkspaceStore, teamId: string): Promise<TeamRow> {
  const row = await workspace.teams.get(teamId);
  if (row === null) throw notFound(teamId);
  return row;
}

function notFound(teamId: string): AppError {
  return new AppError('not_found', { message: `There is no team ${teamId}.` });
}

function view(row: TeamRow): z.input<typeof teamView> {
  return {
    id: row.id,
    name: row.name,
    state: row.state,
    scopes: viewScopes(row.scopes),
    limits: viewLimits(row.limits),
    createdAt: iso(row.createdAtMs),
    updatedAt: iso(row.updatedAtMs),
    deletedAt: isoOrNull(row.deletedAtMs),
  };
}

export const teams = [create, list, get, update, remove, restore] as const;
