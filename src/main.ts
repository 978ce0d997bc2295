/** The composition root: the only place that constructs things and hands them to each other. */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { createSecureContext } from 'node:tls';
import type { Logger } from 'pino';
import { keyJobs } from './admin/jobs/index.ts';
import type { AdminDeps } from './admin/ports.ts';
import { prepareFirstStart } from './admin/first-start.ts';
import { createGatewayProbe } from './admin/gateway-probe.ts';
import { createAdminDelegations } from './admin/delegations.ts';
import { createKeyLimits } from './admin/key-limits.ts';
import { KnownKeys } from './admin/known-keys.ts';
import { watchFailures } from './admin/responses/failure-triggers.ts';
import { ModelCatalogue } from './admin/model-catalogue.ts';
import { startAdminServer } from './admin/listener.ts';
import { createAdminApp } from './admin/server.ts';
import { createProviderPools } from './admin/provider-pools.ts';
import { createProviderProbe } from './admin/provider-probe.ts';
import { SnapshotPublisher } from './admin/snapshot-publisher.ts';
import { builtInTokens, createTokenVerifier } from './admin/tokens.ts';
import type { ParsedConfig } from './config/schema.ts';
import type { Settings } from './config/settings.ts';
import { StartError } from './config/start-error.ts';
import { watchConfig } from './config/watch.ts';
import { startActiveHealth } from './gateway/active-health.ts';
import { Fleet } from './gateway/fleet.ts';
import type { ListenOptions } from './gateway/messages.ts';
import { HEALTH_PLACES } from './gateway/routing-state.ts';
import { createSecretHasher } from './keys/secret-hash.ts';
import { systemClock } from './lib/clock.ts';
import { MAIN_THREAD_INDEX, createSharedCounters, openSharedCounters } from './limits/shared-counters.ts';
import { createHealthTable } from './routing/health-table.ts';
import { openCounterStore } from './storage/counter-store.ts';
import { openCallStore } from './storage/call-store.ts';
import { dataPaths } from './storage/data-folder.ts';
import { loadMasterKey } from './storage/master-key.ts';
import { openStore } from './storage/store.ts';
import { keepCounters } from './watch/counter-keeper.ts';
import { createCallLog } from './watch/call-log.ts';
import { createScheduler } from './watch/jobs/scheduler.ts';
import type { FailureWatch } from './watch/failure-watch.ts';
import { createKeyActivityLog, flushRegularly } from './watch/key-activity-log.ts';
import packageJson from '../package.json' with { type: 'json' };

/** Counters in use at the same time: one per key and limit. A kilobyte each, of memory that is only taken when used. */
const COUNTER_CELLS = 131_072;
/** How often it is noted which credentials are out of use. */
const POOLS_SEEN_EVERY_MS = 5_000;
/** Kept free for databases, logs and the admin API. */
const OWN_FILES = 200;
/** The caller's connection and the provider's. */
const FILES_PER_CALL = 2;
const OPEN_FILES_GUESS = 1024;
/** Systems on which several threads can listen on one port. */
const REUSE_PORT_PLATFORMS: ReadonlySet<string> = new Set(['linux', 'freebsd', 'aix', 'sunos']);

export interface StartOptions {
  readonly settings: Settings;
  readonly file: ParsedConfig | null;
  readonly configPath: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: Logger;
}

/** A running product. */
export interface Running {
  readonly gatewayUrl: string;
  readonly adminUrl: string;
  /** In clear, at the very first start only. */
  readonly firstKey: string | null;
  /** Lets open calls end (bounded), stores what is queued, and closes everything. */
  stop(): Promise<void>;
}

