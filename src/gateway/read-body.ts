import type { Call } from './call.ts';
import { refusal } from './refusal.ts';
import type { Refusal } from './refusal.ts';
import type { RequestHead } from './request-head.ts';

/** Reads the request's body, at most as large as the settings allow, into `call.body`. */
export function readBody(call: Call, head: RequestHead): Promise<Refusal | null> {
  const bytesMax = call.config.settings.bodyBytesMax;
  if (head.contentLength > bytesMax) return Promise.resolve(tooLarge(bytesMax));
  return new Promise((resolve) => {
    const { req } = call;
    let first: Buffer | null = null;
    let rest: Buffer[] | null = null;
    let bytes = 0;
    req.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > bytesMax) {
        req.removeAllListeners('data');
        resolve(tooLarge(bytesMax));
      } else if (first === null) {
        first = chunk;
      } else {
        rest ??= [first];
        rest.push(chunk);
      }
    });
    req.on('end', () => {
      call.bodyEnded = true;
      call.body = rest === null ? (first ?? EMPTY) : Buffer.concat(rest, bytes);
      resolve(null);
    });
    call.onClientGone = () => resolve(refusal('client_closed'));
  });
}

const EMPTY = Buffer.alloc(0);

function tooLarge(bytesMax: number): Refusal {
  return refusal('body_too_large', {
    message: `The body is larger than the ${bytesMax} bytes that this gateway accepts.`,
  });
}
