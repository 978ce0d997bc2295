import { z } from 'zod';
import { parseBaseUrl } from '../../config/base-url.ts';
import { DIALECT_NAMES } from '../../config/schema.ts';
import { AppError } from '../../errors.ts';
import { providerById } from '../../providers/index.ts';
import type { CallContext } from '../contract.ts';
import { changeEndpoint, none, readEndpoint } from '../contract.ts';
import { pageFields, pageOf, pageOfArray, pageRequest, state } from '../fields.ts';
import type { ProviderRow } from '../stores.ts';
import { invalidField } from '../validation.ts';
import type { CatalogueEntry } from './provider-catalogue.ts';
import { isBuiltIn, modelsWhileOff, readCatalogue, refuseDeclared } from './provider-catalogue.ts';

const providerId = z
  .string()
  .regex(
    /^[a-z0-9][a-z0-9-]{0,63}$/,
    'must be lower-case letters, digits and hyphens (at most 64), and not begin with a hyphen',
  )
  .describe('What stands before the slash in a model, for example house in house/tiny.');
const dialect = z.enum(DIALECT_NAMES).describe('The API that the provider speaks.');
const baseUrl = z
  .string()
  .max(2048)
  .superRefine((text, ctx) => {
    const parsed = parseBaseUrl(text);
    if (!parsed.ok) ctx.addIssue({ code: 'custom', message: parsed.reason });
  })
  .describe('Everything before the dialect’s own path, for example http://127.0.0.1:9100/v1.');
const models = z
  .array(z.string().trim().min(1).max(200))
  .max(1000)
  .describe('Model names without the provider, to be listed; others can be called all the same.');
const params = z.strictObject({ id: providerId });

const providerView = z
  .object({
    id: z.string(),
    name: z.string(),
    source: z.enum(['built-in', 'file', 'database']),
    adjusted: z.boolean().describe('Whether a built-in provider was adjusted here.'),
    transport: z.enum(['http', 'in-process']),
    state,
    endpoints: z.array(
      z.object({
        dialect: z.string(),
        baseUrl: z.string().nullable().describe('Null where the provider answers inside the gateway.'),
      }),
    ),
    models: z.array(z.string()),
    credentials: z.int().describe('Credentials in force.'),
    callable: z.boolean().describe('Whether calls can be made to it now.'),
  })
  .meta({ id: 'Provider' });

const list = readEndpoint({
  id: 'providers.list',
  method: 'GET',
  path: '/providers',
  permission: 'providers:read',
  summary: 'List providers',
  description: 'Built in, declared in the configuration file, and added here; sorted by id.',
  cli: { verb: 'providers list', columns: ['id', 'source', 'state', 'callable', 'credentials', 'endpoints'] },
  params: none,
  query: z.strictObject(pageFields),
  response: pageOf(providerView),
  handler: async (ctx, { query }) => pageOfArray(await readCatalogue(ctx.deps, ctx.workspace), pageRequest(query)),
});

const get = readEndpoint({
  id: 'providers.get',
  method: 'GET',
  path: '/providers/:id',
  permission: 'providers:read',
  summary: 'Show a provider',
  description: 'With its endpoints and models, never with its secrets.',
  cli: { verb: 'providers show' },
  params,
  query: none,
  response: providerView,
  errors: ['not_found'],
  handler: async (ctx, input) => requireProvider(ctx, input.params.id),
});

const create = changeEndpoint({
  id: 'providers.create',
  method: 'POST',
  path: '/providers',
  permission: 'providers:write',
  summary: 'Add a provider',
  description: 'One that is not built in: any endpoint that speaks a known dialect. Then add a credential for it.',
  cli: { verb: 'providers create' },
  params: none,
  query: none,
  body: z.strictObject({
    id: providerId,
    dialect,
    baseUrl,
    models: models.default([]),
    state: state.default('active'),
  }),
  response: providerView,
  errors: ['conflict', 'declared_in_file'],
  status: 201,
  audit: { targetKind: 'provider' },
  handler: async (ctx, { body }) => {
    refuseDeclared(ctx.deps, body.id);
    if (isBuiltIn(body.id)) {
      throw new AppError('conflict', {
        message: `The provider ${body.id} is built in: adjust it instead of creating it.`,
      });
    }
    if ((await ctx.workspace.providers.get(body.id)) !== null) {
      throw new AppError('conflict', { message: `There is a provider ${body.id} already.` });
    }
    await ctx.workspace.providers.insert({ ...body, createdAtMs: ctx.nowMs, updatedAtMs: ctx.nowMs });
    return change(ctx, body.id, null);
  },
});

