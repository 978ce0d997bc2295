import type { KeyRecord } from '../keys/key-record.ts';
import { fingerprintOf } from '../keys/format.ts';
import { prepareKey } from '../keys/prepare.ts';
import type { PreparedKey } from '../keys/prepare.ts';
import type { KeySource } from '../keys/store.ts';
import type { Clock } from '../lib/clock.ts';
import { BoundedMap } from '../lib/bounded-map.ts';
import type { BoundStanding } from './standing.ts';

/** A key as a worker holds it. */
export interface CachedKey {
  readonly prepared: PreparedKey;
  readonly fingerprint: string;
  /** Where the key stood when it was last used; see `standing.ts`. */
  standing: BoundStanding | null;
}

export interface KeyCacheOptions {
  readonly source: KeySource;
  readonly clock: Clock;
  /** Keys remembered. */
  readonly keysMax?: number;
  /** Unknown key ids remembered. */
  readonly unknownMax?: number;
  readonly unknownForMs?: number;
  /** Look-ups under way at the same time; more are refused. */
  readonly pendingMax?: number;
}

interface PendingLoad {
  stale: boolean;
  result: Promise<CachedKey | null>;
}

/**
 * The keys that a worker knows. A key stays until it is pushed out or invalidated: correctness
 * comes from acknowledged invalidation, not from a time to live. Unknown ids are remembered for a
 * while, so that made-up keys cost no query each.
 */
export class KeyCache {
  readonly #source: KeySource;
  readonly #clock: Clock;
  readonly #known: BoundedMap<string, CachedKey>;
  readonly #unknownUntilMs: BoundedMap<string, number>;
  readonly #unknownForMs: number;
  readonly #pending = new Map<string, PendingLoad>();
  readonly #pendingMax: number;
  #changes = 0;

  constructor(options: KeyCacheOptions) {
    this.#source = options.source;
    this.#clock = options.clock;
    this.#known = new BoundedMap(options.keysMax ?? 100_000);
    this.#unknownUntilMs = new BoundedMap(options.unknownMax ?? 100_000);
    this.#unknownForMs = options.unknownForMs ?? 30_000;
    this.#pendingMax = options.pendingMax ?? 10_000;
  }

  /**
   * How many changes of keys were heard of: whoever held a key while this rose must look it up again.
   * Not a mark on the key, which may have been pushed out before it changed.
   */
  get changes(): number {
    return this.#changes;
  }

  /** The key, null when the id is known not to exist, undefined when it must be looked up. */
  peek(kid: string): CachedKey | null | undefined {
    const known = this.#known.get(kid);
    if (known !== undefined) return known;
    return this.isMissing(kid) ? null : undefined;
  }

  /** Whether the id was looked up lately and belongs to no key. */
  isMissing(kid: string): boolean {
    const unknownUntilMs = this.#unknownUntilMs.get(kid);
    return unknownUntilMs !== undefined && unknownUntilMs > this.#clock.now();
  }

  /** Looks a key up at its source; one look-up serves all who ask meanwhile. Rejects when it fails. */
  load(kid: string): Promise<CachedKey | null> {
    const pending = this.#pending.get(kid);
    if (pending !== undefined) return pending.result;
    if (this.#pending.size >= this.#pendingMax) return Promise.reject(new Error('too many key look-ups at once'));
    const load: PendingLoad = { stale: false, result: Promise.resolve(null) };
    this.#pending.set(kid, load);
    load.result = this.#load(kid, load).finally(() => this.#pending.delete(kid));
    return load.result;
  }

  /** Forgets a key: the next use looks it up again. */
  invalidate(kid: string): void {
    this.#changes += 1;
    this.#known.delete(kid);
    this.#unknownUntilMs.delete(kid);
    const pending = this.#pending.get(kid);
    if (pending !== undefined) pending.stale = true;
  }

  async #load(kid: string, load: PendingLoad): Promise<CachedKey | null> {
    let record: KeyRecord | null;
    do {
      load.stale = false;
      record = await this.#source.findKey(kid);
      // The key changed while its record was on the way: what came may be the old one.
    } while (load.stale);
    if (record === null) {
      this.#unknownUntilMs.set(kid, this.#clock.now() + this.#unknownForMs);
      return null;
    }
    const cached = cachedKeyOf(record);
    this.#known.set(kid, cached);
    return cached;
  }
}

export function cachedKeyOf(record: KeyRecord): CachedKey {
  return { prepared: prepareKey(record), fingerprint: fingerprintOf(record), standing: null };
}
