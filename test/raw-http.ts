/** HTTP by hand over a socket, for what no client would send and to see every byte of an answer. */
import { connect } from 'node:net';

export interface RawAnswer {
  /** 0 when the other side closed without an answer. */
  readonly status: number;
  /** Lower-case names; of a repeated one the last. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Everything received, one char a byte. */
  readonly text: string;
  /** Whether the time ran out before the other side closed the connection. */
  readonly timedOut: boolean;
}

/** Sends bytes and reads until the other side closes; send `Connection: close` to see that soon. */
export function rawExchange(origin: string, bytes: string | Buffer, timeoutMs = 5_000): Promise<RawAnswer> {
  const { hostname, port } = new URL(origin);
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const socket = connect({ host: hostname, port: Number(port), noDelay: true });
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      socket.destroy();
    }, timeoutMs);
    socket.on('connect', () => socket.write(bytes));
    socket.on('data', (chunk) => chunks.push(chunk));
    // A reset after the answer is one way to close; what came before it counts.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      clearTimeout(timer);
      resolve({ ...parse(Buffer.concat(chunks).toString('latin1')), timedOut });
    });
  });
}

/** A request with a body and the usual headers; `extra` goes last, as lines. */
export function rawRequest(
  path: string,
  body: string,
  options: { readonly key?: string; readonly method?: string; readonly extra?: readonly string[] } = {},
): string {
  return [
    `${options.method ?? 'POST'} ${path} HTTP/1.1`,
    'Host: localhost',
    'Connection: close',
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    ...(options.key === undefined ? [] : [`Authorization: Bearer ${options.key}`]),
    ...(options.extra ?? []),
    '',
    body,
  ].join('\r\n');
}

function parse(text: string): Omit<RawAnswer, 'timedOut'> {
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0);
  const split = text.indexOf('\r\n\r\n');
  const head = split === -1 ? text : text.slice(0, split);
  const headers: Record<string, string> = {};
  for (const line of head.split('\r\n').slice(1)) {
    const colon = line.indexOf(':');
    headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
  }
  const rest = split === -1 ? '' : text.slice(split + 4);
  const body = headers['transfer-encoding'] === 'chunked' ? unchunk(rest) : rest;
  return { status, headers, body: Buffer.from(body, 'latin1').toString('utf8'), text };
}

function unchunk(text: string): string {
  let out = '';
  let at = 0;
  for (;;) {
    const lineEnd = text.indexOf('\r\n', at);
    const size = lineEnd === -1 ? 0 : Number.parseInt(text.slice(at, lineEnd), 16);
    if (!(size > 0)) return out;
    out += text.slice(lineEnd + 2, lineEnd + 2 + size);
    at = lineEnd + 2 + size + 2;
  }
}
