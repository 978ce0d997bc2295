import { keepForCache } from './cached-answer.ts';
import type { Call } from './call.ts';

/** Hands bytes of a begun answer to the caller; while they take no more, the provider is not read. */
export function handOver(call: Call, bytes: Uint8Array): void {
  call.responseBytes += bytes.length;
  if (call.eventStream) noteEnd(call, bytes);
  keepForCache(call, bytes);
  if (!call.inbound.write(bytes)) waitForDrain(call);
}

/** See `OpenStreams`. */
function noteEnd(call: Call, bytes: Uint8Array): void {
  call.silentSweeps = 0;
  for (let at = Math.max(0, bytes.length - 3); at < bytes.length; at += 1) {
    call.lastBytes = ((call.lastBytes << 8) | (bytes[at] ?? 0)) & 0xffffff;
  }
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
