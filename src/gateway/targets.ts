import type { Dialect, ProviderDialect } from '../llm/dialect.ts';
import { UNKNOWN_TRAITS } from '../llm/model-traits.ts';
import type { ModelTraits } from '../llm/model-traits.ts';
import type { Price } from '../llm/price.ts';
import { ANY_MODEL } from '../providers/provider.ts';
import { BoundedMap } from '../lib/bounded-map.ts';
import type { CredentialSnapshot } from '../config/snapshot.ts';
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

/** What a model's name stands for; the same for every call under one configuration. */
export interface ResolvedModel {
  /** `provider/name` for scopes and subscriptions; the name as given when nothing is known by it. */
  readonly name: string;
  readonly target: Target | Refusal;
  /** Unix milliseconds when the catalogue first had the model, and the name that the caller used; null: no such name. */
  readonly sinceMs: number | null;
  readonly requestedSinceMs: number | null;
}

/** Names are the caller's to make up, so what is remembered of them is bounded. */
const RESOLVED_MAX = 4096;
const NAME_LENGTH_MAX = 256;

const resolvedByWorkspace = new WeakMap<LiveWorkspace, BoundedMap<string, ResolvedModel>>();

/** Looks up an alias or a `provider/name` for a caller of this dialect. */
export function resolveModel(workspace: LiveWorkspace, dialect: Dialect, name: string): ResolvedModel {
  let resolved = resolvedByWorkspace.get(workspace);
  if (resolved === undefined) {
    resolved = new BoundedMap(RESOLVED_MAX);
    resolvedByWorkspace.set(workspace, resolved);
  }
  const key = `${dialect.name} ${name}`;
  const known = resolved.get(key);
  if (known !== undefined) return known;
  const found = resolve(workspace, dialect, name);
  if (name.length <= NAME_LENGTH_MAX) resolved.set(key, found);
  return found;
}

function resolve(workspace: LiveWorkspace, dialect: Dialect, name: string): ResolvedModel {
  const alias = Object.hasOwn(workspace.snapshot.aliases, name) ? workspace.snapshot.aliases[name] : undefined;
  const candidates = alias === undefined ? [name] : alias.targets.map(({ model }) => model);
  let refused: Refusal | null = null;
  for (const candidate of candidates) {
    const target = directTarget(workspace, dialect, candidate);
    if ('provider' in target) return { name: candidate, target, ...knownSince(workspace, candidate, name) };
    refused ??= target;
  }
  const first = candidates[0] ?? name;
  return { name: first, target: refused ?? refusal('model_not_found'), ...knownSince(workspace, first, name) };
}

function knownSince(workspace: LiveWorkspace, name: string, requested: string) {
  return { sinceMs: modelSinceMs(workspace, name), requestedSinceMs: modelSinceMs(workspace, requested) };
}

/** A model that is not listed is as old as its provider, which passes on any name. */
export function modelSinceMs({ snapshot: { catalogueSinceMs } }: LiveWorkspace, name: string): number | null {
  const provider = name.slice(0, name.indexOf('/') + 1);
  return entryOf(catalogueSinceMs, name) ?? entryOf(catalogueSinceMs, provider);
}

function directTarget(workspace: LiveWorkspace, dialect: Dialect, name: string): Target | Refusal {
  const slash = name.indexOf('/');
  const provider = slash <= 0 ? undefined : workspace.providers.get(name.slice(0, slash));
  if (provider === undefined || slash === name.length - 1) return modelNotFound(workspace, name);
  const native = provider.endpoints.get(dialect.name);
  const endpoint = native ?? firstEndpoint(provider);
  if (endpoint === undefined) return modelNotFound(workspace, name);
  const model = name.slice(slash + 1);
  return targetOf(provider, endpoint, native === undefined ? null : dialect, model);
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
    traits: UNKNOWN_TRAITS,
    answerHeaders: answerHeaders(provider, model),
  };
}

function firstEndpoint(provider: LiveProvider): LiveEndpoint | undefined {
  return provider.endpoints.values().next().value;
}

/**
 * The provider's next credential, or null when it has none. Each gets the share of calls that its
 * weight says, spread evenly (smooth weighted round-robin): every turn each is credited with its
 * weight, and the one with the most credit serves and pays the sum.
 */
export function nextCredential(provider: LiveProvider): CredentialSnapshot | null {
  const { credentials } = provider.snapshot;
  if (credentials.length <= 1) return credentials[0] ?? null;
  const { credit } = provider;
  let best = 0;
  let sum = 0;
  for (const [i, { weight }] of credentials.entries()) {
    sum += weight;
    credit[i] = (credit[i] ?? 0) + weight;
    if ((credit[i] ?? 0) > (credit[best] ?? 0)) best = i;
  }
  credit[best] = (credit[best] ?? 0) - sum;
  return credentials[best] ?? null;
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
