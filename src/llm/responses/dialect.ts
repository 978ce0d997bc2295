/** OpenAI Responses (https://platform.openai.com/docs/api-reference/responses). */
import { scanJson } from '../../lib/json-scan.ts';
import { answerMember } from '../answer-member.ts';
import type {
  Dialect,
  ModelOperation,
  PublicError,
  ReadRequestResult,
  StreamEnding,
  StreamObserver,
  Usage,
} from '../dialect.ts';
import { keptQuery } from '../kept-query.ts';
import { mentionsObject } from '../mentions-object.ts';
import { openai, openaiErrorBody, openaiLimitHeaders, openaiModelBody, openaiModelsBody } from '../openai/dialect.ts';
import { countOf, isRecord, recordOf } from '../record.ts';
import type { BodyRules } from '../request-body.ts';
import { readRequestBody } from '../request-body.ts';
import { eventText, readEvent, watchEvents } from '../sse.ts';
import { HELD_BYTES_MAX } from '../stream-bound.ts';
import { endingObserver } from '../stream-ending.ts';
import { writeRequest } from '../write-request.ts';
import { responsesStreamErrors } from './stream-error.ts';

const usageMember = answerMember('usage');
const typeMember = answerMember('type');

const RULES: BodyRules = {
  model: 'required',
  stream: true,
  wholeNumbers: [{ name: 'max_output_tokens', min: 1 }],
  single: [],
};

/** The events that end a stream; each repeats the whole response, usage included. */
const LAST_EVENTS = ['response.completed', 'response.incomplete', 'response.failed'] as const;

/** OpenAI Responses. */
export const openaiResponses: Dialect = {
  name: 'openai-responses',
  requestHeaders: openai.requestHeaders,
  responseHeaders: openai.responseHeaders,
  requestIdHeader: openai.requestIdHeader,
  takesUrls: true,
  streamType: 'text/event-stream',
  healthPath: '/models',
  readRequest,
  writeRequest,
  upstreamPath: (operation, _model, _stream, query) => (operation === 'chat' ? `/responses${keptQuery(query)}` : null),
  errorBody: openaiErrorBody,
  errorEvent,
  pingEvent: openai.pingEvent,
  modelsBody: openaiModelsBody,
  modelBody: openaiModelBody,
  limitHeaders: openaiLimitHeaders,
  readUsage: (body) => responsesUsage(usageMember.read(body)),
  observeStream,
  streamErrors: responsesStreamErrors,
  answerMarks: {
    isSound: (body) => body.includes('"output"') && !mentionsObject(body, '"error"'),
    judge: ({ object, output }) => (object === 'response' || Array.isArray(output) ? 'whole' : 'foreign'),
    begins: (bytes) => bytes.includes('response.') || bytes.includes('keepalive'),
  },
};

function readRequest(body: Buffer, _operation: ModelOperation): ReadRequestResult {
  const read = readRequestBody(body, RULES);
  if (!read.ok) return read;
  const { model, stream, numbers } = read;
  // Streams of this dialect always tell usage, in their last event.
  return {
    ok: true,
    reading: {
      body,
      model: model?.name ?? null,
      stream,
      modelSpans: model === null ? [] : [model.span],
      outputTokensMax: numbers.get('max_output_tokens') ?? null,
      askUsage: null,
    },
  };
}

/** The true place in the sequence is not known here; 0 keeps typed clients, which need a number, content. */
function errorEvent(error: PublicError): string {
  const { code, message } = error;
  return `\n\n${eventText('error', JSON.stringify({ type: 'error', code, message, param: null, sequence_number: 0 }))}`;
}

/** Counts of a `usage` member, which include cached and reasoning tokens; null if it has none. */
export function responsesUsage(value: unknown): Usage | null {
  if (!isRecord(value)) return null;
  const input = countOf(value['input_tokens']);
  const output = countOf(value['output_tokens']);
  if (input === null && output === null) return null;
  const details = recordOf(value['input_tokens_details']);
  return {
    inputTokens: input ?? 0,
    cachedInputTokens: countOf(details['cached_tokens']) ?? 0,
    cacheWriteTokens: countOf(details['cache_write_tokens']) ?? 0,
    outputTokens: output ?? 0,
    reasoningTokens: countOf(recordOf(value['output_tokens_details'])['reasoning_tokens']) ?? 0,
  };
}

function observeStream(): StreamObserver {
  let usage: Usage | null = null;
  let ending: StreamEnding = 'none';
  const watcher = watchEvents(
    {
      mayMatter: (bytes) => LAST_EVENTS.some((name) => bytes.includes(name)),
      inspect: (event) => {
        const last = readLastEvent(event);
        if (last === null) return false;
        ending = last.hasFailed ? 'error' : 'end';
        usage = responsesUsage(usageMember.read(last.response)) ?? usage;
        return false;
      },
    },
    { mayChange: false, heldBytesMax: HELD_BYTES_MAX },
  );
  return endingObserver(watcher, responsesStreamErrors, { ending: () => ending, usage: () => usage });
}

/** An event that ends the stream, and the bytes of its `response` member; null for any other event. */
function readLastEvent(event: Buffer): { readonly response: Buffer; readonly hasFailed: boolean } | null {
  const data = Buffer.from(readEvent(event).data);
  const type = typeMember.read(data);
  if (!LAST_EVENTS.some((name) => name === type)) return null;
  const scan = scanJson(data, { depthMax: 256 });
  const response = scan.ok ? scan.document.find('response') : undefined;
  const hasFailed = type === 'response.failed';
  if (response === undefined || response === 'duplicate') return { response: data, hasFailed };
  return { response: data.subarray(response.from, response.to), hasFailed };
}
