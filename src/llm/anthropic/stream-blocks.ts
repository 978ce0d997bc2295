/** The blocks of a stream, as parts that follow each other. */
import type { AnswerEvent, PartStart } from '../canonical.ts';
import type { JsonRecord } from '../record.ts';
import { isRecord, parsedOrUndefined, textOf } from '../record.ts';
import { readCitation } from './citations.ts';

/** What is told of a block as it goes; the number of its part is given when it is told. */
export type BlockEvent =
  | { readonly type: 'open'; readonly start: PartStart }
  | Exclude<Extract<AnswerEvent, { choice: number }>, { type: 'open' | 'finish' }>;

/** Reads one block. */
export class Block {
  readonly #emit: (event: BlockEvent) => void;
  readonly #start: JsonRecord;
  readonly kind: 'text' | 'thinking' | 'tool_call' | 'opaque';
  #length = 0;
  /** An opaque block's input, or content, so far. */
  #input = '';
  #content = '';
  #signature: string | null = null;
  readonly #citations: JsonRecord[] = [];

  constructor(start: JsonRecord, emit: (event: BlockEvent) => void) {
    this.#start = start;
    this.#emit = emit;
    this.kind = kindOf(start['type']);
    this.#begin();
  }

  #begin(): void {
    const { text, thinking, signature, id, name, citations } = this.#start;
    switch (this.kind) {
      case 'text':
        this.#emit({ type: 'open', start: { kind: 'text' } });
        if (Array.isArray(citations)) this.#citations.push(...citations.filter(isRecord));
        return this.#delta(text);
      case 'thinking':
        this.#emit({ type: 'open', start: { kind: 'thinking' } });
        if (typeof signature === 'string' && signature !== '') this.#signature = signature;
        return this.#delta(thinking);
      case 'tool_call':
        return this.#emit({ type: 'open', start: { kind: 'tool_call', id: textOf(id), name: textOf(name) } });
      case 'opaque':
    }
  }

  take(delta: JsonRecord): void {
    switch (delta['type']) {
      case 'text_delta':
        if (this.kind === 'text') this.#delta(delta['text']);
        return;
      case 'thinking_delta':
        if (this.kind === 'thinking') this.#delta(delta['thinking']);
        return;
      case 'input_json_delta':
        if (this.kind === 'tool_call') this.#delta(delta['partial_json']);
        else this.#input += textOf(delta['partial_json']);
        return;
      case 'signature_delta':
        this.#signature = textOf(delta['signature']);
        return;
      case 'citations_delta':
        if (isRecord(delta['citation'])) this.#citations.push(delta['citation']);
        return;
      default:
        // For example `compaction_delta`, whose text is the block's content.
        this.#content += textOf(delta['content']);
    }
  }

  /** The block is whole. */
  stop(): void {
    if (this.kind === 'opaque') this.#emit({ type: 'open', start: this.#opaque() });
    else this.#complete();
    this.#emit({ type: 'close', choice: 0 });
  }

  #complete(): void {
    // A call without arguments has deltas without text, or none.
    if (this.kind === 'tool_call' && this.#length === 0)
      this.#delta(JSON.stringify(recordOrEmpty(this.#start['input'])));
    const text = { length: this.#length };
    for (const raw of this.#citations)
      this.#emit({ type: 'annotation', choice: 0, annotation: readCitation(raw, text) });
    const redacted = this.#start['type'] === 'redacted_thinking';
    const value = redacted ? textOf(this.#start['data']) : this.#signature;
    if (this.kind !== 'thinking' || value === null || value === '') return;
    const signature = { of: 'anthropic', value } as const;
    this.#emit({ type: 'signature', choice: 0, signature, ...(redacted ? { redacted } : {}) });
  }

  #opaque(): PartStart {
    const input = parsedOrUndefined(this.#input);
    const value = {
      ...this.#start,
      ...(isRecord(input) ? { input } : {}),
      ...(this.#content === '' ? {} : { content: this.#content }),
    };
    return { kind: 'opaque', of: 'anthropic', value };
  }

  #delta(text: unknown): void {
    if (typeof text !== 'string' || text === '') return;
    this.#length += text.length;
    this.#emit({ type: 'delta', choice: 0, text });
  }
}

function kindOf(type: unknown): Block['kind'] {
  switch (type) {
    case 'text':
    case 'thinking':
      return type;
    case 'redacted_thinking':
      return 'thinking';
    case 'tool_use':
      return 'tool_call';
    default:
      return 'opaque';
  }
}

function recordOrEmpty(value: unknown): JsonRecord {
  return isRecord(value) ? value : {};
}
