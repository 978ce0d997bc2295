import type { Dialect, DialectName, ToldError, Usage } from '../llm/dialect.ts';
import { AnswerFault } from '../llm/faults.ts';
import { DIALECTS } from '../llm/index.ts';
import { mentionsObject } from '../llm/mentions-object.ts';
import { firstOf, parsedOrUndefined, recordOf } from '../llm/record.ts';
import { rerankUsage } from '../llm/rerank.ts';
import type { Call } from './call.ts';
import { headerValue } from './header-text.ts';
import { beginsJson, endsJson } from './json-ends.ts';
import type { PreparedRequest } from './prepare-upstream.ts';
import { SeenOutput } from './seen-output.ts';
import type { Target } from './targets.ts';
import { isTranslationLoaded, translation } from './translation.ts';

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
    call.usage = toldUsage(call, target, body);
    if (call.usage === null) call.seenOutput = { tokens: () => seenTokens(call, target, body) };
    return body;
  }
  const told = errorInstead(call, CLIENT_DIALECTS[target.dialect.name], body);
  if (told !== null) return told;
  if (call.stream) return { detail: NO_STREAM };
  const answer = translation.readAnswer(body, toldInputTokens(target, headers));
  call.complete = answer.isWhole;
  call.usage = answer.usage;
  call.seenOutput = { tokens: () => answer.outputTokensEstimate };
  call.warnings = answer.warnings;
  return Buffer.from(answer.text);
}

const CLIENT_DIALECTS: Readonly<Partial<Record<DialectName, Dialect>>> = DIALECTS;

function toldUsage({ operation, reading }: Call, { native }: Target, body: Buffer): Usage | null {
  if (native === null) return null;
  return operation === 'rerank'
    ? rerankUsage(recordOf(parsedOrUndefined(body.toString('utf8'))))
    : native.readUsage(body, reading?.media !== undefined);
}

/** Of an answer that does not tell: what the model wrote, or the bytes of what cannot be read. */
function seenTokens({ operation }: Call, target: Target, body: Buffer): number {
  if (operation === 'chat' && target.native !== null && isTranslationLoaded()) {
    try {
      return translation().estimatedOutputTokens(target, body);
    } catch (error) {
      if (!(error instanceof AnswerFault)) throw error;
    }
  }
  const bytes = new SeenOutput(null);
  bytes.add(body);
  return bytes.tokens();
}

/** What is to be translated may tell an error in OpenAI's form, whatever the dialect: so do many that stand in front of a provider. */
function errorInstead(call: Call, dialect: Dialect | undefined, body: Buffer): ToldError | null {
  if (isSound(call, dialect, body)) return null;
  const data = body.toString('utf8');
  return (dialect === undefined ? null : toldError(dialect, data)) ?? toldError(DIALECTS.openai, data);
}

function judge(call: Call, native: Dialect, body: Buffer): 'whole' | 'unfinished' | ToldError | InvalidAnswer {
  if (isSound(call, native, body)) return 'whole';
  const data = body.toString('utf8');
  const told = toldError(native, data);
  if (told !== null) return told;
  if (call.operation !== 'chat') return 'whole';
  const judged = native.answerMarks.judge(recordOf(firstOf(parsedOrUndefined(data))));
  return judged === 'foreign' ? { detail: FOREIGN } : judged;
}

/** Answers without marks are not looked at closely: what is larger is no error. */
const UNMARKED_ERROR_BYTES_MAX = 4096;

/** Whether a body is no error, as far as a look without parsing it tells. Only answers of chat have marks. */
function isSound({ operation }: Call, dialect: Dialect | undefined, body: Buffer): boolean {
  if (operation === 'chat' && dialect !== undefined) return dialect.answerMarks.isSound(body);
  return body.length > UNMARKED_ERROR_BYTES_MAX || !mentionsObject(body, '"error"');
}

function toldError({ streamErrors }: Dialect, data: string): ToldError | null {
  return streamErrors.read({ name: '', data });
}

export const FOREIGN = "it is none of the provider's dialect";

/** Where one was asked for, what comes instead can only be an error. */
export const NO_STREAM = 'it is no stream, which was asked for';

function toldInputTokens({ dialect: { inputTokensHeader } }: Target, headers: readonly string[]): number | null {
  const text = inputTokensHeader === undefined ? null : headerValue(headers, inputTokensHeader);
  return text !== null && /^\d{1,15}$/.test(text) ? Number(text) : null;
}
