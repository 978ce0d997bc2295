import { NO_LIMITS, NO_SCOPES, readLimits, readScopes } from '../keys/constraints.ts';
import type { ApplicationState, Narrowing, PersonState, TeamState, WorkspaceState } from '../keys/owners.ts';
import { builtInCatalogue } from '../providers/catalogue/catalogue.ts';
import type { Catalogue } from '../providers/catalogue/catalogue.ts';
import { PROVIDERS } from '../providers/index.ts';
import type { Provider } from '../providers/provider.ts';
import { compileAliases } from './compile-aliases.ts';
import type { AliasInput } from './compile-aliases.ts';
import { compileBuiltIn, compileOwn } from './compile-provider.ts';
import type { CredentialInput, ProviderInput } from './compile-provider.ts';
import { GATEWAY_DEFAULTS } from './schema.ts';
import type { ParsedConfig, ProviderConfig } from './schema.ts';
import type { GatewaySettings, ProviderSnapshot, Snapshot, WorkspaceSnapshot } from './snapshot.ts';

/** Who and what stands behind the keys of a workspace, as storage knows it. */
export interface OwnersInput {
  readonly workspace: Narrowing & { readonly id: string; readonly state: 'active' | 'disabled' };
  readonly applications: readonly ApplicationState[];
  readonly people: readonly PersonState[];
  readonly teams: readonly TeamState[];
}

/** A workspace as storage knows it. */
export interface WorkspaceInput extends OwnersInput {
  readonly providers: readonly ProviderInput[];
  readonly credentials: readonly CredentialInput[];
  readonly aliases: readonly AliasInput[];
  /** Unix milliseconds when each name was first there. */
  readonly catalogue: Readonly<Record<string, number>>;
}

export interface CompileInput {
  readonly version: number;
  /** Unix milliseconds. */
  readonly nowMs: number;
  readonly file: ParsedConfig | null;
  /** The environment, for the secrets of built-in providers. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What is known of models; the one that the product ships if left out. */
  readonly catalogue?: Catalogue;
  /** The first is the default one: what the file and the environment declare belongs to it. */
  readonly workspaces: readonly WorkspaceInput[];
}

/** What the file declares: it can be changed nowhere else. */
export interface Declared {
  readonly providers: readonly string[];
  readonly aliases: readonly string[];
}

export interface CompileResult {
  readonly snapshot: Snapshot;
  /** Sentences for operators: what was left out, and why. Hold no secret. */
  readonly warnings: readonly string[];
  readonly declared: Declared;
  /** Names by workspace that the catalogue did not have; they count as known from `nowMs` on. */
  readonly newNames: Readonly<Record<string, readonly string[]>>;
}

/** Compiles everything that was declared and stored into what the data plane reads. Pure. */
export function compile(input: CompileInput): CompileResult {
  const { version, nowMs, file, env, workspaces, catalogue = builtInCatalogue } = input;
  const warnings: string[] = [];
  const warn = (sentence: string) => warnings.push(sentence);
  const compiled = workspaces.map((workspace, index) => {
    const declared = index === 0 ? { file, env } : NOTHING_DECLARED;
    return compileWorkspace(workspace, { ...declared, catalogue, nowMs }, warn);
  });
  const newNames = Object.fromEntries(
    workspaces.map(({ workspace, catalogue }, index) => [workspace.id, namesMissing(compiled[index], catalogue)]),
  );
  const snapshot: Snapshot = {
    version,
    gateway: gatewaySettings(file),
    workspaces: Object.fromEntries(
      compiled.map((workspace) => [workspace.id, withNames(workspace, newNames[workspace.id] ?? [], nowMs)]),
    ),
  };
  return { snapshot, warnings, declared: declaredBy(file), newNames };
}

/** What a file declares; nothing without one. */
export function declaredBy(file: ParsedConfig | null): Declared {
  return { providers: Object.keys(file?.providers ?? {}), aliases: Object.keys(file?.models ?? {}) };
}

type Warn = (sentence: string) => void;
type Declarations = Pick<CompileInput, 'file' | 'env' | 'nowMs'> & { readonly catalogue: Catalogue };

const NOTHING_DECLARED = { file: null, env: {} };

function gatewaySettings(file: ParsedConfig | null): GatewaySettings {
  const given = Object.entries(file?.gateway ?? {}).filter(([, value]) => value !== undefined);
  return { ...GATEWAY_DEFAULTS, ...Object.fromEntries(given) };
}

function compileWorkspace(input: WorkspaceInput, declarations: Declarations, warn: Warn): WorkspaceSnapshot {
  const providers = compileProviders(input, declarations, warn);
  return {
    ...compileOwners(input, warn),
    providers,
    aliases: compileAliases({ declared: declarations.file?.models ?? {}, stored: input.aliases, providers }, warn),
    catalogueSinceMs: input.catalogue,
  };
}

