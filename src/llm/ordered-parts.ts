/**
 * Parts of one choice of a stream, told one after the other, however the provider mixes them: what
 * comes for a later part while a tool's call is open is held back until the call is whole.
 */
import type { Annotation, AnswerEvent, PartStart, Signature, TokenLogprob } from './canonical.ts';
import { AnswerFault } from './faults.ts';

/** Of what waits for an earlier part's end; as large as one event may be. */
const HELD_CHARACTERS_MAX = 16 * 1024 * 1024;

interface Slot {
  readonly key: string;
  readonly start: PartStart;
  /** What came while an earlier part was open. */
  readonly waiting: AnswerEvent[];
  hasText: boolean;
  isOver: boolean;
  signature: Signature | null;
  redacted: boolean;
}

/** Keys are the caller's: one key is one part until it ends. */
export class OrderedParts {
  readonly #choice: number;
  readonly #onEvent: (event: AnswerEvent) => void;
  /** The first is open, the others wait. */
  readonly #slots: Slot[] = [];
  #nextPart = 0;
  #heldCharacters = 0;

  constructor(choice: number, onEvent: (event: AnswerEvent) => void) {
    this.#choice = choice;
    this.#onEvent = onEvent;
  }

  /** Whether a part of this key has begun and not ended. */
  has(key: string): boolean {
    return this.#slots.some((slot) => slot.key === key && !slot.isOver);
  }

  /** Whether any part has begun. */
  get isEmpty(): boolean {
    return this.#nextPart === 0;
  }

  /** Begins a part. It ends what is open, but for a tool's call, which tells its own end. */
  begin(key: string, start: PartStart): void {
    const open = this.#slots[0];
    if (open !== undefined && open.start.kind !== 'tool_call') this.#shift();
    const slot: Slot = { key, start, waiting: [], hasText: false, isOver: false, signature: null, redacted: false };
    this.#slots.push(slot);
    if (this.#slots.length === 1) this.#open(slot);
  }

  delta(key: string, text: string): void {
    const slot = this.#slot(key);
    if (slot === undefined || text === '') return;
    slot.hasText = true;
    this.#tell(slot, { type: 'delta', choice: this.#choice, text }, text.length);
  }

  annotate(key: string, annotation: Annotation): void {
    const slot = this.#slot(key);
    if (slot !== undefined) this.#tell(slot, { type: 'annotation', choice: this.#choice, annotation }, 1);
  }

  logprobs(key: string, logprobs: readonly TokenLogprob[]): void {
    const slot = this.#slot(key);
    if (slot !== undefined) this.#tell(slot, { type: 'logprobs', choice: this.#choice, logprobs }, logprobs.length);
  }

  /** More of the part's signature, which is told whole at its end. */
  sign(key: string, signature: Signature, redacted = false): void {
    const slot = this.#slot(key);
    if (slot === undefined) return;
    slot.signature = { of: signature.of, value: (slot.signature?.value ?? '') + signature.value };
    slot.redacted ||= redacted;
  }

  end(key: string): void {
    const slot = this.#slot(key);
    if (slot === undefined) return;
    slot.isOver = true;
    while (this.#slots[0]?.isOver === true) this.#shift();
  }

  endAll(): void {
    while (this.#slots.length > 0) this.#shift();
  }

  #slot(key: string): Slot | undefined {
    return this.#slots.find((slot) => slot.key === key && !slot.isOver);
  }

  #tell(slot: Slot, event: AnswerEvent, characters: number): void {
    if (slot === this.#slots[0]) return this.#onEvent(event);
    this.#heldCharacters += characters;
    if (this.#heldCharacters > HELD_CHARACTERS_MAX)
      throw new AnswerFault('a stream mixes parts, and too much of them would have to be held back');
    slot.waiting.push(event);
  }

  #open(slot: Slot): void {
    this.#onEvent({ type: 'open', choice: this.#choice, part: this.#nextPart, start: slot.start });
    this.#nextPart += 1;
    for (const event of slot.waiting) this.#onEvent(event);
  }

  /** Closes the open part and opens the one that waited. */
  #shift(): void {
    const slot = this.#slots.shift();
    if (slot === undefined) return;
    const choice = this.#choice;
    // A call's arguments are never empty.
    const isBareCall = slot.start.kind === 'tool_call' && slot.start.custom !== true && !slot.hasText;
    if (isBareCall) this.#onEvent({ type: 'delta', choice, text: '{}' });
    const { signature, redacted } = slot;
    if (signature !== null) this.#onEvent({ type: 'signature', choice, signature, ...(redacted ? { redacted } : {}) });
    this.#onEvent({ type: 'close', choice });
    const next = this.#slots[0];
    if (next === undefined) this.#heldCharacters = 0;
    else this.#open(next);
  }
}
