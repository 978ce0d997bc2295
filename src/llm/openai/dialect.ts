/**
 * OpenAI Chat Completions, the older Completions, Embeddings, and what OpenAI has for images and sound
 * (https://platform.openai.com/docs/api-reference/chat). Many vendors speak this dialect.
 */
import { scanJson } from '../../lib/json-scan.ts';
import { answerMember } from '../answer-member.ts';
import type {
  Dialect,
  LimitState,
  ListedModel,
  ModelOperation,
  PublicError,
  ReadRequestResult,
  Span,
  Splice,
  StreamEnding,
  StreamObserver,
  Usage,
} from '../dialect.ts';
import { keptQuery } from '../kept-query.ts';
import { lastMentionOfText, mentionsObject } from '../mentions-object.ts';
import type { JsonRecord } from '../record.ts';
import { countOf, isRecord, parsedOrUndefined, recordOf, textOf } from '../record.ts';
import type { BodyFailure, BodyRules, WholeNumber } from '../request-body.ts';
import { invalid, readRequestBody, twice } from '../request-body.ts';
import { eventText, readEvent, watchEvents } from '../sse.ts';
import { HELD_BYTES_MAX } from '../stream-bound.ts';
import { LastEvents, tellsError } from '../stream-ending.ts';
import { writeRequest } from '../write-request.ts';
import { isMediaOperation, readMediaRequest } from './media-request.ts';
import { mediaUsage, withDuration } from './media-usage.ts';
import { observeMedia } from './observe-media.ts';
import { openaiStreamErrors } from './stream-error.ts';

const usageMember = answerMember('usage');

const PATHS: Readonly<Partial<Record<ModelOperation, string>>> = {
  chat: '/chat/completions',
  completions: '/completions',
  embeddings: '/embeddings',
  // Not OpenAI's own: the vendors that rerank and speak this dialect have it here.
  rerank: '/rerank',
  moderation: '/moderations',
  image_generation: '/images/generations',
  image_edit: '/images/edits',
  image_variation: '/images/variations',
  speech: '/audio/speech',
  transcription: '/audio/transcriptions',
  translation: '/audio/translations',
};

/** OpenAI's own bound. */
const CHOICES: WholeNumber = { name: 'n', min: 1, max: 128 };

const GENERATION_RULES: BodyRules = {
  model: 'required',
  stream: true,
  wholeNumbers: [{ name: 'max_tokens', min: 1 }, { name: 'max_completion_tokens', min: 1 }, CHOICES],
  single: ['stream_options'],
};

const OTHER_RULES: Readonly<Partial<Record<ModelOperation, BodyRules>>> = {
  completions: {
    ...GENERATION_RULES,
    // Without a token of output the older endpoint tells the probabilities of the prompt (`echo`).
    wholeNumbers: [{ name: 'max_tokens', min: 0 }, { name: 'max_completion_tokens', min: 1 }, CHOICES],
  },
  embeddings: { model: 'required', stream: false, wholeNumbers: [{ name: 'dimensions', min: 1 }], single: [] },
  rerank: { model: 'required', stream: false, wholeNumbers: [{ name: 'top_n', min: 1 }], single: [] },
};

const ASK_USAGE = '"include_usage":true';

/** OpenAI Chat Completions and its neighbours. */
export const openai: Dialect = {
  name: 'openai',
  requestHeaders: ['openai-beta', 'idempotency-key', 'x-client-request-id'],
  // Not x-ratelimit-*: those tell of the credential, not of the caller's key.
  responseHeaders: ['retry-after', 'retry-after-ms', 'openai-processing-ms', 'openai-version'],
  requestIdHeader: 'x-request-id',
  takesUrls: true,
  streamType: 'text/event-stream',
  healthPath: '/models',
  readRequest,
  writeRequest,
  upstreamPath: (operation, _model, _stream, query) => {
    const path = PATHS[operation];
    return path === undefined ? null : path + keptQuery(query);
  },
  errorBody: openaiErrorBody,
  // openai-node throws on any event with an `error` member.
  errorEvent: (error) => `\n\n${eventText(null, openaiErrorBody(error))}`,
  pingEvent: ': ping\n\n',
  modelsBody: openaiModelsBody,
  modelBody: openaiModelBody,
  limitHeaders: openaiLimitHeaders,
  readUsage: (body, isMedia = false) => {
    const usage = anyUsage(usageMember.read(body));
    return isMedia ? withDuration(usage, body) : usage;
  },
  observeStream: (hideUsage, isMedia = false) => (isMedia ? observeMedia(anyUsage) : observeStream(hideUsage)),
  streamErrors: openaiStreamErrors,
  answerMarks: {
    isSound: (body) => body.includes('"choices"') && endsWell(body),
    judge: ({ choices }) => {
      if (!Array.isArray(choices)) return 'foreign';
      return choices.every((choice) => textOf(recordOf(choice)['finish_reason']) !== '') ? 'whole' : 'unfinished';
    },
    begins: (bytes) => bytes.includes('"choices"') || bytes.includes('"chat.completion'),
  },
};

