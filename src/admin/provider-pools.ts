/** How the credentials of providers stand, as the workers know it: read from the memory that they share. */
import type { ProviderSnapshot } from '../config/snapshot.ts';
import { BoundedMap } from '../lib/bounded-map.ts';
import { Breaker } from '../routing/breaker.ts';
import type { CredentialError } from '../routing/credential-error.ts';
import { openHealthTable } from '../routing/health-table.ts';
import { openPool } from '../routing/open-pool.ts';
import type { CredentialPool } from '../routing/pool.ts';
import type { FailureKind } from '../routing/provider-error.ts';
import { PoolHistory } from './pool-history.ts';
import type { ProviderPoolsPort, ProviderPoolState, SnapshotSource } from './ports.ts';

export interface ProviderPoolsOptions {
  readonly health: SharedArrayBuffer;
  readonly snapshotSource: SnapshotSource;
  /** What came of asking an origin in the background; left out: nobody asks. */
  readonly lastProbe?: (origin: string) => { readonly atMs: number; readonly serves: boolean } | null;
  readonly counts: ProviderPoolsPort['counts'];
}

/** Of a provider that lists more, only the whole credentials are looked at, and these models. */
const MODELS_MAX = 200;
/** Credentials whose last error is remembered. */
const ERRORS_MAX = 20_000;

export function createProviderPools({
  health,
  snapshotSource,
  counts,
  lastProbe,
}: ProviderPoolsOptions): ProviderPoolsPort {
  const table = openHealthTable(health);
  const history = new PoolHistory();
  const errors = new BoundedMap<string, CredentialError>(ERRORS_MAX);
  const pools = new WeakMap<ProviderSnapshot, CredentialPool>();
  // Nothing is drawn by chance here: the main thread uses no credential.
  const random = (): number => 0;

  function poolOf(workspaceId: string, provider: ProviderSnapshot): CredentialPool {
    let pool = pools.get(provider);
    if (pool === undefined) {
      pool = openPool({ workspaceId, providerId: provider.id, credentials: provider.credentials, table, random });
      pools.set(provider, pool);
    }
    return pool;
  }

  function lastError(workspaceId: string, credentialId: string): CredentialError | null {
    return errors.get(`${workspaceId}/${credentialId}`) ?? null;
  }

  function stateOf(workspaceId: string, provider: ProviderSnapshot, nowMs: number): ProviderPoolState {
    const pool = poolOf(workspaceId, provider);
    const { usable, all } = pool.capacity(null, nowMs);
    const views = pool.view(nowMs, provider.models.slice(0, MODELS_MAX));
    const origins = new Set(Object.values(provider.endpoints).map(({ origin }) => origin));
    return {
      providerId: provider.id,
      usable,
      all,
      members: views.map((member) => ({ ...member, lastError: lastError(workspaceId, member.id) })),
      outAtMs: history.outAtMs(pool.name, views, nowMs),
      endpoints: [...origins].map((origin) => ({
        origin,
        openUntilMs: new Breaker({ name: origin, table, random }).opensAtMs(nowMs),
        lastProbe: lastProbe?.(origin) ?? null,
      })),
    };
  }

  return {
    lastError,
    counts,
    observe(nowMs) {
      const all = Object.values(snapshotSource.current().workspaces).flatMap(({ id, providers }) =>
        Object.values(providers)
          .filter(({ credentials }) => credentials.length > 0)
          .map((provider) => poolOf(id, provider)),
      );
      history.observe(new Map(all.map((pool) => [pool.name, pool.view(nowMs)])), nowMs);
    },

    saw(seen) {
      for (const error of seen) {
        const { workspaceId, credentialId, atMs } = error;
        // Each worker tells of its own calls, in its own time.
        if (atMs >= (lastError(workspaceId, credentialId)?.atMs ?? 0))
          errors.set(`${workspaceId}/${credentialId}`, error);
      }
    },

    read: (workspaceId, nowMs) =>
      Object.values(snapshotSource.current().workspaces[workspaceId]?.providers ?? {})
        .filter(({ credentials }) => credentials.length > 0)
        .map((provider) => stateOf(workspaceId, provider, nowMs)),

    tell(workspaceId, credentialId, kind: FailureKind | null, nowMs) {
      for (const provider of Object.values(snapshotSource.current().workspaces[workspaceId]?.providers ?? {})) {
        const pool = poolOf(workspaceId, provider);
        const member = pool.members.find(({ id }) => id === credentialId);
        if (member === undefined) continue;
        const report = { member, model: null, isProbe: false, nowMs };
        if (kind === null) pool.vouch(report);
        else if (kind === 'rejected_credential') pool.failed(report, { kind, retryAfterMs: null, perModel: false });
      }
    },
  };
}
