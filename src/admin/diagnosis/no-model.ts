/** What there is to say of a key that may call none of the models that are listed. */
import type { WorkspaceSnapshot } from '../../config/snapshot.ts';
import { mayCallModel } from '../../keys/checks/index.ts';
import { modelSubscription } from '../../keys/checks/subscription.ts';
import { explain } from '../../keys/decide.ts';
import type { DecisionInput } from '../../keys/decision-input.ts';
import { entryOf } from '../../keys/owners.ts';
import { modelFacts, modelNames, providerOf } from '../model-facts.ts';
import { actionOf } from './actions.ts';
import type { Action } from './actions.ts';

const SHOWN_MAX = 20;

export type NoModel =
  /** Names and patterns that lead to a provider which is there, and may know them. */
  | { readonly kind: 'unlisted'; readonly names: readonly string[] }
  /** It is meant for services. */
  | { readonly kind: 'services'; readonly names: readonly string[] }
  | { readonly kind: 'nothing'; readonly code: string; readonly actions: Action[] };

/** For an input whose call names no model. */
export function whyNoModel(workspace: WorkspaceSnapshot, input: DecisionInput): NoModel {
  const unlisted = unlistedModels(workspace, input);
  if (unlisted.length > 0) return { kind: 'unlisted', names: unlisted };
  const services = servicesOf(input);
  if (services.length > 0) return { kind: 'services', names: services };
  return { kind: 'nothing', ...refusalOfModels(workspace, input) };
}

/** Providers pass on any name, also of models that nobody listed. */
function unlistedModels(workspace: WorkspaceSnapshot, input: DecisionInput): readonly string[] {
  const providers = Object.keys(workspace.providers);
  const written = input.standing.levels
    .flatMap(({ scopes }) => scopes.models ?? [])
    .concat(namesAsked(input, 'model'))
    .flatMap((name) => (name.startsWith('*/') ? providers.map((id) => `${id}${name.slice(1)}`) : [name]));
  const names = new Set([...written, ...providers.map((id) => `${id}/*`)]);
  return [...names].filter((name) => mayCallOne(workspace, input, name)).slice(0, SHOWN_MAX);
}

function mayCallOne(workspace: WorkspaceSnapshot, input: DecisionInput, pattern: string): boolean {
  const facts = modelFacts(workspace, pattern.replaceAll('*', 'x'));
  if (entryOf(workspace.providers, providerOf(facts.model ?? '')) === null) return false;
  return mayCallModel({ ...input, facts: { ...input.facts, ...facts } });
}

function servicesOf(input: DecisionInput): readonly string[] {
  const { levels } = input.standing;
  return [...new Set(namesAsked(input, 'service'))]
    .filter((name) => levels.every(({ compiled }) => compiled.services?.has(name) ?? true))
    .slice(0, SHOWN_MAX);
}

/** What the application is subscribed to. */
function namesAsked({ standing: { application } }: DecisionInput, wanted: 'model' | 'service'): readonly string[] {
  if (application === null) return [];
  const { subscribedModels, subscribedServices, subscriptions = [] } = application;
  const approved = subscriptions.filter(({ kind, state }) => kind === wanted && state === 'approved');
  return [...(wanted === 'model' ? subscribedModels : subscribedServices), ...approved.flatMap(({ names }) => names)];
}

/** What stands in the way of a listed model; one that the application is subscribed to is the nearest. */
function refusalOfModels(
  workspace: WorkspaceSnapshot,
  input: DecisionInput,
): { readonly code: string; readonly actions: Action[] } {
  const asking = (name: string) => ({ ...input, facts: { ...input.facts, ...modelFacts(workspace, name) } });
  const names = modelNames(workspace);
  const nearest = names.find((name) => modelSubscription.run(asking(name)) === 'pass') ?? names[0];
  if (nearest === undefined) return { code: 'model_not_found', actions: [ADD_PROVIDER] };
  const asked = asking(nearest);
  const checks = explain(asked).trace?.checks ?? [];
  const failed = checks.filter(({ name, outcome }) => ABOUT_MODELS.has(name) && outcome === 'fail');
  return {
    code: failed[0]?.code ?? 'model_denied',
    actions: failed.flatMap(({ fix, whoCanChange }) => (fix === null ? [] : [actionOf(fix, asked, whoCanChange)])),
  };
}

const ABOUT_MODELS: ReadonlySet<string> = new Set(['subscription', 'model']);

const ADD_PROVIDER: Action = {
  kind: 'add-provider',
  what: 'Add a provider and a credential for it: no model can be called here by any key.',
  who: 'workspace admin',
  request: null,
};