function readRequest(body: Buffer, operation: ModelOperation, contentType: string | null = null): ReadRequestResult {
  if (isMediaOperation(operation)) return readMediaRequest(body, operation, contentType);
  const read = readRequestBody(body, OTHER_RULES[operation] ?? GENERATION_RULES);
  if (!read.ok) return read;
  const model = read.model;
  const reading = {
    body,
    model: model?.name ?? null,
    stream: read.stream,
    modelSpans: model === null ? [] : [model.span],
    outputTokensMax: outputTokensMax(read.numbers),
  };
  if (!read.stream || model === null) return { ok: true, reading: { ...reading, askUsage: null } };
  const options = read.document.find('stream_options');
  const askUsage = options === 'duplicate' ? twice('stream_options') : usageSplice(body, options, model.span);
  if (askUsage !== null && 'ok' in askUsage) return askUsage;
  return { ok: true, reading: { ...reading, askUsage } };
}

/** Of both names the newer counts where both stand; `n` choices may each be as long. */
function outputTokensMax(numbers: ReadonlyMap<string, number>): number | null {
  const each = numbers.get('max_completion_tokens') ?? numbers.get('max_tokens');
  return each === undefined ? null : each * (numbers.get('n') ?? 1);
}

/** What makes the body ask for usage; null if the caller asked already. */
function usageSplice(body: Buffer, options: Span | undefined, model: Span): Splice | null | BodyFailure {
  if (options === undefined) return { from: model.to, to: model.to, text: `,"stream_options":{${ASK_USAGE}}` };
  const text = body.subarray(options.from, options.to);
  if (text.equals(NULL)) return { ...options, text: `{${ASK_USAGE}}` };
  const scan = scanJson(text);
  if (!scan.ok || scan.document.kind !== '{') return invalid('"stream_options" must be an object.', 'stream_options');
  const asked = scan.document.find('include_usage');
  if (asked === 'duplicate') return twice('stream_options.include_usage');
  if (asked === undefined) {
    const inside = options.from + 1;
    return { from: inside, to: inside, text: scan.document.entries().length === 0 ? ASK_USAGE : `${ASK_USAGE},` };
  }
  const value = text.toString('latin1', asked.from, asked.to);
  if (value === 'true') return null;
  if (value !== 'false' && value !== 'null')
    return invalid('"stream_options.include_usage" must be true or false.', 'stream_options.include_usage');
  return { from: options.from + asked.from, to: options.from + asked.to, text: 'true' };
}

const NULL = Buffer.from('null');

/** `{error: {message, type, param, code}}`, as openai-node reads it. */
export function openaiErrorBody(error: PublicError): string {
  const { message, code, requestId, field = null } = error;
  return JSON.stringify({
    error: { message, type: errorType(error.status), param: field, code },
    request_id: requestId,
  });
}

function errorType(status: number): string {
  if (status === 401) return 'authentication_error';
  if (status === 403) return 'permission_error';
  if (status === 404) return 'not_found_error';
  if (status === 429) return 'rate_limit_error';
  return status >= 500 ? 'server_error' : 'invalid_request_error';
}

/** https://platform.openai.com/docs/api-reference/models/list */
export function openaiModelsBody(models: readonly ListedModel[]): string {
  return JSON.stringify({ object: 'list', data: models.map(modelObject) });
}

export function openaiModelBody(model: ListedModel): string {
  return JSON.stringify(modelObject(model));
}

function modelObject({ id, provider }: ListedModel): JsonRecord {
  return { id, object: 'model', created: 0, owned_by: provider };
}

/** https://platform.openai.com/docs/guides/rate-limits: the reset is a duration such as `6m0s` or `120ms`. */
export function openaiLimitHeaders(unit: 'requests' | 'tokens', limit: LimitState): readonly string[] {
  return [
    `x-ratelimit-limit-${unit}`,
    String(limit.limit),
    `x-ratelimit-remaining-${unit}`,
    String(limit.remaining),
    `x-ratelimit-reset-${unit}`,
    durationText(limit.resetMs),
  ];
}

function durationText(ms: number): string {
  if (ms < 1000) return `${Math.max(0, Math.ceil(ms))}ms`;
  const seconds = Math.ceil(ms / 1000);
  const minutes = Math.floor(seconds / 60);
  return minutes === 0 ? `${seconds}s` : `${minutes}m${seconds % 60}s`;
}

