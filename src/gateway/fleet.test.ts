import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { compile } from '../config/compile.ts';
import type { Snapshot } from '../config/snapshot.ts';
import { generateKey } from '../keys/format.ts';
import type { GeneratedKey } from '../keys/format.ts';
import { applicationState, keyRecord } from '../keys/key-fixture.ts';
import type { KeyRecord } from '../keys/key-record.ts';
import { UNNARROWED } from '../keys/owners.ts';
import { createSecretHasher } from '../keys/secret-hash.ts';
import { systemClock } from '../lib/clock.ts';
import { createHealthTable } from '../routing/health-table.ts';
import { createSharedCounters } from '../limits/shared-counters.ts';
import { Fleet } from './fleet.ts';

const WORKSPACE = 'ws_1';
const APPLICATION = 'app_1';
const PEPPERS = [{ version: 1, key: Buffer.alloc(32, 1) }];
const hasher = createSecretHasher(PEPPERS);

function snapshot(version: number): Snapshot {
  return compile({
    version,
    nowMs: 0,
    file: null,
    env: {},
    workspaces: [
      {
        workspace: { id: WORKSPACE, state: 'active', ...UNNARROWED },
        applications: [applicationState({ id: APPLICATION })],
        people: [],
        teams: [],
        providers: [],
        credentials: [],
        aliases: [],
        catalogue: {},
      },
    ],
  }).snapshot;
}

/** A snapshot that no worker survives: a provider inside the gateway that is not there. */
function deadlySnapshot(version: number): Snapshot {
  const sound = snapshot(version);
  const workspace = sound.workspaces[WORKSPACE];
  if (workspace === undefined) throw new Error('no workspace');
  const missing = {
    id: 'missing',
    transport: 'in-process',
    endpoints: {},
    credentials: [],
    models: [],
    prices: {},
    traits: {},
  } as const;
  return { ...sound, workspaces: { [WORKSPACE]: { ...workspace, providers: { missing } } } };
}

function recordOf(key: GeneratedKey): KeyRecord {
  return keyRecord({
    kid: key.kid,
    workspaceId: WORKSPACE,
    applicationId: APPLICATION,
    secrets: [{ ...hasher.hash(key.secret), state: 'current', notAfterMs: null }],
  });
}

interface RunningFleet {
  readonly fleet: Fleet;
  readonly origin: string;
  readonly gone: readonly number[];
  /** Look-ups that wait for their answer. */
  readonly asked: Map<string, (record: KeyRecord | null) => void>;
}

let running: RunningFleet | null = null;
afterEach(async () => {
  await running?.fleet.stop();
  running = null;
});

async function startFleet(workers: number): Promise<RunningFleet> {
  const port = await freePort();
  const gone: number[] = [];
  const asked: RunningFleet['asked'] = new Map();
  const fleet = new Fleet({
    workers,
    listen: { host: '127.0.0.1', port, reusePort: workers > 1, tls: null },
    connectionsMax: 100,
    snapshot: snapshot(1),
    counters: createSharedCounters({ cells: 16 }),
    health: createHealthTable(16),
    peppers: PEPPERS,
    keys: { findKey: (kid) => new Promise((resolve) => asked.set(kid, resolve)) },
    clock: systemClock,
    onCalls: () => undefined,
    onLog: () => undefined,
    onWorkerGone: (index) => gone.push(index),
  });
  await fleet.start();
  running = { fleet, origin: `http://127.0.0.1:${port}`, gone, asked };
  return running;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await sleep(10);
}

function listModels(origin: string, key: GeneratedKey): Promise<number | null> {
  return fetch(`${origin}/v1/models`, { headers: { authorization: `Bearer ${key.text}` } }).then(
    (answer) => answer.status,
    () => null,
  );
}

test('an answer to a worker that is gone does not reach its replacement, which has asked about another key', async () => {
  const { fleet, origin, gone, asked } = await startFleet(1);
  const [first, second] = [generateKey(KEY), generateKey(KEY)];
  const lost = listModels(origin, first);
  await until(() => asked.has(first.kid));
  void fleet.publish(deadlySnapshot(2));
  await until(() => gone.length === 1);
  void fleet.publish(snapshot(3));
  expect(await lost).toBeNull();
  await until(() => fleet.status().workers[0]?.state === 'running');
  const answered = listModels(origin, second);
  await until(() => asked.has(second.kid));
  asked.get(first.kid)?.(recordOf(first));
  await sleep(50);
  asked.get(second.kid)?.(recordOf(second));
  expect(await answered).toBe(200);
});

const KEY = { type: 'kwk', environment: 'live' } as const;

test('a snapshot counts as in force where it was acknowledged, not where it was only sent', async () => {
  const { fleet } = await startFleet(2);
  const acknowledged = fleet.invalidateKeys(['nobody0000000']);
  const published = fleet.publish(snapshot(2));
  await acknowledged;
  expect(fleet.status().snapshotVersion).toBe(2);
  const early = fleet.status().workers.map(({ acknowledgedVersion }) => acknowledgedVersion);
  expect(early).toContain(1);
  expect(await published).toMatchObject({ version: 2, workers: 2, complete: true });
  expect(fleet.status().workers.map(({ acknowledgedVersion }) => acknowledgedVersion)).toEqual([2, 2]);
});

test('workers that crash while they are told of a snapshot do not hold up who waits for it, and come back', async () => {
  const { fleet, gone } = await startFleet(2);
  await fleet.publish(deadlySnapshot(2));
  expect(gone.toSorted((a, b) => a - b)).toEqual([0, 1]);
  const good = await fleet.publish(snapshot(3));
  expect(good.complete).toBe(true);
  await until(() => fleet.status().workers.every(({ state }) => state === 'running'));
  expect(fleet.status().workers.map(({ acknowledgedVersion }) => acknowledgedVersion)).toEqual([3, 3]);
});

test('a stop does not wait for a worker that crashes while its calls come to an end', async () => {
  const { fleet, origin } = await startFleet(1);
  const socket = await openRequest(origin);
  const stopped = fleet.stop();
  const startedAt = performance.now();
  await sleep(100);
  void fleet.publish(deadlySnapshot(2));
  await stopped;
  socket.destroy();
  expect(performance.now() - startedAt).toBeLessThan(5_000);
});

/** Half of a request: a connection that is not idle. */
async function openRequest(origin: string): Promise<Socket> {
  const { hostname, port } = new URL(origin);
  const socket = connect({ host: hostname, port: Number(port), noDelay: true });
  socket.on('error', () => undefined);
  await new Promise((resolve) => socket.once('connect', resolve));
  socket.write('GET /healthz HTTP/1.1\r\n');
  await sleep(100);
  return socket;
}
