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
import { defaultRules } from '../default-rules.ts';
import { firstApplication } from '../first-application.ts';
import { impactQuery, impactView } from '../impact.ts';
import type { ImpactQuery } from '../impact.ts';
import { newId } from '../new-id.ts';
import { standingChange } from '../ownership.ts';
import { groupWarnings, strictField, warningsField, withWarnings } from '../scope-warnings.ts';
import type { WorkspaceRow, WorkspacesStore } from '../stores.ts';

const params = z.strictObject({ id });
const query = z.strictObject(impactQuery);
const strictQuery = z.strictObject(strictField);

const workspaceView = z
  .object({
    id: z.string(),
    name: z.string(),
    state,
    isDefault: z.boolean().describe('Whether calls that name no workspace are about it.'),
    scopes: scopesView,
    limits: limitsView,
    createdAt: time,
    updatedAt: time,
    deletedAt: time.nullable(),
  })
  .meta({ id: 'Workspace' });

const changedWorkspace = workspaceView.extend({ impact: impactView }).meta({ id: 'ChangedWorkspace' });

const createdWorkspace = workspaceView.extend(warningsField).meta({ id: 'CreatedWorkspace' });
const updatedWorkspace = changedWorkspace.extend(warningsField).meta({ id: 'UpdatedWorkspace' });

const create = changeEndpoint({
  id: 'workspaces.create',
  method: 'POST',
  path: '/workspaces',
  permission: 'workspaces:write',
  summary: 'Create a workspace',
  description:
    'A workspace is a tenant: nothing crosses it. It begins with one application that may call every model. Name it in x-keyward-workspace to work in it.',
  cli: { verb: 'workspaces create' },
  params: none,
  query: strictQuery,
  body: z.strictObject({
    name: displayName,
    state: state.default('active'),
    scopes: scopesInput.exactOptional(),
    limits: limitsInput.exactOptional(),
  }),
  response: createdWorkspace,
  status: 201,
  audit: { targetKind: 'workspace' },
  handler: async (ctx, { query: { strict }, body }) => {
    const { deployment } = ctx.workspace;
    const row: WorkspaceRow = {
      id: newId('ws', ctx.nowMs),
      name: body.name,
      state: body.state,
      scopes: changedScopes(NO_SCOPES, body.scopes),
      scopesSetAtMs: ctx.nowMs,
      limits: changedLimits(NO_LIMITS, body.limits),
      createdAtMs: await youngerThanAll(deployment, ctx.nowMs),
      updatedAtMs: ctx.nowMs,
      deletedAtMs: null,
    };
    const warnings = groupWarnings(ctx, row.scopes, row.id, strict);
    await deployment.insert(row);
    const made = deployment.workspace(row.id);
    await made.applications.insert(firstApplication(ctx.nowMs));
    for (const rule of defaultRules(ctx.nowMs)) await made.responseRules.insert(rule);
    const after = view(ctx, row);
    return {
      ...{ targetId: row.id, before: null, after, propagate: { kind: 'snapshot' } },
      answer: () => ({ ...after, warnings }),
    };
  },
});

const list = readEndpoint({
  id: 'workspaces.list',
  method: 'GET',
  path: '/workspaces',
  permission: 'workspaces:read',
  summary: 'List workspaces',
  description: 'Newest first.',
  cli: { verb: 'workspaces list', columns: ['id', 'name', 'state', 'isDefault'] },
  params: none,
  query: z.strictObject({ ...deletedField, ...pageFields }),
  response: pageOf(workspaceView),
  handler: async (ctx, input) => {
    const { deleted } = input.query;
    const page = await ctx.workspace.deployment.page(pageRequest(input.query), { deleted });
    return mapPage(page, (row) => view(ctx, row));
  },
});

const get = readEndpoint({
  id: 'workspaces.get',
  method: 'GET',
  path: '/workspaces/:id',
  permission: 'workspaces:read',
  summary: 'Show a workspace',
  description: 'With its scopes and limits.',
  cli: { verb: 'workspaces show' },
  params,
  query: none,
  response: workspaceView,
  errors: ['not_found'],
  handler: async (ctx, input) => view(ctx, await requireWorkspace(ctx, input.params.id)),
});

