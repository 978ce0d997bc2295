import type {
  EndpointSnapshot,
  GatewaySettings,
  ProviderSnapshot,
  Snapshot,
  WorkspaceSnapshot,
} from '../config/snapshot.ts';
import type { DialectName, ProviderDialect } from '../llm/dialect.ts';
import { PROVIDER_DIALECTS } from '../llm/provider-dialects.ts';
import { dialectOf } from '../llm/variants.ts';
import { IN_PROCESS_HANDLERS } from '../providers/in-process-handlers.ts';
import { createInProcessUpstream } from './upstream-in-process.ts';
import { createHttpUpstream } from './upstream-http.ts';
import type { HttpUpstream } from './upstream-http.ts';
import type { Upstream, UpstreamOrigin } from './upstream.ts';

/** A snapshot made ready for use: maps to look up in, and a connection pool for every origin. */
export interface LiveConfig {
  readonly version: number;
  readonly settings: GatewaySettings;
  readonly workspaces: ReadonlyMap<string, LiveWorkspace>;
}

export interface LiveWorkspace {
  readonly snapshot: WorkspaceSnapshot;
  readonly providers: ReadonlyMap<string, LiveProvider>;
}

export interface LiveProvider {
  readonly snapshot: ProviderSnapshot;
  readonly endpoints: ReadonlyMap<DialectName, LiveEndpoint>;
}

export interface LiveEndpoint {
  readonly dialect: ProviderDialect;
  readonly snapshot: EndpointSnapshot;
  readonly upstream: Upstream;
}

/** Keeps connection pools over snapshots: an unchanged origin keeps its open connections. */
export class LiveConfigs {
  #pools = new Map<string, HttpUpstream>();

  /** Makes a snapshot live; pools of origins that are gone end when their calls have ended. */
  prepare(snapshot: Snapshot): LiveConfig {
    const pools = new Map<string, HttpUpstream>();
    const workspaces = new Map<string, LiveWorkspace>();
    for (const workspace of Object.values(snapshot.workspaces)) {
      const providers = new Map<string, LiveProvider>();
      for (const provider of Object.values(workspace.providers)) {
        providers.set(provider.id, this.#prepareProvider(provider, snapshot.gateway, pools));
      }
      workspaces.set(workspace.id, { snapshot: workspace, providers });
    }
    for (const [key, pool] of this.#pools) if (!pools.has(key)) pool.close();
    this.#pools = pools;
    return { version: snapshot.version, settings: snapshot.gateway, workspaces };
  }

  close(): void {
    for (const pool of this.#pools.values()) pool.close();
    this.#pools.clear();
  }

  #prepareProvider(
    provider: ProviderSnapshot,
    settings: GatewaySettings,
    pools: Map<string, HttpUpstream>,
  ): LiveProvider {
    const endpoints = new Map<DialectName, LiveEndpoint>();
    const inProcess =
      provider.transport === 'in-process' ? createInProcessUpstream(inProcessHandler(provider.id)) : null;
    // In the provider's own order: its first format is the one that others are translated to.
    for (const name of Object.keys(provider.endpoints).filter(isDialectName)) {
      const endpoint = provider.endpoints[name];
      if (endpoint === undefined) continue;
      const dialect = dialectOf(name, endpoint.variant);
      const upstream = inProcess ?? this.#pool(endpoint.origin, settings, pools);
      endpoints.set(name, { dialect, snapshot: endpoint, upstream });
    }
    return { snapshot: provider, endpoints };
  }

  #pool(origin: string, settings: GatewaySettings, pools: Map<string, HttpUpstream>): HttpUpstream {
    const key = [
      origin,
      settings.connectTimeoutMs,
      settings.firstByteTimeoutMs,
      settings.idleTimeoutMs,
      settings.answerBytesMax,
      settings.upstreamConnectionsMax,
    ].join(' ');
    const existing = pools.get(key) ?? this.#pools.get(key);
    const pool =
      existing ??
      createHttpUpstream(parseOrigin(origin), {
        connectTimeoutMs: settings.connectTimeoutMs,
        firstByteTimeoutMs: settings.firstByteTimeoutMs,
        idleTimeoutMs: settings.idleTimeoutMs,
        answerBytesMax: settings.answerBytesMax,
        connectionsMax: settings.upstreamConnectionsMax,
      });
    pools.set(key, pool);
    return pool;
  }
}

function inProcessHandler(providerId: string) {
  const handler = IN_PROCESS_HANDLERS[providerId];
  if (handler === undefined) throw new Error(`provider ${providerId} has no in-process handler`);
  return handler;
}

/** What a connection pool needs to know of an origin that was checked before, such as `https://api.example.com`. */
export function parseOrigin(origin: string): UpstreamOrigin {
  const url = new URL(origin);
  const tls = url.protocol === 'https:';
  return {
    tls,
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? (tls ? 443 : 80) : Number(url.port),
    hostHeader: url.host,
  };
}

function isDialectName(name: string): name is DialectName {
  return Object.hasOwn(PROVIDER_DIALECTS, name);
}
