/**
 * What `verifyKey` takes in this process, and whether its time tells an unknown key from a wrong
 * secret: `node bench/verify-in-process.ts`. A real store, real counters, ten thousand keys in use.
 */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAdminDelegations } from '../src/admin/delegations.ts';
import { createKeyLimits } from '../src/admin/key-limits.ts';
import { KnownKeys } from '../src/admin/known-keys.ts';
import { verifyKey } from '../src/admin/verify-key.ts';
import type { VerifyDeps } from '../src/admin/verify-key.ts';
import { GATEWAY_DEFAULTS } from '../src/config/schema.ts';
import type { Snapshot } from '../src/config/snapshot.ts';
import { NO_LIMITS, NO_SCOPES } from '../src/keys/constraints.ts';
import { generateKey } from '../src/keys/format.ts';
import { applicationState, workspaceState } from '../src/keys/key-fixture.ts';
import { UNNARROWED } from '../src/keys/owners.ts';
import { createSecretHasher } from '../src/keys/secret-hash.ts';
import type { SecretHasher } from '../src/keys/secret-hash.ts';
import { createSharedCounters, openSharedCounters } from '../src/limits/shared-counters.ts';
import { openStore } from '../src/storage/store.ts';
import type { SqliteStore } from '../src/storage/store.ts';
import { unknownKey, withWrongSecret } from '../test/forged-key.ts';
import { renderTable } from './table.ts';
import { compare, T_MAX } from './timing.ts';

const KEYS = 10_000;
const CALLS = 200_000;
const SAMPLES = 100_000;
/** Texts of each kind, so that no single one counts. */
const OF_A_KIND = 500;
const WORKSPACE = 'ws_bench';
const APPLICATION = applicationState({ id: 'app_bench' });
const FACTS = { method: 'POST', path: '/v1/invoices', model: 'house/tiny', operation: 'chat', address: '10.1.2.3' };
const OPTIONS = { workspaceId: WORKSPACE };
const clock = { now: () => Date.now() };

const SNAPSHOT: Snapshot = {
  version: 1,
  gateway: GATEWAY_DEFAULTS,
  workspaces: {
    [WORKSPACE]: {
      ...workspaceState({ id: WORKSPACE, applications: { [APPLICATION.id]: APPLICATION } }),
      ...{ providers: {}, aliases: {}, catalogueSinceMs: {} },
    },
  },
};

/** Stores keys with scopes and a limit; every tenth was rotated twice and still holds three secrets. */
async function fill(store: SqliteStore, hasher: SecretHasher): Promise<readonly string[]> {
  await store.workspaces.insert({
    id: WORKSPACE,
    name: 'bench',
    state: 'active',
    ...UNNARROWED,
    createdAtMs: 0,
    updatedAtMs: 0,
    deletedAtMs: null,
  });
  const times = { createdAtMs: 0, updatedAtMs: 0 };
  await store
    .workspace(WORKSPACE)
    .applications.insert({ ...APPLICATION, name: 'bench', isDefault: true, deletedAtMs: null, ...times });
  const texts: string[] = [];
  await store.workspace(WORKSPACE).transaction(async (tx) => {
    for (let i = 0; i < KEYS; i += 1) {
      const { text, kid, secret } = generateKey({ type: 'kwk', environment: 'live' });
      texts.push(text);
      const current = { ...hasher.hash(secret), state: 'current', notAfterMs: null } as const;
      const older = { ...hasher.hash(`${secret.slice(1)}x`), state: 'superseded', notAfterMs: 1 } as const;
      await tx.keys.insert({
        ...{ kid, type: 'kwk', parentKid: null, binding: null, ownerId: null, applicationId: APPLICATION.id },
        ...{ environment: 'live', state: 'active', suspension: null, notBeforeMs: null, expiresAtMs: null },
        secrets: i % 10 === 0 ? [current, older, older] : [current],
        scopes: { ...NO_SCOPES, models: ['house/*'], operations: ['chat'], addresses: ['10.0.0.0/8'] },
        scopesSetAtMs: 0,
        limits: { ...NO_LIMITS, requestsPerMinute: 1_000_000_000 },
        ...{
          name: `key ${i}`,
          tags: [],
          revision: 1,
          createdBy: 'bench',
          revokedAtMs: null,
          stateReason: null,
          minting: null,
          delegation: null,
          ...times,
        },
      });
    }
  });
  return texts;
}

