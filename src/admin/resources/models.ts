import { z } from 'zod';
import { aliasOf } from '../../config/compile-aliases.ts';
import type { AliasSnapshot, ProviderSnapshot } from '../../config/snapshot.ts';
import { AppError } from '../../errors.ts';
import { entryOf } from '../../keys/owners.ts';
import { ANY_MODEL } from '../../providers/provider.ts';
import type { CallContext } from '../contract.ts';
import { changeEndpoint, none, readEndpoint } from '../contract.ts';
import { pageFields, pageOf, pageOfArray, pageRequest } from '../fields.ts';
import type { AliasRow } from '../stores.ts';
import { assertAlias, assertUnnamed } from './alias-checks.ts';
import { aliasName, aliasSettings, routingView, targetList, viewRouting, withSettings } from './alias-view.ts';
import { priceView, traitsView, viewPrice, viewTraits } from './model-view.ts';
import { readCatalogue } from './provider-catalogue.ts';

const params = z.strictObject({ alias: aliasName });

const modelView = z
  .object({
    id: z.string(),
    kind: z.enum(['model', 'alias']),
    provider: z.string().nullable().describe('Null for an alias.'),
    targets: z.array(z.string()).nullable().describe('Null for a model.'),
    routing: routingView.nullable().describe('How an alias chooses among its targets; null for a model.'),
    source: z.enum(['built-in', 'file', 'database']),
    traits: traitsView.nullable().describe('Limits and abilities; null where nothing of them is known.'),
    price: priceView.nullable().describe('Null where no price is known: budgets then refuse calls of it.'),
  })
  .meta({ id: 'Model' });
type ModelView = z.input<typeof modelView>;

const list = readEndpoint({
  id: 'models.list',
  method: 'GET',
  path: '/models',
  permission: 'models:read',
  summary: 'List models and aliases',
  description:
    'Every model of a provider that can be called now, with its limits, abilities and price, and every alias; sorted by id.',
  cli: { verb: 'models list', columns: ['id', 'kind', 'targets', 'source'] },
  params: none,
  query: z.strictObject({
    kind: z.enum(['model', 'alias']).exactOptional(),
    provider: z.string().max(64).exactOptional(),
    ...pageFields,
  }),
  response: pageOf(modelView),
  handler: async (ctx, { query }) => {
    const all = [...(await callableModels(ctx)), ...(await aliases(ctx))].filter(
      (model) =>
        (query.kind === undefined || model.kind === query.kind) &&
        (query.provider === undefined || model.provider === query.provider),
    );
    return pageOfArray(all, pageRequest(query));
  },
});

const create = changeEndpoint({
  id: 'models.create',
  method: 'POST',
  path: '/models',
  permission: 'models:write',
  summary: 'Create an alias',
  description:
    'A name of your own for models, with all that an alias of the file may say: how it chooses among its targets, which calls each is for, what sends a call on, and how long an answer may take.',
  cli: { verb: 'models create' },
  params: none,
  query: none,
  body: z.strictObject({ id: aliasName, targets: targetList, ...aliasSettings }),
  response: modelView,
  errors: ['conflict', 'declared_in_file'],
  status: 201,
  audit: { targetKind: 'alias' },
  handler: async (ctx, { body }) => {
    refuseDeclaredAlias(ctx, body.id);
    if ((await ctx.workspace.aliases.get(body.id)) !== null) {
      throw new AppError('conflict', { message: `There is an alias ${body.id} already.` });
    }
    const { id, targets, ...settings } = body;
    const config = withSettings({ targets }, settings);
    await assertAlias(ctx, id, config);
    const row: AliasRow = { ...config, id, createdAtMs: ctx.nowMs, updatedAtMs: ctx.nowMs };
    await ctx.workspace.aliases.insert(row);
    return change(null, row);
  },
});

const update = changeEndpoint({
  id: 'models.update',
  method: 'PATCH',
  path: '/models/:alias',
  permission: 'models:write',
  summary: 'Change an alias',
  description:
    'What is given replaces what was, its targets as a whole; what is omitted stays, and null gives back what holds for all.',
  cli: { verb: 'models update' },
  params,
  query: none,
  body: z.strictObject({ targets: targetList.exactOptional(), ...aliasSettings }),
  response: modelView,
  errors: ['not_found', 'conflict', 'declared_in_file'],
  audit: { targetKind: 'alias' },
  handler: async (ctx, input) => {
    refuseDeclaredAlias(ctx, input.params.alias);
    const before = await requireAlias(ctx, input.params.alias);
    const { targets, ...settings } = input.body;
    const { id, createdAtMs, updatedAtMs: _before, ...config } = before;
    const after = withSettings({ ...config, ...(targets !== undefined && { targets }) }, settings);
    await assertAlias(ctx, id, after);
    await ctx.workspace.aliases.update(id, after, ctx.nowMs);
    return change(before, { ...after, id, createdAtMs, updatedAtMs: ctx.nowMs });
  },
});