const update = changeEndpoint({
  id: 'workspaces.update',
  method: 'PATCH',
  path: '/workspaces/:id',
  permission: 'workspaces:write',
  summary: 'Change a workspace',
  description: 'What is omitted stays, null clears. Disabling a workspace stops all of its keys.',
  cli: { verb: 'workspaces update' },
  params,
  query: query.extend(strictField),
  body: z.strictObject({
    name: displayName.exactOptional(),
    state: state.exactOptional(),
    scopes: scopesInput.exactOptional(),
    limits: limitsInput.exactOptional(),
  }),
  response: updatedWorkspace,
  errors: ['not_found'],
  audit: { targetKind: 'workspace' },
  handler: async (ctx, input) => {
    const before = await requireWorkspace(ctx, input.params.id);
    const { scopes, limits, ...same } = input.body;
    const patch = {
      ...same,
      ...(scopes === undefined ? {} : { scopes: changedScopes(before.scopes, scopes), scopesSetAtMs: ctx.nowMs }),
      ...(limits === undefined ? {} : { limits: changedLimits(before.limits, limits) }),
    };
    const { strict, ...impact } = input.query;
    const warnings = groupWarnings(ctx, patch.scopes ?? before.scopes, before.id, strict);
    return withWarnings(await change(ctx, before, patch, impact), warnings);
  },
});

const remove = changeEndpoint({
  id: 'workspaces.delete',
  method: 'DELETE',
  path: '/workspaces/:id',
  permission: 'workspaces:write',
  summary: 'Delete a workspace',
  description: 'Stops all of its keys. Everything in it stays, and can be restored. The default one cannot be deleted.',
  cli: { verb: 'workspaces delete' },
  params,
  query,
  body: none,
  response: changedWorkspace,
  errors: ['not_found', 'conflict'],
  audit: { targetKind: 'workspace' },
  handler: async (ctx, input) => {
    const before = await requireWorkspace(ctx, input.params.id);
    if (before.id === ctx.deps.defaultWorkspaceId) {
      throw new AppError('conflict', {
        message: 'This is the default workspace: it cannot be deleted. Disable it to stop its keys.',
      });
    }
    return change(ctx, before, { deletedAtMs: ctx.nowMs }, input.query);
  },
});

const restore = changeEndpoint({
  id: 'workspaces.restore',
  method: 'POST',
  path: '/workspaces/:id/restore',
  permission: 'workspaces:write',
  summary: 'Restore a workspace',
  description: 'Brings a deleted workspace back, with everything in it.',
  cli: { verb: 'workspaces restore' },
  params,
  query,
  body: none,
  response: changedWorkspace,
  errors: ['not_found'],
  audit: { targetKind: 'workspace' },
  handler: async (ctx, input) => {
    const before = await ctx.workspace.deployment.find(input.params.id);
    if (before === null) throw notFound(input.params.id);
    return change(ctx, before, { deletedAtMs: null }, input.query);
  },
});

type WorkspacePatch = Parameters<WorkspacesStore['update']>[1];

async function change(ctx: CallContext, before: WorkspaceRow, patch: WorkspacePatch, impact: ImpactQuery) {
  const { deployment } = ctx.workspace;
  const { name: _name, ...mattering } = patch;
  return standingChange(ctx, {
    targetId: before.id,
    before,
    beneath: Object.keys(mattering).length === 0 ? null : { kind: 'all' },
    query: impact,
    workspace: deployment.workspace(before.id),
    view: (row) => view(ctx, row),
    make: async () => {
      await deployment.update(before.id, { ...patch, updatedAtMs: ctx.nowMs });
      return (await deployment.find(before.id)) ?? before;
    },
  });
}

/** The oldest workspace is the default one, which a clock that was set back must not change. */
async function youngerThanAll(workspaces: WorkspacesStore, nowMs: number): Promise<number> {
  const oldest = (await workspaces.list())[0];
  return oldest === undefined ? nowMs : Math.max(nowMs, oldest.createdAtMs + 1);
}

async function requireWorkspace({ workspace }: CallContext, workspaceId: string): Promise<WorkspaceRow> {
  const row = await workspace.deployment.get(workspaceId);
  if (row === null) throw notFound(workspaceId);
  return row;
}

function notFound(workspaceId: string): AppError {
  return new AppError('not_found', { message: `There is no workspace ${workspaceId}.` });
}

function view(ctx: CallContext, row: WorkspaceRow): z.input<typeof workspaceView> {
  return {
    id: row.id,
    name: row.name,
    state: row.state,
    isDefault: row.id === ctx.deps.defaultWorkspaceId,
    scopes: viewScopes(row.scopes),
    limits: viewLimits(row.limits),
    createdAt: iso(row.createdAtMs),
    updatedAt: iso(row.updatedAtMs),
    deletedAt: isoOrNull(row.deletedAtMs),
  };
}

export const workspaces = [create, list, get, update, remove, restore] as const;
