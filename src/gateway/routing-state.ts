import type { AliasSnapshot, CredentialSnapshot } from '../config/snapshot.ts';
import { BoundedMap } from '../lib/bounded-map.ts';
import { Balancer } from '../routing/balance.ts';
import type { BalanceTarget } from '../routing/balance.ts';
import { Breaker } from '../routing/breaker.ts';
import type { HealthTable } from '../routing/health-table.ts';
import { openPool } from '../routing/open-pool.ts';
import type { CredentialPool } from '../routing/pool.ts';
import { RetryBudget } from '../routing/retry.ts';
import type { CredentialUse, CredentialWatch } from './credential-watch.ts';
import type { LiveEndpoint, LiveProvider } from './live-config.ts';

/** Places in the table that all workers share: credentials, models of credentials and endpoints that have failed. */
export const HEALTH_PLACES = 32_768;

/** Endpoints whose rate of failures a worker remembers. */
const ENDPOINTS_MAX = 4_096;

/** The credentials of a provider, and which of them is next. */
export interface ProviderPool {
  readonly pool: CredentialPool;
  readonly credentials: ReadonlyMap<string, PooledCredential>;
}

/** A credential with its secret, and who uses it now. */
export interface PooledCredential {
  readonly snapshot: CredentialSnapshot;
  readonly use: CredentialUse;
}

/** How one endpoint does. */
export interface EndpointHealth {
  readonly breaker: Breaker;
  readonly retries: RetryBudget;
}

/**
 * What a worker knows of providers beyond their configuration. Pools and balancers belong to one
 * configuration, how their members stand is kept in the shared table over all of them.
 */
export class RoutingState {
  readonly random: () => number;
  readonly watch: CredentialWatch;
  readonly #table: HealthTable;
  readonly #pools = new WeakMap<LiveProvider, ProviderPool>();
  readonly #balancers = new WeakMap<AliasSnapshot, Balancer>();
  readonly #endpoints = new BoundedMap<string, EndpointHealth>(ENDPOINTS_MAX);

  constructor(table: HealthTable, watch: CredentialWatch, random: () => number) {
    this.#table = table;
    this.watch = watch;
    this.random = random;
  }

  pool(workspaceId: string, provider: LiveProvider): ProviderPool {
    let known = this.#pools.get(provider);
    if (known === undefined) {
      const { id, credentials } = provider.snapshot;
      known = {
        pool: openPool({ workspaceId, providerId: id, credentials, table: this.#table, random: this.random }),
        credentials: new Map(
          credentials.map((snapshot) => [snapshot.id, { snapshot, use: this.watch.useOf(workspaceId, snapshot.id) }]),
        ),
      };
      this.#pools.set(provider, known);
    }
    return known;
  }

  /** By origin: several providers and workspaces may lead to one, and it is down for all of them. */
  endpoint({ snapshot: { origin } }: LiveEndpoint): EndpointHealth {
    let known = this.#endpoints.get(origin);
    if (known === undefined) {
      const breaker = new Breaker({ name: origin, table: this.#table, random: this.random });
      known = { breaker, retries: new RetryBudget() };
      this.#endpoints.set(origin, known);
    }
    return known;
  }

  /** One for all callers of an alias, whatever their dialect. */
  balancer(alias: AliasSnapshot, targets: () => readonly BalanceTarget[]): Balancer {
    let known = this.#balancers.get(alias);
    if (known === undefined) {
      known = new Balancer(alias.strategy, targets());
      this.#balancers.set(alias, known);
    }
    return known;
  }
}
