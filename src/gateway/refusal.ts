import { ERRORS, GENERIC_401 } from '../errors.ts';
import type { ErrorCode } from '../errors.ts';
import type { FailureKind } from '../routing/provider-error.ts';

/** Why a call does not go on: returned by the steps of a call, never thrown. */
export interface Refusal {
  readonly code: ErrorCode;
  /** Replaces the row's title: public text. */
  readonly message: string | null;
  /** Where in the caller's body the fault is, where it is in one place. */
  readonly field: string | null;
  /** Milliseconds after which the same call may pass; null when waiting does not help. */
  readonly retryAfterMs: number | null;
  /** Answer with this status instead of the row's (a provider's own 429 stays one). */
  readonly status: number | null;
  /** Extra answer headers, flat name, value pairs. */
  readonly headers: readonly string[];
  /** The provider's own words, in the caller's dialect, which then stand in place of ours. */
  readonly answer: ProviderAnswer | null;
  /** What it says of the provider or its credential, where another attempt may do better; null where none can. */
  readonly failure: AttemptFailure | null;
}

/** How an attempt at a provider failed. */
export interface AttemptFailure {
  readonly kind: FailureKind;
  readonly retryAfterMs: number | null;
  /** Whether a limit is one of the model alone. */
  readonly perModel: boolean;
  /** What the provider answered, for operators; absent where it did not answer. */
  readonly status?: number;
  readonly code?: string | null;
  readonly message?: string | null;
}

export interface ProviderAnswer {
  /** Content-type, and what else belongs to the body: flat name, value pairs. */
  readonly headers: readonly string[];
  readonly body: Buffer;
}

const NO_HEADERS: readonly string[] = [];

export interface RefusalOptions {
  readonly message?: string;
  readonly field?: string | null;
  readonly retryAfterMs?: number | null;
  readonly status?: number;
  readonly headers?: readonly string[];
  readonly answer?: ProviderAnswer | null;
  readonly failure?: AttemptFailure | null;
}

export function refusal(code: ErrorCode, options: RefusalOptions = {}): Refusal {
  return {
    code,
    message: options.message ?? null,
    field: options.field ?? null,
    retryAfterMs: options.retryAfterMs ?? null,
    status: options.status ?? null,
    headers: options.headers ?? NO_HEADERS,
    answer: options.answer ?? null,
    failure: options.failure ?? null,
  };
}

/** The refusal of a body for one field of it: tells which, and for which model, as the caller named it. */
export function faultRefusal(
  { field, message }: { readonly field: string; readonly message: string },
  model: string | null,
): Refusal {
  const sentence = namingField(field, message);
  const isNamed = model === null || sentence.includes(`"${model}"`);
  return refusal('invalid_body', {
    field,
    message: isNamed ? sentence : `${sentence} The model asked for was "${model}".`,
  });
}

function namingField(field: string, message: string): string {
  if (message.includes(`"${field}"`)) return message;
  return message.startsWith(`${field} `) ? `"${field}"${message.slice(field.length)}` : `"${field}": ${message}`;
}

/** A failure of which nothing more is known than its kind. */
export function failureOf(kind: FailureKind): AttemptFailure {
  return { kind, retryAfterMs: null, perModel: false };
}

interface PublicForm {
  readonly status: number;
  readonly code: string;
  readonly message: string;
  readonly field?: string;
}

/** What the caller is told of a refusal: reasons about identity all look the same. */
export function publicForm(refused: Refusal): PublicForm {
  const row = ERRORS[refused.code];
  if (row.group === 'identity') {
    return { status: GENERIC_401.status, code: GENERIC_401.code, message: GENERIC_401.title };
  }
  const told = { status: refused.status ?? row.status, code: refused.code, message: refused.message ?? row.title };
  return refused.field === null ? told : { ...told, field: refused.field };
}
