/** A provider's stream (https://platform.openai.com/docs/api-reference/responses-streaming), read with tolerance. */
import type { AnswerEvent, Finish } from '../canonical.ts';
import type { StreamReader } from '../codec.ts';
import { EventReader } from '../event-reader.ts';
import { AnswerFault } from '../faults.ts';
import { countOf, isRecord, parsedOrUndefined, recordOf, textOf, type JsonRecord } from '../record.ts';
import { responsesUsage } from './dialect.ts';
import { readFinish } from './finish.ts';
import { OneAtATime } from './one-at-a-time.ts';
import { answerFacts } from './read-answer.ts';
import { beginItem, type StreamItem } from './read-stream-items.ts';
import { streamErrorOf } from './stream-error.ts';

export function readStream(onEvent: (event: AnswerEvent) => void): StreamReader {
  return new ResponseReader(onEvent);
}

class ResponseReader implements StreamReader {
  readonly #onEvent: (event: AnswerEvent) => void;
  readonly #events: EventReader;
  readonly #parts: OneAtATime;
  /** By `output_index`: ids may change from event to event (GitHub Copilot). */
  readonly #items = new Map<number, StreamItem>();
  #last = -1;
  #next = 0;
  #isStarted = false;
  #isOver = false;

  constructor(onEvent: (event: AnswerEvent) => void) {
    this.#onEvent = onEvent;
    this.#parts = new OneAtATime(onEvent);
    this.#events = new EventReader((name, data) => this.#read(name, data));
  }

  push(chunk: Uint8Array): void {
    if (!this.#isOver) this.#events.push(chunk);
  }

  end(): void {
    if (this.#isOver) return;
    this.#events.end();
    if (this.#isOver) return;
    this.#isOver = true;
    if (!this.#isStarted) return;
    for (const item of this.#items.values()) item.finish(null);
    this.#onEvent({ type: 'finish', choice: 0, finish: { reason: 'incomplete' } });
  }

  #read(name: string, data: string): void {
    if (this.#isOver) return;
    const event = parsedOrUndefined(data);
    if (!isRecord(event)) return;
    const type = textOf(event['type']) || name;
    if (type === '' || type === 'message') return this.#readStranger(event);
    if (type === 'error') return this.#fail(event);
    const response = event['response'];
    if (isRecord(response) && type.startsWith('response.')) return this.#readLifecycle(type, response);
    this.#readItemEvent(type, event);
  }

  /** Not of this dialect: an error in another's form, or the wrong endpoint. */
  #readStranger(event: JsonRecord): void {
    if (isRecord(event['error'])) return this.#fail(event);
    if (event['choices'] !== undefined || event['candidates'] !== undefined)
      throw new AnswerFault('the stream is not of OpenAI Responses: its events have no type');
  }

  #readLifecycle(type: string, response: JsonRecord): void {
    this.#start(response);
    switch (type) {
      case 'response.completed':
      case 'response.incomplete':
        return this.#complete(response, type.slice('response.'.length));
      case 'response.failed':
        this.#tellUsage(response);
        return this.#fail(response);
      default:
        return;
    }
  }

  #readItemEvent(type: string, event: JsonRecord): void {
    const index = countOf(event['output_index']) ?? this.#last;
    const item = recordOf(event['item']);
    if (type === 'response.output_item.added') return this.#begin(index, item);
    if (type === 'response.output_item.done') {
      this.#begin(index, item);
      return this.#items.get(index)?.finish(item);
    }
    if (type.startsWith('response.')) this.#items.get(index)?.take(type, event);
  }

  #begin(index: number, item: JsonRecord): void {
    if (this.#items.has(index) || typeof item['type'] !== 'string') return;
    this.#start({});
    this.#last = index;
    this.#next = Math.max(this.#next, index + 1);
    this.#items.set(index, beginItem(item, this.#parts));
  }

  #complete(response: JsonRecord, ending: string): void {
    this.#takeMissed(response['output']);
    for (const item of this.#items.values()) item.finish(null);
    this.#tellUsage(response);
    const calls = [...this.#items.values()].some(({ type }) => type === 'function_call' || type === 'custom_tool_call');
    const status = textOf(response['status']);
    const finish: Finish = readFinish(
      response,
      status === 'incomplete' || status === 'completed' ? status : ending,
      calls,
    );
    this.#onEvent({ type: 'finish', choice: 0, finish });
    this.#onEvent({ type: 'end' });
    this.#isOver = true;
  }

  /** The last event repeats all items: the nth of a type is the nth that the stream told of it. */
  #takeMissed(output: unknown): void {
    if (!Array.isArray(output)) return;
    const seen = Map.groupBy(this.#items.values(), ({ type }) => type);
    const counts = new Map<string, number>();
    for (const item of output.filter(isRecord)) {
      const type = textOf(item['type']);
      const nth = counts.get(type) ?? 0;
      counts.set(type, nth + 1);
      const known = seen.get(type)?.[nth];
      if (known !== undefined) known.finish(item);
      else this.#takeWhole(item);
    }
  }

  #takeWhole(item: JsonRecord): void {
    const index = this.#next;
    this.#begin(index, item);
    this.#items.get(index)?.finish(item);
  }

  #tellUsage(response: JsonRecord): void {
    const usage = responsesUsage(response['usage']);
    if (usage !== null) this.#onEvent({ type: 'usage', usage });
  }

  #fail(event: JsonRecord): void {
    this.#isOver = true;
    this.#onEvent({ type: 'error', error: streamErrorOf(event) });
  }

  #start(response: JsonRecord): void {
    if (this.#isStarted) return;
    this.#isStarted = true;
    this.#onEvent({ type: 'start', ...answerFacts(response) });
  }
}
