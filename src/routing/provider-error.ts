import { isPerModel, readErrorBody } from './error-body.ts';
import type { ErrorBody } from './error-body.ts';
import { resetAfterMs } from './reset-moment.ts';

/** What a failed attempt means for what happens next. */
export type FailureKind =
  /** The provider does not know the credential: 401. */
  | 'rejected_credential'
  /** The credential is known and may not do this: what the caller asked for is the problem. */
  | 'forbidden'
  | 'rate_limited'
  /** Nothing is left to spend, until a reset or until somebody pays. */
  | 'quota_exhausted'
  | 'overloaded'
  | 'unavailable'
  | 'timeout'
  /** Too large for this model, or for what this account may send it. */
  | 'context_too_long'
  | 'content_filtered'
  | 'bad_request'
  | 'not_found';

/** Every kind, in an order that never changes: it is written into shared memory by its place. */
export const FAILURE_KINDS = [
  'rejected_credential',
  'forbidden',
  'rate_limited',
  'quota_exhausted',
  'overloaded',
  'unavailable',
  'timeout',
  'context_too_long',
  'content_filtered',
  'bad_request',
  'not_found',
] as const satisfies readonly FailureKind[];

/** A provider's error answer, in the words of no vendor. */
export interface ProviderError {
  readonly kind: FailureKind;
  /** The provider's own words, for operators: may name accounts. Null where there are none. */
  readonly message: string | null;
  readonly type: string | null;
  readonly code: string | null;
  /** Milliseconds until the provider says that it takes calls again; null where it does not say. */
  readonly retryAfterMs: number | null;
  /** Whether only this model is out of reach for the credential. */
  readonly perModel: boolean;
}

export interface ErrorAnswer {
  readonly status: number;
  /** Flat lower-case name, value pairs. */
  readonly headers: readonly string[];
  readonly body: Uint8Array;
  /** As sent upstream; null where none was named. */
  readonly model: string | null;
  /** Unix milliseconds. */
  readonly nowMs: number;
}

/** Reads the error answer of any provider. Never throws, whatever the body is. */
export function readProviderError({ status, headers, body, model, nowMs }: ErrorAnswer): ProviderError {
  const read = readErrorBody(body, headers);
  const kind = kindOf(status, read);
  const waits =
    kind === 'rate_limited' || kind === 'quota_exhausted' || kind === 'overloaded' || kind === 'unavailable';
  return {
    kind,
    message: read.message,
    type: read.type,
    code: read.code,
    retryAfterMs: waits ? resetAfterMs(headers, read, nowMs) : null,
    perModel: kind !== 'rejected_credential' && isPerModel(read, model),
  };
}

function kindOf(status: number, body: ErrorBody): FailureKind {
  if (status === 401 || isUnknownKey(status, body)) return 'rejected_credential';
  if (status === 402) return 'quota_exhausted';
  if (isFiltered(status, body)) return 'content_filtered';
  if (status === 403) return 'forbidden';
  if (isTooLong(status, body)) return 'context_too_long';
  if (isSpent(status, body)) return 'quota_exhausted';
  switch (status) {
    case 404:
    case 410:
      return 'not_found';
    case 408:
    case 504:
    case 522: // of Cloudflare, in front of many: it could not connect, or waited too long
    case 524:
      return 'timeout';
    case 413:
      return 'context_too_long';
    case 429:
      return OVERLOADED_TYPES.has(body.type ?? '') ? 'overloaded' : 'rate_limited';
    case 498: // Groq: the flex tier has no room
    case 503:
    case 529: // Anthropic: overloaded for all of its users
      return 'overloaded';
    default:
      break;
  }
  if (OVERLOADED_TYPES.has(body.type ?? '')) return 'overloaded';
  return status >= 500 || status < 400 ? 'unavailable' : 'bad_request';
}

/** `ModelNotReadyException` is Bedrock's, with status 429. */
const OVERLOADED_TYPES: ReadonlySet<string> = new Set(['overloaded_error', 'ModelNotReadyException']);

/** Google tells a key that it does not know by a 400. https://ai.google.dev/gemini-api/docs/troubleshooting */
function isUnknownKey(status: number, { reasons }: ErrorBody): boolean {
  return status === 400 && (reasons.includes('API_KEY_INVALID') || reasons.includes('API_KEY_EXPIRED'));
}

const FILTER_CODES: ReadonlySet<string> = new Set([
  'content_filter', // Azure
  'content_policy_violation', // OpenAI
  'moderation_blocked',
  'ResponsibleAIPolicyViolation',
]);

function isFiltered(status: number, { code, type, message, isModerated }: ErrorBody): boolean {
  if (status !== 400 && status !== 403) return false;
  if (isModerated || FILTER_CODES.has(code ?? '') || FILTER_CODES.has(type ?? '')) return true;
  return /content (?:management|filtering) policy|output blocked by content filter/i.test(message ?? '');
}

const TOO_LONG_CODES: ReadonlySet<string> = new Set(['context_length_exceeded', 'request_too_large']);

/** Each vendor has its own sentence. */
const TOO_LONG = [
  /maximum context length/i,
  /exceeds? (?:the )?(?:context (?:limit|window|length)|maximum number of tokens)/i,
  /prompt is too long/i,
  /input (?:token count|length).{0,60}exceed/i,
  /input is too long/i,
  /longer than the maximum model length/i,
] as const;

/** 429s that no waiting lifts: larger than the account's tokens per minute (OpenAI), or than its plan takes (Anthropic). */
const TOO_LARGE = /request too large for|usage is required for long context/i;

function isTooLong(status: number, { code, type, message }: ErrorBody): boolean {
  if (status !== 400 && status !== 413 && status !== 422 && status !== 429) return false;
  if (TOO_LONG_CODES.has(code ?? '') || TOO_LONG_CODES.has(type ?? '')) return true;
  if (status === 429) return TOO_LARGE.test(message ?? '');
  return TOO_LONG.some((sentence) => sentence.test(message ?? ''));
}

const SPENT_CODES: ReadonlySet<string> = new Set([
  'insufficient_quota', // OpenAI and those that copy it
  'billing_hard_limit_reached',
  'billing_not_active',
  'organization_spend_limit_exceeded', // https://developers.openai.com/api/docs/guides/spend-limits
  'project_spend_limit_exceeded',
  'enforced_spend_limit_reached', // Anthropic: the monthly cap of the tier
  'billing_error',
  'exceeded_current_quota_error', // Moonshot
  'insufficient_balance',
]);

/** Anthropic tells limits that its customers set, and empty accounts, by a 400. */
const SPENT =
  /reached your specified (?:\w+ )?API usage limits|credit balance is too low|insufficient (?:balance|credits)/i;

function isSpent(status: number, { code, type, message, isDaily }: ErrorBody): boolean {
  if (status !== 400 && status !== 429) return false;
  if (SPENT_CODES.has(code ?? '') || SPENT_CODES.has(type ?? '')) return true;
  return isDaily || SPENT.test(message ?? '');
}