const update = changeEndpoint({
  id: 'providers.update',
  method: 'PATCH',
  path: '/providers/:id',
  permission: 'providers:write',
  summary: 'Adjust a provider',
  description:
    'Also a built-in one: another base URL, other models, or disabled. What is omitted stays; null restores what is built in.',
  cli: { verb: 'providers update' },
  params,
  query: none,
  body: z.strictObject({
    dialect: dialect.exactOptional(),
    baseUrl: baseUrl.nullable().exactOptional(),
    models: models.exactOptional(),
    state: state.exactOptional(),
  }),
  response: providerView,
  errors: ['not_found', 'conflict', 'declared_in_file'],
  audit: { targetKind: 'provider' },
  handler: async (ctx, input) => {
    const { id } = input.params;
    refuseDeclared(ctx.deps, id);
    const before = await requireProvider(ctx, id);
    if (isBuiltIn(id)) refuseForBuiltIn(input.body, before);
    else if (input.body.baseUrl === null)
      throw invalidField('body', 'baseUrl', 'can be cleared for built-in providers only');
    if ((await ctx.workspace.providers.get(id)) === null) await ctx.workspace.providers.insert(untouched(ctx, before));
    await ctx.workspace.providers.update(id, { ...input.body, updatedAtMs: ctx.nowMs });
    return change(ctx, id, before);
  },
});

const remove = changeEndpoint({
  id: 'providers.delete',
  method: 'DELETE',
  path: '/providers/:id',
  permission: 'providers:write',
  summary: 'Remove a provider',
  description:
    'Removes a provider that was added here, or the adjustments of a built-in one. Refused while it was added here and has credentials.',
  cli: { verb: 'providers delete' },
  params,
  query: none,
  body: none,
  response: providerView,
  errors: ['not_found', 'conflict', 'declared_in_file'],
  audit: { targetKind: 'provider' },
  handler: async (ctx, input) => {
    const { id } = input.params;
    refuseDeclared(ctx.deps, id);
    const before = await requireProvider(ctx, id);
    if (isBuiltIn(id) && !before.adjusted) {
      throw new AppError('conflict', {
        message: `The provider ${id} is built in and not adjusted: there is nothing to remove. Disable it instead.`,
      });
    }
    const credentials = await ctx.workspace.credentials.list({ cursor: null, limit: 1 }, { providerId: id });
    if (!isBuiltIn(id) && credentials.items.length > 0) {
      throw new AppError('conflict', { message: `The provider ${id} has credentials. Delete them first.` });
    }
    await ctx.workspace.providers.delete(id);
    return {
      targetId: id,
      before,
      after: null,
      propagate: { kind: 'snapshot' } as const,
      answer: () => before,
    };
  },
});

async function requireProvider(ctx: CallContext, id: string): Promise<CatalogueEntry> {
  const entry = (await readCatalogue(ctx.deps, ctx.workspace)).find((candidate) => candidate.id === id);
  if (entry === undefined) throw new AppError('not_found', { message: `There is no provider ${id}.` });
  return entry;
}

/** The snapshot is compiled after the commit: the answer shows what was stored, laid over what was in force. */
async function change(ctx: CallContext, id: string, before: CatalogueEntry | null) {
  const row = await ctx.workspace.providers.get(id);
  const after = withRow(ctx, await requireProvider(ctx, id), row);
  return { targetId: id, before, after, propagate: { kind: 'snapshot' } as const, answer: () => after };
}

function withRow(ctx: CallContext, entry: CatalogueEntry, row: ProviderRow | null): CatalogueEntry {
  if (row === null || entry.transport === 'in-process') return entry;
  const base = providerById(entry.id);
  const builtInEndpoints = Object.entries(base?.endpoints ?? {}).map(([name, { baseUrl: url }]) => ({
    dialect: name,
    baseUrl: url,
  }));
  const endpoints = base ? builtInEndpoints : [{ dialect: row.dialect ?? '', baseUrl: row.baseUrl ?? '' }];
  return {
    ...entry,
    endpoints: endpoints.map((endpoint) => ({ ...endpoint, baseUrl: row.baseUrl ?? endpoint.baseUrl })),
    models: [...modelsWhileOff(entry.id, ctx.deps, row)],
    callable: entry.callable && row.state === 'active',
  };
}

function refuseForBuiltIn(
  body: { readonly dialect?: string; readonly baseUrl?: string | null },
  provider: CatalogueEntry,
): void {
  if (body.dialect !== undefined) throw invalidField('body', 'dialect', 'of a built-in provider cannot be changed');
  if (body.baseUrl !== undefined && provider.transport === 'in-process') {
    throw invalidField('body', 'baseUrl', 'cannot be set: this provider answers inside the gateway');
  }
}

/** The row of a built-in provider before its first adjustment. */
function untouched(ctx: CallContext, entry: CatalogueEntry): ProviderRow {
  const { id } = entry;
  return {
    id,
    dialect: null,
    baseUrl: null,
    state: 'active',
    models: [],
    createdAtMs: ctx.nowMs,
    updatedAtMs: ctx.nowMs,
  };
}

export const providers = [list, get, create, update, remove] as const;
