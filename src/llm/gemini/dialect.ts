/** Google Gemini (https://ai.google.dev/api/generate-content). The model and the kind of answer stand in the path. */
import type { JsonDocument } from '../../lib/json-scan.ts';
import { scanJson } from '../../lib/json-scan.ts';
import { answerMember } from '../answer-member.ts';
import type {
  Dialect,
  ListedModel,
  ModelOperation,
  PublicError,
  ReadRequestResult,
  Span,
  StreamErrors,
  StreamObserver,
  ToldError,
  Usage,
} from '../dialect.ts';
import { watchJsonArray } from '../json-array-stream.ts';
import { keptQuery } from '../kept-query.ts';
import type { JsonRecord } from '../record.ts';
import { countOf, firstOf, isRecord, parsedOrUndefined, recordOf } from '../record.ts';
import type { BodyFailure, BodyRules, WholeNumber } from '../request-body.ts';
import { invalid, readRequestBody, readNumbers } from '../request-body.ts';
import { eventText, readEvent, watchEvents } from '../sse.ts';
import { HELD_BYTES_MAX } from '../stream-bound.ts';
import { endingObserver } from '../stream-ending.ts';
import { writeRequest } from '../write-request.ts';

const usageMetadataMember = answerMember('usageMetadata');

const RULES: BodyRules = {
  model: 'optional',
  stream: false,
  wholeNumbers: [],
  single: ['generationConfig', 'generation_config', 'requests', 'generateContentRequest'],
};

const METHODS: Readonly<Partial<Record<ModelOperation, string>>> = {
  chat: 'generateContent',
  embeddings: 'embedContent',
  batch_embeddings: 'batchEmbedContents',
  count_tokens: 'countTokens',
};

const streamErrors: StreamErrors = {
  mayTell: (bytes) => bytes.includes('"error"'),
  read: ({ data }) => readStreamError(data),
};

/** Google Gemini. */
export const gemini: Dialect = {
  name: 'gemini',
  requestHeaders: ['x-server-timeout'],
  responseHeaders: ['retry-after', 'server-timing'],
  requestIdHeader: 'x-request-id',
  takesUrls: false,
  streamType: 'text/event-stream',
  healthPath: '/v1beta/models',
  streamQuery: 'alt=sse',
  readRequest,
  // Where a body repeats the path's model, Google wants the same name, as a resource.
  writeRequest: (reading, upstreamModel) => writeRequest(reading, resourceName(upstreamModel)),
  upstreamPath,
  errorBody,
  errorEvent: (error) => `\n\n${eventText(null, errorBody(error))}`,
  // Google's own clients differ: that for Python takes a comment for a part of an answer, and fails.
  pingEvent: null,
  modelsBody: (models) => JSON.stringify({ models: models.map(modelObject) }),
  modelBody: (model) => JSON.stringify(modelObject(model)),
  limitHeaders: () => [],
  readUsage: (body) => geminiUsage(usageMetadataMember.read(body)),
  observeStream,
  streamErrors,
  answerMarks: {
    isSound: (body) => begins(body) && endsAnswer(body),
    judge: (answer) => {
      if (!MEMBERS.some((name) => answer[name] !== undefined)) return 'foreign';
      return isLastAnswer(answer) ? 'whole' : 'unfinished';
    },
    begins,
  },
};

/** Each answer has one of these. */
const MEMBERS = ['candidates', 'usageMetadata', 'promptFeedback'] as const;

function begins(bytes: Buffer): boolean {
  return MEMBERS.some((name) => bytes.includes(name));
}

function readStreamError(data: string): ToldError | null {
  const { error } = recordOf(firstOf(parsedOrUndefined(data)));
  if (!isRecord(error)) return null;
  const { code } = error;
  const status = typeof code === 'number' && code >= 400 && code < 600 ? code : 502;
  return { status, body: JSON.stringify({ error }) };
}

function readRequest(body: Buffer, operation: ModelOperation): ReadRequestResult {
  const read = readRequestBody(body, RULES);
  if (!read.ok) return read;
  const { document, model } = read;
  const modelSpans = model === null ? [] : [model.span];
  for (const object of repeatingObjects(body, document, operation)) {
    const found = object === null ? 'invalid' : modelInside(body, object);
    if (found === 'invalid') return invalid(`"requests" must be at most ${BATCH_MAX} objects, each with one "model".`);
    if (found !== null) modelSpans.push(found);
  }
  const outputTokensMax = readOutputMax(body, document);
  if (outputTokensMax !== null && typeof outputTokensMax !== 'number') return outputTokensMax;
  return { ok: true, reading: { body, model: null, stream: false, modelSpans, outputTokensMax, askUsage: null } };
}

