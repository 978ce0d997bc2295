import type { StreamObserver, Usage } from '../llm/dialect.ts';
import { Tail } from '../llm/tail.ts';

/** Usage and its details are far smaller, and stand behind the images or vectors in what vendors send. */
const TAIL_BYTES_MAX = 64 * 1024;

/** Reads the usage of an answer that is too large to be held, from its end. */
export function observeTail(readUsage: (body: Uint8Array) => Usage | null): StreamObserver {
  const tail = new Tail(TAIL_BYTES_MAX);
  let ended = false;
  return {
    push: (bytes) => {
      tail.push(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
      return bytes;
    },
    flush: () => {
      ended = true;
      return null;
    },
    usage: () => (ended ? readUsage(tail.bytes()) : null),
    complete: () => ended,
    ending: () => (ended ? 'end' : 'none'),
  };
}
