import { z } from 'zod';
import { AppError } from '../../errors.ts';
import { NO_LIMITS, NO_SCOPES } from '../../keys/constraints.ts';
import type { CallContext } from '../contract.ts';
import { changeEndpoint, none, readEndpoint } from '../contract.ts';
import {
  displayName,
  id,
  iso,
  mapPage,
  modelPattern,
  pageFields,
  pageOf,
  pageRequest,
  state,
  time,
} from '../fields.ts';
import { newId } from '../new-id.ts';
import type { ApplicationRow, KeyRow, Page, WorkspaceStore } from '../stores.ts';

const subscribedModels = z
  .array(modelPattern)
  .max(500)
  .describe('The models that keys of this application may call; ["*"] for all.');
const params = z.strictObject({ id });

const applicationView = z
  .object({
    id: z.string(),
    name: z.string(),
    state,
    subscribedModels: z.array(z.string()),
    isDefault: z.boolean().describe('Whether keys made without naming an application belong to it.'),
    createdAt: time,
    updatedAt: time,
  })
  .meta({ id: 'Application' });

const create = changeEndpoint({
  id: 'applications.create',
  method: 'POST',
  path: '/applications',
  permission: 'applications:write',
  summary: 'Create an application',
  description: 'An application is a program that calls; it owns keys. It reaches the models it is subscribed to.',
  cli: { verb: 'applications create' },
  params: none,
  query: none,
  body: z.strictObject({
    name: displayName,
    state: state.default('active'),
    subscribedModels: subscribedModels.default([]),
  }),
  response: applicationView,
  status: 201,
  audit: { targetKind: 'application' },
  handler: async (ctx, { body }) => {
    const row: ApplicationRow = {
      id: newId('app', ctx.nowMs),
      ...body,
      subscribedServices: [],
      ownerId: null,
      teamId: null,
      scopes: NO_SCOPES,
      scopesSetAtMs: ctx.nowMs,
      limits: NO_LIMITS,
      isDefault: false,
      createdAtMs: ctx.nowMs,
      updatedAtMs: ctx.nowMs,
    };
    await ctx.workspace.applications.insert(row);
    return change(null, row);
  },
});

const list = readEndpoint({
  id: 'applications.list',
  method: 'GET',
  path: '/applications',
  permission: 'applications:read',
  summary: 'List applications',
  description: 'Newest first.',
  cli: { verb: 'applications list', columns: ['id', 'name', 'state', 'isDefault', 'subscribedModels'] },
  params: none,
  query: z.strictObject(pageFields),
  response: pageOf(applicationView),
  handler: async (ctx, { query }) => mapPage(await ctx.workspace.applications.list(pageRequest(query)), view),
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
  description: 'What is omitted stays. Disabling an application stops all of its keys.',
  cli: { verb: 'applications update' },
  params,
  query: none,
  body: z.strictObject({
    name: displayName.exactOptional(),
    state: state.exactOptional(),
    subscribedModels: subscribedModels.exactOptional(),
  }),
  response: applicationView,
  errors: ['not_found'],
  audit: { targetKind: 'application' },
  handler: async (ctx, input) => {
    const before = await requireApplication(ctx.workspace, input.params.id);
    await ctx.workspace.applications.update(before.id, { ...input.body, updatedAtMs: ctx.nowMs });
    return change(before, await requireApplication(ctx.workspace, before.id));
  },
});

const remove = changeEndpoint({
  id: 'applications.delete',
  method: 'DELETE',
  path: '/applications/:id',
  permission: 'applications:write',
  summary: 'Delete an application',
  description:
    'Refused while it has keys that are not revoked: nothing stops working by surprise. Its revoked keys go to the default application, so that their history stays.',
  cli: { verb: 'applications delete' },
  params,
  query: none,
  body: none,
  response: applicationView,
  errors: ['not_found', 'conflict'],
  audit: { targetKind: 'application' },
  handler: async (ctx, input) => {
    const before = await requireApplication(ctx.workspace, input.params.id);
    if (before.isDefault)
      throw new AppError('conflict', { message: 'This is the default application: it cannot be deleted.' });
    const keys = await keysOf(ctx.workspace, before.id);
    const usable = keys.filter(({ state }) => state === 'active' || state === 'suspended').length;
    if (usable > 0) {
      throw new AppError('conflict', {
        message: `${usable} ${usable === 1 ? 'key of this application is' : 'keys of this application are'} not revoked. Revoke or reassign them first.`,
        details: { keys: usable },
      });
    }
    await moveToDefault(ctx, keys);
    await ctx.workspace.applications.delete(before.id);
    return { ...change(before, before), after: null };
  },
});

function change(before: ApplicationRow | null, after: ApplicationRow) {
  return {
    targetId: after.id,
    before: before && view(before),
    after: view(after),
    propagate: { kind: 'snapshot' } as const,
    answer: () => view(after),
  };
}

async function requireApplication(workspace: WorkspaceStore, applicationId: string): Promise<ApplicationRow> {
  const row = await workspace.applications.get(applicationId);
  if (row === null) throw new AppError('not_found', { message: `There is no application ${applicationId}.` });
  return row;
}

async function keysOf(workspace: WorkspaceStore, applicationId: string): Promise<readonly KeyRow[]> {
  const keys: KeyRow[] = [];
  let cursor: string | null = null;
  do {
    const page: Page<KeyRow> = await workspace.keys.list({ cursor, limit: 500 }, { applicationId });
    keys.push(...page.items);
    cursor = page.next;
  } while (cursor !== null);
  return keys;
}

async function moveToDefault({ workspace, nowMs }: CallContext, keys: readonly KeyRow[]): Promise<void> {
  const heir = await workspace.applications.getDefault();
  if (heir === null && keys.length > 0) {
    throw new AppError('conflict', {
      message: 'There is no default application that could keep the revoked keys of this one.',
    });
  }
  for (const { kid, revision } of keys) {
    await workspace.keys.update(kid, revision, { ...(heir && { applicationId: heir.id }), updatedAtMs: nowMs });
  }
}

function view(row: ApplicationRow): z.input<typeof applicationView> {
  return {
    id: row.id,
    name: row.name,
    state: row.state,
    subscribedModels: [...row.subscribedModels],
    isDefault: row.isDefault,
    createdAt: iso(row.createdAtMs),
    updatedAt: iso(row.updatedAtMs),
  };
}

export const applications = [create, list, get, update, remove] as const;
