/** A vendor that sends exactly the pieces of an answer that a test gives it, each in a write of its own. */
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export interface RawStream {
  /** A number is a pause in milliseconds. */
  readonly pieces: readonly (string | Buffer | number)[];
  readonly type?: string;
  /** 200 unless it is said. */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface StreamingUpstream {
  readonly origin: string;
  /** Paths asked for so far. */
  readonly asked: readonly string[];
  /** What is sent from now on, in turn; the last for ever. */
  script(...streams: readonly RawStream[]): void;
  close(): Promise<void>;
}

export async function startStreamingUpstream(): Promise<StreamingUpstream> {
  const asked: string[] = [];
  const sockets = new Set<Socket>();
  let script: readonly RawStream[] = [];
  const server = createServer({ noDelay: true }, (req, res) => {
    req.resume();
    req.on('end', () => {
      asked.push(req.url ?? '');
      const stream = script[Math.min(asked.length, script.length) - 1];
      if (stream === undefined) return void res.writeHead(500).end('{}');
      res.writeHead(stream.status ?? 200, { 'content-type': stream.type ?? 'text/event-stream', ...stream.headers });
      void send(stream.pieces);
    });
    const send = async (pieces: RawStream['pieces']): Promise<void> => {
      for (const piece of pieces) {
        if (res.destroyed) return;
        if (typeof piece === 'number') await sleep(piece);
        else await new Promise<void>((resolve) => void res.write(piece, () => setImmediate(resolve)));
      }
      res.end();
    };
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    script: (...streams) => {
      script = streams;
      asked.splice(0);
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}
