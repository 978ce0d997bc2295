import { DIALECT_NAMES } from '../llm/dialect.ts';
import type { DialectName } from '../llm/dialect.ts';
import { BEARER, anthropicAt, openaiAt, responsesAt } from '../providers/endpoints.ts';
import type { Provider, ProviderAuth, ProviderEndpoint } from '../providers/provider.ts';
import { parseBaseUrl } from './base-url.ts';
import { fillEndpoint, settingsOf } from './provider-settings.ts';
import type { SettingValues } from './provider-settings.ts';
import { knownModels } from './provider-models.ts';
import type { ModelSources } from './provider-models.ts';
import type { CredentialSnapshot, EndpointSnapshot, ProviderSnapshot } from './snapshot.ts';

/** A provider added or adjusted through the API. */
export interface ProviderInput {
  readonly id: string;
  readonly dialect: string | null;
  readonly baseUrl: string | null;
  readonly state: 'active' | 'disabled';
  readonly models: readonly string[];
}

export interface CredentialInput {
  readonly id: string;
  readonly providerId: string;
  readonly weight: number;
  readonly priority: number;
  readonly models: readonly string[] | null;
  readonly state: 'active' | 'disabled';
  readonly secret: string;
}

/** All that is known of one provider in one workspace. */
export interface ProviderSources extends ModelSources {
  readonly row: ProviderInput | null;
  readonly credentials: readonly CredentialInput[];
}

