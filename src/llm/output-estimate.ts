/**
 * How many tokens an answer may have where its provider did not say: by the bytes of all that the model
 * wrote (text, reasoning, refusals, calls), however the answer came. Media and parts that only one
 * dialect understands do not count.
 */
import type { AnswerEvent, ChatAnswer, Part } from './canonical.ts';
import { parsedOrUndefined } from './record.ts';

/** A token has about four bytes of English, three of Chinese. */
const BYTES_PER_TOKEN = 4;

/** Of a whole answer. */
export function estimateOutputTokens({ choices }: ChatAnswer): number {
  let bytes = 0;
  for (const { parts } of choices) for (const part of parts) bytes += partBytes(part);
  return Math.ceil(bytes / BYTES_PER_TOKEN);
}

/** The same of a stream, event by event; of one that is cut, what came. */
export class OutputEstimate {
  #bytes = 0;
  /** Arguments of the open calls, by choice: they are counted once they are whole. */
  readonly #arguments = new Map<number, string>();

  take(event: AnswerEvent): void {
    switch (event.type) {
      case 'open':
        if (event.start.kind !== 'tool_call') return;
        this.#bytes += textBytes(event.start.name);
        this.#arguments.set(event.choice, '');
        return;
      case 'delta': {
        const before = this.#arguments.get(event.choice);
        if (before === undefined) this.#bytes += textBytes(event.text);
        else this.#arguments.set(event.choice, before + event.text);
        return;
      }
      case 'close':
        this.#bytes += argumentBytes(this.#arguments.get(event.choice) ?? '');
        this.#arguments.delete(event.choice);
        return;
      default:
    }
  }

  tokens(): number {
    const open = [...this.#arguments.values()].reduce((bytes, text) => bytes + argumentBytes(text), 0);
    return Math.ceil((this.#bytes + open) / BYTES_PER_TOKEN);
  }
}

function partBytes(part: Part): number {
  switch (part.kind) {
    case 'text':
    case 'thinking':
    case 'refusal':
      return textBytes(part.text);
    case 'tool_call':
      return textBytes(part.name) + argumentBytes(part.arguments);
    default:
      return 0;
  }
}

/** Vendors set whole arguments in another way than streamed ones: white space and escapes do not count. */
function argumentBytes(text: string): number {
  const value = parsedOrUndefined(text);
  return textBytes(value === undefined ? text : JSON.stringify(value));
}

/** In UTF-8; a character that is cut in two counts as much as it does whole. */
function textBytes(text: string): number {
  let bytes = 0;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    const isHalf = unit >= 0xd8_00 && unit <= 0xdf_ff;
    if (unit < 0x80) bytes += 1;
    else bytes += unit < 0x8_00 || isHalf ? 2 : 3;
  }
  return bytes;
}
