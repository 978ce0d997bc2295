import type { Inbound } from '../gateway/inbound.ts';
import { StallTimer } from './stall-timer.ts';

/** Bytes that wait for a slow caller before the provider is told to pause. */
const WAITING_BYTES_MAX = 64 * 1024;
/** RFC 9110 §6.4.1: statuses whose answer has no body, which `Response` insists on. */
const BODILESS: ReadonlySet<number> = new Set([204, 205, 304]);

/** A fetch `Request` as the engine sees it, and the `Response` that comes of it. */
export class FetchInbound implements Inbound {
  readonly method: string;
  readonly target: string;
  readonly headers: readonly string[];
  readonly remoteAddress: string;
  readonly bodyLength: number;
  /** Resolves once the answer begins. */
  readonly response: Promise<Response>;
  answered = false;
  gone = false;
  onDrain: (() => void) | null = null;
  onGone: (() => void) | null = null;
  readonly #request: Request;
  readonly #stall: StallTimer;
  #resolve: (response: Response) => void = () => undefined;
  #controller: ReadableStreamDefaultController<Uint8Array> | null = null;
  /** Of a body that is being read. */
  #reader: BodyReader | null = null;
  #isOver = false;

  constructor(request: Request, clientAddress: string, writeStallMs: number) {
    const { pathname, search, host } = new URL(request.url);
    this.#request = request;
    this.#stall = new StallTimer(writeStallMs, () => this.#cut());
    this.method = request.method;
    this.target = pathname + search;
    const headers = [...request.headers].flat();
    // Only what came over a socket of HTTP/1.1 has a Host line of its own.
    this.headers = request.headers.has('host') ? headers : ['host', host, ...headers];
    this.remoteAddress = clientAddress;
    this.bodyLength = request.body === null ? 0 : -1;
    this.response = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    request.signal.addEventListener('abort', () => this.#leave(), { once: true });
    if (request.signal.aborted) this.gone = true;
  }

  readBody(bytesMax: number, done: (body: Buffer | 'too-large' | 'gone') => void): void {
    void this.#tellBody(bytesMax, done);
  }

  async #tellBody(bytesMax: number, done: (body: Buffer | 'too-large' | 'gone') => void): Promise<void> {
    const body = await this.#read(bytesMax);
    done(this.gone ? 'gone' : body);
  }

  async #read(bytesMax: number): Promise<Buffer | 'too-large' | 'gone'> {
    const chunks: Uint8Array[] = [];
    let length = 0;
    const reader: BodyReader | null = this.#request.body?.getReader() ?? null;
    this.#reader = reader;
    try {
      for (let read = await reader?.read(); read?.value !== undefined; read = await reader?.read()) {
        length += read.value.length;
        if (length > bytesMax) return 'too-large';
        chunks.push(read.value);
      }
    } catch {
      return 'gone'; // a body that breaks off is one whose sender left
    } finally {
      this.#reader = null;
    }
    return Buffer.concat(chunks, length);
  }

  respond(status: number, headers: readonly string[], body: Uint8Array): void {
    this.answered = true;
    this.#isOver = true;
    const isBodiless = BODILESS.has(status) || this.method === 'HEAD';
    // A copy with a memory of its own, as Response asks for.
    this.#resolve(new Response(isBodiless ? null : new Uint8Array(body), { status, headers: pairs(headers) }));
  }

  begin(status: number, headers: readonly string[]): void {
    this.answered = true;
    const stream = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        pull: () => {
          this.#stall.stop();
          this.onDrain?.();
        },
        cancel: () => this.#leave(),
      },
      new ByteLengthQueuingStrategy({ highWaterMark: WAITING_BYTES_MAX }),
    );
    const isBodiless = BODILESS.has(status) || this.method === 'HEAD';
    if (isBodiless) this.#isOver = true;
    this.#resolve(new Response(isBodiless ? null : stream, { status, headers: pairs(headers) }));
  }

  write(chunk: Uint8Array): boolean {
    if (this.#isOver || this.#controller === null) return true;
    this.#controller.enqueue(chunk);
    const isTaken = (this.#controller.desiredSize ?? 0) > 0;
    if (!isTaken) this.#stall.start();
    return isTaken;
  }

  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#stall.stop();
    this.#controller?.close();
  }

  destroy(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#stopReading();
    if (this.#controller === null) this.#resolve(new Response(null, { status: 499 }));
    else this.#controller.error(new Error('the answer broke off'));
  }

  /** A sender that never ends must not keep the call open. */
  #stopReading(): void {
    this.gone = true;
    this.#stall.stop();
    this.#reader?.cancel().catch(() => undefined);
  }

  /** The caller took nothing for too long. */
  #cut(): void {
    if (this.#isOver) return;
    this.#controller?.error(new Error('the answer was not taken in time'));
    this.#leave();
  }

  #leave(): void {
    if (this.#isOver && this.answered) return;
    this.gone = true;
    this.#isOver = true;
    this.#stopReading();
    this.onGone?.();
    if (!this.answered) this.#resolve(new Response(null, { status: 499 }));
  }
}

type BodyReader = ReadableStreamDefaultReader<Uint8Array>;

function pairs(headers: readonly string[]): [string, string][] {
  const list: [string, string][] = [];
  for (let i = 0; i + 1 < headers.length; i += 2) list.push([headers[i] ?? '', headers[i + 1] ?? '']);
  return list;
}
