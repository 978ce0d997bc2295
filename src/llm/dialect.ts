/**
 * A dialect is an LLM wire format. This is what the gateway needs to know of one when both sides
 * speak it: bytes pass through, and only what must change is spliced.
 */
import type { JsonRecord } from './record.ts';
import type { ServerSentEvent } from './sse.ts';

/** The formats that clients speak, and providers too. */
export type ClientDialectName = 'openai' | 'openai-responses' | 'anthropic' | 'gemini';

/** All formats: some are spoken by providers only. */
export const DIALECT_NAMES = [
  'openai',
  'openai-responses',
  'anthropic',
  'gemini',
  'bedrock',
  'cohere',
  'mistral',
] as const;

export type DialectName = (typeof DIALECT_NAMES)[number];

/** `completions` is OpenAI's older text endpoint, `batch_embeddings` Gemini's `:batchEmbedContents`. */
export type Operation =
  | 'chat'
  | 'completions'
  | 'embeddings'
  | 'batch_embeddings'
  | 'rerank'
  | 'moderation'
  | 'image_generation'
  | 'image_edit'
  | 'image_variation'
  | 'speech'
  | 'transcription'
  | 'translation'
  | 'count_tokens'
  | 'models'
  | 'passthrough';

/** The operations that a body is sent to a model for. */
export type ModelOperation = Exclude<Operation, 'models' | 'passthrough'>;

/** What a key's scope speaks of: several operations may be one class. */
export type OperationClass =
  | 'chat'
  | 'embeddings'
  | 'rerank'
  | 'moderation'
  | 'images'
  | 'audio'
  | 'count_tokens'
  | 'models'
  | 'passthrough';

/** The class of every operation. */
export const OPERATION_CLASSES: Readonly<Record<Operation, OperationClass>> = {
  chat: 'chat',
  completions: 'chat',
  embeddings: 'embeddings',
  batch_embeddings: 'embeddings',
  rerank: 'rerank',
  moderation: 'moderation',
  image_generation: 'images',
  image_edit: 'images',
  image_variation: 'images',
  speech: 'audio',
  transcription: 'audio',
  translation: 'audio',
  count_tokens: 'count_tokens',
  models: 'models',
  passthrough: 'passthrough',
};

/** The operations that are sent files: their body may be a form instead of JSON. */
export const FORM_OPERATIONS: ReadonlySet<Operation> = new Set([
  'image_edit',
  'image_variation',
  'transcription',
  'translation',
]);

/** Token counts of one call. Every count is inclusive as stated, so that dialects can be compared. */
export interface Usage {
  /** All input tokens, cached ones included. */
  readonly inputTokens: number;
  /** Input tokens read from the provider's cache (part of `inputTokens`). */
  readonly cachedInputTokens: number;
  /** Input tokens written to the provider's cache (part of `inputTokens`). */
  readonly cacheWriteTokens: number;
  /** All output tokens, reasoning included. */
  readonly outputTokens: number;
  /** Reasoning tokens (part of `outputTokens`), 0 where the dialect does not tell. */
  readonly reasoningTokens: number;
  /** Of the tokens written to the cache those that are kept for an hour, where that has a price of its own. */
  readonly cacheWrite1hTokens?: number;
  /** Sound: part of `inputTokens` and of `outputTokens`. */
  readonly audioInputTokens?: number;
  readonly audioOutputTokens?: number;
  /** Image tokens that were made: part of `outputTokens`. */
  readonly imageOutputTokens?: number;
  /** Searches as rerankers bill them. Where one tells these alone, `inputTokens` is 0. */
  readonly searchUnits?: number;
  /** Milliseconds of sound that was written down, where they are told; instead of tokens, which are then 0, or beside them. */
  readonly audioMs?: number;
}

/** What an error answer of ours says, before a dialect gives it its form. */
export interface PublicError {
  readonly status: number;
  /** Our stable code. */
  readonly code: string;
  readonly message: string;
  readonly requestId: string;
  /** Where in the caller's body the fault is, where it is in one place. */
  readonly field?: string;
}

/** An error that a provider tells in a stream, where it could have been the answer. */
export interface ToldError {
  /** The HTTP status that the answer would have had: 400 or more. */
  readonly status: number;
  /** The body of that answer, in the dialect's own form. */
  readonly body: string;
}

