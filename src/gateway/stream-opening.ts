/**
 * The beginning of an event stream, which is held until its first event is whole: an error that is
 * told there, behind a status of 200, is still an error answer, after which another attempt may be
 * made. Any other beginning goes on in the same turn.
 */
import type { StreamErrors, ToldError } from '../llm/dialect.ts';
import { endsEvent, readEvent, watchEvents } from '../llm/sse.ts';
import type { EventWatcher, ServerSentEvent } from '../llm/sse.ts';

/** A beginning that is longer is no error. */
const OPENING_BYTES_MAX = 65_536;

/** A vendor that sends only comments for so long wants them to pass on: they keep the connection alive. */
const OPENING_MS_MAX = 10_000;

const COLON = 0x3a;

/** Whether a stream's first bytes show by themselves that no error is told: nearly all do, and cost nothing more. */
export function opensPlainly(errors: StreamErrors, chunk: Buffer): boolean {
  return chunk[0] !== COLON && endsEvent(chunk) && !errors.mayTell(chunk);
}

/** Looks for the first event of a stream whose beginning is not plain. */
export class StreamOpening {
  readonly #errors: StreamErrors;
  readonly #events: EventWatcher;
  #first: ServerSentEvent | null = null;
  #bytes = 0;
  readonly #startedAt = performance.now();

  constructor(errors: StreamErrors) {
    this.#errors = errors;
    this.#events = watchEvents(
      {
        mayMatter: () => this.#first === null,
        inspect: (event) => {
          const read = readEvent(event);
          // A comment alone is none: some vendors send them while a call waits for its turn.
          if (this.#first === null && read.data !== '') this.#first = read;
          return false;
        },
      },
      { mayChange: false, heldBytesMax: OPENING_BYTES_MAX },
    );
  }

  /** Takes the next bytes; whether enough is here to tell. The chunk is kept by reference. */
  push(chunk: Buffer): boolean {
    this.#bytes += chunk.length;
    this.#events.push(chunk);
    if (this.#first !== null || this.#bytes > OPENING_BYTES_MAX) return true;
    return performance.now() - this.#startedAt > OPENING_MS_MAX;
  }

  /** The stream is over: a first event without its blank line counts. */
  end(): void {
    this.#events.flush();
  }

  /** The first event; null where none was seen in time. */
  first(): ServerSentEvent | null {
    return this.#first;
  }

  /** The error that the first event tells. */
  error(): ToldError | null {
    return this.#first === null ? null : this.#errors.read(this.#first);
  }
}
