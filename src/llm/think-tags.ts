/**
 * Reasoning that models write into their text: `<think>…</think>` at its very start (DeepSeek-R1, Qwen,
 * MiniMax and others, on hosts that do not take it out). Tags further on are text, and so is all before a
 * `</think>` that nothing opened: by then it would have been told already.
 */
import type { ContentPiece } from './openai/answer-content.ts';

const OPENING = '<think>';
const CLOSING = '</think>';
/** More white space than this before a tag, and it is none. */
const SPACE_MAX = 64;

/** Tells the reasoning of one message from its text. Any split of the text tells the same. */
export class ThinkTags {
  #state: 'start' | 'thinking' | 'text' = 'start';
  /** What may still be a tag, and the white space before the first. */
  #held = '';
  /** White space behind a tag says nothing. */
  #skipsSpace = false;
  /** How many characters before the text were told apart from it. */
  removed = 0;

  /** Nothing is decided yet: all that came is held back. */
  get isAtStart(): boolean {
    return this.#state === 'start';
  }

  read(pieces: readonly ContentPiece[]): readonly ContentPiece[] {
    return pieces.flatMap((piece) => (piece.kind === 'text' ? this.#read(piece.text) : [...this.end(), piece]));
  }

  /** Something else follows, or nothing: what is held back is no tag. */
  end(): readonly ContentPiece[] {
    const held = this.#held;
    this.#held = '';
    if (this.#state === 'thinking') return this.#said('thinking', held);
    this.#state = 'text';
    return this.#said('text', held);
  }

  #read(text: string): readonly ContentPiece[] {
    const all = this.#held + text;
    this.#held = '';
    switch (this.#state) {
      case 'start':
        return this.#readStart(all);
      case 'thinking':
        return this.#readThinking(all);
      case 'text':
        return this.#said('text', all);
    }
  }

  #readStart(text: string): readonly ContentPiece[] {
    const word = text.trimStart();
    const space = text.length - word.length;
    if (space <= SPACE_MAX && word.startsWith(OPENING)) {
      this.#state = 'thinking';
      this.#skipsSpace = true;
      this.removed = space + OPENING.length;
      return this.#readThinking(word.slice(OPENING.length));
    }
    if (space <= SPACE_MAX && OPENING.startsWith(word)) {
      this.#held = text;
      return [];
    }
    this.#state = 'text';
    return this.#said('text', text);
  }

  #readThinking(text: string): readonly ContentPiece[] {
    const at = text.indexOf(CLOSING);
    if (at < 0) {
      const safe = text.length - heldBack(text);
      this.#held = text.slice(safe);
      return this.#thought(text.slice(0, safe));
    }
    const thought = this.#thought(text.slice(0, at));
    this.#state = 'text';
    this.#skipsSpace = true;
    this.removed += CLOSING.length;
    return [...thought, ...this.#said('text', text.slice(at + CLOSING.length))];
  }

  #thought(text: string): readonly ContentPiece[] {
    this.removed += text.length;
    return this.#said('thinking', text);
  }

  #said(kind: 'thinking' | 'text', text: string): readonly ContentPiece[] {
    const told = this.#skipsSpace ? text.trimStart() : text;
    if (kind === 'text') this.removed += text.length - told.length;
    if (told === '') return [];
    this.#skipsSpace = false;
    return [{ kind, text: told }];
  }
}

/** How many characters at the end may be the beginning of the closing tag. */
function heldBack(text: string): number {
  for (let length = Math.min(CLOSING.length - 1, text.length); length > 0; length--)
    if (text.endsWith(CLOSING.slice(0, length))) return length;
  return 0;
}
