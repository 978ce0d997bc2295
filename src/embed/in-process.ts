import type { Inbound } from '../gateway/inbound.ts';

/** What the engine sees in place of a request when the program itself asks. */
export function inProcess(method: string, address: string): Inbound {
  return {
    method,
    target: '/',
    headers: NONE,
    remoteAddress: address,
    bodyLength: 0,
    answered: false,
    gone: false,
    onDrain: null,
    onGone: null,
    readBody: nothing,
    respond: nothing,
    begin: nothing,
    write: () => true,
    end: nothing,
    destroy: nothing,
  };
}

const NONE: readonly string[] = [];

function nothing(): void {
  // Nobody is waiting for bytes.
}
