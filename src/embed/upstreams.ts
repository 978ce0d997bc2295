import type { GatewaySettings } from '../config/snapshot.ts';
import { parseOrigin } from '../gateway/live-config.ts';
import { createHttpUpstream } from '../gateway/upstream-http.ts';
import type { HttpUpstream } from '../gateway/upstream-http.ts';

/** Providers with open connections at the same time. */
const ORIGINS_MAX = 1_000;

/** One pool of connections for each provider, whoever calls it. */
export interface Upstreams {
  of(origin: string): HttpUpstream;
  close(): void;
}

export function createUpstreams(settings: GatewaySettings): Upstreams {
  const pools = new Map<string, HttpUpstream>();
  return {
    of: (origin) => {
      const known = pools.get(origin);
      if (known !== undefined) return known;
      if (pools.size >= ORIGINS_MAX) closeOldest(pools);
      const pool = createHttpUpstream(parseOrigin(origin), {
        connectTimeoutMs: settings.connectTimeoutMs,
        firstByteTimeoutMs: settings.firstByteTimeoutMs,
        idleTimeoutMs: settings.idleTimeoutMs,
        answerBytesMax: settings.answerBytesMax,
        connectionsMax: settings.upstreamConnectionsMax,
      });
      pools.set(origin, pool);
      return pool;
    },
    close: () => {
      for (const pool of pools.values()) pool.close();
      pools.clear();
    },
  };
}

/** Calls on it go on to their end. */
function closeOldest(pools: Map<string, HttpUpstream>): void {
  for (const [origin, pool] of pools) {
    pools.delete(origin);
    pool.close();
    return;
  }
}
