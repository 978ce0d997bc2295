/**
 * What it costs to verify a key, in process, by how many keys are stored: reading its text, finding
 * it in a worker's cache, the HMAC, the verdict, its rate limit. The last part of `npm run bench`.
 */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KeyCache } from '../src/gateway/key-cache.ts';
import type { CachedKey } from '../src/gateway/key-cache.ts';
import { NO_LIMITS, NO_SCOPES } from '../src/keys/constraints.ts';
import { decide } from '../src/keys/decide.ts';
import { NO_FACTS } from '../src/keys/decision-input.ts';
import { generateKey, parseKey } from '../src/keys/format.ts';
import { applicationState, keyRecord, workspaceState } from '../src/keys/key-fixture.ts';
import { createSecretHasher, findMatchingSecret } from '../src/keys/secret-hash.ts';
import type { SecretHasher } from '../src/keys/secret-hash.ts';
import { standingOf } from '../src/keys/standing.ts';
import type { Standing } from '../src/keys/standing.ts';
import { bindCallLimits } from '../src/limits/call-limiter.ts';
import type { CallLimits } from '../src/limits/call-limits.ts';
import type { Counters } from '../src/limits/counters.ts';
import { createSharedCounters, openSharedCounters } from '../src/limits/shared-counters.ts';
import { openStore } from '../src/storage/store.ts';
import type { SqliteStore } from '../src/storage/store.ts';
import { withWrongSecret } from '../test/forged-key.ts';
import { renderTable } from './table.ts';

const STORED = [1, 10_000, 1_000_000] as const;
/** As many keys are in use at the same time at most; a worker's cache holds more. */
const IN_USE_MAX = 10_000;
const WARM_CALLS = 300_000;
const FIRST_USES = 10_000;
const INSERT_BATCH = 10_000;
const COUNTERS = 20_000;

const clock = { now: () => Date.now() };
const application = {
  ...applicationState({ id: 'app_bench' }),
  name: 'bench',
  isDefault: true,
  createdAtMs: 0,
  updatedAtMs: 0,
} as const;
const workspace = {
  ...workspaceState({ id: 'ws_bench', applications: { [application.id]: application } }),
  name: 'bench',
  createdAtMs: 0,
} as const;
interface Bound {
  readonly standing: Standing;
  readonly limits: CallLimits;
}

const NO_AMOUNTS = { tokens: 0, nanoUsd: 0 };
const standings = new WeakMap<CachedKey, Bound>();
const facts = {
  ...NO_FACTS,
  model: 'house/tiny',
  requestedModel: 'house/tiny',
  operation: 'chat',
  address: '127.0.0.1',
  method: 'POST',
  path: '/v1/chat/completions',
};

/** Stores `count` keys; returns the texts of those that will be used. */
async function fill(store: SqliteStore, hasher: SecretHasher, count: number): Promise<readonly string[]> {
  await store.workspaces.insert({ ...workspace, updatedAtMs: 0, deletedAtMs: null });
  await store.workspace(workspace.id).applications.insert({ ...application, deletedAtMs: null });
  const texts: string[] = [];
  const every = Math.max(1, Math.floor(count / IN_USE_MAX));
  for (let done = 0; done < count; done += INSERT_BATCH) {
    await store.workspace(workspace.id).transaction(async (tx) => {
      for (let i = done; i < Math.min(count, done + INSERT_BATCH); i += 1) {
        const key = generateKey({ type: 'kwk', environment: 'live' });
        if (i % every === 0 && texts.length < IN_USE_MAX) texts.push(key.text);
        const { workspaceId: _, ...record } = keyRecord({
          kid: key.kid,
          workspaceId: workspace.id,
          applicationId: application.id,
          secrets: [{ ...hasher.hash(key.secret), state: 'current', notAfterMs: null }],
          scopes: { ...NO_SCOPES, models: ['house/*'], operations: ['chat'] },
          limits: { ...NO_LIMITS, requestsPerMinute: 1_000_000_000 },
        });
        await tx.keys.insert({
          ...record,
          type: 'kwk',
          name: `key ${i}`,
          tags: [],
          createdAtMs: 0,
          createdBy: 'bench',
          updatedAtMs: 0,
          revokedAtMs: null,
          stateReason: null,
          minting: null,
        });
      }
    });
  }
  return texts;
}

/** What a worker verifies with. */
interface Worker {
  readonly cache: KeyCache;
  readonly hasher: SecretHasher;
  readonly counters: Counters;
}

