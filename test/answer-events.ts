/** Events of a stream gathered into an answer, with the promises of every stream reader checked. */
import { expect } from 'vitest';
import type { Annotation, AnswerEvent, Finish, PartStart, Signature } from '../src/llm/canonical.ts';
import type { StreamReader } from '../src/llm/codec.ts';
import type { Usage } from '../src/llm/dialect.ts';

export interface GatheredPart {
  readonly start: PartStart;
  readonly text: string;
  readonly signature?: Signature;
  readonly redacted?: boolean;
  readonly annotations?: readonly Annotation[];
}

export interface Gathered {
  readonly id: string;
  readonly parts: readonly GatheredPart[];
  readonly finish: Finish | null;
  readonly usage: Usage | null;
  readonly ended: boolean;
}

type Read = (onEvent: (event: AnswerEvent) => void) => StreamReader;

/** All events of these bytes, split at these places; each chunk's memory is wiped after it was pushed. */
export function eventsOf(read: Read, bytes: Uint8Array, cuts: readonly number[] = []): AnswerEvent[] {
  const events: AnswerEvent[] = [];
  const reader = read((event) => events.push(event));
  const places = [0, ...cuts.map((cut) => Math.min(cut, bytes.length)).sort((a, b) => a - b), bytes.length];
  for (let i = 1; i < places.length; i++) {
    const chunk = Uint8Array.from(bytes.subarray(places[i - 1], places[i]));
    reader.push(chunk);
    chunk.fill(0);
  }
  reader.end();
  return events;
}

/** The one choice of a stream; fails where a promise to the users of events is broken. */
export function gathered(events: readonly AnswerEvent[]): Gathered {
  const parts: GatheredPart[] = [];
  let id = '';
  let finish: Finish | null = null;
  let usage: Usage | null = null;
  let open = false;
  const change = (part: Partial<GatheredPart>): void => {
    expect(open).toBe(true);
    const last = parts.pop();
    if (last !== undefined) parts.push({ ...last, ...part });
  };
  for (const [i, event] of events.entries()) {
    if (event.type !== 'error') expect(event.type === 'start').toBe(i === 0);
    switch (event.type) {
      case 'start':
        id = event.id;
        break;
      case 'open':
        expect(open || finish !== null).toBe(false);
        expect(event.part).toBe(parts.length);
        parts.push({ start: event.start, text: '' });
        open = true;
        break;
      case 'delta':
        expect(event.text).not.toBe('');
        change({ text: (parts.at(-1)?.text ?? '') + event.text });
        break;
      case 'annotation':
        change({ annotations: [...(parts.at(-1)?.annotations ?? []), event.annotation] });
        break;
      case 'signature':
        expect(parts.at(-1)?.signature).toBeUndefined();
        change({ signature: event.signature, ...(event.redacted === true ? { redacted: true } : {}) });
        break;
      case 'logprobs':
        expect(open).toBe(true);
        break;
      case 'close':
        expect(open).toBe(true);
        open = false;
        break;
      case 'finish':
        expect(open || finish !== null).toBe(false);
        finish = event.finish;
        break;
      case 'usage':
        usage = event.usage;
        break;
      case 'end':
        expect(finish).not.toBeNull();
        expect(i).toBe(events.length - 1);
        break;
      case 'error':
        expect(i).toBe(events.length - 1);
        break;
    }
  }
  const ended = events.at(-1)?.type === 'end';
  if (events.length > 0 && events.at(-1)?.type !== 'error') expect(finish).not.toBeNull();
  return { id, parts, finish, usage, ended };
}