const remove = changeEndpoint({
  id: 'models.delete',
  method: 'DELETE',
  path: '/models/:alias',
  permission: 'models:write',
  summary: 'Delete an alias',
  description: 'Calls that name it are refused from then on. One that another alias names is not deleted.',
  cli: { verb: 'models delete' },
  params,
  query: none,
  body: none,
  response: modelView,
  errors: ['not_found', 'conflict', 'declared_in_file'],
  audit: { targetKind: 'alias' },
  handler: async (ctx, input) => {
    refuseDeclaredAlias(ctx, input.params.alias);
    const before = await requireAlias(ctx, input.params.alias);
    await assertUnnamed(ctx, before.id);
    await ctx.workspace.aliases.delete(before.id);
    return { ...change(before, before), after: null };
  },
});

function change(before: AliasRow | null, after: AliasRow) {
  return {
    targetId: after.id,
    before: before && audited(before),
    after: audited(after),
    propagate: { kind: 'snapshot' } as const,
    answer: () => aliasView(after.id, aliasOf(after), 'database'),
  };
}

/** As it was said. */
function audited({ createdAtMs: _created, updatedAtMs: _updated, ...said }: AliasRow) {
  return said;
}

async function callableModels(ctx: CallContext): Promise<readonly ModelView[]> {
  const providers = await readCatalogue(ctx.deps, ctx.workspace);
  const compiled = ctx.deps.snapshotSource.current().workspaces[ctx.workspace.workspaceId]?.providers ?? {};
  return providers
    .filter((provider) => provider.callable)
    .flatMap((provider) =>
      provider.models.map((name) => ({
        id: `${provider.id}/${name}`,
        kind: 'model' as const,
        provider: provider.id,
        targets: null,
        routing: null,
        source: provider.source,
        ...knownOf(compiled[provider.id], name),
      })),
    );
}

function knownOf(provider: ProviderSnapshot | undefined, name: string): Pick<ModelView, 'traits' | 'price'> {
  const traits = provider === undefined ? null : entryOf(provider.traits, name);
  const price = provider === undefined ? null : (entryOf(provider.prices, name) ?? entryOf(provider.prices, ANY_MODEL));
  return { traits: traits && viewTraits(traits), price: price && viewPrice(price) };
}

/** Stored ones, and those in force that only the file declares. */
async function aliases(ctx: CallContext): Promise<readonly ModelView[]> {
  const stored = await ctx.workspace.aliases.all();
  const compiled = ctx.deps.snapshotSource.current().workspaces[ctx.workspace.workspaceId]?.aliases ?? {};
  const declared = Object.entries(compiled).filter(([id]) => ctx.deps.configFile.declaresAlias(id));
  return [
    ...declared.map(([id, entry]) => aliasView(id, entry, 'file')),
    ...stored
      .filter((row) => !ctx.deps.configFile.declaresAlias(row.id))
      .map((row) => aliasView(row.id, aliasOf(row), 'database')),
  ];
}

function aliasView(id: string, alias: AliasSnapshot, source: 'file' | 'database'): ModelView {
  const targets = alias.targets.map(({ model }) => model);
  const nothing = { provider: null, traits: null, price: null };
  return { id, kind: 'alias', targets, routing: viewRouting(alias), source, ...nothing };
}

async function requireAlias(ctx: CallContext, id: string): Promise<AliasRow> {
  const row = await ctx.workspace.aliases.get(id);
  if (row === null) throw new AppError('not_found', { message: `There is no alias ${id}.` });
  return row;
}

function refuseDeclaredAlias(ctx: CallContext, id: string): void {
  if (!ctx.deps.configFile.declaresAlias(id)) return;
  throw new AppError('declared_in_file', {
    message: `The alias ${id} is declared in the configuration file and can only be changed there.`,
  });
}

export const models = [list, create, update, remove] as const;
