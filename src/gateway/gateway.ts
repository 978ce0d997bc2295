import type { DelegationVerifier } from '../keys/delegation-verifier.ts';
import type { FailureThrottle } from '../keys/failure-throttle.ts';
import type { SecretHasher } from '../keys/secret-hash.ts';
import type { Clock } from '../lib/clock.ts';
import type { BoundedMap } from '../lib/bounded-map.ts';
import type { Counters } from '../limits/counters.ts';
import type { KeyCache } from './key-cache.ts';
import type { LiveConfig } from './live-config.ts';
import type { CallQueue } from './call-queue.ts';
import type { OpenStreams } from './open-streams.ts';
import type { RoutingState } from './routing-state.ts';
import type { ResponseCache } from './response-cache.ts';
import type { BoundStanding } from './standing.ts';

/** What every call of a worker works with. Built once, in worker.ts. */
export interface Gateway {
  /** Replaced as a whole when a new snapshot arrives. */
  config: LiveConfig;
  /** Set when the worker was told to stop: readiness is denied. */
  draining: boolean;
  readonly keys: KeyCache;
  readonly hasher: SecretHasher;
  readonly counters: Counters;
  readonly delegations: DelegationVerifier;
  /** By network: how many wrong keys came from there. */
  readonly failures: FailureThrottle;
  /** By the text of the delegated key. */
  readonly delegatedStandings: BoundedMap<string, BoundStanding>;
  readonly responses: ResponseCache;
  readonly streams: OpenStreams;
  readonly calls: CallQueue;
  readonly routing: RoutingState;
  readonly clock: Clock;
  readonly nextRequestId: () => string;
  readonly worker: number;
  /** For operators; the fields hold no secret. */
  readonly log: (level: 'warn' | 'error', message: string, fields: Readonly<Record<string, string | number>>) => void;
}
