import type { Dialect, ModelOperation, ProviderDialect } from '../llm/dialect.ts';
import { UNKNOWN_TRAITS } from '../llm/model-traits.ts';
import type { ModelTraits } from '../llm/model-traits.ts';
import type { Price } from '../llm/price.ts';
import { ANY_MODEL } from '../providers/provider.ts';
import { BoundedMap } from '../lib/bounded-map.ts';
import type { AliasSnapshot } from '../config/snapshot.ts';
import { fillStar, findAlias } from '../routing/alias-targets.ts';
import type { LiveEndpoint, LiveProvider, LiveWorkspace } from './live-config.ts';
import { entryOf } from '../keys/owners.ts';
import { headerText } from './header-text.ts';
import { refusal } from './refusal.ts';
import type { Refusal } from './refusal.ts';
import { withoutSecrets } from './without-secrets.ts';

/** Where a call goes: a provider's endpoint and the model's name there. */
export interface Target {
  readonly provider: LiveProvider;
  readonly endpoint: LiveEndpoint;
  /** What the provider speaks there. */
  readonly dialect: ProviderDialect;
  /** The same where the caller speaks it, too: bytes pass as they are. Null: the call is translated. */
  readonly native: Dialect | null;
  /** As sent upstream; null for a passthrough that names no model. */
  readonly model: string | null;
  /** Null: the model has none, or no model is named. */
  readonly price: Price | null;
  readonly traits: ModelTraits;
  /** Flat name, value pairs that tell the caller who answered. */
  readonly answerHeaders: readonly string[];
}

/** A target that a name may lead to. */
export interface Candidate {
  /** Its place among the targets of the alias. */
  readonly index: number;
  /** `provider/name`. */
  readonly name: string;
  readonly target: Target;
  /** Unix milliseconds when the catalogue first had it; null: not known. */
  readonly sinceMs: number | null;
}

/** What a model's name stands for; the same for every call under one configuration. */
export interface ResolvedModel {
  /** `provider/name` for scopes and subscriptions; the name as given when nothing is known by it. */
  readonly name: string;
  /** The first of the candidates, or why there is none. */
  readonly target: Target | Refusal;
  /** All that the name may lead to, as they are listed. */
  readonly candidates: readonly Candidate[];
  /** Null: the name is no alias. */
  readonly alias: AliasSnapshot | null;
  /** Unix milliseconds when the catalogue first had the model, and the name that the caller used; null: no such name. */
  readonly sinceMs: number | null;
  readonly requestedSinceMs: number | null;
}

/** Names are the caller's to make up, so what is remembered of them is bounded. */
const RESOLVED_MAX = 4096;
const NAME_LENGTH_MAX = 256;

const resolvedByWorkspace = new WeakMap<LiveWorkspace, BoundedMap<string, ResolvedModel>>();

/**
 * Looks up an alias or a `provider/name` for a caller of this dialect. The operation matters to where
 * exactly its targets are, not to what the name stands for.
 */
export function resolveModel(
  workspace: LiveWorkspace,
  dialect: Dialect,
  name: string,
  operation: ModelOperation = 'chat',
): ResolvedModel {
  let resolved = resolvedByWorkspace.get(workspace);
  if (resolved === undefined) {
    resolved = new BoundedMap(RESOLVED_MAX);
    resolvedByWorkspace.set(workspace, resolved);
  }
  const reranks = operation === 'rerank';
  const key = `${dialect.name}${reranks ? ' rerank' : ''} ${name}`;
  const known = resolved.get(key);
  if (known !== undefined) return known;
  const found = resolve(workspace, dialect, name, reranks);
  if (name.length <= NAME_LENGTH_MAX) resolved.set(key, found);
  return found;
}

function resolve(workspace: LiveWorkspace, dialect: Dialect, name: string, reranks: boolean): ResolvedModel {
  const { aliases } = workspace.snapshot;
  const found = findAlias(Object.keys(aliases), name);
  const alias = found === null ? null : entryOf(aliases, found.alias);
  const star = found?.star ?? '';
  const names = alias === null ? [name] : alias.targets.map(({ model }) => fillStar(model, star));
  const candidates: Candidate[] = [];
  let refused: Refusal | null = null;
  for (const [index, candidate] of names.entries()) {
    const target = directTarget(workspace, dialect, candidate, reranks);
    if ('provider' in target) {
      candidates.push({ index, name: candidate, target, sinceMs: modelSinceMs(workspace, candidate) });
    } else refused ??= target;
  }
  const first = candidates[0]?.name ?? names[0] ?? name;
  return {
    name: first,
    target: candidates[0]?.target ?? refused ?? refusal('model_not_found'),
    candidates,
    alias,
    sinceMs: modelSinceMs(workspace, first),
    // A pattern's names are as old as the pattern.
    requestedSinceMs: modelSinceMs(workspace, found?.alias ?? name),
  };
}

