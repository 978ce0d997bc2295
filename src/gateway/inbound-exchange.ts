import type { BodyListener } from './inbound-body.ts';
import type { Inbound } from './inbound.ts';

/** What an exchange needs of its connection, which knows whether the exchange is still its own. */
export interface ExchangeCarrier {
  readBody(exchange: Exchange, bytesMax: number, done: BodyListener): void;
  respond(exchange: Exchange, status: number, headers: readonly string[], body: Uint8Array): void;
  begin(exchange: Exchange, status: number, headers: readonly string[]): void;
  write(exchange: Exchange, chunk: Uint8Array): boolean;
  end(exchange: Exchange): void;
  cut(exchange: Exchange): void;
}

interface RequestParts {
  readonly method: string;
  readonly target: string;
  readonly headers: readonly string[];
  readonly bodyLength: number;
}

/** One request and its answer. It outlives its time on the connection, so that late use cannot reach the next request. */
export class Exchange implements Inbound {
  readonly method: string;
  readonly target: string;
  readonly headers: readonly string[];
  readonly remoteAddress: string;
  readonly bodyLength: number;
  answered = false;
  gone = false;
  onDrain: (() => void) | null = null;
  onGone: (() => void) | null = null;
  readonly #carrier: ExchangeCarrier;

  constructor(carrier: ExchangeCarrier, request: RequestParts, remoteAddress: string) {
    this.#carrier = carrier;
    this.method = request.method;
    this.target = request.target;
    this.headers = request.headers;
    this.bodyLength = request.bodyLength;
    this.remoteAddress = remoteAddress;
  }

  readBody(bytesMax: number, done: BodyListener): void {
    this.#carrier.readBody(this, bytesMax, done);
  }

  respond(status: number, headers: readonly string[], body: Uint8Array): void {
    this.#carrier.respond(this, status, headers, body);
  }

  begin(status: number, headers: readonly string[]): void {
    this.#carrier.begin(this, status, headers);
  }

  write(chunk: Uint8Array): boolean {
    return this.#carrier.write(this, chunk);
  }

  end(): void {
    this.#carrier.end(this);
  }

  destroy(): void {
    this.#carrier.cut(this);
  }
}
