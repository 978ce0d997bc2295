import type { PreparedBody, RequestReading, Splice } from './dialect.ts';

/** Splices the model's name and, unless told not to, the usage option; all else stays byte for byte. */
export function writeRequest(reading: RequestReading, upstreamModel: string, askUsage = true): PreparedBody {
  const text = JSON.stringify(upstreamModel);
  const splices: Splice[] = reading.modelSpans.map(({ from, to }) => ({ from, to, text }));
  const ask = askUsage ? reading.askUsage : null;
  if (ask !== null) splices.push(ask);
  return {
    body: spliceBody(
      reading.body,
      splices.sort((a, b) => a.from - b.from),
    ),
    hideUsage: ask !== null,
  };
}

function spliceBody(body: Buffer, splices: readonly Splice[]): Buffer {
  if (splices.length === 0) return body;
  const pieces: Buffer[] = [];
  let from = 0;
  for (const splice of splices) {
    pieces.push(body.subarray(from, splice.from), Buffer.from(splice.text));
    from = splice.to;
  }
  pieces.push(body.subarray(from));
  return Buffer.concat(pieces);
}
