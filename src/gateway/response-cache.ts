import type { Clock } from '../lib/clock.ts';

/** An answer as it went to a caller, whole. */
export interface CachedResponse {
  readonly contentType: string;
  /** `provider/name` of what gave it. */
  readonly model: string;
  /** The model and provider that gave it, and what else is told with it: flat name, value pairs. */
  readonly headers: readonly string[];
  readonly body: Buffer;
  /** Unix milliseconds when it was given. */
  readonly storedAtMs: number;
}

/** Beside the body: key, headers, bookkeeping. */
const ENTRY_BYTES = 512;

/** Answers to requests that were asked before, word for word; the least recently used give way. One for each worker. */
export class ResponseCache {
  readonly #clock: Clock;
  readonly #entries = new Map<string, CachedResponse>();
  #bytes = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** The answer, if it is not older than `ttlMs`. */
  get(key: string, ttlMs: number): CachedResponse | null {
    const found = this.#entries.get(key);
    if (found === undefined) return null;
    this.#delete(key, found);
    const ageMs = this.#clock.now() - found.storedAtMs;
    if (ageMs < 0 || ageMs >= ttlMs) return null;
    this.#add(key, found);
    return found;
  }

  /** Keeps an answer unless it alone would take more than an eighth of the room. */
  set(key: string, response: CachedResponse, bytesMax: number): void {
    const known = this.#entries.get(key);
    if (known !== undefined) this.#delete(key, known);
    if (sizeOf(response) <= bytesMax / 8) this.#add(key, response);
    for (const [oldest, entry] of this.#entries) {
      if (this.#bytes <= bytesMax) break;
      this.#delete(oldest, entry);
    }
  }

  #add(key: string, response: CachedResponse): void {
    this.#entries.set(key, response);
    this.#bytes += sizeOf(response);
  }

  #delete(key: string, response: CachedResponse): void {
    this.#entries.delete(key);
    this.#bytes -= sizeOf(response);
  }
}

function sizeOf({ body }: CachedResponse): number {
  return body.length + ENTRY_BYTES;
}
