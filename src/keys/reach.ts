/**
 * Whether a key, as it stands, can be used for any call at all: what previews of changes compare. A
 * call is made up that fits what every level allows, one property at a time, and the engine judges
 * it. Hours do not count: a key outside of its time windows will be usable again by itself.
 */
import type { ErrorCode } from '../errors.ts';
import { mayCallModel } from './checks/index.ts';
import { isAddressIn } from './cidr.ts';
import type { CompiledScopes } from './compiled-scopes.ts';
import type { Scopes } from './constraints.ts';
import { decide } from './decide.ts';
import type { DecisionInput, RequestFacts } from './decision-input.ts';
import { NO_FACTS } from './decision-input.ts';
import { matchEndpoint } from './endpoint-pattern.ts';
import { matchesModel, modelPatternsOf } from './model-pattern.ts';
import type { ApplicationState } from './owners.ts';
import type { Standing } from './standing.ts';

/** A name that calls may use for a model. */
export interface KnownModel {
  /** Alias or `provider/name`. */
  readonly requested: string;
  /** `provider/name`. */
  readonly model: string;
  /** Unix milliseconds when the catalogue first had them; null: not in it. */
  readonly requestedSinceMs: number | null;
  readonly modelSinceMs: number | null;
}

const PATH = '/v1/chat/completions';

/** The code that every call with the key would be refused with, or null where some call may pass. */
export function refusalOfAnyCall(standing: Standing, models: readonly KnownModel[], nowMs: number): ErrorCode | null {
  const input: DecisionInput = {
    standing,
    matchedSecret: standing.key.record.secrets.find(({ state }) => state === 'current') ?? null,
    expectedEnvironment: null,
    delegation: null,
    facts: { ...NO_FACTS, ...likelyFacts(standing) },
    limits: null,
    nowMs,
  };
  const verdict = decide({ ...input, facts: { ...input.facts, ...likelyModel(input, models) } });
  return verdict.trace?.failed.find(({ name }) => name !== 'time-window')?.code ?? null;
}

function likelyFacts(standing: Standing): Partial<RequestFacts> {
  const [method, path] = likelyEndpoint(standing);
  return {
    method,
    path,
    operation: likely(standing, 'operations', ({ operations }, name) => operations?.has(name) ?? true) ?? 'chat',
    country: likely(standing, 'countries', ({ countries }, name) => countries?.has(name) ?? true),
    address: likely(
      standing,
      'addresses',
      ({ addresses }, block) => addresses === null || isAddressIn(addresses, addressOf(block)) === true,
      addressOf,
    ),
    session: standing.key.record.binding,
  };
}

type ListScope = 'operations' | 'countries' | 'addresses';

/** An entry of some level's list that every level allows; null where no level narrows, or none is left. */
function likely(
  standing: Standing,
  scope: ListScope,
  allows: (scopes: CompiledScopes, entry: string) => boolean,
  toFact: (entry: string) => string = (entry) => entry,
): string | null {
  const entries = standing.levels.flatMap(({ scopes }) => scopes[scope] ?? []);
  const found = entries.find((entry) => standing.levels.every(({ compiled }) => allows(compiled, entry)));
  return found === undefined ? null : toFact(found);
}

/** Blocks are inside one another or apart: the first address of the inner one is in both. */
function addressOf(block: string): string {
  return block.split('/')[0] ?? block;
}

/** Method and path meet from different patterns: `GET *` and `* /v1/models` have a call in common. */
function likelyEndpoint(standing: Standing): readonly [method: string, path: string] {
  const patterns = standing.levels.flatMap(({ scopes }) => scopes.endpoints ?? []).map((text) => text.split(' '));
  const methods = new Set(['POST', ...patterns.map(([method = '*']) => (method === '*' ? 'POST' : method))]);
  const paths = new Set([PATH, ...patterns.map(([, path = '*']) => (path === '*' ? PATH : path.replaceAll('*', 'x')))]);
  for (const path of paths) {
    for (const method of methods) {
      if (standing.levels.every(({ compiled }) => allowsEndpoint(compiled, method, path))) return [method, path];
    }
  }
  return ['POST', PATH];
}

function allowsEndpoint({ endpoints }: CompiledScopes, method: string, path: string): boolean {
  return endpoints === null || matchEndpoint(endpoints, method, path) === 'matches';
}

type ModelFacts = Pick<RequestFacts, 'model' | 'requestedModel' | 'modelSinceMs' | 'requestedModelSinceMs'>;

/** A model that the key may call; where there is none, one that it may not. */
function likelyModel(input: DecisionInput, models: readonly KnownModel[]): ModelFacts {
  const { standing } = input;
  if (standing.application === null) return factsOf(sample('x/x'));
  const asked = askedModels(standing.application);
  if (asked.length === 0) return factsOf(sample('x/x'));
  const may = (known: KnownModel) => mayCallModel({ ...input, facts: { ...input.facts, ...factsOf(known) } });
  // A provider may have models that the catalogue does not list: names that the patterns themselves suggest.
  const patterns = [
    ...asked,
    ...standing.levels.flatMap(({ scopes }: { readonly scopes: Scopes }) => scopes.models ?? []),
  ];
  const samples = patterns.map((pattern) => sample(pattern.replaceAll('*', 'x')));
  const subscribed = modelPatternsOf(asked);
  const nearly = ({ model }: KnownModel) => matchesModel(subscribed, model);
  return factsOf(models.find(may) ?? samples.find(may) ?? models.find(nearly) ?? samples.find(nearly) ?? sample('x/x'));
}

/** Also what is not approved: then the code tells that, and not that nobody ever asked. */
function askedModels({ subscribedModels, subscriptions = [] }: ApplicationState): readonly string[] {
  const models = subscriptions.filter(({ kind }) => kind === 'model');
  return models.length === 0 ? subscribedModels : [...subscribedModels, ...models.flatMap(({ names }) => names)];
}

function sample(name: string): KnownModel {
  return { requested: name, model: name, requestedSinceMs: null, modelSinceMs: null };
}

function factsOf({ requested, model, requestedSinceMs, modelSinceMs }: KnownModel): ModelFacts {
  return { model, requestedModel: requested, modelSinceMs, requestedModelSinceMs: requestedSinceMs };
}
