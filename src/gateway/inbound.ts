/**
 * A request that came in, and the means to answer it: what the gateway needs of its HTTP server.
 * Exactly one request of a connection is told at a time.
 */
export interface Inbound {
  readonly method: string;
  /** The request target as it was sent. */
  readonly target: string;
  /**
   * Flat: name in lower case, value, … in the order received; values without surrounding spaces,
   * one char a byte. Framing was checked: at most one of content-length and transfer-encoding.
   */
  readonly headers: readonly string[];
  /** Of the socket; IPv4 in its own form, also on a v6 socket. */
  readonly remoteAddress: string;
  /** Of the request; 0 without a body, -1 in chunks. */
  readonly bodyLength: number;

  /**
   * Reads the body whole and tells it once: the bytes (empty without a body), or why there are none.
   * Sends `100 Continue` to who waits for it.
   */
  readBody(bytesMax: number, done: (body: Buffer | BodyFailure) => void): void;

  /**
   * A whole answer at once. `headers` is flat; content-length, date, connection and framing are the
   * server's business. A body that was not read to its end is read and dropped, or the connection
   * is closed, so that both sides agree on where they are.
   */
  respond(status: number, headers: readonly string[], body: Uint8Array): void;

  /** Begins an answer whose length is not known. The head leaves with the first bytes. */
  begin(status: number, headers: readonly string[]): void;
  /** False: wait for `onDrain` before more. Bytes may be kept by reference until they are sent. */
  write(chunk: Uint8Array): boolean;
  end(): void;
  /** Whether `respond` or `begin` was called. */
  readonly answered: boolean;

  /** Cuts the connection: the caller can tell that the answer is not whole. */
  destroy(): void;

  onDrain: (() => void) | null;
  /** Told once when the caller left before the answer was handed over whole; also while the body is read. */
  onGone: (() => void) | null;
  /** Whether the caller has left. */
  readonly gone: boolean;
}

/**
 * Why a body cannot be had: it is longer than the reader takes, its framing is malformed or goes on
 * for too long, it did not come in time, or (`gone`) the caller left. All but the last are answered
 * by the reader; the connection ends with that answer where nobody can tell what follows.
 */
export type BodyFailure = 'too-large' | 'invalid_request' | 'headers_too_large' | 'request_timeout' | 'gone';

/** Why bytes are no request; never told after an answer has begun on the connection. */
export type MalformedReason =
  | 'invalid_request'
  | 'headers_too_large'
  | 'body_too_large'
  | 'request_timeout'
  | 'overloaded';

export interface InboundServerOptions {
  /** PEM texts; null for plain HTTP. */
  readonly tls: { readonly cert: string; readonly key: string } | null;
  /** Request line and headers together. */
  readonly headBytesMax: number;
  readonly headerLinesMax: number;
  /** From the first byte of a request, or the connection, to the end of its head. */
  readonly headTimeoutMs: number;
  /** From the end of the head to the end of the body. */
  readonly bodyTimeoutMs: number;
  /** How long a connection may wait for its next request. */
  readonly keepAliveMs: number;
  /** How long a caller may take none of the bytes that wait for them before the connection is cut; 60 s. */
  readonly writeStallMs?: number;
  /** Connections served at the same time; the ones beyond are answered `overloaded` and closed. */
  readonly connectionsMax: number;
  readonly onRequest: (inbound: Inbound) => void;
  /** The answer to what is no request; `target` is that of its request line, empty where there is none. */
  readonly malformedAnswer: (
    reason: MalformedReason,
    target: string,
  ) => {
    readonly status: number;
    readonly headers: readonly string[];
    readonly body: Uint8Array;
  };
}

export interface InboundServer {
  /** Resolves with the port. Rejects when it cannot be had. */
  listen(options: { readonly host: string; readonly port: number; readonly reusePort: boolean }): Promise<number>;
  /**
   * No new connections; idle ones are closed, the others when their answer is sent (they say
   * `connection: close`). Resolves when all are closed; those left after the deadline are cut.
   */
  drain(deadlineMs: number): Promise<void>;
  readonly connections: number;
}
