/** The admin API over the real embedded store, without a socket; the workers are played by an object. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { keyJobs } from '../../src/admin/jobs/index.ts';
import { prepareFirstStart } from '../../src/admin/first-start.ts';
import { readOwners } from '../../src/admin/load-owners.ts';
import type { AdminDeps, ConfigFileStatus, FleetPort, ProviderPort, Receipt } from '../../src/admin/ports.ts';
import { bindCallLimits } from '../../src/limits/call-limiter.ts';
import { createAdminDelegations } from '../../src/admin/delegations.ts';
import { createKeyLimits } from '../../src/admin/key-limits.ts';
import { KnownKeys } from '../../src/admin/known-keys.ts';
import { watchFailures } from '../../src/admin/responses/failure-triggers.ts';
import { createAdminApp } from '../../src/admin/server.ts';
import type { Store, WorkspaceStore } from '../../src/admin/stores.ts';
import { ModelCatalogue } from '../../src/admin/model-catalogue.ts';
import { createTokenVerifier } from '../../src/admin/tokens.ts';
import type { AdminToken } from '../../src/admin/tokens.ts';
import { createClient } from '../../src/client/client.ts';
import type { Client } from '../../src/client/client.ts';
import { keyLifeSettings } from '../../src/config/key-life-settings.ts';
import { leakSettings } from '../../src/config/leak-settings.ts';
import type { LeakSettings } from '../../src/config/leak-settings.ts';
import type { KeyLifeSettings } from '../../src/config/key-life-settings.ts';
import { ROUTE_DEFAULTS } from '../../src/config/compile-aliases.ts';
import { GATEWAY_DEFAULTS } from '../../src/config/schema.ts';
import type { ProviderSnapshot, Snapshot } from '../../src/config/snapshot.ts';
import { workspaceState } from '../../src/keys/key-fixture.ts';
import { prepareKey } from '../../src/keys/prepare.ts';
import { standingOf } from '../../src/keys/standing.ts';
import { createSecretHasher } from '../../src/keys/secret-hash.ts';
import { createProviderPools } from '../../src/admin/provider-pools.ts';
import type { CredentialCounts } from '../../src/routing/credential-error.ts';
import { createHealthTable } from '../../src/routing/health-table.ts';
import { MAIN_THREAD_INDEX, createSharedCounters, openSharedCounters } from '../../src/limits/shared-counters.ts';
import { openCallStore } from '../../src/storage/call-store.ts';
import type { SqliteCallStore } from '../../src/storage/call-store.ts';
import { openStore } from '../../src/storage/store.ts';
import { createScheduler } from '../../src/watch/jobs/scheduler.ts';
import { createKeyActivityLog } from '../../src/watch/key-activity-log.ts';
import type { FailureWatch } from '../../src/watch/failure-watch.ts';
import type { KeyActivityLog } from '../../src/watch/key-activity-log.ts';

export const TOKEN = 'admin-token-of-the-tests-0123456789';
export const START_MS = Date.UTC(2030, 0, 15, 12);

export interface TestFleet extends FleetPort {
  /** What was asked of it, in order: `publish`, or a kid. */
  readonly asked: string[];
  /** What the next questions are answered with. */
  answer: 'complete' | 'incomplete' | 'failure';
}

export interface AdminFixture {
  readonly app: ReturnType<typeof createAdminApp>;
  readonly client: Client;
  readonly deps: AdminDeps;
  /** How credentials and endpoints stand, as workers would write it. */
  readonly health: SharedArrayBuffer;
  /** What workers would say that they do, by credential. */
  readonly counts: Map<string, Partial<CredentialCounts>>;
  /** What providers answer to tests of credentials. */
  readonly answerAsProvider: (get: ProviderPort['get']) => void;
  readonly store: Store;
  readonly calls: SqliteCallStore;
  readonly fleet: TestFleet;
  readonly dataDir: string;
  readonly workspaceId: string;
  readonly firstKey: string;
  readonly clock: { nowMs: number };
  /** Every line that was logged. */
  readonly logged: string[];
  readonly activity: KeyActivityLog;
  readonly failures: FailureWatch;
  /** Who may report leaks: may be changed. */
  readonly leaks: { -readonly [Name in keyof LeakSettings]: LeakSettings[Name] };
  /** What the operator's file says about the life of keys: may be changed. */
  readonly settings: { -readonly [Name in keyof KeyLifeSettings]: KeyLifeSettings[Name] };
  /** A call that cost this much, booked against the budgets of the key and of what it stands on. */
  spend(kid: string, nanoUsd: number): Promise<void>;
  /** Runs every job that is due by the clock. */
  runJobs(): Promise<void>;
  /** A call as anyone could make it. */
  send(method: string, path: string, options?: SendOptions): Promise<Response>;
  dispose(): Promise<void>;
}

