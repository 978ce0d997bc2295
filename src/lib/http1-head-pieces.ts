import { HEAD_END } from './http1-syntax.ts';

const NOTHING = Buffer.alloc(0);
const BYTES_MIN = 1024;

/** A head that comes in pieces, in a buffer that grows up to a bound. One per connection. */
export class Http1HeadPieces {
  /** Bytes held. */
  length = 0;
  /** The offset behind what `add` took of its piece. */
  takenTo = 0;
  readonly #bytesMax: number;
  #bytes: Buffer = NOTHING;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** What is held, as a view. */
  get held(): Buffer {
    return this.#bytes.subarray(0, this.length);
  }

  get isFull(): boolean {
    return this.length === this.#bytesMax;
  }

  clear(): void {
    this.#bytes = NOTHING;
    this.length = 0;
  }

  /** Returns the head without its closing CRLF CRLF once that has come, and then holds nothing; null before. */
  add(piece: Buffer, from: number): string | null {
    const before = this.length;
    const taken = Math.min(piece.length - from, this.#bytesMax - before);
    this.#append(piece, from, taken);
    const { held } = this;
    const end = held.indexOf(HEAD_END, Math.max(0, before - HEAD_END.length + 1));
    if (end === -1) {
      this.takenTo = from + taken;
      return null;
    }
    this.takenTo = from + end + HEAD_END.length - before;
    this.clear();
    return held.toString('latin1', 0, end);
  }

  #append(piece: Buffer, from: number, length: number): void {
    const needed = this.length + length;
    if (needed > this.#bytes.length) {
      const size = Math.min(this.#bytesMax, Math.max(needed, 2 * this.#bytes.length, BYTES_MIN));
      // Of its own, because a slow peer would keep a whole slab of Node's pool alive.
      const grown = Buffer.allocUnsafeSlow(size);
      this.#bytes.copy(grown, 0, 0, this.length);
      this.#bytes = grown;
    }
    piece.copy(this.#bytes, this.length, from, from + length);
    this.length = needed;
  }
}
