/** The gateway's HTTP server on a port of its own, and a caller by hand that sees every byte. */
import net from 'node:net';
import { afterEach, expect } from 'vitest';
import { createInboundServer } from '../src/gateway/inbound-server.ts';
import type { Inbound, InboundServer, InboundServerOptions } from '../src/gateway/inbound.ts';

export const OPTIONS: Omit<InboundServerOptions, 'onRequest'> = {
  tls: null,
  headBytesMax: 16_384,
  headerLinesMax: 100,
  headTimeoutMs: 10_000,
  bodyTimeoutMs: 10_000,
  keepAliveMs: 10_000,
  connectionsMax: 100,
  malformedAnswer: (reason) => ({
    status: {
      invalid_request: 400,
      headers_too_large: 431,
      body_too_large: 413,
      request_timeout: 408,
      overloaded: 503,
    }[reason],
    headers: ['x-reason', reason],
    body: Buffer.from(reason),
  }),
};

/** Called after the test, the last first. */
export const toClose: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of toClose.splice(0).toReversed()) await close();
});

export interface Listening {
  readonly server: InboundServer;
  readonly port: number;
  /** Every request that was told. */
  readonly told: Inbound[];
}

export async function listen(
  onRequest: (inbound: Inbound, index: number) => void,
  options: Partial<InboundServerOptions> = {},
): Promise<Listening> {
  const told: Inbound[] = [];
  const server = createInboundServer({
    ...OPTIONS,
    ...options,
    onRequest: (inbound) => onRequest(inbound, told.push(inbound) - 1),
  });
  const port = await server.listen({ host: '127.0.0.1', port: 0, reusePort: false });
  toClose.push(() => server.drain(0));
  return { server, port, told };
}

const REFUSED_WITH = { 'too-large': 413, invalid_request: 400, headers_too_large: 431, request_timeout: 408 } as const;

/** Answers with the method, the target and the body. */
export function echo(inbound: Inbound): void {
  inbound.readBody(1_000_000, (body) => {
    if (body === 'gone') return;
    if (typeof body === 'string') inbound.respond(REFUSED_WITH[body], [], Buffer.from(body));
    else inbound.respond(200, [], Buffer.concat([Buffer.from(`${inbound.method} ${inbound.target} `), body]));
  });
}

export class RawClient {
  readonly socket: net.Socket;
  text = '';
  ended = false;
  closed = false;
  error = '';

  constructor(port: number) {
    this.socket = net.connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
    this.socket.on('data', (chunk) => (this.text += chunk.toString('latin1')));
    this.socket.on('end', () => (this.ended = true));
    this.socket.on('error', (error: NodeJS.ErrnoException) => (this.error = error.code ?? ''));
    this.socket.on('close', () => (this.closed = true));
    toClose.push(() => this.socket.destroy());
  }

  send(bytes: string | Buffer): this {
    this.socket.write(bytes);
    return this;
  }

  /** Without the date, which is checked once. */
  get answers(): string {
    return this.text.replaceAll(/date: [^\r]+ GMT\r\n/g, '');
  }

  async until(pattern: RegExp): Promise<string> {
    await expect.poll(() => this.answers, { interval: 5, timeout: 5_000 }).toMatch(pattern);
    return this.answers;
  }

  async untilEnded(): Promise<string> {
    await expect.poll(() => this.ended || this.closed, { interval: 5, timeout: 5_000 }).toBe(true);
    return this.answers;
  }
}

export function ok(body: string, close = false): string {
  return `HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n${close ? 'connection: close\r\n' : ''}\r\n${body}`;
}

export const BAD =
  'HTTP/1.1 400 Bad Request\r\nx-reason: invalid_request\r\ncontent-length: 15\r\nconnection: close\r\n\r\ninvalid_request';

export function post(body: string, lines = ''): string {
  return `POST /p HTTP/1.1\r\nHost: x\r\n${lines}Content-Length: ${body.length}\r\n\r\n${body}`;
}

export const GET = 'GET /g HTTP/1.1\r\nHost: x\r\n\r\n';
export const CHUNKED = 'POST /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n';
