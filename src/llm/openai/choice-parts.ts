/**
 * Puts what a provider sends of one choice in the order that `AnswerEvent` promises: parts follow each
 * other, one open at a time. What belongs to a later part while a call's arguments are not whole is held back.
 */
import type { AnswerEvent, Annotation, Finish, MediaPart, Signature, TokenLogprob } from '../canonical.ts';
import { AnswerFault } from '../faults.ts';
import { JsonEnd } from './json-end.ts';

const HELD_CHARS_MAX = 16 * 1024 * 1024;

/** A piece of a tool call, as a delta tells it. */
export interface CallPiece {
  /** Null where the vendor does not number calls (Mistral). */
  readonly index: number | null;
  readonly id: string;
  readonly name: string;
  readonly arguments: string;
  readonly custom: boolean;
}

type Said = 'text' | 'thinking' | 'refusal';

interface QueuedPart {
  readonly kind: Said | 'media' | 'call';
  /** What is to be told once it is open. */
  held: AnswerEvent[];
  isOpen: boolean;
  isSigned: boolean;
  /** Pieces of reasoning of one number belong together. */
  readonly number: number | null;
  readonly media: MediaPart | null;
  readonly call: CallState | null;
}

interface CallState {
  id: string;
  name: string;
  readonly custom: boolean;
  readonly end: JsonEnd;
  hasArguments: boolean;
}

export class ChoiceParts {
  readonly #choice: number;
  readonly #emit: (event: AnswerEvent) => void;
  /** The first is the open one. */
  readonly #queue: QueuedPart[] = [];
  readonly #byIndex = new Map<number, QueuedPart>();
  readonly #byId = new Map<string, QueuedPart>();
  #lastCall: QueuedPart | undefined;
  #opened = 0;
  #heldChars = 0;
  hasCall = false;
  hasRefusal = false;

  constructor(choice: number, emit: (event: AnswerEvent) => void) {
    this.#choice = choice;
    this.#emit = emit;
  }

  said(kind: Said, text: string, number: number | null = null): void {
    if (kind === 'refusal') this.hasRefusal = true;
    this.#tell(this.#sayingPart(kind, number), { type: 'delta', choice: this.#choice, text }, text.length);
  }

  signed(signature: Signature, redacted: boolean, number: number | null): void {
    const part = redacted ? this.#begin(emptyPart('thinking', number)) : this.#sayingPart('thinking', number);
    const event: AnswerEvent = { type: 'signature', choice: this.#choice, signature, ...(redacted && { redacted }) };
    part.isSigned = true;
    this.#tell(part, event, signature.value.length);
  }

  /** What is told of the text that is being said; false where none is. */
  annotated(annotations: readonly Annotation[]): boolean {
    const part = this.#queue.at(-1);
    if (part?.kind !== 'text') return false;
    for (const annotation of annotations) this.#tell(part, { type: 'annotation', choice: this.#choice, annotation }, 0);
    return true;
  }

  logprobs(logprobs: readonly TokenLogprob[]): void {
    const part = this.#queue.at(-1);
    if (part?.kind !== 'text' && part?.kind !== 'refusal') return;
    this.#tell(part, { type: 'logprobs', choice: this.#choice, logprobs }, 0);
  }

  media(media: MediaPart): void {
    this.#begin({ ...emptyPart('media', null), media });
  }

  called(piece: CallPiece): void {
    const part = this.#callPart(piece);
    const { call } = part;
    if (call === null) return;
    if (call.name === '') call.name = piece.name;
    if (call.id === '') call.id = piece.id;
    this.#openHead();
    // What follows a whole object would only spoil it.
    if (piece.arguments === '' || call.end.isWhole) return;
    if (!call.custom) call.end.push(piece.arguments);
    if (piece.arguments.trim() !== '') call.hasArguments = true;
    this.#tell(part, { type: 'delta', choice: this.#choice, text: piece.arguments }, piece.arguments.length);
    this.#advance();
  }

  finish(finish: Finish): void {
    while (this.#queue.length > 0) this.#closeHead();
    this.#emit({ type: 'finish', choice: this.#choice, finish });
  }

  /** The part that more of this kind belongs to. */
  #sayingPart(kind: Said, number: number | null): QueuedPart {
    const last = this.#queue.at(-1);
    return last?.kind === kind && last.number === number && !last.isSigned
      ? last
      : this.#begin(emptyPart(kind, number));
  }

  #callPart(piece: CallPiece): QueuedPart {
    const known = this.#knownCall(piece);
    if (known !== undefined && !isAnother(known, piece)) return known;
    const { id, name, custom } = piece;
    const call = { id, name, custom, end: new JsonEnd(), hasArguments: false };
    const part = this.#begin({ ...emptyPart('call', null), call });
    if (piece.index !== null) this.#byIndex.set(piece.index, part);
    if (id !== '') this.#byId.set(id, part);
    this.#lastCall = part;
    this.hasCall = true;
    return part;
  }

