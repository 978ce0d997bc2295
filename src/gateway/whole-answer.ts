import type { Dialect, ToldError } from '../llm/dialect.ts';
import { mentionsObject } from '../llm/mentions-object.ts';
import { parsedOrUndefined, recordOf } from '../llm/record.ts';
import type { Call } from './call.ts';
import { headerValue } from './header-text.ts';
import { beginsJson, endsJson } from './json-ends.ts';
import type { PreparedRequest } from './prepare-upstream.ts';
import type { Target } from './targets.ts';

/** Nothing for a caller; `detail` is for the operator. */
interface InvalidAnswer {
  readonly detail: string;
}

/** An answer's bytes as they came, and its head. */
interface GatheredAnswer {
  readonly held: readonly Buffer[];
  readonly headers: readonly string[];
}

/**
 * A gathered answer as the caller gets it, the error that it tells instead, or what is wrong with it;
 * what it tells of its usage, and whether it is whole, is noted. Throws an AnswerFault where it cannot be translated.
 */
export function wholeAnswer(
  call: Call,
  target: Target,
  { translation }: PreparedRequest,
  { held, headers }: GatheredAnswer,
): Buffer | ToldError | InvalidAnswer {
  const [first, second] = held;
  const body = first !== undefined && second === undefined ? first : Buffer.concat(held);
  if (!beginsJson(body) || !endsJson(body)) return { detail: 'it is not JSON' };
  if (translation === null) {
    const judged = target.native === null ? 'whole' : judge(call, target.native, body);
    if (judged !== 'whole' && judged !== 'unfinished') return judged;
    call.complete = judged === 'whole';
    call.usage = target.native?.readUsage(body, call.reading?.media !== undefined) ?? null;
    return body;
  }
  const answer = translation.readAnswer(body, toldInputTokens(target, headers));
  call.complete = answer.isWhole;
  call.usage = answer.usage;
  call.warnings = answer.warnings;
  return Buffer.from(answer.text);
}

/** Other answers than those of chat are not looked at closely: what is larger is no error. */
const OTHER_ERROR_BYTES_MAX = 4096;

function judge({ operation }: Call, native: Dialect, body: Buffer): 'whole' | 'unfinished' | ToldError | InvalidAnswer {
  const isChat = operation === 'chat';
  if (isChat ? native.answerMarks.isSound(body) : !mayBeError(body)) return 'whole';
  const data = body.toString('utf8');
  const told = native.streamErrors.read({ name: '', data });
  if (told !== null) return told;
  if (!isChat) return 'whole';
  const value = parsedOrUndefined(data);
  const judged = native.answerMarks.judge(recordOf(Array.isArray(value) ? value[0] : value));
  return judged === 'foreign' ? { detail: FOREIGN } : judged;
}

export const FOREIGN = "it is none of the provider's dialect";

function mayBeError(body: Buffer): boolean {
  return body.length <= OTHER_ERROR_BYTES_MAX && mentionsObject(body, '"error"');
}

function toldInputTokens({ dialect: { inputTokensHeader } }: Target, headers: readonly string[]): number | null {
  const text = inputTokensHeader === undefined ? null : headerValue(headers, inputTokensHeader);
  return text !== null && /^\d{1,15}$/.test(text) ? Number(text) : null;
}
