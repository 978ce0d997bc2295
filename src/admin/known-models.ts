import type { Snapshot } from '../config/snapshot.ts';
import type { KnownModel } from '../keys/reach.ts';

/** Every name that a call of the workspace may use for a model, as far as the catalogue lists them. */
export function knownModels(snapshot: Snapshot, workspaceId: string): readonly KnownModel[] {
  const workspace = snapshot.workspaces[workspaceId];
  if (workspace === undefined) return [];
  const sinceMs = (name: string): number | null =>
    Object.hasOwn(workspace.catalogueSinceMs, name) ? (workspace.catalogueSinceMs[name] ?? null) : null;
  const known = (requested: string, model: string): KnownModel => ({
    requested,
    model,
    requestedSinceMs: sinceMs(requested),
    modelSinceMs: sinceMs(model),
  });
  return [
    ...Object.values(workspace.providers).flatMap(({ id, models }) =>
      models.map((name) => known(`${id}/${name}`, `${id}/${name}`)),
    ),
    ...Object.entries(workspace.aliases).flatMap(([alias, { targets }]) =>
      targets.map(({ model }) => known(alias, model)),
    ),
  ];
}
