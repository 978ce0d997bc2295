import net from 'node:net';
import tls from 'node:tls';
import { dateLine } from './inbound-answer.ts';
import { Connection } from './inbound-connection.ts';
import type { ConnectionHost } from './inbound-connection.ts';
import type { InboundServer, InboundServerOptions } from './inbound.ts';

/** An HTTP/1.1 server on `node:net` and `node:tls`; ADR 0006 says why it is not Node's. */
export function createInboundServer(options: InboundServerOptions): InboundServer {
  return new Server(options);
}

/** Resolution of all deadlines and of the date. */
const SWEEP_MS = 250;
const BACKLOG = 1024;
/** Connections that are being refused, or are in their TLS handshake, beyond those served; the rest is closed at once. */
const SURPLUS_CONNECTIONS_MAX = 1024;

class Server implements InboundServer, ConnectionHost {
  readonly options: InboundServerOptions;
  dateLine = dateLine(Date.now());
  isDraining = false;
  readonly #server: net.Server;
  readonly #connections = new Set<Connection>();
  #sweeper: NodeJS.Timeout | undefined;
  #closed: Promise<void> | null = null;
  #onEmpty: (() => void) | null = null;

  constructor(options: InboundServerOptions) {
    this.options = options;
    this.#server = createNetServer(options, (socket) => this.#onConnection(socket));
    this.#server.maxConnections = options.connectionsMax + SURPLUS_CONNECTIONS_MAX;
  }

  get connections(): number {
    return this.#connections.size;
  }

  listen(where: { readonly host: string; readonly port: number; readonly reusePort: boolean }): Promise<number> {
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    const server = this.#server;
    // Stays: a failed `accept` (no file handles left) is told here too, and must not end the worker.
    server.on('error', (error: NodeJS.ErrnoException) => {
      reject(new Error(`cannot listen on ${where.host}:${where.port}: ${error.code ?? error.message}`));
    });
    server.listen({ ...where, backlog: BACKLOG }, () => {
      const address = server.address();
      this.#sweeper = setInterval(() => this.#sweep(), SWEEP_MS).unref();
      resolve(typeof address === 'object' && address !== null ? address.port : where.port);
    });
    return promise;
  }

  async drain(deadlineMs: number): Promise<void> {
    this.isDraining = true;
    this.#closed ??= this.#close();
    for (const connection of this.#connections) connection.closeIfIdle();
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, deadlineMs);
    await Promise.race([this.#closed, late]);
    clearTimeout(timer);
    for (const connection of this.#connections) connection.destroy();
  }

  forget(connection: Connection): void {
    this.#connections.delete(connection);
    if (this.#connections.size === 0) this.#onEmpty?.();
  }

  #close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => {
        clearInterval(this.#sweeper);
        // The last sockets tell their own 'close' after the server's.
        this.#onEmpty = resolve;
        if (this.#connections.size === 0) resolve();
      });
    });
  }

  #onConnection(socket: net.Socket): void {
    const isSurplus = this.#connections.size >= this.options.connectionsMax;
    this.#connections.add(new Connection(this, socket, isSurplus));
  }

  #sweep(): void {
    this.dateLine = dateLine(Date.now());
    const now = performance.now();
    for (const connection of this.#connections) {
      connection.checkTime(now);
      if (this.isDraining) connection.closeIfIdle();
    }
  }
}

function createNetServer(options: InboundServerOptions, onConnection: (socket: net.Socket) => void): net.Server {
  // Half-open, because when our side ends is the connection's decision.
  const socketOptions = { noDelay: true, allowHalfOpen: true };
  if (options.tls === null) return net.createServer(socketOptions, onConnection);
  const server = tls.createServer({
    ...socketOptions,
    ...options.tls,
    minVersion: 'TLSv1.2',
    ALPNProtocols: ['http/1.1'],
    handshakeTimeout: options.headTimeoutMs,
  });
  // A handshake that takes too long is only told: ending it is left to the listener.
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  return server.on('secureConnection', onConnection);
}
