/**
 * What all wire formats can say, in one form. A dialect reads its own format into it and writes its
 * own format from it; nothing translates between two dialects directly. Values are plain data and
 * never changed after they were made.
 */
import type { DialectName, Usage } from './dialect.ts';
import type { JsonRecord } from './record.ts';

/** A conversation to be continued. `null` everywhere means: the caller did not say. */
export interface ChatRequest {
  /** As the caller named it. */
  readonly model: string;
  readonly stream: boolean;
  /** Whether the caller asked to be told the usage at a stream's end; true where the dialect always tells it. */
  readonly wantsStreamUsage: boolean;
  /** In the order of the caller, instructions included: see `Turn`. */
  readonly turns: readonly Turn[];
  readonly tools: readonly Tool[];
  readonly toolChoice: ToolChoice | null;
  readonly parallelToolCalls: boolean | null;
  readonly outputTokensMax: number | null;
  readonly temperature: number | null;
  readonly topP: number | null;
  readonly topK: number | null;
  readonly stop: readonly string[];
  readonly seed: number | null;
  /** How many answers are asked for; null for one. */
  readonly choices: number | null;
  readonly presencePenalty: number | null;
  readonly frequencyPenalty: number | null;
  /** Whether log probabilities are asked for, and of how many alternatives. */
  readonly logprobs: { readonly top: number } | null;
  readonly logitBias: Readonly<Record<string, number>> | null;
  readonly format: OutputFormat | null;
  readonly reasoning: ReasoningRequest | null;
  /** Who the caller's end user is, as the caller tells the provider. */
  readonly user: string | null;
  /** What keeps calls of one conversation at one cache of the provider (`prompt_cache_key`). */
  readonly cacheKey: string | null;
  /** Members that no field here stands for, by name, as they came; they go on only to `extraOf`. */
  readonly extra: JsonRecord;
  readonly extraOf: DialectName;
  /** The caller speaks of functions as it was before there were tools (OpenAI), and is told of a call so. */
  readonly legacyFunctions?: boolean;
}

/**
 * One message. `system` and `developer` turns may stand anywhere; a dialect whose instructions stand
 * apart takes the leading ones there. A tool's results are parts of a `user` turn, first in it;
 * neighbours of one role are allowed, and joined by a dialect that cannot have them.
 */
export interface Turn {
  readonly role: 'system' | 'developer' | 'user' | 'assistant';
  readonly parts: readonly Part[];
  /** The name of the participant (OpenAI). */
  readonly name?: string;
  /** Other members of the message, for `extraOf` only. */
  readonly extra?: JsonRecord;
}

export type Part = TextPart | RefusalPart | MediaPart | ThinkingPart | ToolCallPart | ToolResultPart | OpaquePart;

/** What every part may carry. */
interface PartBase {
  /** The caller wants the prompt up to here cached by the provider. */
  readonly cache?: CacheMark;
  /** Other members of the part, for `extraOf` (a request) or the answering dialect only. */
  readonly extra?: JsonRecord;
}

export interface CacheMark {
  readonly ttl: '5m' | '1h';
}

export interface TextPart extends PartBase {
  readonly kind: 'text';
  readonly text: string;
  /** Sources that the text rests on (an answer's). */
  readonly annotations?: readonly Annotation[];
  readonly logprobs?: readonly TokenLogprob[];
  /** What must be sent back with the text (Gemini). */
  readonly signature?: Signature;
}

/** The model's own refusal to answer, in its words. */
export interface RefusalPart extends PartBase {
  readonly kind: 'refusal';
  readonly text: string;
}

/** An image, a document, sound or film; in a request or (images, sound) in an answer. */
export interface MediaPart extends PartBase {
  readonly kind: 'image' | 'file' | 'audio' | 'video';
  readonly source: MediaSource;
  /** As the caller wrote it, for example `image/png`; null where nobody said. */
  readonly mediaType: string | null;
  readonly filename?: string;
  /** How closely an image is looked at: `low`, `high`, `auto`. */
  readonly detail?: string;
  readonly signature?: Signature;
}

export type MediaSource =
  | { readonly kind: 'url'; readonly url: string }
  /** Standard base64 (RFC 4648 §4) without line breaks. */
  | { readonly kind: 'base64'; readonly data: string }
  /** A file that lies at the provider: only the dialect that made it understands it. */
  | { readonly kind: 'id'; readonly id: string; readonly of: DialectName }
  /** A document given as plain text. */
  | { readonly kind: 'text'; readonly text: string };

