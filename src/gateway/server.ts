import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerOptions, ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { AppError } from '../errors.ts';
import { DIALECTS } from '../llm/index.ts';
import type { Gateway } from './gateway.ts';
import { handle } from './handle.ts';
import type { ListenOptions } from './messages.ts';

/** The parser's own bounds: what it refuses never becomes a request. Times in milliseconds. */
const SERVER_OPTIONS: ServerOptions = {
  maxHeaderSize: 16_384,
  headersTimeout: 10_000,
  /** For the whole request, body included: long enough for a large one on a slow line. */
  requestTimeout: 300_000,
  keepAliveTimeout: 75_000,
  /** Without it the two timeouts above are looked at every 30 s only. */
  connectionsCheckingInterval: 1000,
  insecureHTTPParser: false,
  requireHostHeader: false, // checked at the door, with a sentence
  noDelay: true,
};

/** The gateway's listener. Errors of the parser are answered once, and never after another answer. */
export function createGatewayServer(gateway: Gateway, tls: ListenOptions['tls']): Server {
  const listener = (req: IncomingMessage, res: ServerResponse) => {
    markAnswered(req.socket);
    void handle(gateway, req, res);
  };
  const server =
    tls === null ? createServer(SERVER_OPTIONS, listener) : createTlsServer({ ...SERVER_OPTIONS, ...tls }, listener);
  // Node would drop the lines beyond a maximum without a word; the door counts them instead.
  server.maxHeadersCount = 0;
  server.on('connection', (socket: Socket) => {
    gateway.connections += 1;
    socket.once('close', () => {
      gateway.connections -= 1;
    });
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => answerUnparsed(gateway, error, socket));
  return server;
}

/** Starts listening; resolves with the port. */
export function listen(server: Server, options: ListenOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(listenError(error, options)));
    server.listen({ host: options.host, port: options.port, reusePort: options.reusePort, backlog: 1024 }, () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : options.port);
    });
  });
}

function listenError(error: NodeJS.ErrnoException, options: ListenOptions): Error {
  return new Error(`cannot listen on ${options.host}:${options.port}: ${error.code ?? error.message}`);
}

/** Connections on which a request was answered or is being answered. */
const answered = new WeakSet<Duplex>();

function markAnswered(socket: Duplex): void {
  answered.add(socket);
}

/**
 * Bytes that are no HTTP. On a connection that has carried a request nothing may be written: the
 * answer under way, or the one before, would get a second one glued to it.
 */
function answerUnparsed(gateway: Gateway, error: NodeJS.ErrnoException, socket: Duplex): void {
  if (answered.has(socket) || !socket.writable || error.code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const refused = new AppError(unparsedCode(error.code));
  const requestId = gateway.nextRequestId();
  const body = DIALECTS.openai.errorBody({
    status: refused.status,
    code: refused.code,
    message: refused.message,
    requestId,
  });
  socket.end(
    `HTTP/1.1 ${refused.status} Refused\r\ncontent-type: application/json\r\nx-request-id: ${requestId}\r\n` +
      `connection: close\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

function unparsedCode(code: string | undefined) {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return 'headers_too_large';
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return 'body_too_large';
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return 'request_timeout';
    default:
      return 'invalid_request';
  }
}
