/**
 * Server-sent events as they pass (WHATWG HTML, section 9.2): events are told apart and shown to an
 * inspector, while the bytes go on. Lines end with LF or CRLF; a lone CR, which no provider of
 * models sends, is not taken for an end.
 */

/** One event: the value of its last `event` field, and its `data` lines joined. */
export interface ServerSentEvent {
  readonly name: string;
  readonly data: string;
}

export interface EventInspector {
  /**
   * Whether these bytes (one or several whole events) may hold something to look at. Asked for all
   * that passes: cheap, native search only. May say yes too often, never no wrongly.
   */
  mayMatter(bytes: Buffer): boolean;
  /** Looks at the bytes of one event that may matter; true asks to hide it from the client, bytes are to be sent instead. */
  inspect(event: Buffer): boolean | Buffer;
}

export interface EventWatcherOptions {
  /** Events may be hidden or replaced: one that is incomplete is then held back until it is whole. */
  readonly mayChange: boolean;
  /** How much of an incomplete event is kept; one that needs more passes without being looked at. */
  readonly heldBytesMax: number;
}

export interface EventWatcher {
  /** What of the stream may go on: the chunk itself, fewer or more bytes, or null for nothing yet. */
  push(chunk: Uint8Array): Uint8Array | null;
  /** The stream is over: looks at a last event without its blank line, and returns what was held back. */
  flush(): Uint8Array | null;
}

const LF = 0x0a;
const CR = 0x0d;

/** Watches one stream. Any split of the bytes into chunks shows the same events. */
export function watchEvents(inspector: EventInspector, options: EventWatcherOptions): EventWatcher {
  const { mayChange, heldBytesMax } = options;
  /** The start of the event that is not complete, piece by piece: joined once, when its end has come. */
  let held: Buffer[] = [];
  let heldBytes = 0;
  /** The open event is too large to keep: its bytes pass. */
  let oversized = false;
  /** Whether the open line has no byte yet, or at most a CR. */
  let lineEmpty = true;
  let lineHasCr = false;

  function push(bytes: Uint8Array): Uint8Array | null {
    const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (heldBytes === 0 && !oversized && endsEvent(chunk) && !inspector.mayMatter(chunk)) return bytes;
    const released = split(chunk);
    return mayChange ? joined(released) : bytes;
  }

  /** Takes the chunk apart into events, and returns what may be sent if events may be changed. */
  function split(chunk: Buffer): Buffer[] {
    const released: Buffer[] = [];
    let from = 0;
    for (let end = endOfEvent(chunk, from); end >= 0; end = endOfEvent(chunk, from)) {
      const tail = chunk.subarray(from, end);
      if (oversized) released.push(tail);
      else {
        const event = heldBytes === 0 ? tail : Buffer.concat([...held, tail]);
        const passed = inspected(event);
        if (passed !== null) released.push(passed);
      }
      forget();
      from = end;
    }
    keep(chunk.subarray(from), released);
    return released;
  }

  /** The place behind the blank line that ends the event, or -1 if the chunk does not reach it. */
  function endOfEvent(chunk: Buffer, from: number): number {
    let lineFrom = from;
    for (;;) {
      const feed = chunk.indexOf(LF, lineFrom);
      readLine(chunk, lineFrom, feed < 0 ? chunk.length : feed);
      if (feed < 0) return -1;
      const blank = lineEmpty;
      lineEmpty = true;
      lineHasCr = false;
      lineFrom = feed + 1;
      if (blank) return lineFrom;
    }
  }

  /** A line of a single CR is empty: the CR belongs to the line's end. */
  function readLine(chunk: Buffer, from: number, to: number): void {
    if (to === from || !lineEmpty) return;
    if (to - from > 1 || lineHasCr || chunk[from] !== CR) lineEmpty = false;
    else lineHasCr = true;
  }

  /** What of an event goes on. */
  function inspected(event: Buffer): Buffer | null {
    const asked = inspector.mayMatter(event) && inspector.inspect(event);
    if (asked === false || !mayChange) return event;
    return asked === true ? null : asked;
  }

  function keep(piece: Buffer, released: Buffer[]): void {
    if (piece.length === 0) return;
    if (!oversized) {
      held.push(piece);
      heldBytes += piece.length;
      if (heldBytes <= heldBytesMax) return;
      released.push(...held);
      forget();
      oversized = true;
    } else released.push(piece);
  }

  function forget(): void {
    held = [];
    heldBytes = 0;
    oversized = false;
  }

  function flush(): Uint8Array | null {
    if (heldBytes === 0) return null;
    const event = Buffer.concat(held);
    forget();
    const passed = inspected(event);
    return mayChange ? passed : null;
  }

  return { push, flush };
}

/** A chunk that begins with an event ends with one if its last line is blank. */
export function endsEvent(chunk: Buffer): boolean {
  const last = chunk.length - 1;
  if (chunk[last] !== LF) return false;
  return chunk[last - 1] === LF || (chunk[last - 1] === CR && chunk[last - 2] === LF);
}

function joined(pieces: readonly Buffer[]): Buffer | null {
  if (pieces.length <= 1) return pieces[0] ?? null;
  return Buffer.concat(pieces);
}

/** Reads one event of bytes. */
export function readEvent(bytes: Buffer): ServerSentEvent {
  return readEventText(bytes.toString('utf8'));
}

/** The same of its text. */
export function readEventText(text: string): ServerSentEvent {
  let name = '';
  const data: string[] = [];
  for (const line of text.split('\n')) {
    if (line.startsWith('data:')) data.push(fieldValue(line, 5));
    else if (line.startsWith('event:')) name = fieldValue(line, 6);
  }
  return { name, data: data.join('\n') };
}

/** An event of bytes with other data, and all else of it as it is. */
export function withData(event: Buffer, data: string): Buffer {
  const lines = event.toString('utf8').split('\n');
  const first = lines.findIndex((line) => line.startsWith('data:'));
  const end = lines[first]?.endsWith('\r') === true ? '\r' : '';
  const told = data.split('\n').map((line) => `data: ${line}${end}`);
  const others = lines.slice(first + 1).filter((line) => !line.startsWith('data:'));
  return Buffer.from([...lines.slice(0, first), ...told, ...others].join('\n'));
}

/** One space after the colon, if there is one, does not belong to the value. */
function fieldValue(line: string, from: number): string {
  const to = line.endsWith('\r') ? line.length - 1 : line.length;
  return line.slice(line[from] === ' ' ? from + 1 : from, to);
}

/** Writes one event; `data` is JSON on one line, or a bare word. */
export function eventText(name: string | null, data: string): string {
  return name === null ? `data: ${data}\n\n` : `event: ${name}\ndata: ${data}\n\n`;
}
