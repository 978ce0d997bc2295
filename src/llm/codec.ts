/** What a dialect must be able to do so that any client of it reaches any provider, and the other way round. */
import type {
  AnswerEvent,
  ChatAnswer,
  ChatRequest,
  EmbeddingAnswer,
  EmbeddingRequest,
  RerankAnswer,
  RerankRequest,
} from './canonical.ts';
import type { PublicError } from './dialect.ts';
import type { ModelTraits } from './model-traits.ts';
import type { JsonRecord } from './record.ts';
import type { Report } from './report.ts';

/** A format as clients speak it: requests come in, answers go out. Faults of the caller are thrown as RequestFault. */
export interface ClientCodec {
  readChat(body: JsonRecord, facts: RequestFacts): ChatRequest;
  /** What the format cannot say is reported. */
  writeChat(answer: ChatAnswer, context: AnswerContext, report: Report): JsonRecord;
  /** The same of a stream: what is reported after its first bytes, only the call record tells. */
  streamChat(context: AnswerContext, report: Report): StreamWriter;
  readonly embeddings?: {
    read(body: JsonRecord, facts: RequestFacts): EmbeddingRequest;
    write(answer: EmbeddingAnswer, request: EmbeddingRequest, context: Omit<AnswerContext, 'request'>): JsonRecord;
  };
  /** The same for several texts, where that is another operation (Gemini). */
  readonly batchEmbeddings?: NonNullable<ClientCodec['embeddings']>;
  /** The answer to a question for the number of input tokens. */
  readonly writeTokenCount?: (inputTokens: number) => JsonRecord;
}

/**
 * A format as providers speak it: requests go out, answers come in. What an answer has wrong is
 * thrown as AnswerFault; what the format cannot say of a request is reported.
 */
export interface ProviderCodec {
  writeChat(request: ChatRequest, target: TargetModel, report: Report): JsonRecord;
  readChat(body: JsonRecord): ChatAnswer;
  /** Events are handed over synchronously, within `push` and `end`. */
  readStream(onEvent: (event: AnswerEvent) => void): StreamReader;
  readonly embeddings?: {
    write(request: EmbeddingRequest, target: TargetModel, report: Report): JsonRecord;
    read(body: JsonRecord): EmbeddingAnswer;
    /** Whether it has a form for the model, where that is not so of all (Bedrock). */
    readonly serves?: (model: string) => boolean;
    /** The operation that the body is for, where it is not always `embeddings`. */
    readonly operation?: (request: EmbeddingRequest) => 'embeddings' | 'batch_embeddings';
  };
  readonly rerank?: {
    write(request: RerankRequest, target: TargetModel, report: Report): JsonRecord;
    read(body: JsonRecord): RerankAnswer;
  };
  /** A question for the number of input tokens, and its answer; absent: the format has none. */
  readonly tokenCount?: {
    write(request: ChatRequest, target: TargetModel, report: Report): JsonRecord;
    read(body: JsonRecord): number;
    /** Whether it is answered for the model, where that is not so of all (Bedrock). */
    readonly serves?: (model: string) => boolean;
  };
}

/** What the path says where the body does not (Gemini). */
export interface RequestFacts {
  readonly model: string | null;
  readonly stream: boolean;
}

/** The model that a request is written for. */
export interface TargetModel {
  /** The provider's name for it. */
  readonly name: string;
  readonly traits: ModelTraits;
}

/** What an answer is written with besides itself. */
export interface AnswerContext {
  /** Our own id of the call: stands in where the provider gave none. */
  readonly requestId: string;
  /** The model as the caller named it; what the answer says. */
  readonly model: string;
  /** Unix seconds, for a `created` that the provider did not tell. */
  readonly nowS: number;
  /** What was asked. */
  readonly request: ChatRequest;
  /** A guess at the input tokens, for formats that tell them before the provider does. */
  readonly inputTokensEstimate?: number;
}

/** Parses a provider's stream. Any split of the bytes gives the same events; linear in their number. */
export interface StreamReader {
  push(chunk: Uint8Array): void;
  /**
   * The bytes are over. Closes what is open with `incomplete` where the dialect's own end was not
   * seen, and then gives no `end`.
   */
  end(): void;
}

/** Writes a client's stream, framing included. */
export interface StreamWriter {
  /** The text to send for an event; often empty. The dialect's own end is written for `end`. */
  write(event: AnswerEvent): string;
  /** The text that tells an error and ends the stream, in the dialect's own form. */
  fail(error: PublicError): string;
}
