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
  modelPattern,
  pageFields,
  pageOf,
  pageRequest,
  state,
  time,
} from '../fields.ts';
import { impactQuery, impactView } from '../impact.ts';
import type { ImpactQuery } from '../impact.ts';
import { newId } from '../new-id.ts';
import { requireOwner, requireTeamOf, standingChange } from '../ownership.ts';
import { applicationWarnings, strictField, warningsField, withWarnings } from '../scope-warnings.ts';
import type { ApplicationRow, WorkspaceStore } from '../stores.ts';

const fields = {
  subscribedModels: z
    .array(modelPattern)
    .max(500)
    .describe('The models that keys of this application may call; ["*"] for all.'),
  subscribedServices: z
    .array(z.string().min(1).max(256))
    .max(500)
    .describe('The services that keys of this application may call.'),
  ownerId: id.nullable().describe('The person who answers for it; with a team, an active member of it.'),
  teamId: id.nullable().describe('The team it belongs to.'),
};
const params = z.strictObject({ id });
const query = z.strictObject(impactQuery);
const strictQuery = z.strictObject(strictField);

const applicationView = z
  .object({
    id: z.string(),
    name: z.string(),
    state,
    subscribedModels: z.array(z.string()),
    subscribedServices: z.array(z.string()),
    ownerId: z.string().nullable(),
    teamId: z.string().nullable(),
    scopes: scopesView,
    limits: limitsView,
    isDefault: z.boolean().describe('Whether keys made without naming an application belong to it.'),
    createdAt: time,
    updatedAt: time,
    deletedAt: time.nullable(),
  })
  .meta({ id: 'Application' });

const changedApplication = applicationView.extend({ impact: impactView }).meta({ id: 'ChangedApplication' });

const createdApplication = applicationView.extend(warningsField).meta({ id: 'CreatedApplication' });
const updatedApplication = changedApplication.extend(warningsField).meta({ id: 'UpdatedApplication' });

const create = changeEndpoint({
  id: 'applications.create',
  method: 'POST',
  path: '/applications',
  permission: 'applications:write',
  summary: 'Create an application',
  description:
    'An application is a program that calls; it has keys, and may have an owner and a team. It reaches the models it is subscribed to.',
  cli: { verb: 'applications create' },
  params: none,
  query: strictQuery,
  body: z.strictObject({
    name: displayName,
    state: state.default('active'),
    subscribedModels: fields.subscribedModels.default([]),
    subscribedServices: fields.subscribedServices.default([]),
    ownerId: fields.ownerId.default(null),
    teamId: fields.teamId.default(null),
    scopes: scopesInput.exactOptional(),
    limits: limitsInput.exactOptional(),
  }),
  response: createdApplication,
  status: 201,
  audit: { targetKind: 'application' },
  handler: async (ctx, { query: { strict }, body }) => {
    await requireOwners(ctx.workspace, body);
    const row = newApplication(body, ctx.nowMs);
    const warnings = await applicationWarnings(ctx, row, strict);
    await ctx.workspace.applications.insert(row);
    const after = view(row);
    return {
      ...{ targetId: row.id, before: null, after, propagate: { kind: 'snapshot' } },
      answer: () => ({ ...after, warnings }),
    };
  },
});

const list = readEndpoint({
  id: 'applications.list',
  method: 'GET',
  path: '/applications',
  permission: 'applications:read',
  summary: 'List applications',
  description: 'Newest first.',
  cli: {
    verb: 'applications list',
    columns: ['id', 'name', 'state', 'ownerId', 'teamId', 'isDefault', 'subscribedModels'],
  },
  params: none,
  query: z.strictObject({ ...deletedField, ...pageFields }),
  response: pageOf(applicationView),
  handler: async (ctx, input) =>
    mapPage(await ctx.workspace.applications.list(pageRequest(input.query), { deleted: input.query.deleted }), view),
});

const get = readEndpoint({
  id: 'applications.get',
  method: 'GET',
  path: '/applications/:id',
  permission: 'applications:read',
  summary: 'Show an application',
  description: 'With the models it is subscribed to.',
  cli: { verb: 'applications show' },
  params,
  query: none,
  response: applicationView,
  errors: ['not_found'],
  handler: async (ctx, input) => view(await requireApplication(ctx.workspace, input.params.id)),
});

