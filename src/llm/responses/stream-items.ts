/** Items of a stream as a client receives them, from their first event to their last. */
import type { Annotation, Signature, TokenLogprob } from '../canonical.ts';
import type { JsonRecord } from '../record.ts';
import type { Report } from '../report.ts';
import { writeAnnotation, writeLogprob } from './annotations.ts';
import { reportSource } from './reports.ts';
import { callItem, messageItem, reasoningItem, type ItemStatus } from './output-items.ts';

/** Sends an event; `output_index` and `sequence_number` are added by who sends. */
export type Send = (type: string, members: JsonRecord) => void;

/** An item whose end has not come. */
export interface OpenItem {
  delta(text: string): void;
  annotation?(annotation: Annotation, report: Report): void;
  logprobs?(logprobs: readonly TokenLogprob[]): void;
  signature?(signature: Signature, redacted: boolean): void;
  /** Ends the part; a message may go on with another. */
  close(): void;
  /** Ends the item, and returns it whole. */
  finish(status: ItemStatus): JsonRecord;
}

/** A message, whose content may have several parts. */
export class OpenMessage implements OpenItem {
  readonly #id: string;
  readonly #send: Send;
  readonly #content: JsonRecord[] = [];
  #kind: 'text' | 'refusal' = 'text';
  #text = '';
  #annotations: JsonRecord[] = [];
  #logprobs: JsonRecord[] = [];

  constructor(id: string, send: Send) {
    this.#id = id;
    this.#send = send;
    send('response.output_item.added', { item: messageItem(id, [], 'in_progress') });
  }

  open(kind: 'text' | 'refusal'): void {
    this.#kind = kind;
    this.#text = '';
    this.#annotations = [];
    this.#logprobs = [];
    this.#sendPart('response.content_part.added', { part: this.#part() });
  }

  delta(text: string): void {
    this.#text += text;
    if (this.#kind === 'refusal') this.#sendPart('response.refusal.delta', { delta: text });
    else this.#sendPart('response.output_text.delta', { delta: text, logprobs: [] });
  }

  annotation(annotation: Annotation, report: Report): void {
    if (this.#kind === 'refusal') return;
    const written = writeAnnotation(annotation);
    if (written === null) return reportSource(report);
    this.#sendPart('response.output_text.annotation.added', {
      annotation_index: this.#annotations.length,
      annotation: written,
    });
    this.#annotations.push(written);
  }

  logprobs(logprobs: readonly TokenLogprob[]): void {
    if (this.#kind === 'refusal') return;
    const written = logprobs.map(writeLogprob);
    this.#logprobs.push(...written);
    this.#sendPart('response.output_text.delta', { delta: '', logprobs: written });
  }

  close(): void {
    const part = this.#part();
    if (this.#kind === 'refusal') this.#sendPart('response.refusal.done', { refusal: this.#text });
    else this.#sendPart('response.output_text.done', { text: this.#text, logprobs: this.#logprobs });
    this.#sendPart('response.content_part.done', { part });
    this.#content.push(part);
  }

  finish(status: ItemStatus): JsonRecord {
    return messageItem(this.#id, this.#content, status);
  }

  #part(): JsonRecord {
    if (this.#kind === 'refusal') return { type: 'refusal', refusal: this.#text };
    return { type: 'output_text', text: this.#text, annotations: this.#annotations, logprobs: this.#logprobs };
  }

  #sendPart(type: string, members: JsonRecord): void {
    this.#send(type, { item_id: this.#id, content_index: this.#content.length, ...members });
  }
}

/** Reasoning: what is shown of it is one summary. */
export class OpenReasoning implements OpenItem {
  readonly #id: string;
  readonly #send: Send;
  #text = '';
  #isShown = false;
  #signature: Signature | null = null;
  #redacted = false;

  constructor(id: string, send: Send) {
    this.#id = id;
    this.#send = send;
    send('response.output_item.added', { item: reasoningItem(id, { kind: 'thinking', text: '', signature: null }) });
  }

  delta(text: string): void {
    if (!this.#isShown) this.#sendSummary('response.reasoning_summary_part.added', { part: summaryPart('') });
    this.#isShown = true;
    this.#text += text;
    this.#sendSummary('response.reasoning_summary_text.delta', { delta: text });
  }

  signature(signature: Signature, redacted: boolean): void {
    this.#signature = signature;
    this.#redacted = redacted;
  }

  close(): void {
    if (!this.#isShown) return;
    this.#sendSummary('response.reasoning_summary_text.done', { text: this.#text });
    this.#sendSummary('response.reasoning_summary_part.done', { part: summaryPart(this.#text) });
  }

  finish(): JsonRecord {
    const redacted = this.#redacted;
    return reasoningItem(this.#id, { kind: 'thinking', text: this.#text, signature: this.#signature, redacted });
  }

  #sendSummary(type: string, members: JsonRecord): void {
    this.#send(type, { item_id: this.#id, summary_index: 0, ...members });
  }
}

function summaryPart(text: string): JsonRecord {
  return { type: 'summary_text', text };
}

/**
 * A call. A signature travels within the call's id, which the item's first event tells: that event
 * waits for the second piece of the input or for the close, as a signature may come after an input
 * that is told whole (Gemini).
 */
export class OpenCall implements OpenItem {
  readonly #send: Send;
  readonly #facts: { readonly id: string; readonly callId: string; readonly name: string; readonly custom: boolean };
  #input = '';
  #signature: Signature | undefined;
  #first: string | null = null;
  #isAdded = false;

  constructor(facts: { id: string; callId: string; name: string; custom: boolean }, send: Send) {
    this.#facts = facts;
    this.#send = send;
  }

  delta(text: string): void {
    if (!this.#isAdded && this.#first === null) {
      this.#first = text;
      return;
    }
    this.#add();
    this.#tell(text);
  }

  signature(signature: Signature): void {
    if (!this.#isAdded) this.#signature = signature;
  }

  close(): void {
    this.#add();
    if (this.#input === '' && !this.#facts.custom) this.#tell('{}');
    this.#sendInput('done', this.#facts.custom ? { input: this.#input } : { arguments: this.#input });
  }

  finish(status: ItemStatus): JsonRecord {
    return this.#item(status);
  }

  #add(): void {
    if (this.#isAdded) return;
    this.#isAdded = true;
    this.#send('response.output_item.added', { item: this.#item('in_progress') });
    if (this.#first !== null) this.#tell(this.#first);
  }

  #tell(text: string): void {
    this.#input += text;
    this.#sendInput('delta', { delta: text });
  }

  #item(status: ItemStatus): JsonRecord {
    return callItem({ ...this.#facts, signature: this.#signature, input: this.#input }, status);
  }

  #sendInput(what: 'delta' | 'done', members: JsonRecord): void {
    const family = this.#facts.custom ? 'custom_tool_call_input' : 'function_call_arguments';
    this.#send(`response.${family}.${what}`, { item_id: this.#facts.id, ...members });
  }
}
