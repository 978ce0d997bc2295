/**
 * A call between two dialects: what the caller asked is read once into the canonical form, written
 * for the provider, and the answer, whole or as a stream, goes the same way back.
 */
import { digest } from './call-ids.ts';
import type { AnswerEvent, ChatAnswer, ChatRequest, Part, StreamError } from './canonical.ts';
import { withTrueTypes } from './check-media.ts';
import type { AnswerContext, ClientCodec, ProviderCodec, StreamReader, StreamWriter, TargetModel } from './codec.ts';
import { customCallEventsToText, customCallsToText, usesCustomTools } from './custom-tool.ts';
import type { ModelOperation, PublicError, StreamEnding, StreamObserver, Usage } from './dialect.ts';
import { AnswerFault } from './faults.ts';
import { JSON_TOOL, jsonToolEventsToText, jsonToolToText } from './json-tool.ts';
import { estimateOutputTokens, OutputEstimate } from './output-estimate.ts';
import type { JsonRecord } from './record.ts';
import { isRecord, parsedOrUndefined, recordOf } from './record.ts';
import { Report } from './report.ts';
import type { Warning } from './report.ts';

/** The two sides of a call. */
export interface Sides {
  readonly client: ClientCodec;
  readonly provider: ProviderCodec;
  readonly target: TargetModel;
  readonly context: AnswerContext;
  /** How the caller's stream is written where its dialect has several ways. */
  readonly streamChat?: ClientCodec['streamChat'];
  /** That way is an array of JSON. */
  readonly isArrayStream?: boolean;
}

/** An answer as the caller gets it. */
export interface TranslatedAnswer {
  readonly text: string;
  readonly usage: Usage | null;
  /** A guess at the output tokens, for an answer that does not tell its usage. */
  readonly outputTokensEstimate: number;
  /** False where the provider did not say why it ended. */
  readonly isWhole: boolean;
  readonly warnings: readonly Warning[];
}

/** A request as the provider gets it, and how its answer is read. */
export interface Translation {
  /** What the provider is asked for: the path depends on it. */
  readonly operation: ModelOperation;
  readonly body: JsonRecord;
  /** What of the request did not go over as it was; grows by what a stream cannot tell of the answer. */
  readonly warnings: readonly Warning[];
  /**
   * Throws an AnswerFault where the answer is none of the provider's dialect. `toldInputTokens`: what
   * its head says of them.
   */
  readAnswer(bytes: Buffer, toldInputTokens?: number | null): TranslatedAnswer;
  /** Null where the operation has no streams. */
  readonly stream: {
    /** The caller's stream is an array of JSON: it has no form for an error at its end. */
    readonly isArray: boolean;
    observe(): TranslatedStream;
  } | null;
}

/** Writes the request for the provider. Throws a RequestFault where that cannot be done honestly. */
export function translateChat(request: ChatRequest, sides: Sides): Translation {
  const report = new Report();
  const body = sides.provider.writeChat(withTrueTypes(request, report), sides.target, report);
  const restoration = restorationOf(request, body);
  return {
    operation: 'chat',
    body,
    warnings: report.warnings,
    readAnswer: (bytes) => {
      const read = sides.provider.readChat(answerRecord(bytes));
      const named = nameCalls(restoration.whole(read), sides.context.requestId);
      const text = JSON.stringify(sides.client.writeChat(named, sides.context, report));
      const { usage } = named;
      const outputTokensEstimate = usage === null ? estimateOutputTokens(read) : usage.outputTokens;
      return { text, usage, outputTokensEstimate, isWhole: isWhole(named), warnings: report.warnings };
    },
    stream: {
      isArray: sides.isArrayStream === true,
      observe: () => new TranslatedStream(restoration, sides, report),
    },
  };
}

function isWhole({ choices }: ChatAnswer): boolean {
  return choices.every(({ finish }) => finish.reason !== 'incomplete');
}

/** What stood in for something that the provider's format has not, turned back in the answer. */
interface Restoration {
  whole(answer: ChatAnswer): ChatAnswer;
  events(onEvent: EventSink): EventSink;
}

type EventSink = (event: AnswerEvent) => void;

const NOTHING_TO_RESTORE: Restoration = { whole: (answer) => answer, events: (onEvent) => onEvent };

function restorationOf(request: ChatRequest, body: JsonRecord): Restoration {
  const isJson = request.format !== null && hasJsonTool(body);
  const isCustom = usesCustomTools(request);
  if (!isJson && !isCustom) return NOTHING_TO_RESTORE;
  return {
    whole: (answer) => {
      const text = isJson ? jsonToolToText(answer) : answer;
      return isCustom ? customCallsToText(text, request) : text;
    },
    events: (onEvent) => {
      const custom = isCustom ? customCallEventsToText(request, onEvent) : onEvent;
      return isJson ? jsonToolEventsToText(custom) : custom;
    },
  };
}

