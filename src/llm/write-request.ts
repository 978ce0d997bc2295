import { BoundedMap } from '../lib/bounded-map.ts';
import type { PreparedBody, RequestReading, Span } from './dialect.ts';

/** Splices the model's name and, unless told not to, the usage option; all else stays byte for byte. */
export function writeRequest(reading: RequestReading, upstreamModel: string, askUsage = true): PreparedBody {
  const model = reading.isForm === true ? Buffer.from(upstreamModel) : quotedModel(upstreamModel);
  const ask = askUsage ? reading.askUsage : null;
  const [only, second] = reading.modelSpans;
  // Nearly every call: one name, nothing to ask.
  if (only !== undefined && second === undefined && ask === null) {
    return { body: replaceSpan(reading.body, only, model), hideUsage: false };
  }
  const splices = reading.modelSpans.map(({ from, to }) => ({ from, to, bytes: model }));
  if (ask !== null) splices.push({ from: ask.from, to: ask.to, bytes: Buffer.from(ask.text) });
  const inOrder = splices.sort((a, b) => a.from - b.from);
  return { body: spliceBody(reading.body, inOrder), hideUsage: ask !== null };
}

/** Names in quotes, as bytes; there are few, and each is sent often. */
const quotedModels = new BoundedMap<string, Buffer>(1024);

function quotedModel(name: string): Buffer {
  const known = quotedModels.get(name);
  if (known !== undefined) return known;
  const quoted = Buffer.from(JSON.stringify(name));
  quotedModels.set(name, quoted);
  return quoted;
}

function replaceSpan(body: Buffer, { from, to }: Span, bytes: Buffer): Buffer {
  const out = Buffer.allocUnsafe(body.length - (to - from) + bytes.length);
  body.copy(out, 0, 0, from);
  bytes.copy(out, from);
  body.copy(out, from + bytes.length, to);
  return out;
}

function spliceBody(body: Buffer, splices: readonly (Span & { readonly bytes: Buffer })[]): Buffer {
  const pieces: Buffer[] = [];
  let from = 0;
  for (const splice of splices) {
    pieces.push(body.subarray(from, splice.from), splice.bytes);
    from = splice.to;
  }
  pieces.push(body.subarray(from));
  return Buffer.concat(pieces);
}