/** Starts the whole product. Throws a StartError, having changed nothing, when it cannot run. */
export async function start({ settings, file, configPath, env, log }: StartOptions): Promise<Running> {
  const clock = systemClock;
  const startedAtMs = clock.now();
  const tls = readTls(settings);
  const gatewayPort = await freePort(settings.host, settings.port, 'the gateway', '--port');
  await freePort(settings.host, settings.adminPort, 'the admin API', '--admin-port');

  const { dataDir } = settings;
  const masterKey = loadMasterKey({ dataDir, env });
  const store = openStore({ dataDir, masterKey, clock });
  const closers: (() => unknown)[] = [() => store.close()];
  if (store.endedAgain > 0) {
    log.warn(
      { ended: store.endedAgain },
      'the database is older than what was ended since: keys and owners that were revoked, disabled or deleted are so again',
    );
  }
  try {
    const peppers = store.peppers();
    const hasher = createSecretHasher(peppers);
    const calls = openCallStore({ dataDir });
    closers.unshift(() => calls.close());
    const callLog = createCallLog({
      store: calls,
      spoolPath: dataPaths.callSpool(dataDir),
      clock,
      onError: (error) => log.error({ err: error }, 'call records could not be stored'),
    });
    closers.unshift(() => callLog.close());
    const activity = createKeyActivityLog({ store: (id) => store.workspace(id) });
    const activityFlush = flushRegularly(activity, log);
    closers.unshift(() => activityFlush.stop());
    const { workspaceId, firstKey } = await prepareFirstStart(store, hasher, clock.now());

    const warn = (sentence: string) => log.warn(sentence);
    const modelCatalogue = new ModelCatalogue({ clock, warn, keptPath: dataPaths.catalogue(dataDir) });
    const publisher = new SnapshotPublisher({
      ...{ store, env, clock, modelCatalogue, warn },
      file,
      filePath: configPath,
      send: (snapshot) => fleet.publish(snapshot),
    });
    const counters = createSharedCounters({ cells: COUNTER_CELLS });
    const health = createHealthTable(HEALTH_PLACES);
    const keeper = keepCounters({
      counters,
      store: openCounterStore({ dataDir }),
      clock,
      onError: (error) => log.error({ err: error }, 'counts could not be kept'),
    });
    closers.unshift(() => keeper.close());
    const providerPools = createProviderPools({
      ...{ health, snapshotSource: publisher },
      counts: (workspace, credential) => fleet.credentialCounts(workspace, credential),
      lastProbe: (origin) => activeHealth.lastProbe(origin),
    });
    const ownCounters = openSharedCounters(counters, MAIN_THREAD_INDEX);
    const workers = workerCount(settings, log);
    const fleet: Fleet = new Fleet({
      workers,
      connectionsMax: Math.floor((openFilesMax() - OWN_FILES) / workers / FILES_PER_CALL),
      listen: { host: settings.host, port: gatewayPort, reusePort: canReusePort(), tls },
      snapshot: await publisher.first(),
      counters,
      health,
      peppers,
      keys: store,
      clock,
      onCalls: (rows) => {
        callLog.push(rows);
        activity.observe(rows);
        failures?.observe(rows);
      },
      onCredentialErrors: (errors) => providerPools.saw(errors),
      onLog: (level, message, fields) => log[level](fields, message),
      onWorkerGone: (index) => ownCounters.releaseWorker(index),
    });
    // After the workers, whose last records it gets; what it still does to keys, they read at their next start.
    let failures: FailureWatch | null = null;
    closers.unshift(() => failures?.idle());
    closers.unshift(() => fleet.stop());
    // At once: the workers need nothing of what is made below, and are made ready meanwhile.
    const fleetStart = fleet.start();
    fleetStart.catch(() => undefined); // told below
    const scheme = tls === null ? 'http' : 'https';
    const gatewayUrl = `${scheme}://${urlHost(settings.host)}:${gatewayPort}`;
    const activeHealth = startActiveHealth({ health, clock, snapshot: () => publisher.current() });
    closers.unshift(() => activeHealth.stop());
    const knownKeys = new KnownKeys({ store, clock });
    let adminUrl = '';
    const invalidateKeys = (kids: readonly string[]) => {
      for (const kid of kids) knownKeys.forget(kid);
      return fleet.invalidateKeys(kids);
    };
    const adminDeps: AdminDeps = {
      store,
      calls,
      hasher,
      fleet: {
        publish: () => publisher.publish(),
        invalidateKey: (kid) => invalidateKeys([kid]),
        invalidateKeys,
        status: () => fleet.status(),
      },
      activity,
      keyLife: () => publisher.keyLife(),
      leaks: () => publisher.leaks(),
      adminUrl: () => publisher.keyLife().adminUrl ?? adminUrl,
      snapshotSource: publisher,
      knownKeys,
      keyLimits: createKeyLimits(ownCounters),
      delegations: createAdminDelegations(clock),
      providerPools,
      provider: createProviderProbe(),
      gateway: createGatewayProbe({ url: gatewayUrl, certificate: tls?.cert ?? null }),
      configFile: publisher,
      modelCatalogue,
      clock,
      tokens: createTokenVerifier(
        builtInTokens({
          masterKey,
          ...(settings.adminToken === null ? {} : { bootstrapToken: settings.adminToken }),
        }),
      ),
      defaultWorkspaceId: workspaceId,
      log,
      version: packageJson.version,
      startedAtMs,
    };
    const poolWatch = setInterval(() => providerPools.observe(clock.now()), POOLS_SEEN_EVERY_MS).unref();
    closers.unshift(() => clearInterval(poolWatch));
    failures = watchFailures(adminDeps);
    const adminStart = startAdminServer({
      host: settings.host,
      port: settings.adminPort,
      ...(tls === null ? {} : { tls }),
      app: createAdminApp(adminDeps),
    });
    closers.unshift(async () => (await adminStart.catch(() => null))?.close());
    const [admin] = await Promise.all([adminStart, fleetStart]);
    const watch = watchConfig({
      path: configPath,
      env,
      onChange: (result) => {
        if (result.ok) log.info({ file: configPath }, 'configuration file changed');
        else
          log.error({ errors: result.errors }, 'configuration file has mistakes: the old configuration stays in force');
        publisher
          .applyFile(result)
          .catch((error: unknown) => log.error({ err: error }, 'configuration could not be applied'));
      },
      onError: (error) => log.error({ err: error }, 'the configuration file is not watched any more'),
    });
    closers.unshift(() => watch.stop());

    adminUrl = `${scheme}://${urlHost(settings.host)}:${admin.port}`;
    const scheduler = createScheduler({ jobs: keyJobs(adminDeps), store: store.jobs, clock, log });
    scheduler.start();
    closers.unshift(() => scheduler.stop());
    return {
      gatewayUrl,
      adminUrl,
      firstKey,
      stop: () => closeAll(closers),
    };
  } catch (error) {
    await closeAll(closers);
    throw error;
  }
}

