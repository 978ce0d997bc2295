/**
 * Whether the time of an answer tells an unknown key from a wrong secret, over HTTP, on the gateway
 * and on keys/verify: `node bench/disclosure.ts`. Takes about two minutes; exits with 1 where it does.
 */
import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { unknownKey, withWrongSecret } from '../test/forged-key.ts';
import { createKey, startProduct } from '../test/product.ts';
import type { Product } from '../test/product.ts';
import { renderTable } from './table.ts';
import { compare, T_MAX } from './timing.ts';

const SAMPLES = 100_000;
const WARM_UP = 5_000;
/** Keys of each kind, so that where single ones lie in memory does not count: two sets of 50 differ by as much as kinds do. */
const OF_A_KIND = 500;

type MakeRequest = (key: string) => string;

/** One connection, one request under way. */
async function openCaller(url: string): Promise<{ call(request: string): Promise<number>; close(): void }> {
  const { hostname, port } = new URL(url);
  const socket: Socket = connect({ host: hostname, port: Number(port), noDelay: true });
  await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
  let received = '';
  let done: ((status: number) => void) | null = null;
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    received += chunk;
    const end = received.indexOf('\r\n\r\n');
    if (end === -1) return;
    const length = Number(/content-length: *(\d+)/i.exec(received.slice(0, end))?.[1] ?? 0);
    if (received.length < end + 4 + length) return;
    const status = Number(received.slice(9, 12));
    received = '';
    done?.(status);
  });
  return {
    call: (request) =>
      new Promise((resolve) => {
        done = resolve;
        socket.write(request, 'latin1');
      }),
    close: () => socket.destroy(),
  };
}

async function sample(
  url: string,
  make: MakeRequest,
  kinds: readonly (readonly string[])[],
): Promise<ReturnType<typeof compare>> {
  const caller = await openCaller(url);
  const requests = kinds.map((keys) => keys.map(make));
  const samples: [number[], number[]] = [[], []];
  const order = new Uint32Array(randomBytes(4 * (SAMPLES + WARM_UP)).buffer);
  for (const [i, drawn] of order.entries()) {
    const which = drawn & 1;
    const request = requests[which]?.[(drawn >>> 1) % OF_A_KIND] ?? '';
    const started = process.hrtime.bigint();
    await caller.call(request);
    const micros = Number(process.hrtime.bigint() - started) / 1000;
    if (i >= WARM_UP) samples[which === 0 ? 0 : 1].push(micros);
  }
  caller.close();
  return compare(...samples);
}

function gatewayRequest(key: string): string {
  const body = '{"model":"sandbox/echo","messages":[{"role":"user","content":"hello"}]}';
  return post('/v1/chat/completions', key, body);
}

function verifyRequest(token: string): MakeRequest {
  return (key) => post('/api/v1/keys/verify', token, JSON.stringify({ key }));
}

function post(path: string, bearer: string, body: string): string {
  return `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer ${bearer}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

async function kidsOf(product: Product, rotations: number): Promise<readonly string[]> {
  const kids: string[] = [];
  for (let i = 0; i < OF_A_KIND; i += 1) {
    const { kid } = await createKey(product);
    for (let n = 0; n < rotations; n += 1) await product.admin('POST', `/keys/${kid}/rotate`, { overlap: '1h' });
    kids.push(kid);
  }
  return kids;
}

async function run(): Promise<number> {
  const product = await startProduct({ workers: 1 });
  try {
    const unknown = Array.from({ length: OF_A_KIND }, unknownKey);
    const kinds: readonly (readonly [string, readonly string[]])[] = [
      ['wrong secret', (await kidsOf(product, 0)).map((kid) => withWrongSecret(kid))],
      ['wrong secret, three held', (await kidsOf(product, 2)).map((kid) => withWrongSecret(kid))],
      ['other unknown keys', Array.from({ length: OF_A_KIND }, unknownKey)],
    ];
    const places: readonly (readonly [string, string, MakeRequest])[] = [
      ['gateway', product.gatewayUrl, gatewayRequest],
      ['keys/verify', product.adminUrl, verifyRequest(product.adminToken)],
    ];
    const asked = places.filter(([place]) => process.argv[2] === undefined || process.argv[2] === place);
    const rows: string[][] = [];
    let told = 0;
    for (const [place, url, make] of asked) {
      for (const [name, keys] of kinds) {
        const { first, second, t, guessed } = await sample(url, make, [unknown, keys]);
        const isTold = Math.abs(t) > T_MAX;
        if (isTold) told += 1;
        const figures = [first.toFixed(1), second.toFixed(1), t.toFixed(1), `${(guessed * 100).toFixed(1)} %`];
        rows.push([`${place}: ${name}`, ...figures, isTold ? 'yes' : 'no']);
      }
    }
    const header = [`unknown key against (${SAMPLES} samples)`, 'unknown µs', 'other µs', 't', 'guessed', 'told apart'];
    process.stdout.write(`${renderTable(header, rows)}\n`);
    return told === 0 ? 0 : 1;
  } finally {
    await product.dispose();
  }
}

process.exitCode = await run();