/** Percentiles in microseconds, over the keys in a scattered order. */
async function measure(deps: VerifyDeps, texts: readonly string[], take: boolean): Promise<readonly string[]> {
  const samples = new Float64Array(CALLS);
  for (let i = 0; i < CALLS; i += 1) {
    const text = texts[(i * 7919) % texts.length] ?? '';
    const started = process.hrtime.bigint();
    const result = verifyKey(deps, text, FACTS, { ...OPTIONS, take });
    samples[i] = Number(process.hrtime.bigint() - started) / 1000;
    if (result instanceof Promise || !result.valid) throw new Error(`call ${i} had the wrong result`);
  }
  const sorted = samples.toSorted();
  return [0.5, 0.9, 0.99, 0.999].map((share) => (sorted[Math.floor(CALLS * share)] ?? 0).toFixed(1));
}

/** Samples of two kinds of keys in a random order, each answered out of memory. */
async function sample(deps: VerifyDeps, kinds: readonly (readonly string[])[]): Promise<ReturnType<typeof compare>> {
  const samples: [number[], number[]] = [[], []];
  for (let round = 0; round < 5; round += 1) {
    for (const text of kinds.flat()) await verifyKey(deps, text, FACTS, OPTIONS);
  }
  const order = randomBytes(SAMPLES);
  for (const [i, byte] of order.entries()) {
    const which = byte & 1;
    const text = kinds[which]?.[i % OF_A_KIND] ?? '';
    const started = process.hrtime.bigint();
    const result = verifyKey(deps, text, FACTS, OPTIONS);
    samples[which === 0 ? 0 : 1].push(Number(process.hrtime.bigint() - started) / 1000);
    if (result instanceof Promise || result.valid) throw new Error('the wrong result');
  }
  return compare(...samples);
}

async function run(): Promise<void> {
  const dataDir = mkdtempSync(join(tmpdir(), 'keyward-bench-'));
  const store = openStore({ dataDir, masterKey: randomBytes(32), clock });
  try {
    const hasher = createSecretHasher(store.peppers());
    const texts = await fill(store, hasher);
    const keyLimits = createKeyLimits(openSharedCounters(createSharedCounters({ cells: KEYS * 2 }), 0));
    const knownKeys = new KnownKeys({ store, clock });
    const delegations = createAdminDelegations(clock);
    const deps = { knownKeys, keyLimits, delegations, hasher, clock, snapshotSource: { current: () => SNAPSHOT } };
    for (const text of texts) await verifyKey(deps, text, FACTS, OPTIONS);
    await measure(deps, texts, false);
    const rows = [
      ['one key', ...(await measure(deps, texts.slice(1, 2), false))],
      [`${KEYS} keys in turn`, ...(await measure(deps, texts, false))],
      [`${KEYS} keys, counted`, ...(await measure(deps, texts, true))],
    ];
    process.stdout.write(`verifyKey in process\n${renderTable(['', 'p50 µs', 'p90', 'p99', 'p99.9'], rows)}\n\n`);
    const ofKind = (make: (index: number) => string): readonly string[] =>
      Array.from({ length: OF_A_KIND }, (_, i) => make(i));
    const kid = (index: number): string => texts[index]?.split('_')[2] ?? '';
    const unknown = ofKind(unknownKey);
    const kinds: readonly (readonly [string, readonly string[]])[] = [
      ['wrong secret', ofKind((i) => withWrongSecret(kid(i * 10 + 1)))],
      ['wrong secret, three held', ofKind((i) => withWrongSecret(kid(i * 10)))],
      ['other unknown keys', ofKind(unknownKey)],
    ];
    const compared: string[][] = [];
    for (const [name, others] of kinds) {
      const { first, second, t, guessed } = await sample(deps, [unknown, others]);
      const told = Math.abs(t) > T_MAX ? 'yes' : 'no';
      compared.push([name, first.toFixed(2), second.toFixed(2), t.toFixed(1), `${(guessed * 100).toFixed(1)} %`, told]);
    }
    const header = [`unknown key against (${SAMPLES} samples)`, 'unknown µs', 'other µs', 't', 'guessed', 'told apart'];
    process.stdout.write(`${renderTable(header, compared)}\n`);
  } finally {
    await store.close();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

await run();
