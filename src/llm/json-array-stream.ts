import type { EventWatcher } from './sse.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/**
 * Watches a stream that is one JSON array, and shows every element that is an object as its bytes.
 * All bytes pass; an element that needs more than `heldBytesMax` is not shown. Counts brackets
 * outside strings, which is enough for what a provider sends; it does not check the JSON.
 */
export function watchJsonArray(onElement: (element: Buffer) => void, heldBytesMax: number): EventWatcher {
  let depth = 0;
  let inString = false;
  let escaped = false;
  let held: Buffer[] = [];
  let heldBytes = 0;

  function push(bytes: Uint8Array): Uint8Array {
    const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    /** Where the open element begins in this chunk: at its start if it began in an earlier one. */
    let from = depth > 1 ? 0 : -1;
    for (let at = 0; at < chunk.length; at++) {
      const before = depth;
      step(chunk[at] ?? 0);
      if (before === 1 && depth === 2) from = at;
      if (before === 2 && depth === 1) {
        finish(chunk.subarray(from, at + 1));
        from = -1;
      }
    }
    if (from >= 0) keep(chunk.subarray(from));
    return bytes;
  }

  function step(byte: number): void {
    if (inString) {
      if (escaped) escaped = false;
      else if (byte === BACKSLASH) escaped = true;
      else if (byte === QUOTE) inString = false;
    } else if (byte === QUOTE) inString = true;
    else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) depth++;
    else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) depth--;
  }

  function keep(piece: Buffer): void {
    heldBytes += piece.length;
    if (heldBytes <= heldBytesMax) held.push(piece);
    else held = [];
  }

  function finish(tail: Buffer): void {
    if (heldBytes <= heldBytesMax) onElement(held.length === 0 ? tail : Buffer.concat([...held, tail]));
    held = [];
    heldBytes = 0;
  }

  return { push, flush: () => null };
}
