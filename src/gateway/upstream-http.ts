import net from 'node:net';
import tls from 'node:tls';
import { AppError } from '../errors.ts';
import { gatherWrites } from '../lib/gathered-writes.ts';
import { Http1ResponseParser } from '../lib/http1-response-parser.ts';
import type { Http1ResponseSink } from '../lib/http1-response-parser.ts';
import { TOKEN, UNCLEAN_VALUE } from '../lib/http1-syntax.ts';
import type {
  Upstream,
  UpstreamCall,
  UpstreamFailureKind,
  UpstreamListener,
  UpstreamOrigin,
  UpstreamRequest,
} from './upstream.ts';

export interface HttpUpstreamOptions {
  /** From `send` to a connection ready for use: the wait for a free one, DNS, TCP and TLS together. */
  readonly connectTimeoutMs: number;
  /** From the request's sending to the answer's whole head, so that a head in drops cannot stretch it. */
  readonly firstByteTimeoutMs: number;
  /** Between two pieces of the body. */
  readonly idleTimeoutMs: number;
  /** Bound of one answer's body. */
  readonly answerBytesMax: number;
  readonly connectionsMax: number;
  /** How long an unused connection is kept, unless the provider's own `Keep-Alive: timeout` is shorter; 30 s. */
  readonly keepAliveMs?: number;
  /** A private CA and a client certificate. Verification itself cannot be switched off. */
  readonly tlsOptions?: Pick<tls.ConnectionOptions, 'ca' | 'cert' | 'key'>;
}

export interface HttpUpstream extends Upstream {
  /** Unused connections end now, those in use when their call has ended. */
  close(): void;
  /** Connections open (with those being opened), the unused among them, and calls that wait for one. */
  stats(): { readonly open: number; readonly idle: number; readonly waiting: number };
}

/** A pool of HTTP/1.1 connections to one origin; ADR 0002 says why it is not a library's. */
export function createHttpUpstream(origin: UpstreamOrigin, options: HttpUpstreamOptions): HttpUpstream {
  return new Pool(origin, options);
}

const KEEP_ALIVE_MS = 30_000;
/** The provider may close at the very end of its own timeout: stay clear of it. */
const KEEP_ALIVE_MARGIN_MS = 1_000;
const WAITING_MAX = 1_000;
/** Resolution of all deadlines while there are calls, and of the expiry of unused connections otherwise. */
const SWEEP_MS = 100;
const IDLE_SWEEP_MS = 1_000;
/** Up to here copying the body behind the head is cheaper than a second buffer in the write. */
const COPIED_BODY_BYTES_MAX = 16 * 1024;
/** TCP probes find a dead peer behind a silent answer. */
const TCP_PROBE_AFTER_MS = 60_000;
/** See `mayRetry`. */
const STALE_WITHIN_MS = 1_000;
/**
 * What all sockets of this thread read into, one at a time: Node would otherwise allocate 64 KiB
 * per read and pass it through a stream, a fifth of a call's cost.
 */
const READ_BUFFER = Buffer.allocUnsafeSlow(64 * 1024);

type Phase = 'connecting' | 'sent' | 'answering';

class Pool implements HttpUpstream {
  readonly origin: UpstreamOrigin;
  readonly options: HttpUpstreamOptions;
  readonly keepAliveMs: number;
  closed = false;
  /** The newest TLS session, so that the next connection saves the full handshake. */
  tlsSession: Buffer | undefined;

  readonly #constantHead: string;
  readonly #connections = new Set<Connection>();
  /** A stack: the most recently used connection is the least likely to be closed by the provider. */
  readonly #idle: Connection[] = [];
  readonly #waiting: Call[] = [];
  #timer: NodeJS.Timeout | undefined;
  #sweepMs = 0;
  readonly #onTimer = (): void => this.#sweep();

  constructor(origin: UpstreamOrigin, options: HttpUpstreamOptions) {
    this.origin = origin;
    this.options = options;
    this.keepAliveMs = options.keepAliveMs ?? KEEP_ALIVE_MS;
    refuseUnclean('host', origin.hostHeader);
    this.#constantHead = ` HTTP/1.1\r\nhost: ${origin.hostHeader}\r\nconnection: keep-alive\r\naccept-encoding: identity\r\n`;
  }

