/**
 * The vendor of the benchmarks, in a process of its own: as little as answers HTTP over a raw
 * socket, so that it is never what is measured. Prints its port, ends with its standard input.
 */
import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';

const HEAD_END = Buffer.from('\r\n\r\n');
const STREAM_MARK = Buffer.from('"stream":true');
/** The mark of a stream is looked for only near the start of a body, where the load generator puts it. */
const MARK_WITHIN_BYTES = 512;
const EVENTS = 50;

const WHOLE = wholeAnswer();
const STREAM_HEAD = Buffer.from(
  'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n',
);
const STREAM_PIECES = streamPieces();
const MESSAGES_PATH = Buffer.from('POST /v1/messages ');
const MESSAGES_PIECES = messagesPieces();

function wholeAnswer(): Buffer {
  const body = JSON.stringify({
    id: 'chatcmpl-bench',
    object: 'chat.completion',
    created: 1_700_000_000,
    model: 'tiny',
    choices: [{ index: 0, message: { role: 'assistant', content: 'word '.repeat(40) }, finish_reason: 'stop' }],
    usage: { prompt_tokens: 20, completion_tokens: 40, total_tokens: 60 },
  });
  const head = `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n`;
  return Buffer.from(head + body);
}

function streamPieces(): readonly Buffer[] {
  const event = (choices: unknown, usage: unknown): string =>
    `data: ${JSON.stringify({ id: 'chatcmpl-bench', object: 'chat.completion.chunk', created: 1_700_000_000, model: 'tiny', choices, usage })}\n\n`;
  const events = Array.from({ length: EVENTS }, () => event([{ index: 0, delta: { content: 'word ' } }], null));
  events.push(event([{ index: 0, delta: {}, finish_reason: 'stop' }], null));
  events.push(event([], { prompt_tokens: 20, completion_tokens: 50, total_tokens: 70 }), 'data: [DONE]\n\n');
  return chunked(events);
}

/** The same words as a vendor of another dialect streams them. */
function messagesPieces(): readonly Buffer[] {
  const event = (type: string, value: object): string =>
    `event: ${type}\ndata: ${JSON.stringify({ type, ...value })}\n\n`;
  const message = { id: 'msg_bench', type: 'message', role: 'assistant', model: 'tiny', content: [] };
  const delta = { index: 0, delta: { type: 'text_delta', text: 'word ' } };
  return chunked([
    event('message_start', { message: { ...message, usage: { input_tokens: 20, output_tokens: 1 } } }),
    event('content_block_start', { index: 0, content_block: { type: 'text', text: '' } }),
    ...Array.from({ length: EVENTS }, () => event('content_block_delta', delta)),
    event('content_block_stop', { index: 0 }),
    event('message_delta', { delta: { stop_reason: 'end_turn', stop_sequence: null }, usage: { output_tokens: 50 } }),
    event('message_stop', {}),
  ]);
}

function chunked(events: readonly string[]): readonly Buffer[] {
  const pieces = events.map((text) => Buffer.from(`${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`));
  pieces.push(Buffer.from('0\r\n\r\n'));
  return pieces;
}

function serve(socket: Socket): void {
  let held: Buffer | null = null;
  socket.setNoDelay(true);
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk) => {
    held = held === null ? chunk : Buffer.concat([held, chunk]);
    while (held !== null) {
      const headEnd: number = held.indexOf(HEAD_END);
      if (headEnd === -1) return;
      const length = Number(/content-length: *(\d+)/i.exec(held.toString('latin1', 0, headEnd))?.[1] ?? 0);
      const bodyStart: number = headEnd + HEAD_END.length;
      const end: number = bodyStart + length;
      if (held.length < end) return;
      const start = held.subarray(bodyStart, Math.min(end, bodyStart + MARK_WITHIN_BYTES));
      const isMessages = held.subarray(0, MESSAGES_PATH.length).equals(MESSAGES_PATH);
      if (isMessages) sendStream(socket, MESSAGES_PIECES);
      else if (start.includes(STREAM_MARK)) sendStream(socket, STREAM_PIECES);
      else socket.write(WHOLE);
      held = held.length > end ? held.subarray(end) : null;
    }
  });
}

/** One event per turn of the event loop, as single writes: a vendor's events do not come in one piece. */
function sendStream(socket: Socket, pieces: readonly Buffer[]): void {
  socket.write(STREAM_HEAD);
  let next = 0;
  const step = (): void => {
    const piece = pieces[next];
    if (piece === undefined || socket.destroyed) return;
    next += 1;
    socket.write(piece);
    setImmediate(step);
  };
  setImmediate(step);
}

const server = createServer({ noDelay: true }, serve);
server.listen(0, '127.0.0.1', () => process.stdout.write(`${(server.address() as AddressInfo).port}\n`));
process.stdin.on('end', () => process.exit(0)).resume();
