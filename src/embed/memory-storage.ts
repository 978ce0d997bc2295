/** A storage that keeps nothing beyond the process: for tests, and as the pattern for one of your own. */
import { AppError } from '../errors.ts';
import type { KeyFilter, Page, PageRequest } from '../admin/stores.ts';
import type { KeyRecord } from '../keys/key-record.ts';
import { createMemoryCalls } from './memory-calls.ts';
import type { BackendTokenRow, KeywardStorage, MaskedKeyRow, RealKeyRow } from './storage-port.ts';

/** Keys and real keys held; more are refused. */
const ENTRIES_MAX = 1_000_000;

interface HeldReal {
  readonly row: RealKeyRow;
  readonly secret: string;
}

export function createMemoryStorage({ workspaceId }: { readonly workspaceId: string }): KeywardStorage {
  const keys = new Map<string, MaskedKeyRow>();
  const reals = new Map<string, HeldReal>();
  let backendToken: BackendTokenRow | null = null;

  return {
    findKey: async (kid) => {
      const row = keys.get(kid);
      return row === undefined ? null : recordOf(row, workspaceId);
    },
    insertKey: async (row, _audit, real) => {
      if (keys.has(row.kid)) throw new AppError('conflict');
      if (keys.size >= ENTRIES_MAX || reals.size >= ENTRIES_MAX) throw new AppError('keys_exhausted');
      if (real !== undefined) reals.set(real.row.id, real);
      keys.set(row.kid, row);
    },
    getKey: async (kid) => keys.get(kid) ?? null,
    listKeys: async (page, filter) => pageOfKeys([...keys.values()], page, filter),
    updateKey: async (kid, expectedRevision, patch) => {
      const row = keys.get(kid);
      if (row === undefined || row.revision !== expectedRevision) return false;
      keys.set(kid, { ...row, ...patch, revision: expectedRevision + 1 });
      return true;
    },
    livePool: async (parentKid, nowMs) => {
      const ends = [...keys.values()]
        .filter((row) => row.parentKid === parentKid && (row.state === 'active' || row.state === 'suspended'))
        .map((row) => row.expiresAtMs ?? 0)
        .filter((endMs) => endMs > nowMs);
      return { live: ends.length, soonestEndMs: ends.length === 0 ? null : Math.min(...ends) };
    },
    getReal: async (id) => reals.get(id) ?? null,
    replaceReal: async (id, { secret, hint, updatedAtMs }) => {
      const real = reals.get(id);
      if (real === undefined) return false;
      reals.set(id, { row: { ...real.row, hint, updatedAtMs }, secret });
      return true;
    },
    getBackendToken: async () => backendToken,
    setBackendToken: async (row) => {
      backendToken = row;
    },
    calls: createMemoryCalls(),
    counters: null,
    close: async () => {
      keys.clear();
      reals.clear();
    },
  };
}

/** What the engine needs of a row; the rest of it stays here. */
function recordOf(row: MaskedKeyRow, workspaceId: string): KeyRecord {
  return { ...row, workspaceId };
}

/** Newest first; the cursor is the kid that a page ended with. */
function pageOfKeys(rows: readonly MaskedKeyRow[], page: PageRequest, filter: KeyFilter): Page<MaskedKeyRow> {
  const sorted = rows
    .filter((row) => fits(row, filter))
    .toSorted((a, b) => b.createdAtMs - a.createdAtMs || (a.kid < b.kid ? 1 : -1));
  const from = page.cursor === null ? 0 : sorted.findIndex(({ kid }) => kid === page.cursor) + 1;
  const items = sorted.slice(from, from + page.limit);
  const isLast = from + items.length >= sorted.length;
  return { items, next: isLast ? null : (items.at(-1)?.kid ?? null) };
}

function fits(row: MaskedKeyRow, filter: KeyFilter): boolean {
  const { tag, search, ...same } = filter;
  const wanted = search?.toLowerCase() ?? '';
  return (
    (same.parentKid === undefined || row.parentKid === same.parentKid) &&
    (same.type === undefined || row.type === same.type) &&
    (same.applicationId === undefined || row.applicationId === same.applicationId) &&
    (same.state === undefined || row.state === same.state) &&
    (same.environment === undefined || row.environment === same.environment) &&
    (tag === undefined || row.tags.includes(tag)) &&
    (search === undefined || row.name.toLowerCase().includes(wanted) || row.kid.startsWith(search))
  );
}
