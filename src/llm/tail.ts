/** Above this, pieces are joined: a stream in tiny ones must not cost more than it is long. */
const CHUNKS_MAX = 256;

/** The last bytes of what passes, mostly by reference. */
export class Tail {
  readonly #bytesMax: number;
  #chunks: Buffer[] = [];
  #length = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  push(chunk: Buffer): void {
    if (chunk.length === 0) return;
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    // A chunk goes once the others are enough: what is kept is less than the bound and one chunk more.
    while (this.#length - (this.#chunks[0]?.length ?? 0) >= this.#bytesMax) {
      this.#length -= this.#chunks.shift()?.length ?? 0;
    }
    if (this.#chunks.length > CHUNKS_MAX) this.#chunks = [Buffer.concat(this.#chunks)];
  }

  bytes(): Buffer {
    const [only, second] = this.#chunks;
    const all = only !== undefined && second === undefined ? only : Buffer.concat(this.#chunks);
    return all.subarray(Math.max(0, all.length - this.#bytesMax));
  }

  /** The last of them, without a look at the others. */
  last(bytesMax: number): Buffer {
    let from = this.#chunks.length;
    for (let bytes = 0; from > 0 && bytes < bytesMax;) bytes += this.#chunks[--from]?.length ?? 0;
    const all = Buffer.concat(this.#chunks.slice(from));
    return all.subarray(Math.max(0, all.length - bytesMax));
  }

  clear(): void {
    this.#chunks = [];
    this.#length = 0;
  }
}
