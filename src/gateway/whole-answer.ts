import type { Call } from './call.ts';
import { beginsJson, endsJson } from './json-ends.ts';
import type { PreparedRequest } from './prepare-upstream.ts';
import type { Target } from './targets.ts';

/**
 * A gathered answer as the caller gets it, or what is wrong with it; what it tells of its usage is
 * noted. Throws an AnswerFault where it cannot be translated.
 */
export function wholeAnswer(call: Call, target: Target, { translation }: PreparedRequest, held: readonly Buffer[]) {
  const [first, second] = held;
  const body = first !== undefined && second === undefined ? first : Buffer.concat(held);
  if (!beginsJson(body) || !endsJson(body)) return 'it is not JSON';
  if (translation === null) {
    call.usage = target.native?.readUsage(body) ?? null;
    return body;
  }
  const answer = translation.readAnswer(body);
  call.usage = answer.usage;
  call.warnings = answer.warnings;
  return Buffer.from(answer.text);
}
