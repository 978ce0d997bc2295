import type { ErrorCode } from '../errors.ts';
import type { ChatRequest } from '../llm/canonical.ts';
import type { Dialect, PublicError, RequestReading, Usage } from '../llm/dialect.ts';
import type { Warning } from '../llm/report.ts';
import type { DelegationFinding } from '../keys/decision-input.ts';
import type { DelegatedClaims } from '../keys/delegation-claims.ts';
import type { KeySecret } from '../keys/key-record.ts';
import type { CallLimits, LimitReservation } from '../limits/call-limits.ts';
import type { CacheUse } from './cached-answer.ts';
import type { DelegatedCredential } from './authenticate-delegated.ts';
import type { CachedKey } from './key-cache.ts';
import type { Inbound } from './inbound.ts';
import type { LiveConfig, LiveWorkspace } from './live-config.ts';
import type { RequestHead } from './request-head.ts';
import type { Seat } from './seat.ts';
import type { Target } from './targets.ts';
import type { UpstreamCall } from './upstream.ts';

/**
 * One call on its way through the gateway: what each step found out, for the steps after it and
 * for the record at the end. Every field is set from the start, so that all calls have one shape.
 */
export class Call {
  readonly inbound: Inbound;
  readonly requestId: string;
  /** Unix milliseconds, by the injected clock. */
  readonly startedAtMs: number;
  /** Monotonic milliseconds, for durations. */
  readonly startedAt: number;
  /** The configuration that decides: the one in force when the key was last proven. */
  config: LiveConfig;
  clientAddress: string;
  /** Two letters, where a trusted proxy told it. */
  country: string | null = null;

  head: RequestHead | null = null;
  /** Error answers are written in this dialect. */
  dialect: Dialect;
  /** Environment and kid of a well-formed key, proven or not. */
  keyFingerprint: string | null = null;
  kid: string | null = null;
  secret = '';
  key: CachedKey | null = null;
  /** Changes of keys that the worker had heard of when this one was proven. */
  keyChanges = 0;
  /** Set where the caller sent what the holder of the key signed, with what it says once it is proven. */
  delegated: DelegatedCredential | null = null;
  claims: DelegatedClaims | null = null;
  delegation: DelegationFinding | null = null;
  /** The secret of the key that was proven. */
  matchedSecret: KeySecret | null = null;
  workspace: LiveWorkspace | null = null;
  /** The person who answers for the key. */
  ownerId: string | null = null;
  body: Buffer | null = null;
  reading: RequestReading | null = null;
  operation: string | null = null;
  requestedModel: string | null = null;
  /** Whether that is the provider's own model, whatever aliases say: nothing is led elsewhere. */
  direct = false;
  /** `provider/name` that the verdict was about: of an alias the first that the key may call. */
  judgedModel: string | null = null;
  stream = false;
  /** What the caller asks, where it has to be translated. */
  chat: ChatRequest | null = null;
  target: Target | null = null;
  credentialId: string | null = null;
  /** JSON of what a refusal was decided on; null while nothing refused. */
  decision: string | null = null;
  /** The limits under which the call holds a place; null while it holds none. */
  limits: CallLimits | null = null;
  /** What is held for it of tokens and money; null where nothing counts them. */
  reservation: LimitReservation | null = null;
  /** Flat name, value pairs that tell of the key: its limits, and that its secret is to be replaced. */
  keyHeaders: readonly string[] = NONE;

  upstream: UpstreamCall | null = null;
  /** Of the attempt under way. */
  seat: Seat | null = null;
  attempts = 0;
  upstreamStatus: number | null = null;
  upstreamRequestId: string | null = null;
  /** The provider's own code or type of the error that it told. */
  upstreamCode: string | null = null;
  status = 0;
  code: ErrorCode | 'ok' = 'ok';
  /** Monotonic milliseconds of the first byte to the caller; 0 before. */
  firstByteAt = 0;
  responseBytes = 0;
  /** What the key may receive; Infinity where nothing limits it. */
  responseBytesMax = Number.POSITIVE_INFINITY;
  usage: Usage | null = null;
  /** Whether the usage was not told by the provider. */
  usageEstimated = false;
  /** Null where the model has no price, or nothing was used. */
  costNanoUsd: number | null = null;
  /** What went by of an answer that may not tell its usage; null for an answer that is whole or not there. */
  seenOutput: { tokens(): number } | null = null;
  /** Set where the answer may be kept for who asks the same. */
  cache: CacheUse | null = null;
  fromCache = false;
  complete = false;
  /** Whether the answer under way is an event stream, which can tell an error at its end. */
  eventStream = false;
  /** Of an event stream: sweeps of all open streams since bytes went to the caller, and the last three of them. */
  silentSweeps = 0;
  lastBytes = 0;
  /** Writes an error into a stream that is translated, or says nothing more where it has its end; null: the caller's dialect does. */
  failStream: ((error: PublicError) => string) | null = null;
  /** Labels that the caller put on the call. */
  tags: readonly string[] = NONE;
  /** What translation dropped or approximated, for a header. */
  warnings: readonly Warning[] = NO_WARNINGS;
  /** False for calls that leave no record: health probes. */
  recorded = true;

  constructor(options: CallOptions) {
    this.inbound = options.inbound;
    this.requestId = options.requestId;
    this.startedAtMs = options.startedAtMs;
    this.startedAt = performance.now();
    this.config = options.config;
    this.clientAddress = options.inbound.remoteAddress;
    this.dialect = options.dialect;
  }
}

export interface CallOptions {
  readonly inbound: Inbound;
  readonly requestId: string;
  readonly startedAtMs: number;
  readonly config: LiveConfig;
  readonly dialect: Dialect;
}

const NONE: readonly string[] = [];
const NO_WARNINGS: readonly Warning[] = [];
