import type { AuditRow, KeyRow, WorkspaceStore } from '../admin/stores.ts';
import type { KeywardStorage, MaskedKeyRow, RealKeyRow } from '../embed/storage-port.ts';
import { CorruptColumnError, readJson } from './columns.ts';
import type { SqliteCallStore } from './call-store.ts';
import { openCallStore } from './call-store.ts';
import { openCounterStore } from './counter-store.ts';
import type { SqliteStore } from './store.ts';

export interface EmbeddedStorageOptions {
  readonly dataDir: string;
  readonly store: SqliteStore;
  /** The keys of this workspace are served. */
  readonly workspaceId: string;
}

/** The port of an embedded Keyward over the product's own stores, so that either may open the folder. */
export function openEmbeddedStorage({ dataDir, store, workspaceId }: EmbeddedStorageOptions): KeywardStorage {
  const workspace = store.workspace(workspaceId);
  const calls: SqliteCallStore = openCallStore({ dataDir });
  return {
    findKey: async (kid) => {
      const record = await store.findKey(kid);
      // Another workspace of the same folder is none of this backend's business.
      return record?.workspaceId === workspaceId ? record : null;
    },
    insertKey: ({ realId, ...row }, audit, real) =>
      inTransaction(workspace, audit, async (tx) => {
        if (real !== undefined) await insertReal(tx, real.row, real.secret);
        await tx.keys.insert(row);
        if (realId !== null) await tx.masked.link(row.kid, realId);
      }),
    getKey: async (kid) => {
      const row = await workspace.keys.get(kid);
      return row === null ? null : withReal(row, await workspace.masked.credentialsOf([kid]));
    },
    listKeys: async (page, filter) => {
      const { items, next } = await workspace.keys.list(page, filter);
      const reals = await workspace.masked.credentialsOf(items.map(({ kid }) => kid));
      return { items: items.map((row) => withReal(row, reals)), next };
    },
    updateKey: (kid, expectedRevision, patch, audit) =>
      workspace.transaction(async (tx) => {
        const updated = await tx.keys.update(kid, expectedRevision, patch);
        if (updated) await tx.audit.append(audit);
        return updated;
      }),
    livePool: (parentKid, nowMs) => workspace.keys.livePool(parentKid, nowMs),
    getReal: async (id) => {
      const secret = await workspace.credentials.secretOf(id);
      const row = await readReal(workspace, id);
      return secret === null || row === null ? null : { row, secret };
    },
    replaceReal: async (id, { secret, hint, updatedAtMs }, audit) => {
      if ((await workspace.masked.place(id)) === null) return false;
      await inTransaction(workspace, audit, (tx) => tx.credentials.update(id, { hint, updatedAtMs }, secret));
      return true;
    },
    getBackendToken: () => workspace.masked.backendToken(),
    setBackendToken: (row, audit) => inTransaction(workspace, audit, (tx) => tx.masked.setBackendToken(row)),
    calls,
    counters: openCounterStore({ dataDir }),
    close: async () => {
      await calls.close();
      await store.close();
    },
  };
}

function inTransaction(
  workspace: WorkspaceStore,
  audit: AuditRow,
  work: (tx: WorkspaceStore) => Promise<void>,
): Promise<void> {
  return workspace.transaction(async (tx) => {
    await work(tx);
    await tx.audit.append(audit);
  });
}

async function insertReal(tx: WorkspaceStore, row: RealKeyRow, secret: string): Promise<void> {
  const { id, provider, baseUrl, header, prefix, prices, hint, createdAtMs, updatedAtMs } = row;
  const credential = {
    id,
    providerId: provider,
    name: provider,
    weight: 1,
    priority: 1,
    models: null,
    state: 'active',
    hint,
  } as const;
  await tx.credentials.insert({ ...credential, createdAtMs, updatedAtMs }, secret);
  await tx.masked.insertPlace({ credentialId: id, baseUrl, header, prefix, prices: JSON.stringify(prices) });
}

async function readReal(workspace: WorkspaceStore, id: string): Promise<RealKeyRow | null> {
  const [credential, place] = [await workspace.credentials.get(id), await workspace.masked.place(id)];
  if (credential === null || place === null) return null;
  const { providerId: provider, hint, createdAtMs, updatedAtMs } = credential;
  const { baseUrl, header, prefix } = place;
  return { id, provider, baseUrl, header, prefix, prices: readPrices(place.prices), hint, createdAtMs, updatedAtMs };
}

/** What was stored here was checked when it came in. */
function readPrices(json: string): RealKeyRow['prices'] {
  const prices = readJson(json, 'real_keys.prices');
  if (typeof prices !== 'object' || prices === null) throw new CorruptColumnError('real_keys.prices');
  return prices as RealKeyRow['prices'];
}

function withReal(row: KeyRow, reals: ReadonlyMap<string, string>): MaskedKeyRow {
  return { ...row, realId: reals.get(row.kid) ?? null };
}
