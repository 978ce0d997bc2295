/** For tests: streams as bytes, as events and as the answers that they amount to. */
import type { AnswerEvent, Annotation, ChatAnswer, Choice, Finish, Part, PartStart, Signature } from '../canonical.ts';
import type { Usage } from '../dialect.ts';
import type { JsonRecord } from '../record.ts';
import { anthropicProvider } from './provider-codec.ts';

/** The events of a stream whose bytes come in pieces. */
export function streamed(bytes: Uint8Array, cuts: readonly number[] = []): readonly AnswerEvent[] {
  const events: AnswerEvent[] = [];
  const reader = anthropicProvider.readStream((event) => events.push(event));
  const places = [0, ...[...cuts].sort((a, b) => a - b), bytes.length];
  for (let index = 1; index < places.length; index++) reader.push(bytes.subarray(places[index - 1], places[index]));
  reader.end();
  return events;
}

export function typesOf(events: readonly AnswerEvent[]): readonly string[] {
  return events.map(({ type }) => type);
}

/** What a stream amounts to; throws where the events break what a reader promises. */
export function collected(events: readonly AnswerEvent[]): ChatAnswer {
  const [start, ...rest] = events;
  if (start?.type !== 'start') throw new Error('no start');
  const parts: Part[] = [];
  let open: OpenPart | null = null;
  let finish: Finish | null = null;
  let usage: Usage | null = null;
  for (const event of rest) {
    if (event.type === 'usage') usage = event.usage;
    else if (event.type === 'open') {
      if (open !== null || finish !== null || event.part !== parts.length) throw new Error('a part out of order');
      open = new OpenPart(event.start);
    } else if (event.type === 'close') {
      if (open === null) throw new Error('nothing to close');
      parts.push(open.part());
      open = null;
    } else if (event.type === 'finish') {
      if (open !== null || finish !== null) throw new Error('a finish out of order');
      ({ finish } = event);
    } else if (event.type !== 'end') open = taken(open, event);
  }
  const choices: Choice[] = finish === null ? [] : [{ index: 0, parts, finish }];
  const { id, model, createdS, extra } = start;
  return { id, model, createdS, choices, usage, extra };
}

function taken(open: OpenPart | null, event: AnswerEvent): OpenPart {
  if (open === null) throw new Error(`${event.type} outside of a part`);
  if (event.type === 'delta') open.text += event.text;
  else if (event.type === 'annotation') open.annotations.push(event.annotation);
  else if (event.type === 'signature') {
    if (open.signature !== null) throw new Error('two signatures');
    open.signature = event.signature;
    open.isRedacted = event.redacted === true;
  } else throw new Error(`${event.type} inside of a part`);
  return open;
}

class OpenPart {
  readonly #start: PartStart;
  text = '';
  readonly annotations: Annotation[] = [];
  signature: Signature | null = null;
  isRedacted = false;

  constructor(start: PartStart) {
    this.#start = start;
  }

  part(): Part {
    const start = this.#start;
    const { text, annotations, signature } = this;
    switch (start.kind) {
      case 'text':
        return { kind: 'text', text, ...(annotations.length === 0 ? {} : { annotations }) };
      case 'refusal':
        return { kind: 'refusal', text };
      case 'thinking':
        return { kind: 'thinking', text, signature, ...(this.isRedacted ? { redacted: true } : {}) };
      case 'tool_call':
        return { ...start, arguments: text, ...(signature === null ? {} : { signature }) };
      default:
        return start;
    }
  }
}

/** A stream of these events, as bytes. */
export function sse(...bodies: readonly JsonRecord[]): Buffer {
  return Buffer.from(
    bodies
      .map(
        (body) =>
          `event: ${typeof body['type'] === 'string' ? body['type'] : 'other'}\ndata: ${JSON.stringify(body)}\n\n`,
      )
      .join(''),
  );
}

export const start = (message: JsonRecord = {}): JsonRecord => ({
  type: 'message_start',
  message: { id: 'm', ...message },
});
export const block = (index: number, content_block: JsonRecord): JsonRecord => ({
  type: 'content_block_start',
  index,
  content_block,
});
export const delta = (index: number, value: JsonRecord): JsonRecord => ({
  type: 'content_block_delta',
  index,
  delta: value,
});
export const text = (index: number, value: string): JsonRecord => delta(index, { type: 'text_delta', text: value });
export const json = (index: number, value: string): JsonRecord =>
  delta(index, { type: 'input_json_delta', partial_json: value });
export const stop = (index: number): JsonRecord => ({ type: 'content_block_stop', index });
export const end = (reason: string, usage: JsonRecord = {}): readonly JsonRecord[] => [
  { type: 'message_delta', delta: { stop_reason: reason, stop_sequence: null }, usage },
  { type: 'message_stop' },
];
