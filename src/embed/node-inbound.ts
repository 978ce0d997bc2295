import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Inbound } from '../gateway/inbound.ts';
import { StallTimer } from './stall-timer.ts';

/** A request of `node:http`, and of what is built on it, as the engine sees it. */
export class NodeInbound implements Inbound {
  readonly method: string;
  readonly target: string;
  readonly headers: readonly string[];
  readonly remoteAddress: string;
  readonly bodyLength: number;
  answered = false;
  gone = false;
  onDrain: (() => void) | null = null;
  onGone: (() => void) | null = null;
  readonly #req: IncomingMessage;
  readonly #res: ServerResponse;
  readonly #stall: StallTimer;

  constructor(req: IncomingMessage, res: ServerResponse, writeStallMs: number) {
    this.#req = req;
    this.#res = res;
    this.method = req.method ?? 'GET';
    this.target = wholeTarget(req);
    this.headers = lowerNames(req.rawHeaders);
    this.remoteAddress = plainAddress(req.socket.remoteAddress ?? '');
    this.bodyLength = announcedLength(req);
    this.#stall = new StallTimer(writeStallMs, () => res.destroy());
    res.on('drain', () => {
      this.#stall.stop();
      this.onDrain?.();
    });
    res.on('close', () => {
      this.#stall.stop();
      if (!res.writableFinished) this.#leave();
    });
    // 'close' follows and does the work: an error alone must only never be unhandled.
    res.on('error', () => undefined);
  }

  readBody(bytesMax: number, done: (body: Buffer | 'too-large' | 'gone') => void): void {
    const chunks: Buffer[] = [];
    let length = 0;
    let isTold = false;
    const tell = (body: Buffer | 'too-large' | 'gone'): void => {
      if (isTold) return;
      isTold = true;
      done(body);
    };
    if (this.gone) return tell('gone');
    if (this.#req.readableEnded && this.bodyLength !== 0) {
      throw new Error('the body was read already: mount the handler before any body parser');
    }
    this.#req.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length <= bytesMax) return void chunks.push(chunk);
      // What is left of it would be taken for the next request.
      this.#res.shouldKeepAlive = false;
      tell('too-large');
    });
    this.#req.on('end', () => tell(Buffer.concat(chunks, length)));
    this.#req.on('close', () => tell('gone'));
    this.#req.on('error', () => tell('gone'));
  }

  respond(status: number, headers: readonly string[], body: Uint8Array): void {
    this.#open(status, headers);
    if (status !== 204 && status !== 304) this.#res.setHeader('content-length', body.length);
    this.#res.end(body);
  }

  begin(status: number, headers: readonly string[]): void {
    this.#open(status, headers);
  }

  write(chunk: Uint8Array): boolean {
    const isTaken = this.#res.write(chunk);
    if (!isTaken) this.#stall.start();
    return isTaken;
  }

  end(): void {
    this.#res.end();
  }

  destroy(): void {
    this.#res.destroy();
  }

  #open(status: number, headers: readonly string[]): void {
    this.answered = true;
    this.#res.statusCode = status;
    for (let i = 0; i + 1 < headers.length; i += 2) this.#res.appendHeader(headers[i] ?? '', headers[i + 1] ?? '');
  }

  #leave(): void {
    this.gone = true;
    this.onGone?.();
  }
}

/** Frameworks cut off the path that they mounted the handler on, and keep the whole one beside. */
function wholeTarget(req: IncomingMessage & { readonly originalUrl?: unknown }): string {
  return typeof req.originalUrl === 'string' ? req.originalUrl : (req.url ?? '/');
}

function lowerNames(rawHeaders: readonly string[]): readonly string[] {
  return rawHeaders.map((text, i) => (i % 2 === 0 ? text.toLowerCase() : text));
}

/** An IPv4 address on a v6 socket is the IPv4 address. */
function plainAddress(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;
}

function announcedLength(req: IncomingMessage): number {
  if (req.headers['transfer-encoding'] !== undefined) return -1;
  return Number(req.headers['content-length'] ?? 0);
}