export interface BuiltInSources extends ProviderSources {
  /** The environment, for settings. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly envSecret: { readonly name: string; readonly secret: string } | null;
}

type Warn = (sentence: string) => void;
type Endpoints = ProviderSnapshot['endpoints'];

/** A built-in provider, or null while it is off: it is on when it has a credential, is declared, or answers in process. */
export function compileBuiltIn(builtIn: Provider, sources: BuiltInSources, warn: Warn): ProviderSnapshot | null {
  const { id, entry, row } = sources;
  if (row?.state === 'disabled') return null;
  if (builtIn.transport === 'in-process') {
    const endpoints = inProcessEndpoints(builtIn);
    return { id, transport: 'in-process', endpoints, credentials: [], ...knownModels(sources, builtIn) };
  }
  const credentials = credentialsOf(sources);
  const isLocal = builtIn.secretEnv === null;
  const isDeclared = entry !== null || (isLocal && row !== null);
  if (credentials.length === 0 && !isDeclared) return null;
  const endpoints = builtInEndpoints(builtIn, sources, isLocal && credentials.length === 0);
  if (!endpoints.ok) {
    warn(`The provider ${id} is left out: ${endpoints.reason}.`);
    return null;
  }
  if (credentials.length === 0 && !isLocal) {
    warn(`The provider ${id} is declared, but has no credential: calls to it are refused.`);
  }
  return { id, transport: 'http', endpoints: endpoints.value, credentials, ...knownModels(sources, builtIn) };
}

/** A provider that is not built in, or null where its row does not say enough. */
export function compileOwn(sources: ProviderSources, warn: Warn): ProviderSnapshot | null {
  const { id, entry, row } = sources;
  if (row?.state === 'disabled') return null;
  const baseUrl = entry?.baseUrl ?? row?.baseUrl ?? null;
  const dialects = dialectsOf(entry?.dialect ?? row?.dialect ?? null);
  if (baseUrl === null || dialects.length === 0) {
    warn(
      `The provider ${id} is left out: it needs a base URL and a dialect of this version (${DIALECT_NAMES.join(', ')}).`,
    );
    return null;
  }
  const refusal = refusalOf(baseUrl);
  if (refusal !== null) {
    warn(`The provider ${id} is left out: its base URL ${refusal}.`);
    return null;
  }
  // Local servers need no key. One whose credentials are all disabled is another matter: it is refused.
  const keyless =
    entry === null
      ? sources.credentials.length === 0
      : entry.credentials === undefined && sources.credentials.length === 0;
  const endpoints = dialects.map((dialect) => {
    const defaults = DIALECT_DEFAULTS[dialect];
    return [dialect, endpointOf({ ...defaults, baseUrl, ...(keyless && { auth: NO_AUTH }) })] as const;
  });
  return {
    id,
    transport: 'http',
    endpoints: Object.fromEntries(endpoints),
    credentials: credentialsOf({ ...sources, envSecret: null }),
    ...knownModels(sources, null),
  };
}

const NO_AUTH: ProviderAuth = { header: '', prefix: '' };

/** How a server of one's own is spoken to: as the makers of the dialect define it. */
const DIALECT_DEFAULTS: Readonly<Record<DialectName, ProviderEndpoint>> = {
  openai: openaiAt(''),
  'openai-responses': responsesAt(''),
  anthropic: anthropicAt(''),
  gemini: { baseUrl: '', auth: { header: 'x-goog-api-key', prefix: '' }, headers: {}, streamUsage: 'always' },
  bedrock: { baseUrl: '', auth: BEARER, headers: {}, streamUsage: 'always' },
  cohere: { baseUrl: '', auth: BEARER, headers: {}, streamUsage: 'always' },
  mistral: { baseUrl: '', auth: BEARER, headers: {}, streamUsage: 'always' },
  replicate: { baseUrl: '', auth: BEARER, headers: {}, streamUsage: 'always' },
};

function dialectsOf(dialect: string | readonly string[] | null): readonly DialectName[] {
  const named = typeof dialect === 'string' ? [dialect] : (dialect ?? []);
  return DIALECT_NAMES.filter((name) => named.includes(name));
}

type EndpointsResult =
  | { readonly ok: true; readonly value: Endpoints }
  | { readonly ok: false; readonly reason: string };

function inProcessEndpoints(builtIn: Provider): Endpoints {
  return mapEndpoints(builtIn.endpoints, endpointOf);
}

/** A base URL of one's own makes settings that are missing needless. */
function builtInEndpoints(builtIn: Provider, sources: BuiltInSources, keyless: boolean): EndpointsResult {
  const { entry, row, env } = sources;
  const override = entry?.baseUrl ?? row?.baseUrl ?? null;
  const settings = settingsOf(builtIn, { given: entry?.settings ?? {}, env });
  if (override === null && !settings.ok) return settings;
  const refusal = override === null ? null : refusalOf(override);
  if (refusal !== null) return { ok: false, reason: `its base URL ${refusal}` };
  const values: SettingValues = settings.ok ? settings.values : new Map();
  const filled = Object.fromEntries(
    Object.entries(builtIn.endpoints).map(([dialect, endpoint]) => [dialect, fillEndpoint(endpoint, values)]),
  );
  const first = Object.values(filled)[0]?.baseUrl ?? '';
  const own = override?.replace(/\/+$/, '') ?? null;
  const value = mapEndpoints(filled, (endpoint) =>
    endpointOf({
      ...endpoint,
      ...(own !== null && { baseUrl: standingIn(own, first, endpoint.baseUrl) }),
      ...(keyless && { auth: NO_AUTH }),
    }),
  );
  return { ok: true, value };
}

function mapEndpoints(
  endpoints: Provider['endpoints'],
  map: (endpoint: ProviderEndpoint) => EndpointSnapshot,
): Endpoints {
  return Object.fromEntries(Object.entries(endpoints).map(([dialect, endpoint]) => [dialect, map(endpoint)]));
}

/**
 * A base URL of one's own stands in for the vendor's first one. A vendor that serves a second
 * dialect beneath the first (`…/v1beta/openai`), or beside it (`…/v1` and `…/anthropic`), is
 * expected to do so there too.
 */
function standingIn(own: string, first: string, other: string): string {
  if (other.startsWith(first)) return own + other.slice(first.length);
  const origin = /^https?:\/\/[^/]+/.exec(first)?.[0] ?? '';
  const firstPath = first.slice(origin.length);
  const isBeside = (other === origin || other.startsWith(`${origin}/`)) && own.endsWith(firstPath);
  return isBeside ? own.slice(0, own.length - firstPath.length) + other.slice(origin.length) : own;
}

/** The base URL was checked before: one that is refused here is a mistake in a built-in provider. */
function endpointOf({ baseUrl, auth, headers, streamUsage, ...rest }: ProviderEndpoint): EndpointSnapshot {
  const parsed = parseBaseUrl(baseUrl);
  if (!parsed.ok) throw new TypeError(`a built-in base URL ${parsed.reason}`);
  const signing = signingOf(auth);
  return {
    ...parsed.value,
    authHeader: auth.header,
    authPrefix: auth.prefix,
    asksUsage: streamUsage === 'when-asked',
    headers: Object.entries(headers).flat(),
    ...(signing !== null && { signing }),
    ...(rest.maxTokensField !== undefined && { maxTokensField: rest.maxTokensField }),
    ...(rest.reasoningBack !== undefined && { reasoningBack: rest.reasoningBack }),
    ...(rest.rerankForm !== undefined && { rerankForm: rest.rerankForm }),
    ...(rest.variant !== undefined && { variant: rest.variant }),
  };
}

function signingOf(auth: ProviderAuth): NonNullable<EndpointSnapshot['signing']> | null {
  if (auth.kind === 'aws-sigv4') return { kind: auth.kind, service: auth.service, region: auth.region };
  return auth.kind === 'google-oauth' ? { kind: auth.kind, scope: auth.scope } : null;
}

function refusalOf(baseUrl: string): string | null {
  const parsed = parseBaseUrl(baseUrl);
  return parsed.ok ? null : parsed.reason;
}

/**
 * The pool of a provider: what the file declares; else what was added through the API; else the
 * environment. They are not mixed: a stale key from one place must not spoil calls of the other.
 */
function credentialsOf({
  id,
  entry,
  credentials,
  envSecret,
}: Omit<BuiltInSources, 'env'>): readonly CredentialSnapshot[] {
  if (entry?.credentials !== undefined) {
    return entry.credentials.map(({ name, secret, weight, priority, models }, index) => ({
      id: `file:${id}:${name ?? index}`,
      secret,
      weight: weight ?? 1,
      priority: priority ?? 1,
      models: models ?? null,
    }));
  }
  const active = credentials.filter((credential) => credential.state === 'active');
  if (active.length > 0)
    return active.map(({ id: credentialId, secret, weight, priority, models }) => ({
      id: credentialId,
      secret,
      weight,
      priority,
      models,
    }));
  return envSecret === null
    ? []
    : [{ id: `env:${envSecret.name}`, secret: envSecret.secret, weight: 1, ...NO_PREFERENCE }];
}

const NO_PREFERENCE = { priority: 1, models: null } as const;