/** The part of a workspace that says whether its keys may be used. Pure. */
export function compileOwners(
  { workspace, applications, people, teams }: OwnersInput,
  warn: (sentence: string) => void,
): WorkspaceState {
  return {
    id: workspace.id,
    ...stateOf(workspace, `workspace ${workspace.id}`, warn),
    ...narrowingOf(workspace),
    applications: byId(applications.map((application) => compileApplication(application, warn))),
    people: byId(people.map(({ id, state }) => ({ id, state }))),
    teams: byId(teams.map((team) => compileTeam(team, warn))),
  };
}

function compileApplication(row: ApplicationState, warn: Warn): ApplicationState {
  const { id, ownerId, teamId, subscribedModels, subscribedServices, subscriptions = [] } = row;
  const state = stateOf(row, `application ${id}`, warn);
  const asked = subscriptions.length === 0 ? {} : { subscriptions };
  return { id, ...state, ownerId, teamId, subscribedModels, subscribedServices, ...asked, ...narrowingOf(row) };
}

function compileTeam(row: TeamState, warn: Warn): TeamState {
  const { id, members } = row;
  return { id, ...stateOf(row, `team ${id}`, warn), members, ...narrowingOf(row) };
}

/** What has constraints that cannot be understood stands still: leaving them out would widen rights. */
function stateOf(
  row: Narrowing & { readonly state: 'active' | 'disabled' },
  what: string,
  warn: Warn,
): { readonly state: 'active' | 'disabled' } {
  const scopes = readScopes(row.scopes);
  const limits = readLimits(row.limits);
  if (scopes.ok && limits.ok) return { state: row.state };
  const reason = scopes.ok ? (limits.ok ? '' : limits.reason) : scopes.reason;
  warn(`The ${what} is disabled: ${reason}. Set its constraints again.`);
  return { state: 'disabled' };
}

function narrowingOf({ scopes, scopesSetAtMs, limits }: Narrowing): Narrowing {
  const readable = readScopes(scopes);
  const countable = readLimits(limits);
  return {
    scopes: readable.ok ? readable.value : NO_SCOPES,
    scopesSetAtMs,
    limits: countable.ok ? countable.value : NO_LIMITS,
  };
}

function byId<T extends { readonly id: string }>(items: readonly T[]): Readonly<Record<string, T>> {
  return Object.fromEntries(items.map((item) => [item.id, item]));
}

/** Every name that a scope's pattern may reach, and that the catalogue has no time for. */
function namesMissing(workspace: WorkspaceSnapshot | undefined, known: Readonly<Record<string, number>>): string[] {
  if (workspace === undefined) return [];
  const models = Object.values(workspace.providers).flatMap(({ id, models: listed }) => [
    `${id}/`,
    ...listed.map((name) => `${id}/${name}`),
  ]);
  return [...Object.keys(workspace.aliases), ...models].filter((name) => !Object.hasOwn(known, name));
}

function withNames(workspace: WorkspaceSnapshot, names: readonly string[], nowMs: number): WorkspaceSnapshot {
  if (names.length === 0) return workspace;
  const added = Object.fromEntries(names.map((name) => [name, nowMs]));
  return { ...workspace, catalogueSinceMs: { ...workspace.catalogueSinceMs, ...added } };
}

function compileProviders(
  input: WorkspaceInput,
  { file, env, catalogue, nowMs }: Declarations,
  warn: Warn,
): Readonly<Record<string, ProviderSnapshot>> {
  const inFile = new Map<string, ProviderConfig>(Object.entries(file?.providers ?? {}));
  const rows = new Map(input.providers.map((row) => [row.id, row]));
  const compiled: ProviderSnapshot[] = [];
  const sources = (id: string) => ({
    id,
    entry: inFile.get(id) ?? null,
    // What the file declares is read-only elsewhere: it hides a row of the same name.
    row: inFile.has(id) ? null : (rows.get(id) ?? null),
    credentials: input.credentials.filter((credential) => credential.providerId === id),
    catalogue,
    nowMs,
  });

  for (const builtIn of PROVIDERS) {
    const provider = compileBuiltIn(builtIn, { ...sources(builtIn.id), env, envSecret: envSecret(builtIn, env) }, warn);
    if (provider !== null) compiled.push(provider);
  }
  const builtInIds = new Set(PROVIDERS.map((provider) => provider.id));
  for (const id of new Set([...inFile.keys(), ...rows.keys()])) {
    const provider = builtInIds.has(id) ? null : compileOwn(sources(id), warn);
    if (provider !== null) compiled.push(provider);
  }
  return Object.fromEntries(compiled.map((provider) => [provider.id, provider]));
}

function envSecret(
  builtIn: Provider,
  env: CompileInput['env'],
): { readonly name: string; readonly secret: string } | null {
  const secret = builtIn.secretEnv === null ? undefined : env[builtIn.secretEnv]?.trim();
  return builtIn.secretEnv === null || secret === undefined || secret === ''
    ? null
    : { name: builtIn.secretEnv, secret };
}