/** A model that is not listed is as old as its provider, which passes on any name. */
export function modelSinceMs({ snapshot: { catalogueSinceMs } }: LiveWorkspace, name: string): number | null {
  const provider = name.slice(0, name.indexOf('/') + 1);
  return entryOf(catalogueSinceMs, name) ?? entryOf(catalogueSinceMs, provider);
}

/** The target of a `provider/name`, whatever aliases say. */
export function directTarget(
  workspace: LiveWorkspace,
  dialect: Dialect,
  name: string,
  reranks = false,
): Target | Refusal {
  const slash = name.indexOf('/');
  const provider = slash <= 0 ? undefined : workspace.providers.get(name.slice(0, slash));
  if (provider === undefined || slash === name.length - 1) return modelNotFound(workspace, name);
  // OpenAI's own API reranks nothing: a form of the provider's own goes before that of its neighbours.
  const reranking = reranks ? [...provider.endpoints.values()].find(hasOwnRerank) : undefined;
  const model = name.slice(slash + 1);
  const endpoint = reranking ?? endpointFor(provider, dialect, model);
  if (endpoint === undefined) return modelNotFound(workspace, name);
  const { dialect: spoken } = endpoint;
  const passes = reranking === undefined && spoken.name === dialect.name && spoken.adaptBody === undefined;
  return targetOf(provider, endpoint, passes ? dialect : null, model);
}

/** Where the provider speaks the caller's dialect, there; but OpenAI serves some models at one of its two APIs only. */
function endpointFor(provider: LiveProvider, dialect: Dialect, model: string): LiveEndpoint | undefined {
  const { endpoints } = provider;
  const only = traitsFor(provider, model).responsesOnly === true ? endpoints.get('openai-responses') : undefined;
  return only ?? endpoints.get(dialect.name) ?? firstEndpoint(provider);
}

function hasOwnRerank({ dialect, snapshot }: LiveEndpoint): boolean {
  return dialect.reranks === true || snapshot.rerankForm !== undefined;
}

function traitsFor({ snapshot: { traits } }: LiveProvider, model: string | null): ModelTraits {
  return (model === null ? null : entryOf(traits, model)) ?? UNKNOWN_TRAITS;
}

function priceFor({ snapshot: { prices } }: LiveProvider, model: string | null): Price | null {
  return model === null ? null : (entryOf(prices, model) ?? entryOf(prices, ANY_MODEL));
}

/** The target of a passthrough call: a provider by name, any path of it. */
export function passthroughTarget(
  workspace: LiveWorkspace,
  providerId: string,
  dialect: Dialect | null,
  model: string | null,
): Target | Refusal {
  const provider = workspace.providers.get(providerId);
  if (provider === undefined) return refusal('provider_not_found');
  const endpoint = dialect === null ? firstEndpoint(provider) : provider.endpoints.get(dialect.name);
  if (endpoint === undefined) return refusal('path_not_found');
  return targetOf(provider, endpoint, dialect, model);
}

function targetOf(
  provider: LiveProvider,
  endpoint: LiveEndpoint,
  native: Dialect | null,
  model: string | null,
): Target {
  return {
    provider,
    endpoint,
    dialect: endpoint.dialect,
    native,
    model,
    price: priceFor(provider, model),
    traits: traitsFor(provider, model),
    answerHeaders: answerHeaders(provider, model),
  };
}

function firstEndpoint(provider: LiveProvider): LiveEndpoint | undefined {
  return provider.endpoints.values().next().value;
}

function answerHeaders(provider: LiveProvider, model: string | null): readonly string[] {
  const headers = ['x-keyward-provider', provider.snapshot.id];
  if (model !== null) headers.push('x-keyward-model', headerText(`${provider.snapshot.id}/${model}`));
  return headers;
}

function modelNotFound(workspace: LiveWorkspace, name: string): Refusal {
  const slash = name.indexOf('/');
  if (slash > 0) {
    return refusal('model_not_found', {
      message: `The provider "${printable(name.slice(0, slash))}" is not set up here. GET /v1/models lists the models this key may call.`,
    });
  }
  for (const provider of workspace.providers.values()) {
    if (provider.snapshot.models.includes(name)) {
      return refusal('model_not_found', {
        message: `There is no model "${printable(name)}" here. Models are named provider/name: did you mean "${provider.snapshot.id}/${name}"?`,
      });
    }
  }
  return refusal('model_not_found', {
    message: `There is no model "${printable(name)}" here. Models are named provider/name; GET /v1/models lists those this key may call.`,
  });
}

/** A caller's text inside a sentence of ours: short, and without keys or anything that could act. */
function printable(text: string): string {
  const clean = withoutSecrets(text).replaceAll(/[^\p{L}\p{N} ._:/@+-]/gu, '?');
  return clean.length > 80 ? `${clean.slice(0, 80)}…` : clean;
}
