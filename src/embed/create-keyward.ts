/** The composition root of the embedded engine: as main.ts for the product, the place that constructs things. */
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GATEWAY_DEFAULTS } from '../config/schema.ts';
import type { GatewaySettings } from '../config/snapshot.ts';
import { OpenStreams } from '../gateway/open-streams.ts';
import { ResponseCache } from '../gateway/response-cache.ts';
import { createCallQueue } from '../gateway/call-queue.ts';
import type { Gateway } from '../gateway/gateway.ts';
import { KeyCache } from '../gateway/key-cache.ts';
import { CredentialWatch } from '../gateway/credential-watch.ts';
import { RoutingState } from '../gateway/routing-state.ts';
import { createDelegationVerifier } from '../keys/delegation-verifier.ts';
import { createFailureThrottle, WRONG_KEYS } from '../keys/failure-throttle.ts';
import type { FailureThrottle } from '../keys/failure-throttle.ts';
import { createSecretHasher } from '../keys/secret-hash.ts';
import { BoundedMap } from '../lib/bounded-map.ts';
import type { Clock } from '../lib/clock.ts';
import { systemClock } from '../lib/clock.ts';
import { createRequestIds } from '../lib/request-id.ts';
import type { Counters } from '../limits/counters.ts';
import { createSharedCounters, openSharedCounters } from '../limits/shared-counters.ts';
import { createHealthTable, openHealthTable } from '../routing/health-table.ts';
import { createCallLog } from '../watch/call-log.ts';
import type { CallLog } from '../watch/call-log.ts';
import { keepCounters } from '../watch/counter-keeper.ts';
import { auditor } from './audit-entry.ts';
import { openBackendToken } from './backend-token.ts';
import { createBindings } from './bindings.ts';
import type { Engine } from './engine.ts';
import { emitter } from './events.ts';
import { createKeyOperations } from './key-operations.ts';
import type { Keyward, KeywardOptions } from './keyward.ts';
import { openStorage } from './open-storage.ts';
import type { OpenedStorage } from './open-storage.ts';
import { ownPrefix } from './own-prefix.ts';
import { createPolicies } from './policies.ts';
import { createRunning } from './running.ts';
import { createUpstreams } from './upstreams.ts';

/** Counters in use at the same time, as in the product. */
const COUNTER_CELLS = 65_536;
const DELEGATED_MAX = 4096;
const WORKER = 0;

/**
 * The key engine inside of this process, without a server between: issues keys that stand for real
 * ones, verifies them, and puts the real one in where a call leaves for its provider. Connects to
 * nothing but the providers of its keys. Throws, having changed nothing, when it cannot run.
 */
export async function createKeyward(options: KeywardOptions = {}): Promise<Keyward> {
  const clock = options.clock ?? systemClock;
  const log = logger(options.onLog);
  const onError = (error: Error): void => log('error', error.message, { reason: reasonOf(error) });
  const prefix = ownPrefix(options.prefix);
  const settings: GatewaySettings = { ...GATEWAY_DEFAULTS, ...options.gateway };
  const opened = await openStorage({ storage: options.storage ?? './data', masterKey: options.masterKey, clock });
  const { storage, workspace } = opened;

  const callLog = openCallLog(opened, clock, onError);
  const counters = openCounters(opened, options.limits?.counters ?? null, clock, onError);
  const hasher = createSecretHasher(opened.peppers);
  const upstreams = createUpstreams(settings);
  const gateway: Gateway = {
    config: {
      version: 1,
      settings,
      workspaces: new Map([[workspace.id, { snapshot: workspace, providers: new Map() }]]),
    },
    draining: false,
    keys: new KeyCache({ source: storage, clock }),
    hasher,
    counters: counters.open,
    failures: failuresByNetwork(),
    delegations: createDelegationVerifier({ clock, cacheMax: DELEGATED_MAX }),
    delegatedStandings: new BoundedMap(DELEGATED_MAX),
    responses: new ResponseCache(clock),
    streams: new OpenStreams(() => gateway.config.settings.streamPingMs),
    // Masked calls go where their key leads, with its one credential: nothing to choose, nothing to keep.
    routing: new RoutingState(
      openHealthTable(createHealthTable(1)),
      new CredentialWatch({ tell: () => undefined }),
      Math.random,
    ),
    calls: createCallQueue((rows) => callLog.push(rows)),
    clock,
    nextRequestId: createRequestIds(() => clock.now()),
    worker: WORKER,
    log,
  };
  const bindings = createBindings({ storage, upstreams, workspace });
  const emit = emitter(options.onEvent, onError);
  const policies = createPolicies(options.policies ?? [], onError);
  const engine: Engine = { gateway, bindings, policies, prefix, emit };
  const actor = options.actor ?? 'backend';
  const audit = auditor(clock, actor);
  const forgetKey = (kid: string): void => {
    gateway.keys.invalidate(kid);
    bindings.forgetKey(kid);
  };

  const close = async (): Promise<void> => {
    gateway.calls.flush();
    await callLog.close();
    counters.close();
    upstreams.close();
    await storage.close();
  };
  try {
    const backend = await openBackendToken({ storage, hasher, audit, nowMs: () => clock.now() });
    if (backend.issued !== null) emit({ kind: 'backend-token-issued', atMs: clock.now() });
    const keys = createKeyOperations({
      storage,
      hasher,
      clock,
      applicationId: opened.applicationId,
      actor,
      prefix,
      audit,
      emit,
      forgetKey,
      forgetReal: bindings.forgetReal,
    });
    return createRunning({ engine, backend, keys, callLog, storage, workspaceId: workspace.id, forgetKey, close });
  } catch (error) {
    await close();
    throw error;
  }
}

function openCallLog({ storage, spoolPath }: OpenedStorage, clock: Clock, onError: (error: Error) => void): CallLog {
  return createCallLog({
    store: storage.calls,
    // Without a folder nothing is ever written there: the bound of the spool is then zero.
    spoolPath: spoolPath ?? join(tmpdir(), 'keyward-without-a-spool'),
    ...(spoolPath === null ? { spoolBytesMax: 0 } : {}),
    clock,
    onError,
  });
}

interface OpenedCounters {
  readonly open: Counters;
  close(): void;
}

/** The memory of one process; counters of somebody else's are kept by them. */
function openCounters(
  { storage }: OpenedStorage,
  own: Counters | null,
  clock: Clock,
  onError: (error: Error) => void,
): OpenedCounters {
  if (own !== null) return { open: own, close: () => storage.counters?.close() };
  const counters = createSharedCounters({ cells: COUNTER_CELLS });
  const keeper = storage.counters === null ? null : keepCounters({ counters, store: storage.counters, clock, onError });
  return { open: openSharedCounters(counters, WORKER), close: () => keeper?.close() };
}

/** Callers whose address the program does not tell all look alike: they are not held to account for one another. */
function failuresByNetwork(): FailureThrottle {
  const known = createFailureThrottle(WRONG_KEYS);
  return {
    isBlocked: (source, nowMs) => source !== '' && known.isBlocked(source, nowMs),
    recordFailure: (source, nowMs) => {
      if (source !== '') known.recordFailure(source, nowMs);
    },
  };
}

function logger(onLog: KeywardOptions['onLog']): Gateway['log'] {
  return (level, message, fields) => {
    if (onLog !== undefined) onLog({ level, message, fields });
    else if (level === 'error') process.emitWarning(`${message} ${JSON.stringify(fields)}`, 'KeywardWarning');
  };
}

function reasonOf({ cause, message }: Error): string {
  return cause instanceof Error ? (cause.stack ?? cause.message) : message;
}
