/** Predictions (https://replicate.com/docs/topics/predictions/lifecycle). */
import type { ChatAnswer, Finish, Part, StreamError } from '../canonical.ts';
import type { Usage } from '../dialect.ts';
import { AnswerFault, ToldFault } from '../faults.ts';
import type { JsonRecord } from '../record.ts';
import { countOf, recordOf, textOf } from '../record.ts';
import { ThinkTags } from '../think-tags.ts';

/** A prediction that has succeeded; a ToldFault for one that has not. */
export function readAnswer(body: JsonRecord): ChatAnswer {
  switch (body['status']) {
    case 'succeeded':
      return answerOf(body);
    case 'failed':
      throw new ToldFault(failureOf(textOf(body['error'])));
    // The wait is over before the model is: the deadline of the request ends it, if it has not yet.
    case 'starting':
    case 'processing':
    case 'canceled':
    case 'aborted':
      throw new ToldFault(UNFINISHED);
    default:
      throw new AnswerFault('the answer is no prediction');
  }
}

const UNFINISHED: StreamError = {
  status: 504,
  type: 'prediction_unfinished',
  message: 'The prediction did not finish while it was waited for.',
  sentence:
    'The model did not finish within the 60 seconds that Replicate waits, and was cancelled. Try again, as a model that had to start first is ready by then; or ask for less.',
};

/** What the model's own words mean: nothing else tells a fault of the caller from one of the machine. */
function failureOf(words: string): StreamError {
  const message = words === '' ? 'The prediction failed.' : words;
  const known = FAILURES.find(({ said }) => said.test(message));
  return { message, type: known?.type ?? 'prediction_failed', status: known === undefined ? 502 : 400 };
}

const FAILURES: readonly { readonly said: RegExp; readonly type: string }[] = [
  { said: /flagged as sensitive|\(E005\)/i, type: 'content_filter' },
  { said: /^input validation error/i, type: 'invalid_input' },
  {
    said: /(?:prompt|input|context)\b.{0,60}\bexceed.{0,60}\b(?:length|limit|window)/i,
    type: 'context_length_exceeded',
  },
];

function answerOf(body: JsonRecord): ChatAnswer {
  const createdMs = Date.parse(textOf(body['created_at']));
  const usage = usageOf(recordOf(body['metrics']));
  return {
    id: textOf(body['id']),
    model: textOf(body['model']),
    createdS: Number.isNaN(createdMs) ? null : Math.floor(createdMs / 1000),
    choices: [{ index: 0, parts: partsOf(outputOf(body['output'])), finish: finishOf(usage, body['input']) }],
    usage,
    extra: {},
  };
}

/** Some models reason in tags. */
function partsOf(output: string): readonly Part[] {
  const tags = new ThinkTags();
  const pieces = [...tags.read([{ kind: 'text', text: output }]), ...tags.end()];
  if (pieces.length === 0) return [{ kind: 'text', text: '' }];
  return pieces.map(({ kind, text }) =>
    kind === 'thinking' ? { kind, text, signature: null } : { kind: 'text', text },
  );
}

/** Text at once, or in the pieces in which it was made. */
function outputOf(output: unknown): string {
  if (typeof output === 'string') return output;
  const pieces: readonly unknown[] = Array.isArray(output) ? output : [null];
  if (!pieces.every((piece) => typeof piece === 'string')) throw new AnswerFault('the output is no text');
  return pieces.join('');
}

/** Only Replicate's own language models tell them. */
function usageOf(metrics: JsonRecord): Usage | null {
  const input = countOf(metrics['input_token_count']);
  const output = countOf(metrics['output_token_count']);
  if (input === null && output === null) return null;
  return {
    inputTokens: input ?? 0,
    cachedInputTokens: 0,
    cacheWriteTokens: 0,
    outputTokens: output ?? 0,
    reasoningTokens: 0,
  };
}

/** No reason is told: what is as long as it may be was cut, as the prediction repeats what was asked. */
function finishOf(usage: Usage | null, input: unknown): Finish {
  const limit = countOf(recordOf(input)['max_tokens']);
  return { reason: limit !== null && usage !== null && usage.outputTokens >= limit ? 'length' : 'stop' };
}
