/** Items of a provider's stream, from their first event to their last. */
import type { PartStart } from '../canonical.ts';
import { countOf, recordOf, textOf, type JsonRecord } from '../record.ts';
import { contentOf, contentPart } from './answer-items.ts';
import { readAnnotation, readAnnotations, readLogprobs } from './annotations.ts';
import type { Lane, OneAtATime } from './one-at-a-time.ts';
import { PARAGRAPH, reasoningText } from './reasoning.ts';

export interface StreamItem {
  readonly type: string;
  /** An event that belongs to the item. */
  take(type: string, event: JsonRecord): void;
  /** The item is over; what the whole item has beyond its events is told. Null: nobody told it whole. */
  finish(item: JsonRecord | null): void;
}

export function beginItem(item: JsonRecord, parts: OneAtATime): StreamItem {
  const type = textOf(item['type']);
  switch (type) {
    case 'message':
      return new MessageItem(parts);
    case 'reasoning':
      return new ReasoningItem(parts);
    case 'function_call':
    case 'custom_tool_call':
      return new CallItem(type, item, parts);
    default:
      return new WholeItem(type, parts);
  }
}

/** Text that is told piece by piece, and repeated whole at its end. */
class ToldText {
  readonly #parts: OneAtATime;
  readonly lane: Lane;
  #text = '';

  constructor(parts: OneAtATime) {
    this.#parts = parts;
    this.lane = parts.begin();
  }

  get isEmpty(): boolean {
    return this.#text === '';
  }

  open(start: PartStart): void {
    this.#parts.open(this.lane, start);
  }

  add(text: string): void {
    if (text === '' || this.lane.isDone) return;
    this.#text += text;
    this.#parts.tell(this.lane, { type: 'delta', text });
  }

  /** Adds what the whole has beyond what was told; a whole that differs is not believed. */
  complete(whole: string): void {
    if (whole.length > this.#text.length && whole.startsWith(this.#text)) this.add(whole.slice(this.#text.length));
  }

  finish(): void {
    this.#parts.finish(this.lane);
  }
}

class MessageItem implements StreamItem {
  readonly type = 'message';
  readonly #parts: OneAtATime;
  readonly #contents = new Map<number, Content>();

  constructor(parts: OneAtATime) {
    this.#parts = parts;
  }

  take(type: string, event: JsonRecord): void {
    const index = countOf(event['content_index']) ?? 0;
    switch (type) {
      case 'response.content_part.added':
        return this.#content(index, recordOf(event['part'])['type'])?.complete(recordOf(event['part']));
      case 'response.output_text.delta':
        return this.#content(index, 'output_text')?.delta(event);
      case 'response.refusal.delta':
        return this.#content(index, 'refusal')?.delta(event);
      case 'response.output_text.annotation.added':
        return this.#content(index, 'output_text')?.annotate(recordOf(event['annotation']));
      case 'response.content_part.done':
        return this.#finishContent(index, recordOf(event['part']));
      default:
        return;
    }
  }

  finish(item: JsonRecord | null): void {
    if (item !== null) for (const [index, part] of contentOf(item).entries()) this.#finishContent(index, part);
    for (const content of this.#contents.values()) content.finish();
  }

  #finishContent(index: number, part: JsonRecord): void {
    const content = this.#content(index, part['type']);
    content?.complete(part);
    content?.finish();
  }

  #content(index: number, type: unknown): Content | undefined {
    const known = this.#contents.get(index);
    if (known !== undefined) return known;
    if (type !== 'output_text' && type !== 'refusal') return undefined;
    const content = new Content(type === 'refusal' ? 'refusal' : 'text', this.#parts);
    this.#contents.set(index, content);
    return content;
  }
}

/** A text or a refusal of a message. */
class Content {
  readonly #parts: OneAtATime;
  readonly #text: ToldText;
  #annotations = 0;
  #hasLogprobs = false;

  constructor(kind: 'text' | 'refusal', parts: OneAtATime) {
    this.#parts = parts;
    this.#text = new ToldText(parts);
    this.#text.open({ kind });
  }

  delta(event: JsonRecord): void {
    this.#text.add(textOf(event['delta']));
    this.#tellLogprobs(event['logprobs']);
  }

