/**
 * The ways in which a vendor fails, each chosen by the name of the model asked for. Faults beneath
 * HTTP write to the socket directly, so that what goes over the wire is exactly what is meant.
 */
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { gzipSync } from 'node:zlib';

export type FaultName =
  | 'dies-before-head'
  | 'dies-in-mid-body'
  | 'dies-in-mid-stream'
  | 'stalls-before-head'
  | 'stalls-in-mid-body'
  | 'stalls-in-mid-stream'
  | 'sends-garbage'
  | 'sends-huge-header'
  | 'sends-endless-body'
  | 'says-too-long'
  | 'says-too-short'
  | 'sends-bad-chunk'
  | 'sends-broken-json'
  | 'sends-a-page'
  | 'sends-a-page-as-json'
  | 'sends-nothing'
  | 'sends-compressed'
  | 'fails-compressed'
  | 'shouts-its-type'
  | 'redirects';

export interface FaultScene {
  readonly socket: Socket;
  readonly res: ServerResponse;
  readonly contentType: string;
  /** The whole answer as it would have been. */
  readonly body: string;
  /** The events as they would have been. */
  readonly events: readonly string[];
}

const HUGE_HEADER_BYTES = 100_000;
const PAGE = '<html><body>Sign in</body></html>';
const ENDLESS_PIECE = Buffer.alloc(64 * 1024, 'a');

function head(scene: FaultScene, lines: readonly string[]): string {
  return ['HTTP/1.1 200 OK', `content-type: ${scene.contentType}`, ...lines, '', ''].join('\r\n');
}

function half(text: string): string {
  return text.slice(0, Math.floor(text.length / 2));
}

/** Two events, as one chunk each, and then nothing more. */
function beginStream(scene: FaultScene): void {
  scene.res.writeHead(200, { 'content-type': 'text/event-stream' });
  for (const event of scene.events.slice(0, 2)) scene.res.write(event);
}

export const FAULTS: Readonly<Record<FaultName, (scene: FaultScene) => void>> = {
  'dies-before-head': ({ socket }) => void socket.destroy(),
  'dies-in-mid-body': (scene) => {
    const lines = [`content-length: ${Buffer.byteLength(scene.body)}`];
    // A reset instead of an orderly end, after the first half has left.
    scene.socket.write(head(scene, lines) + half(scene.body), () => scene.socket.resetAndDestroy());
  },
  'dies-in-mid-stream': (scene) => {
    beginStream(scene);
    setTimeout(() => scene.socket.destroy(), 20);
  },
  'stalls-before-head': () => undefined,
  'stalls-in-mid-body': (scene) => {
    scene.socket.write(head(scene, [`content-length: ${Buffer.byteLength(scene.body)}`]) + half(scene.body));
  },
  'stalls-in-mid-stream': beginStream,
  'sends-garbage': ({ socket }) => void socket.end('\u0016\u0003\u0001 this is not HTTP at all\r\n\r\n'),
  'sends-huge-header': (scene) => {
    const lines = [`x-huge: ${'h'.repeat(HUGE_HEADER_BYTES)}`, `content-length: ${Buffer.byteLength(scene.body)}`];
    scene.socket.write(head(scene, lines) + scene.body);
  },
  'sends-endless-body': (scene) => {
    scene.res.writeHead(200, { 'content-type': scene.contentType });
    const more = (): void => {
      while (!scene.res.destroyed && scene.res.write(ENDLESS_PIECE));
    };
    scene.res.on('drain', more);
    more();
  },
  'says-too-long': (scene) => {
    scene.socket.end(head(scene, [`content-length: ${Buffer.byteLength(scene.body) + 100}`]) + scene.body);
  },
  'says-too-short': (scene) => {
    scene.socket.write(head(scene, [`content-length: ${Buffer.byteLength(scene.body) - 10}`]) + scene.body);
  },
  'sends-bad-chunk': (scene) => {
    scene.socket.write(`${head(scene, ['transfer-encoding: chunked'])}zz\r\n${scene.body}\r\n0\r\n\r\n`);
  },
  'sends-broken-json': (scene) => {
    const broken = half(scene.body);
    scene.socket.write(head(scene, [`content-length: ${Buffer.byteLength(broken)}`]) + broken);
  },
  'sends-a-page': ({ res }) => void res.writeHead(200, { 'content-type': 'text/html' }).end(PAGE),
  'sends-a-page-as-json': ({ res, contentType }) => void res.writeHead(200, { 'content-type': contentType }).end(PAGE),
  'sends-nothing': ({ res }) => void res.writeHead(204).end(),
  'sends-compressed': ({ res, contentType, body }) =>
    void res.writeHead(200, { 'content-type': contentType, 'content-encoding': 'gzip' }).end(gzipSync(body)),
  'fails-compressed': ({ res }) =>
    void res
      .writeHead(400, { 'content-type': 'application/json', 'content-encoding': 'gzip' })
      .end(gzipSync('{"error":{"message":"packed"}}')),
  'shouts-its-type': ({ res, contentType, body }) =>
    void res.writeHead(200, { 'content-type': contentType.toUpperCase() }).end(body),
  redirects: ({ res }) => {
    res.writeHead(302, { location: 'http://127.0.0.1:9/elsewhere' });
    res.end();
  },
};

/** The fault a model's name asks for, if any. */
export function faultOf(model: string): FaultName | null {
  return Object.hasOwn(FAULTS, model) ? (model as FaultName) : null;
}

/** The status that `status-NNN` asks for, if any. */
export function statusOf(model: string): number | null {
  const match = /^status-(\d{3})$/.exec(model);
  return match === null ? null : Number(match[1]);
}
