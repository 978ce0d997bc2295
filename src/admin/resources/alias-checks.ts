/** Whether an alias can be laid out with all others, as they are stored and in the file. */
import { targetFault } from '../../config/config-checks.ts';
import { aliasOf } from '../../config/compile-aliases.ts';
import type { AliasConfig } from '../../config/alias-schema.ts';
import type { TargetSnapshot } from '../../config/snapshot.ts';
import { AppError } from '../../errors.ts';
import { flattenAlias } from '../../routing/alias-targets.ts';
import type { CallContext } from '../contract.ts';
import { invalidField } from '../validation.ts';
import { providerExists } from './provider-catalogue.ts';

type Listed = ReadonlyMap<string, readonly TargetSnapshot[]>;

/** Refuses targets that are not there, loops, and what another alias could not be laid out with any more. */
export async function assertAlias(ctx: CallContext, id: string, config: AliasConfig): Promise<void> {
  const before = await listedAliases(ctx);
  const after = new Map([...before, [id, aliasOf(config).targets]]);
  for (const [index, target] of config.targets.entries()) {
    const [name, field] =
      typeof target === 'string' ? [target, `targets[${index}]`] : [target.model, `targets[${index}].model`];
    const fault = targetFault(name, id, (other) => after.has(other)) ?? (await providerFault(ctx, name));
    if (fault !== null) throw invalidField('body', field, fault);
  }
  const flat = flattenAlias(after, id);
  if (!flat.ok) throw invalidField('body', 'targets', flat.reason);
  refuseBroken(before, after);
}

/** Refuses to take away what other aliases name. */
export async function assertUnnamed(ctx: CallContext, id: string): Promise<void> {
  const before = await listedAliases(ctx);
  refuseBroken(before, new Map([...before].filter(([name]) => name !== id)));
}

async function providerFault(ctx: CallContext, name: string): Promise<string | null> {
  if (!name.includes('/')) return null;
  const provider = name.slice(0, name.indexOf('/'));
  const isKnown = provider.includes('*') || (await providerExists(ctx.deps, ctx.workspace, provider));
  return isKnown ? null : `names no provider: ${provider}`;
}

function refuseBroken(before: Listed, after: Listed): void {
  for (const id of after.keys()) {
    const flat = flattenAlias(after, id);
    if (flat.ok || !before.has(id) || !flattenAlias(before, id).ok) continue;
    throw new AppError('conflict', { message: `Then the alias ${id} could not be used any more: it ${flat.reason}.` });
  }
}

/** Those of the file are in force, laid out already. */
async function listedAliases(ctx: CallContext): Promise<Listed> {
  const compiled = ctx.deps.snapshotSource.current().workspaces[ctx.workspace.workspaceId]?.aliases ?? {};
  const declared = Object.entries(compiled).filter(([id]) => ctx.deps.configFile.declaresAlias(id));
  return new Map([
    ...(await ctx.workspace.aliases.all()).map((row) => [row.id, aliasOf(row).targets] as const),
    ...declared.map(([id, { targets }]) => [id, targets] as const),
  ]);
}
