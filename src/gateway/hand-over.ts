import { keepForCache } from './cached-answer.ts';
import type { Call } from './call.ts';

/** Hands bytes of a begun answer to the caller; while they take no more, the provider is not read. */
export function handOver(call: Call, bytes: Uint8Array): void {
  call.responseBytes += bytes.length;
  keepForCache(call, bytes);
  if (!call.inbound.write(bytes)) waitForDrain(call);
}

function waitForDrain(call: Call): void {
  const { inbound } = call;
  if (inbound.onDrain !== null) return;
  call.upstream?.pause();
  inbound.onDrain = () => {
    inbound.onDrain = null;
    call.upstream?.resume();
  };
}