/** The model's reasoning. What proves it to its maker is in the signature. */
export interface ThinkingPart extends PartBase {
  readonly kind: 'thinking';
  /** The reasoning or its summary; empty where it is hidden. */
  readonly text: string;
  /** Null: unsigned, so no provider that asks for signatures takes it back. */
  readonly signature: Signature | null;
  /** The signature stands for reasoning that is not shown at all (Anthropic's `redacted_thinking`). */
  readonly redacted?: boolean;
}

/** Opaque text of the provider which made it; see signature.ts. */
export interface Signature {
  /** The family that understands it: Claude's are the same wherever Claude is served. */
  readonly of: DialectName;
  readonly value: string;
}

export interface ToolCallPart extends PartBase {
  readonly kind: 'tool_call';
  readonly id: string;
  readonly name: string;
  /** JSON text of an object for a function, never empty (`{}` for none); free text for a `custom` tool. */
  readonly arguments: string;
  readonly custom?: boolean;
  /** Gemini's, which must come back with the call. */
  readonly signature?: Signature;
}

export interface ToolResultPart extends PartBase {
  readonly kind: 'tool_result';
  readonly callId: string;
  /** The tool's name where the dialect tells it with the result (Gemini); else see `toolNames`. */
  readonly name?: string;
  /** Text and media. */
  readonly parts: readonly Part[];
  readonly isError: boolean;
  readonly custom?: boolean;
}

/** What only one dialect understands (a server-side tool's result, say): it goes on to that one, or is reported. */
export interface OpaquePart extends PartBase {
  readonly kind: 'opaque';
  readonly of: DialectName;
  readonly value: JsonRecord;
}

export type Tool = FunctionTool | CustomTool | OpaqueTool;

export interface FunctionTool {
  readonly kind: 'function';
  readonly name: string;
  readonly description: string | null;
  /** JSON Schema of the arguments; null where the caller gave none. */
  readonly parameters: JsonRecord | null;
  readonly strict: boolean | null;
  readonly cache?: CacheMark;
  readonly extra?: JsonRecord;
}

/** A tool whose input is free text (OpenAI). */
export interface CustomTool {
  readonly kind: 'custom';
  readonly name: string;
  readonly description: string | null;
  readonly extra?: JsonRecord;
}

/** A tool that the provider runs itself, or of another kind: as it came. */
export interface OpaqueTool {
  readonly kind: 'opaque';
  readonly of: DialectName;
  /** What a warning calls it, for example `web_search`. */
  readonly label: string;
  readonly value: JsonRecord;
}

/** `named` forces one of the tools; `allowed` narrows the set without forcing (`required`: with). */
export type ToolChoice =
  | { readonly kind: 'auto' | 'none' | 'required' }
  | { readonly kind: 'named'; readonly name: string }
  | { readonly kind: 'allowed'; readonly names: readonly string[]; readonly required: boolean };

export type OutputFormat =
  | { readonly kind: 'text' }
  | { readonly kind: 'json' }
  | {
      readonly kind: 'json_schema';
      readonly name: string;
      readonly description: string | null;
      readonly schema: JsonRecord;
      readonly strict: boolean | null;
    };

/** How much the model is to reason: at most one of `effort` and `budgetTokens` is told by the caller. */
export interface ReasoningRequest {
  /** False switches it off where that is possible. */
  readonly enabled: boolean;
  /** `minimal`, `low`, `medium`, `high`, `xhigh`, … as the caller wrote it. */
  readonly effort: string | null;
  readonly budgetTokens: number | null;
  /** Whether the reasoning, or a summary, is to be shown; null: the dialect's own habit. */
  readonly show: boolean | null;
  /** How the summary is asked for (OpenAI Responses: `auto`, `concise`, `detailed`). */
  readonly summary?: string;
}

/** A whole answer. */
export interface ChatAnswer {
  /** The provider's id of it; empty where there is none. */
  readonly id: string;
  /** As the provider names it; empty where it does not. */
  readonly model: string;
  /** Unix seconds; null where the provider does not say. */
  readonly createdS: number | null;
  readonly choices: readonly Choice[];
  readonly usage: Usage | null;
  /** Other members, for a caller of the same dialect only. */
  readonly extra: JsonRecord;
}

export interface Choice {
  readonly index: number;
  readonly parts: readonly Part[];
  readonly finish: Finish;
}

/**
 * Why a choice ended. `tool_calls` whenever the model waits for a tool, also where the provider says
 * `STOP`; a call that was cut short is `length`. `incomplete`: the stream ended without an end.
 */
export interface Finish {
  readonly reason: FinishReason;
  /** The stop string that ended it, where the provider tells. */
  readonly stopSequence?: string;
  /** The provider's own word, for the same dialect and for the record. */
  readonly raw?: string;
  /** What the provider says of it. */
  readonly message?: string;
}

