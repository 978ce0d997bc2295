/** A whole answer, read as if it were a stream: real streams are at another URL, which takes a second request. */
import type { AnswerEvent } from '../canonical.ts';
import type { StreamReader } from '../codec.ts';
import { AnswerFault, ToldFault } from '../faults.ts';
import { isRecord, parsedOrUndefined } from '../record.ts';
import { readAnswer } from './read-answer.ts';

const BYTES_MAX = 16 * 1024 * 1024;

export function readStream(onEvent: (event: AnswerEvent) => void): StreamReader {
  let chunks: Buffer[] = [];
  let bytes = 0;
  return {
    push(chunk) {
      bytes += chunk.length;
      if (bytes > BYTES_MAX) throw new AnswerFault('the answer is too large');
      // A copy: the caller's memory may be used for the next bytes.
      chunks.push(Buffer.from(chunk));
    },
    end() {
      const body = parsedOrUndefined(Buffer.concat(chunks).toString('utf8'));
      chunks = [];
      if (bytes === 0) return;
      bytes = 0;
      if (!isRecord(body)) throw new AnswerFault('the answer is no JSON object');
      for (const event of played(body)) onEvent(event);
    },
  };
}

function played(body: Readonly<Record<string, unknown>>): readonly AnswerEvent[] {
  try {
    return eventsOf(readAnswer(body));
  } catch (error) {
    if (error instanceof ToldFault) return [{ type: 'error', error: error.told }];
    throw error;
  }
}

function eventsOf({
  id,
  model,
  createdS,
  choices,
  usage,
  extra,
}: ReturnType<typeof readAnswer>): readonly AnswerEvent[] {
  return [
    { type: 'start', id, model, createdS, extra },
    ...choices.flatMap(({ index: choice, parts, finish }): readonly AnswerEvent[] => [
      ...parts.flatMap((part, at): readonly AnswerEvent[] =>
        part.kind === 'text' || part.kind === 'thinking'
          ? [
              { type: 'open', choice, part: at, start: { kind: part.kind } },
              { type: 'delta', choice, text: part.text },
              { type: 'close', choice },
            ]
          : [],
      ),
      { type: 'finish', choice, finish },
    ]),
    ...(usage === null ? [] : [{ type: 'usage', usage } as const]),
    { type: 'end' },
  ];
}
