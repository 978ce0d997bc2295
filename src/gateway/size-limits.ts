import type { Call } from './call.ts';
import { refusal } from './refusal.ts';
import type { Refusal } from './refusal.ts';

/** The answer is larger than the key may receive: no other attempt would be smaller. */
export function answerTooLarge({ responseBytesMax }: Call): Refusal {
  const message = `The answer is larger than the ${responseBytesMax} bytes that this API key may receive. Ask for less, or ask the owner of the key for a higher limit.`;
  return refusal('answer_too_large', { message });
}
