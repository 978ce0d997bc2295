import { entryOf } from '../keys/owners.ts';
import type { WorkspaceSnapshot } from '../config/snapshot.ts';
import type { DecisionInput, RequestFacts } from '../keys/decision-input.ts';
import { ledInput } from '../keys/led-input.ts';
import { fillStar, findAlias } from '../routing/alias-targets.ts';

type ModelFacts = Pick<RequestFacts, 'model' | 'requestedModel' | 'modelSinceMs' | 'requestedModelSinceMs'>;

const NO_MODEL: ModelFacts = { model: null, requestedModel: null, modelSinceMs: null, requestedModelSinceMs: null };

/** What a model's name stands for now: the model of an alias, and since when the catalogue has both. */
export function modelFacts(workspace: WorkspaceSnapshot | null, requestedModel: string | null): ModelFacts {
  if (requestedModel === null) return NO_MODEL;
  if (workspace === null) return { ...NO_MODEL, model: requestedModel, requestedModel };
  const [model = requestedModel] = targetNames(workspace, requestedModel);
  return {
    model,
    requestedModel,
    modelSinceMs: knownSince(workspace, model),
    requestedModelSinceMs: knownSince(
      workspace,
      findAlias(Object.keys(workspace.aliases), requestedModel)?.alias ?? requestedModel,
    ),
  };
}

/** The same call where its model is denied, but the name leads to another one that the key may call, too. */
export function ledByAlias(input: DecisionInput, workspace: WorkspaceSnapshot | null): DecisionInput {
  const { requestedModel } = input.facts;
  if (workspace === null || requestedModel === null) return input;
  const names = targetNames(workspace, requestedModel);
  return ledInput(
    input,
    names.map((name) => ({ name, sinceMs: knownSince(workspace, name) })),
  );
}

/** Every name that calls may use: aliases first, then models. */
export function modelNames(workspace: WorkspaceSnapshot): readonly string[] {
  const models = Object.values(workspace.providers).flatMap(({ id, models: names }) =>
    names.map((name) => `${id}/${name}`),
  );
  return [...Object.keys(workspace.aliases), ...models];
}

/** Of an alias the targets whose provider is there; where none is, the first. */
function targetNames(workspace: WorkspaceSnapshot, name: string): readonly string[] {
  const found = findAlias(Object.keys(workspace.aliases), name);
  const alias = found === null ? null : entryOf(workspace.aliases, found.alias);
  if (found === null || alias === null) return [name];
  const names = alias.targets.map(({ model }) => fillStar(model, found.star));
  const there = names.filter((model) => entryOf(workspace.providers, providerOf(model)) !== null);
  return there.length === 0 ? names.slice(0, 1) : there;
}

/** A model that is not listed is as old as its provider, which passes on any name. */
function knownSince({ catalogueSinceMs }: WorkspaceSnapshot, name: string): number | null {
  return entryOf(catalogueSinceMs, name) ?? entryOf(catalogueSinceMs, `${providerOf(name)}/`);
}

export function providerOf(model: string): string {
  return model.slice(0, Math.max(0, model.indexOf('/')));
}
