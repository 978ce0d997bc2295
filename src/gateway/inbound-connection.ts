import type { Socket } from 'node:net';
import { gatherWrites } from '../lib/gathered-writes.ts';
import { Http1RequestParser } from '../lib/http1-request-parser.ts';
import type { Http1RequestBodySink } from '../lib/http1-request-parser.ts';
import { answerHead, isBodiless, wantsClose, writeChunk } from './inbound-answer.ts';
import { InboundBody } from './inbound-body.ts';
import type { BodyListener } from './inbound-body.ts';
import { Exchange } from './inbound-exchange.ts';
import type { ExchangeCarrier } from './inbound-exchange.ts';
import type { BodyFailure, InboundServerOptions, MalformedReason } from './inbound.ts';

/** What a connection needs of its server. */
export interface ConnectionHost {
  readonly options: InboundServerOptions;
  /** The `date` line of an answer sent now. */
  readonly dateLine: string;
  readonly isDraining: boolean;
  forget(connection: Connection): void;
}

/** What is kept of bytes that nobody wants yet; beyond it the socket is paused. */
const HELD_BYTES_MAX = 64 * 1024;
/** The rest of a refused body up to here is read and dropped, so that the connection can go on. */
const DROPPED_BYTES_MAX = 1024 * 1024;
/** Up to here an answer's body is copied behind its head: one buffer is one cheap write. */
const COPIED_BODY_BYTES_MAX = 64 * 1024;
/** How long what the caller still sends is read after the last answer (RFC 9112 §9.6). */
const LINGER_MS = 1_000;
/** How long a caller may take none of the bytes that wait for them. */
const WRITE_STALL_MS = 60_000;

const NOTHING = Buffer.alloc(0);
const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n';
const LAST_CHUNK = '0\r\n\r\n';

/** What becomes of the body of the request at hand: `none` leaves its bytes where they are. */
type BodyMode = 'none' | 'read' | 'drop';

/**
 * One socket and the requests on it, one after the other. Its listeners are attached once and serve
 * all of them. Nothing here depends on the order in which the gateway reads, answers or gives up.
 */
export class Connection implements Http1RequestBodySink, ExchangeCarrier {
  readonly #host: ConnectionHost;
  readonly #socket: Socket;
  readonly #remoteAddress: string;
  readonly #parser: Http1RequestParser;
  readonly #body = new InboundBody();
  #bodyMode: BodyMode = 'none';
  /** The request told and not yet answered to its end. */
  #exchange: Exchange | null = null;
  /** Beyond the server's bound: served no request. */
  readonly #isSurplus: boolean;

  /** What came and was not taken yet: `#bytes` from `#at`. */
  #bytes: Buffer = NOTHING;
  #at = 0;
  #isTaking = false;
  #isPaused = false;

  /** The head of a begun answer, until it leaves with the first bytes. */
  #head = '';
  #isBodiless = false;
  #isChunked = false;

  /** No request after this one: what comes is dropped unread. */
  #isLast = false;
  #isClosing = false;
  #hasPeerEnded = false;
  /** Whether bytes of a request came, and not yet its whole head. */
  #isInHead = false;
  #hasServed = false;
  /** See `checkTime`. */
  #deadline: number;

