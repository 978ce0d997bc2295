/**
 * A vendor of models on a port of its own, for tests. It speaks every dialect, records what it
 * received and when the other side left, and fails in the way that the name of the model asks for.
 */
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer as createPlainServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import type { ClientDialectName } from '../../src/llm/dialect.ts';
import { FAULTS, faultOf, statusOf } from './faults.ts';
import { errorAnswer, streamEvents, wholeAnswer } from './vendor-answers.ts';
import type { AskedFor } from './vendor-answers.ts';

export interface ReceivedRequest {
  readonly method: string;
  readonly url: string;
  /** Flat name, value pairs as received. */
  readonly rawHeaders: readonly string[];
  readonly body: Buffer;
  readonly model: string;
  /** `performance.now()` when the other side closed before the answer was complete; null otherwise. */
  abortedAtMs: number | null;
}

export interface FakeUpstream {
  /** Scheme, host and port. */
  readonly origin: string;
  readonly requests: readonly ReceivedRequest[];
  /** Everything received so far as one text, to search for secrets. */
  received(): string;
  clear(): void;
  /** Open connections. */
  connections(): number;
  close(): Promise<void>;
}

/** How many words a slow stream has unless its name says so, and the pause before each. */
const SLOW_STREAM = { words: 200, pauseMs: 50 } as const;

/** Starts the fake. Models: the names in `faults.ts`, `status-NNN`, `slow-stream`, `slow-stream-20` (words), `echo-headers`; any other answers. */
export async function startFakeUpstream(): Promise<FakeUpstream> {
  const requests: ReceivedRequest[] = [];
  const sockets = new Set<Socket>();
  const server = createServer(
    { noDelay: true, keepAliveTimeout: 60_000 },
    (req, res) => void receive(req, res, requests),
  );
  server.on('connection', (socket) => {
    sockets.add(socket);
    // A peer that leaves in mid-answer is what these tests are about.
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
  });
  const port = await listen(server);
  return {
    origin: `http://127.0.0.1:${port}`,
    requests,
    received: () => requests.map(asText).join('\n'),
    clear: () => void requests.splice(0),
    connections: () => sockets.size,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

/** An origin on which nothing listens. */
export async function closedOrigin(): Promise<string> {
  const server = createPlainServer();
  const port = await listen(server);
  await new Promise((resolve) => server.close(resolve));
  return `http://127.0.0.1:${port}`;
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

function asText(request: ReceivedRequest): string {
  return `${request.method} ${request.url}\n${request.rawHeaders.join('\n')}\n${request.body.toString('latin1')}`;
}

async function receive(req: IncomingMessage, res: ServerResponse, requests: ReceivedRequest[]): Promise<void> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of req) chunks.push(chunk as Buffer);
  } catch {
    // The caller left while sending: there is nothing to answer.
    return;
  }
  const body = Buffer.concat(chunks);
  const asked = readAsked(req.url ?? '', body);
  const request: ReceivedRequest = {
    method: req.method ?? '',
    url: req.url ?? '',
    rawHeaders: req.rawHeaders,
    body,
    model: asked.model,
    abortedAtMs: null,
  };
  requests.push(request);
  res.on('close', () => {
    if (!res.writableFinished) request.abortedAtMs = performance.now();
  });
  answer(asked, req, res);
}

function answer(asked: AskedFor, req: IncomingMessage, res: ServerResponse): void {
  const status = statusOf(asked.model);
  if (status !== null) return sendJson(res, status, errorAnswer(asked.dialect, status), retryHeaders(status));
  const fault = faultOf(asked.model);
  if (fault !== null) {
    return FAULTS[fault]({
      socket: req.socket,
      res,
      contentType: asked.stream ? 'text/event-stream' : 'application/json',
      body: asked.stream ? streamEvents(asked).join('') : JSON.stringify(wholeAnswer(asked)),
      events: streamEvents(asked),
    });
  }
  if (asked.model === 'echo-headers') return sendJson(res, 200, { headers: req.rawHeaders, url: req.url });
  if (!asked.stream) return sendJson(res, 200, wholeAnswer(asked));
  res.writeHead(200, { 'content-type': 'text/event-stream', 'x-request-id': 'vendor-request' });
  const slow = /^slow-stream(?:-(\d+))?$/.exec(asked.model);
  if (slow !== null) {
    const words = Array.from({ length: Number(slow[1] ?? SLOW_STREAM.words) }, (_, i) => `${i} `);
    return sendSlowly(res, streamEvents(asked, words));
  }
  for (const event of streamEvents(asked)) res.write(event);
  res.end();
}

function retryHeaders(status: number): Readonly<Record<string, string>> {
  return status === 429 ? { 'retry-after': '7' } : {};
}

function sendJson(
  res: ServerResponse,
  status: number,
  value: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  const body = Buffer.from(JSON.stringify(value));
  const fixed = { 'content-type': 'application/json', 'content-length': body.length, 'x-request-id': 'vendor-request' };
  res.writeHead(status, { ...fixed, ...headers });
  res.end(body);
}

function sendSlowly(res: ServerResponse, events: readonly string[]): void {
  let next = 0;
  const timer = setInterval(() => {
    const event = events[next];
    next += 1;
    if (event !== undefined) res.write(event);
    else res.end();
  }, SLOW_STREAM.pauseMs);
  res.on('close', () => clearInterval(timer));
}

interface AskedBody {
  readonly model?: unknown;
  readonly stream?: unknown;
  readonly stream_options?: { readonly include_usage?: unknown } | null;
  readonly encoding_format?: unknown;
}

function readAsked(url: string, bytes: Buffer): AskedFor {
  const body = parseBody(bytes);
  const path = url.split('?')[0] ?? '';
  const gemini = /\/models\/(.+):(\w+)$/.exec(path);
  const named = typeof body.model === 'string' ? body.model : '';
  return {
    dialect: dialectOf(path, gemini !== null),
    operation: operationOf(path, gemini?.[2] ?? ''),
    model: gemini?.[1] === undefined ? named : decodeURIComponent(gemini[1]),
    stream: gemini === null ? body.stream === true : gemini[2] === 'streamGenerateContent',
    includeUsage: body.stream_options?.include_usage === true,
    base64: body.encoding_format === 'base64',
  };
}

function parseBody(bytes: Buffer): AskedBody {
  try {
    return JSON.parse(bytes.toString('utf8')) as AskedBody;
  } catch {
    // A GET, or a body that the passthrough carried and that is no JSON.
    return {};
  }
}

function dialectOf(path: string, gemini: boolean): ClientDialectName {
  if (gemini) return 'gemini';
  if (path.includes('/messages')) return 'anthropic';
  return path.endsWith('/responses') ? 'openai-responses' : 'openai';
}

function operationOf(path: string, geminiVerb: string): AskedFor['operation'] {
  if (path.endsWith('/embeddings') || /embedContents?$/i.test(geminiVerb)) return 'embeddings';
  if (path.endsWith('/count_tokens') || geminiVerb === 'countTokens') return 'count_tokens';
  if (path.endsWith('/models')) return 'models';
  if (geminiVerb !== '' || /\/(completions|responses|messages)$/.test(path)) return 'chat';
  return 'other';
}
