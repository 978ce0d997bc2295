import type { Context } from 'hono';
import { AppError } from '../errors.ts';

const BODY_BYTES_MAX = 1024 * 1024;

/**
 * The body as text, empty without one; throws `body_too_large`. Not Hono's own limit, which makes a
 * second `Request` of one without an announced length: with the listener's lazy ones that throws.
 */
export async function readText(c: Context): Promise<string> {
  return new TextDecoder().decode(await readBytes(c, BODY_BYTES_MAX));
}

/** The body as it was sent, for signatures. */
export async function readBytes(c: Context, bytesMax: number): Promise<Uint8Array> {
  const announced = c.req.header('transfer-encoding') === undefined ? c.req.header('content-length') : undefined;
  if (Number(announced ?? 0) > bytesMax) throw new AppError('body_too_large');
  // HTTP holds a body to its announced length.
  if (announced !== undefined) return new Uint8Array(await c.req.arrayBuffer());
  const pieces: Uint8Array[] = [];
  let length = 0;
  const stream: AsyncIterable<Uint8Array> | null = c.req.raw.body;
  for await (const piece of stream ?? []) {
    length += piece.length;
    if (length > bytesMax) throw new AppError('body_too_large');
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}
