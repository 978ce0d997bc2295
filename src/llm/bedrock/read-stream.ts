/** Streams of ConverseStream: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStreamOutput.html. */
import { EventStreamFault, EventStreamReader, stringHeader } from '../../lib/aws-event-stream.ts';
import type { EventStreamMessage } from '../../lib/aws-event-stream.ts';
import type { AnswerEvent } from '../canonical.ts';
import type { StreamReader } from '../codec.ts';
import { AnswerFault } from '../faults.ts';
import { OrderedParts } from '../ordered-parts.ts';
import type { JsonRecord } from '../record.ts';
import { countOf, isRecord, parsedOrUndefined, recordOf } from '../record.ts';
import { annotationOf } from './citations.ts';
import { bedrockFinish } from './finish.ts';
import { bedrockUsage } from './usage.ts';

/** The statuses that these exceptions have before a stream. */
const STATUSES: ReadonlyMap<string, number> = new Map([
  ['validationException', 400],
  ['modelTimeoutException', 408],
  ['modelStreamErrorException', 424],
  ['throttlingException', 429],
  ['internalServerException', 500],
  ['serviceUnavailableException', 503],
]);

export function readStream(onEvent: (event: AnswerEvent) => void): StreamReader {
  return new ConverseStreamReader(onEvent);
}

class ConverseStreamReader implements StreamReader {
  readonly #onEvent: (event: AnswerEvent) => void;
  readonly #frames: EventStreamReader;
  readonly #parts: OrderedParts;
  /** Of blocks: how long their text is, and what it rests on. */
  readonly #lengths = new Map<string, number>();
  readonly #citations = new Map<string, readonly JsonRecord[]>();
  #isStarted = false;
  #isFinished = false;
  #hasMetadata = false;
  #hasCalls = false;
  /** After `end` or `error` nothing counts. */
  #isOver = false;

  constructor(onEvent: (event: AnswerEvent) => void) {
    this.#onEvent = onEvent;
    this.#parts = new OrderedParts(0, onEvent);
    this.#frames = new EventStreamReader((message) => this.#message(message));
  }

