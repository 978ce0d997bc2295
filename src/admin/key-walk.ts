import { setImmediate } from 'node:timers/promises';
import type { KeyFilter, KeyRow, Page, WorkspaceStore } from './stores.ts';

/** Keys of a workspace, to be gone through. */
export type KeyChoice =
  | { readonly kind: 'all' }
  /** Of any of the applications, or with the person as their own owner. */
  | { readonly kind: 'beneath'; readonly applicationIds: readonly string[]; readonly ownerId?: string }
  /** These, and those that were minted from them. */
  | { readonly kind: 'these'; readonly kids: readonly string[] };

const BATCH = 500;
/** How many keys may stand above one another. */
const GENERATIONS_MAX = 4;

/** Goes through keys in batches, each key once. Between them other calls have their turn. */
export async function* eachKey(workspace: WorkspaceStore, choice: KeyChoice): AsyncGenerator<readonly KeyRow[]> {
  const seen = new Set<string>();
  for await (const rows of batches(workspace, choice)) {
    const fresh = rows.filter(({ kid }) => !seen.has(kid));
    for (const { kid } of fresh) seen.add(kid);
    if (fresh.length > 0) yield fresh;
    await setImmediate();
  }
}

async function* batches(workspace: WorkspaceStore, choice: KeyChoice): AsyncGenerator<readonly KeyRow[]> {
  switch (choice.kind) {
    case 'all':
      yield* listed(workspace, {});
      return;
    case 'beneath':
      for (const applicationId of choice.applicationIds) yield* listed(workspace, { applicationId });
      if (choice.ownerId !== undefined) yield* listed(workspace, { ownerId: choice.ownerId });
      return;
    case 'these':
      for (let from = 0; from < choice.kids.length; from += BATCH) {
        yield* withDescendants(workspace, choice.kids.slice(from, from + BATCH));
      }
  }
}

async function* withDescendants(
  workspace: WorkspaceStore,
  kids: readonly string[],
  generation = 0,
): AsyncGenerator<readonly KeyRow[]> {
  if (generation === 0) yield workspace.keys.getMany(kids);
  if (kids.length === 0 || generation === GENERATIONS_MAX) return;
  for await (const children of listed(workspace, { parentKids: kids })) {
    yield children;
    const next = children.map(({ kid }) => kid);
    yield* withDescendants(workspace, next, generation + 1);
  }
}

async function* listed(workspace: WorkspaceStore, filter: KeyFilter): AsyncGenerator<readonly KeyRow[]> {
  let cursor: string | null = null;
  do {
    const page: Page<KeyRow> = await workspace.keys.list({ cursor, limit: BATCH }, filter);
    yield page.items;
    cursor = page.next;
  } while (cursor !== null);
}
