import type { RouteTimeouts } from '../config/snapshot.ts';
import type { Target } from './targets.ts';
import type { Upstream, UpstreamCall, UpstreamListener, UpstreamRequest } from './upstream.ts';

/**
 * The target with the timeouts of its alias, which are shorter than the gateway's; the very same
 * where there are none. `elapsedMs` of the time for all attempts is gone already.
 */
export function withTimeouts(
  target: Target,
  { firstByteMs, idleMs, totalMs }: RouteTimeouts,
  elapsedMs: number,
): Target {
  const leftMs = totalMs === null ? Number.POSITIVE_INFINITY : Math.max(1, totalMs - elapsedMs);
  const headMs = Math.min(firstByteMs ?? Number.POSITIVE_INFINITY, leftMs);
  if (headMs === Number.POSITIVE_INFINITY && idleMs === null) return target;
  const upstream = timedUpstream(target.endpoint.upstream, headMs, idleMs);
  return { ...target, endpoint: { ...target.endpoint, upstream } };
}

function timedUpstream(upstream: Upstream, headMs: number, idleMs: number | null): Upstream {
  return {
    send(request: UpstreamRequest, listener: UpstreamListener): UpstreamCall {
      const watch = new Watch(listener, headMs, idleMs);
      watch.call = upstream.send(request, watch);
      return watch;
    },
  };
}

/** Stands between the two sides, and breaks off when a time is over. */
class Watch implements UpstreamListener, UpstreamCall {
  call: UpstreamCall | null = null;
  readonly #listener: UpstreamListener;
  readonly #idleMs: number | null;
  #timer: NodeJS.Timeout | undefined;

  constructor(listener: UpstreamListener, headMs: number, idleMs: number | null) {
    this.#listener = listener;
    this.#idleMs = idleMs;
    if (headMs !== Number.POSITIVE_INFINITY) this.#timer = setTimeout(() => this.#end('first_byte_timeout'), headMs);
  }

  onHead(status: number, headers: readonly string[]): void {
    this.#rewind();
    this.#listener.onHead(status, headers);
  }

  onData(chunk: Buffer): void {
    this.#rewind();
    this.#listener.onData(chunk);
  }

  onEnd(): void {
    clearTimeout(this.#timer);
    this.#listener.onEnd();
  }

  onError(failure: Parameters<UpstreamListener['onError']>[0]): void {
    clearTimeout(this.#timer);
    this.#listener.onError(failure);
  }

  /** The caller is slow: that is not the provider's time. */
  pause(): void {
    clearTimeout(this.#timer);
    this.call?.pause();
  }

  resume(): void {
    this.#rewind();
    this.call?.resume();
  }

  abort(): void {
    clearTimeout(this.#timer);
    this.call?.abort();
  }

  #rewind(): void {
    clearTimeout(this.#timer);
    if (this.#idleMs !== null) this.#timer = setTimeout(() => this.#end('idle_timeout'), this.#idleMs);
  }

  #end(kind: 'first_byte_timeout' | 'idle_timeout'): void {
    this.call?.abort();
    this.#listener.onError({ kind, detail: 'the time that its alias gives it is over' });
  }
}