export interface SendOptions {
  /** Null: none. */
  readonly token?: string | null;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A fresh data folder and everything on top of it. */
export async function createAdminFixture(tokens: readonly AdminToken[] = []): Promise<AdminFixture> {
  const dataDir = mkdtempSync(join(tmpdir(), 'keyward-admin-'));
  const clock = { nowMs: START_MS };
  const store = openStore({ dataDir, masterKey: randomBytes(32), clock: { now: () => clock.nowMs } });
  const calls = openCallStore({ dataDir });
  const hasher = createSecretHasher(store.peppers());
  const { workspaceId, firstKey } = await prepareFirstStart(store, hasher, clock.nowMs);
  const fleet = createTestFleet(clock);
  const activity = createKeyActivityLog({ store: (id) => store.workspace(id) });
  const settings = { ...keyLifeSettings(null) };
  const leaks = { ...leakSettings(null) };
  const logged: string[] = [];
  const log = (fields: object, message: string): void => void logged.push(`${message} ${JSON.stringify(fields)}`);
  const now = { now: () => clock.nowMs };
  const counters = openSharedCounters(createSharedCounters({ cells: 1000 }), MAIN_THREAD_INDEX);
  const knownKeys = new KnownKeys({ store, clock: now });
  let snapshot = await snapshotOf(store, workspaceId);
  const health = createHealthTable(64);
  const counts: AdminFixture['counts'] = new Map();
  let asked: ProviderPort['get'] = async () => ({ status: 200, headers: [], body: Buffer.from('{}') });
  const deps: AdminDeps = {
    store,
    calls,
    hasher,
    knownKeys,
    keyLimits: createKeyLimits(counters),
    delegations: createAdminDelegations(now),
    providerPools: createProviderPools({
      ...{ health, snapshotSource: { current: () => snapshot } },
      counts: async (_, credentialId) => ({ underWay: 0, passed: 0, ...counts.get(credentialId) }),
    }),
    provider: { get: (request) => asked(request) },
    gateway: { post: async () => ({ status: 503, requestId: null, body: '' }) },
    fleet: {
      ...fleet,
      publish: async () => {
        snapshot = await snapshotOf(store, workspaceId);
        return fleet.publish();
      },
      invalidateKey: (kid) => {
        knownKeys.forget(kid);
        return fleet.invalidateKey(kid);
      },
      invalidateKeys: (kids) => {
        for (const kid of kids) knownKeys.forget(kid);
        return fleet.invalidateKeys(kids);
      },
    },
    activity,
    keyLife: () => settings,
    leaks: () => leaks,
    adminUrl: () => settings.adminUrl ?? 'http://localhost:8081',
    clock: now,
    snapshotSource: { current: () => snapshot },
    modelCatalogue: new ModelCatalogue({ clock: now, warn: () => undefined, keptPath: null }),
    configFile: {
      status: () => CONFIG_STATUS,
      declaresProvider: (id) => id === 'filehouse',
      declaresAlias: (id) => id === 'filealias',
    },
    tokens: createTokenVerifier([
      { text: TOKEN, principal: { actor: 'token:test', permissions: new Set(['*'] as const) } },
      ...tokens,
    ]),
    defaultWorkspaceId: workspaceId,
    log: { info: log, error: log },
    version: '1.2.3',
    startedAtMs: START_MS - 5000,
    allowedHosts: ['admin.example.com'],
  };
  const app = createAdminApp(deps);
  const request: typeof fetch = async (input, init) =>
    app.request(input instanceof Request ? input.url : input.toString(), init);
  return {
    app,
    deps,
    client: createClient({ baseUrl: 'http://localhost:8081', token: TOKEN, fetch: request }),
    ...{ store, calls, fleet, dataDir, workspaceId, clock, logged, activity, settings, leaks },
    ...{ health, counts },
    answerAsProvider: (get) => void (asked = get),
    failures: watchFailures(deps),
    // Another scheduler each time: as after a restart.
    runJobs: () => {
      deps.providerPools.observe(clock.nowMs);
      return createScheduler({ jobs: keyJobs(deps), store: store.jobs, clock: deps.clock, log: deps.log }).tick();
    },
    spend: async (kid, nanoUsd) => {
      const row = await store.workspace(workspaceId).keys.get(kid);
      if (row === null) throw new Error(`no key ${kid}`);
      const { levels } = standingOf(prepareKey({ ...row, workspaceId }), [], snapshot.workspaces[workspaceId] ?? null);
      const bound = bindCallLimits(counters, levels);
      const taken = bound.take(clock.nowMs, { tokens: 1, nanoUsd });
      if (taken.ok && taken.reservation !== null) {
        bound.settle(taken.reservation, { tokens: 1, nanoUsd }, clock.nowMs);
      }
      bound.release();
    },
    firstKey: firstKey ?? '',
    send: (method, path, options = {}) => send(app, method, path, options),
    dispose: async () => {
      await calls.close();
      await store.close();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

async function send(app: AdminFixture['app'], method: string, path: string, options: SendOptions): Promise<Response> {
  const { token = TOKEN, body, headers } = options;
  return app.request(`http://localhost:8081${path}`, {
    method,
    headers: {
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
}

function createTestFleet(clock: { readonly nowMs: number }): TestFleet {
  let version = 0;
  const fleet: TestFleet = {
    asked: [],
    answer: 'complete',
    publish: () => acknowledge('publish'),
    invalidateKey: (kid) => acknowledge(kid),
    invalidateKeys: (kids) => acknowledge(kids.join(' ')),
    status: () => ({
      snapshotVersion: version,
      workers: [1, 2].map((id) => ({ id, state: 'running', acknowledgedVersion: version })),
    }),
  };
  const acknowledge = async (what: string): Promise<Receipt> => {
    fleet.asked.push(what);
    if (fleet.answer === 'failure') throw new Error('no worker answers');
    const complete = fleet.answer === 'complete';
    version += 1;
    return { version, workers: complete ? 2 : 1, acknowledgedAtMs: clock.nowMs, complete };
  };
  return fleet;
}

const CONFIG_STATUS: ConfigFileStatus = {
  path: '/etc/keyward.yaml',
  state: 'rejected',
  appliedAtMs: START_MS,
  errors: [{ file: 'keyward.yaml', line: 7, column: 3, path: 'providers.house.dialect', message: 'is missing' }],
};

async function snapshotOf(store: Store, workspaceId: string): Promise<Snapshot> {
  const owners = await readOwners(store.workspace(workspaceId));
  return {
    version: 1,
    gateway: GATEWAY_DEFAULTS,
    workspaces: {
      [workspaceId]: {
        ...(owners ?? workspaceState({ id: workspaceId })),
        providers: {
          sandbox: providerOf('sandbox'),
          filehouse: providerOf('filehouse'),
          ...(await storedProviders(store.workspace(workspaceId))),
        },
        aliases: {
          filealias: { ...ROUTE_DEFAULTS, targets: [{ model: 'filehouse/tiny', weight: 1, priority: 1, when: null }] },
        },
        catalogueSinceMs: {},
      },
    },
  };
}

/** Providers that were added through the API, with their credentials that are in force. */
async function storedProviders(workspace: WorkspaceStore): Promise<Record<string, ProviderSnapshot>> {
  const all = await workspace.credentials.secrets();
  const providers = (await workspace.providers.all()).map(({ id, models }) => {
    const credentials = all.filter(({ providerId, state }) => providerId === id && state === 'active');
    return [id, { ...providerOf(id), models, credentials }] as const;
  });
  return Object.fromEntries(providers.filter(([, { credentials }]) => credentials.length > 0));
}

function providerOf(id: string): ProviderSnapshot {
  const inProcess = id === 'sandbox';
  const endpoint = {
    origin: 'http://127.0.0.1:9100',
    pathPrefix: '/v1',
    authHeader: 'authorization',
    authPrefix: 'Bearer ',
    asksUsage: true,
    headers: [],
  };
  return {
    id,
    transport: inProcess ? 'in-process' : 'http',
    endpoints: inProcess ? {} : { openai: endpoint },
    credentials: inProcess
      ? []
      : [{ id: 'cred_file', secret: 'secret-of-the-file', weight: 1, priority: 1, models: null }],
    prices: {},
    traits: {},
    models: inProcess ? ['echo'] : ['tiny', 'large'],
  };
}