/** Whether the request was written with the tool that stands in for a schema, in either form of tools. */
function hasJsonTool(body: JsonRecord): boolean {
  const tools = body['tools'] ?? recordOf(body['toolConfig'])['tools'];
  if (!Array.isArray(tools)) return false;
  return tools.some((tool) => {
    const { name, toolSpec } = recordOf(tool);
    return name === JSON_TOOL || recordOf(toolSpec)['name'] === JSON_TOOL;
  });
}

/** The answer's bytes as an object; an AnswerFault where they are none. */
export function answerRecord(bytes: Buffer): JsonRecord {
  const value = parsedOrUndefined(bytes.toString('utf8'));
  // Google's streams that are no event streams, and their errors, come within an array.
  const one: unknown = Array.isArray(value) && value.length === 1 ? value[0] : value;
  if (!isRecord(one)) throw new AnswerFault('the answer is no JSON object');
  return one;
}

/** Providers that do not name their calls leave it to us: the same call, the same id, and no other's. */
function callId(requestId: string, ordinal: number): string {
  return `call_${digest(`${requestId} ${ordinal}`, 24)}`;
}

function nameCalls(answer: ChatAnswer, requestId: string): ChatAnswer {
  let ordinal = 0;
  const named = (part: Part): Part =>
    part.kind === 'tool_call' && part.id === '' ? { ...part, id: callId(requestId, ordinal++) } : part;
  return { ...answer, choices: answer.choices.map((choice) => ({ ...choice, parts: choice.parts.map(named) })) };
}

/** A provider's stream on its way to a caller of another dialect. */
export class TranslatedStream implements StreamObserver {
  readonly #reader: StreamReader;
  readonly #writer: StreamWriter;
  readonly #requestId: string;
  #text = '';
  #calls = 0;
  #usage: Usage | null = null;
  #isEnded = false;
  /** Choices that ended without a word why. */
  readonly #incomplete: AnswerEvent[] = [];
  #failure: StreamError | null = null;
  readonly #estimate = new OutputEstimate();

  constructor(restoration: Restoration, { client, provider, context, streamChat }: Sides, report: Report) {
    this.#requestId = context.requestId;
    this.#writer = (streamChat ?? client.streamChat)(context, report);
    const onEvent = restoration.events((event) => this.#take(event));
    this.#reader = provider.readStream((event) => {
      this.#estimate.take(event);
      onEvent(event);
    });
  }

  /** Throws an AnswerFault where the bytes are no stream of the provider's dialect. */
  push(chunk: Uint8Array): Uint8Array | null {
    this.#reader.push(chunk);
    return this.#written();
  }

  flush(): Uint8Array | null {
    this.#reader.end();
    return this.#written();
  }

  usage(): Usage | null {
    return this.#usage;
  }

  complete(): boolean {
    return this.#isEnded && this.#incomplete.length === 0;
  }

  ending(): StreamEnding {
    return this.#isEnded ? 'end' : 'none';
  }

  /** The error that the provider told within the stream; nothing is written after it. */
  failure(): StreamError | null {
    return this.#failure;
  }

  /** What tells the caller an error and ends the stream. */
  fail(error: PublicError): string {
    return this.#writer.fail(error);
  }

  /** A guess at the output tokens that went by. */
  tokens(): number {
    return this.#estimate.tokens();
  }

  #take(event: AnswerEvent): void {
    if (event.type === 'usage') this.#usage = event.usage;
    else if (event.type === 'end') this.#end();
    else if (event.type === 'error') {
      this.#failure = event.error;
      return;
    }
    // A stream that breaks off is told as an error: it must not look as if the model had ended it.
    else if (event.type === 'finish' && event.finish.reason === 'incomplete') {
      this.#incomplete.push(event);
      return;
    }
    this.#text += this.#writer.write(this.#named(event));
  }

  /** With an end, but not a word why: the caller gets both, and nobody takes the answer for whole. */
  #end(): void {
    this.#isEnded = true;
    for (const finish of this.#incomplete) this.#text += this.#writer.write(finish);
  }

  #named(event: AnswerEvent): AnswerEvent {
    if (event.type !== 'open' || event.start.kind !== 'tool_call' || event.start.id !== '') return event;
    return { ...event, start: { ...event.start, id: callId(this.#requestId, this.#calls++) } };
  }

  #written(): Buffer | null {
    if (this.#text === '') return null;
    const bytes = Buffer.from(this.#text, 'utf8');
    this.#text = '';
    return bytes;
  }
}
