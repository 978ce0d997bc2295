/** Streams of v2 chat (https://docs.cohere.com/v2/docs/streaming). */
import type { AnswerEvent } from '../canonical.ts';
import type { StreamReader } from '../codec.ts';
import { EventReader } from '../event-reader.ts';
import { AnswerFault } from '../faults.ts';
import { OrderedParts } from '../ordered-parts.ts';
import type { JsonRecord } from '../record.ts';
import { countOf, isRecord, parsedOrUndefined, recordOf } from '../record.ts';
import { TextPlaces, annotationsOf, isOfText } from './citations.ts';
import { cohereFinish } from './finish.ts';
import { logprobsOf } from './logprobs.ts';
import { argumentsOf } from './read-answer.ts';
import { cohereUsage } from './usage.ts';

export function readStream(onEvent: (event: AnswerEvent) => void): StreamReader {
  return new CohereStreamReader(onEvent);
}

const PLAN = 'plan';

class CohereStreamReader implements StreamReader {
  readonly #onEvent: (event: AnswerEvent) => void;
  readonly #frames: EventReader;
  readonly #parts: OrderedParts;
  /** Of each text, by its key, for citations. */
  readonly #places = new Map<string, TextPlaces>();
  /** The beginning of a call's arguments, as long as it may still be the word `null`. */
  readonly #undecided = new Map<string, string>();
  #lastText = '';
  #hasFrames = false;
  #isStarted = false;
  #hasCalls = false;
  /** After `end` or `error` nothing counts. */
  #isOver = false;

  constructor(onEvent: (event: AnswerEvent) => void) {
    this.#onEvent = onEvent;
    this.#parts = new OrderedParts(0, onEvent);
    this.#frames = new EventReader((name, data) => this.#frame(name, data));
  }

  push(chunk: Uint8Array): void {
    if (!this.#isOver) this.#frames.push(chunk);
  }

  end(): void {
    if (this.#isOver) return;
    this.#frames.end();
    if (this.#isOver) return;
    this.#isOver = true;
    if (this.#isStarted) return this.#finish({ reason: 'incomplete' });
    if (this.#hasFrames) throw new AnswerFault('no event of the stream is one of Cohere’s');
  }

  #frame(name: string, data: string): void {
    const body = parsedOrUndefined(data);
    this.#hasFrames = true;
    if (this.#isOver || !isRecord(body)) return;
    const type = typeof body['type'] === 'string' ? body['type'] : name;
    const delta = recordOf(body['delta']);
    const message = recordOf(delta['message']);
    const index = countOf(body['index']) ?? 0;
    switch (type) {
      case 'message-start':
        return this.#start(body['id']);
      case 'content-start':
      case 'content-delta':
        return this.#content(`content ${index}`, recordOf(message['content']), delta['logprobs']);
      case 'content-end':
        // A text stays open until something else begins: citations may follow it.
        return;
      case 'tool-plan-delta':
        return this.#text(PLAN, 'thinking', message['tool_plan']);
      case 'tool-call-start':
        return this.#callStart(`call ${index}`, recordOf(message['tool_calls']));
      case 'tool-call-delta':
        return this.#callDelta(`call ${index}`, recordOf(recordOf(message['tool_calls'])['function'])['arguments']);
      case 'tool-call-end':
        return this.#callEnd(`call ${index}`);
      case 'citation-start':
        return this.#citation(recordOf(message['citations']));
      case 'message-end':
        return this.#messageEnd(delta);
      default:
        if (typeof body['message'] === 'string' && !Object.hasOwn(body, 'delta')) this.#fail(type, body['message']);
    }
  }

  #start(id: unknown): void {
    if (this.#isStarted) return;
    this.#isStarted = true;
    this.#onEvent({ type: 'start', id: typeof id === 'string' ? id : '', model: '', createdS: null, extra: {} });
  }

  #content(key: string, content: JsonRecord, logprobs: unknown): void {
    const { type, text, thinking } = content;
    if (typeof thinking === 'string' || type === 'thinking') return this.#text(key, 'thinking', thinking);
    if (typeof text !== 'string' && type !== 'text') return;
    this.#text(key, 'text', text);
    const probabilities = logprobsOf(logprobs);
    if (probabilities.length > 0) this.#parts.logprobs(key, probabilities);
  }

  #text(key: string, kind: 'text' | 'thinking', text: unknown): void {
    if (typeof text !== 'string') return;
    this.#start(undefined);
    if (!this.#parts.has(key)) {
      // Nothing came yet, perhaps nothing will.
      if (text === '' && key === PLAN) return;
      this.#parts.begin(key, { kind });
      this.#places.set(key, new TextPlaces());
      if (kind === 'text') this.#lastText = key;
    }
    if (kind === 'text') this.#places.get(key)?.append(text);
    this.#parts.delta(key, text);
  }

  #callStart(key: string, call: JsonRecord): void {
    if (this.#parts.has(key)) return;
    this.#start(undefined);
    this.#hasCalls = true;
    const { id, function: called } = call;
    const { name, arguments: first } = recordOf(called);
    this.#parts.begin(key, {
      kind: 'tool_call',
      id: typeof id === 'string' ? id : '',
      name: typeof name === 'string' ? name : '',
    });
    this.#undecided.set(key, '');
    this.#callDelta(key, first);
  }

  #callDelta(key: string, text: unknown): void {
    if (typeof text !== 'string' || !this.#parts.has(key)) return;
    const held = this.#undecided.get(key);
    if (held === undefined) return this.#parts.delta(key, text);
    const begun = held + text;
    if ('null'.startsWith(begun.trim())) this.#undecided.set(key, begun);
    else {
      this.#undecided.delete(key);
      this.#parts.delta(key, begun);
    }
  }

  #callEnd(key: string): void {
    const held = this.#undecided.get(key);
    this.#undecided.delete(key);
    if (held !== undefined) this.#parts.delta(key, argumentsOf(held));
    this.#parts.end(key);
  }

  #citation(citation: JsonRecord): void {
    if (!isOfText(citation)) return;
    const places = this.#places.get(this.#lastText);
    if (places === undefined) return;
    for (const annotation of annotationsOf(citation, places)) this.#parts.annotate(this.#lastText, annotation);
  }

  #messageEnd(delta: JsonRecord): void {
    const { error, finish_reason: word } = delta;
    if (typeof error === 'string' && error !== '') return this.#fail(typeof word === 'string' ? word : 'ERROR', error);
    this.#start(undefined);
    const usage = cohereUsage(delta['usage']);
    if (usage !== null) this.#onEvent({ type: 'usage', usage });
    this.#finish(cohereFinish(word, this.#hasCalls));
    this.#isOver = true;
    this.#onEvent({ type: 'end' });
  }

  #finish(finish: Extract<AnswerEvent, { type: 'finish' }>['finish']): void {
    for (const key of this.#undecided.keys()) this.#callEnd(key);
    this.#parts.endAll();
    this.#onEvent({ type: 'finish', choice: 0, finish });
  }

  #fail(type: string, message: string): void {
    this.#isOver = true;
    this.#onEvent({ type: 'error', error: { type: type === '' ? 'error' : type, message, status: 500 } });
  }
}
