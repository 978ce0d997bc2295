/** A provider's whole answer (https://platform.openai.com/docs/api-reference/responses/object). */
import type { ChatAnswer, Part } from '../canonical.ts';
import { AnswerFault } from '../faults.ts';
import { countOf, isRecord, otherMembers, textOf, type JsonRecord } from '../record.ts';
import { partsOfItem } from './answer-items.ts';
import { responsesUsage } from './dialect.ts';
import { readFinish } from './finish.ts';

/** Members that are read, or that only repeat the request: an answer to our caller repeats theirs. */
const KNOWN: ReadonlySet<string> = new Set([
  'id',
  'object',
  'created_at',
  'completed_at',
  'status',
  'model',
  'output',
  'output_text',
  'usage',
  'error',
  'incomplete_details',
  'background',
  'instructions',
  'max_output_tokens',
  'max_tool_calls',
  'metadata',
  'parallel_tool_calls',
  'previous_response_id',
  'prompt_cache_key',
  'prompt_cache_retention',
  'reasoning',
  'safety_identifier',
  'store',
  'temperature',
  'text',
  'tool_choice',
  'tools',
  'top_logprobs',
  'top_p',
  'truncation',
  'user',
  'frequency_penalty',
  'presence_penalty',
]);

export function readAnswer(body: JsonRecord): ChatAnswer {
  const output: unknown = body['output'];
  const isEnded = typeof body['status'] === 'string';
  if (!Array.isArray(output) && !isEnded) throw new AnswerFault('the answer is not a response: it has no output');
  const parts = (Array.isArray(output) ? output : []).filter(isRecord).flatMap(partsOfItem);
  return {
    ...answerFacts(body),
    choices: [{ index: 0, parts, finish: readFinish(body, body['status'], parts.some(callsTool)) }],
    usage: responsesUsage(body['usage']),
  };
}

/** What of a response is known from its first event on. */
export function answerFacts(response: JsonRecord): Pick<ChatAnswer, 'id' | 'model' | 'createdS' | 'extra'> {
  return {
    id: textOf(response['id']),
    model: textOf(response['model']),
    createdS: secondsOf(response['created_at']),
    extra: otherMembers(response, KNOWN),
  };
}

/** xAI tells fractions. */
function secondsOf(value: unknown): number | null {
  return typeof value === 'number' ? countOf(Math.floor(value)) : null;
}

function callsTool(part: Part): boolean {
  return part.kind === 'tool_call';
}
