/**
 * How much of a model's output went by in a stream that was cut before it told its usage. The first
 * kilobytes show how large an event is beside its text; the rest is counted in bytes alone, so that
 * streams that end well cost nothing more.
 */

const SAMPLE_BYTES_MAX = 16_384;
/** Of running text; providers count one token per event or more. */
const BYTES_PER_TOKEN = 4;
const LF = 0x0a;
const CR = 0x0d;

export class SeenOutput {
  #bytes = 0;
  #sampledBytes = 0;
  #sampledEvents = 0;
  #smallestEvent = Number.POSITIVE_INFINITY;
  #openEventBytes = 0;
  /** The last two bytes of the chunk before. */
  #last = 0;
  #lastButOne = 0;

  add(chunk: Uint8Array): void {
    this.#bytes += chunk.length;
    if (this.#sampledBytes < SAMPLE_BYTES_MAX) this.#sample(chunk);
  }

  /** A guess at the output tokens, at least one for each event. */
  tokens(): number {
    if (this.#sampledEvents === 0) return Math.ceil(this.#bytes / BYTES_PER_TOKEN);
    const events = Math.round((this.#bytes * this.#sampledEvents) / this.#sampledBytes);
    const textBytes = this.#bytes - events * this.#smallestEvent;
    return Math.max(events, Math.ceil(textBytes / BYTES_PER_TOKEN));
  }

  #sample(chunk: Uint8Array): void {
    this.#sampledBytes += chunk.length;
    let from = 0;
    for (let at = chunk.indexOf(LF); at !== -1; at = chunk.indexOf(LF, at + 1)) {
      if (!this.#endsBlankLine(chunk, at)) continue;
      const bytes = this.#openEventBytes + at + 1 - from;
      this.#openEventBytes = 0;
      from = at + 1;
      this.#sampledEvents += 1;
      if (bytes < this.#smallestEvent) this.#smallestEvent = bytes;
    }
    this.#openEventBytes += chunk.length - from;
    this.#lastButOne = byteAt(chunk, chunk.length - 2, 0, this.#last);
    this.#last = byteAt(chunk, chunk.length - 1, 0, this.#last);
  }

  /** Two line ends with nothing, or a CR, between them; the first may stand in the chunk before. */
  #endsBlankLine(chunk: Uint8Array, at: number): boolean {
    const before = byteAt(chunk, at - 1, this.#lastButOne, this.#last);
    return before === LF || (before === CR && byteAt(chunk, at - 2, this.#lastButOne, this.#last) === LF);
  }
}

/** A byte of the chunk, or of the two before it. */
function byteAt(chunk: Uint8Array, at: number, lastButOne: number, last: number): number {
  if (at >= 0) return chunk[at] ?? 0;
  return at === -1 ? last : lastButOne;
}