/** Google reads both spellings of every name. */
function readOutputMax(body: Buffer, document: JsonDocument): number | null | BodyFailure {
  const name = document.find('generationConfig') === undefined ? 'generation_config' : 'generationConfig';
  const config = document.find(name);
  if (config === undefined || config === 'duplicate') return null;
  const text = body.subarray(config.from, config.to);
  const scan = scanJson(text);
  if (!scan.ok || scan.document.kind !== '{') return null;
  const numbers = readNumbers(text, scan.document, OUTPUT_NUMBERS, `${name}.`);
  if ('ok' in numbers) return numbers;
  const each = numbers.get('maxOutputTokens') ?? numbers.get('max_output_tokens');
  const candidates = numbers.get('candidateCount') ?? numbers.get('candidate_count') ?? 1;
  return each === undefined ? null : each * candidates;
}

const OUTPUT_NUMBERS: readonly WholeNumber[] = [
  { name: 'maxOutputTokens', min: 1 },
  { name: 'max_output_tokens', min: 1 },
  { name: 'candidateCount', min: 1, max: 128 },
  { name: 'candidate_count', min: 1, max: 128 },
];

/** The objects inside the body that may repeat the model; null for one that is not as it must be. */
function repeatingObjects(body: Buffer, document: JsonDocument, operation: ModelOperation): readonly (Span | null)[] {
  if (operation === 'batch_embeddings') return requestSpans(body, document) ?? [null];
  const nested = operation === 'count_tokens' ? document.find('generateContentRequest') : undefined;
  return nested === undefined || nested === 'duplicate' ? [] : [nested];
}

/** More than Google takes in one batch. */
const BATCH_MAX = 1000;

function requestSpans(body: Buffer, document: JsonDocument): readonly Span[] | null {
  const requests = document.find('requests');
  if (requests === undefined || requests === 'duplicate') return null;
  const scan = scanJson(body.subarray(requests.from, requests.to), { entriesMax: BATCH_MAX });
  if (!scan.ok || scan.document.kind !== '[') return null;
  return scan.document.entries().map(({ from, to }) => ({ from: from + requests.from, to: to + requests.from }));
}

function modelInside(body: Buffer, object: Span): Span | null | 'invalid' {
  const scan = scanJson(body.subarray(object.from, object.to));
  const model = scan.ok && scan.document.kind === '{' ? scan.document.find('model') : 'duplicate';
  if (model === 'duplicate') return 'invalid';
  return model === undefined ? null : { from: model.from + object.from, to: model.to + object.from };
}

/** Without the caller's `alt=sse` a stream is one JSON array, so the query stays as it came. */
function upstreamPath(operation: ModelOperation, upstreamModel: string, stream: boolean, query: string): string | null {
  const method = operation === 'chat' && stream ? 'streamGenerateContent' : METHODS[operation];
  if (method === undefined) return null;
  const [collection = '', ...name] = resourceName(upstreamModel).split('/');
  return `/v1beta/${collection}/${encodeURIComponent(name.join('/'))}:${method}${keptQuery(query)}`;
}

/** The model's name as Google names resources. */
export function resourceName(model: string): string {
  return model.startsWith('models/') || model.startsWith('tunedModels/') ? model : `models/${model}`;
}

/** https://google.aip.dev/193: status is Google's own name, our code is the reason of an ErrorInfo. */
export function errorBody(error: PublicError): string {
  const { status, code, message, requestId } = error;
  const info = {
    '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
    reason: code,
    domain: 'keyward',
    metadata: { requestId },
  };
  return JSON.stringify({ error: { code: status, message, status: statusName(status), details: [info] } });
}

const STATUS_NAMES: Readonly<Record<number, string>> = {
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  408: 'DEADLINE_EXCEEDED',
  409: 'ABORTED',
  429: 'RESOURCE_EXHAUSTED',
  499: 'CANCELLED',
  500: 'INTERNAL',
  501: 'UNIMPLEMENTED',
  504: 'DEADLINE_EXCEEDED',
};

/** Google's name for a status. */
export function statusName(status: number): string {
  return STATUS_NAMES[status] ?? (status >= 500 ? 'UNAVAILABLE' : 'INVALID_ARGUMENT');
}

/** https://ai.google.dev/api/models#method:-models.list */
function modelObject({ id }: ListedModel): JsonRecord {
  return { name: `models/${id}`, displayName: id };
}