export const update = changeEndpoint({
  id: 'applications.update',
  method: 'PATCH',
  path: '/applications/:id',
  permission: 'applications:write',
  summary: 'Change an application',
  description:
    'What is omitted stays, null clears. Disabling an application, or ending its subscriptions, stops all of its keys. A key that still reaches something counts as going on.',
  cli: { verb: 'applications update' },
  params,
  query: query.extend(strictField),
  body: z.strictObject({
    name: displayName.exactOptional(),
    state: state.exactOptional(),
    subscribedModels: fields.subscribedModels.exactOptional(),
    subscribedServices: fields.subscribedServices.exactOptional(),
    ownerId: fields.ownerId.exactOptional(),
    teamId: fields.teamId.exactOptional(),
    scopes: scopesInput.exactOptional(),
    limits: limitsInput.exactOptional(),
  }),
  response: updatedApplication,
  errors: ['not_found'],
  audit: { targetKind: 'application' },
  handler: async (ctx, input) => {
    const before = await requireApplication(ctx.workspace, input.params.id);
    const { scopes, limits, ...same } = input.body;
    if (same.ownerId !== undefined || same.teamId !== undefined) {
      await requireOwners(ctx.workspace, { ...before, ...same });
    }
    const patch = {
      ...same,
      ...(scopes === undefined ? {} : { scopes: changedScopes(before.scopes, scopes), scopesSetAtMs: ctx.nowMs }),
      ...(limits === undefined ? {} : { limits: changedLimits(before.limits, limits) }),
    };
    const { strict, ...impact } = input.query;
    const warnings = await applicationWarnings(ctx, { ...before, ...patch }, strict);
    return withWarnings(await change(ctx, before, patch, impact), warnings);
  },
});

const remove = changeEndpoint({
  id: 'applications.delete',
  method: 'DELETE',
  path: '/applications/:id',
  permission: 'applications:write',
  summary: 'Delete an application',
  description:
    'Stops all of its keys. The record stays, with its keys, and can be restored. The default application cannot be deleted.',
  cli: { verb: 'applications delete' },
  params,
  query,
  body: none,
  response: changedApplication,
  errors: ['not_found', 'conflict'],
  audit: { targetKind: 'application' },
  handler: async (ctx, input) => {
    const before = await requireApplication(ctx.workspace, input.params.id);
    if (before.isDefault)
      throw new AppError('conflict', { message: 'This is the default application: it cannot be deleted.' });
    return change(ctx, before, { deletedAtMs: ctx.nowMs }, input.query);
  },
});

const restore = changeEndpoint({
  id: 'applications.restore',
  method: 'POST',
  path: '/applications/:id/restore',
  permission: 'applications:write',
  summary: 'Restore an application',
  description: 'Brings a deleted application back; its keys can be used again.',
  cli: { verb: 'applications restore' },
  params,
  query,
  body: none,
  response: changedApplication,
  errors: ['not_found'],
  audit: { targetKind: 'application' },
  handler: async (ctx, input) => {
    const before = await ctx.workspace.applications.find(input.params.id);
    if (before === null) throw notFound(input.params.id);
    return change(ctx, before, { deletedAtMs: null }, input.query);
  },
});

/** The owner and the team as they will be. */
async function requireOwners(
  workspace: WorkspaceStore,
  named: { readonly ownerId: string | null; readonly teamId: string | null },
): Promise<void> {
  await requireTeamOf(workspace, named.teamId);
  await requireOwner(workspace, named);
}

interface NewApplication {
  readonly subscribedModels: readonly string[];
  readonly subscribedServices: readonly string[];
  readonly ownerId: string | null;
  readonly teamId: string | null;
  readonly scopes?: z.output<typeof scopesInput>;
  readonly limits?: z.output<typeof limitsInput>;
  readonly name: string;
  readonly state: 'active' | 'disabled';
}

function newApplication({ scopes, limits, ...given }: NewApplication, nowMs: number): ApplicationRow {
  return {
    id: newId('app', nowMs),
    ...given,
    scopes: changedScopes(NO_SCOPES, scopes),
    scopesSetAtMs: nowMs,
    limits: changedLimits(NO_LIMITS, limits),
    isDefault: false,
    createdAtMs: nowMs,
    updatedAtMs: nowMs,
    deletedAtMs: null,
  };
}

type ApplicationPatch = Parameters<WorkspaceStore['applications']['update']>[1];

function change(ctx: CallContext, before: ApplicationRow, patch: ApplicationPatch, impact: ImpactQuery) {
  const { applications: store } = ctx.workspace;
  const { name: _name, ...mattering } = patch;
  return standingChange(ctx, {
    targetId: before.id,
    before,
    beneath: Object.keys(mattering).length === 0 ? null : { kind: 'beneath', applicationIds: [before.id] },
    query: impact,
    view,
    make: async () => {
      await store.update(before.id, { ...patch, updatedAtMs: ctx.nowMs });
      return (await store.find(before.id)) ?? before;
    },
  });
}

async function requireApplication(workspace: WorkspaceStore, applicationId: string): Promise<ApplicationRow> {
  const row = await workspace.applications.get(applicationId);
  if (row === null) throw notFound(applicationId);
  return row;
}

function notFound(applicationId: string): AppError {
  return new AppError('not_found', { message: `There is no application ${applicationId}.` });
}

function view(row: ApplicationRow): z.input<typeof applicationView> {
  return {
    id: row.id,
    name: row.name,
    state: row.state,
    subscribedModels: [...row.subscribedModels],
    subscribedServices: [...row.subscribedServices],
    ownerId: row.ownerId,
    teamId: row.teamId,
    scopes: viewScopes(row.scopes),
    limits: viewLimits(row.limits),
    isDefault: row.isDefault,
    createdAt: iso(row.createdAtMs),
    updatedAt: iso(row.updatedAtMs),
    deletedAt: isoOrNull(row.deletedAtMs),
  };
}

export const applications = [create, list, get, update, remove, restore] as const;