  send(request: UpstreamRequest, listener: UpstreamListener): UpstreamCall {
    const call = new Call(this, request, listener, buildHead(request, this.#constantHead));
    const connection = this.#takeIdle();
    if (connection !== null) {
      connection.dispatch(call);
    } else if (this.#connections.size < this.options.connectionsMax) {
      this.#open(call);
    } else if (this.#waiting.length < WAITING_MAX) {
      this.#waiting.push(call);
    } else {
      process.nextTick(refuseFull, call);
    }
    this.#watch();
    return call;
  }

  close(): void {
    this.closed = true;
    for (const connection of this.#idle.splice(0)) connection.retire();
  }

  stats(): { readonly open: number; readonly idle: number; readonly waiting: number } {
    return { open: this.#connections.size, idle: this.#idle.length, waiting: this.#waiting.length };
  }

  /** A connection has ended its call and may take another. */
  release(connection: Connection): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#idle.push(connection);
    else connection.dispatch(next);
  }

  /** A connection is gone; its place goes to who waits. */
  drop(connection: Connection): void {
    if (!this.#forget(connection)) return;
    const next = this.#waiting.shift();
    if (next !== undefined) this.#open(next);
  }

  /** Sends a call again, in the place of the connection that failed it. */
  replace(connection: Connection, call: Call): void {
    this.#forget(connection);
    call.isRetry = true;
    call.deadline = performance.now() + this.options.connectTimeoutMs;
    this.#open(call);
  }

  cancelWaiting(call: Call): void {
    const index = this.#waiting.indexOf(call);
    if (index !== -1) this.#waiting.splice(index, 1);
  }

  #open(call: Call): void {
    this.#connections.add(new Connection(this, call));
  }

  #forget(connection: Connection): boolean {
    const index = this.#idle.indexOf(connection);
    if (index !== -1) this.#idle.splice(index, 1);
    return this.#connections.delete(connection);
  }

  #takeIdle(): Connection | null {
    for (let connection = this.#idle.pop(); connection !== undefined; connection = this.#idle.pop()) {
      if (connection.isUsable()) return connection;
      connection.retire();
    }
    return null;
  }

  /** One timer for all calls: a timer each would cost more than the deadlines are worth exact. */
  #watch(): void {
    if (this.#sweepMs === SWEEP_MS) return;
    clearTimeout(this.#timer);
    this.#schedule(SWEEP_MS);
  }

  #schedule(delayMs: number): void {
    this.#sweepMs = delayMs;
    this.#timer = delayMs === 0 ? undefined : setTimeout(this.#onTimer, delayMs).unref();
  }

  #sweep(): void {
    const now = performance.now();
    // In order of arrival, and all wait equally long: the first is always the next to expire.
    while ((this.#waiting[0]?.deadline ?? now + 1) <= now) {
      this.#waiting.shift()?.fail('connect_timeout', 'no connection became free');
    }
    for (const connection of this.#connections) connection.checkTime(now);
    const isBusy = this.#connections.size > this.#idle.length || this.#waiting.length > 0;
    this.#schedule(isBusy ? SWEEP_MS : this.#idle.length > 0 ? IDLE_SWEEP_MS : 0);
  }
}

/** One exchange. It outlives its connection's use, so that a late `abort` cannot reach the next call. */
class Call implements UpstreamCall {
  readonly request: UpstreamRequest;
  readonly listener: UpstreamListener;
  readonly head: string;
  readonly #pool: Pool;
  connection: Connection | null = null;
  phase: Phase = 'connecting';
  deadline: number;
  isPaused = false;
  isRetry = false;
  #isOver = false;

  constructor(pool: Pool, request: UpstreamRequest, listener: UpstreamListener, head: string) {
    this.#pool = pool;
    this.request = request;
    this.listener = listener;
    this.head = head;
    this.deadline = performance.now() + pool.options.connectTimeoutMs;
  }

  pause(): void {
    this.isPaused = true;
    this.connection?.pause();
  }

  resume(): void {
    if (!this.isPaused) return;
    this.isPaused = false;
    this.connection?.resume();
  }

  abort(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (this.connection === null) this.#pool.cancelWaiting(this);
    else this.connection.destroy();
  }

  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.listener.onEnd();
  }

  fail(kind: UpstreamFailureKind, detail: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.listener.onError({ kind, detail });
  }
}

/** One socket and the call on it. Its listeners are attached once and serve all its calls. */
class Connection implements Http1ResponseSink {
  readonly #pool: Pool;
  readonly #socket: net.Socket;
  readonly #parser: Http1ResponseParser;
  #call: Call | null;
  #isReused = false;
  /** Whether any byte of the answer came, be it of an interim one. */
  #isAnswered = false;
  #sentAt = 0;
  #receivedBytes = 0;
  #idleUntil = 0;
  #errorCode = 'closed';

