/**
 * The load generator, in a process of its own: a fixed number of keep-alive connections, each with
 * one request under way, for a fixed time (a closed model: for CPU and throughput, not for latency).
 * Reads one {@link LoadOrder} as a JSON line from standard input, answers a {@link LoadResult}.
 */
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { createInterface } from 'node:readline';

export interface LoadOrder {
  readonly port: number;
  /** The whole request, as bytes of HTTP. */
  readonly request: string;
  readonly connections: number;
  readonly durationMs: number;
  readonly expectedStatus: number;
}

export interface LoadResult {
  readonly requests: number;
  /** Answers with another status, and connections that broke. */
  readonly failures: number;
  readonly elapsedMs: number;
}

const HEAD_END = Buffer.from('\r\n\r\n');
const LAST_CHUNK = Buffer.from('0\r\n\r\n');

/** Tells for the bytes received so far whether the answer is whole. Answers are never pipelined. */
class AnswerReader {
  status = 0;
  #bodyLeft = -1;
  #chunked = false;
  #tail: Buffer = Buffer.alloc(0);

  reset(): void {
    this.status = 0;
    this.#bodyLeft = -1;
    this.#chunked = false;
    this.#tail = Buffer.alloc(0);
  }

  push(chunk: Buffer): boolean {
    let body = chunk;
    if (this.status === 0) {
      const all = this.#tail.length === 0 ? chunk : Buffer.concat([this.#tail, chunk]);
      const headEnd = all.indexOf(HEAD_END);
      if (headEnd === -1) {
        this.#tail = all;
        return false;
      }
      const head = all.toString('latin1', 0, headEnd).toLowerCase();
      this.status = Number(head.slice(9, 12));
      this.#chunked = head.includes('transfer-encoding: chunked');
      this.#bodyLeft = Number(/content-length: *(\d+)/.exec(head)?.[1] ?? 0);
      this.#tail = Buffer.alloc(0);
      body = all.subarray(headEnd + HEAD_END.length);
    }
    if (!this.#chunked) {
      this.#bodyLeft -= body.length;
      return this.#bodyLeft <= 0;
    }
    // The last chunk may be split between two reads.
    const end = body.length >= LAST_CHUNK.length ? body : Buffer.concat([this.#tail, body]);
    this.#tail = end.subarray(Math.max(0, end.length - LAST_CHUNK.length));
    return this.#tail.equals(LAST_CHUNK);
  }
}

function run(order: LoadOrder): Promise<LoadResult> {
  const request = Buffer.from(order.request, 'latin1');
  const startedAtMs = performance.now();
  const endAtMs = startedAtMs + order.durationMs;
  let requests = 0;
  let failures = 0;
  let open = order.connections;
  return new Promise((resolve) => {
    const finish = (socket: Socket): void => {
      socket.destroy();
      open -= 1;
      if (open === 0) resolve({ requests, failures, elapsedMs: performance.now() - startedAtMs });
    };
    for (let i = 0; i < order.connections; i += 1) {
      const reader = new AnswerReader();
      const socket = connect({ host: '127.0.0.1', port: order.port, noDelay: true });
      let finished = false;
      const finishOnce = (broken: boolean): void => {
        if (finished) return;
        finished = true;
        if (broken) failures += 1;
        finish(socket);
      };
      socket.on('connect', () => socket.write(request));
      socket.on('error', () => finishOnce(true));
      socket.on('close', () => finishOnce(true));
      socket.on('data', (chunk) => {
        if (finished || !reader.push(chunk)) return;
        requests += 1;
        if (reader.status !== order.expectedStatus) failures += 1;
        reader.reset();
        if (performance.now() < endAtMs) socket.write(request);
        else finishOnce(false);
      });
    }
  });
}

for await (const line of createInterface({ input: process.stdin })) {
  const result = await run(JSON.parse(line) as LoadOrder);
  process.stdout.write(`${JSON.stringify(result)}\n`);
}
process.exit(0);
