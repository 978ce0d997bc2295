import type {
  Upstream,
  UpstreamCall,
  UpstreamFailure,
  UpstreamListener,
  UpstreamRequest,
} from '../gateway/upstream.ts';

const MASK = 0x2a; // *

/**
 * Replaces a secret in bytes that pass in pieces, at the same length, so that no framing changes. Only
 * what may be the beginning of the secret at the end of a piece waits for the next one.
 */
export class Redactor {
  readonly #secret: Buffer;
  #held: Buffer = Buffer.alloc(0);

  constructor(secret: string) {
    this.#secret = Buffer.from(secret);
  }

  push(chunk: Buffer): Buffer {
    const bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    this.#mask(bytes);
    const keep = this.#openEnd(bytes);
    this.#held = keep === 0 ? EMPTY : Buffer.from(bytes.subarray(bytes.length - keep));
    return keep === 0 ? bytes : bytes.subarray(0, bytes.length - keep);
  }

  /** What waited, at the end: it was not the secret. */
  flush(): Buffer {
    const held = this.#held;
    this.#held = EMPTY;
    return held;
  }

  #mask(bytes: Buffer): void {
    const length = this.#secret.length;
    for (let at = bytes.indexOf(this.#secret); at !== -1; at = bytes.indexOf(this.#secret, at + length)) {
      bytes.fill(MASK, at, at + length);
    }
  }

  /** How many bytes at the end are the beginning of the secret. */
  #openEnd(bytes: Buffer): number {
    const first = this.#secret[0] ?? 0;
    const from = Math.max(0, bytes.length - this.#secret.length + 1);
    for (let at = bytes.indexOf(first, from); at !== -1; at = bytes.indexOf(first, at + 1)) {
      if (bytes.compare(this.#secret, 0, bytes.length - at, at) === 0) return bytes.length - at;
    }
    return 0;
  }
}

const EMPTY = Buffer.alloc(0);

export interface GuardOptions {
  readonly upstream: Upstream;
  /** What a provider may not send back. */
  readonly secret: string;
  /** Told the head before it goes on, already without the secret. */
  readonly onHead: (headers: readonly string[]) => void;
}

/** A provider that repeats the real key, in an error or an echo, does not get it past here. */
export function guardUpstream({ upstream, secret, onHead }: GuardOptions): Upstream {
  return {
    send: (request: UpstreamRequest, listener: UpstreamListener): UpstreamCall =>
      upstream.send(request, guardedListener(listener, secret, onHead)),
  };
}

function guardedListener(listener: UpstreamListener, secret: string, onHead: GuardOptions['onHead']): UpstreamListener {
  const redactor = new Redactor(secret);
  const stars = '*'.repeat(secret.length);
  return {
    onHead(status: number, headers: readonly string[]) {
      const clean = headers.map((text) => (text.includes(secret) ? text.replaceAll(secret, stars) : text));
      onHead(clean);
      listener.onHead(status, clean);
    },
    onData(chunk: Buffer) {
      const bytes = redactor.push(chunk);
      if (bytes.length > 0) listener.onData(bytes);
    },
    onEnd() {
      const rest = redactor.flush();
      if (rest.length > 0) listener.onData(rest);
      listener.onEnd();
    },
    onError: (failure: UpstreamFailure) => listener.onError(failure),
  };
}