  annotate(raw: JsonRecord): void {
    if (this.#text.lane.isDone || Object.keys(raw).length === 0) return;
    this.#annotations += 1;
    this.#parts.tell(this.#text.lane, { type: 'annotation', annotation: readAnnotation(raw) });
  }

  complete(part: JsonRecord): void {
    if (this.#text.lane.isDone) return;
    this.#text.complete(contentPart(part)?.text ?? '');
    for (const { raw } of readAnnotations(part['annotations']).slice(this.#annotations)) this.annotate(raw);
    if (!this.#hasLogprobs) this.#tellLogprobs(part['logprobs']);
  }

  finish(): void {
    this.#text.finish();
  }

  #tellLogprobs(value: unknown): void {
    const logprobs = readLogprobs(value);
    if (logprobs.length === 0 || this.#text.lane.isDone) return;
    this.#hasLogprobs = true;
    this.#parts.tell(this.#text.lane, { type: 'logprobs', logprobs });
  }
}

class ReasoningItem implements StreamItem {
  readonly type = 'reasoning';
  readonly #parts: OneAtATime;
  readonly #text: ToldText;
  /** A provider tells a summary or the reasoning itself; of both, the first is told on. */
  #told: 'summary' | 'content' | null = null;
  #index = 0;

  constructor(parts: OneAtATime) {
    this.#parts = parts;
    this.#text = new ToldText(parts);
  }

  take(type: string, event: JsonRecord): void {
    if (type === 'response.reasoning_summary_text.delta') this.#add('summary', event['summary_index'], event);
    else if (type === 'response.reasoning_text.delta') this.#add('content', event['content_index'], event);
  }

  finish(item: JsonRecord | null): void {
    if (!this.#text.lane.isDone && item !== null) this.#complete(item);
    this.#text.finish();
  }

  #complete(item: JsonRecord): void {
    const whole = reasoningText(item);
    const encrypted = textOf(item['encrypted_content']);
    if (whole !== '' || encrypted !== '') this.#text.open({ kind: 'thinking' });
    this.#text.complete(whole);
    if (encrypted === '') return;
    const signature = { of: 'openai-responses' as const, value: encrypted };
    this.#parts.tell(this.#text.lane, { type: 'signature', signature });
  }

  #add(what: 'summary' | 'content', index: unknown, event: JsonRecord): void {
    const delta = textOf(event['delta']);
    this.#told ??= what;
    if (delta === '' || this.#told !== what || this.#text.lane.isDone) return;
    this.#text.open({ kind: 'thinking' });
    const place = countOf(index) ?? this.#index;
    if (place !== this.#index && !this.#text.isEmpty) this.#text.add(PARAGRAPH);
    this.#index = place;
    this.#text.add(delta);
  }
}

class CallItem implements StreamItem {
  readonly type: 'function_call' | 'custom_tool_call';
  readonly #text: ToldText;
  readonly #input: 'arguments' | 'input';

  constructor(type: 'function_call' | 'custom_tool_call', item: JsonRecord, parts: OneAtATime) {
    this.type = type;
    this.#text = new ToldText(parts);
    this.#input = type === 'function_call' ? 'arguments' : 'input';
    if (textOf(item['name']) !== '') this.#open(item);
  }

  take(type: string, event: JsonRecord): void {
    // Without a name nobody can be called: the whole item will tell it.
    if (!this.#text.lane.isOpen) return;
    if (type.endsWith('.delta')) this.#text.add(textOf(event['delta']));
    else if (type.endsWith('.done')) this.#text.complete(textOf(event[this.#input]));
  }

  finish(item: JsonRecord | null): void {
    if (this.#text.lane.isDone) return;
    if (item !== null) this.#open(item);
    if (this.#text.lane.isOpen && this.#text.isEmpty && this.type === 'function_call') this.#text.add('{}');
    this.#text.finish();
  }

  #open(item: JsonRecord): void {
    const custom = this.type === 'custom_tool_call';
    this.#text.open({
      kind: 'tool_call',
      id: textOf(item['call_id']),
      name: textOf(item['name']),
      ...(custom && { custom }),
    });
    this.#text.complete(textOf(item[this.#input]));
  }
}

/** What only this dialect understands: told whole, at its end. */
class WholeItem implements StreamItem {
  readonly type: string;
  readonly #parts: OneAtATime;
  readonly #lane: Lane;

  constructor(type: string, parts: OneAtATime) {
    this.type = type;
    this.#parts = parts;
    this.#lane = parts.begin();
  }

  take(): void {
    // Its progress means nothing to other dialects.
  }

  finish(item: JsonRecord | null): void {
    if (this.#lane.isDone) return;
    if (item !== null) this.#parts.open(this.#lane, { kind: 'opaque', of: 'openai-responses', value: item });
    this.#parts.finish(this.#lane);
  }
}
