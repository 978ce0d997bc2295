import { z } from 'zod';
import { AppError } from '../../errors.ts';
import { providerById } from '../../providers/index.ts';
import type { CallContext } from '../contract.ts';
import { changeEndpoint, none, readEndpoint } from '../contract.ts';
import { displayName, id, iso, mapPage, pageFields, pageOf, pageRequest, state, time } from '../fields.ts';
import { newId } from '../new-id.ts';
import type { CredentialRow, WorkspaceStore } from '../stores.ts';
import { invalidField } from '../validation.ts';
import { providerExists, refuseDeclared } from './provider-catalogue.ts';
import { healthOf, healthView } from './provider-pools.ts';

/** What a provider is shown; only ever taken in. */
export const secret = z
  .string()
  .min(1)
  .max(16_384)
  .regex(
    /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/,
    'must be printable ASCII without spaces around it, as it is sent in a header',
  )
  .meta({ description: 'What is presented to the provider. Write-only: it is never answered.', writeOnly: true });
const weight = z.int().min(1).max(1_000_000).describe('How often it is taken, relative to the others of its provider.');
const priority = z
  .int()
  .min(0)
  .max(1_000)
  .describe('Those with the lowest number are used as long as one of them can be.');
const models = z
  .array(
    z
      .string()
      .min(1)
      .max(256)
      .regex(/^[^*]*\*?[^*]*$/, 'must hold at most one "*"'),
  )
  .min(1)
  .max(100)
  .nullable()
  .describe('Models of the provider that it is for, as names with at most one *; null: all.');
const params = z.strictObject({ id });
/** Of a shorter secret, four characters would give too much away. */
const HINTED_LENGTH_MIN = 16;

const credentialView = z
  .object({
    id: z.string(),
    providerId: z.string(),
    name: z.string(),
    weight: z.number(),
    priority: z.int(),
    models: z.array(z.string()).nullable(),
    state,
    hint: z.string().describe('The last four characters of the secret; empty for a short one.'),
    createdAt: time,
    updatedAt: time,
    health: healthView.nullable().describe('How it stands at the provider; null while it is not in force.'),
  })
  .meta({ id: 'Credential' });

const create = changeEndpoint({
  id: 'credentials.create',
  method: 'POST',
  path: '/credentials',
  permission: 'credentials:write',
  summary: 'Add a credential',
  description: 'A secret that Keyward presents to a provider. It is stored encrypted and never answered.',
  cli: { verb: 'credentials create' },
  params: none,
  query: none,
  body: z.strictObject({
    providerId: id,
    name: displayName,
    secret,
    weight: weight.default(1),
    priority: priority.default(1),
    models: models.default(null),
    state: state.default('active'),
  }),
  response: credentialView,
  errors: ['declared_in_file'],
  status: 201,
  audit: { targetKind: 'credential' },
  handler: async (ctx, { body: { secret: plain, ...body } }) => {
    if (!(await providerExists(ctx.deps, ctx.workspace, body.providerId))) {
      throw invalidField('body', 'providerId', `names no provider: ${body.providerId}`);
    }
    refuseDeclared(ctx.deps, body.providerId);
    if (providerById(body.providerId)?.transport === 'in-process') {
      throw invalidField('body', 'providerId', `names a provider that needs no credential: ${body.providerId}`);
    }
    const row: CredentialRow = {
      id: newId('cred', ctx.nowMs),
      ...body,
      hint: hintOf(plain),
      createdAtMs: ctx.nowMs,
      updatedAtMs: ctx.nowMs,
    };
    await ctx.workspace.credentials.insert(row, plain);
    return change(ctx, null, row);
  },
});

