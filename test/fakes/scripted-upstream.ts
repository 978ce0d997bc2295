/**
 * An OpenAI-like vendor that answers by a script: what comes next for a credential, else for all.
 * It remembers in which order its credentials were used.
 */
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

export type ScriptedAnswer =
  | 'ok'
  | 'hang'
  | 'cut'
  | { readonly afterMs: number }
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: unknown }
  /** The first bytes of a stream, and then the connection is cut. */
  | { readonly cutAfter: string };

export interface ScriptedUpstream {
  readonly origin: string;
  /** Secrets in the order in which they were used. */
  readonly used: readonly string[];
  readonly models: readonly string[];
  /** Requests that the other side gave up before they were answered. */
  readonly aborted: () => number;
  /** What a credential is answered next, one after the other; then `ok`, or what `always` says. */
  script(secret: string, ...answers: readonly ScriptedAnswer[]): void;
  always(answer: ScriptedAnswer): void;
  clear(): void;
  close(): Promise<void>;
}

/**
 * `listsModels`: a question for the list of models, as asked to try a credential, is a part of the script;
 * otherwise it fails, so that whoever is down stays so until a call says otherwise.
 */
export async function startScriptedUpstream({ listsModels = false } = {}): Promise<ScriptedUpstream> {
  const scripts = new Map<string, ScriptedAnswer[]>();
  const used: string[] = [];
  const models: string[] = [];
  const sockets = new Set<Socket>();
  let fallback: ScriptedAnswer = 'ok';
  let aborted = 0;

  const server = createServer({ noDelay: true }, (req, res) => {
    if (req.method === 'GET' && !listsModels) return void res.writeHead(503).end();
    void receive(req).then((body) => {
      const secret = (req.headers.authorization ?? '').replace('Bearer ', '');
      used.push(secret);
      models.push(body.model);
      res.on('close', () => (aborted += res.writableFinished ? 0 : 1));
      play(scripts.get(secret)?.shift() ?? fallback, body, res);
    });
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    used,
    models,
    aborted: () => aborted,
    script: (secret, ...answers) => void scripts.set(secret, [...answers]),
    always: (answer) => void (fallback = answer),
    clear: () => {
      scripts.clear();
      used.splice(0);
      models.splice(0);
      fallback = 'ok';
      aborted = 0;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

interface Body {
  readonly model: string;
  readonly stream: boolean;
}

async function receive(req: IncomingMessage): Promise<Body> {
  const chunks: Buffer[] = [];
  for await (const chunk of req) chunks.push(chunk as Buffer);
  // A question for the list of models has none.
  const text = chunks.length === 0 ? '{}' : Buffer.concat(chunks).toString();
  const { model, stream } = JSON.parse(text) as Partial<Body>;
  return { model: model ?? '', stream: stream ?? false };
}

function play(answer: ScriptedAnswer, body: Body, res: ServerResponse): void {
  if (answer === 'hang') return;
  if (answer === 'cut') return void res.socket?.destroy();
  if (answer === 'ok') return answerWell(body, res);
  if ('afterMs' in answer) return void setTimeout(() => answerWell(body, res), answer.afterMs);
  if ('cutAfter' in answer) {
    res.writeHead(200, { 'content-type': 'text/event-stream' });
    res.write(answer.cutAfter, () => res.socket?.destroy());
    return;
  }
  const { status, headers, body: told } = answer;
  res.writeHead(status, { 'content-type': 'application/json', ...headers });
  res.end(JSON.stringify(told ?? { error: { message: `refused with ${status}`, type: 'x', param: null, code: null } }));
}

function answerWell({ model, stream }: Body, res: ServerResponse): void {
  if (res.destroyed) return;
  const usage = { prompt_tokens: 3, completion_tokens: 1, total_tokens: 4 };
  const base = { id: 'c', created: 1, model };
  if (!stream) {
    const message = { role: 'assistant', content: 'hi' };
    const choices = [{ index: 0, message, finish_reason: 'stop' }];
    res.writeHead(200, { 'content-type': 'application/json' });
    res.end(JSON.stringify({ ...base, object: 'chat.completion', choices, usage }));
    return;
  }
  const chunk = (choices: unknown, more: object = {}) =>
    `data: ${JSON.stringify({ ...base, object: 'chat.completion.chunk', choices, ...more })}\n\n`;
  res.writeHead(200, { 'content-type': 'text/event-stream' });
  res.write(chunk([{ index: 0, delta: { content: 'hi' }, finish_reason: null }]));
  res.write(chunk([{ index: 0, delta: {}, finish_reason: 'stop' }]));
  res.end(`${chunk([], { usage })}data: [DONE]\n\n`);
}