  constructor(pool: Pool, call: Call) {
    this.#pool = pool;
    this.#call = call;
    call.connection = this;
    this.#parser = new Http1ResponseParser(this);
    this.#socket = this.#connect();
    this.#socket.setNoDelay(true);
    this.#socket.setKeepAlive(true, TCP_PROBE_AFTER_MS);
    this.#socket.on(pool.origin.tls ? 'secureConnect' : 'connect', () => this.#onConnected());
    this.#socket.on('drain', () => this.#onDrained());
    this.#socket.on('end', () => this.#onPeerEnd());
    // 'close' always follows and does the work: an error alone must only never be unhandled.
    this.#socket.on('error', (error: NodeJS.ErrnoException) => {
      this.#errorCode = error.code ?? error.name;
    });
    this.#socket.on('close', () => this.#onClosed());
  }

  #connect(): net.Socket {
    const { host, port, tls: isTls } = this.#pool.origin;
    const onread = { buffer: READ_BUFFER, callback: (length: number): boolean => this.#onRead(length) };
    if (!isTls) return net.connect({ host, port, onread });
    // Node documents `onread` for TLS, its type declarations do not.
    const options: tls.ConnectionOptions & Pick<net.SocketConstructorOpts, 'onread'> = {
      ...this.#pool.options.tlsOptions,
      host,
      port,
      onread,
      // RFC 6066 §3: an address is no server name. The certificate is checked against `host` either way.
      ...(net.isIP(host) === 0 ? { servername: host } : {}),
      ALPNProtocols: ['http/1.1'],
      // Said aloud, because NODE_TLS_REJECT_UNAUTHORIZED=0 would otherwise switch it off.
      rejectUnauthorized: true,
      ...(this.#pool.tlsSession === undefined ? {} : { session: this.#pool.tlsSession }),
    };
    const socket = tls.connect(options);
    socket.on('session', (session: Buffer) => {
      this.#pool.tlsSession = session;
    });
    return socket;
  }

  /** Whether an unused connection may carry another call. */
  isUsable(): boolean {
    return performance.now() < this.#idleUntil && this.#socket.writable && this.#socket.readable;
  }

  dispatch(call: Call): void {
    call.connection = this;
    this.#call = call;
    this.#isReused = true;
    this.#socket.ref();
    this.#write(call);
  }

  pause(): void {
    if (this.#call?.phase !== 'connecting') this.#socket.pause();
  }

  resume(): void {
    const call = this.#call;
    if (call === null || call.phase === 'connecting') return;
    call.deadline = performance.now() + this.#timeoutOf(call.phase);
    this.#socket.resume();
  }

  /** Ends the socket at once; nothing of its call is told any more. */
  destroy(): void {
    this.#detach();
    this.#parser.stop();
    this.#socket.destroy();
    this.#pool.drop(this);
  }

  /** Ends an unused connection in good order (TLS says goodbye). */
  retire(): void {
    this.#socket.destroySoon();
    this.#pool.drop(this);
  }

  checkTime(now: number): void {
    const call = this.#call;
    if (call === null) {
      if (now >= this.#idleUntil) this.retire();
    } else if (now >= call.deadline && !(call.isPaused && call.phase !== 'connecting')) {
      this.#fail(TIMEOUTS[call.phase], 'deadline passed');
    }
  }

  onHead(status: number, headers: readonly string[]): void {
    const call = this.#call;
    if (call === null) return;
    if (this.#parser.bodyLength > this.#pool.options.answerBytesMax) {
      this.#fail('answer_too_large', `announced ${this.#parser.bodyLength} bytes`);
      return;
    }
    call.phase = 'answering';
    call.listener.onHead(status, headers);
  }

  onData(chunk: Buffer): void {
    const call = this.#call;
    if (call === null) return;
    this.#receivedBytes += chunk.length;
    const limit = this.#pool.options.answerBytesMax;
    if (this.#receivedBytes > limit) this.#fail('answer_too_large', `over ${limit} bytes`);
    else call.listener.onData(chunk);
  }

  #timeoutOf(phase: 'sent' | 'answering'): number {
    const { firstByteTimeoutMs, idleTimeoutMs } = this.#pool.options;
    return phase === 'sent' ? firstByteTimeoutMs : idleTimeoutMs;
  }

  #onConnected(): void {
    if (this.#call !== null) this.#write(this.#call);
  }

  #write(call: Call): void {
    const { body, method } = call.request;
    this.#parser.reset(method === 'HEAD');
    this.#isAnswered = false;
    this.#receivedBytes = 0;
    this.#sentAt = performance.now();
    call.phase = 'sent';
    call.deadline = this.#sentAt + this.#pool.options.firstByteTimeoutMs;
    if (call.isPaused) this.#socket.pause();
    const socket = this.#socket;
    gatherWrites(socket);
    if (body === null) {
      socket.write(call.head, 'latin1');
    } else if (body.length <= COPIED_BODY_BYTES_MAX) {
      const bytes = Buffer.allocUnsafe(call.head.length + body.length);
      bytes.write(call.head, 0, 'latin1');
      bytes.set(body, call.head.length);
      socket.write(bytes);
    } else {
      socket.write(call.head, 'latin1');
      socket.write(body);
    }
  }

  /** A long body is out: the provider's time to answer begins only now. */
  #onDrained(): void {
    if (this.#call?.phase !== 'sent') return;
    this.#sentAt = performance.now();
    this.#call.deadline = this.#sentAt + this.#pool.options.firstByteTimeoutMs;
  }

  /** Copies before anything else: the buffer is every connection's, and listeners may keep what they get. */
  #onRead(length: number): boolean {
    const chunk = Buffer.allocUnsafe(length);
    READ_BUFFER.copy(chunk, 0, 0, length);
    this.#onBytes(chunk);
    return true;
  }

  #onBytes(chunk: Buffer): void {
    const call = this.#call;
    // Nothing was asked: what comes now must not become the next caller's answer.
    if (call === null) return this.destroy();
    this.#isAnswered = true;
    const progress = this.#parser.push(chunk);
    if (progress === 'done') this.#finish();
    else if (progress === 'failed') this.#failInvalid();
    else if (call.phase === 'answering') call.deadline = performance.now() + this.#pool.options.idleTimeoutMs;
  }

  /** An answer may also end before the whole request was sent: what is left of it makes the connection unusable. */
  #finish(): void {
    const call = this.#call;
    const wasSent = this.#socket.writableLength === 0;
    if (this.#parser.keepAlive && wasSent && this.#keepUntil() > 0) {
      this.#detach();
      if (call?.isPaused === true) this.#socket.resume();
      this.#socket.unref();
      this.#pool.release(this);
    } else {
      this.destroy();
    }
    call?.end();
  }

  #keepUntil(): number {
    const { closed, keepAliveMs } = this.#pool;
    const hintMs = this.#parser.keepAliveHintSeconds * 1_000;
    const forMs = hintMs < 0 ? keepAliveMs : Math.min(keepAliveMs, hintMs - KEEP_ALIVE_MARGIN_MS);
    if (closed || forMs <= 0) return 0;
    this.#idleUntil = performance.now() + forMs;
    return this.#idleUntil;
  }

  #onPeerEnd(): void {
    if (this.#call === null) return this.destroy();
    if (this.#parser.end() === 'done') this.#finish();
    else this.#lose('end of stream');
  }

  #onClosed(): void {
    if (this.#call === null) this.#pool.drop(this);
    else this.#lose(this.#errorCode);
  }

  #lose(detail: string): void {
    const call = this.#call;
    if (call === null) return;
    if (call.phase === 'connecting') return this.#fail('connect_failed', detail);
    if (!this.#mayRetry(call)) return this.#fail('closed_early', detail);
    this.#detach();
    this.#parser.stop();
    this.#socket.destroy();
    call.phase = 'connecting';
    this.#pool.replace(this, call);
  }

  /**
   * A provider may close a kept connection just as we use it again. RFC 9112 §9.3.1 lets a client
   * retry what is idempotent (RFC 9110 §9.2.2), or what it knows was not applied. Of the other
   * methods, what did not wholly leave this machine cannot have been applied; and what was sent
   * into a close already under way fails within a round trip. A provider that dies later may have
   * been at work on the call, and so the caller is told instead. Once only, and never on a fresh
   * connection or after a byte of an answer.
   */
  #mayRetry(call: Call): boolean {
    if (!this.#isReused || this.#isAnswered || call.isRetry) return false;
    const isIdempotent = call.request.method !== 'POST' && call.request.method !== 'PATCH';
    return isIdempotent || this.#socket.writableLength > 0 || performance.now() - this.#sentAt < STALE_WITHIN_MS;
  }

  #failInvalid(): void {
    const failure = this.#parser.failure;
    const kind = failure?.kind === 'headers_too_large' ? 'headers_too_large' : 'invalid_answer';
    this.#fail(kind, failure?.detail ?? 'invalid answer');
  }

  #fail(kind: UpstreamFailureKind, detail: string): void {
    const call = this.#call;
    this.destroy();
    call?.fail(kind, detail);
  }

  #detach(): void {
    if (this.#call !== null) this.#call.connection = null;
    this.#call = null;
  }
}