  push(chunk: Uint8Array): void {
    if (this.#isOver) return;
    try {
      this.#frames.push(chunk);
    } catch (error) {
      this.#isOver = true;
      throw error instanceof EventStreamFault ? new AnswerFault(`no stream of Bedrock: ${error.message}`) : error;
    }
  }

  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (this.#isFinished) return this.#onEvent({ type: 'end' });
    if (!this.#isStarted) return;
    this.#endAll();
    this.#onEvent({ type: 'finish', choice: 0, finish: { reason: 'incomplete' } });
  }

  #message(message: EventStreamMessage): void {
    if (this.#isOver) return;
    const body = parsedOrUndefined(Buffer.from(message.payload).toString('utf8'));
    const kind = stringHeader(message, ':message-type');
    if (kind === 'event') this.#event(stringHeader(message, ':event-type') ?? '', recordOf(body));
    if (kind === 'exception') this.#fail(stringHeader(message, ':exception-type') ?? kind, recordOf(body));
    if (kind === 'error')
      this.#fail(stringHeader(message, ':error-code') ?? kind, { message: stringHeader(message, ':error-message') });
  }

  #fail(type: string, body: JsonRecord): void {
    this.#isOver = true;
    const message = body['message'] ?? body['Message'];
    const status = countOf(body['originalStatusCode']) ?? STATUSES.get(type) ?? 500;
    this.#onEvent({
      type: 'error',
      error: { type, message: typeof message === 'string' && message !== '' ? message : type, status },
    });
  }

  #event(type: string, body: JsonRecord): void {
    switch (type) {
      case 'messageStart':
        return this.#start();
      case 'contentBlockStart':
        return this.#blockStart(keyOf(body), recordOf(body['start']));
      case 'contentBlockDelta':
        return this.#blockDelta(keyOf(body), recordOf(body['delta']));
      case 'contentBlockStop':
        return this.#blockStop(keyOf(body));
      case 'messageStop':
        return this.#stop(body);
      case 'metadata':
        return this.#metadata(body);
    }
  }

  /** A stream may begin with anything. */
  #start(): void {
    if (this.#isStarted) return;
    this.#isStarted = true;
    this.#onEvent({ type: 'start', id: '', model: '', createdS: null, extra: {} });
  }

  /** Only tools need their start: of another block it tells nothing, and often is missing. */
  #blockStart(key: string, start: JsonRecord): void {
    const call = start['toolUse'];
    if (this.#isFinished || !isRecord(call) || call['type'] === 'server_tool_use' || this.#parts.has(key)) return;
    this.#start();
    this.#hasCalls = true;
    const { toolUseId, name } = call;
    this.#parts.begin(key, {
      kind: 'tool_call',
      id: typeof toolUseId === 'string' ? toolUseId : '',
      name: typeof name === 'string' ? name : '',
    });
  }

  #blockDelta(key: string, delta: JsonRecord): void {
    if (this.#isFinished) return;
    const { text, toolUse, reasoningContent, citation } = delta;
    if (typeof text === 'string') {
      this.#begun(key, 'text');
      this.#lengths.set(key, (this.#lengths.get(key) ?? 0) + text.length);
      this.#parts.delta(key, text);
    } else if (isRecord(toolUse)) {
      if (typeof toolUse['input'] === 'string') this.#parts.delta(key, toolUse['input']);
    } else if (isRecord(reasoningContent)) {
      this.#reasoning(key, reasoningContent);
    } else if (isRecord(citation)) {
      this.#begun(key, 'text');
      this.#citations.set(key, [...(this.#citations.get(key) ?? []), citation]);
    }
  }

  #blockStop(key: string): void {
    this.#cite(key);
    this.#parts.end(key);
  }

  /** What a block cites is told when its text is whole. */
  #cite(key: string): void {
    const length = this.#lengths.get(key) ?? 0;
    for (const citation of this.#citations.get(key) ?? [])
      this.#parts.annotate(key, annotationOf(citation, { length }));
    this.#citations.delete(key);
  }

  #endAll(): void {
    for (const key of this.#citations.keys()) this.#cite(key);
    this.#parts.endAll();
  }

  #reasoning(key: string, { text, signature, redactedContent }: JsonRecord): void {
    this.#begun(key, 'thinking');
    if (typeof text === 'string') this.#parts.delta(key, text);
    // Claude's signatures are the same wherever Claude is served.
    if (typeof signature === 'string') this.#parts.sign(key, { of: 'anthropic', value: signature });
    if (typeof redactedContent === 'string') this.#parts.sign(key, { of: 'anthropic', value: redactedContent }, true);
  }

  #begun(key: string, kind: 'text' | 'thinking'): void {
    this.#start();
    if (!this.#parts.has(key)) this.#parts.begin(key, { kind });
  }

  #stop(body: JsonRecord): void {
    if (this.#isFinished) return;
    this.#start();
    this.#endAll();
    this.#isFinished = true;
    const finish = bedrockFinish(body['stopReason'], body['additionalModelResponseFields'], this.#hasCalls);
    this.#onEvent({ type: 'finish', choice: 0, finish });
    if (this.#hasMetadata) this.#close();
  }

  /** Comes last, but elsewhere also before messageStop. */
  #metadata(body: JsonRecord): void {
    const usage = bedrockUsage(body['usage']);
    this.#hasMetadata = true;
    if (usage !== null) {
      this.#start();
      this.#onEvent({ type: 'usage', usage });
    }
    if (this.#isFinished) this.#close();
  }

  #close(): void {
    this.#isOver = true;
    this.#onEvent({ type: 'end' });
  }
}

function keyOf(body: JsonRecord): string {
  return String(countOf(body['contentBlockIndex']) ?? 0);
}
