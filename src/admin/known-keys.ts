import { fingerprintOf } from '../keys/format.ts';
import type { KeyRecord } from '../keys/key-record.ts';
import { prepareKey } from '../keys/prepare.ts';
import type { PreparedKey } from '../keys/prepare.ts';
import type { Standing } from '../keys/standing.ts';
import { BoundedMap } from '../lib/bounded-map.ts';
import type { Clock } from '../lib/clock.ts';
import type { KeyLimits } from './ports.ts';
import type { KeyRow, Store, WorkspaceStore } from './stores.ts';

/** A key as the control plane holds it for verification. */
export interface KnownKey {
  readonly workspaceId: string;
  readonly row: KeyRow;
  readonly prepared: PreparedKey;
  readonly fingerprint: string;
  /** The keys it was minted from, nearest first. */
  readonly ancestors: readonly PreparedKey[];
  /** Of the directory, when it was read: where ancestors count they may have changed since. */
  readonly changes: number;
  /** Where it stood when it was last used, under the snapshot of then, and what it must fit into there. */
  standing: { readonly standing: Standing; readonly limits: KeyLimits; readonly snapshot: object | null } | null;
}

export interface KnownKeysOptions {
  readonly store: Pick<Store, 'workspace'>;
  readonly clock: Clock;
}

const KEYS_MAX = 50_000;
const UNKNOWN_MAX = 50_000;
const UNKNOWN_FOR_MS = 30_000;
/** How many keys may stand above one another. */
const ANCESTORS_MAX = 4;
/** A key that changes more often than this while it is read is left to the next attempt. */
const READS_MAX = 5;

/**
 * The keys that verification remembers. A key stays until it is pushed out or forgotten: whoever
 * changes a key has it forgotten before the change is answered.
 */
export class KnownKeys {
  readonly #options: KnownKeysOptions;
  readonly #known = new BoundedMap<string, KnownKey>(KEYS_MAX);
  readonly #unknown = new BoundedMap<string, { readonly workspaceId: string; readonly untilMs: number }>(UNKNOWN_MAX);
  #changes = 0;

  constructor(options: KnownKeysOptions) {
    this.#options = options;
  }

  /** The key, null when the workspace is known to have none of that id, undefined when it must be looked up. */
  peek(workspaceId: string, kid: string): KnownKey | null | undefined {
    const known = this.#known.get(kid);
    if (known !== undefined) {
      if (known.workspaceId !== workspaceId) return null;
      return known.ancestors.length === 0 || known.changes === this.#changes ? known : undefined;
    }
    const unknown = this.#unknown.get(kid);
    const isKnownMissing =
      unknown !== undefined && unknown.workspaceId === workspaceId && unknown.untilMs > this.#options.clock.now();
    return isKnownMissing ? null : undefined;
  }

  /** Looks a key up. Rejects when the store cannot answer. */
  async load(workspaceId: string, kid: string): Promise<KnownKey | null> {
    const workspace = this.#options.store.workspace(workspaceId);
    for (let read = 0; read < READS_MAX; read += 1) {
      const changes = this.#changes;
      const row = await workspace.keys.get(kid);
      const ancestors = row === null ? [] : await readAncestors(workspace, row);
      // A key changed while this was on the way: what came may be the old one.
      if (changes !== this.#changes) continue;
      if (row !== null) return this.#remember(workspaceId, row, ancestors);
      this.#unknown.set(kid, { workspaceId, untilMs: this.#options.clock.now() + UNKNOWN_FOR_MS });
      return null;
    }
    throw new Error('the key changed each time it was read');
  }

  forget(kid: string): void {
    this.#changes += 1;
    this.#known.delete(kid);
    this.#unknown.delete(kid);
  }

  #remember(workspaceId: string, row: KeyRow, ancestors: readonly PreparedKey[]): KnownKey {
    const record = recordOf(row, workspaceId);
    const known: KnownKey = {
      workspaceId,
      row,
      prepared: prepareKey(record),
      fingerprint: fingerprintOf(row),
      ancestors,
      changes: this.#changes,
      standing: null,
    };
    this.#known.set(row.kid, known);
    return known;
  }
}

/** What the engine knows of a stored key. */
export function recordOf(row: KeyRow, workspaceId: string): KeyRecord {
  return { ...row, workspaceId };
}

/** The keys that a key was minted from, as far as they are there. */
export async function readAncestors(workspace: WorkspaceStore, row: KeyRow): Promise<readonly PreparedKey[]> {
  const ancestors: PreparedKey[] = [];
  let { parentKid } = row;
  while (parentKid !== null && ancestors.length < ANCESTORS_MAX) {
    const parent: KeyRow | null = await workspace.keys.get(parentKid);
    if (parent === null) break;
    ancestors.push(prepareKey(recordOf(parent, workspace.workspaceId)));
    parentKid = parent.parentKid;
  }
  return ancestors;
}