const TIMEOUTS = {
  connecting: 'connect_timeout',
  sent: 'first_byte_timeout',
  answering: 'idle_timeout',
} as const satisfies Record<Phase, UpstreamFailureKind>;

function refuseFull(call: Call): void {
  call.fail('too_many_connections', `${WAITING_MAX} calls wait for a connection already`);
}

/** Written here, or never: a caller's header of these names would change where the request ends or goes. */
const RESERVED_NAMES = new Set([
  'host',
  'connection',
  'content-length',
  'transfer-encoding',
  'accept-encoding',
  'keep-alive',
  'te',
  'trailer',
  'upgrade',
  'expect',
  'proxy-connection',
]);
const NAMES_KNOWN_MAX = 512;
const cleanNames = new Set<string>();

function buildHead(request: UpstreamRequest, constantHead: string): string {
  const { method, path, headers, body } = request;
  // CONNECT would make a tunnel of the connection; nothing here can read what follows.
  if (!/^[A-Z]+$/.test(method) || method === 'CONNECT') throw refused('the method');
  if (!/^\/[\x21-\x7e]*$/.test(path)) throw refused('the path');
  let head = method + ' ' + path + constantHead;
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] ?? '';
    const value = headers[i + 1] ?? '';
    if (!cleanNames.has(name)) checkName(name);
    refuseUnclean(name, value);
    head += name + ': ' + value + '\r\n';
  }
  // RFC 9110 §8.6: a method that means something with a body says so even without one.
  if (body !== null) head += 'content-length: ' + body.length + '\r\n';
  else if (method === 'POST' || method === 'PUT' || method === 'PATCH') head += 'content-length: 0\r\n';
  return head + '\r\n';
}

function checkName(name: string): void {
  if (!TOKEN.test(name) || RESERVED_NAMES.has(name.toLowerCase())) throw refused('a header name');
  if (cleanNames.size < NAMES_KNOWN_MAX) cleanNames.add(name);
}

function refuseUnclean(name: string, value: string): void {
  if (UNCLEAN_VALUE.test(value)) throw refused(`the value of ${name}`);
}

/** A fault of the calling code, which guarantees clean parts; sent on, it would smuggle a request. */
function refused(what: string): AppError {
  return new AppError('internal_error', { internal: `upstream request: ${what} is not acceptable` });
}