/** Counts of `usageMetadata`: candidates leave out thoughts, prompts leave out what tools put into them. */
export function geminiUsage(value: unknown): Usage | null {
  if (!isRecord(value)) return null;
  const input = countOf(value['promptTokenCount']);
  const output = countOf(value['candidatesTokenCount']);
  const reasoningTokens = countOf(value['thoughtsTokenCount']) ?? 0;
  if (input === null && output === null) return null;
  return {
    inputTokens: (input ?? 0) + (countOf(value['toolUsePromptTokenCount']) ?? 0),
    cachedInputTokens: countOf(value['cachedContentTokenCount']) ?? 0,
    cacheWriteTokens: 0,
    outputTokens: (output ?? 0) + reasoningTokens,
    reasoningTokens,
    ...modalityCount('audioInputTokens', value['promptTokensDetails'], 'AUDIO'),
    ...modalityCount('audioOutputTokens', value['candidatesTokensDetails'], 'AUDIO'),
    ...modalityCount('imageOutputTokens', value['candidatesTokensDetails'], 'IMAGE'),
  };
}

type ModalityName = 'audioInputTokens' | 'audioOutputTokens' | 'imageOutputTokens';

function modalityCount(name: ModalityName, details: unknown, modality: string): Partial<Record<ModalityName, number>> {
  if (!Array.isArray(details)) return {};
  const told = details.map(recordOf).filter((detail) => detail['modality'] === modality);
  const count = told.reduce((sum, detail) => sum + (countOf(detail['tokenCount']) ?? 0), 0);
  return count === 0 ? {} : { [name]: count };
}

function observeStream(): StreamObserver {
  const answers = watchAnswers();
  const events = watchEvents(
    {
      mayMatter: answers.mayMatter,
      inspect: (event) => {
        answers.see(event, () => readEvent(event).data);
        return false;
      },
    },
    { mayChange: false, heldBytesMax: HELD_BYTES_MAX },
  );
  const array = watchJsonArray((element) => {
    if (answers.mayMatter(element)) answers.see(element, () => element.toString('utf8'));
  }, HELD_BYTES_MAX);
  /** Known with the first byte that is not white space: `[` begins an array, anything else events. */
  let watcher: Pick<StreamObserver, 'push' | 'flush'> | null = null;
  const either = {
    push(chunk: Uint8Array) {
      watcher ??= beginsArray(chunk);
      return watcher === null ? chunk : watcher.push(chunk);
    },
    flush: () => watcher?.flush() ?? null,
  };
  return endingObserver(either, streamErrors, {
    ending: () => (answers.complete() ? 'end' : 'none'),
    usage: answers.usage,
  });

  function beginsArray(chunk: Uint8Array): Pick<StreamObserver, 'push' | 'flush'> | null {
    const first = chunk.find((byte) => byte > 0x20);
    if (first === undefined) return null;
    return first === 0x5b ? array : events;
  }
}

interface AnswerWatch {
  mayMatter(bytes: Buffer): boolean;
  /** `text` gives the answer's JSON; it is asked for as late as possible. */
  see(bytes: Buffer, text: () => string): void;
  usage(): Usage | null;
  complete(): boolean;
}

/** Every answer of a stream tells usage so far: the last one counts, and only that one is parsed. */
function watchAnswers(): AnswerWatch {
  let lastWithUsage: (() => string) | null = null;
  let complete = false;
  return {
    mayMatter: (bytes) => bytes.includes('"usageMetadata"') || endsAnswer(bytes),
    see(bytes, text) {
      if (bytes.includes('"usageMetadata"')) lastWithUsage = text;
      if (!complete && endsAnswer(bytes)) complete = isLastAnswer(parsedOrUndefined(text()));
    },
    usage: () =>
      lastWithUsage === null ? null : geminiUsage(recordOf(parsedOrUndefined(lastWithUsage()))['usageMetadata']),
    complete: () => complete,
  };
}

function endsAnswer(bytes: Buffer): boolean {
  return bytes.includes('"finishReason"') || bytes.includes('"blockReason"');
}

/** A candidate that is finished, or a prompt that was refused and so has no candidates. */
function isLastAnswer(answer: unknown): boolean {
  const { candidates, promptFeedback } = recordOf(answer);
  if (recordOf(promptFeedback)['blockReason'] !== undefined) return true;
  return Array.isArray(candidates) && candidates.some((candidate) => recordOf(candidate)['finishReason'] !== undefined);
}