/** How a dialect's streams tell errors. */
export interface StreamErrors {
  /** Whether the bytes may tell one. Cheap: may say yes too often, never no wrongly. */
  mayTell(bytes: Buffer): boolean;
  /** Null for any other event. Never throws. */
  read(event: ServerSentEvent): ToldError | null;
}

/** How a dialect's answers of chat are told from errors, from answers of another dialect, and from half of one. */
export interface AnswerMarks {
  /** Whether a whole answer is one, and ended well. Native search only; may say no too often: then it is parsed. */
  isSound(body: Buffer): boolean;
  judge(answer: JsonRecord): 'whole' | 'unfinished' | 'foreign';
  /** Whether these bytes, of a first event or more, may begin a stream of this dialect. */
  begins(bytes: Buffer): boolean;
}

/** Reads a provider's event stream as it passes; synchronous, any split of the bytes gives the same result. */
export interface StreamObserver {
  /**
   * Takes the next bytes and returns what the client is to receive of them: usually the same
   * buffer, sometimes less (an event the client did not ask for), or null for nothing yet. Never
   * null for bytes of the client's unless usage is hidden. The chunk is kept by reference while an
   * event is open: do not reuse its memory.
   */
  push(chunk: Uint8Array): Uint8Array | null;
  /** Bytes held back when the stream ended, if any. Call it once, at the end, before `usage()`, `complete()` and `ending()`. */
  flush(): Uint8Array | null;
  /** Usage seen so far, or null. */
  usage(): Usage | null;
  /** Whether the answer is whole: the dialect's own end was seen, and why the model stopped. */
  complete(): boolean;
  /** How the provider ended the stream itself; then nothing of ours belongs behind it. */
  ending(): StreamEnding;
}

/** `none`: the stream goes on, or broke off. `end`: the dialect's own end. `error`: an error of the provider's. */
export type StreamEnding = 'none' | 'end' | 'error';

/** Bytes `from` (inclusive) to `to` (exclusive) of a body. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** Text that takes the place of a span (an empty span: is inserted there). */
export interface Splice extends Span {
  readonly text: string;
}

/** What was read of a request body: all that decides, and where to change it. Keeps the body itself. */
export interface RequestReading {
  readonly body: Buffer;
  /** The model as the caller named it; null where the path names it (Gemini). */
  readonly model: string | null;
  /** Whether the body asks for a stream; always false where the path says it (Gemini). */
  readonly stream: boolean;
  /** Where the model's name stands in the body, in rising order; in JSON quotes included. */
  readonly modelSpans: readonly Span[];
  /** How many output tokens the caller allows, over all choices; null where the body does not say. */
  readonly outputTokensMax: number | null;
  /** What asks the provider for the usage event, when the caller streams and did not ask. */
  readonly askUsage: Splice | null;
  /** Whether the body is a form: the model's name stands there without quotes. */
  readonly isForm?: boolean;
  /** What else is read where images or sound are judged or made; absent for all that is text. */
  readonly media?: MediaReading;
}

/** Of calls whose size nobody can tell from their bytes. */
export interface MediaReading {
  /** How many images are asked for; 0 where none are made. */
  readonly images: number;
  /** How many characters (Unicode code points) are to be spoken; 0 where nothing is. */
  readonly characters: number;
  /** About how long the sound is that is to be written down; 0 where none is sent. */
  readonly audioMs: number;
  /** The content types of answers that are neither JSON nor events; null: there are none. */
  readonly answerTypes: RegExp | null;
  /** Whether the answer has a place for token counts: sound, plain text and OpenAI's translations have none. */
  readonly mayTellUsage: boolean;
}

/**
 * `message` is a public sentence that says what to do; `field` and `model` are what it is about, as far
 * as the body told them.
 */
export type ReadRequestResult =
  | { readonly ok: true; readonly reading: RequestReading }
  | {
      readonly ok: false;
      readonly code: 'invalid_json' | 'model_missing' | 'invalid_body';
      readonly message: string;
      readonly field?: string;
      readonly model?: string;
    };

export interface PreparedBody {
  /** The body to send upstream. */
  readonly body: Uint8Array;
  /** Whether we asked for the usage event and the client did not: the observer then hides it. */
  readonly hideUsage: boolean;
}

/** One line of a list of models. */
export interface ListedModel {
  /** As the caller names it: `provider/name`, or an alias. */
  readonly id: string;
  /** Who serves it: the provider's id. */
  readonly provider: string;
}

