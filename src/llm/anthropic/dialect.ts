/** Anthropic Messages (https://docs.claude.com/en/api/messages). */
import { answerMember } from '../answer-member.ts';
import type {
  Dialect,
  LimitState,
  ListedModel,
  ModelOperation,
  PublicError,
  ReadRequestResult,
  StreamErrors,
  StreamObserver,
  ToldError,
} from '../dialect.ts';
import { keptQuery } from '../kept-query.ts';
import { lastMentionOfText, mentionsObject, mentionsText } from '../mentions-object.ts';
import type { JsonRecord } from '../record.ts';
import { firstOf, isRecord, parsedOrUndefined, recordOf } from '../record.ts';
import type { BodyRules } from '../request-body.ts';
import { readRequestBody } from '../request-body.ts';
import { eventText, readEvent, watchEvents } from '../sse.ts';
import type { ServerSentEvent } from '../sse.ts';
import { HELD_BYTES_MAX } from '../stream-bound.ts';
import { endingObserver } from '../stream-ending.ts';
import { writeRequest } from '../write-request.ts';
import { errorStatus } from './error-types.ts';
import { anthropicUsage, mergedCounts } from './usage.ts';

const usageMember = answerMember('usage');

const PATHS: Readonly<Partial<Record<ModelOperation, string>>> = {
  chat: '/v1/messages',
  count_tokens: '/v1/messages/count_tokens',
};

const MESSAGE_RULES: BodyRules = {
  model: 'required',
  stream: true,
  // 0 fills the cache and says nothing (https://docs.claude.com/en/docs/build-with-claude/prompt-caching).
  wholeNumbers: [{ name: 'max_tokens', min: 0 }],
  single: [],
};
const COUNT_RULES: BodyRules = { model: 'required', stream: false, wholeNumbers: [], single: [] };

const streamErrors: StreamErrors = { mayTell: (bytes) => bytes.includes('error'), read: readStreamError };

/** Anthropic Messages. */
export const anthropic: Dialect = {
  name: 'anthropic',
  requestHeaders: ['anthropic-version', 'anthropic-beta', 'idempotency-key'],
  // Not anthropic-ratelimit-*: those tell of the credential, not of the caller's key.
  responseHeaders: ['retry-after'],
  requestIdHeader: 'request-id',
  takesUrls: true,
  streamType: 'text/event-stream',
  healthPath: '/v1/models',
  readRequest,
  writeRequest,
  upstreamPath: (operation, _model, _stream, query) => {
    const path = PATHS[operation];
    return path === undefined ? null : path + keptQuery(query);
  },
  errorBody,
  // The SDK selects on the event's name.
  errorEvent: (error) => `\n\n${eventText('error', errorBody(error))}`,
  // https://docs.claude.com/en/api/messages-streaming: may come anywhere, and more than once.
  pingEvent: eventText('ping', '{"type": "ping"}'),
  modelsBody,
  modelBody: (model) => JSON.stringify(modelObject(model)),
  limitHeaders,
  readUsage: (body) => anthropicUsage(recordOf(usageMember.read(body))),
  observeStream,
  streamErrors,
  answerMarks: {
    isSound: (body) => mentionsText(body, '"type"', '"message"') && lastMentionOfText(body, '"stop_reason"') >= 0,
    judge: ({ type, stop_reason }) => {
      if (type !== 'message') return 'foreign';
      return typeof stop_reason === 'string' ? 'whole' : 'unfinished';
    },
    begins: (bytes) => bytes.includes('message_start') || bytes.includes('ping'),
  },
};

function readStreamError({ name, data }: ServerSentEvent): ToldError | null {
  const event = recordOf(firstOf(parsedOrUndefined(data)));
  const { error } = event;
  if (!isRecord(error) || (name !== 'error' && event['type'] !== 'error')) return null;
  const type = typeof error['type'] === 'string' ? error['type'] : 'api_error';
  return { status: errorStatus(type), body: JSON.stringify({ type: 'error', error }) };
}

function readRequest(body: Buffer, operation: ModelOperation): ReadRequestResult {
  const read = readRequestBody(body, operation === 'count_tokens' ? COUNT_RULES : MESSAGE_RULES);
  if (!read.ok) return read;
  const { model, stream, numbers } = read;
  return {
    ok: true,
    reading: {
      body,
      model: model?.name ?? null,
      stream,
      modelSpans: model === null ? [] : [model.span],
      outputTokensMax: numbers.get('max_tokens') ?? null,
      askUsage: null,
    },
  };
}

/** `details.error_code` is where the SDK looks for a stable code; `code` says the same to people. */
function errorBody(error: PublicError): string {
  const { code, message, requestId } = error;
  return JSON.stringify({
    type: 'error',
    error: { type: errorType(error.status), message, code, details: { error_code: code } },
    request_id: requestId,
  });
}

const ERROR_TYPES: Readonly<Record<number, string>> = {
  401: 'authentication_error',
  402: 'billing_error',
  403: 'permission_error',
  404: 'not_found_error',
  408: 'timeout_error',
  409: 'conflict_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  503: 'overloaded_error',
  504: 'timeout_error',
  529: 'overloaded_error',
};

function errorType(status: number): string {
  return ERROR_TYPES[status] ?? (status >= 500 ? 'api_error' : 'invalid_request_error');
}

/** https://docs.claude.com/en/api/models-list; the time of release is not known. */
function modelsBody(models: readonly ListedModel[]): string {
  const data = models.map(modelObject);
  return JSON.stringify({ data, has_more: false, first_id: models[0]?.id ?? null, last_id: models.at(-1)?.id ?? null });
}

function modelObject({ id }: ListedModel): JsonRecord {
  return { type: 'model', id, display_name: id, created_at: '1970-01-01T00:00:00Z' };
}

/** https://docs.claude.com/en/api/rate-limits: the reset is a time in RFC 3339. */
function limitHeaders(unit: 'requests' | 'tokens', limit: LimitState, nowMs: number): readonly string[] {
  return [
    `anthropic-ratelimit-${unit}-limit`,
    String(limit.limit),
    `anthropic-ratelimit-${unit}-remaining`,
    String(limit.remaining),
    `anthropic-ratelimit-${unit}-reset`,
    new Date(nowMs + limit.resetMs).toISOString(),
  ];
}

function observeStream(): StreamObserver {
  let counts: JsonRecord = {};
  let complete = false;
  const watcher = watchEvents(
    {
      mayMatter: (bytes) => mentionsObject(bytes, '"usage"') || bytes.includes('message_stop'),
      inspect: (event) => {
        const body = recordOf(parsedOrUndefined(readEvent(event).data));
        if (body['type'] === 'message_stop') complete = true;
        // message_delta tells counts so far, and not always all of them: the last value of each wins.
        if (body['type'] === 'message_start') counts = mergedCounts(counts, recordOf(body['message'])['usage']);
        if (body['type'] === 'message_delta') counts = mergedCounts(counts, body['usage']);
        return false;
      },
    },
    { mayChange: false, heldBytesMax: HELD_BYTES_MAX },
  );
  return endingObserver(watcher, streamErrors, {
    ending: () => (complete ? 'end' : 'none'),
    usage: () => anthropicUsage(counts),
  });
}