export type FinishReason =
  | 'stop'
  | 'stop_sequence'
  | 'length'
  | 'context_length'
  | 'tool_calls'
  | 'content_filter'
  | 'refusal'
  | 'pause'
  | 'malformed_call'
  | 'error'
  | 'incomplete';

/** A source of a text. Positions count UTF-16 units of the text, end exclusive. */
export interface Annotation {
  readonly url: string | null;
  readonly title: string | null;
  readonly from: number | null;
  readonly to: number | null;
  /** The words of the source that the text rests on, where the provider tells them. */
  readonly quote?: string;
  /** As the provider wrote it, for a caller of the same dialect. */
  readonly raw: JsonRecord;
  readonly of: DialectName;
}

export interface TokenLogprob {
  readonly token: string;
  readonly logprob: number;
  readonly bytes: readonly number[] | null;
  readonly top: readonly {
    readonly token: string;
    readonly logprob: number;
    readonly bytes: readonly number[] | null;
  }[];
}

/**
 * A stream, event by event. A reader promises: `start` is first and once; parts of a choice are
 * numbered from 0 and follow each other, one open at a time (`open`, any number of deltas, `close`);
 * every choice that began ends with exactly one `finish`, after its last `close`; `usage` may come at any
 * time after `start`, the last one counts and holds all; `end` is last and means that the dialect's own end was
 * seen. After `error` nothing follows.
 */
export type AnswerEvent =
  | {
      readonly type: 'start';
      readonly id: string;
      readonly model: string;
      readonly createdS: number | null;
      readonly extra: JsonRecord;
    }
  | { readonly type: 'open'; readonly choice: number; readonly part: number; readonly start: PartStart }
  /** More of the open part: text, reasoning, a refusal's words, or JSON text of a call's arguments. */
  | { readonly type: 'delta'; readonly choice: number; readonly text: string }
  | { readonly type: 'annotation'; readonly choice: number; readonly annotation: Annotation }
  | { readonly type: 'logprobs'; readonly choice: number; readonly logprobs: readonly TokenLogprob[] }
  /** The open part's signature: whole, and at most once a part; a call's comes before its arguments. */
  | { readonly type: 'signature'; readonly choice: number; readonly signature: Signature; readonly redacted?: boolean }
  | { readonly type: 'close'; readonly choice: number }
  | { readonly type: 'finish'; readonly choice: number; readonly finish: Finish }
  | { readonly type: 'usage'; readonly usage: Usage }
  | { readonly type: 'error'; readonly error: StreamError }
  | { readonly type: 'end' };

/** What begins. Media and opaque parts come whole: no delta follows. */
export type PartStart =
  | { readonly kind: 'text' | 'refusal' | 'thinking' }
  | { readonly kind: 'tool_call'; readonly id: string; readonly name: string; readonly custom?: boolean }
  | MediaPart
  | OpaquePart;

/** An error that the provider tells in the middle of a stream. */
export interface StreamError {
  /** The provider's own words. */
  readonly message: string;
  /** Its own type or code, for the record. */
  readonly type: string;
  /** The HTTP status that the error would have had. */
  readonly status: number;
}

/** Texts to be turned into vectors. */
export interface EmbeddingRequest {
  readonly model: string;
  /** Texts, or lists of token numbers. */
  readonly inputs: readonly (string | readonly number[])[];
  readonly dimensions: number | null;
  /** How the caller wants the vectors: numbers, or base64 of 32-bit little-endian floats. */
  readonly encoding: 'float' | 'base64';
  /** `query`, `document`, … where the caller says what the texts are (Cohere, Voyage, Gemini). */
  readonly purpose: string | null;
  readonly user: string | null;
  readonly extra: JsonRecord;
  readonly extraOf: DialectName;
}

export interface EmbeddingAnswer {
  readonly model: string;
  readonly vectors: readonly (readonly number[])[];
  readonly usage: Usage | null;
}

/** Documents to be put in the order of how well they answer a query. */
export interface RerankRequest {
  readonly model: string;
  readonly query: string;
  readonly documents: readonly string[];
  readonly topN: number | null;
  readonly returnDocuments: boolean;
  readonly extra: JsonRecord;
}

export interface RerankAnswer {
  readonly id: string;
  readonly model: string;
  /** Best first. */
  readonly results: readonly { readonly index: number; readonly score: number }[];
  readonly usage: Usage | null;
}

/** The name of every tool that was called, by the call's id: for dialects whose results name the tool. */
export function toolNames(turns: readonly Turn[]): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  for (const { parts } of turns) for (const part of parts) if (part.kind === 'tool_call') names.set(part.id, part.name);
  return names;
}
