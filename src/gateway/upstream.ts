/**
 * The gateway's port to a provider: one request out, one answer in, by callbacks, because a call
 * crosses it thousands of times a second and a promise per piece would cost more than the work.
 */

/** Where a provider listens, and how long it may take. Compiled once per endpoint, never per call. */
export interface UpstreamOrigin {
  readonly tls: boolean;
  readonly host: string;
  readonly port: number;
  /** Value of the Host header. */
  readonly hostHeader: string;
}

export interface UpstreamRequest {
  readonly method: string;
  /** Path and query, already encoded. */
  readonly path: string;
  /** Flat name, value pairs; host, connection, content-length and accept-encoding are added beneath. */
  readonly headers: readonly string[];
  readonly body: Uint8Array | null;
}

export type UpstreamFailureKind =
  | 'connect_failed'
  | 'connect_timeout'
  | 'first_byte_timeout'
  | 'idle_timeout'
  | 'closed_early'
  | 'invalid_answer'
  | 'answer_too_large'
  | 'headers_too_large'
  | 'too_many_connections';

export interface UpstreamFailure {
  readonly kind: UpstreamFailureKind;
  /** For the log: holds no secret and no body. */
  readonly detail: string;
}

/**
 * Told in this order: onHead once, onData any number of times, then exactly one of onEnd and
 * onError. After `abort()` nothing more is told. Nothing is told before `send` has returned.
 */
export interface UpstreamListener {
  /** `headers` is flat: lower-case name, value, … in the order received; its bytes are latin-1. */
  onHead(status: number, headers: readonly string[]): void;
  onData(chunk: Buffer): void;
  onEnd(): void;
  onError(failure: UpstreamFailure): void;
}

export interface UpstreamCall {
  /** Stops reading from the provider: back-pressure. The idle timeout rests meanwhile. */
  pause(): void;
  resume(): void;
  /** Ends the exchange at once; the provider sees the connection close. */
  abort(): void;
}

export interface Upstream {
  send(request: UpstreamRequest, listener: UpstreamListener): UpstreamCall;
}
