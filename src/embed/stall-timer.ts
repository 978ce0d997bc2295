/** Ends what a caller takes nothing of for too long: it would hold its provider's connection for ever. */
export class StallTimer {
  readonly #stallMs: number;
  readonly #onStall: () => void;
  #timer: NodeJS.Timeout | null = null;

  constructor(stallMs: number, onStall: () => void) {
    this.#stallMs = stallMs;
    this.#onStall = onStall;
  }

  /** Bytes wait. */
  start(): void {
    this.#timer ??= setTimeout(this.#onStall, this.#stallMs).unref();
  }

  /** Bytes were taken, or there is nobody any more to take them. */
  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}
