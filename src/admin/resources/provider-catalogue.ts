/** The merged view of providers: built in, declared in the file, added through the API. */
import type { ProviderSnapshot } from '../../config/snapshot.ts';
import { AppError } from '../../errors.ts';
import { listedNames } from '../../providers/catalogue/catalogue.ts';
import { PROVIDERS, providerById } from '../../providers/index.ts';
import type { Provider } from '../../providers/provider.ts';
import type { AdminDeps } from '../ports.ts';
import type { ProviderRow, WorkspaceStore } from '../stores.ts';

export interface CatalogueEntry {
  readonly id: string;
  readonly name: string;
  readonly source: 'built-in' | 'file' | 'database';
  /** Whether a built-in provider was adjusted through the API. */
  readonly adjusted: boolean;
  readonly transport: 'http' | 'in-process';
  readonly state: 'active' | 'disabled';
  /** Without a base URL where the provider answers inside the gateway. */
  readonly endpoints: { readonly dialect: string; readonly baseUrl: string | null }[];
  readonly models: string[];
  /** Credentials in force. */
  readonly credentials: number;
  /** Whether calls can be made to it now. */
  readonly callable: boolean;
}

export async function readCatalogue(deps: AdminDeps, workspace: WorkspaceStore): Promise<readonly CatalogueEntry[]> {
  const rows = new Map((await workspace.providers.all()).map((row) => [row.id, row]));
  const compiled = deps.snapshotSource.current().workspaces[workspace.workspaceId]?.providers ?? {};
  const ids = new Set([...PROVIDERS.map(({ id }) => id), ...Object.keys(compiled), ...rows.keys()]);
  return [...ids].map((id) => merge(id, deps, compiled[id], rows.get(id)));
}

/** Whether there is such a provider, in whatever state. */
export async function providerExists(deps: AdminDeps, workspace: WorkspaceStore, id: string): Promise<boolean> {
  return isBuiltIn(id) || deps.configFile.declaresProvider(id) || (await workspace.providers.get(id)) !== null;
}

export function isBuiltIn(id: string): boolean {
  return providerById(id) !== undefined;
}

export function refuseDeclared(deps: AdminDeps, providerId: string): void {
  if (!deps.configFile.declaresProvider(providerId)) return;
  throw new AppError('declared_in_file', {
    message: `The provider ${providerId} is declared in the configuration file and can only be changed there.`,
  });
}

function merge(
  id: string,
  deps: AdminDeps,
  compiled: ProviderSnapshot | undefined,
  row: ProviderRow | undefined,
): CatalogueEntry {
  const base = providerById(id);
  const credentials = compiled?.credentials.length ?? 0;
  const transport = compiled?.transport ?? base?.transport ?? 'http';
  return {
    id,
    name: base?.name ?? id,
    source: deps.configFile.declaresProvider(id) ? 'file' : base ? 'built-in' : 'database',
    adjusted: base !== undefined && row !== undefined,
    transport,
    state: row?.state ?? 'active',
    endpoints: (compiled ? compiledEndpoints(compiled) : storedEndpoints(base, row)).map(({ dialect, baseUrl }) => ({
      dialect,
      baseUrl: transport === 'in-process' ? null : baseUrl,
    })),
    models: [...(compiled?.models ?? modelsWhileOff(id, deps, row))],
    credentials,
    callable: compiled !== undefined && (transport === 'in-process' || credentials > 0 || needsNoSecret(compiled)),
  };
}

/** What it would list if it were on, as far as that is known. */
export function modelsWhileOff(id: string, deps: AdminDeps, row: ProviderRow | undefined): readonly string[] {
  if (row !== undefined && row.models.length > 0) return row.models;
  const listed = listedNames(deps.modelCatalogue.models(id));
  return listed.length > 0 ? listed : (providerById(id)?.models ?? []);
}

function needsNoSecret({ endpoints }: ProviderSnapshot): boolean {
  return Object.values(endpoints).every(({ authHeader }) => authHeader === '');
}

function compiledEndpoints(provider: ProviderSnapshot): CatalogueEntry['endpoints'] {
  return Object.entries(provider.endpoints).map(([dialect, { origin, pathPrefix }]) => ({
    dialect,
    baseUrl: `${origin}${pathPrefix}`,
  }));
}

function storedEndpoints(base: Provider | undefined, row: ProviderRow | undefined): CatalogueEntry['endpoints'] {
  if (base === undefined) return row?.dialect && row.baseUrl ? [{ dialect: row.dialect, baseUrl: row.baseUrl }] : [];
  return Object.entries(base.endpoints).map(([dialect, { baseUrl }]) => ({
    dialect,
    baseUrl: row?.baseUrl ?? baseUrl,
  }));
}