  constructor(host: ConnectionHost, socket: Socket, isSurplus: boolean) {
    const { options } = host;
    this.#host = host;
    this.#socket = socket;
    this.#isSurplus = isSurplus;
    const address = socket.remoteAddress ?? '';
    this.#remoteAddress = address.startsWith('::ffff:') ? address.slice(7) : address;
    this.#parser = new Http1RequestParser(options, this);
    this.#deadline = performance.now() + (isSurplus ? LINGER_MS : options.headTimeoutMs);
    socket.on('data', (chunk: Buffer) => this.#onBytes(chunk));
    socket.on('drain', () => this.#onDrained());
    socket.on('end', () => this.#onPeerEnd());
    socket.on('finish', () => this.#onFinished());
    socket.on('timeout', () => this.#fail());
    // 'close' always follows and does the work: an error alone must only never be unhandled.
    socket.on('error', ignore);
    socket.on('close', () => this.#onClosed());
  }

  /** Ends a connection that waits for its next request; the others end with their answer. */
  closeIfIdle(): void {
    if (this.#exchange === null && this.#bodyMode === 'none' && !this.#isInHead) this.#close();
  }

  destroy(): void {
    this.#fail();
  }

  /** Called every now and then; at other times the deadline is that of the head, the rest, the body or the lingering. */
  checkTime(now: number): void {
    if (now < this.#deadline) return;
    if (this.#isClosing) this.#socket.destroy();
    else if (this.#bodyMode === 'read') this.#failBody('request_timeout');
    else if (this.#bodyMode === 'drop') this.#stopReading();
    else if (this.#exchange !== null) return;
    else if (this.#isSurplus) this.#refuse('overloaded');
    else if (this.#isInHead) this.#refuse('request_timeout');
    else this.#close();
  }

  // What comes in

  #onBytes(chunk: Buffer): void {
    if (this.#isLast) return;
    if (this.#isSurplus) return this.#refuse('overloaded');
    const hasRest = this.#at < this.#bytes.length;
    this.#bytes = hasRest ? Buffer.concat([this.#bytes.subarray(this.#at), chunk]) : chunk;
    this.#at = 0;
    this.#take();
  }

  /** Takes what can be taken now. What is told meanwhile may want more: the loop underway sees to it. */
  #take(): void {
    if (this.#isTaking) return;
    this.#isTaking = true;
    let goesOn = true;
    while (goesOn && this.#at < this.#bytes.length) goesOn = this.#takeSome();
    this.#isTaking = false;
    const rest = this.#bytes.length - this.#at;
    if (rest === 0) this.#forgetBytes();
    if (rest > HELD_BYTES_MAX) this.#pause();
    else if (this.#isPaused) this.#resume();
  }

  #takeSome(): boolean {
    if (this.#isLast) {
      this.#forgetBytes();
      return false;
    }
    if (this.#bodyMode !== 'none') {
      this.#takeBody();
      return true;
    }
    // Answers that nobody fetches must not pile up: the next request waits until they are taken.
    if (this.#exchange !== null || this.#socket.writableNeedDrain) return false;
    return this.#takeHead();
  }

  #takeHead(): boolean {
    this.#at = this.#parser.takeHead(this.#bytes, this.#at);
    if (this.#parser.isInHead) {
      if (!this.#isInHead && this.#hasServed) this.#deadline = performance.now() + this.#host.options.headTimeoutMs;
      this.#isInHead = true;
      return false;
    }
    if (this.#parser.hasFailed) {
      this.#refuse(this.#parser.failure?.kind ?? 'invalid_request');
      return false;
    }
    this.#isInHead = false;
    const { bodyLength } = this.#parser;
    if (bodyLength === -1 || bodyLength > this.#bytes.length - this.#at) {
      this.#deadline = performance.now() + this.#host.options.bodyTimeoutMs;
    }
    this.#exchange = new Exchange(this, this.#parser, this.#remoteAddress);
    this.#host.options.onRequest(this.#exchange);
    return true;
  }

  #takeBody(): void {
    this.#at = this.#parser.takeBody(this.#bytes, this.#at);
    if (this.#bodyMode === 'read') this.#tellBody();
    else if (this.#parser.hasFailed) this.#stopReading();
    else if (this.#parser.isDone) this.#onDropped();
  }

  #tellBody(): void {
    const { hasFailed, isDone, failure } = this.#parser;
    if (hasFailed) {
      this.#failBody(failure?.kind ?? 'invalid_request');
    } else if (this.#body.isTooLarge || isDone) {
      this.#bodyMode = 'none';
      this.#body.close(this.#body.isTooLarge ? 'too-large' : 'complete');
    }
  }

  /** The reader answers, for they know who asked for what; nothing may follow their answer. */
  #failBody(reason: Exclude<BodyFailure, 'gone'>): void {
    this.#isLast = true;
    this.#bodyMode = 'none';
    this.#body.close(reason);
  }

  onBodyBytes(bytes: Buffer, from: number, end: number): void {
    if (this.#bodyMode === 'read') this.#body.add(bytes, from, end);
  }

  #onDropped(): void {
    this.#bodyMode = 'none';
    if (this.#exchange === null) this.#awaitNext();
  }

  /** The rest of a body that nobody wants is late or malformed: the answer stands, nothing may follow it. */
  #stopReading(): void {
    this.#isLast = true;
    this.#bodyMode = 'none';
    if (this.#exchange === null) this.#close();
  }

  #forgetBytes(): void {
    this.#bytes = NOTHING;
    this.#at = 0;
  }

  #pause(): void {
    this.#isPaused = true;
    this.#socket.pause();
  }

  #resume(): void {
    this.#isPaused = false;
    this.#socket.resume();
  }

  // The exchange's side

  readBody(exchange: Exchange, bytesMax: number, done: BodyListener): void {
    if (exchange !== this.#exchange || exchange.answered) return done('gone');
    if (this.#bodyMode === 'read') throw new Error('the body is being read already');
    if (this.#parser.isDone) return done(NOTHING);
    const { bodyLength, expectsContinue } = this.#parser;
    if (bodyLength > bytesMax) return done('too-large');
    this.#body.open(bytesMax, bodyLength, done);
    this.#bodyMode = 'read';
    if (this.#at < this.#bytes.length) {
      this.#take();
    } else if (expectsContinue) {
      this.#parser.expectsContinue = false;
      this.#socket.write(CONTINUE, 'latin1');
    }
  }

  respond(exchange: Exchange, status: number, headers: readonly string[], body: Uint8Array): void {
    if (!this.#mayAnswer(exchange)) return;
    const lines = answerHead(status, headers, this.#host.dateLine);
    exchange.answered = true;
    this.#settleRequest(wantsClose(headers));
    this.#writeWhole(lines, status, body, isBodiless(exchange.method, status));
    this.#finish();
  }

  begin(exchange: Exchange, status: number, headers: readonly string[]): void {
    if (!this.#mayAnswer(exchange)) return;
    const lines = answerHead(status, headers, this.#host.dateLine);
    exchange.answered = true;
    this.#isBodiless = isBodiless(exchange.method, status);
    // RFC 9112 §6.1: never chunked to HTTP/1.0, whose connection ends with the answer, nor with 204.
    this.#isChunked = this.#parser.isVersion11 && status !== 204 && status !== 304;
    this.#settleRequest(wantsClose(headers));
    this.#head = lines + (this.#isChunked ? 'transfer-encoding: chunked\r\n' : '') + this.#headEnd();
  }

  write(exchange: Exchange, chunk: Uint8Array): boolean {
    if (exchange !== this.#exchange || this.#isBodiless || chunk.length === 0) return true;
    if (!exchange.answered) throw new Error('no answer was begun');
    gatherWrites(this.#socket);
    const head = this.#head;
    this.#head = '';
    let isFlowing = true;
    if (this.#isChunked) {
      isFlowing = writeChunk(this.#socket, head, chunk);
    } else {
      if (head !== '') this.#socket.write(head, 'latin1');
      isFlowing = this.#socket.write(chunk);
    }
    if (!isFlowing) this.#watchStall();
    return isFlowing;
  }

  end(exchange: Exchange): void {
    if (exchange !== this.#exchange) return;
    if (!exchange.answered) throw new Error('no answer was begun');
    const rest = this.#head + (this.#isChunked && !this.#isBodiless ? LAST_CHUNK : '');
    this.#head = '';
    if (rest !== '') this.#socket.write(rest, 'latin1');
    this.#finish();
  }

  cut(exchange: Exchange): void {
    if (exchange !== this.#exchange) return;
    this.#exchange = null;
    this.#isLast = true;
    // An answer that the close ends would look whole after an orderly one; a TLS socket has no other.
    if (exchange.answered && !this.#isChunked && !('encrypted' in this.#socket)) this.#socket.resetAndDestroy();
    else this.#socket.destroy();
    this.#body.close('gone');
  }

  #mayAnswer(exchange: Exchange): boolean {
    if (exchange.answered && exchange === this.#exchange) throw new Error('the request was answered already');
    return exchange === this.#exchange;
  }

  // What goes out

  /** Decides, before the head is written, whether the connection outlives the answer. */
  #settleRequest(isAskedToClose: boolean): void {
    const canSkip = this.#skipBody();
    if (!canSkip || isAskedToClose || !this.#parser.keepAlive || this.#host.isDraining) {
      this.#isLast = true;
      this.#bodyMode = 'none';
      this.#forgetBytes();
    }
    // What is dropped from here on keeps nobody waiting, and reading is how a leaving caller is seen.
    if (this.#isPaused && (this.#isLast || this.#bodyMode === 'drop')) this.#resume();
  }

  /** Drops what is left of the body, or begins to. False: it is too long, or nobody can tell whether it comes. */
  #skipBody(): boolean {
    const parser = this.#parser;
    this.#body.close('gone');
    if (parser.isDone) return true;
    this.#bodyMode = 'drop';
    this.#at = parser.takeBody(this.#bytes, this.#at);
    if (parser.isDone) this.#bodyMode = 'none';
    // Who waits for `100 Continue` may send the body after this answer or not (RFC 9110 §10.1.1).
    const isExpected = !parser.expectsContinue && parser.bodyRemaining >= 0;
    return parser.isDone || (isExpected && parser.bodyRemaining <= DROPPED_BYTES_MAX);
  }

  #headEnd(): string {
    return this.#isLast ? 'connection: close\r\n\r\n' : '\r\n';
  }

  #writeWhole(lines: string, status: number, body: Uint8Array, isBodiless: boolean): void {
    // RFC 9110 §8.6: not with 204; a 304 would have to know the length of what it does not send.
    const length = status === 204 || status === 304 ? '' : `content-length: ${body.length}\r\n`;
    const head = lines + length + this.#headEnd();
    const socket = this.#socket;
    gatherWrites(socket);
    if (isBodiless || body.length === 0) {
      socket.write(head, 'latin1');
    } else if (body.length <= COPIED_BODY_BYTES_MAX) {
      const bytes = Buffer.allocUnsafe(head.length + body.length);
      bytes.write(head, 0, 'latin1');
      bytes.set(body, head.length);
      socket.write(bytes);
    } else {
      socket.write(head, 'latin1');
      socket.write(body);
    }
    if (socket.writableNeedDrain) this.#watchStall();
  }

  /** The answer was handed over whole. */
  #finish(): void {
    this.#exchange = null;
    if (this.#isLast || this.#host.isDraining) this.#close();
    else if (this.#bodyMode === 'none') this.#awaitNext();
  }

  #awaitNext(): void {
    this.#hasServed = true;
    this.#parser.reset();
    this.#deadline = performance.now() + this.#host.options.keepAliveMs;
    // A pipelined request; not from within the answer to the one before it.
    if (this.#at < this.#bytes.length && !this.#isTaking) process.nextTick(takeOn, this);
  }

  takeOn(): void {
    this.#take();
  }

  /** The one answer to what is no request. */
  #refuse(reason: MalformedReason): void {
    const { status, headers, body } = this.#host.options.malformedAnswer(reason, this.#parser.target);
    this.#isLast = true;
    this.#writeWhole(answerHead(status, headers, this.#host.dateLine), status, body, false);
    this.#close();
  }

  // The end

  /**
   * Ends the connection in good order: what was written goes out, and what the caller still sends is
   * read for a while, because closing on unread bytes would reset the connection before they have
   * read the answer (RFC 9112 §9.6).
   */
  #close(): void {
    if (this.#isClosing) return;
    this.#isClosing = true;
    this.#isLast = true;
    this.#bodyMode = 'none';
    this.#deadline = Infinity;
    this.#forgetBytes();
    if (this.#isPaused) this.#resume();
    this.#watchStall();
    this.#socket.end();
  }

  #onFinished(): void {
    if (this.#hasPeerEnded) this.#socket.destroy();
    else this.#deadline = performance.now() + LINGER_MS;
  }

  /** A caller that ends their side while a request is served has left, as with other servers. */
  #onPeerEnd(): void {
    this.#hasPeerEnded = true;
    if (this.#exchange !== null) this.#fail();
    else if (this.#socket.writableFinished) this.#socket.destroy();
    else this.#close();
  }

  #fail(): void {
    this.#isLast = true;
    this.#socket.destroy();
    this.#tellGone(this.#detach());
  }

  #onClosed(): void {
    this.#host.forget(this);
    this.#isLast = true;
    this.#tellGone(this.#detach());
  }

  #detach(): Exchange | null {
    const exchange = this.#exchange;
    this.#exchange = null;
    this.#bodyMode = 'none';
    return exchange;
  }

  #tellGone(exchange: Exchange | null): void {
    if (exchange === null) return;
    exchange.gone = true;
    this.#body.close('gone');
    exchange.onGone?.();
  }

  // Slow callers

  /** Node's timer knows of parts of a write that went out, which is what tells a slow reader from none. */
  #watchStall(): void {
    this.#socket.setTimeout(this.#host.options.writeStallMs ?? WRITE_STALL_MS);
  }

  #onDrained(): void {
    this.#socket.setTimeout(0);
    if (this.#exchange !== null) this.#exchange.onDrain?.();
    else if (this.#at < this.#bytes.length) this.#take();
  }
}

function ignore(): void {}

function takeOn(connection: Connection): void {
  connection.takeOn();
}
