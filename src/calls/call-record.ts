/**
 * The record of one call: where the data plane (which writes it) and the control plane (which
 * stores and shows it) meet. One row of plain values per call; it never holds a secret or a body.
 */

export interface CallRecord {
  /** `req_…`, sorts by time. */
  readonly requestId: string;
  /** Unix milliseconds when the request head was complete. */
  readonly startedAtMs: number;
  /** Null until the caller has proven a key. */
  readonly workspaceId: string | null;
  readonly applicationId: string | null;
  /** Fingerprint for people: `kwk_live_<kid>`; null when no well-formed key was sent. Told even when the secret was wrong. */
  readonly keyFingerprint: string | null;
  readonly kid: string | null;
  readonly method: string;
  /** Path without the query. */
  readonly path: string;
  readonly dialect: string | null;
  readonly operation: string | null;
  /** As the caller named it. */
  readonly requestedModel: string | null;
  readonly provider: string | null;
  /** As it was sent upstream. */
  readonly model: string | null;
  readonly credentialId: string | null;
  readonly stream: boolean;
  /** Status the caller received (499: the caller left first). */
  readonly status: number;
  /** Status the provider answered with; null when it did not. */
  readonly upstreamStatus: number | null;
  readonly upstreamRequestId: string | null;
  /** `ok`, or the code of the error that ended the call. */
  readonly code: string;
  readonly attempts: number;
  /** Milliseconds from the request head to the first byte of the answer; null without one. */
  readonly firstByteMs: number | null;
  readonly totalMs: number;
  readonly requestBytes: number;
  readonly responseBytes: number;
  readonly inputTokens: number | null;
  readonly cachedInputTokens: number | null;
  readonly cacheWriteTokens: number | null;
  readonly outputTokens: number | null;
  readonly reasoningTokens: number | null;
  /** Whether the dialect's own end of the answer was seen. */
  readonly complete: boolean;
  readonly clientAddress: string;
  readonly userAgent: string | null;
  /** The person who answered for the key at that time. */
  readonly ownerId: string | null;
  /** The key that the caller's temporary or delegated key comes from. */
  readonly parentKid: string | null;
  /** Which of the key's secrets was sent, counted from 1; null until one was proven. */
  readonly secretGeneration: number | null;
  /** The session or transaction that the caller named. */
  readonly session: string | null;
  /** ISO 3166-1 alpha-2, where a trusted proxy told it. */
  readonly country: string | null;
  /** Null where the model has no price, or nothing was used. */
  readonly costNanoUsd: number | null;
  /** Whether tokens and cost were estimated, because the provider did not tell. */
  readonly costEstimated: boolean;
  /** JSON of what a refusal was decided on, without secrets, so that it can be explained and replayed; null for calls that passed. */
  readonly decision: string | null;
  /** Snapshot version that decided. */
  readonly configVersion: number;
  readonly worker: number;
  /** The caller's labels, each between spaces; null without one. */
  readonly tags: string | null;
  /** What was dropped or approximated in translation between two dialects; null where nothing was. */
  readonly warnings: string | null;
  /** JSON of the counts that only some calls have: cache writes kept for an hour, sound, images; null without one. */
  readonly usageDetail: string | null;
  /** Whether the answer came from the cache of responses, and no provider was asked. */
  readonly fromCache: boolean;
  /** The provider's own code or type of the error that it told last; null where it told none. */
  readonly upstreamCode: string | null;
}

/** A record as it travels between threads: its values in the order of {@link CALL_FIELDS}. */
export type CallRow = readonly (string | number | null)[];

/** The order of the values in a {@link CallRow}, and of the columns they are stored in. */
export const CALL_FIELDS = [
  'requestId',
  'startedAtMs',
  'workspaceId',
  'applicationId',
  'keyFingerprint',
  'kid',
  'method',
  'path',
  'dialect',
  'operation',
  'requestedModel',
  'provider',
  'model',
  'credentialId',
  'stream',
  'status',
  'upstreamStatus',
  'upstreamRequestId',
  'code',
  'attempts',
  'firstByteMs',
  'totalMs',
  'requestBytes',
  'responseBytes',
  'inputTokens',
  'cachedInputTokens',
  'cacheWriteTokens',
  'outputTokens',
  'reasoningTokens',
  'complete',
  'clientAddress',
  'userAgent',
  'ownerId',
  'parentKid',
  'secretGeneration',
  'session',
  'country',
  'costNanoUsd',
  'costEstimated',
  'decision',
  'configVersion',
  'worker',
  'tags',
  'warnings',
  'usageDetail',
  'fromCache',
  'upstreamCode',
] as const satisfies readonly (keyof CallRecord)[];
