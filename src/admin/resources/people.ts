import { z } from 'zod';
import { AppError } from '../../errors.ts';
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
import type { PersonRow } from '../owner-stores.ts';
import type { WorkspaceStore } from '../stores.ts';

const params = z.strictObject({ id });
const query = z.strictObject(impactQuery);
export const email = z
  .string()
  .trim()
  .toLowerCase()
  .max(254)
  .regex(/^[^\s@]{1,64}@[^\s@.]+(?:\.[^\s@.]+)*$/, 'must be an e-mail address')
  .nullable()
  .describe('Unique in the workspace.');

const personView = z
  .object({
    id: z.string(),
    name: z.string(),
    email: z.string().nullable(),
    state,
    createdAt: time,
    updatedAt: time,
    deletedAt: time.nullable(),
  })
  .meta({ id: 'Person' });

const changedPerson = personView.extend({ impact: impactView }).meta({ id: 'ChangedPerson' });

export const create = changeEndpoint({
  id: 'people.create',
  method: 'POST',
  path: '/people',
  permission: 'people:write',
  summary: 'Add a person',
  description: 'People own applications and keys: they answer for them.',
  cli: { verb: 'people create' },
  params: none,
  query: none,
  body: z.strictObject({ name: displayName, email: email.default(null), state: state.default('active') }),
  response: personView,
  errors: ['conflict'],
  status: 201,
  audit: { targetKind: 'person' },
  handler: async (ctx, { body }) => {
    await refuseTaken(ctx.workspace, body.email);
    const row: PersonRow = {
      id: newId('per', ctx.nowMs),
      ...body,
      createdAtMs: ctx.nowMs,
      updatedAtMs: ctx.nowMs,
      deletedAtMs: null,
    };
    await ctx.workspace.people.insert(row);
    const after = view(row);
    return { targetId: row.id, before: null, after, propagate: { kind: 'snapshot' }, answer: () => after };
  },
});

const list = readEndpoint({
  id: 'people.list',
  method: 'GET',
  path: '/people',
  permission: 'people:read',
  summary: 'List people',
  description: 'Newest first.',
  cli: { verb: 'people list', columns: ['id', 'name', 'email', 'state'] },
  params: none,
  query: z.strictObject({ ...deletedField, ...pageFields }),
  response: pageOf(personView),
  handler: async (ctx, input) =>
    mapPage(await ctx.workspace.people.list(pageRequest(input.query), { deleted: input.query.deleted }), view),
});

const get = readEndpoint({
  id: 'people.get',
  method: 'GET',
  path: '/people/:id',
  permission: 'people:read',
  summary: 'Show a person',
  description: 'What is known of them here.',
  cli: { verb: 'people show' },
  params,
  query: none,
  response: personView,
  errors: ['not_found'],
  handler: async (ctx, input) => view(await requirePerson(ctx.workspace, input.params.id)),
});

export const update = changeEndpoint({
  id: 'people.update',
  method: 'PATCH',
  path: '/people/:id',
  permission: 'people:write',
  summary: 'Change a person',
  description:
    'What is omitted stays. Disabling a person stops the keys that they own, and those of the applications that they own.',
  cli: { verb: 'people update' },
  params,
  query,
  body: z.strictObject({
    name: displayName.exactOptional(),
    email: email.exactOptional(),
    state: state.exactOptional(),
  }),
  response: changedPerson,
  errors: ['not_found', 'conflict'],
  audit: { targetKind: 'person' },
  handler: async (ctx, input) => {
    const before = await requirePerson(ctx.workspace, input.params.id);
    const { body } = input;
    if (body.email !== undefined && body.email !== before.email) await refuseTaken(ctx.workspace, body.email);
    return change(ctx, before, body, input.query);
  },
});

const remove = changeEndpoint({
  id: 'people.delete',
  method: 'DELETE',
  path: '/people/:id',
  permission: 'people:write',
  summary: 'Delete a person',
  description:
    'Stops the keys that they own, and those of the applications that they own. The record stays, and can be restored.',
  cli: { verb: 'people delete' },
  params,
  query,
  body: none,
  response: changedPerson,
  errors: ['not_found'],
  audit: { targetKind: 'person' },
  handler: async (ctx, input) => {
    const before = await requirePerson(ctx.workspace, input.params.id);
    return change(ctx, before, { deletedAtMs: ctx.nowMs }, input.query);
  },
});

export const restore = changeEndpoint({
  id: 'people.restore',
  method: 'POST',
  path: '/people/:id/restore',
  permission: 'people:write',
  summary: 'Restore a person',
  description: 'Brings a deleted person back, with their memberships; keys that stood on them can be used again.',
  cli: { verb: 'people restore' },
  params,
  query,
  body: none,
  response: changedPerson,
  errors: ['not_found', 'conflict'],
  audit: { targetKind: 'person' },
  handler: async (ctx, input) => {
    const before = await ctx.workspace.people.find(input.params.id);
    if (before === null) throw notFound(input.params.id);
    if (before.deletedAtMs !== null) await refuseTaken(ctx.workspace, before.email);
    return change(ctx, before, { deletedAtMs: null }, input.query);
  },
});

async function change(
  ctx: CallContext,
  before: PersonRow,
  patch: Partial<Pick<PersonRow, 'name' | 'email' | 'state' | 'deletedAtMs'>>,
  impact: ImpactQuery,
) {
  const { people } = ctx.workspace;
  const matters = patch.state !== undefined || patch.deletedAtMs !== undefined;
  return standingChange(ctx, {
    targetId: before.id,
    before,
    beneath: matters ? await keysBeneath(ctx.workspace, ({ ownerId }) => ownerId === before.id, before.id) : null,
    query: impact,
    view,
    make: async () => {
      await people.update(before.id, { ...patch, updatedAtMs: ctx.nowMs });
      return (await people.find(before.id)) ?? before;
    },
  });
}

async function requirePerson(workspace: WorkspaceStore, personId: string): Promise<PersonRow> {
  const row = await workspace.people.get(personId);
  if (row === null) throw notFound(personId);
  return row;
}

function notFound(personId: string): AppError {
  return new AppError('not_found', { message: `There is no person ${personId}.` });
}

async function refuseTaken(workspace: WorkspaceStore, address: string | null): Promise<void> {
  const holder = address === null ? null : await workspace.people.byEmail(address);
  if (holder === null) return;
  throw new AppError('conflict', {
    message: `The e-mail address ${address} is taken by ${holder.id}. Use another, or change that person's first.`,
  });
}

function view({ createdAtMs, updatedAtMs, deletedAtMs, ...row }: PersonRow): z.input<typeof personView> {
  return { ...row, createdAt: iso(createdAtMs), updatedAt: iso(updatedAtMs), deletedAt: isoOrNull(deletedAtMs) };
}

export const people = [create, list, get, update, remove, restore] as const;
