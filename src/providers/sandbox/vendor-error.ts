import type { ClientDialectName } from '../../llm/dialect.ts';
import type { InProcessAnswer } from '../in-process.ts';
import { idOf } from './reply.ts';

/** What one status means in every dialect: OpenAI's type and code, Anthropic's type, Google's status. */
interface ErrorNames {
  readonly message: string;
  readonly openai: readonly [type: string, code: string | null];
  readonly anthropic: string;
  readonly google: string;
}

const INVALID: ErrorNames = {
  message: 'The sandbox was asked to refuse this request as invalid.',
  openai: ['invalid_request_error', null],
  anthropic: 'invalid_request_error',
  google: 'INVALID_ARGUMENT',
};

const ERRORS: Readonly<Record<number, ErrorNames>> = {
  400: INVALID,
  401: {
    message: 'The sandbox was asked to refuse the credential.',
    openai: ['invalid_request_error', 'invalid_api_key'],
    anthropic: 'authentication_error',
    google: 'UNAUTHENTICATED',
  },
  403: {
    message: 'The sandbox was asked to deny permission.',
    openai: ['invalid_request_error', 'permission_denied'],
    anthropic: 'permission_error',
    google: 'PERMISSION_DENIED',
  },
  404: {
    message: 'The model does not exist in the sandbox.',
    openai: ['invalid_request_error', 'model_not_found'],
    anthropic: 'not_found_error',
    google: 'NOT_FOUND',
  },
  408: {
    message: 'The sandbox was asked to time out.',
    openai: ['server_error', 'timeout'],
    anthropic: 'timeout_error',
    google: 'DEADLINE_EXCEEDED',
  },
  429: {
    message: 'The sandbox was asked to say that its rate limit is reached. Try again in 1s.',
    openai: ['requests', 'rate_limit_exceeded'],
    anthropic: 'rate_limit_error',
    google: 'RESOURCE_EXHAUSTED',
  },
  500: {
    message: 'The sandbox was asked to fail.',
    openai: ['server_error', null],
    anthropic: 'api_error',
    google: 'INTERNAL',
  },
  503: {
    message: 'The sandbox was asked to be unavailable.',
    openai: ['server_error', null],
    anthropic: 'overloaded_error',
    google: 'UNAVAILABLE',
  },
  529: {
    message: 'The sandbox was asked to be overloaded.',
    openai: ['server_error', null],
    anthropic: 'overloaded_error',
    google: 'UNAVAILABLE',
  },
};

/** An error answer as the vendor of the dialect writes it. */
export function vendorError(
  dialect: ClientDialectName,
  status: number,
  body: Uint8Array,
  message?: string,
): InProcessAnswer {
  const names = ERRORS[status] ?? INVALID;
  const id = `req_${idOf(body)}`;
  const bytes = Buffer.from(JSON.stringify(bodyOf(dialect, status, names, message ?? names.message, id)));
  const headers = ['content-type', 'application/json', 'content-length', String(bytes.length)];
  headers.push(dialect === 'anthropic' ? 'request-id' : 'x-request-id', id);
  if (status === 429) headers.push('retry-after', '1');
  return { status, headers, afterMs: 0, steps: [{ kind: 'bytes', afterMs: 0, bytes }] };
}

function bodyOf(dialect: ClientDialectName, status: number, names: ErrorNames, message: string, id: string): unknown {
  switch (dialect) {
    case 'anthropic':
      return { type: 'error', error: { type: names.anthropic, message }, request_id: id };
    case 'gemini':
      return { error: { code: status, message, status: names.google, details: retryDetails(status) } };
    case 'openai':
    case 'openai-responses':
      return { error: { message, type: names.openai[0], param: null, code: names.openai[1] } };
  }
}

/** Google tells how long to wait in the body, not in a header. */
function retryDetails(status: number): readonly unknown[] {
  return status === 429 ? [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '1s' }] : [];
}