  #knownCall({ index, id, name }: CallPiece): QueuedPart | undefined {
    if (index !== null) return this.#byIndex.get(index);
    if (id !== '') return this.#byId.get(id);
    return name === '' ? this.#lastCall : undefined;
  }

  #begin(part: QueuedPart): QueuedPart {
    this.#queue.push(part);
    this.#advance();
    return part;
  }

  #tell(part: QueuedPart, event: AnswerEvent, chars: number): void {
    if (part.isOpen && part === this.#queue[0]) return this.#emit(event);
    // A part that is closed takes no more.
    if (part.isOpen) return;
    this.#heldChars += chars;
    if (this.#heldChars > HELD_CHARS_MAX) throw new AnswerFault('too much of the stream came before its turn');
    part.held.push(event);
  }

  /** Opens the next part as soon as the one before it is whole. */
  #advance(): void {
    for (let head = this.#queue[0]; head !== undefined && this.#queue.length > 1; head = this.#queue[0]) {
      if (head.call !== null && !head.call.end.isWhole) break;
      this.#closeHead();
    }
    this.#openHead();
  }

  #openHead(): void {
    const head = this.#queue[0];
    // A call begins with its name.
    if (head !== undefined && head.call?.name !== '') this.#open(head);
  }

  #open(part: QueuedPart): void {
    if (part.isOpen) return;
    part.isOpen = true;
    this.#emit({ type: 'open', choice: this.#choice, part: this.#opened++, start: startOf(part) });
    for (const event of part.held) this.#emit(event);
    part.held = [];
  }

  #closeHead(): void {
    const head = this.#queue[0];
    if (head === undefined) return;
    this.#open(head);
    if (head.call !== null && !head.call.custom && !head.call.hasArguments)
      this.#emit({ type: 'delta', choice: this.#choice, text: '{}' });
    this.#emit({ type: 'close', choice: this.#choice });
    this.#queue.shift();
  }
}

function emptyPart(kind: QueuedPart['kind'], number: number | null): QueuedPart {
  return { kind, held: [], isOpen: false, isSigned: false, number, media: null, call: null };
}

function startOf({ kind, media, call }: QueuedPart): Extract<AnswerEvent, { readonly type: 'open' }>['start'] {
  if (media !== null) return media;
  if (call !== null) return { kind: 'tool_call', id: call.id, name: call.name, ...(call.custom && { custom: true }) };
  return { kind: kind === 'thinking' || kind === 'refusal' ? kind : 'text' };
}

/** Some vendors give every call the number 0. */
function isAnother({ call }: QueuedPart, piece: CallPiece): boolean {
  if (call === null || piece.name === '' || call.name === '') return false;
  if (piece.id !== '' && call.id !== '') return piece.id !== call.id;
  return call.end.isWhole && piece.arguments.trim() !== '';
}
