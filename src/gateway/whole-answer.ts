import type { Call } from './call.ts';
import { headerValue } from './header-text.ts';
import { beginsJson, endsJson } from './json-ends.ts';
import type { PreparedRequest } from './prepare-upstream.ts';
import type { Target } from './targets.ts';

/** An answer's bytes as they came, and its head. */
interface GatheredAnswer {
  readonly held: readonly Buffer[];
  readonly headers: readonly string[];
}

/**
 * A gathered answer as the caller gets it, or what is wrong with it; what it tells of its usage is
 * noted. Throws an AnswerFault where it cannot be translated.
 */
export function wholeAnswer(
  call: Call,
  target: Target,
  { translation }: PreparedRequest,
  { held, headers }: GatheredAnswer,
) {
  const [first, second] = held;
  const body = first !== undefined && second === undefined ? first : Buffer.concat(held);
  if (!beginsJson(body) || !endsJson(body)) return 'it is not JSON';
  if (translation === null) {
    call.usage = target.native?.readUsage(body) ?? null;
    return body;
  }
  const answer = translation.readAnswer(body, toldInputTokens(target, headers));
  call.usage = answer.usage;
  call.warnings = answer.warnings;
  return Buffer.from(answer.text);
}

function toldInputTokens({ dialect: { inputTokensHeader } }: Target, headers: readonly string[]): number | null {
  const text = inputTokensHeader === undefined ? null : headerValue(headers, inputTokensHeader);
  return text !== null && /^\d{1,15}$/.test(text) ? Number(text) : null;
}
