/** One gateway worker: a thread with its own listener, its own cache of keys and its own connections upstream. */
import type { MessagePort } from 'node:worker_threads';
import { createDelegationVerifier } from '../keys/delegation-verifier.ts';
import { createFailureThrottle, WRONG_KEYS } from '../keys/failure-throttle.ts';
import { createSecretHasher } from '../keys/secret-hash.ts';
import type { KeyRecord } from '../keys/key-record.ts';
import type { KeySource } from '../keys/store.ts';
import { BoundedMap } from '../lib/bounded-map.ts';
import { systemClock } from '../lib/clock.ts';
import { createRequestIds } from '../lib/request-id.ts';
import { openSharedCounters } from '../limits/shared-counters.ts';
import { openHealthTable } from '../routing/health-table.ts';
import { createCallQueue } from './call-queue.ts';
import { CredentialWatch } from './credential-watch.ts';
import type { Gateway } from './gateway.ts';
import { KeyCache } from './key-cache.ts';
import { LiveConfigs } from './live-config.ts';
import type { FromWorker, ToWorker, WorkerStart } from './messages.ts';
import { OpenStreams } from './open-streams.ts';
import { ResponseCache } from './response-cache.ts';
import { RoutingState } from './routing-state.ts';
import { loadTranslation } from './translation.ts';
import { createGatewayServer } from './server.ts';

/** Delegated keys that a worker remembers as proven; each may be 2 KB. */
const DELEGATED_MAX = 4096;

/** Serves until it is told to stop. Hears of nothing before it is called, and loses nothing after. */
export async function runWorker(port: MessagePort, start: WorkerStart): Promise<void> {
  const say = (message: FromWorker) => port.postMessage(message);
  const lookups = createLookups(say);
  const configs = new LiveConfigs();
  const calls = createCallQueue((rows) => say({ kind: 'calls', rows }));
  const watch = new CredentialWatch({ tell: (errors) => say({ kind: 'credential-errors', errors }) });
  const gateway: Gateway = {
    config: configs.prepare(start.snapshot),
    draining: false,
    keys: new KeyCache({ source: lookups, clock: systemClock }),
    counters: openSharedCounters(start.counters, start.index),
    failures: createFailureThrottle(WRONG_KEYS),
    delegations: createDelegationVerifier({ clock: systemClock, cacheMax: DELEGATED_MAX }),
    delegatedStandings: new BoundedMap(DELEGATED_MAX),
    responses: new ResponseCache(systemClock),
    streams: new OpenStreams(() => gateway.config.settings.streamPingMs),
    hasher: createSecretHasher(start.peppers),
    calls,
    routing: new RoutingState(openHealthTable(start.health), watch, Math.random),
    clock: systemClock,
    nextRequestId: createRequestIds(() => systemClock.now()),
    worker: start.index,
    log: (level, message, fields) => say({ kind: 'log', level, message, fields }),
  };
  const server = createGatewayServer(gateway, { tls: start.listen.tls, connectionsMax: start.connectionsMax });

  port.on('message', (message: ToWorker) => {
    switch (message.kind) {
      case 'snapshot':
        gateway.config = configs.prepare(message.snapshot);
        say({ kind: 'acknowledge', sequence: message.sequence, version: gateway.config.version });
        return;
      case 'invalidate-keys':
        for (const kid of message.kids) gateway.keys.invalidate(kid);
        say({ kind: 'acknowledge', sequence: message.sequence, version: gateway.config.version });
        return;
      case 'count-use': {
        const { sequence, workspaceId, credentialId } = message;
        say({ kind: 'use-counted', sequence, counts: watch.counts(workspaceId, credentialId) });
        return;
      }
      case 'key':
        lookups.answer(message.lookup, message.record);
        return;
      case 'key-failed':
        lookups.fail(message.lookup);
        return;
      case 'drain':
        void drain();
        return;
    }
  });

  /** No new connections; open calls go on to their end, within the settings' bound. */
  async function drain(): Promise<void> {
    gateway.draining = true;
    await server.drain(gateway.config.settings.drainTimeoutMs);
    // Calls that were cut at the deadline settle in the same turn; their records go out after it.
    await new Promise((resolve) => setImmediate(resolve));
    calls.flush();
    configs.close();
    say({ kind: 'drained' });
  }

  process.on('uncaughtException', (error) => {
    // The thread's state is unknown: hand over what is known and let the main thread start another.
    say({
      kind: 'log',
      level: 'error',
      message: 'worker crashed',
      fields: { worker: start.index, reason: error.stack ?? error.message },
    });
    calls.flush();
    process.exit(1);
  });

  try {
    say({ kind: 'listening', port: await server.listen(start.listen) });
    setTimeout(() => void loadTranslation(), TRANSLATION_AFTER_MS).unref();
  } catch (error) {
    say({ kind: 'listen-failed', message: error instanceof Error ? error.message : String(error) });
  }
}

/** The start is over by then; who calls sooner waits for the codecs. */
const TRANSLATION_AFTER_MS = 2_000;

interface Lookups extends KeySource {
  answer(lookup: number, record: KeyRecord | null): void;
  fail(lookup: number): void;
}

/** Asks the main thread for keys, and matches answers to questions. */
function createLookups(say: (message: FromWorker) => void): Lookups {
  const waiting = new Map<number, { resolve: (record: KeyRecord | null) => void; reject: (error: Error) => void }>();
  let last = 0;
  return {
    findKey(kid) {
      return new Promise((resolve, reject) => {
        last += 1;
        waiting.set(last, { resolve, reject });
        say({ kind: 'find-key', lookup: last, kid });
      });
    },
    answer(lookup, record) {
      waiting.get(lookup)?.resolve(record);
      waiting.delete(lookup);
    },
    fail(lookup) {
      waiting.get(lookup)?.reject(new Error('the key store did not answer'));
      waiting.delete(lookup);
    },
  };
}
