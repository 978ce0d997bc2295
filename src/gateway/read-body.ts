import type { Call } from './call.ts';
import { refusal } from './refusal.ts';
import type { Refusal } from './refusal.ts';

/** Reads the request's body, at most as large as the settings allow, into `call.body`. */
export function readBody(call: Call): Promise<Refusal | null> {
  const { bodyBytesMax } = call.config.settings;
  return new Promise((resolve) => {
    call.inbound.readBody(bodyBytesMax, (body) => {
      if (body === 'too-large') {
        const message = `The body is larger than the ${bodyBytesMax} bytes that this gateway accepts.`;
        resolve(refusal('body_too_large', { message }));
      } else if (body === 'gone') {
        resolve(refusal('client_closed'));
      } else if (typeof body === 'string') {
        resolve(refusal(body));
      } else {
        call.body = body;
        resolve(null);
      }
    });
  });
}