/** What the gateway needs of the side of a provider, whatever the caller speaks. */
export interface ProviderDialect {
  readonly name: DialectName;
  /** Headers of the caller that may go upstream, lower case, besides content-type and accept. */
  readonly requestHeaders: readonly string[];
  /** Headers of the provider's answer that may go to the caller, lower case, besides content-type. */
  readonly responseHeaders: readonly string[];
  /** The header of the provider's answer that names its own request id, lower case; for the log only. */
  readonly requestIdHeader: string;
  /** The header that tells the input tokens of an answer whose body does not, lower case. */
  readonly inputTokensHeader?: string;
  /** Whether images and documents may be named by URL; otherwise they go as bytes. */
  readonly takesUrls: boolean;
  /** Whether it has a rerank of its own, which OpenAI's has not. */
  readonly reranks?: boolean;
  /** The content type of its streams. */
  readonly streamType: 'text/event-stream' | 'application/vnd.amazon.eventstream';
  /** What asks for a stream of that type in the query, where that is needed. */
  readonly streamQuery?: string;
  /**
   * Path and query below the endpoint's base URL, or null if this dialect has no such operation.
   * `query` is the caller's, without `?`; what the caller asked stays, their `key` does not.
   */
  upstreamPath(operation: ModelOperation, upstreamModel: string, stream: boolean, query: string): string | null;
  /** What lists the models, below the base URL: costs nothing, and shows that the provider serves. Absent where there is none. */
  readonly healthPath?: string;
  /** Where a host wants another body than the dialect's own: bytes then never pass as they are. */
  readonly adaptBody?: (body: JsonRecord) => JsonRecord;
}

/** A dialect that clients speak: all that same-dialect traffic needs. */
export interface Dialect extends ProviderDialect {
  readonly name: ClientDialectName;
  /**
   * Checks a body and reads what decides, without building objects of it. Call it before any
   * other look at the body: it refuses documents that are not strict JSON or too deep.
   * `contentType` tells a form from JSON; without one, or null, the body is JSON.
   */
  readRequest(body: Buffer, operation: ModelOperation, contentType?: string | null): ReadRequestResult;
  /**
   * The body for upstream: the model's name and the usage option are spliced, all else stays
   * byte for byte. `upstreamModel` has no provider in front. May be called once per attempt.
   * `askUsage` false (the endpoint tells usage unasked, see `ProviderEndpoint.streamUsage`) leaves
   * the usage option alone; it is true by default.
   */
  writeRequest(reading: RequestReading, upstreamModel: string, askUsage?: boolean): PreparedBody;
  /** The body of an error answer in this dialect, so that official SDKs raise their own class. */
  errorBody(error: PublicError): string;
  /**
   * What tells an error in mid-stream where the answer is `text/event-stream`; the stream ends
   * after it. Begins with a blank line, so that it stands alone even after half an event. In any
   * other framing there is no such form: cut the connection.
   */
  errorEvent(error: PublicError): string;
  /**
   * What shows that a stream lives while nothing else goes by, and that clients pass over; null where
   * some of them would choke on it. Stands between whole events of `text/event-stream` only.
   */
  readonly pingEvent: string | null;
  /** The answer to a request for the list of models. */
  modelsBody(models: readonly ListedModel[]): string;
  /** The answer to a request for one of them. */
  modelBody(model: ListedModel): string;
  /** The dialect's own headers that tell the caller's limit, as flat name, value pairs. */
  limitHeaders(unit: 'requests' | 'tokens', limit: LimitState, nowMs: number): readonly string[];
  /** Usage out of a whole (non-stream) answer body, or null if there is none; `isMedia` where the request's reading has `media`. */
  readUsage(body: Uint8Array, isMedia?: boolean): Usage | null;
  /** `hideUsage` as returned by `writeRequest`; `isMedia` as above. */
  observeStream(hideUsage: boolean, isMedia?: boolean): StreamObserver;
  readonly streamErrors: StreamErrors;
  readonly answerMarks: AnswerMarks;
}

/** The limit on requests or on tokens that binds a call most tightly. */
export interface LimitState {
  readonly limit: number;
  readonly remaining: number;
  /** Milliseconds until the whole limit is free again. */
  readonly resetMs: number;
}