/** Counts of a `usage` member, also with the names of vendors that speak this dialect; null if it has none. */
export function openaiUsage(value: unknown): Usage | null {
  if (!isRecord(value)) return null;
  const input = countOf(value['prompt_tokens']);
  const output = countOf(value['completion_tokens']);
  if (input === null && output === null) return null;
  const details = recordOf(value['prompt_tokens_details']);
  const outputDetails = recordOf(value['completion_tokens_details']);
  const reasoning = countOf(outputDetails['reasoning_tokens']) ?? 0;
  const audioInput = countOf(details['audio_tokens']) ?? 0;
  const audioOutput = countOf(outputDetails['audio_tokens']) ?? 0;
  const imageOutput = countOf(outputDetails['image_tokens']) ?? 0;
  return {
    inputTokens: input ?? 0,
    cachedInputTokens: countOf(details['cached_tokens']) ?? firstCount(value, CACHED_ELSEWHERE),
    cacheWriteTokens: countOf(details['cache_write_tokens']) ?? 0,
    outputTokens: (output ?? 0) + reasoningLeftOut(input ?? 0, output ?? 0, reasoning, countOf(value['total_tokens'])),
    reasoningTokens: reasoning,
    ...(audioInput > 0 && { audioInputTokens: audioInput }),
    ...(audioOutput > 0 && { audioOutputTokens: audioOutput }),
    ...(imageOutput > 0 && { imageOutputTokens: imageOutput }),
  };
}

/** Some vendors have the names of chat for everything. */
function anyUsage(value: unknown): Usage | null {
  return openaiUsage(value) ?? mediaUsage(value);
}

/** Where vendors that do not fill `prompt_tokens_details` tell the cached part: DeepSeek, Mistral, Moonshot. */
const CACHED_ELSEWHERE = ['prompt_cache_hit_tokens', 'num_cached_tokens', 'cached_tokens'] as const;

function firstCount(value: JsonRecord, names: readonly string[]): number {
  return names.map((name) => countOf(value[name])).find((count) => count !== null) ?? 0;
}

/** Some vendors count reasoning beside `completion_tokens`, not in it: their total tells. */
function reasoningLeftOut(input: number, output: number, reasoning: number, total: number | null): number {
  return reasoning > 0 && total === input + output + reasoning ? reasoning : 0;
}

/** A finish that is an error stands beside its words. */
function endsWell(body: Buffer): boolean {
  const finish = lastMentionOfText(body, '"finish_reason"');
  return finish >= 0 && body.toString('latin1', finish, finish + ERROR_WORD.length) !== ERROR_WORD;
}

const ERROR_WORD = '"error"';

function observeStream(hideUsage: boolean): StreamObserver {
  let usage: Usage | null = null;
  const last = new LastEvents();
  const watcher = watchEvents(
    {
      // Every chunk has `"usage":null` once usage was asked for; the one with the counts has an object.
      mayMatter: (bytes) => mentionsObject(bytes, '"usage"'),
      inspect: (event) => {
        const chunk = recordOf(parsedOrUndefined(readEvent(event).data));
        // Groq tells usage in a member of its own.
        const seen = openaiUsage(chunk['usage']) ?? openaiUsage(recordOf(chunk['x_groq'])['usage']);
        if (seen === null) return false;
        usage = seen;
        const choices = chunk['choices'];
        return hideUsage && Array.isArray(choices) && choices.length === 0;
      },
    },
    { mayChange: hideUsage, heldBytesMax: HELD_BYTES_MAX },
  );
  const readEnd = (): StreamEnd => {
    const near = last.near();
    const bytes = endsWell(near) ? near : last.bytes();
    if (tellsError(openaiStreamErrors, bytes)) return { ending: 'error', complete: false };
    const finish = lastMentionOfText(bytes, '"finish_reason"');
    const isDone = tellsDone(bytes);
    // Without a word why the model stopped it was cut short somewhere, whatever stands at the end.
    return { ending: isDone ? 'end' : 'none', complete: isDone && finish >= 0 };
  };
  let end: StreamEnd | null = null;
  return {
    push: (chunk) => {
      end = null;
      last.push(chunk);
      return watcher.push(chunk);
    },
    flush: () => watcher.flush(),
    usage: () => usage,
    complete: () => (end ??= readEnd()).complete,
    ending: () => (end ??= readEnd()).ending,
  };
}

interface StreamEnd {
  readonly ending: StreamEnding;
  readonly complete: boolean;
}

function tellsDone(bytes: Buffer): boolean {
  const at = bytes.lastIndexOf('[DONE]');
  // No text of a model's looks so: line ends are escaped within it.
  return at >= 0 && /(?:^|\n)data:\s*$/.test(bytes.toString('latin1', Math.max(0, at - 16), at));
}
