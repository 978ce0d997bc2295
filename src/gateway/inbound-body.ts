import type { BodyFailure } from './inbound.ts';

/** What `readBody` tells. */
export type BodyListener = (body: Buffer | BodyFailure) => void;

/** Up to here the announced length is taken on trust when a body comes in pieces. */
const TRUSTED_BYTES_MAX = 1024 * 1024;
const NOTHING = Buffer.alloc(0);

/**
 * Puts a body together. One that came in one piece is passed on as a view; the others are copied
 * as they come into a buffer that grows, because views of a body in tiny pieces would take a
 * hundred times its size.
 */
export class InboundBody {
  /** Whether the body is longer than the reader takes. */
  isTooLarge = false;
  #listener: BodyListener | null = null;
  #bytesMax = 0;
  #bytesExpected = 0;
  #bytes: Buffer = NOTHING;
  #length = 0;
  #isView = false;

  /** `bytesExpected`: the announced length, -1 without one. */
  open(bytesMax: number, bytesExpected: number, listener: BodyListener): void {
    this.isTooLarge = false;
    this.#listener = listener;
    this.#bytesMax = bytesMax;
    this.#bytesExpected = bytesExpected;
  }

  get isOpen(): boolean {
    return this.#listener !== null;
  }

  add(bytes: Buffer, from: number, end: number): void {
    const length = this.#length + end - from;
    if (length > this.#bytesMax) {
      this.isTooLarge = true;
    } else if (this.#length === 0) {
      this.#bytes = bytes.subarray(from, end);
      this.#isView = true;
      this.#length = length;
    } else {
      if (this.#isView || length > this.#bytes.length) this.#grow(length);
      bytes.copy(this.#bytes, this.#length, from, end);
      this.#length = length;
    }
  }

  #grow(needed: number): void {
    const bound = this.#bytesExpected === -1 ? this.#bytesMax : this.#bytesExpected;
    const trusted = Math.min(this.#bytesExpected, TRUSTED_BYTES_MAX);
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, Math.min(bound, Math.max(2 * needed, trusted))));
    this.#bytes.copy(grown, 0, 0, this.#length);
    this.#bytes = grown;
    this.#isView = false;
  }

  /** Tells the outcome, once; `complete` hands over what was put together. */
  close(outcome: 'complete' | BodyFailure): void {
    const listener = this.#listener;
    const body = this.#isView ? this.#bytes : this.#bytes.subarray(0, this.#length);
    this.#listener = null;
    this.#bytes = NOTHING;
    this.#length = 0;
    this.#isView = false;
    listener?.(outcome === 'complete' ? body : outcome);
  }
}
