/**
 * What only the end of a stream tells: whether its provider broke it off with an error. Looked for once,
 * in the last bytes, for a search in every event would cost more than all else that is done with it.
 */
import type { StreamEnding, StreamErrors, StreamObserver } from './dialect.ts';
import { readEventText } from './sse.ts';
import type { EventWatcher } from './sse.ts';
import { Tail } from './tail.ts';

/** What vendors send behind an error, or behind the word for the end, is far smaller. */
const LAST_BYTES_MAX = 16_384;

/** A word for the end, usage and an end mark. */
const NEAR_BYTES_MAX = 2048;

/** The last events of a stream, by reference. */
export class LastEvents {
  readonly #tail = new Tail(LAST_BYTES_MAX);

  push(chunk: Uint8Array): void {
    this.#tail.push(Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
  }

  /** The very last of them: enough where a stream ends well. */
  near(): Buffer {
    return this.#tail.last(NEAR_BYTES_MAX);
  }

  bytes(): Buffer {
    return this.#tail.bytes();
  }
}

/** Whether one of these events tells an error; the first may have lost its beginning. */
export function tellsError(errors: StreamErrors, events: Buffer): boolean {
  if (!errors.mayTell(events)) return false;
  const texts = events.toString('utf8').split(/\r?\n\r?\n/);
  return texts.some((text) => errors.read(readEventText(text)) !== null);
}

/** An observer out of a watcher of events; `ending` is what the watcher found, an error without it is looked for. */
export function endingObserver(
  watcher: EventWatcher,
  errors: StreamErrors,
  { ending, usage }: { ending(): StreamEnding; usage: StreamObserver['usage'] },
): StreamObserver {
  const last = new LastEvents();
  return {
    push: (chunk) => {
      last.push(chunk);
      return watcher.push(chunk);
    },
    flush: () => watcher.flush(),
    usage,
    complete: () => ending() === 'end',
    ending: () => {
      const found = ending();
      return found === 'none' && tellsError(errors, last.bytes()) ? 'error' : found;
    },
  };
}
