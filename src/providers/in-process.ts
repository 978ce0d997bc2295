/** The port of a provider that answers inside the gateway. */

export interface InProcessRequest {
  readonly method: string;
  /** Path and query as they would be sent upstream, for example `/chat/completions`. */
  readonly path: string;
  readonly body: Uint8Array;
  /** As it would be sent upstream; null or left out: JSON. */
  readonly contentType?: string | null;
}

/** One step of an answer: bytes after a pause, or the connection cut without an end. */
export type AnswerStep =
  | { readonly kind: 'bytes'; readonly afterMs: number; readonly bytes: Uint8Array }
  | { readonly kind: 'cut'; readonly afterMs: number };

/** A whole answer, laid out before it is played: the gateway owns time and back-pressure. */
export interface InProcessAnswer {
  readonly status: number;
  /** Flat name, value pairs, lower case names. */
  readonly headers: readonly string[];
  /** Milliseconds before the head is sent. */
  readonly afterMs: number;
  /** Pulled one by one, so that a long answer costs no memory before it is read. */
  readonly steps: Iterable<AnswerStep>;
}

export type InProcessHandler = (request: InProcessRequest) => InProcessAnswer;
