/**
 * A bounded map that forgets what was not used lately. Two generations instead of a linked list:
 * a hit on the young one is a single look-up; when the young one is full it becomes the old one
 * and what the old one held is dropped, so between `max / 2` and `max` entries are remembered.
 */
export class BoundedMap<K, V> {
  readonly #generationMax: number;
  #young = new Map<K, V>();
  #old = new Map<K, V>();

  constructor(entriesMax: number) {
    this.#generationMax = Math.max(1, Math.floor(entriesMax / 2));
  }

  get(key: K): V | undefined {
    const young = this.#young.get(key);
    if (young !== undefined) return young;
    const old = this.#old.get(key);
    if (old !== undefined) this.set(key, old);
    return old;
  }

  set(key: K, value: V): void {
    if (this.#young.size >= this.#generationMax && !this.#young.has(key)) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(key, value);
  }

  delete(key: K): void {
    this.#young.delete(key);
    this.#old.delete(key);
  }

  clear(): void {
    this.#young.clear();
    this.#old.clear();
  }

  /** Entries held, the same key in both generations counted twice. */
  get size(): number {
    return this.#young.size + this.#old.size;
  }
}