function verify(worker: Worker, text: string): boolean {
  const parsed = parseKey(text, ['kwk']);
  if (!parsed.ok) return false;
  const cached = worker.cache.peek(parsed.kid);
  return cached !== null && cached !== undefined && admit(cached, worker, parsed.secret);
}

function admit(cached: CachedKey, { hasher, counters }: Worker, secret: string): boolean {
  const matchedSecret = findMatchingSecret(hasher, cached.prepared.record.secrets, secret);
  if (matchedSecret === null) return false;
  const nowMs = clock.now();
  const bound = standingFor(cached, counters);
  const verdict = decide({
    standing: bound.standing,
    matchedSecret,
    expectedEnvironment: null,
    delegation: null,
    facts,
    limits: null,
    nowMs,
  });
  const { limits } = bound;
  if (!verdict.allowed || !limits.take(nowMs, NO_AMOUNTS).ok) return false;
  limits.release();
  return true;
}

/** Worked out once per key and configuration, as in a worker. */
function standingFor(cached: CachedKey, counters: Counters): Bound {
  const known = standings.get(cached);
  if (known !== undefined) return known;
  const standing = standingOf(cached.prepared, [], workspace);
  const bound = { standing, limits: bindCallLimits(counters, standing.levels) };
  standings.set(cached, bound);
  return bound;
}

/** Microseconds of CPU per call over the keys in a scattered order. */
function timeWarm(texts: readonly string[], expected: boolean, work: (text: string) => boolean): number {
  const step = 7919;
  let wrong = 0;
  const started = process.cpuUsage();
  for (let i = 0; i < WARM_CALLS; i += 1) if (work(texts[(i * step) % texts.length] ?? '') !== expected) wrong += 1;
  const { user, system } = process.cpuUsage(started);
  const micros = (user + system) / WARM_CALLS;
  if (wrong > 0) throw new Error(`${wrong} verifications had the wrong result`);
  return micros;
}

async function timeFirstUse(cache: KeyCache, texts: readonly string[]): Promise<number> {
  const kids = texts.map((text) => text.split('_')[2] ?? '');
  const started = performance.now();
  for (let i = 0; i < FIRST_USES; i += 1) {
    const kid = kids[i % kids.length] ?? '';
    cache.invalidate(kid);
    if ((await cache.load(kid)) === null) throw new Error('a stored key was not found');
  }
  return ((performance.now() - started) * 1000) / FIRST_USES;
}

async function measure(count: number): Promise<readonly string[]> {
  const dataDir = mkdtempSync(join(tmpdir(), 'keyward-bench-'));
  const store = openStore({ dataDir, masterKey: randomBytes(32), clock });
  try {
    const hasher = createSecretHasher(store.peppers());
    const texts = await fill(store, hasher, count);
    const counters = openSharedCounters(createSharedCounters({ cells: COUNTERS }), 0);
    const cache = new KeyCache({
      source: store,
      clock,
    });
    await timeFirstUse(cache, texts);
    const firstUse = await timeFirstUse(cache, texts);
    const forged = texts.map((text) => withWrongSecret(text.split('_')[2] ?? ''));
    const worker = { cache, hasher, counters };
    timeWarm(texts, true, (text) => verify(worker, text));
    const one = medianOf(() => timeWarm(texts.slice(0, 1), true, (text) => verify(worker, text)));
    const known = timeWarm(texts, true, (text) => verify(worker, text));
    const wrong = timeWarm(forged, false, (text) => verify(worker, text));
    return [count.toLocaleString('en'), ...[one, known, wrong, firstUse].map((micros) => micros.toFixed(2))];
  } finally {
    await store.close();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

function medianOf(measureOnce: () => number): number {
  const figures = Array.from({ length: 5 }, measureOnce).toSorted((a, b) => a - b);
  return figures[2] ?? 0;
}

/** Measures and prints the table. */
export async function benchVerify(): Promise<void> {
  const rows: (readonly string[])[] = [];
  for (const count of STORED) {
    process.stderr.write(`storing ${count.toLocaleString('en')} keys …\n`);
    rows.push(await measure(count));
  }
  const header = [
    'keys stored',
    'one key in use µs',
    `up to ${IN_USE_MAX} in use µs`,
    'wrong secret µs',
    'first use µs',
  ];
  process.stdout.write(`\nverifying a key, in process\n${renderTable(header, rows)}\n`);
}