const list = readEndpoint({
  id: 'credentials.list',
  method: 'GET',
  path: '/credentials',
  permission: 'credentials:read',
  summary: 'List credentials',
  description: 'Newest first, without their secrets. Those of the configuration file are not among them.',
  cli: { verb: 'credentials list', columns: ['id', 'providerId', 'name', 'state', 'weight', 'hint'] },
  params: none,
  query: z.strictObject({ providerId: id.exactOptional(), ...pageFields }),
  response: pageOf(credentialView),
  handler: async (ctx, { query: { providerId, ...page } }) =>
    mapPage(
      await ctx.workspace.credentials.list(pageRequest(page), providerId === undefined ? {} : { providerId }),
      viewer(ctx),
    ),
});

const get = readEndpoint({
  id: 'credentials.get',
  method: 'GET',
  path: '/credentials/:id',
  permission: 'credentials:read',
  summary: 'Show a credential',
  description: 'Without its secret.',
  cli: { verb: 'credentials show' },
  params,
  query: none,
  response: credentialView,
  errors: ['not_found'],
  handler: async (ctx, input) => viewer(ctx)(await requireCredential(ctx.workspace, input.params.id)),
});

const update = changeEndpoint({
  id: 'credentials.update',
  method: 'PATCH',
  path: '/credentials/:id',
  permission: 'credentials:write',
  summary: 'Change a credential',
  description: 'What is omitted stays; a new secret replaces the old one.',
  cli: { verb: 'credentials update' },
  params,
  query: none,
  body: z.strictObject({
    name: displayName.exactOptional(),
    secret: secret.exactOptional(),
    weight: weight.exactOptional(),
    priority: priority.exactOptional(),
    models: models.exactOptional(),
    state: state.exactOptional(),
  }),
  response: credentialView,
  errors: ['not_found'],
  audit: { targetKind: 'credential' },
  handler: async (ctx, { params: target, body: { secret: plain, ...body } }) => {
    const before = await requireCredential(ctx.workspace, target.id);
    const hint = plain === undefined ? before.hint : hintOf(plain);
    await ctx.workspace.credentials.update(before.id, { ...body, hint, updatedAtMs: ctx.nowMs }, plain);
    return change(ctx, before, await requireCredential(ctx.workspace, before.id));
  },
});

const remove = changeEndpoint({
  id: 'credentials.delete',
  method: 'DELETE',
  path: '/credentials/:id',
  permission: 'credentials:write',
  summary: 'Delete a credential',
  description: 'For good, with its secret.',
  cli: { verb: 'credentials delete' },
  params,
  query: none,
  body: none,
  response: credentialView,
  errors: ['not_found'],
  audit: { targetKind: 'credential' },
  handler: async (ctx, input) => {
    const before = await requireCredential(ctx.workspace, input.params.id);
    await ctx.workspace.credentials.delete(before.id);
    return { ...change(ctx, before, before), after: null };
  },
});

function change(ctx: CallContext, before: CredentialRow | null, after: CredentialRow) {
  return {
    targetId: after.id,
    before: before && viewCredential(before),
    after: viewCredential(after),
    propagate: { kind: 'snapshot' } as const,
    answer: () => viewer(ctx)(after),
  };
}

export async function requireCredential(workspace: WorkspaceStore, credentialId: string): Promise<CredentialRow> {
  const row = await workspace.credentials.get(credentialId);
  if (row === null) throw new AppError('not_found', { message: `There is no credential ${credentialId}.` });
  return row;
}

/** What people know a secret by. */
export function hintOf(plain: string): string {
  return plain.length < HINTED_LENGTH_MIN ? '' : plain.slice(-4);
}

/** Without its secret, and without how it stands now. */
export function viewCredential(row: CredentialRow) {
  const { createdAtMs, updatedAtMs, models: listed, ...same } = row;
  return {
    ...same,
    models: listed === null ? null : [...listed],
    createdAt: iso(createdAtMs),
    updatedAt: iso(updatedAtMs),
  };
}

/** With how it stands now. */
function viewer({ deps, workspace, nowMs }: CallContext) {
  const pools = deps.providerPools.read(workspace.workspaceId, nowMs);
  return (row: CredentialRow): z.input<typeof credentialView> => ({
    ...viewCredential(row),
    health: healthOf(pools, row.id),
  });
}

export const credentials = [create, list, get, update, remove] as const;
