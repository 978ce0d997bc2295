/**
 * A provider that speaks one wire format and says what a script wants, one answer after the other:
 * for conversations through the gateway.
 */
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { DialectName } from '../../src/llm/dialect.ts';
import { SPEAKERS } from './speakers/index.ts';
import type { Said } from './speakers/said.ts';

export interface HeardRequest {
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Readonly<Record<string, unknown>>;
}

export interface SpeakingUpstream {
  /** What `baseUrl` of a provider of this dialect has to be. */
  readonly baseUrl: string;
  readonly heard: readonly HeardRequest[];
  /** When callers left before their answer was over, in `performance.now()`; in the order in which they did. */
  readonly left: readonly number[];
  /** What is said from now on: in turn, the last for ever. */
  script(...said: readonly Said[]): void;
  close(): Promise<void>;
}

/** The paths that clients of these formats ask below `/v1`, which others do not have. */
const PREFIX: Readonly<Partial<Record<DialectName, string>>> = {
  openai: '/v1',
  'openai-responses': '/v1',
  mistral: '/v1',
};

/** Starts one. `pauseMs` is waited between the events of a stream. */
export async function startSpeakingUpstream(dialect: DialectName, pauseMs = 0): Promise<SpeakingUpstream> {
  const heard: HeardRequest[] = [];
  const left: number[] = [];
  let script: readonly Said[] = [];
  const server = createServer((req, res) => {
    res.once('close', () => {
      if (!res.writableFinished) left.push(performance.now());
    });
    void readBody(req).then((body) => {
      heard.push({ path: req.url ?? '', headers: req.headers, body });
      const said = script[Math.min(heard.length, script.length) - 1];
      if (said === undefined) return void res.writeHead(500).end('{}');
      return speak(dialect, said, isStream(req.url ?? '', body), pauseMs, res);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    baseUrl: `http://127.0.0.1:${port}${PREFIX[dialect] ?? ''}`,
    heard,
    left,
    script: (...said) => {
      script = said;
      heard.splice(0);
      left.splice(0);
    },
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

async function speak(dialect: DialectName, said: Said, stream: boolean, pauseMs: number, res: ServerResponse) {
  const speaker = SPEAKERS[dialect];
  if (!stream) {
    res.writeHead(200, { 'content-type': speaker.contentType }).end(JSON.stringify(speaker.whole(said)));
    return;
  }
  res.writeHead(200, { 'content-type': speaker.streamType });
  for (const event of speaker.stream(said)) {
    if (res.destroyed) return;
    res.write(event);
    if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
  res.end();
}

function isStream(path: string, body: Readonly<Record<string, unknown>>): boolean {
  return body['stream'] === true || /:streamGenerateContent|\/converse-stream/.test(path);
}

async function readBody(req: IncomingMessage): Promise<Readonly<Record<string, unknown>>> {
  const chunks: Buffer[] = [];
  for await (const chunk of req) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString();
  return text === '' ? {} : (JSON.parse(text) as Readonly<Record<string, unknown>>);
}