/** In the reverse order of opening: what feeds others ends first. */
async function closeAll(closers: (() => unknown)[]): Promise<void> {
  for (const close of closers.splice(0)) await close();
}

/**
 * The port, or a free one for 0. Workers share their port, and would share it with a stranger who
 * allows that too: a listener that does not share finds out whether anybody is there.
 */
function freePort(host: string, port: number, whose: string, flag: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', (error: NodeJS.ErrnoException) => {
      const { why, hint } = listenFault(error, flag);
      reject(new StartError(`Cannot listen on ${host}:${port} for ${whose}: ${why}.`, hint));
    });
    probe.listen({ host, port }, () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' && address !== null ? address.port : port));
    });
  });
}

function listenFault(error: NodeJS.ErrnoException, flag: string): { why: string; hint: string } {
  switch (error.code) {
    case 'EADDRINUSE':
      return { why: 'another program listens there', hint: `Stop that program, or choose another port with ${flag}.` };
    case 'EACCES':
      return { why: 'this user may not use that port', hint: `Choose a port above 1023 with ${flag}.` };
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return { why: 'this machine has no such address', hint: 'Name one of its addresses with --host.' };
    default:
      return { why: error.code ?? error.message, hint: `Choose another port with ${flag}, or another --host.` };
  }
}

function workerCount(settings: Settings, log: Logger): number {
  if (settings.workers === 1 || canReusePort()) return settings.workers;
  log.warn(`On ${process.platform} only one thread can listen on a port: running one gateway worker.`);
  return 1;
}

/** How many files and sockets the system lets this process open; a cautious guess where it does not say. */
function openFilesMax(): number {
  try {
    const limit = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
    return limit === undefined ? OPEN_FILES_GUESS : Math.max(Number(limit), OWN_FILES * 2);
  } catch {
    return OPEN_FILES_GUESS; // no /proc on this system
  }
}

function canReusePort(): boolean {
  return REUSE_PORT_PLATFORMS.has(process.platform);
}

function readTls({ tls }: Settings): ListenOptions['tls'] {
  if (tls === null) return null;
  try {
    const pair = { cert: readFileSync(tls.cert, 'utf8'), key: readFileSync(tls.key, 'utf8') };
    // Now, because the listeners come after the data folder is made.
    createSecureContext(pair);
    return pair;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new StartError(
      `The TLS certificate or its key cannot be used: ${reason}.`,
      'Give PEM files that belong together: --tls-cert with the certificate, --tls-key with its private key.',
      error,
    );
  }
}

/** An address to put into a URL: a wildcard is reached through the loopback address. */
function urlHost(host: string): string {
  if (host === '0.0.0.0' || host === '::') return '127.0.0.1';
  return host.includes(':') ? `[${host}]` : host;
}
